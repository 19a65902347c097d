//! A span per attempt, its `traceparent`, and the longest time for it.

use std::time::{Duration, Instant};

use databricks_core::{Body, Error, ErrorKind, Origin};
use http::{HeaderName, HeaderValue, Request};
use tracing::Instrument as _;
use tracing::field::Empty;

use super::{CallState, HttpResult, Middleware, Next, tower_layer};
use crate::CallOptions;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Wraps each attempt in a span after OpenTelemetry's conventions for HTTP clients, sends W3C's `traceparent` with a
/// new span id unless the caller set one, and ends an attempt after [`CallOptions::attempt_timeout`].
///
/// The span's fields are `http.request.method`, `server.address`, `server.port`, `url.full` (without its query),
/// `url.template`, `http.request.resend_count`, `http.response.status_code`, `network.protocol.version` and
/// `error.type`. For every attempt an event of level `trace` with the target `databricks_transport::metrics` carries
/// `http.client.request.duration` in seconds, the status and the kind of the error.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct AttemptLayer;

impl AttemptLayer {
    /// The layer.
    pub fn new() -> Self {
        Self
    }
}

impl Middleware for AttemptLayer {
    async fn handle<N: Next>(&self, mut request: Request<Body>, next: &N) -> HttpResult {
        let options = CallOptions::of(request.extensions());
        let limit = options.attempt_timeout;
        let span = span(&request, options);
        if !request.headers().contains_key(TRACEPARENT) {
            let trace = CallState::of(&request).and_then(|state| state.trace_id).unwrap_or_else(|| fastrand::u128(1..));
            if let Ok(value) = HeaderValue::try_from(format!("00-{trace:032x}-{:016x}-01", fastrand::u64(1..))) {
                request.headers_mut().insert(TRACEPARENT, value);
            }
        }
        let start = Instant::now();
        let response = limited(limit, next.send(request)).instrument(span.clone()).await;
        record(&span, &response, start.elapsed());
        response
    }
}

fn span(request: &Request<Body>, options: &CallOptions) -> tracing::Span {
    let span = tracing::debug_span!(
        target: "databricks_transport",
        "http.request",
        "otel.name" = Empty,
        "otel.kind" = "client",
        "http.request.method" = request.method().as_str(),
        "server.address" = Empty,
        "server.port" = Empty,
        "url.full" = Empty,
        "url.template" = options.path_template,
        "http.request.resend_count" = Empty,
        "http.response.status_code" = Empty,
        "network.protocol.version" = Empty,
        "error.type" = Empty,
    );
    if span.is_disabled() {
        return span;
    }
    let method = request.method();
    match options.path_template {
        Some(template) => span.record("otel.name", format!("{method} {template}")),
        None => span.record("otel.name", method.as_str()),
    };
    if let Some(origin) = Origin::of(request.uri()) {
        span.record("server.address", origin.host());
        span.record("server.port", origin.port());
        // The path of a request for authentication may be a secret by itself.
        let path = if options.raw_response.is_some() {
            "".into()
        } else {
            databricks_core::redact::text(request.uri().path())
        };
        span.record("url.full", format!("{origin}{path}"));
    }
    if let Some(state) = CallState::of(request)
        && state.attempt > 1
    {
        span.record("http.request.resend_count", state.attempt - 1);
    }
    span
}

async fn limited(limit: Option<Duration>, sending: impl Future<Output = HttpResult> + Send) -> HttpResult {
    let Some(limit) = limit else { return sending.await };
    match tokio::time::timeout(limit, sending).await {
        Ok(response) => response,
        Err(_) => Err(Error::new(
            ErrorKind::Timeout,
            format!("no complete response within {limit:?}, the timeout of an attempt"),
        )
        .with_hint("set a longer attempt timeout, or none")),
    }
}

fn record(span: &tracing::Span, response: &HttpResult, took: Duration) {
    let (status, failure) = match response {
        Ok(response) => {
            let version = match response.version() {
                http::Version::HTTP_2 => "2",
                http::Version::HTTP_10 => "1.0",
                _ => "1.1",
            };
            span.record("network.protocol.version", version);
            (Some(response.status()), None)
        }
        Err(error) => (error.status(), Some(error.kind())),
    };
    if let Some(status) = status {
        span.record("http.response.status_code", status.as_u16());
    }
    if let Some(kind) = failure {
        match status {
            Some(status) => span.record("error.type", status.as_str()),
            None => span.record("error.type", tracing::field::debug(kind)),
        };
    }
    let seconds = took.as_secs_f64();
    let code = status.map(|status| status.as_u16());
    let error = failure.map(tracing::field::debug);
    span.in_scope(|| {
        tracing::event!(
            target: "databricks_transport::metrics",
            tracing::Level::TRACE,
            { http.client.request.duration = seconds, http.response.status_code = code, error.kind = error },
            "Attempt over"
        );
    });
}

tower_layer!(AttemptLayer);
