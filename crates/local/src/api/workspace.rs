//! Notebooks and files, API 2.0: imports and exports as base64 in JSON.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

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

async fn import(State(app): State<Arc<App>>, fields: Fields) -> Reply {
    let content = STANDARD
        .decode(fields.opt_str("content")?.unwrap_or_default())
        .map_err(|_| ApiError::invalid_parameter("The content is not base64"))?;
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

async fn export(State(app): State<Arc<App>>, query: Query) -> Reply {
    let objects = lock(&app.objects);
    let object = objects.get(query.str("path")?)?;
    Ok(Json(json!({"content": STANDARD.encode(&object.content)})))
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
