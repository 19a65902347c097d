//! A clock whose waits take no time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use databricks_transport::{Clock, Sleep};

/// A clock that stands still and jumps to the end of each wait. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct JumpingClock {
    start: (Instant, SystemTime),
    sleeps: Arc<Mutex<Vec<Duration>>>,
}

impl JumpingClock {
    /// A clock that has not jumped yet, at the time that it is now.
    pub fn new() -> Self {
        Self { start: (Instant::now(), SystemTime::now()), sleeps: Arc::default() }
    }

    /// All waits, in the order in which they began.
    pub fn sleeps(&self) -> Vec<Duration> {
        self.sleeps.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The sum of all waits.
    pub fn slept(&self) -> Duration {
        self.sleeps().iter().sum()
    }

    /// Lets time pass.
    pub fn advance(&self, duration: Duration) {
        self.sleeps.lock().unwrap_or_else(PoisonError::into_inner).push(duration);
    }
}

impl Default for JumpingClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> Instant {
        self.start.0 + self.slept()
    }

    fn wall(&self) -> SystemTime {
        self.start.1 + self.slept()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let clock = self.clone();
        Box::pin(async move {
            clock.advance(duration);
            // Others have their turn, as in a wait that takes time.
            tokio::task::yield_now().await;
        })
    }
}
