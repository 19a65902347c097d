//! Waits and long-running work.

use std::time::Duration;

use databricks_sdk::{ErrorKind, OperationWaiter, Waiter};
use httpmock::Method::{GET, POST};
use httpmock::MockServer;
use serde_json::json;

use crate::client;
use crate::models::shapes::{Kind, shapes};

const SOON: Duration = Duration::from_millis(1);

#[tokio::test]
async fn a_wait_polls_with_what_the_response_states() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.method(POST).path("/api/2.0/shapes");
        then.status(200).json_body(json!({"kind": "CIRCLE", "shape_id": 7}));
    });
    server.mock(|when, then| {
        when.method(GET).path("/api/2.0/shapes/7");
        then.status(200).json_body(json!({"kind": "CIRCLE", "name": "done", "status": {"state": "READY"}}));
    });
    let shape = Waiter::new(client(&server).call(shapes::Create::new(Kind::Circle))).poll_interval(SOON).await.unwrap();
    assert_eq!(shape.name.as_deref(), Some("done"));
}

#[tokio::test]
async fn a_failed_state_and_a_response_without_an_id_are_errors() {
    let server = MockServer::start_async().await;
    let mut create = server.mock(|when, then| {
        when.method(POST).path("/api/2.0/shapes");
        then.status(200).json_body(json!({"kind": "CIRCLE", "shape_id": 7}));
    });
    server.mock(|when, then| {
        when.method(GET).path("/api/2.0/shapes/7");
        then.status(200).json_body(json!({"status": {"state": "BROKEN", "message": "too round"}}));
    });
    let client = client(&server);
    let error = Waiter::new(client.call(shapes::Create::new(Kind::Circle))).poll_interval(SOON).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OperationFailed);
    assert!(error.to_string().contains("too round"), "{error}");
    create.delete();
    server.mock(|when, then| {
        when.method(POST).path("/api/2.0/shapes");
        then.status(200).json_body(json!({"kind": "CIRCLE"}));
    });
    let error = Waiter::new(client.call(shapes::Create::new(Kind::Circle))).poll_interval(SOON).await.unwrap_err();
    assert!(error.to_string().contains("shape_id"), "{error}");
}

#[tokio::test]
async fn long_running_work_ends_with_its_result() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.method(POST).path("/api/2.0/shapes/build").json_body(json!({"kind": "CIRCLE"}));
        then.status(200).json_body(json!({"name": "operations/1", "metadata": {"@type": "x", "percent": "50"}}));
    });
    server.mock(|when, then| {
        when.method(GET).path("/api/2.0/shapes/operations/1/operation");
        then.status(200)
            .json_body(json!({"name": "operations/1", "done": true, "response": {"@type": "x", "kind": "CIRCLE", "name": "built"}}));
    });
    let cancel = server.mock(|when, then| {
        when.method(POST).path("/api/2.0/shapes/operations/1:cancel");
        then.status(200);
    });
    let client = client(&server);
    let handle =
        OperationWaiter::new(client.call(shapes::Build::new(Kind::Circle))).poll_interval(SOON).start().await.unwrap();
    assert_eq!(handle.name(), "operations/1");
    assert_eq!(handle.metadata().unwrap().and_then(|metadata| metadata.percent), Some(50));
    handle.cancel().await.unwrap();
    assert_eq!(handle.wait().await.unwrap().name.as_deref(), Some("built"));
    cancel.assert_async().await;
}

#[tokio::test]
async fn long_running_work_may_end_with_nothing_or_fail() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.method(POST).path("/api/2.0/shapes/demolish").body("{}");
        then.status(200).json_body(json!({"name": "operations/2"}));
    });
    server.mock(|when, then| {
        when.method(GET).path("/api/2.0/shapes/operations/2/operation");
        then.status(200).json_body(json!({"name": "operations/2", "done": true}));
    });
    server.mock(|when, then| {
        when.method(POST).path("/api/2.0/shapes/build");
        then.status(200).json_body(json!({"name": "operations/3"}));
    });
    server.mock(|when, then| {
        when.method(GET).path("/api/2.0/shapes/operations/3/operation");
        then.status(200)
            .json_body(json!({"name": "operations/3", "done": true, "error": {"error_code": "BAD_SHAPE", "message": "seven sides"}}));
    });
    let client = client(&server);
    OperationWaiter::new(client.call(shapes::Demolish::new())).await.unwrap();
    let error = OperationWaiter::new(client.call(shapes::Build::new(Kind::Circle))).await.unwrap_err();
    assert!(error.to_string().contains("seven sides"), "{error}");
}
