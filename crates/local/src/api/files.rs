//! The Files API: files and directories of volumes, and uploads in parts.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::ranges::{self, Version};
use super::signed::KEY_HEADER;
use crate::extract::{Fields, Query};
use crate::origin;
use crate::paging::{Limits, page};
use crate::reply::{ApiError, Json, Reply};
use crate::state::content::{Content, receive};
use crate::state::handles::FilesHandle;
use crate::state::lock;
use crate::state::tree::{Entry, Listed, clean, gone};
use crate::state::volumes::Links;

pub(super) fn routes(state: FilesHandle) -> Router {
    let files = get(download).put(upload).delete(delete).post(action);
    let directories = get(list).put(make_directory).delete(delete_directory).head(directory);
    Router::new()
        .route("/api/2.0/fs/files/{*path}", files)
        .route("/api/2.0/fs/directories/{*path}", directories)
        .route("/api/2.0/fs/create-upload-part-urls", post(part_links))
        .route("/api/2.0/fs/create-resumable-upload-url", post(resumable_link))
        .route("/api/2.0/fs/create-download-url", post(download_link))
        .with_state(state)
}

/// What holds files: volumes, versions of models, and runs and models of experiments, which mlflow keeps artifacts of.
/// Each has a name in so many parts.
const ROOTS: [(&[&str], usize); 3] =
    [(&["Volumes"], 3), (&["Models"], 4), (&["WorkspaceInternal", "Mlflow", "Artifacts"], 3)];

/// How many parts the root of a path has, if it is one.
fn root(path: &str) -> Option<usize> {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let found = ROOTS.iter().find(|(first, _)| segments.starts_with(first));
    found.map(|(first, named)| first.len() + named).filter(|parts| segments.len() >= *parts)
}

/// The path of something in a volume, or in what else holds files.
fn volume_path(path: &str) -> Result<String, ApiError> {
    let path = clean(&format!("/{path}"))?;
    if root(&path).is_none() {
        return Err(ApiError::invalid_parameter(format!(
            "Invalid path: {path}. The path must begin with /Volumes/<catalog>/<schema>/<volume>"
        )));
    }
    Ok(path)
}

/// As [`volume_path`], of a file.
fn file_path(path: &str) -> Result<String, ApiError> {
    let path = volume_path(path)?;
    if root(&path).is_some_and(|parts| path.split('/').count() == parts + 1) {
        return Err(ApiError::invalid_parameter(format!("{path} is a volume, not a file")));
    }
    Ok(path)
}

async fn upload(
    State(state): State<FilesHandle>,
    Path(path): Path<String>,
    query: Query,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let path = file_path(&path)?;
    let overwrite = query.opt_bool("overwrite")?.unwrap_or(true);
    lock(&state.volumes.tree).check(&path, overwrite)?;
    let segment = receive(&state.shelf, &state.ids, request.into_body())
        .await
        .map_err(|error| ApiError::malformed(format!("The body could not be read: {error}")))?;
    let entry = Entry { content: Content::of([Arc::new(segment)]), modified_ms: state.clock.now_ms() };
    lock(&state.volumes.tree).put(&path, entry, overwrite)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn download(
    State(state): State<FilesHandle>,
    Path(path): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let path = file_path(&path)?;
    let entry = lock(&state.volumes.tree).get(&path)?;
    serve(&entry, request.headers()).map_err(|refused| match refused {
        ranges::Refused::Changed => {
            ApiError::new(StatusCode::PRECONDITION_FAILED, "PRECONDITION_FAILED", "The file has been modified")
        }
        ranges::Refused::Range => ApiError::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "INVALID_PARAMETER_VALUE",
            "The requested range is not satisfiable",
        ),
    })
}

/// The bytes that the headers ask for.
pub(super) fn serve(entry: &Entry, headers: &HeaderMap) -> Result<Response, ranges::Refused> {
    let version = Version::Modified(entry.modified_ms);
    let selected = ranges::select(headers, entry.content.length(), &version)?;
    let body = entry.content.body(selected.start, selected.end);
    Ok(selected.respond(body, "application/octet-stream", &version))
}

async fn delete(State(state): State<FilesHandle>, Path(path): Path<String>) -> Result<StatusCode, ApiError> {
    lock(&state.volumes.tree).delete_file(&file_path(&path)?)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn make_directory(State(state): State<FilesHandle>, Path(path): Path<String>) -> Result<StatusCode, ApiError> {
    lock(&state.volumes.tree).make_directory(&volume_path(&path)?)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn directory(State(state): State<FilesHandle>, Path(path): Path<String>) -> Result<StatusCode, ApiError> {
    let path = volume_path(&path)?;
    if is_there(&state, &path) { Ok(StatusCode::OK) } else { Err(gone(&path)) }
}

/// A volume is there as soon as it is used: its root is an empty directory before.
fn is_there(state: &FilesHandle, path: &str) -> bool {
    root(path).is_some_and(|parts| path.split('/').count() == parts + 1) && lock(&state.volumes.tree).get(path).is_err()
        || lock(&state.volumes.tree).is_directory(path)
}

async fn delete_directory(State(state): State<FilesHandle>, Path(path): Path<String>) -> Result<StatusCode, ApiError> {
    let path = file_path(&path)?;
    let mut tree = lock(&state.volumes.tree);
    if tree.is_directory(&path) && !tree.is_empty(&path) {
        let message = format!("The directory is not empty: {path}");
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message));
    }
    tree.delete_directory(&path)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn list(State(state): State<FilesHandle>, Path(path): Path<String>, query: Query) -> Reply {
    let path = volume_path(&path)?;
    let found = if lock(&state.volumes.tree).is_directory(&path) {
        lock(&state.volumes.tree).list(&path)?
    } else if is_there(&state, &path) {
        Vec::new()
    } else {
        return Err(gone(&path));
    };
    // Larger sizes count as the largest.
    let size = query.opt_i64("page_size")?.map(|size| size.min(1000));
    let page = page(found, "files", size, query.get("page_token"), Limits { usual: 1000, max: 1000 })?;
    let mut body = json!({"contents": page.items.iter().map(listed).collect::<Vec<_>>()});
    if let Some(next) = page.next {
        body["next_page_token"] = json!(next);
    }
    Ok(Json(body))
}

fn listed(found: &Listed) -> Value {
    let name = found.path.rsplit('/').next().unwrap_or_default();
    let mut entry = json!({"path": found.path, "name": name, "is_directory": found.file.is_none()});
    if let Some(file) = &found.file {
        entry["file_size"] = json!(file.content.length());
        entry["last_modified"] = json!(file.modified_ms);
    }
    entry
}

/// The steps of an upload in parts.
async fn action(
    State(state): State<FilesHandle>,
    Path(path): Path<String>,
    query: Query,
    request: Request,
) -> Result<Response, ApiError> {
    let path = file_path(&path)?;
    let token = || query.str("session_token");
    match query.str("action")? {
        "initiate-upload" => {
            if state.offered == Links::Disabled {
                return Err(not_enabled());
            }
            let token = state.ids.uuid();
            let overwrite = query.opt_bool("overwrite")?.unwrap_or(true);
            state.volumes.begin(&token, &path, overwrite, state.clock.now_ms())?;
            let kind = match state.offered {
                Links::Resumable => "resumable_upload",
                _ => "multipart_upload",
            };
            Ok(Json(json!({kind: {"session_token": token}})).into_response())
        }
        "complete-upload" => {
            let token = token()?.to_owned();
            let body = axum::body::to_bytes(request.into_body(), crate::extract::BODY_LIMIT)
                .await
                .map_err(|error| ApiError::malformed(format!("The request body could not be read: {error}")))?;
            let parts = parts(&Fields::parse(&body)?)?;
            state.volumes.complete(&token, &path, &parts, state.clock.now_ms())?;
            Ok(Json::empty().into_response())
        }
        "abort-upload" => {
            state.volumes.abort(token()?, Some(&path))?;
            Ok(Json::empty().into_response())
        }
        other => Err(ApiError::invalid_parameter(format!("Unknown action {other:?}"))),
    }
}

fn parts(fields: &Fields) -> Result<Vec<(u64, String)>, ApiError> {
    let wrong = || ApiError::invalid_parameter("'parts' must be a list of part_number and etag");
    let part = |part: &Value| Some((part["part_number"].as_u64()?, part["etag"].as_str()?.to_owned()));
    fields.opt_list("parts")?.unwrap_or_default().iter().map(|it| part(it).ok_or_else(wrong)).collect()
}

fn not_enabled() -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, "PERMISSION_DENIED", "Presigned URLs API is not enabled")
}

/// When a link ends that is to work until a time: no later than the workspace lets links live.
fn link_end(state: &FilesHandle, asked: &str) -> Result<i64, ApiError> {
    let asked: jiff::Timestamp =
        asked.parse().map_err(|_| ApiError::invalid_parameter("'expire_time' must be a time in RFC 3339"))?;
    Ok(asked.as_millisecond().min(state.links.end(state.clock.now_ms())))
}

/// Escapes a segment of a path.
fn escape(segment: &str) -> String {
    const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(segment, SEGMENT).to_string()
}

/// A link to storage with the headers that it wants.
fn link(state: &FilesHandle, kind: &str, name: &str, number: u64, end: i64) -> Value {
    let signed = state.links.signer.link(&format!("{kind}{name}"), usize::try_from(number).unwrap_or(usize::MAX), end);
    let query = signed.split_once('?').map_or("", |(_, query)| query);
    let storage = origin::for_client(state.volumes.storage.get().map_or("", String::as_str));
    let escaped = name.split('/').map(escape).collect::<Vec<_>>().join("/");
    let headers: Vec<_> = state.links.key.iter().map(|key| json!({"name": KEY_HEADER, "value": key})).collect();
    json!({"url": format!("{storage}/storage/{kind}{escaped}?number={number}&{query}"), "headers": headers})
}

/// The session of an upload, which is of the path that the request names.
fn session<'a>(state: &FilesHandle, fields: &'a Fields) -> Result<&'a str, ApiError> {
    let token = fields.str("session_token")?;
    if state.volumes.path_of(token)? != clean(fields.str("path")?)? {
        return Err(ApiError::invalid_parameter("The session is of another path"));
    }
    Ok(token)
}

async fn part_links(State(state): State<FilesHandle>, fields: Fields) -> Reply {
    let token = session(&state, &fields)?;
    let positive = |name: &str| {
        let value = fields.opt_i64(name)?.and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0);
        value.ok_or_else(|| ApiError::invalid_parameter(format!("'{name}' must be a positive number")))
    };
    let (start, count) = (positive("start_part_number")?, positive("count")?);
    if count > 1000 {
        return Err(ApiError::invalid_parameter("'count' must be at most 1000"));
    }
    let end = link_end(&state, fields.str("expire_time")?)?;
    let urls = (start..start.saturating_add(count)).map(|number| {
        let mut link = link(&state, "parts", &format!("/{token}"), number, end);
        link["part_number"] = json!(number);
        link
    });
    Ok(Json(json!({"upload_part_urls": urls.collect::<Vec<_>>()})))
}

async fn resumable_link(State(state): State<FilesHandle>, fields: Fields) -> Reply {
    let token = session(&state, &fields)?;
    // Such links live for a week.
    let end = state.clock.now_ms().saturating_add(7 * 24 * 3600 * 1000);
    Ok(Json(json!({"resumable_upload_url": link(&state, "resumable", &format!("/{token}"), 0, end)})))
}

async fn download_link(State(state): State<FilesHandle>, query: Query) -> Reply {
    if state.offered == Links::Disabled {
        return Err(not_enabled());
    }
    let path = file_path(query.str("path")?.trim_start_matches('/'))?;
    lock(&state.volumes.tree).get(&path)?;
    let end = link_end(&state, query.str("expire_time")?)?;
    Ok(Json(link(&state, "files", &path, 0, end)))
}
