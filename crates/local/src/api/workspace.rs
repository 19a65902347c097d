//! Notebooks and files, API 2.0: imports and exports as base64 in JSON, or as they are.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequest as _, Multipart, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, header};
use serde_json::{Map, Value, json};

use crate::extract::{Fields, Query};
use crate::reply::{ApiError, Json, Reply};
use crate::state::objects::Import;
use crate::state::{App, lock};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/2.0/workspace/import", post(import))
        .route("/api/2.0/workspace/export", get(export))
        .route("/api/2.0/workspace/get-status", get(status))
        .route("/api/2.0/workspace/list", get(list))
        .route("/api/2.0/workspace/mkdirs", post(mkdirs))
        .route("/api/2.0/workspace/delete", post(delete))
}

async fn import(State(app): State<Arc<App>>, request: Request) -> Reply {
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
        format: fields.opt_enum("format", &["SOURCE", "AUTO", "RAW"])?.unwrap_or("SOURCE"),
        language: fields.opt_enum("language", &["PYTHON", "SQL", "SCALA", "R"])?,
        overwrite: fields.opt_bool("overwrite")?.unwrap_or_default(),
    };
    lock(&app.objects).import(app.ids.number(), import, app.clock.now_ms())?;
    Ok(Json::empty())
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

async fn export(State(app): State<Arc<App>>, query: Query) -> Result<Response, ApiError> {
    let objects = lock(&app.objects);
    let object = objects.get(query.str("path")?)?;
    if query.opt_bool("direct_download")?.unwrap_or_default() {
        let mut response = Response::new(Body::from(object.content.clone()));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        return Ok(response);
    }
    Ok(Json(json!({"content": STANDARD.encode(&object.content)})).into_response())
}

async fn status(State(app): State<Arc<App>>, query: Query) -> Reply {
    lock(&app.objects).status(query.str("path")?).map(Json)
}

async fn list(State(app): State<Arc<App>>, query: Query) -> Reply {
    let objects = lock(&app.objects).list(query.str("path")?)?;
    Ok(Json(if objects.is_empty() { json!({}) } else { json!({"objects": objects}) }))
}

async fn mkdirs(State(app): State<Arc<App>>, fields: Fields) -> Reply {
    lock(&app.objects).make_directory(fields.str("path")?)?;
    Ok(Json::empty())
}

async fn delete(State(app): State<Arc<App>>, fields: Fields) -> Reply {
    let recursive = fields.opt_bool("recursive")?.unwrap_or_default();
    lock(&app.objects).delete(fields.str("path")?, recursive)?;
    Ok(Json::empty())
}
