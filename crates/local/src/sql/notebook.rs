//! Statements as commands of an SQL context: a table of JSON values instead of a stored result.

use std::sync::Arc;

use serde_json::{Value, json};

use super::column::Column;
use super::request::StatementRequest;
use super::spill::StoredResult;
use super::store::{CancelOnDrop, Statement};
use super::{Failure, run};
use crate::state::App;

/// Rows that a command shows at most.
pub(crate) const ROW_LIMIT: u64 = 10_000;

/// Runs `code` and gives the command's `results`, at most `row_limit` rows.
pub(crate) async fn run(app: &Arc<App>, code: &str, row_limit: u64) -> Value {
    match table(app, code, row_limit).await {
        Ok(results) => results,
        Err(failure) => json!({
            "resultType": "error",
            "summary": failure.message,
            "cause": failure.message,
        }),
    }
}

/// Runs a statement of the workspace's own on the embedded engine and gives its rows, whose cells are strings or NULL.
pub(crate) async fn rows(app: &Arc<App>, code: &str) -> Result<Vec<Vec<Option<String>>>, Failure> {
    let stored = stored(app, code, ROW_LIMIT, true).await?;
    let mut all = Vec::new();
    for index in 0..stored.chunks.len() {
        let bytes = std::fs::read(stored.file(index)).map_err(|e| Failure::io(&e))?;
        let rows: Vec<Vec<Option<String>>> =
            serde_json::from_slice(&bytes).map_err(|e| Failure::io(&std::io::Error::other(e)))?;
        all.extend(rows);
    }
    Ok(all)
}

async fn stored(app: &Arc<App>, code: &str, row_limit: u64, embedded: bool) -> Result<StoredResult, Failure> {
    let mut request = StatementRequest::new("-", code)
        .map_err(|_| Failure::class("PARSE_SYNTAX_ERROR", "The command is empty.", "42601"))?;
    request.row_limit = Some(row_limit);
    request.embedded = embedded;
    // Dropping this future cancels the statement, which is never listed anywhere.
    let statement = CancelOnDrop(Arc::new(Statement::new(app.ids.uuid())));
    run::execute(app, &statement.0, request)
        .await
        .unwrap_or_else(|| Err(Failure::bad_request("The statement was canceled")))
}

async fn table(app: &Arc<App>, code: &str, row_limit: u64) -> Result<Value, Failure> {
    let stored = stored(app, code, row_limit, false).await?;
    let mut data = Vec::new();
    for index in 0..stored.chunks.len() {
        let bytes = std::fs::read(stored.file(index)).map_err(|e| Failure::io(&e))?;
        let rows: Vec<Vec<Option<String>>> =
            serde_json::from_slice(&bytes).map_err(|e| Failure::io(&std::io::Error::other(e)))?;
        data.extend(rows.into_iter().map(|row| {
            row.into_iter().zip(&stored.columns).map(|(cell, column)| value(cell, column)).collect::<Value>()
        }));
    }
    let schema: Vec<_> = stored
        .columns
        .iter()
        .map(|c| json!({"name": c.name, "type": json!(spark_name(c)).to_string(), "metadata": "{}"}))
        .collect();
    Ok(json!({
        "resultType": "table",
        "data": data,
        "schema": schema,
        "truncated": stored.truncated,
        "isJsonSchema": true,
    }))
}

/// Numbers and truth values as JSON has them, the rest as text.
fn value(cell: Option<String>, column: &Column) -> Value {
    let Some(text) = cell else { return Value::Null };
    match column.kind.name {
        "BYTE" | "SHORT" | "INT" | "LONG" | "FLOAT" | "DOUBLE" | "BOOLEAN" => {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        }
        _ => Value::String(text),
    }
}

/// The type's name in the JSON schemas of the platform's data frames.
fn spark_name(column: &Column) -> String {
    match column.kind.name {
        "INT" => "integer".to_owned(),
        "NULL" => "void".to_owned(),
        "DECIMAL" => column.kind.text.to_ascii_lowercase(),
        other => other.to_ascii_lowercase(),
    }
}
