//! Statement execution, API 2.0.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::clock::Clock;
use crate::extract::Fields;
use crate::reply::{ApiError, Json, Reply, json_response};
use crate::sql::request::{Disposition, OnTimeout, StatementRequest};
use crate::sql::run;
use crate::sql::spill::StoredResult;
use crate::sql::store::{Statement, Status};
use crate::state::handles::StatementsHandle;

pub(super) fn routes(state: StatementsHandle) -> Router {
    Router::new()
        .route("/api/2.0/sql/statements", post(execute))
        .route("/api/2.0/sql/statements/{id}", get(status).delete(close))
        .route("/api/2.0/sql/statements/{id}/cancel", post(cancel))
        .route("/api/2.0/sql/statements/{id}/result/chunks/{index}", get(chunk))
        .with_state(state)
}

async fn execute(
    State(state): State<StatementsHandle>,
    Extension(caller): Extension<Caller>,
    mut fields: Fields,
) -> Result<Response, ApiError> {
    let session = fields.opt_str("session_id")?.filter(|id| !id.is_empty()).map(str::to_owned);
    let mut settings = BTreeMap::new();
    if let Some(id) = &session {
        let kept = state.sessions.get(id)?;
        let stated = [("warehouse_id", Some(kept.warehouse_id)), ("catalog", kept.catalog), ("schema", kept.schema)];
        settings = kept.settings;
        for (name, value) in stated {
            if let Some(value) = value {
                fields.0.entry(name.to_owned()).or_insert(json!(value));
            }
        }
    }
    let request = StatementRequest { settings, ..StatementRequest::parse(&fields)? };
    let (wait, on_timeout) = (request.wait, request.on_timeout);
    let statement = run::submit(&state.sql, request, &caller, session)?;
    if wait > Duration::ZERO
        && tokio::time::timeout(wait, statement.ended()).await.is_err()
        && on_timeout == OnTimeout::Cancel
    {
        statement.cancel(state.clock.now_ms());
    }
    describe(&state, &statement).await
}

async fn status(State(state): State<StatementsHandle>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let statement = state.statements.get(&id, state.clock.now_ms())?;
    describe(&state, &statement).await
}

async fn cancel(State(state): State<StatementsHandle>, Path(id): Path<String>) -> Reply {
    let now = state.clock.now_ms();
    state.statements.get(&id, now)?.cancel(now);
    Ok(Json::empty())
}

/// Ends the statement, if it runs, and lets go of its result.
async fn close(State(state): State<StatementsHandle>, Path(id): Path<String>) -> Reply {
    state.statements.close(&id, state.clock.now_ms())?;
    Ok(Json::empty())
}

async fn chunk(
    State(state): State<StatementsHandle>,
    Path((id, index)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let statement = state.statements.get(&id, state.clock.now_ms())?;
    let result = match statement.status() {
        Status::Succeeded(result) => result,
        other => {
            return Err(ApiError::invalid_state(format!(
                "The result of statement {id} cannot be read: its state is {}.",
                other.name()
            )));
        }
    };
    let index = index.parse::<usize>().ok().filter(|i| *i < result.chunks.len()).ok_or_else(|| {
        ApiError::not_found(format!(
            "The result of statement {id} has no chunk {index}; it has {}.",
            result.chunks.len()
        ))
    })?;
    let body = result_data(&state, &statement.id, &result, index).await?;
    Ok(json_response(StatusCode::OK, body))
}

/// Status, and when it succeeded manifest and first chunk.
async fn describe(state: &StatementsHandle, statement: &Statement) -> Result<Response, ApiError> {
    let status = statement.status();
    let mut out = json!({"statement_id": statement.id, "status": status.to_json()});
    let Status::Succeeded(result) = status else {
        return Ok(json_response(StatusCode::OK, out.to_string()));
    };
    out["manifest"] = result.manifest();
    let data =
        if result.chunks.is_empty() { b"{}".to_vec() } else { result_data(state, &statement.id, &result, 0).await? };
    Ok(json_response(StatusCode::OK, with_member(&out, "result", &data)))
}

/// One chunk: its rows, or a fresh link to them.
async fn result_data(
    state: &StatementsHandle,
    id: &str,
    result: &StoredResult,
    index: usize,
) -> Result<Vec<u8>, ApiError> {
    let info = result.chunks[index];
    let mut out = json!({
        "chunk_index": index,
        "row_offset": info.row_offset,
        "row_count": info.row_count,
        "byte_count": info.byte_count,
    });
    if let Some(next) = result.chunks.get(index + 1) {
        out["next_chunk_index"] = json!(index + 1);
        out["next_chunk_internal_link"] =
            json!(format!("/api/2.0/sql/statements/{id}/result/chunks/{}?row_offset={}", index + 1, next.row_offset));
    }
    match result.disposition {
        Disposition::Inline => {
            let file = result.file(index);
            let rows = tokio::task::spawn_blocking(move || std::fs::read(file))
                .await
                .map_err(std::io::Error::other)
                .flatten()
                .map_err(|e| ApiError::internal(format!("The result cannot be read: {e}")))?;
            Ok(with_member(&out, "data_array", &rows))
        }
        Disposition::ExternalLinks => {
            let expires = state.links.end(state.clock.now_ms());
            let link = state.links.signer.link(id, index, expires);
            out["external_link"] = json!(format!("{}{link}", state.place.base_url()));
            out["expiration"] = json!(Clock::rfc3339(expires));
            if let Some(key) = &state.links.key {
                out["http_headers"] = json!({super::signed::KEY_HEADER: key});
            }
            Ok(json!({"external_links": [out]}).to_string().into_bytes())
        }
    }
}

/// The JSON object `object` with one more member, whose value is the JSON text `value`: result rows are not parsed
/// again.
fn with_member(object: &Value, name: &str, value: &[u8]) -> Vec<u8> {
    let mut out = object.to_string().into_bytes();
    out.pop();
    out.extend_from_slice(format!(",\"{name}\":").as_bytes());
    out.extend_from_slice(value);
    out.push(b'}');
    out
}
