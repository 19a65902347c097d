//! SQL warehouses, API 2.0.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use serde_json::json;

use crate::extract::{Fields, Query};
use crate::paging::{Limits, page};
use crate::reply::{Json, Reply};
use crate::state::{App, lock};

const LIMITS: Limits = Limits { usual: 100, max: 1000 };

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/2.0/sql/warehouses", get(list).post(create))
        .route("/api/2.0/sql/warehouses/{id}", get(read).delete(delete))
        .route("/api/2.0/sql/warehouses/{id}/edit", post(edit))
        .route("/api/2.0/sql/warehouses/{id}/start", post(start))
        .route("/api/2.0/sql/warehouses/{id}/stop", post(stop))
}

async fn create(State(app): State<Arc<App>>, fields: Fields) -> Reply {
    let id = app.ids.hex16();
    lock(&app.warehouses).create(&id, &fields, app.clock.now_ms())?;
    Ok(Json(json!({"id": id})))
}

async fn list(State(app): State<Arc<App>>, query: Query) -> Reply {
    let all = lock(&app.warehouses).list(&app.host, app.port, app.clock.now_ms());
    let size = query.opt_i64("page_size")?;
    let page = page(all, "warehouses", size, query.get("page_token"), LIMITS)?;
    let mut out = json!({"warehouses": page.items});
    if let Some(token) = page.next {
        out["next_page_token"] = json!(token);
    }
    Ok(Json(out))
}

async fn read(State(app): State<Arc<App>>, Path(id): Path<String>) -> Reply {
    let now = app.clock.now_ms();
    lock(&app.warehouses).get_json(&id, &app.host, app.port, now).map(Json)
}

async fn edit(State(app): State<Arc<App>>, Path(id): Path<String>, fields: Fields) -> Reply {
    lock(&app.warehouses).edit(&id, &fields, app.clock.now_ms())?;
    Ok(Json(json!({"id": id})))
}

async fn start(State(app): State<Arc<App>>, Path(id): Path<String>) -> Reply {
    lock(&app.warehouses).start(&id, app.clock.now_ms())?;
    Ok(Json::empty())
}

async fn stop(State(app): State<Arc<App>>, Path(id): Path<String>) -> Reply {
    lock(&app.warehouses).stop(&id, app.clock.now_ms())?;
    Ok(Json::empty())
}

async fn delete(State(app): State<Arc<App>>, Path(id): Path<String>) -> Reply {
    lock(&app.warehouses).delete(&id, app.clock.now_ms())?;
    Ok(Json::empty())
}
