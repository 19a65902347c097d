//! The generator as a whole: what it refuses, what stays frozen, what a new release of the description changes.

mod following;
mod masks;
mod previews;
mod wheels;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::commands::diff::{self, Effect};
use crate::files::Files;
use crate::ir::{self, Api, Mark, PagingKind, Place};
use crate::spec::{Documents, Signatures};

static DIRECTORIES: AtomicU32 = AtomicU32::new(0);

/// A directory with one document, gone with the value.
struct Directory(PathBuf);

impl Directory {
    fn new(document: &Value) -> Self {
        let directory = std::env::temp_dir().join(format!(
            "xtask-{}-{}",
            std::process::id(),
            DIRECTORIES.fetch_add(1, Ordering::Relaxed)
        ));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("rooms.json"), document.to_string()).unwrap();
        Self(directory)
    }

    fn with_signatures(document: &Value, signatures: &Signatures) -> Self {
        let directory = Self::new(document);
        std::fs::write(directory.0.join("signatures.json"), signatures.render()).unwrap();
        directory
    }

    fn with(self, name: &str, file: &Value) -> Self {
        std::fs::write(self.0.join(name), file.to_string()).unwrap();
        self
    }

    fn build(&self) -> anyhow::Result<(Api, Signatures)> {
        ir::build(&Documents::read(&self.0)?)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {"title": "rooms", "version": "1"},
        "tags": [{"name": "rooms", "x-databricks-level": "workspace", "x-databricks-accessor": "w.rooms"}],
        "paths": {"/api/2.0/rooms/{room_id}": {"get": {
            "operationId": "rooms.get", "tags": ["rooms"], "x-databricks-level": "workspace", "x-databricks-accessor": "w.rooms",
            "parameters": [
                {"name": "room_id", "in": "path", "required": true, "schema": {"type": "string"}},
                {"name": "floor", "in": "query", "required": true, "schema": {"type": "integer", "format": "int32"}},
                {"name": "light", "in": "query", "required": false, "schema": {"type": "boolean"}}
            ],
            "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Room"}}}}}
        }}},
        "components": {"schemas": {
            "Room": {"type": "object", "properties": {"name": {"type": "string"}, "state": {"$ref": "#/components/schemas/State"}}, "required": ["name"]},
            "State": {"type": "string", "enum": ["LIT", "DARK"]}
        }}
    })
}

/// The document after a change.
fn changed(change: impl FnOnce(&mut Value)) -> Value {
    let mut document = document();
    change(&mut document);
    document
}

fn operation(document: &mut Value) -> &mut Value {
    &mut document["paths"]["/api/2.0/rooms/{room_id}"]["get"]
}

#[test]
fn what_is_not_known_is_refused() {
    type Change = Box<dyn FnOnce(&mut Value)>;
    let refused: [(&str, Change); 9] = [
        ("x-databricks-new", Box::new(|d| operation(d)["x-databricks-new"] = json!(true))),
        ("oneOf", Box::new(|d| d["components"]["schemas"]["Room"]["oneOf"] = json!([]))),
        ("format Some(\"int16\")", Box::new(|d| operation(d)["parameters"][1]["schema"]["format"] = json!("int16"))),
        ("cookie", Box::new(|d| operation(d)["parameters"][1]["in"] = json!("cookie"))),
        (
            "does not exist",
            Box::new(|d| {
                d["components"]["schemas"]["Room"]["properties"]["state"] =
                    json!({"$ref": "#/components/schemas/Gone"});
            }),
        ),
        ("which is not a parameter", Box::new(|d| operation(d)["parameters"][0]["name"] = json!("id"))),
        ("responses other than 200", Box::new(|d| operation(d)["responses"] = json!({"201": {"description": ""}}))),
        ("two things are named", Box::new(|d| d["components"]["schemas"]["State"]["enum"] = json!(["LIT", "lit"]))),
        (
            "rooms.poll is not an operation",
            Box::new(|d| {
                operation(d)["x-databricks-wait"] = json!({
                    "name": "w", "poll": "rooms.poll", "bind": {}, "status": "state", "success": ["LIT"], "failure": [], "timeout_seconds": 1,
                    "result": {"$ref": "#/components/schemas/Room"}
                });
            }),
        ),
    ];
    assert!(Directory::new(&document()).build().is_ok());
    for (told, change) in refused {
        let error = format!("{:#}", Directory::new(&changed(change)).build().unwrap_err());
        assert!(error.contains(told), "expected {told} in: {error}");
    }
}

#[test]
fn every_suspicious_member_is_decided() {
    let document = changed(|d| {
        let members = &mut d["components"]["schemas"]["Room"]["properties"];
        members["door_pin"] = json!({"type": "string"});
        members["env"] = json!({"type": "object", "additionalProperties": {"type": "string"}});
        members["note"] = json!({"type": "string"});
        members["tokens"] = json!({"type": "integer", "format": "int64"});
    });
    let error = Directory::new(&document).build().unwrap_err().to_string();
    assert!(error.ends_with("(secrets, settings or plain):\n  rooms.Room.door_pin\n  rooms.Room.env"), "{error}");

    let decided = json!({"secrets": ["rooms.Room.door_pin"], "settings": ["env"]});
    let (api, _) = Directory::new(&document).with("sensitive.json", &decided).build().unwrap();
    let marks: Vec<_> =
        api.packages["rooms"].messages[0].members().map(|(member, _)| (member.wire.as_str(), member.mark)).collect();
    for expected in [("door_pin", Mark::Secret), ("env", Mark::Settings), ("note", Mark::None), ("tokens", Mark::None)]
    {
        assert!(marks.contains(&expected), "{expected:?} in {marks:?}");
    }
    assert!(api.hidden.secrets.is_empty() && api.hidden.settings.contains("env"));
    assert_eq!(api.hidden.secrets_in_calls["doorpin"].iter().collect::<Vec<_>>(), ["/api/2.0/rooms/{room_id}"]);

    let unused = json!({"secrets": ["door_pin", "gone"], "settings": ["env"]});
    let error = Directory::new(&document).with("sensitive.json", &unused).build().unwrap_err().to_string();
    assert!(error.contains("members that do not exist: gone"), "{error}");
}

#[test]
fn slashes_and_lone_tokens_come_from_the_overrides() {
    let listed = changed(|d| {
        operation(d)["parameters"]
            .as_array_mut()
            .unwrap()
            .push(json!({"name": "page_token", "in": "query", "required": false, "schema": {"type": "string"}}));
        operation(d)["x-databricks-pagination"] = json!({
            "kind": "token", "in": "query", "request_token": "page_token", "response_token": "next_page_token",
            "items": "things", "item": {"type": "string"}
        });
        let members = &mut d["components"]["schemas"]["Room"]["properties"];
        members["things"] = json!({"type": "array", "items": {"type": "string"}});
        members["next_page_token"] = json!({"type": "string"});
    });
    let plain = json!({"plain": ["page_token", "next_page_token"]});
    let overrides = json!({"token_alone": {"rooms.get": []}, "multi_segment": ["rooms.get.room_id"]});
    let (api, _) =
        Directory::new(&listed).with("sensitive.json", &plain).with("overrides.json", &overrides).build().unwrap();
    let package = &api.packages["rooms"];
    let operation = &package.services[0].operations[0];
    assert_eq!(operation.input("room_id").unwrap().places, [Place::Segments]);
    let Some(PagingKind::Token { clears, .. }) = operation.paging.as_ref().map(|paging| &paging.kind) else {
        panic!("no token")
    };
    assert_eq!(clears.iter().map(|input| input.wire.as_str()).collect::<Vec<_>>(), ["light"]);
    let essential: Vec<_> = package.messages[0]
        .members()
        .filter(|(m, _)| m.mark == Mark::Essential)
        .map(|(m, _)| m.wire.as_str())
        .collect();
    assert_eq!(essential, ["next_page_token", "things"]);

    let wrong = json!({"multi_segment": ["rooms.get.floor"]});
    let error = format!(
        "{:#}",
        Directory::new(&listed).with("sensitive.json", &plain).with("overrides.json", &wrong).build().unwrap_err()
    );
    assert!(error.contains("a value with slashes outside of the path"), "{error}");
}

#[test]
fn signatures_stay_as_they_were_first_generated() {
    let (_, frozen) = Directory::new(&document()).build().unwrap();
    assert_eq!(frozen.operations["rooms.get"], ["room_id", "floor"]);
    assert_eq!(frozen.messages["rooms.Room"], ["name"]);
    let relaxed = changed(|d| {
        operation(d)["parameters"][1]["required"] = json!(false);
        operation(d)["parameters"][2]["required"] = json!(true);
        d["components"]["schemas"]["Room"]["required"] = json!(["state"]);
    });
    let (api, after) = Directory::with_signatures(&relaxed, &frozen).build().unwrap();
    assert_eq!(after, frozen);
    let package = &api.packages["rooms"];
    let arguments: Vec<_> = package.services[0].operations[0].required().map(|input| input.wire.as_str()).collect();
    assert_eq!(arguments, ["room_id", "floor"]);
    assert_eq!(package.messages[0].required[0].wire, "name");
}

#[test]
fn several_texts_need_a_reviewed_order() {
    let two = || {
        changed(|d| {
            operation(d)["parameters"][1]["schema"] = json!({"type": "string"});
        })
    };
    let error = format!("{:#}", Directory::new(&two()).build().unwrap_err());
    assert!(error.contains(r#""rooms.get": ["room_id","floor"]"#) && error.contains("signatures.json"), "{error}");
    let signed = |arguments: &[&str]| {
        let mut signatures = Signatures::default();
        signatures.operations.insert("rooms.get".to_owned(), arguments.iter().map(|&wire| wire.to_owned()).collect());
        Directory::with_signatures(&two(), &signatures).build()
    };
    let (api, _) = signed(&["room_id", "floor"]).unwrap();
    assert_eq!(api.packages["rooms"].services[0].operations[0].required().count(), 2);
    let error = format!("{:#}", signed(&["floor", "room_id"]).unwrap_err());
    assert!(error.contains("path parameters come first"), "{error}");
    let (api, _) = signed(&["room_id"]).unwrap();
    let left: Vec<_> =
        api.packages["rooms"].services[0].operations[0].optional().map(|input| input.wire.as_str()).collect();
    assert_eq!(left, ["floor", "light"], "what the order leaves out is a setter");
}

#[test]
fn more_than_three_arguments_of_a_type_are_refused_where_callers_give_them() {
    let document = |sent: bool| {
        changed(|d| {
            let names = ["a", "b", "c", "d"];
            let schema = &mut d["components"]["schemas"]["Room"];
            for name in names {
                schema["properties"][name] = json!({"type": "string"});
            }
            schema["required"] = json!(names);
            if sent {
                operation(d)["parameters"][2] = json!({"name": "like", "in": "query", "required": false, "schema": {"$ref": "#/components/schemas/Room"}});
            }
        })
    };
    let mut signatures = Signatures::default();
    let names = ["b", "a", "d", "c"].map(str::to_owned);
    signatures.messages.insert("rooms.Room".to_owned(), names.to_vec());
    let (api, _) = Directory::with_signatures(&document(false), &signatures).build().unwrap();
    let order: Vec<_> = api.packages["rooms"].messages[0].required.iter().map(|member| member.wire.clone()).collect();
    assert_eq!(order, names, "a response is made by the service alone");
    let error = format!("{:#}", Directory::with_signatures(&document(true), &signatures).build().unwrap_err());
    assert!(error.contains("rooms.Room takes 4 arguments of one type (b, a, d, c)"), "{error}");
}

#[test]
fn a_new_release_is_told_with_what_it_breaks() {
    let (old, frozen) = Directory::new(&document()).build().unwrap();
    let next = changed(|d| {
        operation(d)["parameters"][1]["required"] = json!(false);
        operation(d)["parameters"][2]["schema"] = json!({"type": "string"});
        d["components"]["schemas"]["State"]["enum"] = json!(["LIT", "DIM"]);
        d["components"]["schemas"]["Room"]["properties"]["size"] = json!({"type": "integer", "format": "int64"});
    });
    let (new, _) = Directory::with_signatures(&next, &frozen).build().unwrap();
    let log = diff::compare(&old, &new);
    let told: Vec<_> =
        log.changes.iter().map(|it| (matches!(it.effect, Effect::Breaks(_)), it.text.as_str())).collect();
    for expected in [
        (false, "changed: input floor of rooms.get may be left out now; it stays an argument"),
        (true, "changed: input light of rooms.get, bool -> string"),
        (false, "added: member rooms.Room.size"),
        (true, "removed: value rooms.State.DARK"),
        (false, "added: value rooms.State.DIM"),
    ] {
        assert!(told.contains(&expected), "{expected:?} in {told:?}");
    }
    assert_eq!(told.len(), 5, "{told:?}");
    assert_eq!(log.asks_for("0.3.7"), "0.4.0");
    assert_eq!(log.asks_for("1.3.7"), "2.0.0");
    let text = log.render("0.3.7");
    assert!(text.contains("\nrooms\n") && text.contains("! removed: value rooms.State.DARK (what names it"), "{text}");
    let same = diff::compare(&old, &old);
    assert!(same.changes.is_empty() && same.asks_for("0.3.7") == "0.3.7");
}

#[test]
fn the_same_description_gives_the_same_bytes_anywhere() {
    let render = || {
        let (api, _) = Directory::new(&document()).build().unwrap();
        let mut files = Files::default();
        crate::emit::models(&api, "models", true, &mut files).unwrap();
        crate::emit::facade(&api, "services", "models", true, &mut files).unwrap();
        files
    };
    let root = std::env::temp_dir().join(format!("xtask-same-{}", std::process::id()));
    render().write(&root).unwrap();
    let checked = render().check(&root, "x");
    std::fs::remove_dir_all(&root).unwrap();
    checked.unwrap();
}
