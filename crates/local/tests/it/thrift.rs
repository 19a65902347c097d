//! The Thrift door over the wire.

use std::time::Duration;

use databricks_local::{LocalWorkspace, ScriptedResult};
use proptest::prelude::*;
use serde_json::json;
use thrift::protocol::TMessageType;

use crate::client::{fast, get, send};
use crate::statements::rows;
use crate::thrift_client::{V, call, call_bytes, execute, message, open, path, raw, st, text};

/// What `TStatus` states: its code, its SQLSTATE and its message.
pub(crate) fn status(response: &V) -> (i32, String, String) {
    let text = |id| if response.at(&[1]).has(id) { response.str(&[1, id]) } else { String::new() };
    (response.i32(&[1, 1]), text(3), text(5))
}

/// The values of a column of a row set in columns, and the numbers of its rows that are NULL.
pub(crate) fn column(row_set: &V, index: usize) -> (Vec<V>, Vec<usize>) {
    let V::Struct(union) = &row_set.list(&[3])[index] else { panic!("no column {index}") };
    let filled = union.values().next().unwrap();
    let values = filled.list(&[1]).to_vec();
    let V::Bytes(nulls) = filled.at(&[2]) else { panic!("no bits") };
    let is_null = |row: &usize| nulls.get(row / 8).is_some_and(|bits| bits & (1 << (row % 8)) != 0);
    let nulls = (0..values.len()).filter(is_null).collect();
    (values, nulls)
}

const TYPES: &str = "SELECT true AS b, CAST(1 AS TINYINT) AS t, CAST(2 AS SMALLINT) AS s, 3 AS i, 4000000000 AS l, \
                     CAST(1.5 AS FLOAT) AS f, CAST(2.5 AS DOUBLE) AS d, CAST(12.34 AS DECIMAL(10,2)) AS n, 'é' AS x, \
                     CAST('ab' AS BINARY) AS y, DATE '2024-02-29' AS day, TIMESTAMP '2024-02-29 01:02:03.5' AS ts, \
                     array(1, 2) AS a, map('k', 1) AS m, named_struct('x', 1) AS st";

#[tokio::test]
async fn a_session_has_the_servers_version_and_can_be_closed_once() {
    let w = fast().await;
    let request = st([(1282, V::I64(0xa507)), (1284, st([(1, text("samples")), (2, text("nyctaxi"))]))]);
    let response = call(&w, "OpenSession", request).await;
    assert_eq!(status(&response).0, 0);
    assert_eq!(response.i32(&[2]), 0xa509);
    assert!(response.bool(&[1285]));
    let session = response.at(&[3]).clone();
    let run = execute(&w, &session, "SELECT current_catalog(), current_schema()", []).await;
    let set = run.at(&[1281, 3, 3]);
    assert_eq!((&column(set, 0).0[0], &column(set, 1).0[0]), (&text("samples"), &text("nyctaxi")));
    assert_eq!(status(&call(&w, "CloseSession", st([(1, session.clone())])).await).0, 0);
    let (code, state, message) = status(&call(&w, "CloseSession", st([(1, session)])).await);
    assert_eq!((code, state.as_str()), (4, "HY000"));
    assert!(message.contains("INVALID_HANDLE"), "{message}");
    // A client of Hive's is spoken to in its own version.
    let hive = call(&w, "OpenSession", st([(1, V::I32(7))])).await;
    assert_eq!(hive.i32(&[2]), 7);
}

#[tokio::test]
async fn columns_carry_every_type() {
    let w = fast().await;
    let session = open(&w).await;
    let response = execute(&w, &session, TYPES, []).await;
    let direct = response.at(&[1281]);
    assert_eq!(direct.i32(&[1, 2]), 2, "{response:?}");
    assert_eq!(direct.i32(&[2, 1281]), 1);
    let described: Vec<(String, i32)> =
        direct.list(&[2, 2, 1]).iter().map(|c| (c.str(&[1]), c.at(&[2]).list(&[1])[0].i32(&[1, 1]))).collect();
    let kinds = [0, 1, 2, 3, 4, 5, 6, 15, 7, 9, 17, 8, 10, 11, 12];
    let names = ["b", "t", "s", "i", "l", "f", "d", "n", "x", "y", "day", "ts", "a", "m", "st"];
    let expected: Vec<_> = names.iter().zip(kinds).map(|(n, k)| ((*n).to_owned(), k)).collect();
    assert_eq!(described, expected);
    let set = direct.at(&[3, 3]);
    let values: Vec<V> = (0..15).map(|i| column(set, i).0[0].clone()).collect();
    let texts = ["2024-02-29", "2024-02-29 01:02:03.5", "[1,2]", "{\"k\":1}", "{\"x\":1}"].map(text);
    let mut expected = vec![
        V::Bool(true),
        V::I8(1),
        V::I16(2),
        V::I32(3),
        V::I64(4_000_000_000),
        V::F64(1.5),
        V::F64(2.5),
        text("12.34"),
        text("é"),
        text("ab"),
    ];
    expected.extend(texts);
    assert_eq!(values, expected);
    // All of it came along, so the operation is closed.
    assert_eq!(direct.i32(&[4, 1, 1]), 0);
    let gone = call(&w, "GetOperationStatus", st([(1, response.at(&[2]).clone())])).await;
    assert_eq!(status(&gone).0, 4);
}

#[tokio::test]
async fn nulls_are_marked_in_every_type() {
    let w = fast().await;
    let session = open(&w).await;
    let kinds =
        ["BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL(5,2)", "STRING", "BINARY"];
    let cells: Vec<_> =
        kinds.iter().map(|k| format!("CAST(CASE WHEN id % 3 = 0 THEN NULL ELSE 1 END AS {k})")).collect();
    // From a number no cast leads to BINARY.
    let cells = cells.join(", ").replace("ELSE 1 END AS BINARY", "ELSE 'x' END AS BINARY");
    let response = execute(&w, &session, &format!("SELECT {cells} FROM range(10)"), []).await;
    let set = response.at(&[1281, 3, 3]);
    for (index, kind) in kinds.iter().enumerate() {
        let (values, nulls) = column(set, index);
        assert_eq!((values.len(), nulls), (10, vec![0, 3, 6, 9]), "{kind}");
    }
}

/// The batches of an Arrow row set behind its schema, as a stream that ends.
fn arrow(metadata: &V, row_set: &V) -> Vec<arrow_values::RecordBatch> {
    let V::Bytes(schema) = metadata.at(&[1283]) else { panic!("no schema") };
    let mut stream = schema.clone();
    let mut counts = Vec::new();
    for batch in row_set.list(&[1281]) {
        let (V::Bytes(bytes), V::I64(rows)) = (batch.at(&[1]), batch.at(&[2])) else { panic!("{batch:?}") };
        stream.extend_from_slice(bytes);
        counts.push(*rows as usize);
    }
    let batches = arrow_values::read(&stream);
    assert_eq!(batches.iter().map(arrow_values::RecordBatch::num_rows).collect::<Vec<_>>(), counts);
    batches
}

#[tokio::test]
async fn arrow_results_follow_the_types_that_the_client_takes() {
    let w = fast().await;
    let session = open(&w).await;
    let native = st([(1, V::Bool(true)), (2, V::Bool(true)), (3, V::Bool(true))]);
    let response = execute(&w, &session, TYPES, [(1282, V::Bool(true)), (1286, native)]).await;
    let direct = response.at(&[1281]);
    assert_eq!(direct.i32(&[2, 1281]), 0);
    assert!(!direct.bool(&[2, 1282]));
    let batch = &arrow(direct.at(&[2]), direct.at(&[3, 3]))[0];
    let kinds: Vec<_> = batch.schema().fields().iter().map(|f| f.data_type().to_string()).collect();
    assert_eq!(kinds[7], "Decimal128(10, 2)");
    assert!(kinds[11].starts_with("Timestamp(") && kinds[12].starts_with("List("), "{kinds:?}");
    assert_eq!(batch.schema().field(12).metadata()["Spark:DataType:SqlName"], "ARRAY<INT>");

    let response = execute(&w, &session, TYPES, [(1282, V::Bool(true))]).await;
    let direct = response.at(&[1281]);
    let batch = &arrow(direct.at(&[2]), direct.at(&[3, 3]))[0];
    for (index, expected) in [(7, "12.34"), (11, "2024-02-29 01:02:03.5"), (12, "[1,2]"), (14, "{\"x\":1}")] {
        assert_eq!(arrow_values::text(batch, index), expected);
    }
    // A result without rows has a schema still.
    let response = execute(&w, &session, "SELECT id FROM range(0)", [(1282, V::Bool(true))]).await;
    let direct = response.at(&[1281]);
    assert!(arrow(direct.at(&[2]), direct.at(&[3, 3])).is_empty());
    assert_eq!(direct.i32(&[4, 1, 1]), 0);
}

#[tokio::test]
async fn results_are_fetched_in_parts() {
    let w = fast().await;
    let session = open(&w).await;
    for is_arrow in [false, true] {
        let request = st([
            (1, session.clone()),
            (2, text("SELECT id FROM range(25)")),
            (4, V::Bool(true)),
            (1282, V::Bool(is_arrow)),
        ]);
        let handle = call(&w, "ExecuteStatement", request).await.at(&[2]).clone();
        let fetch = |orientation: i32, more: Vec<(i16, V)>| {
            let V::Struct(mut request) = st([(1, handle.clone()), (2, V::I32(orientation)), (3, V::I64(10))]) else {
                unreachable!()
            };
            request.extend(more);
            call(&w, "FetchResults", V::Struct(request))
        };
        let starts = |r: &V| (r.at(&[3, 1]).clone(), r.bool(&[2]));
        assert_eq!(starts(&fetch(0, vec![]).await), (V::I64(0), true));
        assert_eq!(starts(&fetch(0, vec![]).await), (V::I64(10), true));
        assert_eq!(starts(&fetch(0, vec![]).await), (V::I64(20), false));
        assert_eq!(starts(&fetch(0, vec![]).await), (V::I64(25), false));
        assert_eq!(starts(&fetch(4, vec![]).await), (V::I64(0), true));
        assert_eq!(starts(&fetch(0, vec![(1282, V::I64(5))]).await), (V::I64(5), true));
        assert!(fetch(0, vec![(1283, V::Bool(true))]).await.at(&[1281]).has(2));
        let (code, state, message) = status(&fetch(1, vec![]).await);
        assert_eq!((code, state.as_str()), (3, "0A000"), "{message}");
        assert_eq!(status(&fetch(0, vec![(4, V::I16(1))]).await).0, 3);
        assert_eq!(status(&fetch(0, vec![(1282, V::I64(-1))]).await).0, 3);
        assert_eq!(status(&call(&w, "CloseOperation", st([(1, handle.clone())])).await).0, 0);
        assert_eq!(status(&fetch(0, vec![]).await).0, 4);
    }
}

#[tokio::test]
async fn a_failure_states_class_state_and_message() {
    let w = fast().await;
    let session = open(&w).await;
    let response = execute(&w, &session, "SELECT * FROM main.default.not_there", []).await;
    assert_eq!(status(&response).0, 0);
    let state = response.at(&[1281, 1]);
    assert_eq!((state.i32(&[2]), state.str(&[3]).as_str()), (5, "42P01"));
    assert!(state.str(&[1281]).starts_with("[TABLE_OR_VIEW_NOT_FOUND]"), "{state:?}");
    assert!(!response.at(&[1281]).has(3));
    let handle = st([(1, response.at(&[2]).clone())]);
    for method in ["FetchResults", "GetResultSetMetadata"] {
        let (code, state, message) = status(&call(&w, method, handle.clone()).await);
        assert_eq!((code, state.as_str()), (3, "42P01"), "{message}");
    }
    // Without an operation to ask for, the call itself states it.
    let request = st([(1, session.clone()), (2, text("SELEC 1"))]);
    let (code, state, message) = status(&call(&w, "ExecuteStatement", request).await);
    assert_eq!((code, state.as_str()), (3, "42601"));
    assert!(message.contains("PARSE_SYNTAX_ERROR"), "{message}");
    let request = st([(1, session), (2, text(" "))]);
    assert!(status(&call(&w, "ExecuteStatement", request).await).2.contains("PARSE_EMPTY_STATEMENT"));
}

fn parameter(name: Option<&str>, kind: &str, value: Option<&str>) -> V {
    let V::Struct(mut members) = st([(1, V::I32(1)), (3, text(kind))]) else { unreachable!() };
    members.extend(name.map(|n| (2, text(n))));
    members.extend(value.map(|v| (4, st([(1, text(v))]))));
    V::Struct(members)
}

#[tokio::test]
async fn parameters_are_bound_by_name_and_position() {
    let w = fast().await;
    let session = open(&w).await;
    let named = V::List(vec![parameter(Some("a"), "INT", Some("41")), parameter(Some("b"), "STRING", None)]);
    let response = execute(&w, &session, "SELECT :a + 1, :b", [(1288, named)]).await;
    let set = response.at(&[1281, 3, 3]);
    assert_eq!(column(set, 0).0, [V::I32(42)]);
    assert_eq!(column(set, 1).1, [0]);
    let positional = V::List(vec![parameter(None, "INT", Some("1")), parameter(None, "STRING", Some("it's"))]);
    let response = execute(&w, &session, "SELECT ?, '?' AS q, ?", [(1288, positional.clone())]).await;
    let set = response.at(&[1281, 3, 3]);
    assert_eq!(column(set, 0).0, [V::I32(1)]);
    assert_eq!(column(set, 1).0, [text("?")]);
    assert_eq!(column(set, 2).0, [text("it's")]);
    let history = get(&w, "/api/2.0/sql/history/queries").await.ok();
    assert!(history["res"].as_array().unwrap().iter().any(|q| q["query_text"] == "SELECT ?, '?' AS q, ?"));
    let request = st([(1, session), (2, text("SELECT ?, ?, ?")), (1288, positional)]);
    assert!(status(&call(&w, "ExecuteStatement", request).await).2.contains("UNBOUND_SQL_PARAMETER"));
}

#[tokio::test]
async fn the_door_and_the_statements_api_share_tables_and_history() {
    let w = fast().await;
    let session = open(&w).await;
    execute(&w, &session, "CREATE TABLE main.default.shared (a INT)", []).await;
    let response = execute(&w, &session, "INSERT INTO main.default.shared VALUES (1), (2)", []).await;
    assert_eq!(response.at(&[1281, 1, 11]), &V::I64(2), "{response:?}");
    assert_eq!(rows(&w, "SELECT count(*) FROM main.default.shared", json!({})).await, json!([["2"]]));
    let history = get(&w, "/api/2.0/sql/history/queries").await.ok();
    let texts: Vec<_> = history["res"].as_array().unwrap().iter().map(|q| q["query_text"].as_str().unwrap()).collect();
    assert!(texts.contains(&"INSERT INTO main.default.shared VALUES (1), (2)"), "{texts:?}");
}

#[tokio::test]
async fn statements_of_a_session_see_what_others_set() {
    let w = fast().await;
    let session = open(&w).await;
    for statement in ["USE CATALOG samples", "USE SCHEMA nyctaxi"] {
        assert_eq!(execute(&w, &session, statement, []).await.i32(&[1281, 1, 2]), 2, "{statement}");
    }
    let response = execute(&w, &session, "SELECT current_catalog(), current_schema()", []).await;
    let set = response.at(&[1281, 3, 3]);
    assert_eq!((&column(set, 0).0[0], &column(set, 1).0[0]), (&text("samples"), &text("nyctaxi")));
    let other = open(&w).await;
    let response = execute(&w, &other, "SELECT current_catalog()", []).await;
    assert_eq!(column(response.at(&[1281, 3, 3]), 0).0[0], text("main"));
}

const ENDLESS: &str = "SELECT count(*) FROM range(100000000000) a CROSS JOIN range(100000) b";

/// Asks until the operation has ended.
async fn settled(w: &LocalWorkspace, handle: &V) -> V {
    loop {
        let response = call(w, "GetOperationStatus", st([(1, handle.clone())])).await;
        if !matches!(response.i32(&[2]), 1 | 7) {
            return response;
        }
    }
}

#[tokio::test]
async fn a_statement_can_be_canceled_and_timed_out() {
    let w = fast().await;
    let session = open(&w).await;
    let start = |more: Vec<(i16, V)>| {
        let V::Struct(mut request) = st([(1, session.clone()), (2, text(ENDLESS)), (4, V::Bool(true))]) else {
            unreachable!()
        };
        request.extend(more);
        call(&w, "ExecuteStatement", V::Struct(request))
    };
    let handle = start(vec![]).await.at(&[2]).clone();
    assert_eq!(status(&call(&w, "CancelOperation", st([(1, handle.clone())])).await).0, 0);
    assert_eq!(settled(&w, &handle).await.i32(&[2]), 3);
    let handle = start(vec![(5, V::I64(1))]).await.at(&[2]).clone();
    let response = settled(&w, &handle).await;
    assert_eq!((response.i32(&[2]), response.str(&[3]).as_str()), (8, "HYT00"));
    // Closing a session ends what runs in it.
    let handle = start(vec![]).await.at(&[2]).clone();
    call(&w, "CloseSession", st([(1, session.clone())])).await;
    let response = call(&w, "GetOperationStatus", st([(1, handle)])).await;
    assert_eq!(status(&response).0, 4);
    loop {
        let history = get(&w, "/api/2.0/sql/history/queries").await.ok();
        if history["res"].as_array().unwrap().iter().all(|q| q["status"] == "CANCELED") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The texts of a column of a list.
async fn listed(w: &LocalWorkspace, method: &str, request: V, index: usize) -> Vec<String> {
    let response = call(w, method, request).await;
    assert_eq!(status(&response).0, 0, "{method}: {response:?}");
    assert_eq!(response.i32(&[1281, 2, 1281]), 1, "{method}");
    let texts = column(response.at(&[1281, 3, 3]), index).0;
    texts.into_iter().map(|v| st([(1, v)]).str(&[1])).collect()
}

#[tokio::test]
async fn catalogs_are_listed() {
    let w = fast().await;
    let session = open(&w).await;
    execute(&w, &session, "CREATE TABLE main.default.my_table (Id BIGINT, price DECIMAL(10,2), tags ARRAY<INT>)", [])
        .await;
    execute(&w, &session, "CREATE VIEW main.default.my_view AS SELECT 1 AS a", []).await;
    let direct = || (1281, st([(1, V::I64(1000))]));
    let with = |more: Vec<(i16, V)>| {
        let V::Struct(mut request) = st([(1, session.clone()), direct()]) else { unreachable!() };
        request.extend(more);
        V::Struct(request)
    };
    assert_eq!(listed(&w, "GetCatalogs", with(vec![]), 0).await, ["main", "samples"]);
    let schemas = listed(&w, "GetSchemas", with(vec![(2, text("main")), (3, text("def%"))]), 0).await;
    assert_eq!(schemas, ["default"]);
    let scope = || vec![(2, text("main")), (3, text("default"))];
    assert_eq!(listed(&w, "GetTables", with(scope()), 2).await, ["my_table", "my_view"]);
    let mut request = scope();
    request.push((5, V::List(vec![text("VIEW")])));
    assert_eq!(listed(&w, "GetTables", with(request), 2).await, ["my_view"]);
    let mut request = scope();
    request.push((4, text("my\\_t_ble")));
    assert_eq!(listed(&w, "GetTables", with(request.clone()), 3).await, ["TABLE"]);
    assert_eq!(listed(&w, "GetColumns", with(request.clone()), 5).await, ["BIGINT", "DECIMAL(10,2)", "ARRAY<INT>"]);
    request.push((5, text("ID")));
    assert_eq!(listed(&w, "GetColumns", with(request), 3).await, ["Id"]);
    assert_eq!(listed(&w, "GetTableTypes", with(vec![]), 0).await, ["TABLE", "VIEW"]);
    assert!(listed(&w, "GetTypeInfo", with(vec![]), 0).await.contains(&"BIGINT".to_owned()));
    let functions = listed(&w, "GetFunctions", with(vec![(4, text("start%"))]), 2).await;
    assert!(!functions.is_empty() && functions.iter().all(|f| f.starts_with("start")), "{functions:?}");
    assert!(listed(&w, "GetPrimaryKeys", with(vec![]), 5).await.is_empty());
    assert!(listed(&w, "GetCrossReference", with(vec![]), 13).await.is_empty());
}

#[tokio::test]
async fn the_server_states_what_it_is() {
    let w = fast().await;
    let session = open(&w).await;
    let info = |kind| call(&w, "GetInfo", st([(1, session.clone()), (2, V::I32(kind))]));
    assert_eq!(info(17).await.str(&[2, 1]), "Spark SQL");
    assert_eq!(info(29).await.str(&[2, 1]), "`");
    let (code, _, message) = status(&info(115).await);
    assert_eq!(code, 3);
    assert!(message.contains("115"), "{message}");
}

#[tokio::test]
async fn refusals_before_the_door_state_their_reason_in_a_header() {
    let w = fast().await;
    let body = call_bytes("OpenSession", &st([]));
    let reason = |r: &crate::client::Response| r.header("x-thriftserver-error-message").unwrap_or_default().to_owned();
    let none = send(&w, "POST", &path(&w), &[], &body).await.unwrap();
    assert_eq!(none.status, 401);
    assert!(reason(&none).contains("Credential was not sent"));
    let wrong = send(&w, "POST", &path(&w), &[("authorization", "Bearer dapi0")], &body).await.unwrap();
    assert_eq!((wrong.status, reason(&wrong).as_str()), (403, "Invalid access token."));
    for target in [
        "/sql/1.0/warehouses/00000000000000ff",
        "/sql/1.0/endpoints/x",
        "/sql/protocolv1/o/0/none",
        "/sql/protocolv1/o/5/none",
    ] {
        let missing = raw(&w, target, &body).await;
        assert_eq!(missing.status, 404, "{target}");
        assert!(reason(&missing).contains("does not exist"), "{target}");
    }
    let endpoint = raw(&w, &format!("/sql/1.0/endpoints/{}", w.warehouse_id()), &body).await;
    assert_eq!(endpoint.status, 200);
    for bytes in [&b""[..], b"{}", &body[..body.len() - 1], &[&body[..], b"x"].concat()] {
        let bad = raw(&w, &path(&w), bytes).await;
        assert_eq!(bad.status, 400);
        assert!(reason(&bad).contains("cannot be read"), "{}", reason(&bad));
    }
    // A member of another type, and a request without its handle.
    assert_eq!(raw(&w, &path(&w), &call_bytes("OpenSession", &st([(4, V::I32(1))]))).await.status, 400);
    assert_eq!(raw(&w, &path(&w), &call_bytes("GetCatalogs", &st([]))).await.status, 400);
    let (kind, unknown) = message(&raw(&w, &path(&w), &call_bytes("Nothing", &st([]))).await);
    assert_eq!((kind, unknown.i32(&[2])), (TMessageType::Exception, 1));
}

#[tokio::test]
async fn settings_that_change_results_are_refused() {
    let w = fast().await;
    let open = |name: &str, value: &str| {
        let settings = V::Map(vec![(text(name), text(value))]);
        let request = st([(4, settings)]);
        let w = &w;
        async move { status(&call(w, "OpenSession", request).await) }
    };
    for (name, value, why) in [
        ("ansi_mode", "false", "UNSUPPORTED_FEATURE"),
        ("timezone", "Europe/Nowhere", "INVALID_CONF_VALUE"),
        ("no.such.setting", "1", "CONFIG_NOT_AVAILABLE"),
    ] {
        let (code, _, message) = open(name, value).await;
        assert_eq!(code, 3, "{name}");
        assert!(message.contains(why), "{message}");
    }
    assert_eq!(open("STATEMENT_TIMEOUT", "60").await.0, 0);
    let request = st([(1284, st([(1, text("nowhere"))]))]);
    assert!(status(&call(&w, "OpenSession", request).await).2.contains("NO_SUCH_CATALOG_EXCEPTION"));
}

#[tokio::test]
async fn sessions_have_a_time_zone() {
    let w = fast().await;
    let settings = V::Map(vec![(text("TIMEZONE"), text("Europe/Berlin"))]);
    let opened = call(&w, "OpenSession", st([(4, settings)])).await;
    let session = opened.at(&[3]).clone();
    let query = "SELECT TIMESTAMP '2024-07-01 00:00:00Z', current_timezone()";
    let response = execute(&w, &session, query, []).await;
    let rows = response.at(&[1281, 3, 3]);
    assert_eq!(column(rows, 0).0, [text("2024-07-01 02:00:00")]);
    assert_eq!(column(rows, 1).0, [text("Europe/Berlin")]);
    // For a single statement it is refused, since it would be the session's from then on.
    let overlay = V::Map(vec![(text("TIMEZONE"), text("Asia/Tokyo"))]);
    let refused = execute(&w, &session, query, [(3, overlay)]).await;
    assert!(status(&refused).2.contains("UNSUPPORTED_FEATURE"), "{:?}", status(&refused));
}

#[tokio::test]
async fn scripted_results_come_in_columns() {
    let result = ScriptedResult::table([("id", "BIGINT"), ("name", "STRING")]).row([Some("1"), None]);
    let w = LocalWorkspace::builder().speed(1e6).statement("SELECT scripted", result).start().await.unwrap();
    let session = open(&w).await;
    let response = execute(&w, &session, "SELECT scripted", [(1282, V::Bool(true))]).await;
    let direct = response.at(&[1281]);
    assert_eq!(direct.i32(&[2, 1281]), 1);
    assert_eq!(column(direct.at(&[3, 3]), 0).0, [V::I64(1)]);
    assert_eq!(column(direct.at(&[3, 3]), 1).1, [0]);
}

#[test]
fn no_bytes_stop_the_workspace() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let w = runtime.block_on(fast());
    let session = runtime.block_on(open(&w));
    let whole = call_bytes(
        "ExecuteStatement",
        &st([
            (1, session.clone()),
            (2, text("SELECT 1")),
            (3, V::Map(vec![(text("ansi_mode"), text("true"))])),
            (1281, st([(1, V::I64(5))])),
            (1288, V::List(vec![parameter(None, "INT", Some("1"))])),
        ]),
    );
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(at in 0..whole.len(), with in any::<u8>(), end in 0..=whole.len())| {
        let mut bytes = whole.clone();
        bytes[at] = with;
        bytes.truncate(end.max(1));
        let status = runtime.block_on(raw(&w, &path(&w), &bytes)).status;
        prop_assert!(status == 200 || status == 400, "{}", status);
    });
    assert_eq!(runtime.block_on(execute(&w, &session, "SELECT 1", [])).i32(&[1281, 1, 2]), 2);
}

/// Arrow as the engine's crates have it.
mod arrow_values {
    pub(crate) use arrow_array::RecordBatch;
    use arrow_array::cast::AsArray as _;

    pub(crate) fn read(stream: &[u8]) -> Vec<RecordBatch> {
        let reader = arrow_ipc::reader::StreamReader::try_new(stream, None).unwrap();
        reader.collect::<Result<_, _>>().unwrap()
    }

    pub(crate) fn text(batch: &RecordBatch, column: usize) -> String {
        batch.column(column).as_string::<i32>().value(0).to_owned()
    }
}
