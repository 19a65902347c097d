//! Clusters, API 2.1 and the older 2.0 with the same shapes.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use serde_json::json;

use crate::extract::{Fields, Query};
use crate::records::store::Record;
use crate::reply::{ApiError, Json, Reply};
use crate::state::clusters::catalog;
use crate::state::kept::Kept;
use crate::state::{App, lock};

pub(super) fn routes() -> Router<Arc<App>> {
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
    router
}

impl App {
    /// The form of the platform: when it was made, and eight characters.
    fn new_cluster_id(&self) -> String {
        let made = jiff::Timestamp::from_millisecond(self.clock.now_ms())
            .map(|t| t.strftime("%m%d-%H%M%S").to_string())
            .unwrap_or_default();
        format!("{made}-{}", &self.ids.hex16()[..8])
    }

    /// Makes the cluster that is there from the start, or starts the one that was kept; gives its identifier.
    pub(crate) fn create_starter_cluster(&self) -> Result<String, ApiError> {
        let kept = Kept::new(&self.records, "local/starter");
        let known = kept.all().into_iter().map(|(id, _)| id);
        let mut clusters = lock(&self.clusters);
        for id in known {
            if clusters.start(&id, self.new_spark_context(), self.clock.now_ms()).is_ok() {
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
        let id = self.new_cluster_id();
        clusters.create(&id, &fields, self.new_spark_context(), self.clock.now_ms())?;
        kept.put(&id, Record::new())?;
        Ok(id)
    }

    pub(crate) fn new_spark_context(&self) -> i64 {
        // Positive, as the platform's are.
        (self.ids.number() >> 1) as i64
    }
}

async fn create(State(app): State<Arc<App>>, fields: Fields) -> Reply {
    let id = app.new_cluster_id();
    let context = app.new_spark_context();
    lock(&app.clusters).create(&id, &fields, context, app.clock.now_ms())?;
    Ok(Json(json!({"cluster_id": id})))
}

async fn read(State(app): State<Arc<App>>, query: Query) -> Reply {
    let mut clusters = lock(&app.clusters);
    let cluster = clusters.get(query.str("cluster_id")?, app.clock.now_ms())?;
    Ok(Json(cluster.to_json()))
}

async fn list(State(app): State<Arc<App>>, query: Query) -> Reply {
    lock(&app.clusters).list(&query, app.clock.now_ms()).map(Json)
}

async fn start(State(app): State<Arc<App>>, fields: Fields) -> Reply {
    let context = app.new_spark_context();
    lock(&app.clusters).start(fields.str("cluster_id")?, context, app.clock.now_ms())?;
    Ok(Json::empty())
}

async fn restart(State(app): State<Arc<App>>, fields: Fields) -> Reply {
    let context = app.new_spark_context();
    lock(&app.clusters).restart(fields.str("cluster_id")?, context, app.clock.now_ms())?;
    app.contexts.remove_cluster(fields.str("cluster_id")?);
    Ok(Json::empty())
}

async fn delete(State(app): State<Arc<App>>, fields: Fields) -> Reply {
    lock(&app.clusters).delete(fields.str("cluster_id")?, app.clock.now_ms())?;
    app.contexts.remove_cluster(fields.str("cluster_id")?);
    Ok(Json::empty())
}

async fn permanent_delete(State(app): State<Arc<App>>, fields: Fields) -> Reply {
    lock(&app.clusters).permanent_delete(fields.str("cluster_id")?, app.clock.now_ms())?;
    app.contexts.remove_cluster(fields.str("cluster_id")?);
    Ok(Json::empty())
}

async fn edit(State(app): State<Arc<App>>, fields: Fields) -> Reply {
    let context = app.new_spark_context();
    let id = fields.str("cluster_id")?;
    lock(&app.clusters).edit(id, &fields, context, app.clock.now_ms())?;
    app.contexts.remove_cluster(fields.str("cluster_id")?);
    Ok(Json::empty())
}

async fn update(State(app): State<Arc<App>>, fields: Fields) -> Reply {
    let context = app.new_spark_context();
    let id = fields.str("cluster_id")?;
    let mask = fields.str("update_mask")?;
    let stated = fields.opt_object("cluster")?.unwrap_or_default();
    lock(&app.clusters).update(id, mask, &stated, context, app.clock.now_ms())?;
    app.contexts.remove_cluster(id);
    Ok(Json::empty())
}

async fn change_owner(State(app): State<Arc<App>>, fields: Fields) -> Reply {
    let (id, owner) = (fields.str("cluster_id")?, fields.str("owner_username")?);
    lock(&app.clusters).change_owner(id, owner, app.clock.now_ms())?;
    Ok(Json::empty())
}

async fn resize(State(app): State<Arc<App>>, fields: Fields) -> Reply {
    lock(&app.clusters).resize(fields.str("cluster_id")?, &fields, app.clock.now_ms())?;
    Ok(Json::empty())
}

async fn pin(State(app): State<Arc<App>>, fields: Fields) -> Reply {
    lock(&app.clusters).pin(fields.str("cluster_id")?, true, app.clock.now_ms())?;
    Ok(Json::empty())
}

async fn unpin(State(app): State<Arc<App>>, fields: Fields) -> Reply {
    lock(&app.clusters).pin(fields.str("cluster_id")?, false, app.clock.now_ms())?;
    Ok(Json::empty())
}

async fn events(State(app): State<Arc<App>>, fields: Fields) -> Reply {
    lock(&app.clusters).events(&fields, app.clock.now_ms()).map(Json)
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
