//! The statements that the workspace knows, and what state each is in.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

use super::Failure;
use super::spill::StoredResult;
use crate::reply::ApiError;

/// Results live an hour after success, statements are forgotten after twelve.
const RESULT_LIFE_MS: i64 = 3600 * 1000;
const STATEMENT_LIFE_MS: i64 = 12 * RESULT_LIFE_MS;
/// The most statements that are kept, apart from those that run.
const MOST: usize = 10_000;
/// How many statements that run are passed over in search of one to let go of.
const RUNNING_PASSED: usize = 16;

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

/// What is known of statements. A statement is in both queues until its time has come, in the order of their starts.
#[derive(Debug, Default)]
struct Kept {
    by_id: HashMap<String, Arc<Statement>>,
    /// Those whose result has not expired.
    with_result: VecDeque<Arc<Statement>>,
    all: VecDeque<Arc<Statement>>,
}

impl Kept {
    /// Lets go of what has expired, and of the oldest beyond the number that is kept.
    fn sweep(&mut self, now: i64) {
        while let Some(statement) = due(&mut self.with_result, RESULT_LIFE_MS, now) {
            statement.close();
        }
        while let Some(statement) = due(&mut self.all, STATEMENT_LIFE_MS, now) {
            self.by_id.remove(&statement.id);
        }
    }
}

/// Takes out the oldest statement if it ended that long ago, or if there are too many. Some that run pass to the end of the
/// queue, so that they do not hold up those behind them.
fn due(queue: &mut VecDeque<Arc<Statement>>, life: i64, now: i64) -> Option<Arc<Statement>> {
    for _ in 0..queue.len().min(RUNNING_PASSED) {
        match queue.front()?.age(now) {
            None => queue.rotate_left(1),
            Some(age) if age >= life || queue.len() > MOST => return queue.pop_front(),
            Some(_) => return None,
        }
    }
    None
}

#[derive(Debug, Default)]
pub(crate) struct Statements(Mutex<Kept>);

impl Statements {
    pub(crate) fn add(&self, id: String, now: i64) -> Arc<Statement> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.sweep(now);
        let statement = Arc::new(Statement::new(id.clone()));
        kept.with_result.push_back(Arc::clone(&statement));
        kept.all.push_back(Arc::clone(&statement));
        kept.by_id.insert(id, Arc::clone(&statement));
        statement
    }

    pub(crate) fn get(&self, id: &str, now: i64) -> Result<Arc<Statement>, ApiError> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.by_id
            .get(id)
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
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for statement in &kept.all {
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

    #[test]
    fn the_oldest_that_ended_are_forgotten_first() {
        let all = Statements::default();
        all.add("runs".into(), 0);
        for number in 0..MOST + 5 {
            all.add(number.to_string(), 0).cancel(0);
        }
        all.add("last".into(), 0);
        assert!(all.get("runs", 0).is_ok() && all.get("last", 0).is_ok());
        for number in 0..4 {
            assert!(all.get(&number.to_string(), 0).is_err(), "{number}");
        }
        assert!(all.get(&(MOST + 4).to_string(), 0).is_ok());
        let kept = all.0.lock().unwrap();
        assert!(kept.by_id.len() <= MOST + 2 && kept.with_result.len() <= MOST + 2, "{}", kept.by_id.len());
    }
}
