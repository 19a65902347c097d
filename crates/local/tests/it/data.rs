//! State that survives a restart, and what a workspace begins with.

use databricks_local::LocalWorkspace;
use serde_json::json;

use crate::client::{get, post};

pub(crate) fn builder(directory: &std::path::Path) -> databricks_local::LocalWorkspaceBuilder {
    LocalWorkspace::builder().speed(1e6).data(directory)
}

#[tokio::test]
async fn records_and_credentials_are_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let first = builder(directory.path()).start().await.unwrap();
    post(&first, "/api/2.1/unity-catalog/shares", json!({"name": "kept"})).await.ok();
    post(&first, "/api/2.1/unity-catalog/shares", json!({"name": "gone"})).await.ok();
    crate::client::call(&first, "DELETE", "/api/2.1/unity-catalog/shares/gone", None).await.ok();
    let made = post(&first, "/api/2.0/token/create", json!({"comment": "x"})).await.ok();
    let (token, account) = (first.token().to_owned(), first.account_id().to_owned());
    let busy = builder(directory.path()).start().await.unwrap_err();
    assert!(std::error::Error::source(&busy).is_some(), "{busy}");
    first.shutdown().await;
    let second = loop {
        // The store is let go of with the last task of the first workspace.
        if let Ok(second) = builder(directory.path()).start().await {
            break second;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((second.token(), second.account_id()), (token.as_str(), account.as_str()));
    let shares = get(&second, "/api/2.1/unity-catalog/shares").await.ok();
    let shares = shares["shares"].as_array().unwrap();
    assert_eq!(shares.len(), 1);
    assert_eq!(shares[0]["name"], "kept");
    let bearer = format!("Bearer {}", made["token_value"].as_str().unwrap());
    let headers = [("authorization", bearer.as_str())];
    let me = crate::client::send(&second, "GET", "/api/2.0/preview/scim/v2/Me", &headers, b"").await.unwrap();
    assert_eq!(me.status, 200);
}

/// Starts again on the same directory. The store is let go of with the last task of the first workspace.
pub(crate) async fn again(first: LocalWorkspace, directory: &std::path::Path) -> LocalWorkspace {
    first.shutdown().await;
    loop {
        if let Ok(second) = builder(directory).start().await {
            return second;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn every_service_has_its_objects_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let w = builder(directory.path()).start().await.unwrap();
    let bearer = format!("Bearer {}", w.token());
    let warehouse = w.warehouse_id().to_owned();
    let import = json!({"path": "/Shared/kept/n", "language": "SQL", "content": "U0VMRUNUIDE="});
    post(&w, "/api/2.0/workspace/import", import).await.ok();
    post(&w, "/api/2.0/workspace/mkdirs", json!({"path": "/Shared/gone/x"})).await.ok();
    post(&w, "/api/2.0/workspace/delete", json!({"path": "/Shared/gone", "recursive": true})).await.ok();
    post(&w, "/api/2.0/secrets/scopes/create", json!({"scope": "s"})).await.ok();
    post(&w, "/api/2.0/secrets/put", json!({"scope": "s", "key": "k", "string_value": "v"})).await.ok();
    let task = json!({"task_key": "a", "notebook_task": {"notebook_path": "/Shared/kept/n"}});
    let job = post(&w, "/api/2.2/jobs/create", json!({"name": "j", "tasks": [task]})).await.ok()["job_id"].clone();
    let made = post(&w, "/api/2.0/sql/warehouses", json!({"name": "w", "cluster_size": "Small"})).await.ok();
    let spec = json!({"cluster_name": "c", "spark_version": "17.3.x-scala2.13", "node_type_id": "m5d.large",
        "autoscale": {"min_workers": 1, "max_workers": 3}});
    let cluster = post(&w, "/api/2.1/clusters/create", spec).await.ok()["cluster_id"].clone();
    post(&w, "/api/2.0/serving-endpoints", json!({"name": "e", "config": {}})).await.ok();
    post(&w, "/api/2.0/dbfs/put", json!({"path": "/tmp/f", "contents": "aGVsbG8="})).await.ok();
    post(&w, "/api/2.0/dbfs/move", json!({"source_path": "/tmp/f", "destination_path": "/tmp/g"})).await.ok();
    for name in ["a", "b"] {
        let target = format!("/api/2.0/fs/files/Volumes/main/default/v/d/{name}");
        let put = crate::client::send(&w, "PUT", &target, &[("authorization", &bearer)], b"content").await.unwrap();
        assert_eq!(put.status, 204, "{}", put.text());
    }
    crate::client::call(&w, "DELETE", "/api/2.0/fs/files/Volumes/main/default/v/d/b", None).await;
    let files = || std::fs::read_dir(directory.path().join("files")).unwrap().count();
    assert_eq!(files(), 2);

    let w = again(w, directory.path()).await;
    assert_eq!(files(), 2);
    assert_eq!(w.warehouse_id(), warehouse);
    let status = get(&w, "/api/2.0/workspace/get-status?path=/Shared/kept/n").await.ok();
    assert_eq!((&status["object_type"], &status["language"]), (&json!("NOTEBOOK"), &json!("SQL")));
    get(&w, "/api/2.0/workspace/get-status?path=/Shared/gone").await.refused(404, "RESOURCE_DOES_NOT_EXIST");
    assert_eq!(get(&w, "/api/2.0/secrets/get?scope=s&key=k").await.ok()["value"], "dg==");
    assert_eq!(get(&w, &format!("/api/2.2/jobs/get?job_id={job}")).await.ok()["settings"]["name"], "j");
    let id = made["id"].as_str().unwrap();
    assert_eq!(get(&w, &format!("/api/2.0/sql/warehouses/{id}")).await.ok()["state"], "STOPPED");
    let cluster = cluster.as_str().unwrap();
    let kept = get(&w, &format!("/api/2.1/clusters/get?cluster_id={cluster}")).await.ok();
    assert_eq!((&kept["state"], &kept["autoscale"]["max_workers"]), (&json!("TERMINATED"), &json!(3)));
    post(&w, "/api/2.1/clusters/start", json!({"cluster_id": cluster})).await.ok();
    get(&w, "/api/2.0/serving-endpoints/e").await.ok();
    assert_eq!(get(&w, "/api/2.0/dbfs/read?path=/tmp/g").await.ok()["data"], "aGVsbG8=");
    get(&w, "/api/2.0/dbfs/read?path=/tmp/f").await.refused(404, "RESOURCE_DOES_NOT_EXIST");
    let read = get(&w, "/api/2.0/fs/files/Volumes/main/default/v/d/a").await;
    assert_eq!(read.text(), "content");
    assert_eq!(get(&w, "/api/2.0/fs/files/Volumes/main/default/v/d/b").await.status, 404);
    // New objects do not take the identifiers of old ones.
    let task = json!({"task_key": "a", "notebook_task": {"notebook_path": "/Shared/kept/n"}});
    let next = post(&w, "/api/2.2/jobs/create", json!({"name": "k", "tasks": [task]})).await.ok()["job_id"].clone();
    assert!(next.as_i64() > job.as_i64(), "{next}");
}

#[tokio::test]
async fn the_token_can_be_chosen() {
    let w = LocalWorkspace::builder().access_token("dapi-chosen").start().await.unwrap();
    assert_eq!(w.token(), "dapi-chosen");
    get(&w, "/api/2.0/preview/scim/v2/Me").await.ok();
}

#[cfg(feature = "engine")]
#[tokio::test]
async fn a_seed_runs_before_the_first_request() {
    let seed = "CREATE TABLE main.default.seeded (id INT); INSERT INTO main.default.seeded VALUES (1), (2);";
    let w = LocalWorkspace::builder().seed(seed).start().await.unwrap();
    let table = get(&w, "/api/2.1/unity-catalog/tables/main.default.seeded").await.ok();
    assert_eq!(table["columns"][0]["name"], "id");
    let failed = LocalWorkspace::builder().seed("SELECT * FROM nothing").start().await.unwrap_err();
    assert!(failed.to_string().contains("SELECT * FROM nothing"), "{failed}");
}
