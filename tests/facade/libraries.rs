//! Libraries that are installed when the call returns.

use std::time::Duration;

use databricks_sdk::models::compute::{Library, PythonPyPiLibrary};
use databricks_sdk::{ErrorKind, WorkspaceClient};
use databricks_tests::scripted_client;
use httpmock::{Method::GET, Method::POST, MockServer};
use serde_json::json;

fn pypi(package: &str) -> Library {
    Library::new().pypi(PythonPyPiLibrary::new(package))
}

/// A service whose libraries have these states at every look.
async fn service(states: &[(&'static str, &'static str)]) -> MockServer {
    let server = MockServer::start_async().await;
    let all: Vec<_> = states
        .iter()
        .map(|(package, status)| json!({"library": {"pypi": {"package": package}}, "status": status, "messages": [format!("{package} is {status}")]}))
        .collect();
    server.mock(|when, then| {
        when.method(GET).path("/api/2.0/libraries/cluster-status").query_param("cluster_id", "c");
        then.status(200).json_body(json!({"cluster_id": "c", "library_statuses": all}));
    });
    server
}

fn accept<'a>(server: &'a MockServer, call: &str, package: &str) -> httpmock::Mock<'a> {
    let path = format!("/api/2.0/libraries/{call}");
    let body = json!({"cluster_id": "c", "libraries": [{"pypi": {"package": package}}]});
    server.mock(move |when, then| {
        when.method(POST).path(path).json_body(body);
        then.status(200).json_body(json!({}));
    })
}

fn client(server: &MockServer) -> WorkspaceClient {
    scripted_client(server.base_url())
}

#[tokio::test]
async fn what_was_asked_for_is_there_afterwards() {
    let server = service(&[("a", "INSTALLED"), ("b", "UNINSTALL_ON_RESTART"), ("d", "SKIPPED")]).await;
    let (install, uninstall) = (accept(&server, "install", "a"), accept(&server, "uninstall", "b"));
    let all = client(&server).libraries().update("c").install([pypi("a")]).uninstall([pypi("b")]).await.unwrap();
    assert_eq!(all.len(), 3);
    install.assert_async().await;
    uninstall.assert_async().await;
}

#[tokio::test]
async fn failures_are_listed_and_removed() {
    let server = service(&[("a", "INSTALLED"), ("b", "FAILED")]).await;
    let (_install, uninstall) = (accept(&server, "install", "b"), accept(&server, "uninstall", "b"));
    let error = client(&server).libraries().update("c").install([pypi("b")]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OperationFailed);
    assert!(error.to_string().contains("1 of the libraries of cluster c failed; pypi b: b is FAILED"), "{error}");
    uninstall.assert_async().await;
}

#[tokio::test]
async fn a_wait_has_an_end() {
    let server = service(&[("a", "INSTALLING")]).await;
    let update = client(&server)
        .libraries()
        .update("c")
        .timeout(Duration::from_millis(20))
        .poll_interval(Duration::from_millis(5));
    assert_eq!(update.await.unwrap_err().kind(), ErrorKind::WaitTimeout);
}
