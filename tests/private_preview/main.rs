//! Operations that no release of ours has, generated from a document of one's own into this crate.
//!
//! The directory `generated` is written by
//!
//! ```sh
//! cargo xtask codegen --documents tests/private_preview/openapi --out tests/private_preview/generated
//! ```

#![allow(clippy::unwrap_used)] // A test may stop at the first thing that is not as it should be.

#[allow(dead_code, unreachable_pub)]
#[rustfmt::skip]
#[path = "generated/models/mod.rs"]
mod models;

use databricks_sdk::{Config, WorkspaceClient};
use futures_util::TryStreamExt as _;
use httpmock::{Method, MockServer};
use models::greenhouse::{PlantState, plants};
use serde_json::json;

#[tokio::test]
async fn an_operation_of_ones_own_is_called_like_any_other() {
    let server = MockServer::start_async().await;
    let water = server
        .mock_async(|when, then| {
            when.method(Method::POST)
                .path("/api/2.0/preview/greenhouse/plants/fern%2F1/water")
                .header("authorization", "Bearer tok")
                .json_body(json!({"volumeMl": 250, "fertilizer": "mild"}));
            then.status(200).json_body(json!({"id": "fern/1", "state": "WATERED", "height_cm": 12}));
        })
        .await;
    let w = WorkspaceClient::new(Config::hermetic().host(server.base_url()).token("tok")).unwrap();

    let plant = w.call(plants::Water::new("fern/1", 250)).with_input("fertilizer", "mild").await.unwrap();
    assert_eq!(plant.state, Some(PlantState::Watered));
    assert_eq!(plant.extra().get("height_cm"), Some(&json!(12)), "what the document does not have is kept");
    water.assert_async().await;

    let error = w.call(plants::Water::new("fern/1", 250)).with_input("volumeMl", 1).await.unwrap_err();
    assert!(error.to_string().contains("the extra input volumeMl is set already"), "{error}");
}

#[tokio::test]
async fn a_list_of_ones_own_is_paged() {
    let server = MockServer::start_async().await;
    let path = "/api/2.0/preview/greenhouse/plants";
    let second = server
        .mock_async(|when, then| {
            when.path(path).query_param("page_token", "t");
            then.status(200).json_body(json!({"plants": [{"id": "b"}]}));
        })
        .await;
    let first = server
        .mock_async(|when, then| {
            when.path(path).query_param_missing("page_token");
            then.status(200).json_body(json!({"plants": [{"id": "a", "state": "DRY"}], "next_page_token": "t"}));
        })
        .await;
    let w = WorkspaceClient::new(Config::hermetic().host(server.base_url()).token("tok")).unwrap();
    let ids: Vec<_> = w.call(plants::List::new()).items().map_ok(|plant| plant.id).try_collect().await.unwrap();
    assert_eq!(ids, [Some("a".to_owned()), Some("b".to_owned())]);
    first.assert_async().await;
    second.assert_async().await;
}
