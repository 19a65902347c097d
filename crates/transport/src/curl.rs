//! A request as a command line.

use databricks_core::{Body, redact};
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use serde_json::Value;

/// Renders a request as a `curl` command for a POSIX shell, with every secret replaced by `**REDACTED**`.
///
/// ```
/// use databricks_core::Body;
///
/// let request = http::Request::post("https://h.example/api/2.0/x?a=1")
///     .header("authorization", "Bearer dapi123")
///     .header("content-type", "application/json")
///     .body(Body::from(r#"{"name":"it's"}"#))
///     .unwrap();
/// assert_eq!(
///     databricks_transport::curl(&request),
///     r#"curl -X POST 'https://h.example/api/2.0/x?a=1' -H 'authorization: **REDACTED**' -H 'content-type: application/json' --data '{"name":"it'\''s"}'"#
/// );
/// ```
pub fn curl(request: &Request<Body>) -> String {
    let mut line = String::from("curl");
    match *request.method() {
        Method::GET => {}
        Method::HEAD => line.push_str(" --head"),
        ref method => line.push_str(&format!(" -X {method}")),
    }
    line.push_str(&format!(" {}", quote(&redact::url(&request.uri().to_string()))));
    for (name, value) in request.headers() {
        line.push_str(&format!(" -H {}", quote(&format!("{name}: {}", redact::header(name, value)))));
    }
    match request.body().as_bytes() {
        Some([]) => {}
        Some(bytes) => line.push_str(&format!(" --data {}", quote(&shown(request, bytes)))),
        None => line.push_str(" --data-binary @-"),
    }
    line
}

/// A body in memory as it may be shown.
fn shown(request: &Request<Body>, bytes: &[u8]) -> String {
    let is = |part: &str| {
        request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.contains(part))
    };
    if let Ok(mut value) = serde_json::from_slice::<Value>(bytes)
        && (value.is_object() || value.is_array())
    {
        redact::json_of(request.uri().path(), &mut value);
        return value.to_string();
    }
    let text = String::from_utf8_lossy(bytes);
    if is("form-urlencoded") { redact::query(&text) } else { redact::text(&text).into_owned() }
}

/// One word of a POSIX shell.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
