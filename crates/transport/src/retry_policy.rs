//! When to send again, and how long to wait before.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// How a client, or one call, retries requests that failed.
///
/// The default retries for up to 5 minutes requests that certainly did not execute, and those that may execute twice,
/// with the waits of the official SDKs.
///
/// ```
/// use std::time::Duration;
/// use databricks_transport::{Backoff, RetryPolicy};
///
/// let patient = RetryPolicy::default().budget(Duration::from_secs(900));
/// let never = RetryPolicy::none();
/// let few = RetryPolicy::default().max_attempts(3).backoff(Backoff::fixed(Duration::from_secs(2)));
/// assert_eq!(few.max_attempts, Some(3));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Which failures are a reason to send again.
    pub on: RetryOn,
    /// How long to wait when the response does not state it.
    pub backoff: Backoff,
    /// The most attempts; unlimited if unset.
    pub max_attempts: Option<u32>,
    /// The time in which attempts may start, counted from the first; unlimited if unset. Zero means one attempt.
    pub budget: Option<Duration>,
    /// Whether waits are at least as long as the service asks for (`Retry-After`, `google.rpc.RetryInfo`). A first
    /// retry then waits for that alone, further ones also for the backoff.
    pub honor_retry_after: bool,
    /// Whether 408, 502 and 504 are a reason to send an idempotent request again. The official SDKs do not, so this is
    /// off.
    pub gateway_errors: bool,
    /// The share of retries to successes that all calls of a client keep to together; none if unset.
    pub retry_budget: Option<RetryBudget>,
}

/// Which failures are a reason to send again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RetryOn {
    /// What certainly did not execute (429, 503, no connection, known passing states of clusters), and lost connections
    /// and timeouts of requests that are retryable.
    #[default]
    Transient,
    /// Every status from 500 and every failure of the network, whatever the request. For callers who know that it may
    /// run twice.
    ServerErrors,
    /// Every failure of the service or the network, also 3xx and 4xx.
    AllErrors,
}

/// The wait before attempt `n + 1` when the response does not state one.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Backoff {
    /// min(n, 10) seconds and 50 to 750 ms more, as the official SDKs.
    Linear,
    /// `base` doubled `n - 1` times, at most `cap`, of which a random part is waited (at least a tenth).
    Exponential {
        /// The longest first wait.
        base: Duration,
        /// The longest wait of all.
        cap: Duration,
    },
    /// Always the same, possibly zero.
    Fixed(Duration),
}

impl Backoff {
    /// From at most 1 s, doubling up to 60 s, with jitter.
    pub const fn exponential() -> Self {
        Self::Exponential { base: Duration::from_secs(1), cap: Duration::from_secs(60) }
    }

    /// Always the same wait.
    pub const fn fixed(delay: Duration) -> Self {
        Self::Fixed(delay)
    }

    /// The wait after attempt `attempt`, counted from 1.
    pub fn delay(&self, attempt: u32) -> Duration {
        let attempt = attempt.max(1);
        match *self {
            Self::Linear => {
                Duration::from_secs(u64::from(attempt.min(10))) + Duration::from_millis(fastrand::u64(50..=750))
            }
            Self::Exponential { base, cap } => {
                let longest = base.saturating_mul(2u32.saturating_pow(attempt - 1)).min(cap);
                let part = longest.as_secs_f64() * (0.1 + 0.9 * fastrand::f64());
                Duration::try_from_secs_f64(part).map_or(longest, |part| part.min(longest))
            }
            Self::Fixed(delay) => delay,
        }
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            on: RetryOn::Transient,
            backoff: Backoff::Linear,
            max_attempts: None,
            budget: Some(Duration::from_secs(300)),
            honor_retry_after: true,
            gateway_errors: false,
            retry_budget: None,
        }
    }
}

impl RetryPolicy {
    /// One attempt.
    pub fn none() -> Self {
        Self::default().max_attempts(1)
    }

    /// As many retries as asked for (attempts less one) of failures of the service or the network, with a fixed pause:
    /// the rules of a raw request. The service's `Retry-After` is ignored.
    ///
    /// * `retries`: 0 for one attempt.
    /// * `delay`: the pause before each retry.
    pub fn fixed(retries: u32, delay: Duration) -> Self {
        Self {
            on: RetryOn::ServerErrors,
            backoff: Backoff::Fixed(delay),
            max_attempts: Some(retries.saturating_add(1)),
            budget: None,
            honor_retry_after: false,
            ..Self::default()
        }
    }

    /// Sets which failures are retried.
    #[must_use]
    pub fn on(mut self, on: RetryOn) -> Self {
        self.on = on;
        self
    }

    /// Retries every failure of the service or the network.
    #[must_use]
    pub fn on_all_errors(self) -> Self {
        self.on(RetryOn::AllErrors)
    }

    /// Sets the pauses between attempts.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Sets the most attempts; 0 counts as 1.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = Some(attempts.max(1));
        self
    }

    /// Sets the time in which attempts may start; `None` for no end.
    #[must_use]
    pub fn budget(mut self, budget: impl Into<Option<Duration>>) -> Self {
        self.budget = budget.into();
        self
    }

    /// Sets whether pauses that the service asks for are kept.
    #[must_use]
    pub fn honor_retry_after(mut self, honor: bool) -> Self {
        self.honor_retry_after = honor;
        self
    }

    /// Sets whether 408, 502 and 504 are reasons to retry an idempotent request.
    #[must_use]
    pub fn gateway_errors(mut self, retry: bool) -> Self {
        self.gateway_errors = retry;
        self
    }

    /// Sets a budget that keeps all calls which share this policy to a share of retries.
    #[must_use]
    pub fn retry_budget(mut self, budget: RetryBudget) -> Self {
        self.retry_budget = Some(budget);
        self
    }
}

/// A token bucket that successes refill and retries empty: when a service is down, its clients do not multiply the
/// load.
///
/// Clones share the bucket. Give one to the policy of a client, so that all its calls draw on it.
#[derive(Clone, Debug)]
pub struct RetryBudget(Arc<Bucket>);

#[derive(Debug)]
struct Bucket {
    /// In hundredths of a retry.
    balance: AtomicI64,
    deposit: i64,
    most: i64,
}

const WHOLE: i64 = 100;

impl RetryBudget {
    /// A bucket that starts full.
    ///
    /// * `percent`: retries allowed per hundred successes.
    /// * `reserve`: retries allowed without any success, and the most that can be saved up.
    pub fn new(percent: u32, reserve: u32) -> Self {
        let most = i64::from(reserve) * WHOLE;
        Self(Arc::new(Bucket { balance: AtomicI64::new(most), deposit: i64::from(percent), most }))
    }

    /// Notes a success.
    pub fn deposit(&self) {
        let bucket = &*self.0;
        let _ = bucket
            .balance
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |b| Some((b + bucket.deposit).min(bucket.most)));
    }

    /// Takes one retry out; `false` if there is none.
    pub fn withdraw(&self) -> bool {
        self.0.balance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |b| (b >= WHOLE).then(|| b - WHOLE)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn waits_stay_within_their_bounds(attempt in 0u32..10_000) {
            let n = u64::from(attempt.clamp(1, 10)) * 1000;
            let linear = Backoff::Linear.delay(attempt).as_millis() as u64;
            prop_assert!((n + 50..=n + 750).contains(&linear));
            let exponential = Backoff::exponential().delay(attempt);
            prop_assert!(exponential <= Duration::from_secs(60));
            prop_assert!(exponential >= Duration::from_millis(100));
            prop_assert_eq!(Backoff::fixed(Duration::ZERO).delay(attempt), Duration::ZERO);
            let endless = Backoff::Exponential { base: Duration::MAX, cap: Duration::MAX };
            prop_assert!(endless.delay(attempt) > Duration::from_secs(1 << 40));
        }
    }

    #[test]
    fn the_bucket_empties_and_fills() {
        let budget = RetryBudget::new(50, 1);
        assert!(budget.withdraw());
        assert!(!budget.withdraw());
        budget.deposit();
        assert!(!budget.withdraw());
        budget.deposit();
        assert!(budget.withdraw());
        (0..100).for_each(|_| budget.deposit());
        assert!(budget.withdraw());
        assert!(!budget.withdraw());
    }
}
