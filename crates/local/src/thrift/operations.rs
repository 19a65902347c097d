//! What becomes of operations: their state, their results, their end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use thrift::protocol::TType;

use super::Context;
use super::door::{Fault, Operation, Source};
use super::reply::{self, Refusal, RowSet, success};
use super::request::Limits;
use super::result::{Cursor, Data, Part, Set};
use super::wire::{Struct, Value};
use crate::sql::store::Status;
use crate::sql::{Failure, request::Format};
use crate::state::lock;

#[cfg(feature = "engine")]
use super::arrow;

/// How long a question for the state waits for the end, so that clients that ask again at once need not ask often.
const STATUS_WAIT: Duration = Duration::from_secs(1);

/// `TOperationState`.
fn state(operation: &Operation) -> i32 {
    match &operation.source {
        Source::Table(_) => 2,
        Source::Statement(statement) => match statement.status() {
            Status::Pending => 7,
            Status::Running => 1,
            Status::Succeeded(_) => 2,
            Status::Canceled if operation.timed_out.load(Ordering::SeqCst) => 8,
            Status::Canceled => 3,
            Status::Closed => 4,
            Status::Failed(_) => 5,
        },
    }
}

/// Why there is no result and will be none.
pub(super) fn failure(operation: &Operation) -> Option<Failure> {
    let Source::Statement(statement) = &operation.source else { return None };
    match statement.status() {
        Status::Failed(failure) => Some(failure),
        Status::Canceled if operation.timed_out.load(Ordering::SeqCst) => {
            Some(Failure::class("OPERATION_TIMED_OUT", "The statement was stopped since its time was over.", "HYT00"))
        }
        Status::Canceled => Some(Failure::class("OPERATION_CANCELED", "The statement was canceled.", "HY008")),
        Status::Closed => {
            Some(Failure::class("OPERATION_CLOSED", "The statement was closed, or its result has expired.", "HY010"))
        }
        Status::Pending | Status::Running | Status::Succeeded(_) => None,
    }
}

/// `TOperationHandle`.
pub(super) fn handle(operation: &Operation) -> Value {
    let handle = Struct::default()
        .with(1, operation.handle.to_value())
        .with(2, Value::I32(operation.kind))
        .with(3, Value::Bool(true));
    Value::Struct(handle)
}

/// `TGetOperationStatusResp` of this moment.
pub(super) fn described(operation: &Operation) -> Struct {
    let mut response = Struct::default()
        .with(1, success())
        .with(2, Value::I32(state(operation)))
        .with(7, Value::I64(operation.started_ms))
        .with(9, Value::Bool(true))
        .with_some(11, operation.data().and_then(|data| data.modified()).map(Value::I64));
    if let Some(failure) = failure(operation) {
        response = response
            .with_some(3, failure.sql_state.map(Value::text))
            .with(4, Value::I32(0))
            .with_text(5, failure.message.as_str())
            .with_text(1281, failure.message.as_str())
            .with_text(1282, format!("{}: {}", failure.code, failure.message));
    }
    response
}

pub(super) async fn status(context: &Context, request: &Struct) -> Result<Struct, Fault> {
    request.boolean(2, "getProgressUpdate")?;
    let operation = context.door.operation(&context.caller, request)?;
    operation.ended(Some(STATUS_WAIT)).await;
    Ok(described(&operation))
}

/// The result, for which this waits.
async fn result(operation: &Operation) -> Result<Data, Fault> {
    operation.ended(None).await;
    match operation.data() {
        Some(data) => Ok(data),
        None => Err(failure(operation).unwrap_or_else(|| Failure::internal("The statement has no result")).into()),
    }
}

/// How the rows of a result are sent.
struct Shape {
    set: RowSet,
    #[cfg(feature = "engine")]
    schema: datafusion::arrow::datatypes::SchemaRef,
}

impl Shape {
    fn new(#[cfg_attr(not(feature = "engine"), expect(unused_variables))] operation: &Operation, data: &Data) -> Self {
        let is_arrow = matches!(data, Data::Stored(stored) if stored.format == Format::ArrowStream);
        Self {
            set: if is_arrow { RowSet::Arrow } else { RowSet::Columns },
            #[cfg(feature = "engine")]
            schema: {
                let computed = match data {
                    Data::Stored(stored) => stored.schema.as_ref(),
                    Data::Table(_) => None,
                };
                arrow::sent(computed, data.columns(), operation.native)
            },
        }
    }

    /// `TGetResultSetMetadataResp`.
    fn metadata(&self, data: &Data) -> Result<Struct, Fault> {
        let response = Struct::default()
            .with(1, success())
            .with(2, reply::schema(data.columns()))
            .with(1281, Value::I32(self.set as i32))
            .with(1282, Value::Bool(false))
            .with(1287, Value::Bool(false));
        #[cfg(feature = "engine")]
        if self.set == RowSet::Arrow {
            return Ok(response.with(1283, Value::Bytes(arrow::schema_message(&self.schema)?)));
        }
        Ok(response)
    }

    /// `TRowSet`.
    fn rows(&self, data: &Data, part: Part) -> Result<Struct, Failure> {
        let start = Value::I64(i64::try_from(part.start).unwrap_or(i64::MAX));
        let rows = Struct::default().with(1, start).with(2, Value::List(TType::Struct, Vec::new()));
        Ok(match part.set {
            Set::Rows(cells) => rows.with(3, reply::columns(data.columns(), &cells)?),
            #[cfg(feature = "engine")]
            Set::Batches(batches) => {
                let messages = batches.iter().map(|batch| {
                    let message = arrow::batch_message(batch, &self.schema)?;
                    let count = i64::try_from(batch.num_rows()).unwrap_or(i64::MAX);
                    let batch = Struct::default().with(1, Value::Bytes(message)).with(2, Value::I64(count));
                    Ok(Value::Struct(batch))
                });
                rows.with(1281, Value::List(TType::Struct, messages.collect::<Result<_, Failure>>()?))
            }
        })
    }
}

pub(super) async fn metadata(context: &Context, request: &Struct) -> Result<Struct, Fault> {
    let operation = context.door.operation(&context.caller, request)?;
    let data = result(&operation).await?;
    Shape::new(&operation, &data).metadata(&data)
}

/// Where a response begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct StartRow(u64);

/// The next rows of a result as `TFetchResultsResp`, its metadata if it is wanted, and whether rows follow.
pub(super) async fn part(
    operation: &Arc<Operation>,
    from: Option<StartRow>,
    limits: Limits,
    with_metadata: bool,
) -> Result<(Option<Struct>, Struct, bool), Fault> {
    let data = result(operation).await?;
    let operation = Arc::clone(operation);
    // Files are read and rows encoded on a thread that may block.
    let task = tokio::task::spawn_blocking(move || {
        let shape = Shape::new(&operation, &data);
        let metadata = if with_metadata { Some(shape.metadata(&data)?) } else { None };
        let mut open = lock(&operation.cursor);
        let cursor = open.get_or_insert_with(|| Cursor::new(data.clone()));
        if let Some(StartRow(row)) = from {
            cursor.seek(row)?;
        }
        let part = cursor.take(limits)?;
        drop(open);
        let more = part.more;
        let rows = shape.rows(&data, part)?;
        let response = Struct::default().with(1, success()).with(2, Value::Bool(more)).with(3, Value::Struct(rows));
        Ok((metadata, response, more))
    });
    task.await.unwrap_or_else(|e| Err(Failure::internal(format!("Reading the result ended: {e}")).into()))
}

pub(super) async fn fetch(context: &Context, request: &Struct) -> Result<Struct, Fault> {
    let operation = context.door.operation(&context.caller, request)?;
    if request.i16(4, "fetchType")?.unwrap_or(0) != 0 {
        return Err(Refusal::not_supported("logs of operations").into());
    }
    let from = match request.i32(2, "orientation")?.unwrap_or(0) {
        0 => match request.i64(1282, "startRowOffset")? {
            None => None,
            Some(row) => {
                let negative = |_| Refusal::invalid(format!("startRowOffset must not be negative, got {row}"));
                Some(StartRow(u64::try_from(row).map_err(negative)?))
            }
        },
        4 => Some(StartRow(0)),
        other => {
            return Err(Refusal::not_supported(&format!(
                "the orientation {other} of fetches; there are next and first"
            ))
            .into());
        }
    };
    let limits = Limits::new(request.i64(3, "maxRows")?, request.i64(1281, "maxBytes")?);
    let with_metadata = request.boolean(1283, "includeResultSetMetadata")?.unwrap_or(false);
    let (metadata, response, _) = part(&operation, from, limits, with_metadata).await?;
    Ok(response.with_some(1281, metadata.map(Value::Struct)))
}

pub(super) fn cancel(context: &Context, request: &Struct) -> Result<Struct, Fault> {
    let operation = context.door.operation(&context.caller, request)?;
    if let Source::Statement(statement) = &operation.source {
        statement.cancel(context.app.clock.now_ms());
    }
    Ok(Struct::default().with(1, success()))
}

pub(super) fn close(context: &Context, request: &Struct) -> Result<Struct, Fault> {
    let operation = context.door.operation(&context.caller, request)?;
    context.door.end(&context.app, &operation);
    Ok(Struct::default().with(1, success()))
}
