//! How far a statement and its result have come.

use std::fmt;
use std::time::Duration;

use databricks_models::sql::StatementState;

/// One poll of a statement that runs, or one more chunk of its result.
#[derive(Debug)]
#[non_exhaustive]
pub struct StatementProgress<'a> {
    /// Its id.
    pub statement_id: &'a str,
    /// Its state.
    pub state: &'a StatementState,
    /// The time since it was started, or since it was first polled.
    pub elapsed: Duration,
    /// The chunks of the result that were delivered.
    pub chunks: i64,
    /// All chunks of the result, once known.
    pub total_chunks: Option<i64>,
    /// The rows in the chunks that were delivered.
    pub rows: i64,
    /// All rows of the result, once known.
    pub total_rows: Option<i64>,
    /// The bytes of the chunks that were delivered, as they came.
    pub bytes: i64,
}

/// The callback after each poll of a statement.
pub(super) struct OnProgress(pub(super) Box<dyn FnMut(StatementProgress<'_>) + Send>);

impl fmt::Debug for OnProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnProgress")
    }
}
