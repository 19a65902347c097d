//! What comes of tasks.

use serde_json::Value;

use crate::reply::ApiError;

/// What came of a task: the members of its output, or why it failed.
pub(super) type Outcome = Result<Value, Failure>;

pub(super) struct Failure {
    pub(super) error: String,
    pub(super) trace: String,
}

impl Failure {
    pub(super) fn new(error: impl Into<String>) -> Self {
        Self { error: error.into(), trace: String::new() }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::new(error.message())
    }
}
