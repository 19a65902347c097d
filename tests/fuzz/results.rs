//! Results of statements, in every format, and the types of their columns.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use arrow_array::Array as _;
use databricks_arrow::ArrowExt as _;
use databricks_sdk::sql::{ChunkStream, Query};
use databricks_sdk::testing::{Reply, Script};
use databricks_sdk::{Method, Result, WorkspaceClient};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::engine::fuzz;
use crate::texts::{SECRET, check_error};

/// Runs on a client of this script, which is to end whatever it gets.
fn with_client<T>(script: &Script, run: impl AsyncFnOnce(WorkspaceClient) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime
        .block_on(async {
            // On a clock of its own: half an hour passes at once when something waits for what never comes.
            tokio::time::timeout(std::time::Duration::from_secs(1_800), run(script.workspace().unwrap())).await
        })
        .expect("it waits for ever")
}

/// A service whose response to every statement is these bytes.
fn statements(response: &[u8]) -> Script {
    let script = Script::new();
    for (method, path) in [(Method::POST, "/api/2.0/sql/statements"), (Method::GET, "/api/2.0/sql/statements/s-1")] {
        let _ = script.expect(method, path).reply(Reply::bytes(response)).forever();
    }
    let _ = script.expect(Method::POST, "/api/2.0/sql/statements/s-1/cancel").forever();
    script
}

/// A service whose statement has a result by one link, with these bytes behind it.
fn linked(format: &str, rows: Option<i64>, bytes: &[u8]) -> Script {
    let columns = json!([{"name": "a", "position": 0, "type_name": "INT", "type_text": "INT"}]);
    let link = json!({"chunk_index": 0, "row_count": rows, "external_link": "https://storage.test/chunk?sig=x"});
    let manifest =
        json!({"format": format, "schema": {"columns": columns}, "total_chunk_count": 1, "total_row_count": rows});
    let response = json!({"statement_id": "s-1", "status": {"state": "SUCCEEDED"}, "manifest": manifest, "result": {"external_links": [link]}});
    let script = statements(response.to_string().as_bytes());
    let _ = script.expect(Method::GET, "/chunk").reply(Reply::bytes(bytes)).forever();
    script
}

/// With a limit on the script's clock, since a statement may be pending for ever.
fn query(w: &WorkspaceClient) -> Query {
    w.sql("SELECT 1").warehouse("w").timeout(Duration::from_secs(60))
}

fn check<T>(result: Result<T>) -> Option<T> {
    result.inspect_err(|error| check_error(error, SECRET)).ok()
}

const JSON: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "null",
    "true",
    "1e400",
    "-0",
    "NaN",
    "9223372036854775808",
    "statement_id",
    "status",
    "state",
    "SUCCEEDED",
    "PENDING",
    "FAILED",
    "CLOSED",
    "manifest",
    "format",
    "JSON_ARRAY",
    "ARROW_STREAM",
    "schema",
    "columns",
    "name",
    "type_name",
    "type_text",
    "STRUCT<a: INT>",
    "MAP<STRING, INT>",
    "DECIMAL(10,2)",
    "VARIANT",
    "TIMESTAMP",
    "total_chunk_count",
    "total_row_count",
    "result",
    "data_array",
    "chunk_index",
    "row_count",
    "row_offset",
    "next_chunk_index",
    "external_links",
    "external_link",
    "truncated",
    "é",
];

#[derive(Deserialize)]
#[expect(dead_code, reason = "only read")]
struct Odd {
    a: Option<Vec<BTreeMap<String, i8>>>,
    b: Option<char>,
    c: Option<u128>,
}

#[test]
fn rows() {
    fuzz("rows", JSON, |bytes| {
        let script = statements(bytes);
        with_client(&script, async |w| {
            check(query(&w).rows::<Value>().try_collect().await);
            check(query(&w).rows::<(i64, String)>().try_collect().await);
            check(query(&w).rows::<BTreeMap<String, Option<Vec<u8>>>>().try_collect().await);
            check(query(&w).rows::<HashMap<String, f64>>().try_collect().await);
            check(query(&w).rows::<Odd>().try_collect().await);
            let rows = check(query(&w).row_stream().try_collect().await);
            for row in rows.into_iter().flatten() {
                let _ = format!("{row:?}");
            }
            drain(query(&w).json()).await;
        });
    });
}

async fn drain(mut chunks: ChunkStream) -> usize {
    let mut bytes = 0;
    while let Some(Some(chunk)) = check(chunks.try_next().await) {
        bytes += chunk.len();
    }
    bytes
}

#[test]
fn csv() {
    let tokens = &[",", "\"", "\"\"", "\n", "\r\n", "\r", "a", "null", "é", "\u{feff}"];
    fuzz("csv", tokens, |bytes| {
        for rows in [None, Some(1), Some(2)] {
            let script = linked("CSV", rows, bytes);
            let read = with_client(&script, async |w| drain(query(&w).csv()).await);
            assert!(read <= bytes.len(), "{read} bytes of {}", bytes.len());
        }
    });
}

/// What is handed out is sound, whatever came.
#[test]
fn arrow() {
    let tokens = &["\u{ff}\u{ff}", "ARROW1", "a", "\0\0\0\0", "\0\0\0\0\0\0\0\0"];
    fuzz("arrow", tokens, |bytes| {
        let script = linked("ARROW_STREAM", Some(3), bytes);
        with_client(&script, async |w| {
            let mut batches = query(&w).batches();
            while let Some(Some(batch)) = check(batches.try_next().await) {
                for column in batch.columns() {
                    column.to_data().validate_full().unwrap();
                }
            }
        });
    });
}

/// Texts of types, each with some cells.
#[test]
fn types() {
    let tokens = &[
        "STRUCT<",
        "ARRAY<",
        "MAP<",
        ">",
        ",",
        ":",
        "INT",
        "STRING",
        "`",
        "``",
        "(",
        ")",
        "10",
        " ",
        "NOT NULL",
        "COMMENT",
        "'",
        "\\'",
        "a",
        "DECIMAL(10,2)",
        "INTERVAL DAY TO SECOND",
        "VARIANT",
        "TIMESTAMP_NTZ",
        "BINARY",
        "é",
    ];
    let cells = ["1", "true", "{\"a\":\"1\"}", "[[\"1\"]]", "AAEC", "2024-01-01T00:00:00.000Z", "1e400", ""];
    fuzz("types", tokens, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let short = text.split(['<', '(', ' ']).next();
        let columns = json!([{"name": "a", "position": 0, "type_name": short, "type_text": text}]);
        let rows: Vec<[Option<&str>; 1]> = cells.iter().map(|cell| [Some(*cell)]).chain([[None]]).collect();
        let manifest = json!({"format": "JSON_ARRAY", "schema": {"columns": columns}, "total_chunk_count": 1, "total_row_count": rows.len()});
        let result = json!({"chunk_index": 0, "row_count": rows.len(), "data_array": rows});
        let response =
            json!({"statement_id": "s-1", "status": {"state": "SUCCEEDED"}, "manifest": manifest, "result": result});
        let script = statements(response.to_string().as_bytes());
        with_client(&script, async |w| {
            check(query(&w).rows::<(Option<Value>,)>().try_collect().await);
            let strings = check(query(&w).rows::<(Option<String>,)>().try_collect().await);
            // A cell is read as a string whatever the type is, and none is lost.
            assert!(strings.is_none_or(|strings| strings.len() == cells.len() + 1));
        });
    });
}
