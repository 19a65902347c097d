//! SQL warehouses, API 2.0.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use serde_json::json;

use crate::extract::{Fields, Query};
use crate::paging::{Limits, page};
use crate::reply::{Json, Reply};
use crate::state::handles::WarehousesHandle;
use crate::state::lock;

const LIMITS: Limits = Limits { usual: 100, max: 1000 };

pub(super) fn routes(state: WarehousesHandle) -> Router {
    Router::new()
        .route("/api/2.0/sql/warehouses", get(list).post(create))
        .route("/api/2.0/sql/warehouses/{id}", get(read).delete(delete))
        .route("/api/2.0/sql/warehouses/{id}/edit", post(edit))
        .route("/api/2.0/sql/warehouses/{id}/start", post(start))
        .route("/api/2.0/sql/warehouses/{id}/stop", post(stop))
        .with_state(state)
}

async fn create(State(state): State<WarehousesHandle>, fields: Fields) -> Reply {
    let id = state.ids.hex16();
    lock(&state.warehouses).create(&id, &fields, state.clock.now_ms())?;
    Ok(Json(json!({"id": id})))
}

async fn list(State(state): State<WarehousesHandle>, query: Query) -> Reply {
    let all = lock(&state.warehouses).list(&state.place.host, state.place.port, state.clock.now_ms());
    let size = query.opt_i64("page_size")?;
    let page = page(all, "warehouses", size, query.get("page_token"), LIMITS)?;
    let mut out = json!({"warehouses": page.items});
    if let Some(token) = page.next {
        out["next_page_token"] = json!(token);
    }
    Ok(Json(out))
}

async fn read(State(state): State<WarehousesHandle>, Path(id): Path<String>) -> Reply {
    let now = state.clock.now_ms();
    lock(&state.warehouses).get_json(&id, &state.place.host, state.place.port, now).map(Json)
}

async fn edit(State(state): State<WarehousesHandle>, Path(id): Path<String>, fields: Fields) -> Reply {
    lock(&state.warehouses).edit(&id, &fields, state.clock.now_ms())?;
    Ok(Json(json!({"id": id})))
}

async fn start(State(state): State<WarehousesHandle>, Path(id): Path<String>) -> Reply {
    lock(&state.warehouses).start(&id, state.clock.now_ms())?;
    Ok(Json::empty())
}

async fn stop(State(state): State<WarehousesHandle>, Path(id): Path<String>) -> Reply {
    lock(&state.warehouses).stop(&id, state.clock.now_ms())?;
    Ok(Json::empty())
}

async fn delete(State(state): State<WarehousesHandle>, Path(id): Path<String>) -> Reply {
    lock(&state.warehouses).delete(&id, state.clock.now_ms())?;
    Ok(Json::empty())
}
