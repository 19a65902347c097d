//! The border to the statements engine: all that the door asks of it.

use std::sync::Arc;

use super::reply::{Refusal, Row};
use crate::auth::Caller;
use crate::reply::ApiError;
use crate::sql::request::{Disposition, Format, Parameter, StatementRequest};
use crate::sql::store::Statement;
use crate::sql::{Failure, notebook, run};
use crate::state::sessions::Session;
use crate::state::{App, lock};

/// Refuses a warehouse that does not exist.
pub(super) fn known_warehouse(app: &App, id: &str) -> Result<(), ApiError> {
    let missing = |_| ApiError::not_found(format!("SQL warehouse {id} does not exist."));
    lock(&app.warehouses).get(id, app.clock.now_ms()).map(drop).map_err(missing)
}

/// Refuses a cluster that does not exist.
pub(super) fn known_cluster(app: &App, id: &str) -> Result<(), ApiError> {
    let missing = |_| ApiError::not_found(format!("Cluster {id} does not exist"));
    lock(&app.clusters).get(id, app.clock.now_ms()).map(drop).map_err(missing)
}

/// Opens a session of the statements API, once its compute runs.
pub(super) async fn open_session(app: &App, session: Session) -> Result<String, ApiError> {
    let compute = session.warehouse_id.clone();
    let wait = run::acquire(app, &compute)?;
    tokio::time::sleep(wait).await;
    run::release(app, &compute);
    let id = app.ids.uuid();
    app.sessions.open(&id, session)?;
    Ok(id)
}

/// Closes a session with all that was set in it; the statements API may have closed it already.
pub(super) fn close_session(app: &App, id: &str) {
    let _ = app.sessions.close(id);
    app.close_session(id);
}

/// A statement as a client states it.
pub(super) struct New {
    pub(super) text: String,
    /// The namespace, where it is another than the session's.
    pub(super) catalog: Option<String>,
    pub(super) schema: Option<String>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) row_limit: Option<u64>,
    /// Whether the client reads Arrow.
    pub(super) arrow: bool,
    /// The statement as the history shows it, if that differs.
    pub(super) shown: Option<String>,
}

/// Starts a statement in a session.
pub(super) fn submit(
    app: &Arc<App>,
    compute: &str,
    session: &str,
    caller: &Caller,
    new: New,
) -> Result<Arc<Statement>, ApiError> {
    // Results that are given beforehand are rows of text.
    let arrow = new.arrow && cfg!(feature = "engine") && app.settings.scripts.find(&new.text).is_none();
    let kept = app.sessions.get(session)?;
    let mut request = StatementRequest::new(compute, &new.text)?;
    request.catalog = new.catalog.or(kept.catalog).filter(|name| !name.is_empty());
    request.schema = new.schema.or(kept.schema).filter(|name| !name.is_empty());
    request.parameters = new.parameters;
    request.settings = kept.settings;
    request.row_limit = new.row_limit;
    request.disposition = Disposition::ExternalLinks;
    request.format = if arrow { Format::ArrowStream } else { Format::JsonArray };
    let statement = run::submit(app, request, caller, Some(session.to_owned()))?;
    if let Some(shown) = new.shown {
        app.history.edit(&statement.id, |entry| entry.text = shown);
    }
    Ok(statement)
}

/// The rows of a statement that the door itself asks, which no history shows.
///
/// # Errors
///
/// The statement's, that clients' tables are elsewhere, or that it has so many rows that some may be missing.
pub(super) async fn rows(app: &Arc<App>, sql: &str) -> Result<Vec<Row>, Refusal> {
    if app.has_attached() {
        let text = "Statements run on the attached Spark engine, whose catalogs are not listed by calls; list them with SHOW \
                    and DESCRIBE statements";
        return Err(Failure::bad_request(text).into());
    }
    let rows = notebook::rows(app, sql).await?;
    if rows.len() as u64 >= notebook::ROW_LIMIT {
        return Err(Failure::internal(format!("There are more than {} objects to list", notebook::ROW_LIMIT)).into());
    }
    Ok(rows)
}
