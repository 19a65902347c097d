//! DESCRIBE HISTORY, DESCRIBE DETAIL and older states of tables.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use serde_json::{Map, Value};

use super::super::scope::{Listing, Reply, Scope};
use super::super::spark::types;
use super::super::spark::value::V;
use super::super::store::operation::Operation;
use super::super::store::table::{Table, TableState};
use super::at::At;
use super::{Keeper, at, text};
use crate::sql::Failure;

/// The state of a table at a version.
pub(in super::super) fn state_at(table: &Table, at: At) -> Result<Arc<TableState>, Failure> {
    let found = table.backing().look(|keeper| {
        let version = keeper.version(at)?;
        if version == keeper.now().version { Ok(table.state()) } else { keeper.state_of(version).map(Arc::new) }
    });
    match (found, at) {
        (Some(found), _) => found,
        // A sample that was never changed has one version.
        (None, At::Version(0)) => Ok(table.state()),
        (None, At::Version(version)) => Err(at::no_version(version, 0, 0)),
        (None, At::Time(time)) => Err(at::too_late(time.div_euclid(1000), table.state().about.created_ms)),
    }
}

/// Number and bytes of the files of the present version.
pub(in super::super) fn size(keeper: &Keeper) -> (usize, usize) {
    let (files, bytes) = keeper.size();
    (files, usize::try_from(bytes).unwrap_or(0))
}

/// Number and bytes of the files of a version.
pub(in super::super) async fn size_at(
    scope: &Scope<'_>,
    table: &Table,
    at: Option<At>,
) -> Result<Option<(usize, usize)>, Failure> {
    with_log(scope, table).await?;
    let found = table.backing().look(|keeper| match at {
        None => Ok(size(keeper)),
        Some(at) => keeper.size_at(at),
    });
    found.transpose()
}

/// Makes sure that a table has a log.
pub(super) async fn with_log(scope: &Scope<'_>, table: &Table) -> Result<(), Failure> {
    if table.directory().is_some() {
        return Ok(());
    }
    let _writing = table.writer.lock().await;
    table.backing().adopt(&table.state(), &scope.change(Operation::default()))
}

fn member(info: &Map<String, Value>, name: &str) -> V {
    match info.get(name) {
        Some(Value::String(s)) => text(s),
        Some(Value::Null) | None => V::Null,
        Some(other) => text(other.to_string()),
    }
}

fn pairs(info: &Map<String, Value>, name: &str) -> V {
    let members = info.get(name).and_then(Value::as_object).into_iter().flatten();
    V::Map(
        members
            .map(|(name, value)| (text(name), text(value.as_str().map_or_else(|| value.to_string(), str::to_owned))))
            .collect(),
    )
}

/// DESCRIBE HISTORY, in the columns of the platform.
pub(in super::super) async fn history(scope: &Scope<'_>, table: &Table, most: usize) -> Result<Reply, Failure> {
    with_log(scope, table).await?;
    let commits = table.backing().look(|keeper| keeper.commits(most)).transpose()?.unwrap_or_default();
    let strings = |names: &[&str]| types::structure(names.iter().map(|n| (*n, DataType::Utf8)));
    let texts = types::map(DataType::Utf8, DataType::Utf8);
    let columns = [
        ("version", DataType::Int64),
        ("timestamp", types::timestamp()),
        ("userId", DataType::Utf8),
        ("userName", DataType::Utf8),
        ("operation", DataType::Utf8),
        ("operationParameters", texts.clone()),
        ("job", strings(&["jobId", "jobName", "jobRunId", "runId", "jobOwnerId", "triggerType"])),
        ("notebook", strings(&["notebookId"])),
        ("clusterId", DataType::Utf8),
        ("readVersion", DataType::Int64),
        ("isolationLevel", DataType::Utf8),
        ("isBlindAppend", DataType::Boolean),
        ("operationMetrics", texts),
        ("userMetadata", DataType::Utf8),
        ("engineInfo", DataType::Utf8),
    ];
    let rows = commits.into_iter().map(|(version, info)| {
        let number = |name: &str| info.get(name).and_then(Value::as_i64).map_or(V::Null, V::Int);
        let time = info.get("timestamp").and_then(Value::as_i64);
        vec![
            V::Int(i64::try_from(version).unwrap_or(i64::MAX)),
            time.map_or(V::Null, |ms| V::Ts(ms.saturating_mul(1000))),
            V::Null,
            member(&info, "userName"),
            member(&info, "operation"),
            pairs(&info, "operationParameters"),
            V::Null,
            V::Null,
            V::Null,
            number("readVersion"),
            member(&info, "isolationLevel"),
            info.get("isBlindAppend").and_then(Value::as_bool).map_or(V::Null, V::Bool),
            pairs(&info, "operationMetrics"),
            V::Null,
            member(&info, "engineInfo"),
        ]
    });
    let columns = columns.into_iter().map(|(name, kind)| (name.to_owned(), kind)).collect();
    Ok(Reply::Rows(Listing { columns, rows: rows.collect() }))
}

/// What the files of a table tell DESCRIBE DETAIL.
#[derive(Debug)]
pub(in super::super) struct Detail {
    pub(in super::super) id: String,
    pub(in super::super) location: String,
    pub(in super::super) modified_ms: i64,
    pub(in super::super) files: usize,
    pub(in super::super) bytes: i64,
    pub(in super::super) reader: i32,
    pub(in super::super) writer: i32,
    pub(in super::super) features: Vec<String>,
}

pub(in super::super) async fn detail(scope: &Scope<'_>, table: &Table) -> Result<Option<Detail>, Failure> {
    with_log(scope, table).await?;
    Ok(table.backing().look(|keeper| {
        let now = keeper.now();
        let (files, bytes) = keeper.size();
        // A table without a list of features has those of its versions.
        let listed = now.protocol.writer_features.clone();
        Detail {
            id: now.metadata.id.clone(),
            location: format!("file:{}", keeper.directory().display()),
            modified_ms: now.timestamp,
            files,
            bytes,
            reader: now.protocol.min_reader_version,
            writer: now.protocol.min_writer_version,
            features: listed.unwrap_or_else(|| vec!["appendOnly".to_owned(), "invariants".to_owned()]),
        }
    }))
}
