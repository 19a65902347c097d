//! Time, as the layers see it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// What [`Clock::sleep`] gives back.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where the waits of a client and the times they depend on come from.
///
/// Retries, polling and the rate limiter wait through it. Timeouts of sockets do not: they always run on tokio's timer.
/// A test can give a clock that jumps instead of waiting, and add up the sleeps.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// A moment that never goes back.
    fn now(&self) -> Instant;

    /// The time of day, to compare with dates that a server sent.
    fn wall(&self) -> SystemTime;

    /// Waits. Dropping what comes back ends the wait.
    fn sleep(&self, duration: Duration) -> Sleep;
}

/// Tokio's clock: stands still while a test has paused it.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        // Made inside the future, since tokio's timer must not be made outside of a runtime.
        Box::pin(async move { tokio::time::sleep(duration).await })
    }
}

/// A clock behind a pointer: cheap to clone, the same for all clones.
#[derive(Clone, Debug)]
pub struct SharedClock(Arc<dyn Clock>);

impl SharedClock {
    /// Shares a clock.
    pub fn new(clock: impl Clock) -> Self {
        Self(Arc::new(clock))
    }

    /// A moment that never goes back.
    pub fn now(&self) -> Instant {
        self.0.now()
    }

    /// The time of day.
    pub fn wall(&self) -> SystemTime {
        self.0.wall()
    }

    /// Waits.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        self.0.sleep(duration)
    }
}

impl Default for SharedClock {
    fn default() -> Self {
        Self::new(SystemClock)
    }
}

impl Clock for SharedClock {
    fn now(&self) -> Instant {
        self.0.now()
    }
    fn wall(&self) -> SystemTime {
        self.0.wall()
    }
    fn sleep(&self, duration: Duration) -> Sleep {
        self.0.sleep(duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn follows_the_paused_clock() {
        let clock = SharedClock::default();
        let start = clock.now();
        clock.sleep(Duration::from_secs(100)).await;
        assert!(clock.now() - start >= Duration::from_secs(100));
    }
}
