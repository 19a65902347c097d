//! Exchanges that a real workspace gives now and then, scripted.

use databricks_sdk::WorkspaceClient;
use databricks_tests::scripted_client;
use httpmock::{Method::GET, Method::POST, MockServer};
use proptest::prelude::*;
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

fn client(server: &MockServer) -> WorkspaceClient {
    scripted_client(server.base_url())
}

#[tokio::test]
async fn an_empty_page_with_a_token_is_not_the_end() {
    let server = MockServer::start_async().await;
    let page = |token: Option<&'static str>, response: serde_json::Value| {
        server.mock(move |when, then| {
            let when = when.method(GET).path("/api/2.1/clusters/list");
            match token {
                Some(token) => when.query_param("page_token", token),
                None => when.query_param_missing("page_token"),
            };
            then.status(200).json_body(response);
        })
    };
    let first = page(None, json!({"clusters": [{"cluster_id": "a"}], "next_page_token": "t1"}));
    let empty = page(Some("t1"), json!({"next_page_token": "t2"}));
    let last = page(Some("t2"), json!({"clusters": [{"cluster_id": "b"}], "next_page_token": ""}));
    let ids: Vec<_> = client(&server)
        .clusters()
        .list()
        .items()
        .try_collect()
        .await
        .unwrap()
        .into_iter()
        .filter_map(|c| c.cluster_id)
        .collect();
    assert_eq!(ids, ["a", "b"]);
    for mock in [first, empty, last] {
        mock.assert_async().await;
    }
}

#[tokio::test]
async fn a_listing_that_goes_in_circles_ends_with_an_error() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.method(GET).path("/api/2.1/clusters/list");
        then.status(200).json_body(json!({"clusters": [{"cluster_id": "a"}], "next_page_token": "same"}));
    });
    let error = client(&server).clusters().list().items().try_collect().await.unwrap_err();
    assert_eq!(error.kind(), databricks_sdk::ErrorKind::PaginationLoop);
}

#[tokio::test]
async fn what_a_newer_service_sends_is_kept() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.method(GET).path("/api/2.1/clusters/get");
        then.status(200).json_body(
            json!({"cluster_id": "a", "state": "HIBERNATING", "start_time": "1700000000000", "brand_new": {"x": 1}}),
        );
    });
    let cluster = client(&server).clusters().get("a").await.unwrap();
    assert_eq!(cluster.state.unwrap().as_str(), "HIBERNATING");
    assert_eq!(cluster.start_time, Some(1_700_000_000_000));
}

#[tokio::test]
async fn a_lost_post_is_not_sent_twice() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let w = scripted_client(format!("http://{}", listener.local_addr().unwrap()));
    // Reads requests and hangs up without a response. Those that only ask what the host is do not count.
    let server = tokio::spawn(async move {
        let mut posts = 0;
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let length = connection.read(&mut request).await.unwrap();
            posts += u32::from(request[..length].starts_with(b"POST /api/2.1/clusters/start"));
            if posts > 0 {
                drop(connection);
                break;
            }
        }
        // A second one would be waiting by now: the client is done when this is asked for.
        (listener, posts)
    });
    let error = w.clusters().start("a").await.unwrap_err();
    assert!(error.maybe_executed(), "{error:?}");
    assert_eq!(error.attempts(), 1);
    let (_listener, posts) = server.await.unwrap();
    assert_eq!(posts, 1);
}

#[tokio::test]
async fn a_refused_post_is_sent_again() {
    let server = MockServer::start_async().await;
    let throttled = server.mock(|when, then| {
        when.method(POST).path("/api/2.1/clusters/start");
        then.status(429)
            .header("Retry-After", "0")
            .json_body(json!({"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "slow down"}));
    });
    let error = client(&server).clusters().start("a").with_max_attempts(3).await.unwrap_err();
    assert!(error.is_too_many_requests() && error.retries_exhausted());
    assert_eq!((error.attempts(), throttled.calls_async().await), (3, 3));
    assert!(!error.maybe_executed());
}

#[tokio::test]
async fn a_serving_endpoint_is_asked_at_its_own_host_with_a_token_of_its_own() {
    let workspace = MockServer::start_async().await;
    let endpoint = MockServer::start_async().await;
    workspace.mock(|when, then| {
        when.method(GET).path("/api/2.0/serving-endpoints/e").header("authorization", "Bearer tok");
        let direct = json!({"endpoint_url": endpoint.url("/direct/e"), "authorization_details": "[{\"type\":\"x\"}]"});
        then.status(200).json_body(json!({"name": "e", "data_plane_info": {"query_info": direct}}));
    });
    workspace.mock(|when, then| {
        when.method(GET).path("/oidc/.well-known/oauth-authorization-server");
        let at = |path: &str| workspace.url(path);
        then.status(200).json_body(
            json!({"token_endpoint": at("/oidc/v1/token"), "authorization_endpoint": at("/oidc/v1/authorize")}),
        );
    });
    let exchange = workspace.mock(|when, then| {
        when.method(POST).path("/oidc/v1/token").body_includes("assertion=tok");
        then.status(200).json_body(json!({"access_token": "narrow", "token_type": "Bearer", "expires_in": 3600}));
    });
    let query = endpoint.mock(|when, then| {
        when.method(POST)
            .path("/direct/e")
            .header("authorization", "Bearer narrow")
            .header_missing("x-databricks-workspace-id");
        then.status(200).header("served-model-name", "m1").json_body(json!({"predictions": [1]}));
    });
    let w = client(&workspace);
    for _ in 0..2 {
        let response = w.serving_endpoints_data_plane().query("e").inputs(json!([1])).send_direct().await.unwrap();
        assert_eq!(response.served_model_name.as_deref(), Some("m1"));
    }
    assert_eq!((exchange.calls_async().await, query.calls_async().await), (1, 2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever an id looks like, it reaches the service as the one value that it is.
    #[test]
    fn any_id_arrives_unchanged(id in "\\PC{1,20}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = MockServer::start_async().await;
            let expected = id.clone();
            let mock = server.mock(move |when, then| {
                when.method(GET).path("/api/2.1/clusters/get").query_param("cluster_id", expected);
                then.status(200).json_body(json!({}));
            });
            client(&server).clusters().get(id.as_str()).await.unwrap();
            mock.assert_async().await;
        });
    }
}
