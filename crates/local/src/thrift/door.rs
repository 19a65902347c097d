//! The sessions and operations that clients hold handles of.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::adapter;
use super::reply::Refusal;
use super::request::{Handle, Malformed};
use super::result::{Cursor, Data, Table};
use super::wire::Struct;
use crate::auth::Caller;
use crate::random;
use crate::reply::ApiError;
use crate::sql::Failure;
use crate::sql::store::{Statement, Status};
use crate::state::{App, lock};

#[cfg(feature = "engine")]
use super::arrow;

/// A session that was idle for that long is closed when the next one opens.
const SESSION_LIFE_MS: i64 = 8 * 3600 * 1000;
/// Operations of a session that are open at once, at most, and those of all sessions.
const OPERATIONS: usize = 1000;
const ALL_OPERATIONS: usize = 10_000;

/// Why a call fails.
#[derive(Debug)]
pub(super) enum Fault {
    /// The request is not one of the service's: status 400.
    Malformed(Malformed),
    /// A request that the response refuses.
    Refused(Refusal),
}

impl From<Malformed> for Fault {
    fn from(why: Malformed) -> Self {
        Self::Malformed(why)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure.into())
    }
}

impl From<ApiError> for Fault {
    fn from(error: ApiError) -> Self {
        Self::Refused(error.into())
    }
}

/// A session, which is one of the statements API too.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) handle: Handle,
    /// Its identifier among the sessions of the statements API.
    pub(super) id: String,
    pub(super) caller: Caller,
    /// What statements are stopped after, unless they state it themselves.
    pub(super) timeout: Option<Duration>,
    /// Whether timestamps are strings in Arrow results, if the session states it.
    #[cfg_attr(not(feature = "engine"), expect(dead_code, reason = "Arrow results are made by the engine"))]
    pub(super) timestamps_as_text: Option<bool>,
    last_used: AtomicI64,
}

/// What an operation runs or has.
#[derive(Debug)]
pub(super) enum Source {
    Statement(Arc<Statement>),
    Table(Arc<Table>),
}

/// The operation of a handle.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) handle: Handle,
    /// `TOperationType`.
    pub(super) kind: i32,
    session: [u8; 16],
    caller: Caller,
    pub(super) started_ms: i64,
    pub(super) source: Source,
    /// How Arrow results are sent.
    #[cfg(feature = "engine")]
    pub(super) native: arrow::Native,
    pub(super) cursor: Mutex<Option<Cursor>>,
    /// Whether it was stopped since its time was over.
    pub(super) timed_out: AtomicBool,
}

impl Operation {
    /// The result, if the operation has come to one.
    pub(super) fn data(&self) -> Option<Data> {
        match &self.source {
            Source::Table(table) => Some(Data::Table(Arc::clone(table))),
            Source::Statement(statement) => match statement.status() {
                Status::Succeeded(result) => Some(Data::Stored(result)),
                _ => None,
            },
        }
    }

    /// Waits until it has ended, for at most `limit`; `None` waits as long as it takes.
    pub(super) async fn ended(&self, limit: Option<Duration>) {
        let Source::Statement(statement) = &self.source else { return };
        match limit {
            None => statement.ended().await,
            Some(limit) => {
                // Whether it ended in time is seen from its status.
                let _ = tokio::time::timeout(limit, statement.ended()).await;
            }
        }
    }

    /// Stops it, if it runs, and lets go of its result.
    fn close(&self, app: &App) {
        if let Source::Statement(statement) = &self.source {
            // It may be forgotten already.
            let _ = app.statements.close(&statement.id, app.clock.now_ms());
        }
        *lock(&self.cursor) = None;
    }
}

/// What a new operation is made of.
pub(super) struct NewOperation {
    pub(super) kind: i32,
    pub(super) source: Source,
    #[cfg(feature = "engine")]
    pub(super) native: arrow::Native,
}

#[derive(Debug, Default)]
pub(super) struct Door {
    sessions: Mutex<BTreeMap<[u8; 16], Arc<Session>>>,
    operations: Mutex<BTreeMap<[u8; 16], Arc<Operation>>>,
}

impl Door {
    /// Adds a session that was opened at the statements API as `id`.
    pub(super) fn open(
        &self,
        app: &App,
        id: String,
        caller: &Caller,
        timeout: Option<Duration>,
        timestamps_as_text: Option<bool>,
    ) -> Result<Arc<Session>, Fault> {
        let now = app.clock.now_ms();
        self.sweep(app, now);
        let session = Arc::new(Session {
            handle: handle(&id)?,
            id,
            caller: caller.clone(),
            timeout,
            timestamps_as_text,
            last_used: AtomicI64::new(now),
        });
        lock(&self.sessions).insert(session.handle.guid, Arc::clone(&session));
        Ok(session)
    }

    fn sweep(&self, app: &App, now: i64) {
        let idle = |s: &Arc<Session>| now.saturating_sub(s.last_used.load(Ordering::Relaxed)) >= SESSION_LIFE_MS;
        let old: Vec<_> = lock(&self.sessions).values().filter(|s| idle(s)).cloned().collect();
        for session in old {
            self.close(app, &session);
        }
    }

    /// The session of the request's handle.
    pub(super) fn session(&self, app: &App, caller: &Caller, request: &Struct) -> Result<Arc<Session>, Fault> {
        let stated = Handle::read(request, "sessionHandle")?;
        let known = stated.and_then(|h| lock(&self.sessions).get(&h.guid).cloned());
        let session = known
            .filter(|s| Some(s.handle) == stated && s.caller == *caller)
            .ok_or_else(|| Refusal::invalid_handle("session"))?;
        session.last_used.store(app.clock.now_ms(), Ordering::Relaxed);
        Ok(session)
    }

    /// Closes a session with all its operations.
    pub(super) fn close(&self, app: &App, session: &Session) {
        lock(&self.sessions).remove(&session.handle.guid);
        let mut own = Vec::new();
        lock(&self.operations).retain(|_, operation| {
            let is_own = operation.session == session.handle.guid;
            if is_own {
                own.push(Arc::clone(operation));
            }
            !is_own
        });
        for operation in own {
            operation.close(app);
        }
        adapter::close_session(app, &session.id);
    }

    /// Adds an operation of a session.
    pub(super) fn begin(&self, app: &App, session: &Session, new: NewOperation) -> Result<Arc<Operation>, Fault> {
        let mut all = lock(&self.operations);
        let own = all.values().filter(|o| o.session == session.handle.guid).count();
        for (open, most, whose) in [(own, OPERATIONS, "The session"), (all.len(), ALL_OPERATIONS, "The workspace")] {
            if open >= most {
                let text = format!("[TOO_MANY_OPERATIONS] {whose} has {most} open operations; close some of them");
                return Err(Refusal::invalid(text).into());
            }
        }
        // The handle of a statement is its identifier, as in the query history.
        let handle = match &new.source {
            Source::Statement(statement) => handle(&statement.id)?,
            Source::Table(_) => handle(&app.ids.uuid())?,
        };
        let operation = Arc::new(Operation {
            handle,
            kind: new.kind,
            session: session.handle.guid,
            caller: session.caller.clone(),
            started_ms: app.clock.now_ms(),
            source: new.source,
            #[cfg(feature = "engine")]
            native: new.native,
            cursor: Mutex::new(None),
            timed_out: AtomicBool::new(false),
        });
        all.insert(handle.guid, Arc::clone(&operation));
        Ok(operation)
    }

    /// The operation of the request's handle.
    pub(super) fn operation(&self, caller: &Caller, request: &Struct) -> Result<Arc<Operation>, Fault> {
        let stated = Handle::read(request, "operationHandle")?;
        let known = stated.and_then(|h| lock(&self.operations).get(&h.guid).cloned());
        let valid = known.filter(|o| Some(o.handle) == stated && o.caller == *caller);
        Ok(valid.ok_or_else(|| Refusal::invalid_handle("operation"))?)
    }

    /// Ends an operation for good.
    pub(super) fn end(&self, app: &App, operation: &Operation) {
        lock(&self.operations).remove(&operation.handle.guid);
        operation.close(app);
    }
}

/// A handle whose public half is a UUID.
fn handle(uuid: &str) -> Result<Handle, Fault> {
    let guid = random::from_hex(&uuid.replace('-', "")).and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
    let guid = guid.ok_or_else(|| ApiError::internal(format!("{uuid} is not a UUID")))?;
    let secret = random::bytes::<16>().map_err(|e| ApiError::internal(format!("no random bytes: {e}")))?;
    Ok(Handle { guid, secret })
}
