//! Requests by URL.

use databricks_sdk::api_error::ApiErrorKind;
use databricks_sdk::{AuthHeaders, Credentials, ErrorKind, Method, Result, Secret};
use databricks_tests::{Fixture, scripted_client};
use httpmock::Method::GET;
use httpmock::MockServer;
use serde_json::{Value, json};

#[tokio::test]
async fn a_path_gets_the_prefix_of_the_api() {
    let f = Fixture::start().await;
    for path in ["/2.1/clusters/spark-versions", "2.1/clusters/spark-versions", "/api/2.1/clusters/spark-versions"] {
        let response: Value = f.w.raw(Method::GET, path).json().await.unwrap();
        assert!(response["versions"].is_array(), "{path}");
    }
    let url = format!("{}/api/2.1/clusters/spark-versions", f.local.url());
    assert!(f.w.raw(Method::GET, &url).text().await.unwrap().contains("versions"));
}

#[tokio::test]
async fn bodies_and_queries_arrive() {
    let f = Fixture::start().await;
    let made: Value =
        f.w.raw(Method::POST, "/2.0/token/create")
            .json_body(&json!({"comment": "c", "lifetime_seconds": 60}))
            .json()
            .await
            .unwrap();
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

#[tokio::test]
async fn an_anonymous_request_and_a_call_with_other_credentials() {
    let server = MockServer::start_async().await;
    let w = scripted_client(server.base_url());
    let anonymous = server.mock(|when, then| {
        when.method(GET).path("/api/2.0/open").header_missing("authorization");
        then.status(200).json_body(json!({"open": true}));
    });
    let response: Value =
        w.raw(Method::GET, "/2.0/open").anonymous().send().await.unwrap().deserialize().await.unwrap();
    assert_eq!(response, json!({"open": true}));
    anonymous.assert_async().await;

    #[derive(Debug)]
    struct Other;
    impl Credentials for Other {
        fn auth_type(&self) -> &str {
            "other"
        }
        async fn headers(&self) -> Result<AuthHeaders> {
            AuthHeaders::bearer(&Secret::from("narrow"))
        }
    }
    let narrow = server.mock(|when, then| {
        when.method(GET).path("/api/2.1/clusters/get").header("authorization", "Bearer narrow");
        then.status(200).json_body(json!({"cluster_id": "a"}));
    });
    let cluster = w.clusters().get("a").with_credentials(Other).await.unwrap();
    assert_eq!(cluster.cluster_id.as_deref(), Some("a"));
    narrow.assert_async().await;
}

#[tokio::test]
async fn a_response_that_does_not_fit_names_its_request() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.path("/api/2.0/odd");
        then.status(200).header("x-request-id", "r-1").body("[1]");
    });
    server.mock(|when, then| {
        when.path("/api/2.0/empty");
        then.status(200);
    });
    let w = scripted_client(server.base_url());
    for (method, changes) in [(Method::GET, false), (Method::POST, true)] {
        let error = w.raw(method.clone(), "/2.0/odd").query("q", "1").json::<String>().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
        assert_eq!(error.maybe_executed(), changes, "{method}");
        assert_eq!(error.request_id(), Some("r-1"), "{error}");
        assert_eq!(error.request(), Some(format!("{method} /api/2.0/odd").as_str()), "{error}");
    }
    assert_eq!(w.raw(Method::POST, "/2.0/empty").json::<Value>().await.unwrap(), json!({}));
    assert_eq!(w.raw(Method::POST, "/2.0/empty").json::<Option<i64>>().await.unwrap(), None);
}
