//! Retries.

mod classify;

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use databricks_core::{Body, ByteStream, Error, Idempotency, Result};
use futures_core::Stream;
use http::Request;

use super::{CallState, HttpResult, Middleware, Next, head, request_line, tower_layer, try_clone};
use crate::{CallOptions, RetryPolicy, SharedClock};

/// Retries by a [`RetryPolicy`].
///
/// What surely did not run (no connection, 429, 503) is sent again whatever it is; what may have run (lost connections,
/// timeouts) only if its [`Idempotency`] allows it. A body that can be read once is sent again only while not a byte of
/// it was read. The wait is the policy's and at least what the service asks for; no wait begins that would pass the
/// budget or the deadline. The last error comes out unchanged, with the number of attempts and the time they took, and
/// [`retries_exhausted`](Error::retries_exhausted) set if there was a reason to go on.
#[derive(Clone, Debug, Default)]
pub struct RetryLayer {
    policy: RetryPolicy,
    clock: SharedClock,
}

/// How a call went, in the extensions of its response.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallInfo {
    /// How many attempts were made, at least 1.
    pub attempts: u32,
    /// How long they took, waits included.
    pub elapsed: Duration,
}

impl RetryLayer {
    /// With this policy, which a call may replace, waiting by this clock.
    pub fn new(policy: RetryPolicy, clock: SharedClock) -> Self {
        Self { policy, clock }
    }
}

/// What is known before the first attempt.
struct Plan {
    policy: RetryPolicy,
    max_attempts: Option<u32>,
    budget: Option<Duration>,
    deadline: Option<Instant>,
    class: Idempotency,
    /// The caller vouches for a second run, so that responses of a gateway count too.
    vouched: bool,
    /// The caller forbids a second run, whatever the policy.
    forbidden: bool,
    loud: bool,
    operation: Option<&'static str>,
    start: Instant,
}

impl Plan {
    fn new(layer: &RetryLayer, request: &Request<Body>) -> Self {
        let options = CallOptions::of(request.extensions());
        let policy = options.retry.as_ref().unwrap_or(&layer.policy).clone();
        Self {
            max_attempts: options.max_attempts.or(policy.max_attempts),
            budget: options.retry_budget.or(policy.budget),
            deadline: CallState::of(request).and_then(|state| state.deadline),
            class: options.effective_idempotency(request.method()),
            vouched: options.idempotent == Some(true) || policy.gateway_errors,
            forbidden: options.idempotent == Some(false),
            loud: options.debug,
            operation: options.operation,
            start: layer.clock.now(),
            policy,
        }
    }

    /// The wait before the next attempt, or why there is none.
    fn wait(&self, error: &Error, attempt: u32, now: Instant) -> Result<Duration, Stop> {
        let risky = self.forbidden && classify::may_have_run(error);
        if risky || !classify::is_reason(error, &self.policy, self.class, self.vouched) {
            return Err(Stop::NoReason);
        }
        if self.max_attempts.is_some_and(|most| attempt >= most) {
            // One attempt is what was asked for, not something that ran out.
            return Err(if attempt > 1 { Stop::Exhausted("all attempts are used") } else { Stop::NoReason });
        }
        let backoff = self.policy.backoff.delay(attempt);
        let wait = match error.retry_after().filter(|_| self.policy.honor_retry_after) {
            // The hint is a floor. The first retry goes by it alone; a server that goes on to ask for "at once" is not
            // taken at its word.
            Some(asked) => {
                let least = if attempt == 1 { backoff.min(QUICK) } else { backoff };
                asked.saturating_add(jitter(asked)).max(least)
            }
            None => backoff,
        };
        // A wait beyond what the clock can count passes every budget and deadline.
        let next = now.checked_add(wait);
        if self.budget.is_some_and(|budget| next.is_none_or(|next| next - self.start >= budget)) {
            return Err(Stop::Exhausted("the retry budget is exhausted"));
        }
        if self.deadline.is_some_and(|deadline| next.is_none_or(|next| next >= deadline)) {
            return Err(Stop::Exhausted("the wait would pass the deadline"));
        }
        if self.policy.retry_budget.as_ref().is_some_and(|bucket| !bucket.withdraw()) {
            return Err(Stop::Exhausted("the client's retry budget is exhausted"));
        }
        Ok(wait)
    }
}

/// The least pause before a first retry that the service asks for at once.
const QUICK: Duration = Duration::from_millis(100);

/// Up to a tenth of a wait, so that clients that were refused together do not come back together.
fn jitter(wait: Duration) -> Duration {
    Duration::try_from_secs_f64(wait.as_secs_f64() * fastrand::f64() / 10.0).unwrap_or_default()
}

/// Why there is no next attempt.
enum Stop {
    NoReason,
    Exhausted(&'static str),
}

/// How a request can be had once more.
enum Again {
    No,
    Clone(Request<Body>),
    /// A body that can be read once, and the rest of the request.
    Unread(Request<Body>, Option<u64>, Unread),
}

impl Again {
    /// Prepares a request before it is sent. A body that can be read once is put where it can be had back until it is
    /// read.
    fn prepare(request: &mut Request<Body>) -> Self {
        if let Some(clone) = try_clone(request) {
            return Self::Clone(clone);
        }
        let length = request.body().len();
        let unread = Unread::default();
        let body = std::mem::take(request.body_mut());
        unread.put(body.into_stream());
        *request.body_mut() = Body::from_stream(length, Box::pin(OnePass { place: unread.clone(), stream: None }));
        Self::Unread(head(request), length, unread)
    }

    fn request(self) -> Option<Request<Body>> {
        match self {
            Self::No => None,
            Self::Clone(request) => Some(request),
            Self::Unread(head, length, place) => {
                place.take().map(|stream| head.map(|_| Body::from_stream(length, stream)))
            }
        }
    }
}

/// Where a body lies until its first byte is asked for.
#[derive(Clone, Default)]
struct Unread(Arc<Mutex<Option<ByteStream>>>);

impl Unread {
    fn put(&self, stream: ByteStream) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(stream);
    }
    fn take(&self) -> Option<ByteStream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A body that takes its stream out of its place when it is read.
struct OnePass {
    place: Unread,
    stream: Option<ByteStream>,
}

impl Stream for OnePass {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        if self.stream.is_none() {
            self.stream = self.place.take();
        }
        match &mut self.stream {
            Some(stream) => stream.as_mut().poll_next(cx),
            None => Poll::Ready(None),
        }
    }
}

impl Middleware for RetryLayer {
    async fn handle<N: Next>(&self, mut request: Request<Body>, next: &N) -> HttpResult {
        let plan = Plan::new(self, &request);
        let mut maybe_executed = false;
        let mut attempt = 1;
        loop {
            // Without an allocation, unlike the line that an error needs.
            let (method, uri) = (request.method().clone(), request.uri().clone());
            let again = if plan.max_attempts == Some(attempt) { Again::No } else { Again::prepare(&mut request) };
            CallState::of_mut(&mut request).attempt = attempt;

            let error = match next.send(request).await {
                Ok(mut response) => {
                    if let Some(bucket) = &plan.policy.retry_budget {
                        bucket.deposit();
                    }
                    let elapsed = self.clock.now() - plan.start;
                    response.extensions_mut().insert(CallInfo { attempts: attempt, elapsed });
                    return Ok(response);
                }
                Err(error) => error,
            };

            let now = self.clock.now();
            maybe_executed |= plan.class != Idempotency::ReadOnly && classify::may_have_run(&error);
            let error = error
                .with_request(request_line(&method, &uri))
                .with_maybe_executed(maybe_executed)
                .with_attempts(attempt, now - plan.start);
            let error = match plan.operation {
                Some(id) => error.with_operation(id),
                None => error,
            };
            let wait = match plan.wait(&error, attempt, now) {
                Ok(wait) => wait,
                Err(Stop::NoReason) => return Err(error),
                Err(Stop::Exhausted(why)) => {
                    log(plan.loud, format_args!("No further attempt after {attempt}, since {why}: {error}"));
                    return Err(error.with_retries_exhausted());
                }
            };
            let Some(again) = again.request() else {
                return Err(
                    error.with_hint("the body is a stream that can be read once, so the request was not sent again")
                );
            };
            log(plan.loud, format_args!("Retrying in {:.3} s after attempt {attempt}: {error}", wait.as_secs_f64()));
            self.clock.sleep(wait).await;
            request = again;
            attempt += 1;
        }
    }
}

/// The decisions of a call that is to be logged are there at level `info`, others at `debug`.
fn log(loud: bool, message: std::fmt::Arguments<'_>) {
    if loud {
        tracing::info!(target: "databricks_transport::retry", "{message}");
    } else {
        tracing::debug!(target: "databricks_transport::retry", "{message}");
    }
}

tower_layer!(RetryLayer);

#[cfg(test)]
mod tests;
