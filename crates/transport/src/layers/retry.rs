//! Retries.

mod classify;

use std::time::{Duration, Instant};

use databricks_core::{Error, Idempotency, Result};

use super::{Exchange, HttpResult, Middleware, Next, request_line, tower_layer};
use crate::{RetryPolicy, SharedClock};

/// Retries by a [`RetryPolicy`].
///
/// What certainly did not execute (no connection, 429, 503) is retried whatever it is; what may have executed (lost
/// connections, timeouts) only if its [`Idempotency`] allows it. A body that can be read once is sent again only while not
/// a byte of it was read. The wait is the policy's and at least what the service asks for; no wait begins that would pass the
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

/// By what it is decided whether there is a next attempt.
struct Plan<'a> {
    policy: &'a RetryPolicy,
    max_attempts: Option<u32>,
    budget: Option<Duration>,
    deadline: Option<Instant>,
    class: Idempotency,
    /// The caller vouches for a second run, so that responses of a gateway count too.
    vouched: bool,
    /// The caller forbids a second run, whatever the policy.
    forbidden: bool,
    start: Instant,
}

impl<'a> Plan<'a> {
    fn new(layer: &'a RetryLayer, exchange: &'a Exchange, start: Instant) -> Self {
        let options = &exchange.options;
        let policy = options.retry.as_ref().unwrap_or(&layer.policy);
        Self {
            max_attempts: options.max_attempts.or(policy.max_attempts),
            budget: options.retry_budget.or(policy.budget),
            deadline: exchange.state.deadline,
            class: options.effective_idempotency(exchange.own_method()),
            vouched: options.idempotent == Some(true) || policy.gateway_errors,
            forbidden: options.idempotent == Some(false),
            start,
            policy,
        }
    }

    /// The wait before the next attempt, or why there is none.
    fn wait(&self, error: &Error, attempt: u32, now: Instant) -> Result<Duration, Stop> {
        let risky = self.forbidden && classify::may_have_run(error);
        if risky || !classify::is_reason(error, self.policy, self.class, self.vouched) {
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

impl Middleware for RetryLayer {
    async fn handle<N: Next>(&self, exchange: &mut Exchange, next: &N) -> HttpResult {
        let start = self.clock.now();
        let mut maybe_executed = false;
        let mut attempt = 1;
        loop {
            exchange.begin_attempt(attempt);
            let error = match next.send(exchange).await {
                Ok(response) => {
                    let policy = exchange.options.retry.as_ref().unwrap_or(&self.policy);
                    if let Some(bucket) = &policy.retry_budget {
                        bucket.deposit();
                    }
                    if exchange.annotates {
                        exchange.info = Some(CallInfo { attempts: attempt, elapsed: self.clock.now() - start });
                    }
                    return Ok(response);
                }
                Err(error) => error,
            };
            let wait = self.assess(exchange, error, start, attempt, &mut maybe_executed)?;
            self.clock.sleep(wait).await;
            attempt += 1;
        }
    }
}

impl RetryLayer {
    /// The wait before the next attempt, or the error if there is none.
    fn assess(
        &self,
        exchange: &Exchange,
        error: Error,
        start: Instant,
        attempt: u32,
        maybe_executed: &mut bool,
    ) -> Result<Duration> {
        let (plan, now) = (Plan::new(self, exchange, start), self.clock.now());
        *maybe_executed |= plan.class != Idempotency::ReadOnly && classify::may_have_run(&error);
        let error = error
            .with_request(request_line(exchange.own_method(), exchange.own_uri()))
            .with_maybe_executed(*maybe_executed)
            .with_attempts(attempt, now - start);
        let error = match exchange.options.operation {
            Some(id) => error.with_operation(id),
            None => error,
        };
        let loud = exchange.options.debug;
        let wait = match plan.wait(&error, attempt, now) {
            Ok(wait) => wait,
            Err(Stop::NoReason) => return Err(error),
            Err(Stop::Exhausted(why)) => {
                log(loud, format_args!("No further attempt after {attempt}, since {why}: {error}"));
                return Err(error.with_retries_exhausted());
            }
        };
        if !exchange.can_repeat() {
            return Err(
                error.with_hint("the body is a stream that can be read once, so the request was not sent again")
            );
        }
        log(loud, format_args!("Retrying in {:.3} s after attempt {attempt}: {error}", wait.as_secs_f64()));
        Ok(wait)
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
