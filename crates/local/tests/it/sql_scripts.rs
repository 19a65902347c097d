//! SQL scripts: what the facts of Spark do not show, which is how they end and what the workspace refuses by name.

use serde_json::json;

use crate::client::{fast, get, post, until};
use crate::statements::{execute, fails, rows};

const PATH: &str = "/api/2.0/sql/statements";

#[tokio::test]
async fn a_loop_without_an_end_can_be_canceled() {
    let w = fast().await;
    for script in [
        "BEGIN WHILE true DO BEGIN END; END WHILE; END",
        "BEGIN l: LOOP ITERATE l; END LOOP; END",
        "BEGIN DECLARE a INT DEFAULT 0; REPEAT SET a = 1; UNTIL a = 2 END REPEAT; END",
        "BEGIN DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END; LOOP SELECT 1/0; END LOOP; END",
    ] {
        let response = execute(&w, script, json!({"wait_timeout": "0s"})).await.ok();
        let path = format!("{PATH}/{}", response["statement_id"].as_str().unwrap());
        until(&w, &path, |s| s["status"]["state"] == "RUNNING").await;
        post(&w, &format!("{path}/cancel"), json!({})).await.ok();
        assert_eq!(get(&w, &path).await.ok()["status"]["state"], "CANCELED", "{script}");
        assert_eq!(rows(&w, "SELECT 1", json!({})).await, json!([["1"]]));
    }
}

#[tokio::test]
async fn the_time_limit_of_the_session_ends_a_loop() {
    let w = fast().await;
    let opened = post(&w, "/api/2.0/sql/sessions", json!({"warehouse_id": w.warehouse_id()})).await.ok();
    let session = json!({"session_id": opened["session_id"]});
    rows(&w, "SET STATEMENT_TIMEOUT = 1", session.clone()).await;
    let (message, state) = fails(&w, "BEGIN LOOP BEGIN END; END LOOP; END", session).await;
    assert!(message.starts_with("[QUERY_EXECUTION_TIMEOUT_EXCEEDED]"), "{message}");
    assert_eq!(state, "57KD0");
}

#[tokio::test]
async fn scripts_take_parameters_and_return_rows_in_their_types() {
    let w = fast().await;
    let named = json!({"parameters": [{"name": "n", "value": "3", "type": "INT"}, {"name": "t", "value": "x;y"}]});
    let script = "BEGIN DECLARE i INT DEFAULT :n; SET i = i + :n; SELECT i AS I, :t AS t; END";
    let response = execute(&w, script, named).await.ok();
    assert_eq!(response["result"]["data_array"], json!([["6", "x;y"]]), "{response}");
    assert_eq!(response["manifest"]["schema"]["columns"][0]["name"], "I");
    assert_eq!(response["manifest"]["schema"]["columns"][0]["type_text"], "INT");
    let positional = json!({"parameters": [{"value": "1", "type": "INT"}, {"value": "2", "type": "INT"}]});
    assert_eq!(rows(&w, "BEGIN SELECT ?; SELECT ? + 1; END", positional).await, json!([["3"]]));
}

#[tokio::test]
async fn what_scripts_lack_is_refused_by_name_before_anything_runs() {
    let w = fast().await;
    rows(&w, "CREATE TABLE t (a INT)", json!({})).await;
    for (script, what) in [
        ("BEGIN INSERT INTO t VALUES (1); OPEN c; END", "cursors"),
        ("BEGIN DECLARE c CURSOR FOR SELECT 1; INSERT INTO t VALUES (1); END", "cursors"),
        ("BEGIN INSERT INTO t VALUES (1); USE SCHEMA default; END", "USE in SQL scripts"),
        ("BEGIN INSERT INTO t VALUES (1); SET CATALOG main; END", "SET CATALOG in SQL scripts"),
        ("BEGIN TRANSACTION", "BEGIN TRANSACTION"),
    ] {
        let (message, _) = fails(&w, script, json!({})).await;
        assert!(message.starts_with("[UNSUPPORTED_FEATURE]") && message.contains(what), "{script}: {message}");
    }
    assert_eq!(rows(&w, "SELECT count(*) FROM t", json!({})).await, json!([["0"]]));
}

/// What the workspace lacks would not fail on the service: a script that went on would have another result there.
#[tokio::test]
async fn handlers_do_not_see_what_the_workspace_lacks() {
    let w = fast().await;
    for lacking in [
        #[cfg(not(feature = "delta"))]
        "RESTORE TABLE t TO VERSION AS OF 1",
        "UNDROP TABLE t",
        "SELECT no_such_function(1)",
        "SELECT ceil(now() TO DAY)",
    ] {
        let script = format!("BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION SELECT 'handled'; {lacking}; END");
        fails(&w, &script, json!({})).await;
    }
}

#[tokio::test]
async fn conditions_are_raised_and_stated() {
    let w = fast().await;
    let raised =
        "BEGIN DECLARE late CONDITION FOR SQLSTATE '4500L'; SIGNAL late SET MESSAGE_TEXT = 'too ' || 'late'; END";
    let (message, state) = fails(&w, raised, json!({})).await;
    assert_eq!((message.as_str(), state.as_str()), ("[LATE] too late SQLSTATE: 4500L", "4500L"));
    let (message, state) = fails(&w, "BEGIN SIGNAL SQLSTATE '45001' SET MESSAGE_TEXT = 'no'; END", json!({})).await;
    assert_eq!((message.as_str(), state.as_str()), ("[USER_RAISED_EXCEPTION] no SQLSTATE: 45001", "45001"));
    let stated = "BEGIN DECLARE EXIT HANDLER FOR DIVIDE_BY_ZERO BEGIN\n\
                  DECLARE m, s, c STRING; DECLARE l BIGINT;\n\
                  GET DIAGNOSTICS CONDITION 1 m = MESSAGE_TEXT, s = RETURNED_SQLSTATE, c = CONDITION_IDENTIFIER, l = LINE_NUMBER;\n\
                  SELECT m LIKE 'Division by zero.%', s, c, l;\nEND;\nSELECT 1/0;\nEND";
    assert_eq!(rows(&w, stated, json!({})).await, json!([["true", "22012", "DIVIDE_BY_ZERO", "6"]]));
    let arguments = "BEGIN DECLARE EXIT HANDLER FOR USER_RAISED_EXCEPTION BEGIN DECLARE a MAP<STRING, STRING>; \
                     GET DIAGNOSTICS CONDITION 1 a = MESSAGE_ARGUMENTS; SELECT a['errorMessage']; END; \
                     SIGNAL USER_RAISED_EXCEPTION SET MESSAGE_ARGUMENTS = map('errorMessage', 'why'); END";
    assert_eq!(rows(&w, arguments, json!({})).await, json!([["why"]]));
    let again = "BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION SELECT 'outer'; \
                 BEGIN DECLARE EXIT HANDLER FOR DIVIDE_BY_ZERO RESIGNAL; SELECT 1/0; END; END";
    assert_eq!(rows(&w, again, json!({})).await, json!([["outer"]]));
    let (message, _) = fails(&w, "BEGIN SIGNAL ARITHMETIC_OVERFLOW; END", json!({})).await;
    assert!(message.starts_with("[UNSUPPORTED_FEATURE]"), "{message}");
    assert!(fails(&w, "BEGIN RESIGNAL; END", json!({})).await.0.starts_with("[PARSE_SYNTAX_ERROR]"));
}

#[tokio::test]
async fn scripts_are_bounded() {
    let w = fast().await;
    let nested = |size: usize| format!("{} SELECT 1; {} END", "BEGIN ".repeat(size), "END; ".repeat(size - 1));
    assert_eq!(rows(&w, &nested(90), json!({})).await, json!([["1"]]));
    let (message, _) = fails(&w, &nested(100_000), json!({})).await;
    assert!(message.starts_with("[FAILED_TO_PARSE_TOO_COMPLEX]"), "{message}");
    let long = format!("BEGIN {} SELECT 2; END", "BEGIN END;".repeat(20_000));
    assert_eq!(rows(&w, &long, json!({})).await, json!([["2"]]));
    for broken in
        ["BEGIN", "BEGIN IF", "BEGIN CASE WHEN", "BEGIN FOR x AS", "BEGIN DECLARE", "BEGIN l:", "BEGIN SET", "BEGIN ("]
    {
        fails(&w, broken, json!({})).await;
    }
}
