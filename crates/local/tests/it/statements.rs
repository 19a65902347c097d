//! Statements over the wire, on the engine.

use std::time::Duration;

use databricks_local::LocalWorkspace;
use serde_json::{Value, json};

use crate::client::{Response, fast, get, post, send, until};

const PATH: &str = "/api/2.0/sql/statements";

pub(crate) async fn execute(w: &LocalWorkspace, statement: &str, extra: Value) -> Response {
    let mut body = json!({"warehouse_id": w.warehouse_id(), "statement": statement, "wait_timeout": "30s"});
    for (name, value) in extra.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    let mut response = post(w, PATH, body).await;
    // A busy machine may take longer than one call waits.
    while extra.get("wait_timeout").is_none()
        && response.status == 200
        && matches!(response.json()["status"]["state"].as_str(), Some("PENDING" | "RUNNING"))
    {
        let id = response.json()["statement_id"].as_str().unwrap().to_owned();
        tokio::time::sleep(Duration::from_millis(20)).await;
        response = get(w, &format!("{PATH}/{id}")).await;
    }
    response
}

/// Runs to success and gives the rows of the first chunk.
pub(crate) async fn rows(w: &LocalWorkspace, statement: &str, extra: Value) -> Value {
    let response = execute(w, statement, extra).await.ok();
    assert_eq!(response["status"]["state"], "SUCCEEDED", "{statement}: {response}");
    response["result"]["data_array"].clone()
}

pub(crate) async fn fails(w: &LocalWorkspace, statement: &str, extra: Value) -> (String, String) {
    let response = execute(w, statement, extra).await.ok();
    assert_eq!(response["status"]["state"], "FAILED", "{statement}: {response}");
    let message = response["status"]["error"]["message"].as_str().unwrap().to_owned();
    let state = response["status"]["sql_state"].as_str().unwrap_or_default().to_owned();
    (message, state)
}

/// The rows of a statement that may have none, which is no member of the response.
pub(crate) async fn rows_or_none(w: &LocalWorkspace, statement: &str) -> Value {
    match rows(w, statement, json!({})).await {
        Value::Null => json!([]),
        found => found,
    }
}

pub(crate) async fn run_all(w: &LocalWorkspace, script: &[&str]) {
    for statement in script {
        rows(w, statement, json!({})).await;
    }
}

/// Fails with a class of errors.
pub(crate) async fn refused(w: &LocalWorkspace, statement: &str, class: &str) {
    let message = fails(w, statement, json!({})).await.0;
    assert!(message.starts_with(&format!("[{class}]")), "{statement}: {message}");
}

/// The bytes behind the link of a chunk.
async fn download(w: &LocalWorkspace, link: &Value) -> Response {
    let target = link["external_link"].as_str().unwrap().strip_prefix(w.url()).unwrap();
    send(w, "GET", target, &[], b"").await.unwrap()
}

#[tokio::test]
async fn types_have_the_platforms_names_and_texts() {
    let w = fast().await;
    let statement = "SELECT 1 AS i, 3000000000 AS l, CAST(1 AS SMALLINT) AS s, 1.50 AS d, CAST(1.5 AS DOUBLE) AS f, \
                     true AS b, 'x\"y' AS t, DATE '2024-02-29' AS day, TIMESTAMP '2024-02-29 01:02:03' AS ts, NULL AS n, \
                     CAST(NULL AS BIGINT) AS nl, CAST('ab' AS BINARY) AS bin";
    let response = execute(&w, statement, json!({})).await.ok();
    assert_eq!(response["status"]["state"], "SUCCEEDED", "{response}");
    let columns = response["manifest"]["schema"]["columns"].as_array().unwrap();
    let types: Vec<_> =
        columns.iter().map(|c| (c["type_name"].as_str().unwrap(), c["type_text"].as_str().unwrap())).collect();
    assert_eq!(
        types,
        [
            ("INT", "INT"),
            ("LONG", "BIGINT"),
            ("SHORT", "SMALLINT"),
            ("DECIMAL", "DECIMAL(3,2)"),
            ("DOUBLE", "DOUBLE"),
            ("BOOLEAN", "BOOLEAN"),
            ("STRING", "STRING"),
            ("DATE", "DATE"),
            ("TIMESTAMP", "TIMESTAMP"),
            ("NULL", "VOID"),
            ("LONG", "BIGINT"),
            ("BINARY", "BINARY"),
        ]
    );
    assert_eq!((&columns[3]["type_precision"], &columns[3]["type_scale"]), (&json!(3), &json!(2)));
    assert_eq!(columns[3]["position"], 3);
    assert_eq!(
        response["result"]["data_array"],
        json!([[
            "1",
            "3000000000",
            "1",
            "1.50",
            "1.5",
            "true",
            "x\"y",
            "2024-02-29",
            "2024-02-29T01:02:03.000Z",
            null,
            null,
            "YWI=",
        ]])
    );
    assert_eq!(response["manifest"]["total_row_count"], 1);
    assert_eq!(response["manifest"]["truncated"], false);
}

#[tokio::test]
async fn the_language_is_there() {
    let w = fast().await;
    for (statement, expected) in [
        (
            "WITH t AS (SELECT id FROM range(10)) SELECT count(*), sum(id), avg(id) FROM t WHERE id % 2 = 1",
            json!([["5", "25", "5.0"]]),
        ),
        (
            "SELECT id, row_number() OVER (ORDER BY id DESC) AS r, lag(id, 1) OVER (ORDER BY id) AS p FROM range(1, 4) ORDER BY 1 LIMIT 2",
            json!([["1", "3", null], ["2", "2", "1"]]),
        ),
        ("SELECT 7 / 2, 1 + 1, 'a' || 'b', upper('x'), length('héé')", json!([["3.5", "2", "ab", "X", "3"]])),
        (
            "SELECT date_trunc('month', DATE '2024-05-17'), extract(year FROM DATE '2024-05-17')",
            json!([["2024-05-01T00:00:00.000Z", "2024"]]),
        ),
        (
            "SELECT regexp_replace('a1b2', '[0-9]', ''), substring('hello', 2, 3), \"double\"",
            json!([["ab", "ell", "double"]]),
        ),
        ("SELECT a.id FROM range(3) a JOIN range(2, 5) b ON a.id = b.id", json!([["2"]])),
        (
            "SELECT current_user(), current_catalog(), current_schema()",
            json!([["local.user@example.com", "main", "default"]]),
        ),
        ("SELECT count(*) FROM samples.nyctaxi.trips", json!([["5000"]])),
        (
            "SELECT count(*) > 0 FROM main.samples.trips t JOIN main.samples.zones z ON t.pickup_zip = z.zip WHERE borough = 'Queens'",
            json!([["true"]]),
        ),
        ("SELECT 1 AS a, 2 AS a", json!([["1", "2"]])),
        ("SELECT id FROM range(10, 0, -4)", json!([["10"], ["6"], ["2"]])),
        ("SHOW TABLES IN samples.nyctaxi", json!([["nyctaxi", "trips", "false"], ["nyctaxi", "zones", "false"]])),
        ("SHOW CATALOGS", json!([["main"], ["samples"]])),
        (
            "SELECT table_name FROM samples.information_schema.tables WHERE table_schema = 'nyctaxi' AND table_catalog = 'samples' ORDER BY 1",
            json!([["trips"], ["zones"]]),
        ),
    ] {
        assert_eq!(rows(&w, statement, json!({})).await, expected, "{statement}");
    }
}

#[tokio::test]
async fn columns_without_alias_have_the_platforms_names() {
    let w = fast().await;
    let statement = "SELECT count(*), sum(t.id + 1), max(id), t.id, 'x', 1, :p, 1 FROM range(3) t GROUP BY t.id";
    let response =
        execute(&w, statement, json!({"parameters": [{"name": "p", "value": "5", "type": "INT"}]})).await.ok();
    assert_eq!(response["status"]["state"], "SUCCEEDED", "{response}");
    let names: Vec<_> = response["manifest"]["schema"]["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["count(1)", "sum((id + 1))", "max(id)", "id", "x", "1", "5", "1"]);
}

#[tokio::test]
async fn parameters_have_types_and_null() {
    let w = fast().await;
    let parameters = json!([
        {"name": "i", "value": "-5", "type": "INT"},
        {"name": "l", "value": "9007199254740993", "type": "BIGINT"},
        {"name": "s", "value": "it's :i \\ \"x\""},
        {"name": "e", "value": ""},
        {"name": "n", "type": "DOUBLE"},
        {"name": "d", "value": "12.345", "type": "DECIMAL(10,3)"},
        {"name": "f", "value": "0.5", "type": "DOUBLE"},
        {"name": "b", "value": "true", "type": "BOOLEAN"},
        {"name": "day", "value": "2024-02-29", "type": "DATE"},
        {"name": "ts", "value": "2024-02-29T01:02:03Z", "type": "TIMESTAMP"},
        {"name": "y", "value": "7", "type": "BYTE"},
        {"name": "k", "value": "2", "type": "INT"},
    ]);
    let statement = "SELECT :i AS i, :l AS l, :s AS s, :e AS e, :n AS n, :d AS d, :f AS f, :b AS b, :day AS day, :ts AS ts, :y AS y";
    let response = execute(&w, statement, json!({"parameters": parameters})).await.ok();
    assert_eq!(response["status"]["state"], "SUCCEEDED", "{response}");
    assert_eq!(
        response["result"]["data_array"],
        json!([[
            "-5",
            "9007199254740993",
            "it's :i \\ \"x\"",
            "",
            null,
            "12.345",
            "0.5",
            "true",
            "2024-02-29",
            "2024-02-29T01:02:03.000Z",
            "7",
        ]])
    );
    let types: Vec<_> = response["manifest"]["schema"]["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["type_name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        types,
        ["INT", "LONG", "STRING", "STRING", "DOUBLE", "DECIMAL", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP", "BYTE"]
    );
    let limited = rows(&w, "SELECT id FROM range(10) WHERE id > :i LIMIT :k", json!({"parameters": parameters})).await;
    assert_eq!(limited.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn mistakes_fail_the_statement_not_the_call() {
    let w = fast().await;
    let int = |value: &str| json!({"parameters": [{"name": "a", "value": value, "type": "INT"}]});
    for (statement, extra, class, state) in [
        ("SELEC 1", json!({}), "[PARSE_SYNTAX_ERROR]", "42601"),
        ("SELECT 1; SELECT 2", json!({}), "[PARSE_SYNTAX_ERROR]", "42601"),
        ("SELECT * FROM nothing", json!({}), "[TABLE_OR_VIEW_NOT_FOUND]", "42P01"),
        ("SELECT nothing FROM range(1)", json!({}), "[UNRESOLVED_COLUMN.WITH_SUGGESTION]", "42703"),
        ("SELECT no_such_function(1)", json!({}), "[UNRESOLVED_ROUTINE]", "42883"),
        ("SELECT 1 / 0", json!({}), "[DIVIDE_BY_ZERO]", "22012"),
        ("SELECT id / (id - 1) FROM range(3)", json!({}), "[DIVIDE_BY_ZERO]", "22012"),
        ("SELECT CAST('x' AS INT)", json!({}), "[CAST_INVALID_INPUT]", "22018"),
        ("SELECT :b", int("1"), "[UNBOUND_SQL_PARAMETER]", "42P02"),
        ("SELECT :a", int("one"), "[CAST_INVALID_INPUT]", "22018"),
        ("SELECT :a", int(""), "[CAST_INVALID_INPUT]", "22018"),
        ("COPY (SELECT 1) TO '/tmp/x.csv'", json!({}), "", ""),
        ("CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'", json!({}), "", ""),
    ] {
        let (message, got) = fails(&w, statement, extra).await;
        assert!(message.starts_with(class), "{statement}: {message}");
        assert!(state.is_empty() || got == state, "{statement}: {got}");
    }
    assert!(!std::path::Path::new("/tmp/x.csv").exists());
}

#[tokio::test]
async fn tables_stay_and_views_and_inserts_work() {
    let w = fast().await;
    let run = async |statement: &str| rows(&w, statement, json!({})).await;
    let made = execute(&w, "CREATE TABLE people (id BIGINT, name STRING)", json!({})).await.ok();
    assert_eq!(made["status"]["state"], "SUCCEEDED", "{made}");
    assert_eq!(made["manifest"]["schema"]["column_count"], 0);
    assert_eq!(made["manifest"]["total_chunk_count"], 0);
    assert_eq!(run("INSERT INTO people VALUES (1, 'a'), (2, NULL)").await, json!([["2", "2"]]));
    run("CREATE VIEW named AS SELECT * FROM people WHERE name IS NOT NULL").await;
    assert_eq!(run("SELECT * FROM main.default.named").await, json!([["1", "a"]]));
    run("CREATE OR REPLACE TABLE copy AS SELECT count(*) AS n FROM people").await;
    assert_eq!(run("SELECT n FROM copy").await, json!([["2"]]));
    assert_eq!(run("DESCRIBE TABLE people").await, json!([["id", "bigint", null], ["name", "string", null]]));
    run("CREATE SCHEMA other").await;
    execute(&w, "CREATE TABLE t AS SELECT 1 AS x", json!({"schema": "other"})).await.ok();
    assert_eq!(run("SELECT x FROM main.other.t").await, json!([["1"]]));
    assert!(fails(&w, "CREATE TABLE people (id INT)", json!({})).await.0.starts_with("[TABLE_OR_VIEW_ALREADY_EXISTS]"));
    run("DROP VIEW named").await;
    run("DROP TABLE people").await;
    assert_eq!(
        rows(&w, "SELECT count(*) FROM trips", json!({"catalog": "samples", "schema": "nyctaxi"})).await,
        json!([["5000"]])
    );
}

#[tokio::test]
async fn inline_results_come_in_chunks() {
    let w = LocalWorkspace::builder().speed(1e6).chunk_rows(400).start().await.unwrap();
    let response = execute(&w, "SELECT id, CAST(id AS STRING) AS s FROM range(1000)", json!({})).await.ok();
    let manifest = &response["manifest"];
    assert_eq!((&manifest["total_chunk_count"], &manifest["total_row_count"]), (&json!(3), &json!(1000)));
    assert_eq!(
        manifest["chunks"][2],
        json!({"chunk_index": 2, "row_offset": 800, "row_count": 200, "byte_count": manifest["chunks"][2]["byte_count"]})
    );
    let mut data = response["result"].clone();
    let mut seen = Vec::new();
    loop {
        assert_eq!(data["row_offset"], seen.len());
        seen.extend(data["data_array"].as_array().unwrap().iter().map(|r| r[0].as_str().unwrap().to_owned()));
        let Some(next) = data["next_chunk_internal_link"].as_str().map(str::to_owned) else { break };
        assert!(data["next_chunk_index"].is_i64());
        data = get(&w, &next).await.ok();
    }
    let expected: Vec<_> = (0..1000).map(|n| n.to_string()).collect();
    assert_eq!(seen, expected);
    let id = response["statement_id"].as_str().unwrap();
    get(&w, &format!("{PATH}/{id}/result/chunks/3")).await.refused(404, "RESOURCE_DOES_NOT_EXIST");
    get(&w, &format!("{PATH}/none")).await.refused(404, "RESOURCE_DOES_NOT_EXIST");
    assert_eq!(get(&w, &format!("{PATH}/{id}")).await.ok(), response);
}

#[tokio::test]
async fn limits_truncate_and_inline_has_an_end() {
    let w = fast().await;
    let response = execute(&w, "SELECT id FROM range(100)", json!({"row_limit": 7})).await.ok();
    assert_eq!(
        (&response["manifest"]["truncated"], &response["manifest"]["total_row_count"]),
        (&json!(true), &json!(7))
    );
    let response = execute(&w, "SELECT id FROM range(7)", json!({"row_limit": 7})).await.ok();
    assert_eq!(response["manifest"]["truncated"], false);
    let response = execute(&w, "SELECT id FROM range(100)", json!({"byte_limit": 50})).await.ok();
    assert_eq!(response["manifest"]["truncated"], true);
    let arrow = json!({"row_limit": 7, "format": "ARROW_STREAM", "disposition": "EXTERNAL_LINKS"});
    let response = execute(&w, "SELECT id FROM range(100)", arrow).await.ok();
    assert_eq!(
        (&response["manifest"]["truncated"], &response["manifest"]["total_row_count"]),
        (&json!(true), &json!(7))
    );
    let (message, _) = fails(&w, "SELECT repeat('x', 1000) FROM range(30000)", json!({})).await;
    assert!(message.contains("EXTERNAL_LINKS"), "{message}");
}

#[tokio::test]
async fn links_need_no_token_and_refuse_one() {
    let w = LocalWorkspace::builder().speed(1e6).chunk_rows(2).link_headers(true).start().await.unwrap();
    let csv = json!({"disposition": "EXTERNAL_LINKS", "format": "CSV"});
    let response = execute(&w, "SELECT id, NULL AS n FROM range(3)", csv).await.ok();
    let link = &response["result"]["external_links"][0];
    assert_eq!(
        (&link["chunk_index"], &link["row_count"], &link["next_chunk_index"]),
        (&json!(0), &json!(2), &json!(1))
    );
    let target = link["external_link"].as_str().unwrap().strip_prefix(w.url()).unwrap();
    let (name, value) = link["http_headers"].as_object().unwrap().iter().next().unwrap();
    let key = (name.as_str(), value.as_str().unwrap());
    let good = send(&w, "GET", target, &[key], b"").await.unwrap();
    assert_eq!((good.status, good.text().as_str()), (200, "id,n\r\n0,null\r\n1,null\r\n"));
    assert_eq!(good.header("content-type"), Some("text/csv"));
    assert_eq!(send(&w, "GET", target, &[], b"").await.unwrap().status, 403);
    let with_token = send(&w, "GET", target, &[key, ("authorization", "Bearer x")], b"").await.unwrap();
    assert_eq!(with_token.status, 400);
    let forged = target.replace("/0?", "/1?");
    let forged = send(&w, "GET", &forged, &[key], b"").await.unwrap();
    assert!(forged.status == 403 && forged.text().contains("SignatureDoesNotMatch"));
    let part = send(&w, "GET", target, &[key, ("range", "bytes=6-"), ("if-range", good.header("etag").unwrap())], b"")
        .await
        .unwrap();
    assert_eq!((part.status, part.text().as_str()), (206, "0,null\r\n1,null\r\n"));
    let next = get(&w, link["next_chunk_internal_link"].as_str().unwrap()).await.ok();
    let next = &next["external_links"][0];
    let target = next["external_link"].as_str().unwrap().strip_prefix(w.url()).unwrap();
    assert_eq!(send(&w, "GET", target, &[key], b"").await.unwrap().text(), "2,null\r\n");
    assert!(next.get("next_chunk_index").is_none());
}

#[tokio::test(start_paused = true)]
async fn links_expire_and_are_renewed_and_results_close() {
    let w = fast().await;
    let links = json!({"disposition": "EXTERNAL_LINKS"});
    let response = execute(&w, "SELECT id FROM range(3)", links).await.ok();
    let link = &response["result"]["external_links"][0];
    assert_eq!(download(&w, link).await.json(), json!([["0"], ["1"], ["2"]]));
    tokio::time::advance(Duration::from_secs(16 * 60)).await;
    let late = download(&w, link).await;
    assert!(late.status == 403 && late.text().contains("expired"), "{}", late.text());
    let path = format!("{PATH}/{}", response["statement_id"].as_str().unwrap());
    let fresh = get(&w, &format!("{path}/result/chunks/0")).await.ok();
    assert_eq!(download(&w, &fresh["external_links"][0]).await.status, 200);
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert_eq!(get(&w, &path).await.ok()["status"]["state"], "CLOSED");
    get(&w, &format!("{path}/result/chunks/0")).await.refused(400, "INVALID_STATE");
    tokio::time::advance(Duration::from_secs(12 * 3600)).await;
    get(&w, &path).await.refused(404, "RESOURCE_DOES_NOT_EXIST");
}

#[tokio::test]
async fn arrow_chunks_are_whole_streams() {
    use datafusion::arrow::array::AsArray as _;
    use datafusion::arrow::datatypes::Int64Type;
    use datafusion::arrow::ipc::reader::StreamReader;

    let w = LocalWorkspace::builder().speed(1e6).chunk_rows(3000).start().await.unwrap();
    let arrow = json!({"disposition": "EXTERNAL_LINKS", "format": "ARROW_STREAM"});
    let response = execute(&w, "SELECT id, 'x' AS s FROM range(20000)", arrow).await.ok();
    assert_eq!(response["manifest"]["total_chunk_count"], 7, "{response}");
    let path = format!("{PATH}/{}/result/chunks", response["statement_id"].as_str().unwrap());
    let mut seen = 0;
    for index in 0..7 {
        let data = get(&w, &format!("{path}/{index}")).await.ok();
        let link = &data["external_links"][0];
        let bytes = download(&w, link).await;
        assert_eq!(link["byte_count"], bytes.body.len());
        for batch in StreamReader::try_new(bytes.body.as_slice(), None).unwrap() {
            let batch = batch.unwrap();
            for id in batch.column(0).as_primitive::<Int64Type>() {
                assert_eq!(id, Some(seen));
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 20_000);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_warehouse_is_started_and_waits_are_kept() {
    let w = LocalWorkspace::builder().speed(1.0).start().await.unwrap();
    let response = execute(&w, "SELECT 1", json!({"wait_timeout": "0s"})).await.ok();
    assert_eq!(response["status"]["state"], "PENDING");
    let warehouse = get(&w, &format!("/api/2.0/sql/warehouses/{}", w.warehouse_id())).await.ok();
    assert_eq!(warehouse["state"], "STARTING");
    // The warehouse takes longer than this wait.
    let canceled = execute(&w, "SELECT 2", json!({"wait_timeout": "5s", "on_wait_timeout": "CANCEL"})).await.ok();
    assert_eq!(canceled["status"]["state"], "CANCELED");
    tokio::time::advance(Duration::from_secs(20)).await;
    let path = format!("{PATH}/{}", response["statement_id"].as_str().unwrap());
    let done = until(&w, &path, |s| s["status"]["state"] != "PENDING" && s["status"]["state"] != "RUNNING").await;
    assert_eq!(done["result"]["data_array"], json!([["1"]]));
}

#[tokio::test]
async fn a_long_statement_can_be_canceled() {
    let w = fast().await;
    let statement = "SELECT count(*) FROM range(4000000000) a WHERE (id * 7) % 3 = 1";
    let response = execute(&w, statement, json!({"wait_timeout": "0s"})).await.ok();
    let path = format!("{PATH}/{}", response["statement_id"].as_str().unwrap());
    until(&w, &path, |s| s["status"]["state"] == "RUNNING").await;
    post(&w, &format!("{path}/cancel"), json!({})).await.ok();
    assert_eq!(get(&w, &path).await.ok()["status"]["state"], "CANCELED");
    // The engine is free again.
    assert_eq!(rows(&w, "SELECT 1", json!({})).await, json!([["1"]]));
}

#[tokio::test]
async fn bodies_are_checked() {
    let w = fast().await;
    execute(&w, "SELECT 1", json!({"wait_timeout": "3s"})).await.refused(400, "INVALID_PARAMETER_VALUE");
    execute(&w, "SELECT 1", json!({"format": "CSV"})).await.refused(400, "INVALID_PARAMETER_VALUE");
    execute(&w, "SELECT 1", json!({"warehouse_id": "0123456789abcdef"})).await.refused(404, "RESOURCE_DOES_NOT_EXIST");
    execute(&w, "", json!({})).await.refused(400, "INVALID_PARAMETER_VALUE");
    execute(&w, "SELECT 1", json!({"parameters": "x"})).await.refused(400, "MALFORMED_REQUEST");
}

/// Each of these nests in another part of the language. All of them used to take the process down at a size of 100.
fn deep(size: usize) -> Vec<(&'static str, String)> {
    let nested = |open: &str, inner: &str, close: &str| format!("{}{inner}{}", open.repeat(size), close.repeat(size));
    let list = |one: &str, between: &str| vec![one; size].join(between);
    let ctes: Vec<_> = (1..size).map(|i| format!("c{i} AS (SELECT * FROM c{})", i - 1)).collect();
    let doubled: Vec<_> = (1..40).map(|i| format!("c{i} AS (SELECT a.x FROM c{0} a, c{0} b)", i - 1)).collect();
    let joins: Vec<_> = (1..size).map(|i| format!("JOIN range(1) t{i} ON t{i}.id = t{}.id", i - 1)).collect();
    vec![
        ("brackets", format!("SELECT {}", nested("(", "1", ")"))),
        ("AND", format!("SELECT 1 WHERE {}", list("1=1", " AND "))),
        ("OR", format!("SELECT 1 WHERE {}", list("1=2", " OR "))),
        ("plus", format!("SELECT {}", list("1", "+"))),
        ("concatenation", format!("SELECT {}", list("'a'", "||"))),
        ("NOT", format!("SELECT {}", nested("NOT ", "true", ""))),
        ("minus", format!("SELECT {}", nested("- ", "1", ""))),
        ("IS NULL", format!("SELECT 1{}", " IS NULL".repeat(size))),
        ("casts", format!("SELECT 1{}", "::INT".repeat(size))),
        ("CAST", format!("SELECT {}", nested("CAST(", "1", " AS INT)"))),
        ("CASE", format!("SELECT {}", nested("CASE WHEN true THEN ", "1", " END"))),
        ("functions", format!("SELECT {}", nested("abs(", "1", ")"))),
        ("structs", format!("SELECT {}", nested("struct(", "1", ")"))),
        ("arrays", format!("SELECT {}", nested("[", "1", "]"))),
        ("subscripts", format!("SELECT x{}", "[0]".repeat(size))),
        ("subqueries", format!("SELECT * FROM {}", nested("(SELECT * FROM ", "(SELECT 1)", ")"))),
        ("scalar subqueries", format!("SELECT {}", nested("(SELECT ", "1", ")"))),
        ("EXISTS", format!("SELECT 1 WHERE {}", nested("EXISTS (SELECT 1 WHERE ", "true", ")"))),
        ("tables in brackets", format!("SELECT * FROM {}", nested("(", "range(1)", ")"))),
        ("UNION ALL", list("SELECT 1", " UNION ALL ")),
        ("UNION", list("SELECT 1", " UNION ")),
        ("common tables", format!("WITH c0 AS (SELECT 1 AS x), {} SELECT * FROM c{}", ctes.join(", "), size - 1)),
        ("doubled common tables", format!("WITH c0 AS (SELECT 1 AS x), {} SELECT * FROM c39", doubled.join(", "))),
        ("joins", format!("SELECT count(*) FROM range(1) t0 {}", joins.join(" "))),
        ("types", format!("SELECT CAST(NULL AS {})", nested("ARRAY<", "INT", ">"))),
        ("types of columns", format!("CREATE TABLE deep (a {})", nested("ARRAY<", "INT", ">"))),
        ("EXPLAIN", format!("{}SELECT 1", "EXPLAIN ".repeat(size))),
    ]
}

#[tokio::test]
async fn deep_statements_fail_or_run_and_the_process_lives() {
    let w = fast().await;
    for size in [2_000, 10_000] {
        for (what, statement) in deep(size) {
            let response = execute(&w, &statement, json!({})).await.ok();
            assert_eq!(response["status"]["state"], "FAILED", "{what}");
            let message = response["status"]["error"]["message"].as_str().unwrap();
            let refused = message.contains("FAILED_TO_PARSE_TOO_COMPLEX") && message.contains("54001");
            assert!(refused || message.contains("[PARSE_SYNTAX_ERROR]"), "{what}: {message}");
        }
    }
    // What people write is far below the bounds, and long lists nest nothing.
    let terms = vec!["id = 1"; 200].join(" OR ");
    let values = vec!["1"; 5_000].join(", ");
    let tuples = vec!["(1)"; 2_000].join(", ");
    for statement in [
        format!("SELECT count(*) FROM range(3) WHERE {terms}"),
        format!("SELECT count(*) FROM range(3) WHERE id IN ({values}) OR id = 1"),
        format!("SELECT min(a) FROM (VALUES {tuples}) AS t(a)"),
        format!("SELECT {}1{}", "(".repeat(40), ")".repeat(40)),
        format!("SELECT count(*) - 49 FROM ({})", vec!["SELECT 1"; 50].join(" UNION ALL ")),
    ] {
        assert_eq!(rows(&w, &statement, json!({})).await, json!([["1"]]), "{statement}");
    }
}

#[tokio::test]
async fn values_are_bounded() {
    let w = fast().await;
    for statement in [
        "SELECT repeat('x', 2000000000)",
        "SELECT length(repeat(repeat('x', 100000), 100000))",
        "SELECT length(repeat('x', CAST(id AS INT) + 2000000000)) FROM range(2)",
        "SELECT lpad('x', 2000000000, 'y')",
        "SELECT rpad('x', 2000000000)",
        "SELECT space(2000000000)",
        "SELECT replace(repeat('x', 100000), 'x', repeat('y', 1000))",
        "SELECT concat(a, a, a, a) FROM (SELECT repeat('x', 20000000) AS a)",
        "SELECT a || a || a || a FROM (SELECT repeat('x', 20000000) AS a)",
        "SELECT concat_ws(a, 'x', 'y', 'z', 'x', 'y') FROM (SELECT repeat('x', 20000000) AS a)",
        "SELECT max(length(repeat(repeat('x', 1000), 10000 + CAST(id % 2 AS INT)))) FROM range(1000)",
    ] {
        let response = execute(&w, statement, json!({})).await.ok();
        assert_eq!(
            response["status"]["error"]["error_code"], "RESOURCE_EXHAUSTED",
            "{statement}: {}",
            response["status"]
        );
    }
    assert_eq!(rows(&w, "SELECT length(repeat('x', 1000000))", json!({})).await, json!([["1000000"]]));
}

#[tokio::test]
async fn values_are_those_of_the_platform() {
    let w = fast().await;
    for (statement, expected) in [
        ("SELECT a FROM (VALUES (1), (NULL)) AS t(a) ORDER BY a", json!([[null], ["1"]])),
        ("SELECT a FROM (VALUES (1), (NULL)) AS t(a) ORDER BY a DESC", json!([["1"], [null]])),
        ("SELECT concat('a', NULL), 'a' || NULL, concat_ws('-', 'a', NULL, 'b')", json!([[null, null, "a-b"]])),
        ("SELECT regexp_replace('a1b2', '([0-9])', '<$1>')", json!([["a<1>b<2>"]])),
        (
            "SELECT substr('abc', -1), substring('abc', 0, 2), substr('abc', -5, 3), substr('héé', 2)",
            json!([["c", "ab", "a", "éé"]]),
        ),
        ("SELECT substring('hello' FROM 2 FOR 3), left('abc', -1), right('abc', 2)", json!([["ell", "", "bc"]])),
        (
            "SELECT position('b', 'abcb'), position('b', 'abcb', 3), position('b' IN 'abc'), instr('abc', 'c')",
            json!([["2", "4", "2", "3"]]),
        ),
        (
            "SELECT date_format(DATE '2024-02-29', 'yyyy/MM'), date_format(TIMESTAMP '2024-02-29 13:02:03', 'hh:mm a')",
            json!([["2024/02", "01:02 PM"]]),
        ),
        (
            "SELECT CAST(TIMESTAMP '2024-02-29 10:00:00.5' AS STRING), CAST(1e10 AS DOUBLE) || ''",
            json!([["2024-02-29 10:00:00.5", "1.0E10"]]),
        ),
        ("SELECT round(log(10), 3), log(10, 100)", json!([["2.303", "2.0"]])),
        ("SELECT CAST('2024-01-01 00:00:00' AS TIMESTAMP_NTZ)", json!([["2024-01-01T00:00:00.000"]])),
        (
            "SELECT 9223372036854775808, -9223372036854775808, -2147483648",
            json!([["9223372036854775808", "-9223372036854775808", "-2147483648"]]),
        ),
        (
            "SELECT replace('abc', '', 'x'), replace('aba', 'a'), lpad('ab', 4), rpad('abc', 2, 'x')",
            json!([["abc", "b", "  ab", "ab"]]),
        ),
        ("SELECT struct(id, 1) FROM range(1)", json!([["{\"id\":0,\"col2\":1}"]])),
        ("SELECT any_value(a) FROM (VALUES (5)) AS t(a)", json!([["5"]])),
        ("SELECT 2147483646 + 1, 5 - 7, 3 * 4", json!([["2147483647", "-2", "12"]])),
    ] {
        assert_eq!(rows(&w, statement, json!({})).await, expected, "{statement}");
    }
    let response =
        execute(&w, "SELECT 9223372036854775808 AS d, CAST('2024-01-01' AS TIMESTAMP_NTZ) AS n", json!({})).await.ok();
    let columns = &response["manifest"]["schema"]["columns"];
    assert_eq!(
        (&columns[0]["type_text"], &columns[1]["type_text"]),
        (&json!("DECIMAL(19,0)"), &json!("TIMESTAMP_NTZ"))
    );
    execute(&w, "CREATE TABLE numbers (a INT)", json!({})).await.ok();
    rows(&w, "INSERT INTO numbers VALUES (1), (2), (3)", json!({})).await;
    for (statement, count) in [("UPDATE numbers SET a = 7 WHERE a > 1", "2"), ("DELETE FROM numbers WHERE a = 7", "2")]
    {
        let response = execute(&w, statement, json!({})).await.ok();
        assert_eq!(response["manifest"]["schema"]["columns"][0]["name"], "num_affected_rows", "{response}");
        assert_eq!(response["result"]["data_array"], json!([[count]]));
    }
}

#[tokio::test]
async fn what_cannot_be_right_is_refused_by_name() {
    let w = fast().await;
    for (statement, class) in [
        ("SELECT 2147483647 + 1", "[ARITHMETIC_OVERFLOW]"),
        ("SELECT 9223372036854775807 + 1", "[ARITHMETIC_OVERFLOW]"),
        ("SELECT -2147483648 - 1", "[ARITHMETIC_OVERFLOW]"),
        ("SELECT CAST(id AS INT) * 2147483647 FROM range(3)", "[ARITHMETIC_OVERFLOW]"),
        #[cfg(not(feature = "delta"))]
        ("SELECT * FROM samples.nyctaxi.zones VERSION AS OF 0", "[UNSUPPORTED_FEATURE]"),
        ("SELECT date_format(DATE '2024-02-29', 'ww')", "[INVALID_DATETIME_PATTERN"),
        ("SELECT strpos('a', 'b')", "[UNRESOLVED_ROUTINE]"),
        ("SELECT arrow_typeof(1)", "[UNRESOLVED_ROUTINE]"),
    ] {
        let (message, _) = fails(&w, statement, json!({})).await;
        assert!(message.starts_with(class), "{statement}: {message}");
        let ours = !message.starts_with("[UN") || message.contains("embedded workspace");
        assert!(ours, "{statement}: {message}");
    }
}

#[tokio::test]
async fn a_session_states_its_time_zone_and_other_settings() {
    let w = fast().await;
    let open = |confs: Value| {
        let body = json!({"warehouse_id": w.warehouse_id(), "session_confs": confs});
        post(&w, "/api/2.0/sql/sessions", body)
    };
    let session = open(json!({"TIMEZONE": "America/Los_Angeles", "STATEMENT_TIMEOUT": "60"})).await.ok();
    let session = session["session_id"].as_str().unwrap();
    let cell = async |statement: &str| {
        let response = execute(&w, statement, json!({"session_id": session})).await.ok();
        assert_eq!(response["status"]["state"], "SUCCEEDED", "{response}");
        response["result"]["data_array"][0][0].clone()
    };
    let instant = "SELECT TIMESTAMP '2024-07-01 00:00:00Z'";
    assert_eq!(cell(instant).await, "2024-06-30T17:00:00.000-07:00");
    assert_eq!(cell("SELECT current_timezone()").await, "America/Los_Angeles");
    // A variable is a point in time, whatever the clocks.
    cell("DECLARE VARIABLE v TIMESTAMP DEFAULT '2024-11-03 01:30:00'").await;
    assert_eq!(cell("SELECT v").await, "2024-11-03T01:30:00.000-07:00");
    cell("SET TIME ZONE '+05:30'").await;
    assert_eq!(cell("SELECT v").await, "2024-11-03T14:00:00.000+05:30");
    assert_eq!(cell(instant).await, "2024-07-01T05:30:00.000+05:30");
    // What was stated at the start comes back.
    cell("RESET timezone").await;
    assert_eq!(cell(instant).await, "2024-06-30T17:00:00.000-07:00");
    cell("SET TIME ZONE 'UTC'").await;
    assert_eq!(cell(instant).await, "2024-07-01T00:00:00.000Z");
    cell("SET TIME ZONE LOCAL").await;
    assert_eq!(cell(instant).await, "2024-06-30T17:00:00.000-07:00");

    let refused = open(json!({"ANSI_MODE": "false"})).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("ANSI"), "{}", refused.text());
    assert_eq!(open(json!({"TIMEZONE": "Mars/Base"})).await.status, 400);
    assert_eq!(open(json!({"NO_SUCH": "1"})).await.status, 400);
}

#[tokio::test]
async fn tables_hold_points_in_time_whatever_the_zone() {
    let w = fast().await;
    let body = json!({"warehouse_id": w.warehouse_id(), "session_confs": {"TIMEZONE": "Asia/Tokyo"}});
    let session = post(&w, "/api/2.0/sql/sessions", body).await.ok()["session_id"].clone();
    let run = async |statement: &str, session: &Value| {
        let more = if session.is_null() { json!({}) } else { json!({"session_id": session}) };
        let response = execute(&w, statement, more).await.ok();
        assert_eq!(response["status"]["state"], "SUCCEEDED", "{response}");
        response["result"]["data_array"].clone()
    };
    run("CREATE TABLE zoned (id INT, ts TIMESTAMP, d DATE, p TIMESTAMP) PARTITIONED BY (p)", &session).await;
    run(
        "INSERT INTO zoned VALUES (1, '2024-07-01 00:00:00', TIMESTAMP '2024-06-30 20:00:00Z', '2024-07-01 09:00:00')",
        &session,
    )
    .await;
    run("UPDATE zoned SET ts = ts + INTERVAL 1 HOUR WHERE p = '2024-07-01 09:00:00'", &session).await;
    let all = "SELECT ts, d, p, CAST(ts AS STRING) FROM zoned";
    let tokyo = json!([[
        "2024-07-01T01:00:00.000+09:00",
        "2024-07-01",
        "2024-07-01T09:00:00.000+09:00",
        "2024-07-01 01:00:00"
    ]]);
    assert_eq!(run(all, &session).await, tokyo);
    let utc = json!([["2024-06-30T16:00:00.000Z", "2024-07-01", "2024-07-01T00:00:00.000Z", "2024-06-30 16:00:00"]]);
    assert_eq!(run(all, &Value::Null).await, utc);
    // What a view does with points in time is meant on the clocks where it was made; others would be a wrong value.
    run("CREATE VIEW zoned_view AS SELECT id, CAST(ts AS STRING) AS s FROM zoned", &session).await;
    assert_eq!(run("SELECT s FROM zoned_view", &session).await, json!([["2024-07-01 01:00:00"]]));
    let elsewhere = execute(&w, "SELECT s FROM zoned_view", json!({})).await.ok();
    let message = elsewhere["status"]["error"]["message"].as_str().unwrap();
    assert!(message.contains("made in Asia/Tokyo"), "{message}");
    run("CREATE VIEW plain_view AS SELECT id, ts FROM zoned", &session).await;
    assert_eq!(run("SELECT ts FROM plain_view", &Value::Null).await, json!([["2024-06-30T16:00:00.000Z"]]));
}
