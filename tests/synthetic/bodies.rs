//! Bodies of every kind, in both directions.

use std::collections::BTreeMap;

use databricks_core::{Body, ErrorKind};
use databricks_sdk::ByteStream;
use httpmock::Method::{GET, HEAD, PATCH, POST, PUT};
use httpmock::MockServer;
use serde_json::json;

use crate::client;
use crate::models::shapes::shapes_data_plane;
use crate::models::shapes::{Kind, shapes};

async fn collect(mut stream: ByteStream) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(bytes) = std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
        all.extend(bytes.unwrap());
    }
    all
}

#[tokio::test]
async fn an_empty_object_no_body_and_both_places() {
    let server = MockServer::start_async().await;
    let ping = server.mock(|when, then| {
        when.method(POST).path("/api/2.0/shapes/ping").body("{}");
        then.status(200);
    });
    let poke = server.mock(|when, then| {
        when.method(POST).path("/api/2.0/shapes/poke").body("");
        then.status(200).body("not json, and not read");
    });
    let twice = server.mock(|when, then| {
        when.method(POST).path("/api/2.0/shapes/a%2Fb/twice").json_body(json!({"id": "a/b", "note": "x"}));
        then.status(200).json_body(json!({"kind": "CIRCLE"}));
    });
    let client = client(&server);
    client.call(shapes::Ping::new()).await.unwrap();
    #[allow(deprecated)]
    client.call(shapes::Poke::new()).await.unwrap();
    let mut operation = shapes::Twice::new("a/b");
    operation.note = Some("x".to_owned());
    client.call(operation).await.unwrap();
    for mock in [ping, poke, twice] {
        mock.assert_async().await;
    }
}

#[tokio::test]
async fn a_map_is_a_whole_body() {
    let server = MockServer::start_async().await;
    let set = server.mock(|when, then| {
        when.method(PATCH).path("/api/2.0/shapes/conf").json_body(json!({"a": "1"}));
        then.status(200);
    });
    server.mock(|when, then| {
        when.method(GET).path("/api/2.0/shapes/conf").query_param("keys", "a,b");
        then.status(200).json_body(json!({"a": "1", "b": null}));
    });
    let client = client(&server);
    let conf = BTreeMap::from([("a".to_owned(), "1".to_owned())]);
    client.call(shapes::SetConf::new(conf.clone())).await.unwrap();
    assert_eq!(client.call(shapes::GetConf::new("a,b")).await.unwrap(), conf);
    set.assert_async().await;
}

#[tokio::test]
async fn a_stream_comes_with_its_headers() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.method(GET)
            .path("/api/2.0/shapes/files/Volumes/a%20b/c")
            .query_param("direct", "true")
            .header("range", "bytes=0-3");
        then.status(200).header("etag", "e1").body("0123");
    });
    server.mock(|when, then| {
        when.method(GET).path("/api/2.0/shapes/text").header("accept", "text/plain");
        then.status(200).body("plain");
    });
    server.mock(|when, then| {
        when.method(HEAD).path("/api/2.0/shapes/files/x");
        then.status(200).header("content-length", "12").header("etag", "e2");
    });
    let client = client(&server);
    let mut export = shapes::Export::new("/Volumes/a b/c");
    export.range = Some("bytes=0-3".to_owned());
    let response = client.call(export).await.unwrap();
    assert_eq!((response.etag.as_deref(), response.content_length), (Some("e1"), Some(4)));
    assert_eq!(collect(response.contents).await, b"0123");
    assert_eq!(collect(client.call(shapes::Text::new()).await.unwrap()).await, b"plain");
    let described = client.call(shapes::Describe::new("/x")).await.unwrap();
    assert_eq!((described.content_length, described.etag.as_deref()), (Some(12), Some("e2")));
}

#[tokio::test]
async fn a_stream_is_sent_once_and_bytes_as_often_as_needed() {
    let server = MockServer::start_async().await;
    let upload = server.mock(|when, then| {
        when.method(PUT)
            .path("/api/2.0/shapes/files/x")
            .query_param("overwrite", "true")
            .header("content-type", "application/octet-stream")
            .body("bytes");
        then.status(200).header("etag", "e3");
    });
    let client = client(&server);
    for body in [Body::from("bytes"), Body::from_stream(Some(5), Body::from("bytes").into_stream())] {
        let mut operation = shapes::Upload::new("/x", body);
        operation.overwrite = Some(true);
        assert_eq!(client.call(operation).await.unwrap().etag.as_deref(), Some("e3"));
    }
    upload.assert_calls_async(2).await;
}

#[tokio::test]
async fn a_form_holds_fields_flags_and_the_file() {
    let server = MockServer::start_async().await;
    let import = server.mock(|when, then| {
        when.method(POST)
            .path("/api/2.0/shapes/import")
            .header_includes("content-type", "multipart/form-data; boundary=")
            .body_includes("name=\"path\"")
            .body_includes("name=\"kind\"")
            .body_includes("CIRCLE")
            .body_includes("name=\"content\"")
            .body_includes("file content")
            .body_excludes("overwrite");
        then.status(200);
    });
    let mut operation = shapes::Import::new("/a", "file content");
    operation.kind = Some(Kind::Circle);
    operation.overwrite = Some(false);
    client(&server).call(operation).await.unwrap();
    import.assert_async().await;
}

#[tokio::test]
async fn headers_fill_members_of_a_json_response() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.method(POST).path("/serving/m/invocations").json_body(json!({"input": [1]}));
        then.status(200).header("served-by", "m-1").json_body(json!({"output": {"x": 1}}));
    });
    let mut operation = shapes::Invoke::new("m");
    operation.input = Some(json!([1]));
    let response = client(&server).call(operation).await.unwrap();
    assert_eq!((response.served_by.as_deref(), response.output), (Some("m-1"), Some(json!({"x": 1}))));
}

#[test]
fn a_data_plane_is_found_by_the_control_plane() {
    use databricks_core::{DataPlane, Operation, RequestContext};
    let operation = shapes_data_plane::Invoke::new("m");
    let control = operation.control().unwrap();
    assert_eq!(control.request(&RequestContext::default()).unwrap().path(), "/api/2.0/serving/m");
    let response =
        serde_json::from_value(json!({"info": {"url": "https://x/y", "authorization_details": "[]"}})).unwrap();
    let target = shapes_data_plane::Invoke::target(&response).unwrap();
    assert_eq!((target.url.as_str(), target.authorization_details.as_str()), ("https://x/y", "[]"));
    let none = serde_json::from_value(json!({"info": {"url": "https://x/y"}})).unwrap();
    assert_eq!(shapes_data_plane::Invoke::target(&none), None);
}

#[tokio::test]
async fn a_path_that_leads_elsewhere_is_refused() {
    let server = MockServer::start_async().await;
    let error = client(&server).call(shapes::Export::new("/a/../b")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}
