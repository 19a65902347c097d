//! The statements that the workspace knows, and what state each is in.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

use super::Failure;
use super::spill::StoredResult;
use crate::reply::ApiError;

/// Results live an hour after success, statements are forgotten after twelve.
const RESULT_LIFE_MS: i64 = 3600 * 1000;
const STATEMENT_LIFE_MS: i64 = 12 * RESULT_LIFE_MS;

#[derive(Clone, Debug)]
pub(crate) enum Status {
    Pending,
    Running,
    Succeeded(Arc<StoredResult>),
    Failed(Failure),
    Canceled,
    Closed,
}

impl Status {
    pub(crate) fn is_final(&self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Succeeded(_) => "SUCCEEDED",
            Self::Failed(_) => "FAILED",
            Self::Canceled => "CANCELED",
            Self::Closed => "CLOSED",
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut out = json!({"state": self.name()});
        if let Self::Failed(failure) = self {
            out["error"] = failure.to_json();
            if let Some(state) = &failure.sql_state {
                out["sql_state"] = json!(state);
            }
        }
        out
    }
}

#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) id: String,
    status: watch::Sender<Status>,
    /// When the status became final, in milliseconds.
    ended: Mutex<Option<i64>>,
    cancel: Notify,
}

impl Statement {
    pub(crate) fn new(id: String) -> Self {
        Self { id, status: watch::Sender::new(Status::Pending), ended: Mutex::new(None), cancel: Notify::new() }
    }

    pub(crate) fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Moves on, unless the status is final already.
    pub(crate) fn advance(&self, next: Status, now: i64) {
        let last = next.is_final();
        let moved = self.status.send_if_modified(|status| {
            let open = !status.is_final();
            if open {
                *status = next;
            }
            open
        });
        if moved && last {
            *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        }
    }

    /// Ends it as canceled, if it has not ended; what runs for it stops as soon as it notices.
    pub(crate) fn cancel(&self, now: i64) {
        self.advance(Status::Canceled, now);
        self.cancel.notify_one();
    }

    /// Completes once the statement was canceled.
    pub(crate) async fn canceled(&self) {
        self.cancel.notified().await;
    }

    /// Completes once the status is final.
    pub(crate) async fn ended(&self) {
        let mut status = self.status.subscribe();
        // The sender lives in `self`, so this cannot fail.
        let _ = status.wait_for(Status::is_final).await;
    }

    /// Lets go of the result.
    fn close(&self) {
        self.status.send_if_modified(|status| {
            let held = matches!(status, Status::Succeeded(_));
            if held {
                *status = Status::Closed;
            }
            held
        });
    }

    fn age(&self, now: i64) -> Option<i64> {
        let ended = *self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.map(|at| now - at)
    }

    /// Lets go of a result that has expired.
    fn expire(&self, now: i64) {
        if self.age(now).is_some_and(|age| age >= RESULT_LIFE_MS) {
            self.close();
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Statements(Mutex<BTreeMap<String, Arc<Statement>>>);

impl Statements {
    pub(crate) fn add(&self, id: String, now: i64) -> Arc<Statement> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, s| {
            s.expire(now);
            s.age(now).is_none_or(|age| age < STATEMENT_LIFE_MS)
        });
        let statement = Arc::new(Statement::new(id.clone()));
        all.insert(id, Arc::clone(&statement));
        statement
    }

    pub(crate) fn get(&self, id: &str, now: i64) -> Result<Arc<Statement>, ApiError> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(id)
            .filter(|s| s.age(now).is_none_or(|age| age < STATEMENT_LIFE_MS))
            .map(|s| {
                s.expire(now);
                Arc::clone(s)
            })
            .ok_or_else(|| ApiError::not_found(format!("The statement {id} was not found.")))
    }

    /// Ends a statement and lets go of its result.
    pub(crate) fn close(&self, id: &str, now: i64) -> Result<(), ApiError> {
        let statement = self.get(id, now)?;
        statement.cancel(now);
        statement.close();
        Ok(())
    }

    /// Cancels whatever has not ended.
    pub(crate) fn cancel_all(&self, now: i64) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for statement in all.values() {
            statement.cancel(now);
        }
    }
}

/// Cancels a statement when what waits for it is let go of; one that has ended is not changed by it.
pub(crate) struct CancelOnDrop(pub(crate) Arc<Statement>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_final_status_stays() {
        let s = Statement::new("s".into());
        s.advance(Status::Running, 0);
        s.cancel(1);
        s.advance(Status::Failed(Failure::bad_request("x")), 2);
        assert_eq!(s.status().name(), "CANCELED");
        assert_eq!(s.age(11), Some(10));
    }

    #[test]
    fn old_statements_are_forgotten() {
        let all = Statements::default();
        all.add("s".into(), 0).cancel(0);
        assert!(all.get("s", STATEMENT_LIFE_MS - 1).is_ok());
        assert!(all.get("s", STATEMENT_LIFE_MS).is_err());
    }
}
