//! Statements in sessions, with what each gives.
//!
//! A file of `tests/facts` has sections, each a session of its own in a schema of its own:
//!
//! ```text
//! # area: what it is about
//! > a statement
//! : names and types of its columns
//! = its rows as JSON, cells as strings
//! > a statement that fails
//! ! CLASS.OF.THE.ERROR SQLSTATE
//! ? the embedded workspace refuses by name what Spark does
//! ~ it fails, or names or types differ: the values never do
//! ```
//!
//! A statement without any of these has to succeed. `statements.txt` is written by hand from the rules that the platform documents;
//! `spark_statements.txt` is what Apache Spark gave for `spark_suite.txt` (`cargo xtask sql-oracle`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use databricks_local::LocalWorkspace;
use serde_json::{Value, json};

use crate::client::{fast, post};
use crate::statements::execute;

/// A file of facts, read when the test runs: to write it anew compiles nothing.
pub(crate) fn facts(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/facts").join(name);
    std::fs::read_to_string(path).unwrap()
}

#[derive(Debug, Default)]
struct Fact {
    statement: String,
    columns: Option<String>,
    rows: Option<Value>,
    error: Option<String>,
    refused: bool,
    /// A difference that is known.
    known: bool,
}

fn sections(text: &str) -> Vec<(String, Vec<Fact>)> {
    let mut all: Vec<(String, Vec<Fact>)> = Vec::new();
    for line in text.lines() {
        let Some((mark, rest)) = line.split_once(' ') else { continue };
        let facts = all.last_mut().map(|(_, facts)| facts);
        let last = facts.and_then(|facts| match mark {
            ">" => {
                facts.push(Fact { statement: rest.to_owned(), ..Fact::default() });
                None
            }
            _ => facts.last_mut(),
        });
        match (mark, last) {
            ("#", _) => all.push((rest.to_owned(), Vec::new())),
            (":", Some(fact)) => fact.columns = Some(rest.to_owned()),
            ("=", Some(fact)) => fact.rows = Some(serde_json::from_str(rest).unwrap()),
            ("!", Some(fact)) => fact.error = Some(rest.to_owned()),
            ("?", Some(fact)) => fact.refused = true,
            ("~", Some(fact)) => fact.known = true,
            _ => {}
        }
    }
    all
}

/// A cell as the facts write it.
fn cell(value: &Value, kind: &str) -> Value {
    let Some(text) = value.as_str() else { return value.clone() };
    if kind.starts_with("timestamp") {
        let plain = text.replacen('T', " ", 1);
        let plain = plain.trim_end_matches('Z');
        // The offset of the session's time zone is written by one side alone.
        let signs = plain.char_indices().skip(11).find(|(_, c)| matches!(c, '+' | '-'));
        let plain = signs.map_or(plain, |(at, _)| &plain[..at]);
        // Zeros at the end of a fraction are written by one side alone.
        return json!(if plain.contains('.') { plain.trim_end_matches('0').trim_end_matches('.') } else { plain });
    }
    if ["array", "map", "struct"].iter().any(|k| kind.starts_with(k)) {
        return serde_json::from_str::<Value>(text).map_or(value.clone(), |v| strings(&v));
    }
    value.clone()
}

/// With numbers and truth values as strings, since the two sides differ in where they quote them.
fn strings(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(strings).collect(),
        Value::Object(members) => {
            members.iter().map(|(k, v)| (k.clone(), strings(v))).collect::<serde_json::Map<_, _>>().into()
        }
        Value::Null => Value::Null,
        Value::String(s) => json!(s),
        other => json!(other.to_string()),
    }
}

fn kind_of(column: &Value) -> String {
    column["type_text"].as_str().unwrap().to_lowercase().replace(": ", ":").replace(", ", ",")
}

/// What differs, or nothing.
fn compare(fact: &Fact, response: &Value) -> Option<String> {
    let message = response["status"]["error"]["message"].as_str().unwrap_or_default();
    if fact.known && response["status"]["state"] == "FAILED" {
        return None;
    }
    if let Some(error) = &fact.error {
        let (class, state) = error.split_once(' ').unwrap_or((error, ""));
        let fits = (message.starts_with(&format!("[{class}]")) || message.starts_with(&format!("[{class}.")))
            && (state.is_empty() || response["status"]["sql_state"] == state);
        return (!fits).then(|| format!("expected {error}, got {} {message}", response["result"]["data_array"]));
    }
    if fact.refused {
        let fits = message.contains("embedded workspace");
        return (!fits).then(|| format!("it is not refused by name: {} {message}", response["result"]["data_array"]));
    }
    if response["status"]["state"] != "SUCCEEDED" {
        return Some(format!("it fails: {message}"));
    }
    let empty = Vec::new();
    let columns = response["manifest"]["schema"]["columns"].as_array().unwrap_or(&empty);
    let kinds: Vec<String> = columns.iter().map(kind_of).collect();
    if let Some(expected) = &fact.columns {
        let names = columns.iter().zip(&kinds).map(|(c, k)| format!("{} {k}", c["name"].as_str().unwrap()));
        let got = names.collect::<Vec<_>>().join(", ");
        if got != *expected && !fact.known {
            return Some(format!("columns are {got}, expected {expected}"));
        }
    }
    let rows = fact.rows.as_ref()?;
    let got: Value = match response["result"]["data_array"].as_array() {
        Some(rows) => rows
            .iter()
            .map(|row| row.as_array().unwrap().iter().zip(&kinds).map(|(v, k)| cell(v, k)).collect::<Value>())
            .collect(),
        None => json!([]),
    };
    let wanted: Value = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row.as_array().unwrap().iter().zip(&kinds).map(|(v, k)| cell(v, k)).collect::<Value>())
        .collect();
    (got != wanted).then(|| format!("rows are {got}, expected {wanted}"))
}

async fn check(text: &str) -> (usize, String) {
    check_on(&fast().await, text).await
}

/// How many facts agree, and what does not.
pub(crate) async fn check_on(w: &LocalWorkspace, text: &str) -> (usize, String) {
    let mut wrong = String::new();
    let mut areas: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut agreed = 0;
    for (number, (title, facts)) in sections(text).into_iter().enumerate() {
        let schema = format!("s{number}");
        execute(w, &format!("CREATE SCHEMA {schema}"), json!({})).await.ok();
        let opened = post(w, "/api/2.0/sql/sessions", json!({"warehouse_id": w.warehouse_id(), "schema": schema}));
        let session = opened.await.ok()["session_id"].clone();
        let area = areas.entry(title.split(':').next().unwrap_or_default().to_owned()).or_default();
        for fact in facts {
            let response = execute(w, &fact.statement, json!({"session_id": session})).await.ok();
            match compare(&fact, &response) {
                None => {
                    agreed += 1;
                    area.0 += 1;
                }
                Some(why) => {
                    area.1 += 1;
                    writeln!(wrong, "# {title}\n> {}\n  {why}", fact.statement).unwrap();
                }
            }
        }
    }
    if !wrong.is_empty() {
        writeln!(wrong, "{agreed} agree; by area (agree, differ): {areas:?}").unwrap();
    }
    (agreed, wrong)
}

#[tokio::test]
async fn statements_do_what_the_platform_documents() {
    let (agreed, wrong) = check(&facts("statements.txt")).await;
    assert!(wrong.is_empty(), "{wrong}");
    assert!(agreed > 250, "{agreed}");
}

#[cfg(not(feature = "delta"))]
#[tokio::test]
async fn versions_of_tables_in_memory_are_refused() {
    let (agreed, wrong) = check(&facts("tables_in_memory.txt")).await;
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(agreed, 9);
}

/// Every fourth section, from one of the first four.
async fn statements_have_the_results_of_spark(part: usize) {
    let text = facts("spark_statements.txt");
    let (head, sections) = text.split_once("\n\n# ").unwrap();
    let mut chosen = head.to_owned();
    for section in sections.split("\n\n# ").skip(part).step_by(4) {
        chosen.push_str("\n\n# ");
        chosen.push_str(section);
    }
    let (agreed, wrong) = check(&chosen).await;
    assert!(wrong.is_empty(), "{wrong}");
    assert!(agreed > 300, "{agreed}");
}

/// A test for each part, so that they run side by side.
macro_rules! parts {
    ($($name:ident: $part:literal,)*) => {$(
        #[tokio::test]
        async fn $name() {
            statements_have_the_results_of_spark($part).await;
        }
    )*};
}

parts! {
    statements_have_the_results_of_spark_in_part_1: 0,
    statements_have_the_results_of_spark_in_part_2: 1,
    statements_have_the_results_of_spark_in_part_3: 2,
    statements_have_the_results_of_spark_in_part_4: 3,
}
