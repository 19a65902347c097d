//! The timeout of a call as a whole.

use databricks_core::{Error, ErrorKind, Idempotency};

use super::{Exchange, HttpResult, Middleware, Next, request_line, tower_layer};
use crate::SharedClock;

/// Ends a call that takes longer than [`CallOptions::timeout`](crate::CallOptions::timeout), attempts and waits together. Calls without one are not
/// limited.
///
/// The retry layer below sees the deadline and does not begin a wait that would pass it.
#[derive(Clone, Debug, Default)]
pub struct DeadlineLayer {
    clock: SharedClock,
}

impl DeadlineLayer {
    /// With a clock, the same as that of the retry layer below.
    pub fn new(clock: SharedClock) -> Self {
        Self { clock }
    }
}

impl Middleware for DeadlineLayer {
    async fn handle<N: Next>(&self, exchange: &mut Exchange, next: &N) -> HttpResult {
        let Some(timeout) = exchange.options.timeout else { return next.send(exchange).await };
        exchange.state.deadline = self.clock.now().checked_add(timeout);
        match tokio::time::timeout(timeout, next.send(exchange)).await {
            Ok(response) => response,
            Err(_) => Err(Error::new(ErrorKind::DeadlineExceeded, format!("the call timed out after {timeout:?}"))
                .with_request(request_line(exchange.own_method(), exchange.own_uri()))
                .with_maybe_executed(
                    exchange.options.effective_idempotency(exchange.own_method()) != Idempotency::ReadOnly,
                )
                .with_hint("set a longer timeout of the call, or none")),
        }
    }
}

tower_layer!(DeadlineLayer);
