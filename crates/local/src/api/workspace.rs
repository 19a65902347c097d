//! Notebooks and files, API 2.0: imports and exports as base64 in JSON, or as they are.

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequest as _, Multipart, Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::extract::{BODY_LIMIT, Fields, Query};
use crate::reply::{ApiError, Json, Reply};
use crate::state::handles::ObjectsHandle;
use crate::state::lock;
use crate::state::notebooks;
use crate::state::objects::{Import, LANGUAGES};

pub(super) fn routes(state: ObjectsHandle) -> Router {
    Router::new()
        .route("/api/2.0/workspace/import", post(import))
        .route("/api/2.0/workspace/export", get(export))
        .route("/api/2.0/workspace/get-status", get(status))
        .route("/api/2.0/workspace/list", get(list))
        .route("/api/2.0/workspace/mkdirs", post(mkdirs))
        .route("/api/2.0/workspace/delete", post(delete))
        .route("/api/2.0/workspace-files/import-file/{*path}", post(import_file))
        .route("/api/2.0/workspace-files/{*path}", get(read_file))
        .with_state(state)
}

async fn import(State(state): State<ObjectsHandle>, request: Request) -> Reply {
    let form = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let (fields, content) = if form.is_some_and(|value| value.starts_with("multipart/form-data")) {
        read_form(request).await?
    } else {
        let fields = Fields::from_request(request, &()).await?;
        let content = STANDARD
            .decode(fields.opt_str("content")?.unwrap_or_default())
            .map_err(|_| ApiError::invalid_parameter("The content is not base64"))?;
        (fields, content)
    };
    let import = Import {
        path: fields.str("path")?,
        content,
        format: fields.opt_enum("format", &["SOURCE", "AUTO", "RAW", "JUPYTER"])?.unwrap_or("SOURCE"),
        language: fields.opt_enum("language", &LANGUAGES)?,
        overwrite: fields.opt_bool("overwrite")?.unwrap_or_default(),
    };
    lock(&state.objects).import(import, state.clock.now_ms())?;
    Ok(Json::empty())
}

/// The body as a file, or as the notebook that it is. The CLI uploads with this; it makes the directory if it is told
/// that there is none.
async fn import_file(
    State(state): State<ObjectsHandle>,
    Path(path): Path<String>,
    query: Query,
    request: Request,
) -> Reply {
    let path = format!("/{}", path.trim_start_matches('/'));
    let content = axum::body::to_bytes(request.into_body(), BODY_LIMIT)
        .await
        .map_err(|error| ApiError::malformed(format!("The request body could not be read: {error}")))?;
    let overwrite = query.opt_bool("overwrite")?.unwrap_or_default();
    let mut objects = lock(&state.objects);
    if !objects.has_parent(&path)? {
        let parent = path.rsplit_once('/').map_or("/", |(parent, _)| parent);
        return Err(ApiError::not_found(format!("The parent folder ({parent}) does not exist.")));
    }
    if !overwrite && objects.get(&path).is_ok() {
        let message = format!("Node at path {path} already exists.");
        return Err(ApiError::new(StatusCode::CONFLICT, "ALREADY_EXISTS", message));
    }
    let import = Import { path: &path, content: content.to_vec(), format: "AUTO", language: None, overwrite };
    objects.import(import, state.clock.now_ms())?;
    Ok(Json::empty())
}

async fn read_file(State(state): State<ObjectsHandle>, Path(path): Path<String>) -> Result<Response, ApiError> {
    let content = lock(&state.objects).get(&format!("/{}", path.trim_start_matches('/')))?.content.clone();
    Ok(as_file(content))
}

fn as_file(content: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(content));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    response
}

/// The fields of a form, and the content of its file.
async fn read_form(request: Request) -> Result<(Fields, Vec<u8>), ApiError> {
    let broken = |error: String| ApiError::malformed(format!("The form could not be read: {error}"));
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| broken(error.to_string()))?;
    let (mut fields, mut content) = (Map::new(), None);
    while let Some(field) = form.next_field().await.map_err(|error| broken(error.to_string()))? {
        let name = field.name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.map_err(|error| broken(error.to_string()))?;
        if name == "content" {
            content = Some(bytes.to_vec());
            continue;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        // A form has no types but text.
        let value = if name == "overwrite" { Value::Bool(text == "true") } else { Value::String(text) };
        fields.insert(name, value);
    }
    Ok((Fields(fields), content.ok_or_else(|| crate::extract::missing("content"))?))
}

async fn export(State(state): State<ObjectsHandle>, query: Query) -> Result<Response, ApiError> {
    let (path, format) = (query.str("path")?, query.get("format").unwrap_or("SOURCE"));
    let objects = lock(&state.objects);
    if objects.status(path)?["object_type"] == "DIRECTORY" {
        return Err(ApiError::new(
            StatusCode::NOT_IMPLEMENTED,
            "NOT_IMPLEMENTED",
            format!(
                "The embedded workspace exports notebooks and files; ({path}) is a directory, an archive in the format DBC"
            ),
        ));
    }
    let object = objects.get(path)?;
    let content = match (format, object.language) {
        ("JUPYTER", Some(language)) => notebooks::to_jupyter(language, &object.content).to_string().into_bytes(),
        ("SOURCE" | "AUTO" | "RAW", _) | ("JUPYTER", None) => object.content.clone(),
        (other, _) => {
            return Err(ApiError::invalid_parameter(format!(
                "The embedded workspace exports the formats SOURCE, JUPYTER and AUTO, not {other}"
            )));
        }
    };
    if query.opt_bool("direct_download")?.unwrap_or_default() {
        return Ok(as_file(content));
    }
    let kind = match object.language.filter(|_| format != "JUPYTER") {
        Some("PYTHON") => "py",
        Some("SQL") => "sql",
        Some("SCALA") => "scala",
        Some(_) => "r",
        None if object.is_notebook() => "ipynb",
        None => "file",
    };
    Ok(Json(json!({"content": STANDARD.encode(&content), "file_type": kind})).into_response())
}

async fn status(State(state): State<ObjectsHandle>, query: Query) -> Reply {
    let path = query.str("path")?;
    if let Some(repo) = repos(&state).find(|repo| repo["path"] == path.trim_end_matches('/')) {
        return Ok(Json(repo));
    }
    let mut status = lock(&state.objects).status(path)?;
    // What the CLI asks for, to know the ending of a notebook's file.
    if query.opt_bool("return_export_info")? == Some(true) && status["object_type"] == "NOTEBOOK" {
        status["repos_export_format"] = json!("SOURCE");
    }
    Ok(Json(status))
}

async fn list(State(state): State<ObjectsHandle>, query: Query) -> Reply {
    let path = query.str("path")?;
    let inside = format!("{}/", path.trim_end_matches('/'));
    let own =
        |repo: &Value| repo["path"].as_str().and_then(|p| p.strip_prefix(&inside)).is_some_and(|p| !p.contains('/'));
    let repos: Vec<Value> = repos(&state).filter(own).collect();
    let mut objects = match lock(&state.objects).list(path) {
        // A directory may be there for a repo alone.
        Err(error) if repos.is_empty() || !error.is_not_found() => return Err(error),
        found => found.unwrap_or_default(),
    };
    objects.extend(repos);
    Ok(Json(if objects.is_empty() { json!({}) } else { json!({"objects": objects}) }))
}

/// Repos, which are records, as objects of the tree. Nothing was fetched, so that nothing is in them.
fn repos(state: &ObjectsHandle) -> impl Iterator<Item = Value> + use<> {
    let all = state.records.list("repos/").into_iter();
    all.map(|repo| {
        let id = repo.get("id").cloned().unwrap_or_default();
        let path = repo.get("path").cloned().unwrap_or_default();
        json!({"path": path, "object_type": "REPO", "object_id": id, "resource_id": id.to_string()})
    })
}

async fn mkdirs(State(state): State<ObjectsHandle>, fields: Fields) -> Reply {
    lock(&state.objects).make_directory(fields.str("path")?)?;
    Ok(Json::empty())
}

async fn delete(State(state): State<ObjectsHandle>, fields: Fields) -> Reply {
    let recursive = fields.opt_bool("recursive")?.unwrap_or_default();
    lock(&state.objects).delete(fields.str("path")?, recursive)?;
    Ok(Json::empty())
}
