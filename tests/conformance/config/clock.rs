//! A clock that a case moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use databricks_transport::{Clock, Sleep};

/// Real time and whatever it was moved by. Sleeping moves it too.
#[derive(Clone, Debug, Default)]
pub(crate) struct MovableClock {
    ahead_nanos: Arc<AtomicU64>,
}

impl MovableClock {
    fn ahead(&self) -> Duration {
        Duration::from_nanos(self.ahead_nanos.load(Ordering::SeqCst))
    }

    /// Moves on to so much after the beginning, but never back.
    pub(crate) fn move_to(&self, seconds: f64) {
        self.ahead_nanos.fetch_max(Duration::from_secs_f64(seconds).as_nanos() as u64, Ordering::SeqCst);
    }

    /// Moves on by so much.
    pub(crate) fn move_by(&self, seconds: f64) {
        self.ahead_nanos.fetch_add(Duration::from_secs_f64(seconds).as_nanos() as u64, Ordering::SeqCst);
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Instant {
        Instant::now() + self.ahead()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now() + self.ahead()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let clock = self.clone();
        Box::pin(async move {
            clock.move_by(duration.as_secs_f64());
            tokio::task::yield_now().await;
        })
    }
}
