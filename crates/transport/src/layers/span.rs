//! A span per call.

use databricks_core::Body;
use http::Request;
use tracing::Instrument as _;

use super::{CallState, HttpResult, Middleware, Next, tower_layer};
use crate::CallOptions;

/// Wraps each call in a span `databricks.call` with the operation and the template of its path; attempts are its
/// children.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SpanLayer;

impl SpanLayer {
    /// The layer.
    pub fn new() -> Self {
        Self
    }
}

impl Middleware for SpanLayer {
    async fn handle<N: Next>(&self, mut request: Request<Body>, next: &N) -> HttpResult {
        let options = CallOptions::of(request.extensions());
        let id = options.operation.unwrap_or("");
        let span = tracing::debug_span!(
            target: "databricks_transport",
            "databricks.call",
            "otel.name" = if id.is_empty() { request.method().as_str() } else { id },
            "databricks.service" = id.split('.').next(),
            "databricks.operation" = options.operation,
            "databricks.workspace_id" =
                request.headers().get(databricks_core::operation::WORKSPACE_ID_HEADER).and_then(|value| value.to_str().ok()),
            "url.template" = options.path_template,
        );
        CallState::of_mut(&mut request).trace_id = Some(fastrand::u128(1..));
        if span.is_disabled() {
            return next.send(request).await;
        }
        next.send(request).instrument(span).await
    }
}

tower_layer!(SpanLayer);
