//! What a statement does to a table, as the table's history names it.

use datafusion::arrow::record_batch::RecordBatch;

use super::Store;

/// Its name, parameters and counts.
#[derive(Clone, Debug, Default)]
#[cfg_attr(not(feature = "delta"), allow(dead_code, reason = "tables without a log have no history"))]
pub(in super::super) struct Operation {
    pub(in super::super) name: &'static str,
    pub(in super::super) parameters: Vec<(&'static str, String)>,
    pub(in super::super) metrics: Vec<(&'static str, usize)>,
    /// Whether it adds rows without a look at those that are there.
    pub(in super::super) blind: bool,
    /// Whether rows stay as they are, although their files may be written anew.
    pub(in super::super) keeps_rows: bool,
    /// Rows that it changes, by the kind of change, where files do not tell that.
    pub(in super::super) feed: Vec<(&'static str, RecordBatch)>,
}

impl Operation {
    pub(in super::super) fn new(name: &'static str) -> Self {
        Self { name, ..Self::default() }
    }

    /// Rows that are put in or in place of others; `mode` is `Append` or `Overwrite`.
    pub(in super::super) fn write(mode: &str, rows: usize) -> Self {
        let blind = mode == "Append";
        let operation = Self { blind, ..Self::new("WRITE") };
        operation.with("mode", mode).with("partitionBy", "[]").counting("numOutputRows", rows)
    }

    pub(in super::super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.parameters.push((name, value.into()));
        self
    }

    /// The condition on rows, in the form of the platform: a list in JSON.
    pub(in super::super) fn where_(self, condition: Option<&str>) -> Self {
        let list: Vec<String> = condition.map(|c| format!("({})", c.trim())).into_iter().collect();
        self.with("predicate", serde_json::Value::from(list).to_string())
    }

    /// Whether it takes no row away, although files may be written anew.
    pub(in super::super) fn only_adds(&self) -> bool {
        let mut fed = self.feed.iter().filter(|(_, rows)| rows.num_rows() > 0).peekable();
        self.blind || (fed.peek().is_some() && fed.all(|(kind, _)| *kind == "insert"))
    }

    /// A change of columns, which are all that it changes.
    pub(in super::super) fn keeping_rows(self) -> Self {
        Self { keeps_rows: true, ..self }
    }

    /// Rows for the change data feed: `insert`, `delete`, `update_preimage` or `update_postimage`.
    pub(in super::super) fn feeding(mut self, kind: &'static str, rows: RecordBatch) -> Self {
        self.feed.push((kind, rows));
        self
    }

    pub(in super::super) fn counting(mut self, name: &'static str, count: usize) -> Self {
        self.metrics.push((name, count));
        self
    }
}

/// A change of a table: by whom, when and what.
#[derive(Debug)]
#[cfg_attr(not(feature = "delta"), allow(dead_code, reason = "tables without a log have no history"))]
pub(in super::super) struct Change<'a> {
    pub(in super::super) store: &'a Store,
    pub(in super::super) now_ms: i64,
    /// `None` where it is not known.
    pub(in super::super) user: Option<&'a str>,
    pub(in super::super) operation: Operation,
}
