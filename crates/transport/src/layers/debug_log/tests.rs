use std::io::Write;
use std::sync::{Arc, Mutex};

use super::*;
use crate::CallOptions;
use crate::layers::testing::Script;
use http::Request;
use http::header::AUTHORIZATION;
use tower::{Layer as _, ServiceExt as _};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// What is logged of one exchange at this level, and the response's body.
async fn logged(
    layer: DebugLogLayer,
    level: tracing::Level,
    request: Request<Body>,
    response: Response<Body>,
) -> (String, Bytes) {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(level).with_ansi(false).with_writer(log.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let (script, _) = Script::new(vec![Ok(response)]);
    let response = layer.layer(script).oneshot(request).await.unwrap();
    let body = crate::read_body(response.into_body(), 10 << 20).await.unwrap();
    drop(guard);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    (text, body)
}

fn json_response(body: impl Into<Body>) -> Response<Body> {
    Response::builder().header(CONTENT_TYPE, "application/json").body(body.into()).unwrap()
}

#[tokio::test]
async fn shows_both_ways_without_secrets() {
    let request = Request::post("https://h.example/api/2.0/x?filter=a%20b&sig=SECRET")
        .header(CONTENT_TYPE, "application/json")
        .header(AUTHORIZATION, "Bearer SECRET")
        .header("x-note", "hello")
        .body(Body::from(r#"{"scope":"s","string_value":"SECRET"}"#))
        .unwrap();
    let response = json_response(r#"{"z":1,"a":{"token_value":"SECRET"}}"#);
    let (log, body) = logged(DebugLogLayer::new(true, 96), tracing::Level::DEBUG, request, response).await;
    for expected in [
        "POST /api/2.0/x?filter=a b&sig=**REDACTED**",
        "> * Host: h.example",
        "> * X-Note: hello",
        "> * Authorization: **REDACTED**",
        "< 200 OK",
        "\"scope\": \"s\"",
    ] {
        assert!(log.contains(expected), "{expected} in {log}");
    }
    assert!(log.find("\"a\"").unwrap() < log.find("\"z\"").unwrap());
    assert!(!log.contains("SECRET"), "{log}");
    assert_eq!(body, r#"{"z":1,"a":{"token_value":"SECRET"}}"#);
}

#[tokio::test]
async fn is_silent_unless_asked() {
    let get = || Request::get("https://h/x").body(Body::empty()).unwrap();
    let (log, _) = logged(DebugLogLayer::default(), tracing::Level::INFO, get(), json_response("{}")).await;
    assert_eq!(log, "");
    let mut request = get();
    request.headers_mut().insert("x-note", "a".parse().unwrap());
    request.extensions_mut().insert(CallOptions::new().debug(true));
    let (log, _) = logged(DebugLogLayer::default(), tracing::Level::INFO, request, json_response("{}")).await;
    assert!(log.contains("GET /x") && log.contains("X-Note: a"), "{log}");
}

#[tokio::test]
async fn large_responses_pass_whole() {
    let piece = Bytes::from("x".repeat(600_000));
    let pieces: Vec<databricks_core::Result<Bytes>> = (0..4).map(|_| Ok(piece.clone())).collect();
    let body = Body::from_stream(Some(2_400_000), Box::pin(futures_util::stream::iter(pieces)));
    let request = Request::get("https://h/x").body(Body::empty()).unwrap();
    let (log, body) = logged(DebugLogLayer::default(), tracing::Level::DEBUG, request, json_response(body)).await;
    assert_eq!(body.len(), 2_400_000);
    assert!(log.len() < 2000);
}

#[tokio::test]
async fn bodies_that_are_not_json_are_named_only() {
    let request = Request::put("https://h/x").body(Body::from("UPLOAD")).unwrap();
    let response = Response::builder().header(CONTENT_TYPE, "text/plain").body(Body::from("DOWNLOAD")).unwrap();
    let (log, _) = logged(DebugLogLayer::default(), tracing::Level::DEBUG, request, response).await;
    assert!(log.contains("[6 bytes]") && log.contains("<Streaming response>"), "{log}");
    assert!(!log.contains("UPLOAD") && !log.contains("DOWNLOAD"), "{log}");
}
