//! The last statements that ran, for the query history.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::caller::Caller;

/// How many statements are remembered.
const KEPT: usize = 2000;

/// One statement that was submitted.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) warehouse_id: String,
    pub(crate) user: Caller,
    pub(crate) started_ms: i64,
    pub(crate) ended_ms: Option<i64>,
    /// In the words of the query history.
    pub(crate) status: &'static str,
    pub(crate) error: Option<String>,
    pub(crate) rows: Option<u64>,
}

impl Entry {
    pub(crate) fn to_json(&self) -> Value {
        let mut out = json!({
            "query_id": self.id,
            "query_text": self.text,
            "statement_type": self.kind(),
            "status": self.status,
            "user_id": self.user.number(),
            "user_name": self.user.name,
            "executed_as_user_id": self.user.number(),
            "executed_as_user_name": self.user.name,
            "warehouse_id": self.warehouse_id,
            "endpoint_id": self.warehouse_id,
            "query_start_time_ms": self.started_ms,
            "is_final": self.ended_ms.is_some(),
            "client_application": "Databricks SQL",
        });
        if let Some(ended) = self.ended_ms {
            out["query_end_time_ms"] = json!(ended);
            out["execution_end_time_ms"] = json!(ended);
            out["duration"] = json!(ended.saturating_sub(self.started_ms));
        }
        if let Some(rows) = self.rows {
            out["rows_produced"] = json!(rows);
        }
        if let Some(error) = &self.error {
            out["error_message"] = json!(error);
        }
        out
    }

    /// The kind of the statement by its first word.
    pub(crate) fn kind(&self) -> &'static str {
        let first = self.text.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        match first.trim_start_matches('(') {
            "SELECT" | "WITH" | "VALUES" | "TABLE" => "SELECT",
            "INSERT" => "INSERT",
            "UPDATE" => "UPDATE",
            "DELETE" => "DELETE",
            "MERGE" => "MERGE",
            "CREATE" => "CREATE",
            "ALTER" => "ALTER",
            "DROP" => "DROP",
            "DESCRIBE" | "DESC" => "DESCRIBE",
            "EXPLAIN" => "EXPLAIN",
            "SHOW" => "SHOW",
            "USE" => "USE",
            "SET" => "SET",
            "GRANT" => "GRANT",
            "REVOKE" => "REVOKE",
            "TRUNCATE" => "TRUNCATE",
            "OPTIMIZE" => "OPTIMIZE",
            _ => "OTHER",
        }
    }
}

/// The entries, oldest first.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<VecDeque<Entry>>);

impl History {
    pub(crate) fn begin(&self, entry: Entry) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == KEPT {
            all.pop_front();
        }
        all.push_back(entry);
    }

    /// Changes the entry of a statement, if it is still remembered.
    pub(crate) fn edit(&self, id: &str, change: impl FnOnce(&mut Entry)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = all.iter_mut().rev().find(|e| e.id == id) {
            change(entry);
        }
    }

    /// Newest first.
    pub(crate) fn list(&self) -> Vec<Entry> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().rev().cloned().collect()
    }
}
