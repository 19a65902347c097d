//! Operations called by name, over a socket.

#![allow(clippy::unwrap_used)] // A test may stop at the first thing that is not as it should be.

use std::time::Duration;

use databricks_sdk::{AccountClient, Config, ErrorKind, WorkspaceClient};
use httpmock::Method::{GET, POST};
use httpmock::MockServer;
use serde_json::json;

fn config(server: &MockServer) -> Config {
    Config::hermetic().host(server.base_url()).token("tok")
}

fn client(server: &MockServer) -> WorkspaceClient {
    WorkspaceClient::new(config(server)).unwrap()
}

#[tokio::test]
async fn a_call_by_name_is_the_typed_call() {
    let server = MockServer::start_async().await;
    let get = server.mock(|when, then| {
        when.method(GET)
            .path("/api/2.1/clusters/get")
            .query_param("cluster_id", "a b")
            .header("authorization", "Bearer tok");
        then.status(200).json_body(json!({"cluster_id": "a b", "brand_new": 1}));
    });
    let response = client(&server).operation("clusters.get").unwrap().input("cluster_id", "a b").await.unwrap();
    assert_eq!(response.json, json!({"cluster_id": "a b", "brand_new": 1}));
    get.assert_async().await;
}

#[tokio::test]
async fn unknown_operations_and_inputs_are_named() {
    let server = MockServer::start_async().await;
    let w = client(&server);
    assert_eq!(w.operation("clusters.paint").unwrap_err().kind(), ErrorKind::InvalidInput);
    let error = w.operation("clusters.get").unwrap().input("id", "x").await.unwrap_err();
    assert!(error.to_string().contains("cluster_id"), "{error}");
    let error = w.operation("clusters.get").unwrap().items().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn lists_go_from_page_to_page() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.method(GET).path("/api/2.1/clusters/list").query_param_missing("page_token").query_param("page_size", "1");
        then.status(200).json_body(json!({"clusters": [{"cluster_id": "a"}], "next_page_token": "t"}));
    });
    server.mock(|when, then| {
        when.method(GET).path("/api/2.1/clusters/list").query_param("page_token", "t").query_param("page_size", "1");
        then.status(200).json_body(json!({"clusters": [{"cluster_id": "b"}]}));
    });
    let all = client(&server)
        .operation("clusters.list")
        .unwrap()
        .input("page_size", 1)
        .items()
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(all, [json!({"cluster_id": "a"}), json!({"cluster_id": "b"})]);
}

#[tokio::test]
async fn a_list_that_goes_in_circles_is_an_error() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.method(GET).path("/api/2.1/clusters/list");
        then.status(200).json_body(json!({"clusters": [], "next_page_token": "t"}));
    });
    let error = client(&server).operation("clusters.list").unwrap().items().unwrap().try_collect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PaginationLoop);
}

#[tokio::test]
async fn repeated_items_of_identity_lists_are_there_once() {
    let server = MockServer::start_async().await;
    for (start, ids) in [("1", vec!["1", "2"]), ("3", vec!["2"]), ("4", vec![])] {
        let users: Vec<_> = ids.iter().map(|id| json!({"id": id})).collect();
        server.mock(move |when, then| {
            when.method(GET).path_includes("/Users").query_param("startIndex", start);
            then.status(200).json_body(json!({"Resources": users}));
        });
    }
    let users = client(&server).operation("users.list").unwrap().items().unwrap().try_collect().await.unwrap();
    assert_eq!(users, [json!({"id": "1"}), json!({"id": "2"})]);
}

#[tokio::test]
async fn a_wait_ends_with_the_resource_or_its_failure() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.method(POST).path("/api/2.1/clusters/start").json_body_includes(r#"{"cluster_id": "a"}"#);
        then.status(200).json_body(json!({}));
    });
    let mut get = server.mock(|when, then| {
        when.method(GET).path("/api/2.1/clusters/get").query_param("cluster_id", "a");
        then.status(200).json_body(json!({"cluster_id": "a", "state": "RUNNING"}));
    });
    let w = client(&server);
    let start = || w.operation("clusters.start").unwrap().input("cluster_id", "a");
    assert_eq!(start().wait(None).await.unwrap()["state"], "RUNNING");
    get.delete();
    server.mock(|when, then| {
        when.method(GET).path("/api/2.1/clusters/get");
        then.status(200).json_body(json!({"state": "ERROR", "state_message": "no quota"}));
    });
    let error = start().wait(Some(Duration::from_secs(1))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OperationFailed);
    assert!(error.to_string().contains("no quota"), "{error}");
}

#[tokio::test]
async fn account_operations_and_streams() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.method(GET).path_includes("/accounts/acc/").path_includes("/custom-app-integrations");
        then.status(200).json_body(json!({"apps": [{"name": "app"}]}));
    });
    server.mock(|when, then| {
        when.method(GET).path("/api/2.0/fs/files/Volumes/a/b");
        then.status(200).header("last-modified", "today").body("bytes");
    });
    let a = AccountClient::new(config(&server).account_id("acc")).unwrap();
    let apps = a.operation("custom_app_integration.list").unwrap().items().unwrap().try_collect().await.unwrap();
    assert_eq!(apps, [json!({"name": "app"})]);
    let response =
        client(&server).operation("files.download").unwrap().input("file_path", "/Volumes/a/b").await.unwrap();
    assert_eq!(response.json["last-modified"], "today");
    assert!(response.contents.is_some());
}
