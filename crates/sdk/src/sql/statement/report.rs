//! Progress of a result that is being delivered.

use std::sync::Arc;

use databricks_models::sql::StatementState;
use databricks_transport::SharedClock;

use crate::sql::StatementProgress;
use crate::sql::progress::OnProgress;

/// Reports how far the result has been delivered.
pub(in crate::sql) struct Report {
    id: Arc<str>,
    clock: SharedClock,
    started: std::time::Instant,
    on_progress: Option<OnProgress>,
    chunks: i64,
    rows: i64,
    bytes: i64,
    pub(in crate::sql) total_chunks: Option<i64>,
    pub(in crate::sql) total_rows: Option<i64>,
}

impl Report {
    /// Nothing has been delivered yet.
    ///
    /// * `started`: when the statement was sent.
    pub(super) fn new(
        id: Arc<str>,
        clock: SharedClock,
        started: std::time::Instant,
        on_progress: Option<OnProgress>,
    ) -> Self {
        Self { id, clock, started, on_progress, chunks: 0, rows: 0, bytes: 0, total_chunks: None, total_rows: None }
    }

    /// Counts a chunk.
    pub(in crate::sql) fn delivered(&mut self, rows: i64, bytes: usize) {
        self.chunks += 1;
        self.rows = self.rows.saturating_add(rows);
        self.bytes = self.bytes.saturating_add(i64::try_from(bytes).unwrap_or(i64::MAX));
        let elapsed = self.clock.now().saturating_duration_since(self.started);
        if let Some(OnProgress(report)) = &mut self.on_progress {
            report(StatementProgress {
                statement_id: &self.id,
                state: &StatementState::Succeeded,
                elapsed,
                chunks: self.chunks,
                total_chunks: self.total_chunks,
                rows: self.rows,
                total_rows: self.total_rows,
                bytes: self.bytes,
            });
        }
    }
}
