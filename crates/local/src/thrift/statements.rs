//! Running statements.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::adapter::{self, New};
use super::config::Config;
use super::door::{Fault, NewOperation, Operation, Source};
use super::reply::{Refusal, success};
use super::request::Limits;
use super::wire::{Struct, Value};
use super::{Context, markers, operations};
use crate::sql::Failure;
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

    let mut members = Map::new();
    if let Some(limit) = request.i64(1287, "resultRowLimit")?.filter(|n| *n > 0) {
        members.insert("row_limit".to_owned(), json!(limit));
    }
    for (name, value) in namespace(request)?.into_iter().chain([("catalog", config.catalog), ("schema", config.schema)])
    {
        if let Some(value) = value {
            members.insert(name.to_owned(), json!(value));
        }
    }
    let statement = request.string(2, "statement")?.unwrap_or_default();
    if statement.trim().is_empty() {
        return Err(
            Failure::class("PARSE_EMPTY_STATEMENT", "Syntax error, unexpected empty statement.", "42617").into()
        );
    }
    let (text, parameters) = bind(statement, request)?;
    members.insert("parameters".to_owned(), Json::Array(parameters));
    let shown = (text != statement).then(|| statement.to_owned());
    let new = New { text, members, arrow: reads_arrow, shown };

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
fn namespace(request: &Struct) -> Result<Vec<(&'static str, Option<String>)>, Fault> {
    let Some(conf) = request.strukt(1296, "statementConf")? else { return Ok(Vec::new()) };
    if conf.boolean(1, "sessionless")?.unwrap_or(false) {
        return Err(Refusal::not_supported("sessionless statements").into());
    }
    let Some(namespace) = conf.strukt(2, "initialNamespace")? else { return Ok(Vec::new()) };
    let text = |id, name| namespace.string(id, name).map(|t| t.filter(|t| !t.is_empty()).map(str::to_lowercase));
    Ok(vec![("catalog", text(1, "catalogName")?), ("schema", text(2, "schemaName")?)])
}

/// The statement with named markers alone, and the values for them.
fn bind(statement: &str, request: &Struct) -> Result<(String, Vec<Json>), Fault> {
    let parameters = request.list(1288, "parameters")?.iter().map(|parameter| match parameter {
        Value::Struct(parameter) => Ok(parameter),
        _ => Err("the member parameters (1288) is not a list of structs".to_owned()),
    });
    let parameters: Vec<&Struct> = parameters.collect::<Result<_, _>>()?;
    let positions = positions(&parameters)?;
    let mut values = Vec::new();
    let mut named = 0;
    for (parameter, position) in parameters.into_iter().zip(positions) {
        let name = parameter.string(2, "name")?.filter(|n| !n.is_empty());
        named += usize::from(name.is_some());
        if !parameter.list(5, "arguments")?.is_empty() {
            return Err(Refusal::not_supported("parameters that are arrays or maps").into());
        }
        values.push(json!({
            "name": name.map_or_else(|| markers::name(position), str::to_owned),
            "type": parameter.string(3, "type")?.unwrap_or_default(),
            "value": value(parameter)?,
        }));
    }
    if named == values.len() {
        return Ok((statement.to_owned(), values));
    }
    if named > 0 {
        let text = "Unsupported query parameter mode: mixed positional and named parameters.";
        return Err(Failure::class("INVALID_QUERY_MIXED_QUERY_PARAMETERS", text, "42613").into());
    }
    let (text, count) = markers::named(statement);
    if count > values.len() {
        let given = values.len();
        let text = format!("Found the unbound parameter: the statement has {count} markers `?`, and {given} values.");
        return Err(Failure::class("UNBOUND_SQL_PARAMETER", &text, "42P02").into());
    }
    Ok((text, values))
}

/// The positions of parameters, counted from 1: those that are stated, or, where these are not all positions once, those
/// in the list. Some clients state them as a truth value, which comes as 1.
fn positions(parameters: &[&Struct]) -> Result<Vec<usize>, Fault> {
    let stated = parameters.iter().map(|p| p.i32(1, "ordinal")).collect::<Result<Vec<_>, _>>()?;
    let stated: Vec<usize> = stated.into_iter().map(|n| n.and_then(|n| usize::try_from(n).ok()).unwrap_or(0)).collect();
    let mut sorted = stated.clone();
    sorted.sort_unstable();
    let every: Vec<usize> = (1..=parameters.len()).collect();
    Ok(if sorted == every { stated } else { every })
}

/// The value of a parameter as text; `None` is NULL.
fn value(parameter: &Struct) -> Result<Option<String>, Fault> {
    let Some(value) = parameter.strukt(4, "value")? else { return Ok(None) };
    if let Some(text) = value.string(1, "stringValue")? {
        return Ok(Some(text.to_owned()));
    }
    if let Some(number) = value.double(2, "doubleValue")? {
        return Ok(Some(number.to_string()));
    }
    Ok(value.boolean(3, "booleanValue")?.map(|b| b.to_string()))
}

#[cfg(test)]
mod tests {
    use thrift::protocol::TType;

    use super::*;

    fn parameter(name: Option<&str>, kind: &str, value: Option<Struct>) -> Value {
        Value::Struct(
            Struct::default()
                .with_some(2, name.map(Value::text))
                .with_text(3, kind)
                .with_some(4, value.map(Value::Struct)),
        )
    }

    fn bound(statement: &str, parameters: Vec<Value>) -> Result<(String, Vec<Json>), Fault> {
        bind(statement, &Struct::default().with(1288, Value::List(TType::Struct, parameters)))
    }

    #[test]
    fn markers_get_their_values() {
        let text = |t: &str| Some(Struct::default().with_text(1, t));
        let (sql, values) = bound("SELECT :a", vec![parameter(Some("a"), "INT", text("5"))]).unwrap();
        assert_eq!(sql, "SELECT :a");
        assert_eq!(values, [json!({"name": "a", "type": "INT", "value": "5"})]);
        let three = vec![
            parameter(None, "DOUBLE", Some(Struct::default().with(2, Value::Double(1.5)))),
            parameter(None, "BOOLEAN", Some(Struct::default().with(3, Value::Bool(true)))),
            parameter(None, "VOID", None),
        ];
        let (sql, values) = bound("SELECT ?, ?, ?", three).unwrap();
        assert_eq!(sql, "SELECT :__positional_1, :__positional_2, :__positional_3");
        let texts: Vec<_> = values.iter().map(|v| v["value"].clone()).collect();
        assert_eq!(texts, [json!("1.5"), json!("true"), json!(null)]);
    }

    #[test]
    fn positions_are_stated_or_those_of_the_list() {
        let with = |ordinals: &[i32]| {
            let all: Vec<_> = ordinals.iter().map(|n| Struct::default().with(1, Value::I32(*n))).collect();
            positions(&all.iter().collect::<Vec<_>>()).unwrap()
        };
        assert_eq!(with(&[2, 1]), [2, 1]);
        assert_eq!(with(&[1, 1, 1]), [1, 2, 3]);
        assert_eq!(with(&[i32::MIN, 7]), [1, 2]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let one = |name| parameter(name, "INT", Some(Struct::default().with_text(1, "1")));
        let error = |result: Result<_, Fault>| format!("{:?}", result.unwrap_err());
        assert!(error(bound("?, ?", vec![one(None)])).contains("UNBOUND_SQL_PARAMETER"));
        assert!(error(bound("?, :a", vec![one(None), one(Some("a"))])).contains("MIXED"));
        let list = Struct::default().with(5, Value::List(TType::Struct, vec![one(None)]));
        assert!(error(bound("?", vec![Value::Struct(list)])).contains("arrays or maps"));
    }
}
