//! The timeout of a call as a whole.

use databricks_core::{Body, Error, ErrorKind, Idempotency};
use http::Request;

use super::{CallState, HttpResult, Middleware, Next, request_line, tower_layer};
use crate::{CallOptions, SharedClock};

/// Ends a call that takes longer than [`CallOptions::timeout`], attempts and waits together. Calls without one are not
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
    async fn handle<N: Next>(&self, mut request: Request<Body>, next: &N) -> HttpResult {
        let options = CallOptions::of(request.extensions());
        let Some(timeout) = options.timeout else { return next.send(request).await };
        let class = options.effective_idempotency(request.method());
        let line = request_line(request.method(), request.uri());
        CallState::of_mut(&mut request).deadline = self.clock.now().checked_add(timeout);
        match tokio::time::timeout(timeout, next.send(request)).await {
            Ok(response) => response,
            Err(_) => Err(Error::new(ErrorKind::DeadlineExceeded, format!("the call timed out after {timeout:?}"))
                .with_request(line)
                .with_maybe_executed(class != Idempotency::ReadOnly)
                .with_hint("set a longer timeout of the call, or none")),
        }
    }
}

tower_layer!(DeadlineLayer);
