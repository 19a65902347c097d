//! Sending again what failed and may be sent again.

mod classify;

use std::time::{Duration, Instant};

use databricks_core::{Body, Error, Idempotency};
use http::Request;

use super::{Answer, CallState, Middleware, Next, request_line, tower_layer, try_clone};
use crate::{CallOptions, RetryPolicy, SharedClock};

/// Repeats attempts by a [`RetryPolicy`].
///
/// What surely did not run (no connection, 429, 503) is sent again whatever it is; what may have run (lost connections, timeouts) only
/// if its [`Idempotency`] allows it. A body that can be read once is never sent twice. The wait is what the service asks for, else the
/// policy's; no wait begins that would pass the budget or the deadline. The last error comes out unchanged, with the number of attempts
/// and the time they took, and [`retries_exhausted`](Error::retries_exhausted) set if there was a reason to go on.
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
    /// The caller vouches for a second run, so that answers of a gateway count too.
    vouched: bool,
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
            loud: options.debug,
            operation: options.operation,
            start: layer.clock.now(),
            policy,
        }
    }

    /// The wait before the next attempt, or why there is none.
    fn wait(&self, error: &Error, attempt: u32, now: Instant) -> Result<Duration, Stop> {
        if !classify::is_reason(error, &self.policy, self.class, self.vouched) {
            return Err(Stop::NoReason);
        }
        if self.max_attempts.is_some_and(|most| attempt >= most) {
            // One attempt is what was asked for, not something that ran out.
            return Err(if attempt > 1 { Stop::Exhausted("the attempts are used up") } else { Stop::NoReason });
        }
        let asked = error.retry_after().filter(|_| self.policy.honor_retry_after);
        let wait = match asked {
            Some(asked) => asked + asked.mul_f64(fastrand::f64() / 10.0),
            None => self.policy.backoff.delay(attempt),
        };
        // A wait beyond what the clock can count passes every budget and deadline.
        let next = now.checked_add(wait);
        if self.budget.is_some_and(|budget| next.is_none_or(|next| next - self.start >= budget)) {
            return Err(Stop::Exhausted("the retry budget is used up"));
        }
        if self.deadline.is_some_and(|deadline| next.is_none_or(|next| next >= deadline)) {
            return Err(Stop::Exhausted("the deadline is too near"));
        }
        if self.policy.retry_budget.as_ref().is_some_and(|purse| !purse.withdraw()) {
            return Err(Stop::Exhausted("this client repeats too much already"));
        }
        Ok(wait)
    }
}

/// Why there is no next attempt.
enum Stop {
    NoReason,
    Exhausted(&'static str),
}

impl Middleware for RetryLayer {
    async fn handle<N: Next>(&self, mut request: Request<Body>, next: &N) -> Answer {
        let plan = Plan::new(self, &request);
        let mut maybe_executed = false;
        let mut attempt = 1;
        loop {
            // Without an allocation, unlike the line that an error needs.
            let (method, uri) = (request.method().clone(), request.uri().clone());
            let again = if plan.max_attempts == Some(attempt) { None } else { try_clone(&request) };
            let one_pass = again.is_none() && plan.max_attempts != Some(attempt);
            CallState::of_mut(&mut request).attempt = attempt;

            let error = match next.send(request).await {
                Ok(mut response) => {
                    if let Some(purse) = &plan.policy.retry_budget {
                        purse.deposit();
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
            let Some(again) = again else {
                debug_assert!(one_pass, "a next attempt is only planned where one is allowed");
                return Err(error.with_hint("the body is a stream that can be read once, so the request was not sent again"));
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
