//! A span per call.

use tracing::Instrument as _;

use super::{Exchange, HttpResult, Middleware, Next, tower_layer};

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
    async fn handle<N: Next>(&self, exchange: &mut Exchange, next: &N) -> HttpResult {
        exchange.state.trace_id = Some(fastrand::u128(1..));
        if !tracing::enabled!(target: "databricks_transport", tracing::Level::DEBUG) {
            return next.send(exchange).await;
        }
        // In an allocation of its own: a call that is not traced has no room for its span.
        Box::pin(traced(exchange, next)).await
    }
}

async fn traced<N: Next>(exchange: &mut Exchange, next: &N) -> HttpResult {
    let span = {
        let id = exchange.options.operation.unwrap_or("");
        tracing::debug_span!(
            target: "databricks_transport",
            "databricks.call",
            "otel.name" = if id.is_empty() { exchange.own_method().as_str() } else { id },
            "databricks.service" = id.split('.').next(),
            "databricks.operation" = exchange.options.operation,
            "databricks.workspace_id" =
                exchange.header(&databricks_core::operation::WORKSPACE_ID_HEADER).and_then(|value| value.to_str().ok()),
            "url.template" = exchange.options.path_template,
        )
    };
    next.send(exchange).instrument(span).await
}

tower_layer!(SpanLayer);
