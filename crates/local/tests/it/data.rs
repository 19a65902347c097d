//! State that survives a restart, and what a workspace begins with.

use databricks_local::LocalWorkspace;
use serde_json::json;

use crate::client::{get, post};

fn builder(directory: &std::path::Path) -> databricks_local::LocalWorkspaceBuilder {
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
