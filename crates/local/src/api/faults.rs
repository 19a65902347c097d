//! The paths that set faults, for programs in other languages.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde_json::json;

use crate::extract::Fields;
use crate::faults::Rule;
use crate::reply::{Json, Reply};
use crate::state::App;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/local/faults", get(list).post(add).delete(clear))
}

async fn list(State(app): State<Arc<App>>) -> Json {
    Json(app.faults.to_json())
}

async fn add(State(app): State<Arc<App>>, fields: Fields) -> Reply {
    let fault = app.faults.add(Rule::from_fields(&fields)?);
    Ok(Json(json!({"id": fault.id()})))
}

async fn clear(State(app): State<Arc<App>>) -> Json {
    app.faults.clear();
    Json::empty()
}
