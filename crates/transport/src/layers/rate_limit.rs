//! At most so many attempts per second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::{Exchange, HttpResult, Middleware, Next, tower_layer};
use crate::SharedClock;

/// A token bucket: a burst of one second's worth, then as many per second. Clones share the bucket.
///
/// Attempts wait in the order in which they came; a call that is dropped while it waits gives its place away.
#[derive(Clone, Debug)]
pub struct RateLimitLayer(Option<Arc<Bucket>>);

#[derive(Debug)]
struct Bucket {
    clock: SharedClock,
    per_second: f64,
    /// The caller that waits for a token holds the lock, which hands itself on in order of arrival.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tokens: f64,
    at: Option<Instant>,
}

impl RateLimitLayer {
    /// At most `per_second` attempts per second; `None` for no limit. 0 counts as 1.
    pub fn new(per_second: Option<u32>, clock: SharedClock) -> Self {
        Self(per_second.map(|n| {
            let per_second = f64::from(n.max(1));
            Arc::new(Bucket { clock, per_second, state: Mutex::new(State { tokens: per_second, at: None }) })
        }))
    }
}

impl Bucket {
    /// Takes a token if one is there and no caller waits for one.
    fn try_take(&self) -> bool {
        self.state.try_lock().is_ok_and(|mut state| self.spend(&mut state))
    }

    /// Takes a token if one is there.
    fn spend(&self, state: &mut State) -> bool {
        let now = self.clock.now();
        if let Some(at) = state.at {
            let gained = now.saturating_duration_since(at).as_secs_f64() * self.per_second;
            state.tokens = (state.tokens + gained).min(self.per_second);
        }
        state.at = Some(now);
        let spent = state.tokens >= 1.0;
        if spent {
            state.tokens -= 1.0;
        }
        spent
    }

    /// Waits for a token.
    async fn take(&self) {
        let mut state = self.state.lock().await;
        while !self.spend(&mut state) {
            let wait = Duration::from_secs_f64((1.0 - state.tokens) / self.per_second);
            tracing::trace!(target: "databricks_transport::rate_limit", wait_ms = wait.as_millis() as u64, "Waiting for the rate limit");
            // A little more than needed, lest rounding makes this a busy loop.
            self.clock.sleep(wait + Duration::from_micros(50)).await;
        }
    }
}

impl Middleware for RateLimitLayer {
    async fn handle<N: Next>(&self, exchange: &mut Exchange, next: &N) -> HttpResult {
        if let Some(bucket) = &self.0
            && !bucket.try_take()
        {
            Box::pin(bucket.take()).await;
        }
        next.send(exchange).await
    }
}

tower_layer!(RateLimitLayer);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::{Script, get};
    use databricks_core::Body;
    use tower::{Layer as _, ServiceExt as _};

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_the_rest_waits() {
        let (script, _) = Script::forever(|_| Ok(http::Response::new(Body::empty())));
        let service = RateLimitLayer::new(Some(10), SharedClock::default()).layer(script);
        let start = tokio::time::Instant::now();
        for _ in 0..10 {
            service.clone().oneshot(get()).await.unwrap();
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        for _ in 0..20 {
            service.clone().oneshot(get()).await.unwrap();
        }
        let took = start.elapsed().as_secs_f64();
        assert!((1.99..2.1).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_wait_gives_its_place_away() {
        let (script, calls) = Script::forever(|_| Ok(http::Response::new(Body::empty())));
        let service = RateLimitLayer::new(Some(1), SharedClock::default()).layer(script);
        service.clone().oneshot(get()).await.unwrap();
        for _ in 0..5 {
            let dropped = tokio::time::timeout(Duration::from_millis(10), service.clone().oneshot(get())).await;
            assert!(dropped.is_err());
        }
        let start = tokio::time::Instant::now();
        service.oneshot(get()).await.unwrap();
        assert!(start.elapsed() <= Duration::from_secs(1));
        assert_eq!(calls.count(), 2);
    }
}
