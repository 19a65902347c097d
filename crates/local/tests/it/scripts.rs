//! Scripted statements over the wire, with or without the engine.

use databricks_local::{LocalWorkspace, ScriptedResult};
use serde_json::{Value, json};

use crate::client::post;

async fn execute(w: &LocalWorkspace, statement: &str, extra: Value) -> Value {
    let mut body = json!({"warehouse_id": w.warehouse_id(), "statement": statement});
    for (name, value) in extra.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    post(w, "/api/2.0/sql/statements", body).await.ok()
}

#[tokio::test]
async fn scripts_come_before_the_engine() {
    let table = ScriptedResult::table([("id", "BIGINT"), ("price", "DECIMAL(10,2)")]).row([Some("1"), None]);
    let w = LocalWorkspace::builder()
        .speed(1e6)
        .statement("select * from secret.prices*", table)
        .statement("drop *", ScriptedResult::failed("BAD_REQUEST", "not allowed", Some("42501")))
        .start()
        .await
        .unwrap();
    let prices = "SELECT  *\nFROM secret.prices WHERE x";
    let response = execute(&w, prices, json!({})).await;
    assert_eq!(response["result"]["data_array"], json!([["1", null]]));
    assert_eq!(response["manifest"]["schema"]["columns"][1]["type_text"], "DECIMAL(10,2)");
    let failed = execute(&w, "DROP TABLE x;", json!({})).await;
    assert_eq!(failed["status"]["error"], json!({"error_code": "BAD_REQUEST", "message": "not allowed"}));
    assert_eq!(failed["status"]["sql_state"], "42501");
    let arrow = json!({"disposition": "EXTERNAL_LINKS", "format": "ARROW_STREAM"});
    let arrow = execute(&w, prices, arrow).await;
    assert!(arrow["status"]["error"]["message"].as_str().unwrap().contains("ARROW_STREAM"), "{arrow}");
}

#[cfg(not(feature = "engine"))]
#[tokio::test]
async fn without_engine_and_script_a_statement_fails_and_says_why() {
    let w = crate::client::fast().await;
    let response = execute(&w, "SELECT 1", json!({})).await;
    assert_eq!(response["status"]["state"], "FAILED");
    assert!(response["status"]["error"]["message"].as_str().unwrap().contains("feature `engine`"), "{response}");
}
