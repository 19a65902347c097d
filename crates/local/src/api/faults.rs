//! The paths that set faults, for programs in other languages.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde_json::json;

use crate::extract::Fields;
use crate::faults::Faults;
use crate::faults::Rule;
use crate::reply::{Json, Reply};

pub(super) fn routes(faults: Faults) -> Router {
    Router::new().route("/local/faults", get(list).post(add).delete(clear)).with_state(faults)
}

async fn list(State(faults): State<Faults>) -> Json {
    Json(faults.to_json())
}

async fn add(State(faults): State<Faults>, fields: Fields) -> Reply {
    let fault = faults.add(Rule::from_fields(&fields)?);
    Ok(Json(json!({"id": fault.id()})))
}

async fn clear(State(faults): State<Faults>) -> Json {
    faults.clear();
    Json::empty()
}
