//! A clock that jumps instead of waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use databricks_transport::{Clock, Sleep};

/// A clock whose waits take no time: it jumps to their end. Retries and polls of a client with it depend on what the
/// server responds alone.
#[derive(Clone, Debug)]
pub struct JumpClock {
    slept_nanos: Arc<AtomicU64>,
    start: Instant,
}

impl JumpClock {
    /// A clock that has not jumped yet.
    pub fn new() -> Self {
        Self { slept_nanos: Arc::default(), start: Instant::now() }
    }

    /// The sum of all waits.
    pub fn slept(&self) -> Duration {
        Duration::from_nanos(self.slept_nanos.load(Ordering::SeqCst))
    }

    /// Clock time since the start: waits and what really passed.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed() + self.slept()
    }
}

impl Default for JumpClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for JumpClock {
    fn now(&self) -> Instant {
        Instant::now() + self.slept()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now() + self.slept()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let slept = Arc::clone(&self.slept_nanos);
        Box::pin(async move {
            slept.fetch_add(duration.as_nanos() as u64, Ordering::SeqCst);
            tokio::task::yield_now().await;
        })
    }
}
