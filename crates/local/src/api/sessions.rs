//! SQL sessions, API 2.0.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{delete, post};
use serde_json::json;

use crate::extract::Fields;
use crate::reply::{Json, Reply};
use crate::state::sessions::Session;
use crate::state::{App, lock};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/api/2.0/sql/sessions", post(open)).route("/api/2.0/sql/sessions/{id}", delete(close))
}

async fn open(State(app): State<Arc<App>>, fields: Fields) -> Reply {
    let warehouse = fields.str("warehouse_id")?;
    lock(&app.warehouses).get(warehouse, app.clock.now_ms())?;
    let text = |name: &str| fields.opt_str(name).map(|t| t.filter(|t| !t.is_empty()).map(str::to_lowercase));
    let session = Session { warehouse_id: warehouse.to_owned(), catalog: text("catalog")?, schema: text("schema")? };
    let id = app.ids.uuid();
    app.sessions.open(&id, session)?;
    Ok(Json(json!({"session_id": id})))
}

async fn close(State(app): State<Arc<App>>, Path(id): Path<String>) -> Reply {
    app.sessions.close(&id)?;
    #[cfg(feature = "engine")]
    app.engine.close_session(&id);
    Ok(Json::empty())
}
