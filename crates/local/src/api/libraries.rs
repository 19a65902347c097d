//! Libraries of clusters, API 2.0: which ones a cluster is to have. Nothing is installed into the interpreters.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::extract::{Fields, Query};
use crate::records::call::set;
use crate::records::store::{Change, Record, commit};
use crate::reply::{ApiError, Json, Reply};
use crate::state::handles::LibrariesHandle;
use crate::state::lock;

const COLLECTION: &str = "libraries/";
const KINDS: [&str; 7] = ["jar", "egg", "whl", "pypi", "maven", "cran", "requirements"];

pub(super) fn routes(state: LibrariesHandle) -> Router {
    Router::new()
        .route("/api/2.0/libraries/install", post(install))
        .route("/api/2.0/libraries/uninstall", post(uninstall))
        .route("/api/2.0/libraries/cluster-status", get(status))
        .route("/api/2.0/libraries/all-cluster-statuses", get(all))
        .with_state(state)
}

/// Fails unless the cluster exists.
fn cluster(state: &LibrariesHandle, id: &str) -> Result<(), ApiError> {
    lock(&state.clusters).get(id, state.clock.now_ms()).map(drop)
}

fn libraries(change: &Change<'_>, id: &str) -> Vec<Value> {
    let kept = change.get(COLLECTION, id).and_then(|r| r.get("statuses")).and_then(Value::as_array);
    kept.cloned().unwrap_or_default()
}

fn stated(fields: &Fields) -> Result<Vec<Value>, ApiError> {
    let list = fields.opt_list("libraries")?.ok_or_else(|| crate::extract::missing("libraries"))?;
    for library in list {
        if !KINDS.iter().any(|kind| library.get(*kind).is_some()) {
            return Err(ApiError::invalid_parameter(format!("A library must have one of {}", KINDS.join(", "))));
        }
    }
    Ok(list.to_vec())
}

fn put(change: &mut Change<'_>, id: &str, list: Vec<Value>) {
    let mut record = Record::new();
    set(&mut record, "statuses", list);
    change.put(COLLECTION, id, record);
}

async fn install(State(state): State<LibrariesHandle>, fields: Fields) -> Reply {
    let id = fields.str("cluster_id")?;
    let wanted = stated(&fields)?;
    cluster(&state, id)?;
    let mut change = state.records.change();
    let mut list = libraries(&change, id);
    for library in wanted {
        if !list.iter().any(|s| s["library"] == library) {
            list.push(json!({"library": library, "status": "INSTALLED", "is_library_for_all_clusters": false}));
        }
    }
    put(&mut change, id, list);
    commit(change)?;
    Ok(Json::empty())
}

async fn uninstall(State(state): State<LibrariesHandle>, fields: Fields) -> Reply {
    let id = fields.str("cluster_id")?;
    let gone = stated(&fields)?;
    cluster(&state, id)?;
    let mut change = state.records.change();
    let mut list = libraries(&change, id);
    for status in &mut list {
        // It stays until the cluster restarts, as on the platform.
        if gone.contains(&status["library"]) {
            status["status"] = json!("UNINSTALL_ON_RESTART");
        }
    }
    put(&mut change, id, list);
    commit(change)?;
    Ok(Json::empty())
}

async fn status(State(state): State<LibrariesHandle>, query: Query) -> Reply {
    let id = query.str("cluster_id")?;
    cluster(&state, id)?;
    let list = libraries(&state.records.change(), id);
    Ok(Json(json!({"cluster_id": id, "library_statuses": list})))
}

async fn all(State(state): State<LibrariesHandle>) -> Reply {
    let change = state.records.change();
    let statuses: Vec<Value> = change
        .list(COLLECTION)
        .into_iter()
        .map(|(id, _)| json!({"cluster_id": id, "library_statuses": libraries(&change, id)}))
        .collect();
    Ok(Json(json!({"statuses": statuses})))
}
