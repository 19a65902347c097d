//! The generated services over a stand-in for the facade's clients, which they are written into in earnest.

use databricks_core::{LongRunning, Waitable};
use databricks_sdk::{Client, Operation, Result};
use httpmock::Method::{DELETE, GET, PATCH, POST};
use httpmock::MockServer;
use serde_json::json;

use crate::client;
use crate::models::shapes::Kind;

#[derive(Debug)]
pub(crate) struct WorkspaceClient {
    pub(crate) client: Client,
}

#[derive(Debug)]
pub(crate) struct AccountClient {
    pub(crate) client: Client,
}

#[must_use = "a call does nothing until it is sent"]
pub(crate) struct Call<O> {
    client: Client,
    operation: O,
}

impl<O: Operation> Call<O> {
    pub(crate) fn new(client: Client, operation: O) -> Self {
        Self { client, operation }
    }

    pub(crate) fn map(mut self, change: impl FnOnce(&mut O)) -> Self {
        change(&mut self.operation);
        self
    }

    async fn send(self) -> Result<O::Output> {
        self.client.call(self.operation).await
    }
}

/// Waits for what a call starts, as the facade's own.
pub(crate) struct Waiter<O: Waitable>(databricks_sdk::Waiter<O>);

impl<O: Waitable> Waiter<O> {
    pub(crate) fn new(call: Call<O>) -> Self {
        Self(databricks_sdk::Waiter::new(call.client.call(call.operation)))
    }
}

/// Waits for the work that a call starts, as the facade's own.
pub(crate) struct OperationWaiter<O: LongRunning>(databricks_sdk::OperationWaiter<O>);

impl<O: LongRunning> OperationWaiter<O> {
    pub(crate) fn new(call: Call<O>) -> Self {
        Self(databricks_sdk::OperationWaiter::new(call.client.call(call.operation)))
    }
}

#[tokio::test]
async fn a_wait_is_a_method_of_the_operations_that_start_something() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.method(POST).path("/api/2.0/shapes");
        then.status(200).json_body(json!({"kind": "CIRCLE", "shape_id": 7}));
    });
    server.mock(|when, then| {
        when.method(GET).path("/api/2.0/shapes/7");
        then.status(200).json_body(json!({"kind": "CIRCLE", "name": "done", "status": {"state": "READY"}}));
    });
    let w = WorkspaceClient { client: client(&server) };
    let shape = w.shapes().create(Kind::Circle).wait().0.await.unwrap();
    assert_eq!(shape.name.as_deref(), Some("done"));
    let work: OperationWaiter<_> = w.shapes().build(Kind::Circle).wait();
    assert!(format!("{:?}", work.0).contains("shapes.build"), "{:?}", work.0);
}

#[tokio::test]
async fn required_inputs_are_arguments_and_optional_ones_setters() {
    let server = MockServer::start_async().await;
    let create = server.mock(|when, then| {
        when.method(POST).path("/api/2.0/shapes").header("x-databricks-workspace-id", "42").is_true(|request| {
            let body: serde_json::Value = serde_json::from_slice(request.body_ref()).unwrap();
            body["kind"] == "CIRCLE"
                && body["type"] == "round"
                && body["color"] == "RED"
                && body["idempotency_token"].as_str().is_some_and(|t| t.len() == 36)
        });
        then.status(200).json_body(json!({"kind": "CIRCLE", "shape_id": "9007199254740993"}));
    });
    let w = WorkspaceClient { client: client(&server) };
    // `metadata` is a method of every call, so the setter of that input has an underscore.
    let metadata = serde_json::Map::from_iter([("a".to_owned(), json!(1))]);
    let shape = w.shapes().create(Kind::Circle).type_("round").color("RED").metadata(metadata).send().await.unwrap();
    assert_eq!((shape.kind, shape.shape_id), (Kind::Circle, Some(9_007_199_254_740_993)));
    create.assert_async().await;
}

#[tokio::test]
async fn accounts_and_nested_services_are_reached_where_the_description_says() {
    let server = MockServer::start_async().await;
    let account = server.mock(|when, then| {
        when.method(GET).path("/api/2.0/accounts/acc/shapes/7").header_missing("x-databricks-workspace-id");
        then.status(200).json_body(json!({"kind": "SQUARE"}));
    });
    let rules = server.mock(|when, then| {
        when.method(GET).path("/api/2.0/settings/shape-rules").query_param("etag", "e");
        then.status(200).json_body(json!({"etag": "e2", "rules": [{"rule": "round"}]}));
    });
    let a = AccountClient { client: client(&server) };
    assert_eq!(a.shapes().get(7).send().await.unwrap().kind.as_str(), "SQUARE");
    let w = WorkspaceClient { client: client(&server) };
    #[allow(deprecated)]
    let response = w.settings().shape_rules().get().etag("e").send().await.unwrap();
    assert_eq!(response.rules.unwrap()[0].rule, "round");
    account.assert_async().await;
    rules.assert_async().await;
}

#[tokio::test]
async fn operations_of_one_endpoint_are_told_apart_by_what_they_send() {
    let server = MockServer::start_async().await;
    let update = server.mock(|when, then| {
        when.method(PATCH)
            .path("/api/2.0/boards/b%201/shapes/7")
            .query_param("update_mask", "name,color")
            .json_body(json!({"kind": "CIRCLE", "name": "n"}));
        then.status(200).json_body(json!({"kind": "CIRCLE"}));
    });
    let rename = server.mock(|when, then| {
        when.method(PATCH).path("/api/2.0/boards/b%201/shapes/7").json_body(json!({"new_name": "m"}));
        then.status(200).json_body(json!({"kind": "CIRCLE"}));
    });
    let w = WorkspaceClient { client: client(&server) };
    let shape = crate::models::shapes::Shape::new(Kind::Circle).name("n");
    w.shapes().update("boards/b 1/shapes/7", shape).update_mask("name,color").send().await.unwrap();
    w.shapes().rename("boards/b 1/shapes/7", "m").send().await.unwrap();
    update.assert_async().await;
    rename.assert_async().await;
}

#[tokio::test]
async fn masks_follow_from_what_is_set() {
    let server = MockServer::start_async().await;
    let update = server.mock(|when, then| {
        when.method(PATCH)
            .path("/api/2.0/boards/b/shapes/7")
            .query_param("update_mask", "added,color,kind,shape_id,status.state")
            .json_body(json!({
                "kind": "CIRCLE", "name": "n", "color": "RED", "added": 1, "shape_id": null, "status": {"state": "READY"},
            }));
        then.status(200).json_body(json!({"kind": "CIRCLE"}));
    });
    let w = WorkspaceClient { client: client(&server) };
    // The name identifies the shape: it stands in the path.
    let shape = crate::models::shapes::Shape::new(Kind::Circle)
        .name("n")
        .color("RED")
        .status(crate::models::shapes::Status::new().state("READY"))
        .with_extra("added", 1)
        .with_extra("shape_id", serde_json::Value::Null);
    w.shapes().update("boards/b/shapes/7", shape).send().await.unwrap();
    update.assert_async().await;
}

#[tokio::test]
async fn keys_of_idempotency_are_fresh_unless_given() {
    let server = MockServer::start_async().await;
    let given = server.mock(|when, then| {
        when.method(DELETE).path("/api/2.0/shapes/7").query_param("request_id", "mine");
        then.status(200);
    });
    let fresh = server.mock(|when, then| {
        when.method(DELETE).path("/api/2.0/shapes/8").query_param_matches("request_id", "^[0-9a-f-]{36}$");
        then.status(200);
    });
    let w = WorkspaceClient { client: client(&server) };
    w.shapes().delete(7).request_id("mine").send().await.unwrap();
    w.shapes().delete(8).send().await.unwrap();
    given.assert_async().await;
    fresh.assert_async().await;
}
