//! Requests by URL.

use databricks_sdk::api_error::ApiErrorKind;
use databricks_sdk::{ErrorKind, Method};
use databricks_tests::Fixture;
use serde_json::{Value, json};

#[tokio::test]
async fn a_path_gets_the_prefix_of_the_api() {
    let f = Fixture::start().await;
    for path in ["/2.1/clusters/spark-versions", "2.1/clusters/spark-versions", "/api/2.1/clusters/spark-versions"] {
        let answer: Value = f.w.raw(Method::GET, path).json().await.unwrap();
        assert!(answer["versions"].is_array(), "{path}");
    }
    let url = format!("{}/api/2.1/clusters/spark-versions", f.local.url());
    assert!(f.w.raw(Method::GET, &url).text().await.unwrap().contains("versions"));
}

#[tokio::test]
async fn bodies_and_queries_arrive() {
    let f = Fixture::start().await;
    let made: Value =
        f.w.raw(Method::POST, "/2.0/token/create").json_body(&json!({"comment": "c", "lifetime_seconds": 60})).json().await.unwrap();
    assert!(made["token_value"].is_string());
    let listed: Value = f.w.raw(Method::GET, "/2.0/token/list").query("unused", "a b&c").json().await.unwrap();
    assert!(listed["token_infos"].as_array().is_some_and(|infos| !infos.is_empty()));
}

#[tokio::test]
async fn errors_are_typed() {
    let f = Fixture::start().await;
    let error = f.w.raw(Method::GET, "/2.0/sql/warehouses/none").send().await.unwrap_err();
    assert!(error.is_not_found() || error.api().is_some_and(|api| api.status() == 400), "{error}");
    let error = f.w.raw(Method::GET, "/2.0/no/such/thing").send().await.unwrap_err();
    assert_eq!(error.api().map(|api| api.kind()), Some(ApiErrorKind::NotImplemented), "{error}");
    assert!(error.to_string().contains("embedded workspace"), "{error}");
    assert_eq!(error.attempts().max(1), 1);
}

#[tokio::test]
async fn credentials_do_not_go_to_another_host() {
    let other = Fixture::start().await;
    let f = Fixture::start().await;
    let url = format!("{}/api/2.0/preview/scim/v2/Me", other.local.url());
    let error = f.w.raw(Method::GET, &url).send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Api), "{error}");
    assert!(other.local.requests().iter().all(|request| request.headers.get("authorization").is_none()));
}
