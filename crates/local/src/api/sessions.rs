//! SQL sessions, API 2.0.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{delete, post};
use serde_json::json;

use crate::extract::Fields;
use crate::reply::{ApiError, Json, Reply};
use crate::sql::conf::Config;
use crate::state::handles::SessionsHandle;
use crate::state::lock;
use crate::state::sessions::Session;

pub(super) fn routes(state: SessionsHandle) -> Router {
    Router::new()
        .route("/api/2.0/sql/sessions", post(open))
        .route("/api/2.0/sql/sessions/{id}", delete(close))
        .with_state(state)
}

async fn open(State(state): State<SessionsHandle>, fields: Fields) -> Reply {
    let warehouse = fields.str("warehouse_id")?;
    lock(&state.warehouses).get(warehouse, state.clock.now_ms())?;
    let text = |name: &str| fields.opt_str(name).map(|t| t.filter(|t| !t.is_empty()).map(str::to_lowercase));
    let confs = fields.opt_object("session_confs")?.map(|confs| pairs(&confs)).transpose()?.unwrap_or_default();
    let config = Config::read(&confs).map_err(|failure| ApiError::invalid_parameter(failure.message))?;
    let session = Session {
        warehouse_id: warehouse.to_owned(),
        catalog: text("catalog")?.or(config.catalog),
        schema: text("schema")?.or(config.schema),
        settings: config.settings,
    };
    let id = state.ids.uuid();
    state.sessions.open(&id, session)?;
    Ok(Json(json!({"session_id": id})))
}

/// Settings are strings.
fn pairs(confs: &Fields) -> Result<Vec<(String, String)>, ApiError> {
    confs.0.keys().map(|name| Ok((name.clone(), confs.str(name)?.to_owned()))).collect()
}

async fn close(State(state): State<SessionsHandle>, Path(id): Path<String>) -> Reply {
    state.sessions.close(&id)?;
    state.sql.close_session(&id);
    Ok(Json::empty())
}
