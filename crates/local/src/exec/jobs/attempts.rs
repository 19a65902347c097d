//! How long an attempt at a task may take, and when there is another one.

use std::time::Duration;

use serde_json::Value;

use super::outcome::{Failure, Outcome};

/// The shortest time between two attempts, lest a task that fails at once keeps the workspace busy.
const SHORTEST: Duration = Duration::from_millis(100);

/// What a task states about its attempts.
#[derive(Debug)]
pub(super) struct Attempts {
    limit: Option<Duration>,
    /// `None` is without end.
    retries: Option<i64>,
    pause: Duration,
    on_timeout: bool,
}

/// A time limit in seconds; 0 is none.
pub(super) fn limit(stated: &Value) -> Option<Duration> {
    stated.as_u64().filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

impl Attempts {
    pub(super) fn of(task: &Value) -> Self {
        let retries = task["max_retries"].as_i64().unwrap_or(0);
        let pause = Duration::from_millis(task["min_retry_interval_millis"].as_u64().unwrap_or(0));
        Self {
            limit: limit(&task["timeout_seconds"]),
            retries: (retries >= 0).then_some(retries),
            pause: pause.max(SHORTEST),
            on_timeout: task["retry_on_timeout"].as_bool().unwrap_or(false),
        }
    }

    /// What comes of an attempt within its time.
    pub(super) async fn within(&self, work: impl Future<Output = Outcome>) -> Outcome {
        let Some(limit) = self.limit else { return work.await };
        let over =
            || Failure { timed_out: true, ..Failure::new(format!("Timed out after {} seconds", limit.as_secs())) };
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(over()))
    }

    /// After what time there is another attempt, if there is one, where so many retries were made.
    pub(super) fn again(&self, made: i64, failure: &Failure) -> Option<Duration> {
        let left = self.retries.is_none_or(|retries| made < retries);
        (left && (self.on_timeout || !failure.timed_out)).then_some(self.pause)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_task_is_tried_as_often_as_it_states() {
        let failed = Failure::new("x");
        let over = Failure { timed_out: true, ..Failure::new("x") };
        let attempts = |task: Value| Attempts::of(&task);
        assert_eq!(attempts(json!({})).again(0, &failed), None);
        let twice = attempts(json!({"max_retries": 2, "min_retry_interval_millis": 5000}));
        assert_eq!(twice.again(1, &failed), Some(Duration::from_secs(5)));
        assert_eq!(twice.again(2, &failed), None);
        assert_eq!(twice.again(0, &over), None);
        let always = attempts(json!({"max_retries": -1, "retry_on_timeout": true}));
        assert_eq!(always.again(1_000_000, &over), Some(SHORTEST));
    }
}
