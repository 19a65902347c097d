//! What comes of tasks.

use serde_json::Value;

use crate::reply::ApiError;

/// What came of a task: the members of its output, or why it failed.
pub(super) type Outcome = Result<Value, Failure>;

#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: String,
    pub(super) trace: String,
    /// Whether its time was over.
    pub(super) timed_out: bool,
}

impl Failure {
    pub(super) fn new(error: impl Into<String>) -> Self {
        Self { error: error.into(), trace: String::new(), timed_out: false }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::new(error.message())
    }
}
