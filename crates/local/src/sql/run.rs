//! The course of one statement: wait for the warehouse, run, keep the result.

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "engine")]
use super::engine::StatementEngine;
#[cfg(feature = "engine")]
use super::engine::host::{Host, HostFile, HostGrant, Kept, Secrets};
use super::request::StatementRequest;
#[cfg(feature = "engine")]
use super::secrets::SecretsOf;
#[cfg(feature = "engine")]
use super::securables;
use super::spill::{Spill, StoredResult};
use super::store::{Statement, Status};
use super::{Failure, listing, stack};
use crate::auth::Caller;
#[cfg(feature = "engine")]
use crate::records::renames::Renamed;
use crate::reply::ApiError;
use crate::state::history::Entry;
#[cfg(feature = "engine")]
use crate::state::kept::Staged;
use crate::state::{App, lock};

/// Registers the statement and starts it; a stopped warehouse is started for it.
///
/// What succeeds in `session` is noted there.
pub(crate) fn submit(
    app: &Arc<App>,
    mut request: StatementRequest,
    user: &Caller,
    session: Option<String>,
) -> Result<Arc<Statement>, ApiError> {
    request.session.clone_from(&session);
    request.user = Some(user.name.clone());
    let now = app.clock.now_ms();
    let wait = acquire(app, &request.warehouse_id)?;
    let statement = app.statements.add(app.ids.uuid(), now);
    app.history.begin(Entry {
        id: statement.id.clone(),
        text: request.statement.clone(),
        warehouse_id: request.warehouse_id.clone(),
        user: user.clone(),
        started_ms: now,
        ended_ms: None,
        status: "QUEUED",
        error: None,
        rows: None,
    });
    tokio::spawn(course(Arc::clone(app), Arc::clone(&statement), request, wait, session));
    Ok(statement)
}

async fn course(
    app: Arc<App>,
    statement: Arc<Statement>,
    request: StatementRequest,
    up: Duration,
    session: Option<String>,
) {
    let text = request.statement.clone();
    let warehouse = request.warehouse_id.clone();
    tokio::select! {
        () = tokio::time::sleep(up) => {
            statement.advance(Status::Running, app.clock.now_ms());
            app.history.edit(&statement.id, |entry| entry.status = "RUNNING");
            let outcome = execute(&app, &statement, request).await;
            let status = match outcome {
                Some(Ok(result)) => {
                    if let Some(session) = &session {
                        app.sessions.note(session, &text);
                    }
                    Status::Succeeded(Arc::new(result))
                }
                Some(Err(failure)) => Status::Failed(failure),
                None => Status::Canceled,
            };
            statement.advance(status, app.clock.now_ms());
        }
        // The status is set by who cancels.
        () = statement.canceled() => {}
    }
    let ended = app.clock.now_ms();
    app.history.edit(&statement.id, |entry| {
        entry.ended_ms = Some(ended);
        match statement.status() {
            Status::Succeeded(result) => {
                entry.status = "FINISHED";
                entry.rows = Some(result.chunks.iter().map(|c| c.row_count).sum());
            }
            Status::Failed(failure) => {
                entry.status = "FAILED";
                entry.error = Some(failure.message);
            }
            _ => entry.status = "CANCELED",
        }
    });
    release(&app, &warehouse);
}

/// Notes that a warehouse or cluster is used, starts it if it is not up, and gives the time until it runs.
pub(crate) fn acquire(app: &App, compute: &str) -> Result<Duration, ApiError> {
    let now = app.clock.now_ms();
    // Identifiers of clusters have hyphens, those of warehouses do not.
    let wait = if compute.contains('-') {
        lock(&app.clusters).acquire(compute, app.new_spark_context(), now)?
    } else {
        lock(&app.warehouses).acquire(compute, now)?
    };
    Ok(Duration::from_millis(u64::try_from(wait).unwrap_or(0)))
}

/// Ends a use, of what may be gone by then.
pub(crate) fn release(app: &App, compute: &str) {
    let now = app.clock.now_ms();
    if let Ok(cluster) = lock(&app.clusters).get(compute, now) {
        cluster.touch(now);
    }
    lock(&app.warehouses).release(compute, now);
}

/// Runs to the end; `None` if it was canceled on the way.
pub(super) async fn execute(
    app: &Arc<App>,
    statement: &Arc<Statement>,
    request: StatementRequest,
) -> Option<Result<StoredResult, Failure>> {
    let app = Arc::clone(app);
    let statement = Arc::clone(statement);
    // A blocking task: result files are written synchronously, and a paused Tokio clock stands still meanwhile, so that
    // the time a statement takes counts for nothing in tests that steer the clock.
    let runtime = tokio::runtime::Handle::current();
    let task = tokio::task::spawn_blocking(move || {
        let ran = stack::on_large_stack(|| {
            let _context = runtime.enter();
            let work = run(&app, &request);
            app.block_on_engine(async {
                tokio::select! {
                    outcome = work => Some(outcome),
                    () = statement.canceled() => None,
                }
            })
            .flatten()
        });
        ran.unwrap_or_else(|failure| Some(Err(failure)))
    });
    task.await.unwrap_or_else(|error| Some(Err(Failure::internal(format!("The statement's task ended: {error}")))))
}

async fn run(app: &App, request: &StatementRequest) -> Result<StoredResult, Failure> {
    let mut spill = Spill::new(request, app.settings.chunks, app.directory.path())?;
    // Over the information schema of the embedded engine; another has its own listings.
    let listing = if app.is_on_attached(request) { None } else { listing::query(&request.statement) };
    let columns = match (app.settings.scripts.find(&request.statement), listing) {
        (Some(script), _) => script.write(&mut spill)?,
        (None, None) => app.run_on_engine(request, &mut spill).await?,
        (None, Some(statement)) => {
            let request = StatementRequest { statement, ..request.clone() };
            app.run_on_engine(&request, &mut spill).await?
        }
    };
    spill.finish(columns)
}

#[cfg(feature = "engine")]
impl App {
    fn block_on_engine<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.engine.block_on(work)
    }

    async fn run_on_engine(
        &self,
        request: &StatementRequest,
        spill: &mut Spill,
    ) -> Result<Vec<super::column::Column>, Failure> {
        self.engine_of(request).run(request, self, spill).await
    }

    /// What runs a statement.
    fn engine_of(&self, request: &StatementRequest) -> &dyn StatementEngine {
        match self.attached() {
            Some(attached) if !request.embedded => attached,
            _ => &*self.engine,
        }
    }

    /// The attached engine, if statements run on it.
    fn attached(&self) -> Option<&dyn StatementEngine> {
        #[cfg(feature = "spark")]
        return self.spark.get().map(|spark| spark as _);
        #[cfg(not(feature = "spark"))]
        None
    }

    /// Whether a statement runs on an attached engine.
    fn is_on_attached(&self, request: &StatementRequest) -> bool {
        self.attached().is_some() && !request.embedded
    }

    /// Whether clients' statements run on an attached engine, whose tables the workspace does not know.
    pub(crate) fn has_attached(&self) -> bool {
        self.attached().is_some()
    }

    /// Forgets what engines keep of a session that was closed.
    pub(crate) fn close_session(&self, id: &str) {
        self.engine.close_session(id);
        if let Some(attached) = self.attached() {
            attached.close_session(id);
        }
    }
}

#[cfg(feature = "engine")]
impl Host for App {
    fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    fn files(&self, path: &str) -> Result<Vec<HostFile>, Failure> {
        let clean = crate::state::tree::clean(path).map_err(|e| Failure::bad_request(e.message()))?;
        let tree = lock(&self.volumes.tree);
        let file = |path: String, entry: &crate::state::tree::Entry| HostFile {
            path,
            modified_ms: entry.modified_ms,
            length: entry.content.length(),
        };
        if let Ok(entry) = tree.get(&clean) {
            return Ok(vec![file(clean, &entry)]);
        }
        let mut found = Vec::new();
        let mut directories = vec![clean.clone()];
        while let Some(directory) = directories.pop() {
            let listed = tree.list(&directory).map_err(|_| {
                let text = format!("Path does not exist: {path}.");
                Failure::class("PATH_NOT_FOUND", &text, "42K03")
            })?;
            for one in listed {
                match one.file {
                    Some(entry) => found.push(file(one.path, &entry)),
                    None => directories.push(one.path),
                }
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    fn content(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let entry = lock(&self.volumes.tree).get(path).map_err(|e| Failure::bad_request(e.message()))?;
        entry.content.read(0, entry.content.length()).map_err(|e| Failure::io(&e))
    }

    fn securables(&self, kind: Kept) -> Vec<serde_json::Map<String, serde_json::Value>> {
        securables::all(self, kind)
    }

    fn keep(
        &self,
        kind: Kept,
        full_name: &str,
        members: serde_json::Map<String, serde_json::Value>,
    ) -> Result<(), Failure> {
        securables::keep(self, kind, full_name, members)
    }

    fn forget(&self, kind: &str, full_name: &str) -> Result<(), Failure> {
        securables::forget(self, kind, full_name)
    }

    fn metastore(&self) -> String {
        crate::records::stamp::global_metastore(self.workspace_id)
    }

    fn secrets(&self, user: &str, is_admin: bool) -> Arc<dyn Secrets> {
        Arc::new(SecretsOf::new(&self.secret_scopes, user, is_admin))
    }

    fn rename(&self, renamed: &Renamed<'_>, names: Staged) -> Result<(), Failure> {
        securables::rename(self, renamed, names)
    }

    fn principals(&self, user: &str) -> Vec<String> {
        securables::principals(self, user)
    }

    fn grants(&self) -> Vec<HostGrant> {
        securables::grants(self)
    }

    fn grant(
        &self,
        securable: (&str, &str),
        principal: &str,
        privileges: &[String],
        give: bool,
    ) -> Result<(), Failure> {
        securables::grant(self, securable, principal, privileges, give)
    }
}

#[cfg(not(feature = "engine"))]
impl App {
    fn is_on_attached(&self, _: &StatementRequest) -> bool {
        false
    }

    pub(crate) fn has_attached(&self) -> bool {
        false
    }

    pub(crate) fn close_session(&self, _: &str) {}

    fn block_on_engine<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        Some(tokio::runtime::Handle::current().block_on(work))
    }

    async fn run_on_engine(
        &self,
        request: &StatementRequest,
        _: &mut Spill,
    ) -> Result<Vec<super::column::Column>, Failure> {
        Err(Failure::bad_request(format!(
            "No script fits the statement, and this build has no SQL engine: turn on the feature `engine` of \
             databricks-local, or register the statement. It was: {}",
            request.statement
        )))
    }
}
