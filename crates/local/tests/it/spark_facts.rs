//! Values, types and error classes of expressions that Apache Spark 4.3.0 (ANSI mode, time zone UTC) has computed:
//! `tests/facts/spark.jsonl`, one expression a line. Where the embedded workspace refuses what Spark computes, the
//! line states so; it never returns another value.

use serde_json::{Value, json};

use crate::client::fast;
use crate::statements::execute;

const FACTS: &str = include_str!("../facts/spark.jsonl");

#[tokio::test]
async fn expressions_have_the_values_of_spark() {
    let w = fast().await;
    let mut wrong = Vec::new();
    let mut agreed = 0;
    for line in FACTS.lines() {
        let fact: Value = serde_json::from_str(line).unwrap();
        let expression = fact["expression"].as_str().unwrap();
        let statement = format!("SELECT CAST(v AS STRING), typeof(v) FROM (SELECT {expression} AS v)");
        let response = execute(&w, &statement, json!({})).await.ok();
        let message = response["status"]["error"]["message"].as_str().unwrap_or_default();
        let fits = if let Some(class) = fact["error"].as_str() {
            message.starts_with(&format!("[{class}"))
        } else if fact["refused"] == true {
            response["status"]["state"] == "FAILED"
        } else {
            response["result"]["data_array"] == json!([[fact["value"], fact["type"]]])
        };
        if fits {
            agreed += 1;
        } else {
            wrong.push(format!("{line}: {} {message}", response["result"]["data_array"]));
        }
    }
    assert!(wrong.is_empty(), "{agreed} agree, {} do not:\n{}", wrong.len(), wrong.join("\n"));
    assert!(agreed > 400, "{agreed}");
}
