//! Time as the workspace sees it.

use std::time::Duration;

use tokio::time::Instant;

/// Wall time that follows Tokio's clock, so that a test which pauses or advances it moves the whole workspace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin_ms: i64,
    origin: Instant,
    speed: f64,
}

impl Clock {
    pub(crate) fn new(speed: f64) -> Self {
        Self { origin_ms: jiff::Timestamp::now().as_millisecond(), origin: Instant::now(), speed }
    }

    /// Milliseconds since the Unix epoch.
    pub(crate) fn now_ms(&self) -> i64 {
        let elapsed = i64::try_from(self.origin.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.origin_ms.saturating_add(elapsed)
    }

    /// Milliseconds that a change of the platform's own takes, such as starting a machine, at the chosen speed.
    pub(crate) fn scaled_ms(&self, usual: Duration) -> i64 {
        let ms = usual.as_secs_f64() * 1000.0 / self.speed;
        // A float to integer `as` saturates, which is what an absurdly slow clock should do.
        ms.round() as i64
    }

    /// RFC 3339 string in UTC with milliseconds.
    pub(crate) fn rfc3339(ms: i64) -> String {
        jiff::Timestamp::from_millisecond(ms)
            .map(|t| t.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
            .unwrap_or_default()
    }
}
