//! Running statements.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::adapter::{self, New};
use super::door::{Fault, NewOperation, Operation, Source};
use super::reply::{Refusal, success};
use super::request::Limits;
use super::wire::{Struct, Value};
use super::{Context, operations, parameters};
use crate::sql::Failure;
use crate::sql::conf::Config;
use crate::sql::store::{Statement, Status};
use crate::state::App;

#[cfg(feature = "engine")]
use super::arrow;

/// `EXECUTE_STATEMENT` of `TOperationType`.
const KIND: i32 = 0;
/// How long a call waits for a result that it could bring along.
pub(super) const DIRECT_WAIT: Duration = Duration::from_secs(5);

pub(super) async fn execute(context: &Context, request: &Struct) -> Result<Struct, Fault> {
    let app = &context.app;
    let session = context.door.session(app, &context.caller, request)?;
    let config = Config::read(&request.pairs(3, "confOverlay")?)?;
    if let Some(zone) = config.settings.get("timezone") {
        let text = format!("the time zone {zone} for one statement: set it for the session");
        return Err(Refusal::not_supported(&text).into());
    }
    let is_async = request.boolean(4, "runAsync")?.unwrap_or(false);
    let direct = Limits::direct(request)?;
    let reads_arrow = request.boolean(1282, "canReadArrowResult")?.unwrap_or(false);
    for (id, name) in [(1283, "canDownloadResult"), (1284, "canDecompressLZ4Result")] {
        request.boolean(id, name)?;
    }
    request.i64(1285, "maxBytesPerFile")?;
    let timeout = match request.i64(5, "queryTimeout")?.and_then(|s| u64::try_from(s).ok()).filter(|s| *s > 0) {
        Some(seconds) => Some(Duration::from_secs(seconds)),
        None => config.timeout.or(session.timeout),
    };

    let row_limit = request.i64(1287, "resultRowLimit")?.and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0);
    let (catalog, schema) = namespace(request)?;
    let (catalog, schema) = (config.catalog.or(catalog), config.schema.or(schema));
    let statement = request.string(2, "statement")?.unwrap_or_default();
    if statement.trim().is_empty() {
        return Err(
            Failure::class("PARSE_EMPTY_STATEMENT", "Syntax error, unexpected empty statement.", "42617").into()
        );
    }
    let (text, parameters) = parameters::bind(statement, request)?;
    let shown = (text != statement).then(|| statement.to_owned());
    let new = New { text, catalog, schema, parameters, row_limit, arrow: reads_arrow, shown };

    #[cfg(feature = "engine")]
    let native = {
        let mut native = arrow::Native::read(request)?;
        if let Some(as_text) = config.timestamps_as_text.or(session.timestamps_as_text) {
            native.timestamps = !as_text;
        }
        native
    };
    let statement = adapter::submit(app, &context.compute, &session.id, &context.caller, new)?;
    let operation = context.door.begin(
        app,
        &session,
        NewOperation {
            kind: KIND,
            source: Source::Statement(Arc::clone(&statement)),
            #[cfg(feature = "engine")]
            native,
        },
    );
    let operation = match operation {
        Ok(operation) => operation,
        Err(fault) => {
            statement.cancel(app.clock.now_ms());
            return Err(fault);
        }
    };
    if let Some(limit) = timeout {
        tokio::spawn(stop_after(Arc::clone(app), Arc::clone(&operation), statement, limit));
    }
    if !is_async {
        operation.ended(None).await;
        // A call that waits for the end states the failure itself.
        if let Some(refusal) = operations::failure(&operation) {
            context.door.end(app, &operation);
            return Err(refusal.into());
        }
    }
    respond(context, &operation, direct).await
}

/// The response of a call that made an operation, with its result if the client wants it along.
pub(super) async fn respond(
    context: &Context,
    operation: &Arc<Operation>,
    direct: Option<Limits>,
) -> Result<Struct, Fault> {
    let response = Struct::default().with(1, success()).with(2, operations::handle(operation));
    let Some(limits) = direct else { return Ok(response) };
    operation.ended(Some(DIRECT_WAIT)).await;
    let mut along = Struct::default().with(1, Value::Struct(operations::described(operation)));
    if operation.data().is_some() {
        let (metadata, rows, more) = operations::part(operation, None, limits, true).await?;
        along = along.with_some(2, metadata.map(Value::Struct)).with(3, Value::Struct(rows));
        if !more {
            // The client has all of it and does not ask for the operation again.
            context.door.end(&context.app, operation);
            along = along.with(4, Value::Struct(Struct::default().with(1, success())));
        }
    }
    Ok(response.with(1281, Value::Struct(along)))
}

async fn stop_after(app: Arc<App>, operation: Arc<Operation>, statement: Arc<Statement>, limit: Duration) {
    if tokio::time::timeout(limit, statement.ended()).await.is_err() {
        statement.cancel(app.clock.now_ms());
        // It may have ended in this moment.
        let stopped = matches!(statement.status(), Status::Canceled);
        operation.timed_out.store(stopped, Ordering::SeqCst);
    }
}

/// Catalog and schema of `statementConf`.
fn namespace(request: &Struct) -> Result<(Option<String>, Option<String>), Fault> {
    let Some(conf) = request.strukt(1296, "statementConf")? else { return Ok((None, None)) };
    if conf.boolean(1, "sessionless")?.unwrap_or(false) {
        return Err(Refusal::not_supported("sessionless statements").into());
    }
    let Some(namespace) = conf.strukt(2, "initialNamespace")? else { return Ok((None, None)) };
    let text = |id, name| namespace.string(id, name).map(|t| t.filter(|t| !t.is_empty()).map(str::to_lowercase));
    Ok((text(1, "catalogName")?, text(2, "schemaName")?))
}
