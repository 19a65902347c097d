//! DBFS, API 2.0: files in blocks of at most 1 MiB.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Value, json};

use crate::extract::{Fields, Query};
use crate::reply::{ApiError, Json, Reply};
use crate::state::content::{Content, Segment, receive};
use crate::state::handles::DbfsHandle;
use crate::state::lock;
use crate::state::tree::{Entry, clean};

const BLOCK: usize = 1024 * 1024;

pub(super) fn routes(state: DbfsHandle) -> Router {
    Router::new()
        .route("/api/2.0/dbfs/create", post(create))
        .route("/api/2.0/dbfs/add-block", post(add_block))
        .route("/api/2.0/dbfs/close", post(close))
        .route("/api/2.0/dbfs/put", post(put))
        .route("/api/2.0/dbfs/read", get(read))
        .route("/api/2.0/dbfs/get-status", get(status))
        .route("/api/2.0/dbfs/list", get(list))
        .route("/api/2.0/dbfs/mkdirs", post(mkdirs))
        .route("/api/2.0/dbfs/move", post(rename))
        .route("/api/2.0/dbfs/delete", post(delete))
        .with_state(state)
}

/// An absolute path; `dbfs:` before it may be left out.
fn path(text: &str) -> Result<String, ApiError> {
    clean(text.strip_prefix("dbfs:").unwrap_or(text))
}

/// DBFS has codes of its own for what the Files API has other words for.
fn in_dbfs_words(error: ApiError) -> ApiError {
    match error.status() {
        StatusCode::NOT_FOUND => {
            ApiError::not_found(format!("No file or directory exists on path. {}", error.message()))
        }
        StatusCode::CONFLICT => {
            ApiError::new(StatusCode::BAD_REQUEST, "RESOURCE_ALREADY_EXISTS", error.message().to_owned())
        }
        _ => error,
    }
}

/// The bytes of a block, on disk.
async fn block(state: &DbfsHandle, data: &str) -> Result<Segment, ApiError> {
    let bytes = STANDARD.decode(data).map_err(|_| ApiError::invalid_parameter("The data is not base64"))?;
    if bytes.len() > BLOCK {
        let message = format!("The block has {} bytes; at most {BLOCK} are taken", bytes.len());
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "MAX_BLOCK_SIZE_EXCEEDED", message));
    }
    receive(&state.shelf, &state.ids, Body::from(bytes))
        .await
        .map_err(|error| ApiError::internal(format!("The block could not be kept: {error}")))
}

fn handle(fields: &Fields) -> Result<i64, ApiError> {
    fields.opt_i64("handle")?.ok_or_else(|| crate::extract::missing("handle"))
}

async fn create(State(state): State<DbfsHandle>, fields: Fields) -> Reply {
    let overwrite = fields.opt_bool("overwrite")?.unwrap_or_default();
    let created = lock(&state.dbfs).create(&path(fields.str("path")?)?, overwrite, state.clock.now_ms());
    Ok(Json(json!({"handle": created.map_err(in_dbfs_words)?})))
}

async fn add_block(State(state): State<DbfsHandle>, fields: Fields) -> Reply {
    let handle = handle(&fields)?;
    let segment = block(&state, fields.str("data")?).await?;
    lock(&state.dbfs).add_block(handle, segment, state.clock.now_ms())?;
    Ok(Json::empty())
}

async fn close(State(state): State<DbfsHandle>, fields: Fields) -> Reply {
    lock(&state.dbfs).close(handle(&fields)?, state.clock.now_ms()).map_err(in_dbfs_words)?;
    Ok(Json::empty())
}

async fn put(State(state): State<DbfsHandle>, fields: Fields) -> Reply {
    let path = path(fields.str("path")?)?;
    let segment = block(&state, fields.opt_str("contents")?.unwrap_or_default()).await?;
    let entry = Entry { content: Content::of([Arc::new(segment)]), modified_ms: state.clock.now_ms() };
    let overwrite = fields.opt_bool("overwrite")?.unwrap_or_default();
    lock(&state.dbfs).tree.put(&path, entry, overwrite).map_err(in_dbfs_words)?;
    Ok(Json::empty())
}

async fn read(State(state): State<DbfsHandle>, query: Query) -> Reply {
    let path = path(query.str("path")?)?;
    let entry = {
        let dbfs = lock(&state.dbfs);
        if dbfs.tree.is_directory(&path) {
            return Err(ApiError::invalid_parameter(format!("{path} is a directory")));
        }
        dbfs.tree.get(&path).map_err(in_dbfs_words)?
    };
    let number = |name: &str, usual: u64| match query.opt_i64(name)? {
        None => Ok(usual),
        Some(n) => u64::try_from(n).map_err(|_| ApiError::invalid_parameter(format!("'{name}' must not be negative"))),
    };
    let (offset, length) = (number("offset", 0)?, number("length", 512 * 1024)?);
    if length > BLOCK as u64 {
        let message = format!("At most {BLOCK} bytes are read at once");
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "MAX_READ_SIZE_EXCEEDED", message));
    }
    let end = offset.saturating_add(length).min(entry.content.length());
    let bytes = entry
        .content
        .read(offset.min(end), end)
        .map_err(|error| ApiError::internal(format!("The file could not be read: {error}")))?;
    Ok(Json(json!({"bytes_read": bytes.len(), "data": STANDARD.encode(bytes)})))
}

fn info(path: &str, file: Option<&Entry>) -> Value {
    match file {
        Some(file) => json!({
            "path": path,
            "is_dir": false,
            "file_size": file.content.length(),
            "modification_time": file.modified_ms,
        }),
        None => json!({"path": path, "is_dir": true, "file_size": 0, "modification_time": 0}),
    }
}

async fn status(State(state): State<DbfsHandle>, query: Query) -> Reply {
    let path = path(query.str("path")?)?;
    let dbfs = lock(&state.dbfs);
    if dbfs.tree.is_directory(&path) {
        return Ok(Json(info(&path, None)));
    }
    let file = dbfs.tree.get(&path).map_err(in_dbfs_words)?;
    Ok(Json(info(&path, Some(&file))))
}

async fn list(State(state): State<DbfsHandle>, query: Query) -> Reply {
    let path = path(query.str("path")?)?;
    let dbfs = lock(&state.dbfs);
    let files: Vec<_> = match dbfs.tree.get(&path) {
        Ok(file) => vec![info(&path, Some(&file))],
        Err(_) => {
            let found = dbfs.tree.list(&path).map_err(in_dbfs_words)?;
            found.iter().map(|found| info(&found.path, found.file.as_ref())).collect()
        }
    };
    Ok(Json(if files.is_empty() { json!({}) } else { json!({"files": files}) }))
}

async fn mkdirs(State(state): State<DbfsHandle>, fields: Fields) -> Reply {
    lock(&state.dbfs).tree.make_directory(&path(fields.str("path")?)?).map_err(in_dbfs_words)?;
    Ok(Json::empty())
}

async fn rename(State(state): State<DbfsHandle>, fields: Fields) -> Reply {
    let (from, to) = (path(fields.str("source_path")?)?, path(fields.str("destination_path")?)?);
    let mut dbfs = lock(&state.dbfs);
    // Into an existing directory it keeps its name.
    let to = match from.rsplit('/').next().filter(|_| dbfs.tree.is_directory(&to)) {
        Some(name) => format!("{}/{name}", to.trim_end_matches('/')),
        None => to,
    };
    dbfs.tree.rename(&from, &to).map_err(in_dbfs_words)?;
    Ok(Json::empty())
}

async fn delete(State(state): State<DbfsHandle>, fields: Fields) -> Reply {
    let path = path(fields.str("path")?)?;
    let mut dbfs = lock(&state.dbfs);
    if !dbfs.tree.is_directory(&path) {
        dbfs.tree.delete_file(&path).map_err(in_dbfs_words)?;
        return Ok(Json::empty());
    }
    if !fields.opt_bool("recursive")?.unwrap_or_default() && !dbfs.tree.is_empty(&path) {
        let message = format!("The directory is not empty: {path}");
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "IO_ERROR", message));
    }
    if path == "/" {
        return Err(ApiError::invalid_parameter("The root cannot be deleted"));
    }
    dbfs.tree.delete_directory(&path).map_err(in_dbfs_words)?;
    Ok(Json::empty())
}
