//! What a new release asks for: versions of documents, what is retired, what is in preview, what people decide.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Directory, changed, document, operation};
use crate::commands::diff::decided;
use crate::commands::diff::{self, Effect};
use crate::ir::Api;
use crate::spec::{Documents, KeptFile, Retired, raw, series};

#[test]
fn the_version_is_stated_before_anything_else() {
    let foreign = |head: Value| {
        let mut document = head;
        document["servers"] = json!([]);
        format!("{:#}", Documents::read(&Directory::new(&document).0).unwrap_err())
    };
    for (head, stated) in [
        (json!({"openapi": "3.0.3", "info": {}}), "it is OpenAPI 3.0.3, not 3.1"),
        (json!({"openapi": "3.10.0"}), "it is OpenAPI 3.10.0, not 3.1"),
        (json!({"swagger": "2.0"}), "it is Swagger 2.0, not OpenAPI 3.1"),
        (json!({"info": {}}), "it states no version of OpenAPI"),
        (
            json!({"openapi": "3.1.0", "paths": {"/pets": {"get": {"operationId": "a"}}}}),
            "GET /pets has no x-databricks-level",
        ),
        (json!({"openapi": "3.1.0", "paths": {"/pets": {"get": {}}}}), "GET /pets has no operationId"),
    ] {
        let error = foreign(head);
        assert!(error.contains(stated) && !error.contains("unknown field"), "expected {stated} in: {error}");
    }
    let directory = Directory::new(&document());
    std::fs::write(directory.0.join("rooms.json"), "{\"openapi\": ").unwrap();
    let error = format!("{:#}", Documents::read(&directory.0).unwrap_err());
    assert!(error.contains("rooms.json is not valid JSON") && error.contains("line 1 column"), "{error}");
}

/// The newer release: an operation's input, a member and a value are gone.
fn next() -> Value {
    changed(|d| {
        operation(d)["parameters"].as_array_mut().unwrap().remove(2);
        d["components"]["schemas"]["State"]["enum"] = json!(["LIT"]);
        d["components"]["schemas"]["Room"]["properties"].as_object_mut().unwrap().remove("name");
        d["components"]["schemas"]["Room"]["required"] = json!([]);
    })
}

fn contents(document: &Value) -> BTreeMap<String, String> {
    BTreeMap::from([("rooms".to_owned(), document.to_string())])
}

fn build(directory: &Directory) -> Api {
    directory.build().unwrap().0
}

#[test]
fn what_the_api_removed_stays_deprecated_in_the_same_series() {
    assert_eq!((series("0.1.4").as_str(), series("2.3.0").as_str()), ("0.1", "2"));
    let (old, frozen) = Directory::new(&document()).build().unwrap();
    let retired = Retired::find(&contents(&document()), &contents(&next()), "9.9.9", "0.1").unwrap();
    let directory = Directory::with_signatures(&next(), &frozen);
    retired.write(&directory.0).unwrap();
    assert!(Retired::read(&directory.0).unwrap().is_of("0.1"));
    let new = build(&directory);
    let log = diff::compare(&old, &new);
    let mut told: Vec<_> = log.changes.iter().map(|change| change.text.as_str()).collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            "deprecated: value rooms.State.DARK",
            "retired: input light of rooms.get, kept as deprecated",
            "retired: member rooms.Room.name, kept as deprecated",
        ]
    );
    assert_eq!((log.breaking(), log.asks_for("0.1.0").as_str()), (0, "0.1.1"));
    let room = &new.packages["rooms"].messages[0];
    assert_eq!(room.required[0].wire, "name", "an argument stays one");
    assert_eq!(room.required[0].doc.retired.as_deref(), Some("9.9.9"));

    // The next series lets them go.
    let bare = build(&Directory::with_signatures(&next(), &frozen));
    let log = diff::compare(&new, &bare);
    assert_eq!((log.breaking(), log.asks_for("0.1.1").as_str()), (3, "0.2.0"));
}

#[test]
fn a_whole_operation_a_service_and_a_package_can_be_retired() {
    let mut bare = document();
    bare["paths"] = json!({});
    bare["tags"] = json!([]);
    bare["components"]["schemas"] = json!({});
    let other = changed(|d| {
        d["info"]["title"] = json!("other");
        d["tags"][0]["name"] = json!("doors");
        operation(d)["operationId"] = json!("doors.get");
        operation(d)["tags"] = json!(["doors"]);
    });
    let mut old = contents(&document());
    old.insert("gone".to_owned(), other.to_string().replace("\"other\"", "\"gone\""));
    let retired = Retired::find(&old, &contents(&bare), "9.9.9", "0.1").unwrap();
    let directory = Directory::new(&bare);
    retired.write(&directory.0).unwrap();
    let read = Documents::read(&directory.0).unwrap();
    assert_eq!(read.packages.keys().collect::<Vec<_>>(), ["gone", "rooms"]);
    assert_eq!(read.packages["rooms"].tags.len(), 1);
    assert!(read.packages["rooms"].tags[0].deprecated);
    let there: Vec<_> = crate::spec::operations_of(&read.packages["rooms"]).map(|(_, _, it)| it.id.as_str()).collect();
    assert_eq!(there, ["rooms.get"]);
}

#[test]
fn a_new_name_of_the_same_spelling_takes_the_place_of_the_old() {
    let renamed = changed(|d| {
        let properties = d["components"]["schemas"]["Room"]["properties"].as_object_mut().unwrap();
        let state = properties.remove("state").unwrap();
        properties.insert("State".to_owned(), state);
    });
    let retired = Retired::find(&contents(&document()), &contents(&renamed), "9.9.9", "0.1").unwrap();
    let directory = Directory::new(&renamed);
    retired.write(&directory.0).unwrap();
    assert_eq!(build(&directory).packages["rooms"].messages[0].members().count(), 2);
    assert!(!directory.0.join("retired.json").exists(), "nothing is kept, so there is no file");
}

#[test]
fn what_is_in_preview_is_marked_and_outside_of_the_promise() {
    let preview = json!({"operations": {"rooms.get": "beta"}});
    let (old, frozen) = Directory::new(&document()).with("preview.json", &preview).build().unwrap();
    let next = changed(|d| operation(d)["parameters"][2]["schema"] = json!({"type": "string"}));
    let new = build(&Directory::with_signatures(&next, &frozen).with("preview.json", &preview));
    let get = &new.packages["rooms"].services[0].operations[0];
    assert!(get.doc.facts.iter().any(|fact| fact.contains("In beta")), "{:?}", get.doc.facts);
    let log = diff::compare(&old, &new);
    assert!(matches!(log.changes[0].effect, Effect::BreaksPreview(_)), "{log:?}");
    assert_eq!((log.breaking(), log.asks_for("0.1.0").as_str()), (0, "0.1.1"));

    let wrong = Directory::new(&document()).with("preview.json", &json!({"operations": {"rooms.put": "beta"}}));
    let error = format!("{:#}", wrong.build().unwrap_err());
    assert!(error.contains("rooms.put in `operations of preview.json`, which does not exist"), "{error}");
}

#[test]
fn what_people_have_not_decided_is_on_the_safe_side() {
    let document = changed(|d| {
        let properties = &mut d["components"]["schemas"]["Room"]["properties"];
        properties["door_code"] = json!({"type": "string"});
        properties["extra"] = json!({"type": "object", "additionalProperties": {}});
        operation(d)["parameters"][1]["schema"] = json!({"type": "string"});
        operation(d)["parameters"]
            .as_array_mut()
            .unwrap()
            .push(json!({"name": "house_id", "in": "query", "required": true, "schema": {"type": "string"}}));
    });
    let directory = Directory::new(&document)
        .with("overrides.json", &json!({"read_only": ["rooms.gone"]}))
        .with("sensitive.json", &json!({"plain": ["gone_token"]}));
    assert!(directory.build().is_err());
    let (api, signatures) = decided(Documents::read(&directory.0).unwrap()).unwrap();
    assert_eq!(signatures.operations["rooms.get"], ["room_id", "house_id", "floor"], "what identifies comes first");
    let room = &api.packages["rooms"].messages[0];
    let mark = |wire: &str| room.member(wire).unwrap().0.mark;
    assert_eq!((mark("door_code"), mark("extra")), (crate::ir::Mark::Secret, crate::ir::Mark::Settings));
}

#[test]
fn kept_files_are_changed_in_place() {
    let directory = Directory::new(&document());
    let path = directory.0.join("sensitive.json");
    let text = "{\n  \"note\": \"n\",\n  \"secrets\": [\n    \"a\",\n    \"c\"\n  ],\n  \"aside\": {\n    \"z\": 1,\n    \"b\": 2\n  }\n}\n";
    std::fs::write(&path, text).unwrap();
    let mut file = KeptFile::read(&path).unwrap();
    file.insert("secrets", "b");
    file.insert("plain", "p");
    file.remove("secrets", "a");
    file.remove("aside", "z");
    file.retain(&["aside"], |name| name != "nothing");
    file.write().unwrap();
    let after = text.replace("\"a\",\n    \"c\"", "\"b\",\n    \"c\"").replace("\n    \"z\": 1,", "");
    let after = after.replace("\n  }\n}\n", "\n  },\n  \"plain\": [\n    \"p\"\n  ]\n}\n");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), after);
    assert_eq!(raw(&directory.0).unwrap().len(), 1, "data files are no documents");
}
