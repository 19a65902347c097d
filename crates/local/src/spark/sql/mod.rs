//! Statements on the attached engine.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::attached::Attached;
use crate::random::Ids;
use crate::sql::Failure;
use crate::sql::request::StatementRequest;
use crate::state::{USER_NAME, lock};
use calls::Responses;
use messages::{
    Command, ExecutePlanRequest, ExecutePlanResponse, Operation, Plain, Plan, Relation, ReleaseSessionRequest,
    SqlCommand, UserContext,
};

mod calls;
mod literals;
mod messages;

/// Batches that wait to be written.
const WAITING: usize = 4;

/// The attached engine, as statements use it.
pub(crate) struct SparkSql {
    attached: Arc<Attached>,
    ids: Arc<Ids>,
    /// Where connections live: statements run on threads that have no IO.
    runtime: Handle,
    /// Who uses the open sessions: an engine knows a session by its user and its identifier.
    sessions: Mutex<BTreeMap<String, String>>,
}

impl fmt::Debug for SparkSql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SparkSql").finish_non_exhaustive()
    }
}

/// The batches of a running statement, each a stream of Arrow's own. Dropping it ends the statement.
pub(crate) struct Batches {
    incoming: mpsc::Receiver<Result<Bytes, Failure>>,
    _task: JoinSet<()>,
    /// The session that is there for this statement alone.
    own: Option<Session>,
    runtime: Handle,
}

impl Drop for Batches {
    fn drop(&mut self) {
        if let Some(session) = self.own.take() {
            self.runtime.spawn(async move { session.release().await });
        }
    }
}

impl Batches {
    /// The next one; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        self.incoming.recv().await.transpose()
    }
}

impl SparkSql {
    /// Statements run on connections of the present runtime.
    pub(crate) fn new(attached: Arc<Attached>, ids: Arc<Ids>) -> Self {
        Self { attached, ids, runtime: Handle::current(), sessions: Mutex::default() }
    }

    /// Starts a statement.
    pub(crate) fn start(&self, request: &StatementRequest) -> Result<Batches, Failure> {
        let user = request.user.clone().unwrap_or_else(|| USER_NAME.to_owned());
        let own = request.session.is_none();
        let id = request.session.clone().unwrap_or_else(|| self.ids.uuid());
        if !own {
            lock(&self.sessions).insert(id.clone(), user.clone());
        }
        let session = Session { attached: Arc::clone(&self.attached), id, user };
        let own = own.then(|| session.clone());
        let mut before = Vec::new();
        if let Some(place) = namespace(request) {
            before.push(literals::bound(&format!("USE {place}"), &[])?);
        }
        let statement = literals::bound(&request.statement, &request.parameters)?;
        let (batches, incoming) = mpsc::channel(WAITING);
        let mut task = JoinSet::new();
        task.spawn_on(
            async move {
                if let Err(failure) = session.run(before, statement, &batches).await {
                    // Without a receiver the statement was canceled.
                    let _ = batches.send(Err(failure)).await;
                }
            },
            &self.runtime,
        );
        Ok(Batches { incoming, _task: task, own, runtime: self.runtime.clone() })
    }

    /// Ends a session of the engine, if there is one of this identifier.
    pub(crate) fn close_session(&self, id: &str) {
        if let Some(user) = lock(&self.sessions).remove(id) {
            let session = Session { attached: Arc::clone(&self.attached), id: id.to_owned(), user };
            self.runtime.spawn(async move { session.release().await });
        }
    }
}

/// What the statement's names are relative to, if it states that.
fn namespace(request: &StatementRequest) -> Option<String> {
    let quoted = |name: &String| format!("`{}`", name.replace('`', "``"));
    match (&request.catalog, &request.schema) {
        (None, None) => None,
        (Some(catalog), None) => Some(format!("{}.`default`", quoted(catalog))),
        (None, Some(schema)) => Some(quoted(schema)),
        (Some(catalog), Some(schema)) => Some(format!("{}.{}", quoted(catalog), quoted(schema))),
    }
}

#[derive(Clone)]
struct Session {
    attached: Arc<Attached>,
    id: String,
    user: String,
}

impl Session {
    /// Runs statements without a look at their results, and one whose batches are sent on.
    async fn run(
        &self,
        before: Vec<Relation>,
        statement: Relation,
        batches: &mpsc::Sender<Result<Bytes, Failure>>,
    ) -> Result<(), Failure> {
        for statement in before {
            self.command(statement).await?;
        }
        let root = self.command(statement).await?;
        let mut responses = self.execute(Operation::Root(root)).await?;
        while let Some(response) = responses.next::<ExecutePlanResponse>().await? {
            if let Some(batch) = response.batch
                && batches.send(Ok(batch.data)).await.is_err()
            {
                break;
            }
        }
        Ok(())
    }

    /// Runs a statement if it is a command, and gives the plan of its result, or of the query that it is.
    async fn command(&self, statement: Relation) -> Result<Bytes, Failure> {
        let command = Command { sql: Some(SqlCommand { input: Some(statement) }) };
        let mut responses = self.execute(Operation::Command(command)).await?;
        let mut plan = None;
        while let Some(response) = responses.next::<ExecutePlanResponse>().await? {
            plan = response.sql_result.map(|result| result.relation).or(plan);
        }
        plan.ok_or_else(|| Failure::internal("The attached Spark engine gave no result for the statement"))
    }

    async fn execute(&self, operation: Operation) -> Result<Responses, Failure> {
        let message = ExecutePlanRequest {
            session_id: self.id.clone(),
            user: Some(self.user()),
            plan: Some(Plan { operation: Some(operation) }),
            client_type: Some("databricks-local".to_owned()),
        };
        Responses::of(&self.attached.upstream, "ExecutePlan", &message).await
    }

    /// Lets go of the engine's session. One that cannot be told forgets it after a while.
    async fn release(&self) {
        let message = ReleaseSessionRequest { session_id: self.id.clone(), user: Some(self.user()) };
        let released = async {
            let mut responses = Responses::of(&self.attached.upstream, "ReleaseSession", &message).await?;
            responses.next::<Plain>().await
        };
        if let Err(failure) = released.await {
            tracing::debug!(failure.message, "a session of the attached Spark engine was not released");
        }
    }

    fn user(&self) -> UserContext {
        UserContext { id: self.user.clone(), name: self.user.clone() }
    }
}
