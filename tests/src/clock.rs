//! A clock that jumps instead of waiting.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use databricks_transport::{Clock, Sleep};

/// A clock whose waits take no time: it jumps to their end. Retries and polls of a client with it depend on what the
/// server responds alone.
#[derive(Clone, Debug)]
pub struct JumpClock {
    slept_nanos: Arc<AtomicU64>,
    sleeps: Arc<Mutex<Vec<Duration>>>,
    start: (Instant, SystemTime),
    /// Whether what really passes counts too.
    runs: bool,
}

impl JumpClock {
    /// A clock that has not jumped yet.
    pub fn new() -> Self {
        let start = (Instant::now(), SystemTime::now());
        Self { slept_nanos: Arc::default(), sleeps: Arc::default(), start, runs: true }
    }

    /// A clock that stands still between its jumps.
    pub fn still() -> Self {
        Self { runs: false, ..Self::new() }
    }

    /// All waits, in the order in which they began.
    pub fn sleeps(&self) -> Vec<Duration> {
        self.sleeps.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The sum of all waits.
    pub fn slept(&self) -> Duration {
        Duration::from_nanos(self.slept_nanos.load(Ordering::SeqCst))
    }

    /// Clock time since the start: waits and, unless it stands still, what really passed.
    pub fn elapsed(&self) -> Duration {
        let passed = if self.runs { self.start.0.elapsed() } else { Duration::ZERO };
        passed + self.slept()
    }
}

impl Default for JumpClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for JumpClock {
    fn now(&self) -> Instant {
        self.start.0 + self.elapsed()
    }

    fn wall(&self) -> SystemTime {
        self.start.1 + self.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let clock = self.clone();
        Box::pin(async move {
            let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
            clock.slept_nanos.fetch_add(nanos, Ordering::SeqCst);
            clock.sleeps.lock().unwrap_or_else(PoisonError::into_inner).push(duration);
            tokio::task::yield_now().await;
        })
    }
}
