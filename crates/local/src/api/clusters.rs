//! Clusters, API 2.1 and the older 2.0 with the same shapes.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use serde_json::json;

use super::policies::{check_room, policies};
use crate::extract::{Fields, Query};
use crate::records::store::Record;
use crate::reply::{ApiError, Json, Reply};
use crate::state::clusters::catalog;
use crate::state::handles::ClustersHandle;
use crate::state::kept::Kept;
use crate::state::lock;

pub(super) fn routes(state: ClustersHandle) -> Router {
    let mut router = Router::new();
    for version in ["2.0", "2.1"] {
        let at = |name: &str| format!("/api/{version}/clusters/{name}");
        router = router
            .route(&at("create"), post(create))
            .route(&at("get"), get(read))
            .route(&at("list"), get(list))
            .route(&at("start"), post(start))
            .route(&at("restart"), post(restart))
            .route(&at("delete"), post(delete))
            .route(&at("permanent-delete"), post(permanent_delete))
            .route(&at("edit"), post(edit))
            .route(&at("update"), post(update))
            .route(&at("change-owner"), post(change_owner))
            .route(&at("resize"), post(resize))
            .route(&at("pin"), post(pin))
            .route(&at("unpin"), post(unpin))
            .route(&at("events"), post(events))
            .route(&at("list-node-types"), get(node_types))
            .route(&at("list-zones"), get(zones))
            .route(&at("spark-versions"), get(spark_versions));
    }
    router.with_state(state)
}

/// A new identifier in the form of the platform: when it was made, and eight characters.
fn cluster_id(state: &ClustersHandle) -> String {
    let made = jiff::Timestamp::from_millisecond(state.clock.now_ms())
        .map(|t| t.strftime("%m%d-%H%M%S").to_string())
        .unwrap_or_default();
    format!("{made}-{}", &state.ids.hex16()[..8])
}

/// Makes the cluster that is there from the start, or starts the one that was kept; gives its identifier.
pub(crate) fn create_starter(state: &ClustersHandle) -> Result<String, ApiError> {
    let kept = Kept::new(&state.records, "local/starter");
    let known = kept.all().into_iter().map(|(id, _)| id);
    let mut clusters = lock(&state.clusters);
    for id in known {
        if clusters.start(&id, state.ids.spark_context(), state.clock.now_ms()).is_ok() {
            return Ok(id);
        }
    }
    let spec = json!({
        "cluster_name": "Starter cluster",
        "spark_version": "17.3.x-scala2.13",
        "node_type_id": "m5d.large",
        "num_workers": 0,
        "is_single_node": true,
        "kind": "CLASSIC_PREVIEW",
        "autotermination_minutes": 0,
    });
    let fields = Fields(spec.as_object().cloned().unwrap_or_default());
    let id = cluster_id(state);
    clusters.create(&id, &fields, &policies(&state.records), state.ids.spark_context(), state.clock.now_ms())?;
    kept.put(&id, Record::new())?;
    Ok(id)
}

async fn create(State(state): State<ClustersHandle>, fields: Fields) -> Reply {
    let id = cluster_id(&state);
    let context = state.ids.spark_context();
    let (mut clusters, now) = (lock(&state.clusters), state.clock.now_ms());
    check_room(&state.records, &mut clusters, fields.opt_str("policy_id")?, now)?;
    clusters.create(&id, &fields, &policies(&state.records), context, now)?;
    Ok(Json(json!({"cluster_id": id})))
}

async fn read(State(state): State<ClustersHandle>, query: Query) -> Reply {
    let mut clusters = lock(&state.clusters);
    let cluster = clusters.get(query.str("cluster_id")?, state.clock.now_ms())?;
    Ok(Json(cluster.to_json()))
}

async fn list(State(state): State<ClustersHandle>, query: Query) -> Reply {
    lock(&state.clusters).list(&query, state.clock.now_ms()).map(Json)
}

async fn start(State(state): State<ClustersHandle>, fields: Fields) -> Reply {
    let context = state.ids.spark_context();
    let (mut clusters, now) = (lock(&state.clusters), state.clock.now_ms());
    let policy = clusters.get(fields.str("cluster_id")?, now)?.policy_id().map(str::to_owned);
    check_room(&state.records, &mut clusters, policy.as_deref(), now)?;
    clusters.start(fields.str("cluster_id")?, context, now)?;
    Ok(Json::empty())
}

async fn restart(State(state): State<ClustersHandle>, fields: Fields) -> Reply {
    let context = state.ids.spark_context();
    lock(&state.clusters).restart(fields.str("cluster_id")?, context, state.clock.now_ms())?;
    state.contexts.remove_cluster(fields.str("cluster_id")?);
    Ok(Json::empty())
}

async fn delete(State(state): State<ClustersHandle>, fields: Fields) -> Reply {
    lock(&state.clusters).delete(fields.str("cluster_id")?, state.clock.now_ms())?;
    state.contexts.remove_cluster(fields.str("cluster_id")?);
    Ok(Json::empty())
}

async fn permanent_delete(State(state): State<ClustersHandle>, fields: Fields) -> Reply {
    lock(&state.clusters).permanent_delete(fields.str("cluster_id")?, state.clock.now_ms())?;
    state.contexts.remove_cluster(fields.str("cluster_id")?);
    Ok(Json::empty())
}

async fn edit(State(state): State<ClustersHandle>, fields: Fields) -> Reply {
    let context = state.ids.spark_context();
    let id = fields.str("cluster_id")?;
    lock(&state.clusters).edit(id, &fields, &policies(&state.records), context, state.clock.now_ms())?;
    state.contexts.remove_cluster(fields.str("cluster_id")?);
    Ok(Json::empty())
}

async fn update(State(state): State<ClustersHandle>, fields: Fields) -> Reply {
    let context = state.ids.spark_context();
    let id = fields.str("cluster_id")?;
    let mask = fields.str("update_mask")?;
    let stated = fields.opt_object("cluster")?.unwrap_or_default();
    lock(&state.clusters).update(id, mask, &stated, &policies(&state.records), context, state.clock.now_ms())?;
    state.contexts.remove_cluster(id);
    Ok(Json::empty())
}

async fn change_owner(State(state): State<ClustersHandle>, fields: Fields) -> Reply {
    let (id, owner) = (fields.str("cluster_id")?, fields.str("owner_username")?);
    lock(&state.clusters).change_owner(id, owner, state.clock.now_ms())?;
    Ok(Json::empty())
}

async fn resize(State(state): State<ClustersHandle>, fields: Fields) -> Reply {
    let policies = policies(&state.records);
    lock(&state.clusters).resize(fields.str("cluster_id")?, &fields, &policies, state.clock.now_ms())?;
    Ok(Json::empty())
}

async fn pin(State(state): State<ClustersHandle>, fields: Fields) -> Reply {
    lock(&state.clusters).pin(fields.str("cluster_id")?, true, state.clock.now_ms())?;
    Ok(Json::empty())
}

async fn unpin(State(state): State<ClustersHandle>, fields: Fields) -> Reply {
    lock(&state.clusters).pin(fields.str("cluster_id")?, false, state.clock.now_ms())?;
    Ok(Json::empty())
}

async fn events(State(state): State<ClustersHandle>, fields: Fields) -> Reply {
    lock(&state.clusters).events(&fields, state.clock.now_ms()).map(Json)
}

async fn node_types() -> Json {
    Json(catalog::node_types())
}

async fn spark_versions() -> Json {
    Json(catalog::spark_versions())
}

async fn zones() -> Json {
    Json(json!({"zones": ["local-1a", "local-1b"], "default_zone": "local-1a"}))
}
