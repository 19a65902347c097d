//! The program is killed while clients write: what it acknowledged is there at the next start.
//!
//! Some kills by default; `LOCAL_KILLS=50` is the full measure.

use std::collections::BTreeMap;
use std::sync::mpsc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::process::{Connection, Program};

const WRITERS: usize = 6;
/// How many objects of each kind a writer has.
const OBJECTS: usize = 3;

/// A kind of objects, each of which has a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Secret,
    File,
    Notebook,
    Dbfs,
    Share,
    User,
    Job,
}

const KINDS: [Kind; 7] = [Kind::Secret, Kind::File, Kind::Notebook, Kind::Dbfs, Kind::Share, Kind::User, Kind::Job];

/// One object: its kind and name. Jobs and users are named by the identifiers that they got.
type Object = (Kind, String);

/// What is known of the objects of one writer.
#[derive(Default)]
struct Known {
    /// Texts that were acknowledged; `None` is an acknowledged removal.
    texts: BTreeMap<Object, Option<String>>,
    /// The change that was under way at the kill: it may have happened.
    open: Option<(Object, Option<String>)>,
}

fn accepted(call: std::io::Result<(u16, Value)>) -> Option<Value> {
    let (status, body) = call.ok()?;
    assert!((200..300).contains(&status), "{status} {body}");
    Some(body)
}

fn file(name: &str) -> String {
    format!("/api/2.0/fs/files/Volumes/main/default/kills/{name}")
}

fn user(name: &str) -> String {
    format!("/api/2.0/preview/scim/v2/Users/{name}")
}

/// Writes a text, or removes the object; gives the object once that is acknowledged, and `None` where the connection broke.
/// `None` as a name makes an object whose identifier the workspace chooses.
fn write(c: &mut Connection, kind: Kind, name: Option<&str>, mark: &str, text: Option<&str>) -> Option<Object> {
    let name = name.unwrap_or_default();
    let mut name = name.to_owned();
    let encoded = STANDARD.encode(text.unwrap_or_default());
    match (kind, text) {
        (Kind::Secret, Some(text)) => {
            let body = json!({"scope": "kills", "key": name, "string_value": text});
            accepted(c.json("POST", "/api/2.0/secrets/put", &body))?
        }
        (Kind::Secret, None) => {
            accepted(c.json("POST", "/api/2.0/secrets/delete", &json!({"scope": "kills", "key": name})))?
        }
        (Kind::File, Some(text)) => {
            let (status, _) = c.call("PUT", &file(&name), text.as_bytes()).ok()?;
            assert_eq!(status, 204);
            Value::Null
        }
        (Kind::File, None) => accepted(c.json("DELETE", &file(&name), &Value::Null))?,
        (Kind::Notebook, Some(_)) => {
            let path = format!("/Shared/kills/{name}");
            let body = json!({"path": path, "content": encoded, "format": "RAW", "overwrite": true});
            accepted(c.json("POST", "/api/2.0/workspace/import", &body))?
        }
        (Kind::Notebook, None) => {
            let body = json!({"path": format!("/Shared/kills/{name}")});
            accepted(c.json("POST", "/api/2.0/workspace/delete", &body))?
        }
        (Kind::Dbfs, Some(_)) => {
            let body = json!({"path": format!("/kills/{name}"), "contents": encoded, "overwrite": true});
            accepted(c.json("POST", "/api/2.0/dbfs/put", &body))?
        }
        (Kind::Dbfs, None) => {
            accepted(c.json("POST", "/api/2.0/dbfs/delete", &json!({"path": format!("/kills/{name}")})))?
        }
        (Kind::Share, Some(text)) if mark.is_empty() => {
            let target = format!("/api/2.1/unity-catalog/shares/{name}");
            accepted(c.json("PATCH", &target, &json!({"comment": text})))?
        }
        (Kind::Share, Some(text)) => {
            accepted(c.json("POST", "/api/2.1/unity-catalog/shares", &json!({"name": name, "comment": text})))?
        }
        (Kind::Share, None) => {
            accepted(c.json("DELETE", &format!("/api/2.1/unity-catalog/shares/{name}"), &Value::Null))?
        }
        (Kind::User, Some(text)) if mark.is_empty() => {
            let operation = json!({"op": "replace", "path": "displayName", "value": text});
            accepted(c.json("PATCH", &user(&name), &json!({"Operations": [operation]})))?
        }
        (Kind::User, Some(text)) => {
            let body = json!({"userName": format!("{mark}@example.com"), "displayName": text});
            let made = accepted(c.json("POST", &user("").replace("Users/", "Users"), &body))?;
            made["id"].as_str().unwrap().clone_into(&mut name);
            made
        }
        (Kind::User, None) => accepted(c.json("DELETE", &user(&name), &Value::Null))?,
        (Kind::Job, Some(text)) if mark.is_empty() => {
            let id: i64 = name.parse().unwrap();
            let body = json!({"job_id": id, "new_settings": {"name": text}});
            accepted(c.json("POST", "/api/2.2/jobs/update", &body))?
        }
        (Kind::Job, Some(text)) => {
            let made = accepted(c.json("POST", "/api/2.2/jobs/create", &json!({"name": text})))?;
            name = made["job_id"].to_string();
            made
        }
        (Kind::Job, None) => {
            let id: i64 = name.parse().unwrap();
            accepted(c.json("POST", "/api/2.2/jobs/delete", &json!({"job_id": id})))?
        }
    };
    Some((kind, name))
}

/// The text of an object; `None` if it is not there.
fn read(c: &mut Connection, (kind, name): &Object) -> Option<String> {
    let target = match kind {
        Kind::Secret => format!("/api/2.0/secrets/get?scope=kills&key={name}"),
        Kind::File => file(name),
        Kind::Notebook => format!("/api/2.0/workspace/export?path=/Shared/kills/{name}&format=SOURCE"),
        Kind::Dbfs => format!("/api/2.0/dbfs/read?path=/kills/{name}"),
        Kind::Share => format!("/api/2.1/unity-catalog/shares/{name}"),
        Kind::User => user(name),
        Kind::Job => format!("/api/2.2/jobs/get?job_id={name}"),
    };
    let (status, body) = c.call("GET", &target, b"").unwrap();
    // Jobs that are not there are 400.
    if status == 404 || (status == 400 && *kind == Kind::Job) {
        return None;
    }
    assert_eq!(status, 200, "{target}");
    if *kind == Kind::File {
        return Some(String::from_utf8(body).unwrap());
    }
    let body: Value = serde_json::from_slice(&body).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{target}: {body}")).to_owned();
    let decoded = |value: &Value| String::from_utf8(STANDARD.decode(text(value)).unwrap()).unwrap();
    Some(match kind {
        Kind::Secret => decoded(&body["value"]),
        Kind::Notebook => decoded(&body["content"]),
        Kind::Dbfs => decoded(&body["data"]),
        Kind::Share => text(&body["comment"]),
        Kind::User => text(&body["displayName"]),
        Kind::Job | Kind::File => text(&body["settings"]["name"]),
    })
}

/// Writes and removes until the connection breaks, and reports every acknowledgement.
fn writer(mut c: Connection, writer: usize, round: usize, mut known: Known, acknowledged: &mpsc::Sender<()>) -> Known {
    for step in 0.. {
        let kind = KINDS[(step + writer) % KINDS.len()];
        let chosen = step / KINDS.len() % OBJECTS;
        let present: Vec<&Object> = known.texts.keys().filter(|(of, _)| *of == kind).collect();
        let by_name = !matches!(kind, Kind::User | Kind::Job);
        let object = match (by_name, present.get(chosen)) {
            (true, _) => Some((kind, format!("w{writer}-{chosen}"))),
            (false, found) => found.map(|object| (*object).clone()),
        };
        let there = object.as_ref().is_some_and(|object| matches!(known.texts.get(object), Some(Some(_))));
        if let Some(object) = object.as_ref().filter(|_| !by_name && !there) {
            // What the workspace named is not made again under its name: it is replaced by another.
            known.texts.remove(object);
            continue;
        }
        let text = format!("{writer} {round} {step}");
        let new = if there && step % 5 == 4 { None } else { Some(text.as_str()) };
        let mark = if there { String::new() } else { format!("w{writer}-{round}-{step}") };
        let name = object.as_ref().map(|(_, name)| name.as_str());
        known.open = object.clone().map(|object| (object, new.map(str::to_owned)));
        let Some(done) = write(&mut c, kind, name, &mark, new) else { return known };
        known.texts.insert(done, new.map(str::to_owned));
        known.open = None;
        if acknowledged.send(()).is_err() {
            return known;
        }
    }
    known
}

/// Compares what is there with what was acknowledged, and settles what was under way.
fn check(c: &mut Connection, known: &mut Known) {
    let open = known.open.take();
    for (object, text) in &mut known.texts {
        let found = read(c, object);
        match &open {
            Some((changed, new)) if changed == object && found == *new => text.clone_from(new),
            _ => assert_eq!(found, *text, "{object:?}"),
        }
    }
    // One that was made at the kill may be there or not; if it is, it is as it was meant.
    if let Some((object, new)) = open
        && !known.texts.contains_key(&object)
        && let Some(found) = read(c, &object)
    {
        assert_eq!(Some(&found), new.as_ref(), "{object:?}");
        known.texts.insert(object, Some(found));
    }
}

#[test]
fn what_was_acknowledged_is_there_after_every_kill() {
    let rounds = std::env::var("LOCAL_KILLS").ok().map_or(4, |text| text.parse().unwrap());
    let (temporary, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let arguments = ["--data", data.path().to_str().unwrap()];
    let mut all: Vec<Known> = (0..WRITERS).map(|_| Known::default()).collect();
    let mut total = 0;
    for round in 0..=rounds {
        let mut program = Program::start(temporary.path(), &arguments);
        let mut c = program.connect().unwrap();
        if round == 0 {
            accepted(c.json("POST", "/api/2.0/secrets/scopes/create", &json!({"scope": "kills"}))).unwrap();
        }
        for known in &mut all {
            check(&mut c, known);
        }
        if round == rounds {
            let live = all.iter().flat_map(|known| &known.texts);
            let live =
                live.filter(|((kind, _), text)| matches!(kind, Kind::File | Kind::Dbfs) && text.is_some()).count();
            let files = std::fs::read_dir(data.path().join("files")).unwrap().count();
            assert_eq!(files, live, "content that nothing names was swept, and no other");
            break;
        }
        let (acknowledged, count) = mpsc::channel();
        // Every round ends at another number of acknowledgements, with the others' writes under way.
        let wanted = 1 + (round * 37) % 90;
        all = std::thread::scope(|scope| {
            let writers: Vec<_> = std::mem::take(&mut all)
                .into_iter()
                .enumerate()
                .map(|(n, known)| {
                    let (connection, acknowledged) = (program.connect().unwrap(), acknowledged.clone());
                    scope.spawn(move || writer(connection, n, round, known, &acknowledged))
                })
                .collect();
            for _ in 0..wanted {
                count.recv().unwrap();
            }
            program.kill();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        total += wanted + count.try_iter().count();
    }
    println!("{rounds} kills, {total} acknowledged changes");
}
