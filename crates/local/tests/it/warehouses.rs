//! SQL warehouses over the wire.

use std::time::Duration;

use databricks_local::LocalWorkspace;
use serde_json::json;

use crate::client::{call, fast, get, post, until};

#[tokio::test]
async fn the_starter_warehouse_starts_and_stops() {
    let w = fast().await;
    let path = format!("/api/2.0/sql/warehouses/{}", w.warehouse_id());
    assert_eq!(get(&w, &path).await.ok()["state"], "STOPPED");
    post(&w, &format!("{path}/start"), json!({})).await.ok();
    let up = until(&w, &path, |x| x["state"] == "RUNNING").await;
    assert_eq!(up["num_clusters"], 1);
    assert_eq!(up["odbc_params"]["path"], format!("/sql/1.0/warehouses/{}", w.warehouse_id()));
    post(&w, &format!("{path}/stop"), json!({})).await.ok();
    until(&w, &path, |x| x["state"] == "STOPPED").await;
}

#[tokio::test]
async fn create_edit_list_delete() {
    let w = fast().await;
    let made = json!({"name": "x", "cluster_size": "Small", "auto_stop_mins": "30", "tags": {"custom_tags": [{"key": "a", "value": "b"}]}});
    let id = post(&w, "/api/2.0/sql/warehouses", made.clone()).await.ok()["id"].as_str().unwrap().to_owned();
    post(&w, "/api/2.0/sql/warehouses", made).await.refused(409, "RESOURCE_ALREADY_EXISTS");
    let path = format!("/api/2.0/sql/warehouses/{id}");
    let read = until(&w, &path, |x| x["state"] == "RUNNING").await;
    assert_eq!(read["auto_stop_mins"], 30);
    assert_eq!(read["tags"]["custom_tags"][0]["value"], "b");
    post(&w, &format!("{path}/edit"), json!({"name": "y", "cluster_size": "Large"})).await.ok();
    let page = get(&w, "/api/2.0/sql/warehouses?page_size=1").await.ok();
    let rest = get(&w, &format!("/api/2.0/sql/warehouses?page_token={}", page["next_page_token"].as_str().unwrap()))
        .await
        .ok();
    assert_eq!(rest["warehouses"][0]["name"], "y");
    assert_eq!(rest["warehouses"][0]["cluster_size"], "Large");
    call(&w, "DELETE", &path, None).await.ok();
    get(&w, &path).await.refused(404, "RESOURCE_DOES_NOT_EXIST");
    get(&w, "/api/2.0/sql/warehouses/nonsense").await.refused(400, "INVALID_PARAMETER_VALUE");
    post(&w, "/api/2.0/sql/warehouses", json!({"name": "z", "cluster_size": "Huge"}))
        .await
        .refused(400, "INVALID_PARAMETER_VALUE");
}

#[tokio::test(start_paused = true)]
async fn an_idle_warehouse_stops_by_itself() {
    let w = LocalWorkspace::builder().speed(1.0).start().await.unwrap();
    let path = format!("/api/2.0/sql/warehouses/{}", w.warehouse_id());
    post(&w, &format!("{path}/start"), json!({})).await.ok();
    assert_eq!(get(&w, &path).await.ok()["state"], "STARTING");
    tokio::time::advance(Duration::from_secs(30)).await;
    assert_eq!(get(&w, &path).await.ok()["state"], "RUNNING");
    tokio::time::advance(Duration::from_secs(11 * 60)).await;
    assert_eq!(get(&w, &path).await.ok()["state"], "STOPPED");
}
