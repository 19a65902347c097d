//! Clusters over the wire.

use std::time::Duration;

use databricks_local::LocalWorkspace;
use serde_json::{Value, json};

use crate::client::{fast, get, post, until};

fn body(name: &str) -> Value {
    json!({
        "cluster_name": name,
        "spark_version": "15.4.x-scala2.12",
        "node_type_id": "m5d.large",
        "num_workers": 1,
    })
}

async fn create(w: &LocalWorkspace, body: Value) -> String {
    let made = post(w, "/api/2.1/clusters/create", body).await.ok();
    made["cluster_id"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_cluster_lives_in_time() {
    let w = LocalWorkspace::builder().speed(1.0).start().await.unwrap();
    let id = create(&w, body("a")).await;
    let path = format!("/api/2.1/clusters/get?cluster_id={id}");
    let state = async || get(&w, &path).await.ok()["state"].clone();
    assert_eq!(state().await, "PENDING");
    tokio::time::advance(Duration::from_secs(61)).await;
    let running = get(&w, &path).await.ok();
    assert_eq!(running["state"], "RUNNING");
    assert_eq!(running["executors"].as_array().unwrap().len(), 1);
    assert_eq!(running["spec"]["node_type_id"], "m5d.large");
    post(&w, "/api/2.1/clusters/restart", json!({"cluster_id": id})).await.ok();
    assert_eq!(state().await, "RESTARTING");
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(state().await, "RUNNING");
    post(&w, "/api/2.1/clusters/delete", json!({"cluster_id": id})).await.ok();
    assert_eq!(state().await, "TERMINATING");
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(state().await, "TERMINATED");
}

#[tokio::test]
async fn refusals_are_the_platforms() {
    let w = fast().await;
    let message = get(&w, "/api/2.1/clusters/get?cluster_id=none").await.refused(400, "INVALID_PARAMETER_VALUE");
    assert_eq!(message, "Cluster none does not exist");
    get(&w, "/api/2.1/clusters/get").await.refused(400, "INVALID_PARAMETER_VALUE");
    let id = create(&w, body("a")).await;
    until(&w, &format!("/api/2.0/clusters/get?cluster_id={id}"), |c| c["state"] == "RUNNING").await;
    let message = post(&w, "/api/2.1/clusters/start", json!({"cluster_id": id})).await.refused(400, "INVALID_STATE");
    assert_eq!(message, format!("Cluster {id} is in unexpected state Running."));
    let wrong = json!({"spark_version": {}});
    post(&w, "/api/2.1/clusters/create", wrong).await.refused(400, "MALFORMED_REQUEST");
    post(&w, "/api/2.1/clusters/permanent-delete", json!({"cluster_id": id})).await.ok();
    get(&w, &format!("/api/2.1/clusters/get?cluster_id={id}")).await.refused(400, "INVALID_PARAMETER_VALUE");
}

#[tokio::test]
async fn lists_come_in_pages_filtered_and_sorted() {
    let w = fast().await;
    assert!(get(&w, "/api/2.1/clusters/list").await.ok().get("clusters").is_none());
    let mut ids = Vec::new();
    for name in ["c", "a", "e", "b", "d"] {
        ids.push(create(&w, body(name)).await);
    }
    post(&w, "/api/2.1/clusters/delete", json!({"cluster_id": ids[2]})).await.ok();
    let path = format!("/api/2.1/clusters/get?cluster_id={}", ids[2]);
    until(&w, &path, |c| c["state"] == "TERMINATED").await;
    let mut names = Vec::new();
    let mut token = String::new();
    loop {
        let path = format!(
            "/api/2.1/clusters/list?page_size=2&sort_by.field=CLUSTER_NAME&sort_by.direction=DESC&filter_by.cluster_states=RUNNING&filter_by.cluster_states=PENDING&page_token={token}"
        );
        let page = get(&w, &path).await.ok();
        let list = page["clusters"].as_array().unwrap();
        assert!(list.len() <= 2);
        names.extend(list.iter().map(|c| c["cluster_name"].as_str().unwrap().to_owned()));
        token = page["next_page_token"].as_str().unwrap().to_owned();
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["d", "c", "b", "a"]);
    get(&w, "/api/2.1/clusters/list?filter_by.cluster_states=NO").await.refused(400, "INVALID_PARAMETER_VALUE");
    get(&w, "/api/2.1/clusters/list?page_token=x").await.refused(400, "INVALID_PARAMETER_VALUE");
    post(&w, "/api/2.1/clusters/pin", json!({"cluster_id": ids[0]})).await.ok();
    let pinned = get(&w, "/api/2.1/clusters/list?filter_by.is_pinned=true").await.ok();
    assert_eq!(pinned["clusters"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn events_page_by_their_next_body() {
    let w = fast().await;
    let id = create(&w, body("a")).await;
    until(&w, &format!("/api/2.1/clusters/get?cluster_id={id}"), |c| c["state"] == "RUNNING").await;
    let mut request = json!({"cluster_id": id, "order": "ASC", "limit": 2});
    let mut kinds = Vec::new();
    loop {
        let page = post(&w, "/api/2.1/clusters/events", request).await.ok();
        kinds.extend(page["events"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap().to_owned()));
        match page.get("next_page") {
            Some(next) => request = next.clone(),
            None => break,
        }
    }
    assert_eq!(kinds, ["CREATING", "RUNNING", "DRIVER_HEALTHY"]);
}

#[tokio::test]
async fn an_edit_restarts_and_a_resize_resizes() {
    let w = fast().await;
    let id = create(&w, body("a")).await;
    let path = format!("/api/2.1/clusters/get?cluster_id={id}");
    until(&w, &path, |c| c["state"] == "RUNNING").await;
    let mut changed = body("renamed");
    changed["cluster_id"] = json!(id);
    changed["custom_tags"] = json!({"team": "x"});
    post(&w, "/api/2.1/clusters/edit", changed).await.ok();
    let cluster = until(&w, &path, |c| c["state"] == "RUNNING").await;
    assert_eq!(cluster["cluster_name"], "renamed");
    assert_eq!(cluster["custom_tags"]["team"], "x");
    assert!(cluster["last_restarted_time"].is_i64());
    post(&w, "/api/2.1/clusters/resize", json!({"cluster_id": id, "num_workers": 3})).await.ok();
    let cluster = until(&w, &path, |c| c["state"] == "RUNNING").await;
    assert_eq!(cluster["executors"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn there_is_something_to_make_clusters_of() {
    let w = fast().await;
    let types = get(&w, "/api/2.1/clusters/list-node-types").await.ok();
    let versions = get(&w, "/api/2.1/clusters/spark-versions").await.ok();
    let node = &types["node_types"][0]["node_type_id"];
    let version = &versions["versions"][0]["key"];
    create(&w, json!({"spark_version": version, "node_type_id": node, "num_workers": 0})).await;
}
