//! A clock whose waits are a thousandth as long.

use std::time::{Duration, Instant, SystemTime};

use databricks_transport::{Clock, Sleep};

const SPEED: u32 = 1_000;

/// Waits between attempts hardly take time, so that thousands of them fit into seconds; what attempts take is real.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct QuickClock;

impl Clock for QuickClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(async move { tokio::time::sleep(duration / SPEED).await })
    }
}
