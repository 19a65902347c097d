//! The page for people at `/`, the health of the workspace, and the record of its requests.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use crate::coverage;
use crate::extract::Query;
use crate::html::{escape, page_response};
use crate::reply::{ApiError, Json, Reply};
use crate::state::handles::PagesHandle;

/// How many requests the page shows.
const SHOWN: usize = 25;

pub(super) fn routes(state: PagesHandle) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/healthz", get(healthy))
        .route("/local/requests", get(requests))
        .route("/local/coverage", get(covered))
        .with_state(state)
}

async fn healthy() -> Json {
    Json(json!({"status": "ok"}))
}

async fn covered() -> Json {
    let services: Vec<Value> = coverage::by_service()
        .into_iter()
        .map(|s| {
            json!({
                "service": s.name,
                "covered": s.covered,
                "records": s.records,
                "operations": s.operations,
            })
        })
        .collect();
    let (covered, operations) = coverage::total();
    Json(json!({"covered": covered, "operations": operations, "services": services}))
}

async fn page(State(state): State<PagesHandle>) -> Response {
    let (covered, operations) = coverage::total();
    let services: String = coverage::by_service()
        .into_iter()
        .filter(|s| s.covered > 0)
        .map(|s| format!("<tr><td><code>{}</code></td><td>{} of {}</td></tr>", escape(s.name), s.covered, s.operations))
        .collect();
    let recent: String = state
        .record
        .snapshot()
        .iter()
        .rev()
        .take(SHOWN)
        .map(|r| {
            let status = r.status.map_or_else(|| "-".to_owned(), |s| s.as_u16().to_string());
            format!(
                "<tr><td>{}</td><td><code>{}</code></td><td>{status}</td></tr>",
                escape(r.method.as_str()),
                escape(&r.path)
            )
        })
        .collect();
    // The token is printed at the start and not shown here: the page needs no credentials.
    let body = format!(
        "<h1>Embedded Databricks workspace</h1>\
         <p>Covers {covered} of the API's {operations} operations; the others respond with 501 and their name.</p>\
         <h2>Connect</h2><pre>export DATABRICKS_HOST={url}\nexport DATABRICKS_TOKEN=…          # printed at the start\n\
         export DATABRICKS_WAREHOUSE_ID={warehouse}</pre>\
         <h2>Recent requests</h2><table><tr><th>Method</th><th>Path</th><th>Status</th></tr>{recent}</table>\
         <h2>Covered services</h2><table>{services}</table>",
        url = escape(&state.place.base_url()),
        warehouse = escape(&state.place.starter_warehouse),
    );
    page_response("Embedded Databricks workspace", &body)
}

/// The requests so far, oldest first; `?limit=` takes the last ones alone.
async fn requests(State(state): State<PagesHandle>, query: Query) -> Reply {
    let all = state.record.snapshot();
    let limit = match query.opt_i64("limit")? {
        None => all.len(),
        Some(n) => usize::try_from(n).map_err(|_| ApiError::invalid_parameter("limit must not be negative"))?,
    };
    let shown: Vec<Value> = all
        .iter()
        .skip(all.len().saturating_sub(limit))
        .map(|r| {
            let headers = r.headers.iter().filter_map(|(n, v)| Some((n.as_str().to_owned(), json!(v.to_str().ok()?))));
            json!({
                "method": r.method.as_str(),
                "path": r.path,
                "query": r.query,
                "headers": headers.collect::<serde_json::Map<_, _>>(),
                "body": String::from_utf8_lossy(&r.body),
                "status": r.status.map(|s| s.as_u16()),
                "handled": r.handled,
            })
        })
        .collect();
    Ok(Json(json!({"requests": shown})))
}
