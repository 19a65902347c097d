//! The page for people at `/`, the health of the workspace, and the record of its requests.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::running;
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
        .map(|s| format!("<li><code>{}</code> {} of {}</li>", escape(s.name), s.covered, s.operations))
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
         <h2>Spark Connect</h2>{spark}\
         <h2>Running</h2>{running}\
         <h2>Recent requests</h2><table><tr><th>Method</th><th>Path</th><th>Status</th></tr>{recent}</table>\
         <h2>Covered services</h2><ul class=\"columns\">{services}</ul>",
        url = escape(&state.place.base_url()),
        warehouse = escape(&state.place.starter_warehouse),
        spark = spark(&state),
        running = running::table(&state),
    );
    page_response("Embedded Databricks workspace", &body)
}

/// What Spark Connect needs: how it is called, or how an engine is attached.
fn spark(state: &PagesHandle) -> String {
    let Some(attached) = &state.attached else {
        return "<p>No Spark engine is attached, so calls of Spark Connect are refused. Start the workspace with one:</p>\
                <pre>databricks-local --spark sail                          # starts Sail: pip install pysail\n\
                databricks-local --spark-connect sc://localhost:15002  # a server that runs already, as of Spark 4</pre>\
                <p>SQL statements, Python commands and jobs run without.</p>"
            .to_owned();
    };
    let kind = if attached.is_own() { "Sail, which the workspace started" } else { "a server that ran already" };
    let statements = if state.sql.has_attached() {
        "SQL statements of clients run on it as well, with the tables that it has."
    } else {
        "It has tables of its own: SQL statements run on the embedded engine and do not see them."
    };
    let connect = if state.place.scheme == "https" {
        "Databricks Connect takes the host, the token and a cluster, and the printed certificate file in \
         <code>GRPC_DEFAULT_SSL_ROOTS_FILE_PATH</code>."
    } else {
        "Databricks Connect takes that URL as well. To take host, token and cluster it needs a workspace that was started with \
         <code>--tls-self-signed</code>."
    };
    format!(
        "<p>Attached is {kind}. {statements} Calls start the cluster that they name.</p>\
         <pre>export SPARK_REMOTE='{remote}'  # printed at the start with the token\n\
         python3 -c 'from pyspark.sql import SparkSession; SparkSession.builder.getOrCreate().range(3).show()'</pre>\
         <p>{connect}</p>",
        remote = escape(&state.place.spark_remote("…")),
    )
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
