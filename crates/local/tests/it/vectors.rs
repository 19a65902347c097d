//! Vector indexes that are written directly.

use databricks_local::LocalWorkspace;
use serde_json::{Value, json};

use crate::client::{call, fast, get, post};

const API: &str = "/api/2.0/vector-search";

async fn index(w: &LocalWorkspace, name: &str) {
    let endpoint = json!({"name": "e", "endpoint_type": "STANDARD"});
    post(w, &format!("{API}/endpoints"), endpoint).await;
    let schema = json!({"id": "integer", "kind": "string", "place": "array<float>"}).to_string();
    let index = json!({"name": name, "endpoint_name": "e", "primary_key": "id", "index_type": "DIRECT_ACCESS",
        "direct_access_index_spec": {"schema_json": schema,
            "embedding_vector_columns": [{"name": "place", "embedding_dimension": 2}]}});
    post(w, &format!("{API}/indexes"), index).await.ok();
}

async fn ask(w: &LocalWorkspace, what: &str, body: Value) -> crate::client::Response {
    post(w, &format!("{API}/indexes/main.default.i/{what}"), body).await
}

async fn upsert(w: &LocalWorkspace, rows: Value) -> crate::client::Response {
    ask(w, "upsert-data", json!({"inputs_json": rows.to_string()})).await
}

async fn found(w: &LocalWorkspace, mut body: Value) -> Vec<(i64, f64)> {
    body["columns"] = json!(["id"]);
    let found = ask(w, "query", body).await.ok();
    assert_eq!(found["manifest"]["columns"], json!([{"name": "id"}, {"name": "score"}]));
    let rows = found["result"]["data_array"].as_array().unwrap();
    assert_eq!(found["result"]["row_count"], rows.len());
    rows.iter().map(|row| (row[0].as_i64().unwrap(), row[1].as_f64().unwrap())).collect()
}

#[tokio::test]
async fn the_nearest_rows_are_found() {
    let w = fast().await;
    index(&w, "main.default.i").await;
    let rows = json!([
        {"id": 1, "kind": "a", "place": [0.0, 0.0]},
        {"id": 2, "kind": "a", "place": [3.0, 4.0]},
        {"id": 3, "kind": "b", "place": [0.0, 1.0]},
    ]);
    let done = upsert(&w, rows).await.ok();
    assert_eq!((&done["status"], &done["result"]["success_row_count"]), (&json!("SUCCESS"), &json!(3)));
    let kept = get(&w, &format!("{API}/indexes/main.default.i")).await.ok();
    assert_eq!(kept["status"], json!({"ready": true, "indexed_row_count": 3}));

    let near = json!({"query_vector": [0.0, 0.0]});
    assert_eq!(found(&w, near.clone()).await, [(1, 1.0), (3, 0.5), (2, 1.0 / 26.0)]);
    let with = |more: Value| {
        let mut body = near.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    assert_eq!(found(&w, with(json!({"num_results": 1}))).await, [(1, 1.0)]);
    assert_eq!(found(&w, with(json!({"score_threshold": 0.4}))).await.len(), 2);
    assert_eq!(found(&w, with(json!({"filters_json": "{\"kind\": \"b\"}"}))).await, [(3, 0.5)]);
    assert_eq!(
        found(&w, with(json!({"filters_json": "{\"id >=\": 2, \"kind NOT\": \"b\"}"}))).await,
        [(2, 1.0 / 26.0)]
    );

    // A row takes the place of the one with its key.
    upsert(&w, json!([{"id": 2, "kind": "c", "place": [0.0, 0.0]}])).await.ok();
    assert_eq!(found(&w, with(json!({"num_results": 2}))).await, [(1, 1.0), (2, 1.0)]);
    let target = format!("{API}/indexes/main.default.i/delete-data?primary_keys=1&primary_keys=2");
    call(&w, "DELETE", &target, None).await.ok();
    assert_eq!(found(&w, near.clone()).await, [(3, 0.5)]);
    let scanned = ask(&w, "scan", json!({"num_results": 5})).await.ok();
    assert_eq!(scanned["last_primary_key"], "3");
    assert!(scanned["data"][0]["fields"].to_string().contains(r#"{"key":"kind","value":{"string_value":"b"}}"#));
    let rest = ask(&w, "scan", json!({"last_primary_key": "3"})).await.ok();
    assert_eq!(rest["data"], json!([]));

    // The rows go with the index.
    call(&w, "DELETE", &format!("{API}/indexes/main.default.i"), None).await.ok();
    index(&w, "main.default.i").await;
    assert!(found(&w, near).await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_searched_is_refused() {
    let w = fast().await;
    index(&w, "main.default.i").await;
    for (rows, part) in [
        (json!([{"id": 1, "place": [1.0]}]), "in place of 2"),
        (json!([{"id": 1, "place": "x"}]), "list of numbers"),
        (json!([{"place": [1.0, 2.0]}]), "no id"),
        (json!([{"id": 1, "place": [1.0, 2.0], "other": 1}]), "no column other"),
        (json!({"id": 1}), "list of objects"),
    ] {
        let message = upsert(&w, rows).await.refused(400, "INVALID_PARAMETER_VALUE");
        assert!(message.contains(part), "{message}");
    }
    // One wrong row, and none is kept.
    upsert(&w, json!([{"id": 1, "place": [1.0, 2.0]}, {"id": 2}])).await.refused(400, "INVALID_PARAMETER_VALUE");
    assert!(found(&w, json!({"query_vector": [0.0, 0.0]})).await.is_empty());
    for (body, status) in [
        (json!({"columns": ["id"], "query_text": "hello"}), 501),
        (json!({"columns": ["id"], "query_vector": [0.0, 0.0], "query_type": "HYBRID"}), 501),
        (json!({"columns": ["id"], "query_vector": [0.0]}), 400),
        (json!({"columns": ["none"], "query_vector": [0.0, 0.0]}), 400),
        (json!({"query_vector": [0.0, 0.0]}), 400),
        (json!({"columns": ["id"]}), 400),
        (json!({"columns": ["id"], "query_vector": [0.0, 0.0], "num_results": 0}), 400),
    ] {
        assert_eq!(ask(&w, "query", body.clone()).await.status, status, "{body}");
    }
    let follows = json!({"name": "main.default.i", "endpoint_name": "e", "primary_key": "id", "index_type": "DELTA_SYNC",
        "delta_sync_index_spec": {"source_table": "main.default.t", "pipeline_type": "TRIGGERED"}});
    call(&w, "DELETE", &format!("{API}/indexes/main.default.i"), None).await.ok();
    let mut lost = follows.clone();
    lost["endpoint_name"] = json!("none");
    post(&w, &format!("{API}/indexes"), lost).await.refused(404, "RESOURCE_DOES_NOT_EXIST");
    post(&w, &format!("{API}/indexes"), follows).await.ok();
    ask(&w, "sync", json!({})).await.ok();
    upsert(&w, json!([])).await.refused(501, "NOT_IMPLEMENTED");

    let target = format!("{API}/endpoints/e");
    call(&w, "PATCH", &format!("{target}/tags"), Some(json!({"custom_tags": [{"key": "a", "value": "b"}]}))).await.ok();
    call(&w, "PATCH", &format!("{target}/budget-policy"), Some(json!({"budget_policy_id": "p"}))).await.ok();
    post(&w, &format!("{target}/stop"), json!({})).await.ok();
    let kept = get(&w, &target).await.ok();
    assert_eq!((&kept["custom_tags"][0]["key"], &kept["budget_policy_id"]), (&json!("a"), &json!("p")));
    assert_eq!(kept["endpoint_status"]["state"], "STOPPED");
}
