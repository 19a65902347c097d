//! How clusters and jobs stand to the policies that they name, which may have changed since.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use serde_json::{Map, Value, json};

use crate::extract::{Fields, Query, one_of};
use crate::paging::{Limits, page};
use crate::records::special::family_definition;
use crate::records::store::Records;
use crate::reply::{ApiError, Json, Reply};
use crate::state::clusters::Clusters;
use crate::state::handles::PoliciesHandle;
use crate::state::lock;
use crate::state::policies::{Change, Policy, Purpose};

const LIMITS: Limits = Limits { usual: 100, max: 100 };
/// How many violations of one cluster or job are told.
const VIOLATIONS: usize = 200;

pub(super) fn routes(state: PoliciesHandle) -> Router {
    Router::new()
        .route("/api/2.0/policies/clusters/get-compliance", get(cluster))
        .route("/api/2.0/policies/clusters/list-compliance", get(clusters))
        .route("/api/2.0/policies/clusters/enforce-compliance", post(enforce_on_cluster))
        .route("/api/2.0/policies/clusters:cancelPendingClusterEnforcement", post(cancel_pending))
        .route("/api/2.0/policies/jobs/get-compliance", get(job))
        .route("/api/2.0/policies/jobs/list-compliance", get(jobs))
        .route("/api/2.0/policies/jobs/enforce-compliance", post(enforce_on_job))
        .with_state(state)
}

/// What finds policies among the records.
pub(super) fn policies(records: &Records) -> impl Fn(&str) -> Result<Policy, ApiError> {
    move |id| policy(records, id)
}

fn policy(records: &Records, id: &str) -> Result<Policy, ApiError> {
    let record = records
        .get("cluster_policies/", id)
        .ok_or_else(|| ApiError::invalid_parameter(format!("Can't find a cluster policy with id: {id}.")))?;
    let text = |name: &str| record.get(name).and_then(Value::as_str);
    let definitions = [
        text("policy_family_id").and_then(family_definition),
        text("policy_family_definition_overrides").map(str::to_owned),
        text("definition").map(str::to_owned),
    ];
    // They were JSON objects when they were kept.
    let definitions = definitions.into_iter().flatten().filter_map(|text| serde_json::from_str(&text).ok());
    Policy::new(text("name").unwrap_or(id), &definitions.collect::<Vec<Map<String, Value>>>())
}

/// Whether a user may have one more cluster that is up under a policy. All clusters are those of one user here.
pub(super) fn check_room(
    records: &Records,
    clusters: &mut Clusters,
    id: Option<&str>,
    now: i64,
) -> Result<(), ApiError> {
    let Some(id) = id.filter(|id| !id.is_empty()) else { return Ok(()) };
    let record = records.get("cluster_policies/", id).unwrap_or_default();
    let Some(most) = record.get("max_clusters_per_user").and_then(Value::as_u64) else { return Ok(()) };
    let taken = clusters.up(now).filter(|cluster| cluster.policy_id() == Some(id)).count();
    if u64::try_from(taken).is_ok_and(|taken| taken < most) {
        return Ok(());
    }
    Err(ApiError::invalid_parameter(format!(
        "Cluster validation error: The policy allows {most} clusters of a user at once, and {taken} are up: terminate one"
    )))
}

/// Whether the clusters that a job states for itself are as their policies allow.
pub(super) fn check_job(records: &Records, settings: &Fields) -> Result<(), ApiError> {
    for JobCluster { policy_id, mut cluster, .. } in job_clusters(&settings.0) {
        let defaults = cluster.get("apply_policy_default_values").and_then(Value::as_bool).unwrap_or(false);
        policy(records, &policy_id)?.apply(&mut cluster, Purpose::Job, defaults)?;
    }
    Ok(())
}

/// A cluster that a job states for itself under a policy.
struct JobCluster {
    /// The name that the job has for it.
    key: String,
    /// Where it is in the settings.
    place: String,
    policy_id: String,
    cluster: Map<String, Value>,
}

fn job_clusters(settings: &Map<String, Value>) -> Vec<JobCluster> {
    let mut found = Vec::new();
    for (list, name) in [("job_clusters", "job_cluster_key"), ("tasks", "task_key")] {
        let items = settings.get(list).and_then(Value::as_array).into_iter().flatten();
        for (n, item) in items.enumerate() {
            let Some(cluster) = item["new_cluster"].as_object() else { continue };
            let Some(policy) = cluster.get("policy_id").and_then(Value::as_str).filter(|id| !id.is_empty()) else {
                continue;
            };
            found.push(JobCluster {
                key: item[name].as_str().unwrap_or_default().to_owned(),
                place: format!("/{list}/{n}/new_cluster"),
                policy_id: policy.to_owned(),
                cluster: cluster.clone(),
            });
        }
    }
    found
}

fn compliance(violations: BTreeMap<String, String>) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("is_compliant".to_owned(), json!(violations.is_empty()));
    if !violations.is_empty() {
        out.insert("violations".to_owned(), violations.into_iter().take(VIOLATIONS).collect());
    }
    out
}

fn no_policy(what: &str) -> ApiError {
    ApiError::invalid_parameter(format!("{what} names no policy, so that it complies with none"))
}

async fn cluster(State(state): State<PoliciesHandle>, query: Query) -> Reply {
    let mut clusters = lock(&state.clusters);
    let cluster = clusters.get(query.str("cluster_id")?, state.clock.now_ms())?;
    let id = cluster.policy_id().ok_or_else(|| no_policy("The cluster"))?;
    let violations = policy(&state.records, id)?.violations(&cluster.fields().0, Purpose::AllPurpose)?;
    Ok(Json(Value::Object(compliance(violations))))
}

async fn clusters(State(state): State<PoliciesHandle>, query: Query) -> Reply {
    let id = query.str("policy_id")?;
    let policy = policy(&state.records, id)?;
    let mut found = Vec::new();
    for cluster in lock(&state.clusters).caught_up(state.clock.now_ms()).filter(|c| c.policy_id() == Some(id)) {
        let mut one = compliance(policy.violations(&cluster.fields().0, Purpose::AllPurpose)?);
        one.insert("cluster_id".to_owned(), cluster.to_json()["cluster_id"].clone());
        found.push(Value::Object(one));
    }
    listed("clusters", found, &query)
}

fn listed(name: &str, found: Vec<Value>, query: &Query) -> Reply {
    let page = page(found, name, query.opt_i64("page_size")?, query.get("page_token"), LIMITS)?;
    let mut out = json!({name: page.items});
    for (token, value) in [("next_page_token", page.next), ("prev_page_token", page.previous)] {
        if let Some(value) = value {
            out[token] = json!(value);
        }
    }
    Ok(Json(out))
}

async fn enforce_on_cluster(State(state): State<PoliciesHandle>, fields: Fields) -> Reply {
    let (id, now) = (fields.str("cluster_id")?, state.clock.now_ms());
    let only_tell = fields.opt_bool("validate_only")?.unwrap_or(false);
    let mode = fields.opt_str("enforce_mode")?.unwrap_or("ENFORCE_IMMEDIATELY");
    let at_once =
        one_of("enforce_mode", mode, &["ENFORCE_IMMEDIATELY", "WAIT_FOR_TERMINATION"])? == "ENFORCE_IMMEDIATELY";
    let mut clusters = lock(&state.clusters);
    let cluster = clusters.get(id, now)?;
    if !at_once && cluster.to_json()["state"] != "TERMINATED" {
        return Err(ApiError::not_implemented("changes that wait for the end of a cluster"));
    }
    let policy = policy(&state.records, cluster.policy_id().ok_or_else(|| no_policy("The cluster"))?)?;
    let mut mended = cluster.fields();
    let changes = policy.mend(&mut mended.0, Purpose::AllPurpose)?;
    let mut out = json!({"has_changes": !changes.is_empty(), "changes": told(&changes, "")});
    if !only_tell {
        out["enforce_result"] = json!(if changes.is_empty() { "NO_CHANGES" } else { "APPLIED" });
    }
    if !only_tell && !changes.is_empty() {
        clusters.edit(id, &mended, &policies(&state.records), state.ids.spark_context(), now)?;
        state.contexts.remove_cluster(id);
    }
    Ok(Json(out))
}

/// No change waits: they are made at once, or refused.
async fn cancel_pending(State(state): State<PoliciesHandle>, fields: Fields) -> Reply {
    let id = fields.str("cluster_id")?;
    lock(&state.clusters).get(id, state.clock.now_ms())?;
    if fields.opt_bool("allow_missing")?.unwrap_or(false) {
        return Ok(Json::empty());
    }
    Err(ApiError::not_found(format!("Cluster {id} has no change that waits for its end.")))
}

fn told(changes: &[Change], place: &str) -> Vec<Value> {
    changes.iter().map(|change| change.json(place)).collect()
}

/// Why the clusters that a job states for itself are not as their policies allow; `only` takes those of one policy.
fn violations(
    state: &PoliciesHandle,
    clusters: Vec<JobCluster>,
    only: Option<&str>,
) -> Result<BTreeMap<String, String>, ApiError> {
    let mut all = BTreeMap::new();
    for one in clusters.into_iter().filter(|one| only.is_none_or(|id| one.policy_id == id)) {
        let found = policy(&state.records, &one.policy_id)?.violations(&one.cluster, Purpose::Job)?;
        all.extend(found.into_iter().map(|(path, why)| (format!("{}.{path}", one.key), why)));
    }
    Ok(all)
}

async fn job(State(state): State<PoliciesHandle>, query: Query) -> Reply {
    let id = query.opt_i64("job_id")?.ok_or_else(|| crate::extract::missing("job_id"))?;
    let clusters = job_clusters(lock(&state.jobs).job(id)?.settings());
    if clusters.is_empty() {
        return Err(no_policy("No cluster of the job"));
    }
    Ok(Json(Value::Object(compliance(violations(&state, clusters, None)?))))
}

async fn jobs(State(state): State<PoliciesHandle>, query: Query) -> Reply {
    let id = query.str("policy_id")?;
    policy(&state.records, id)?;
    let all: Vec<_> = lock(&state.jobs).jobs().map(|job| (job.id(), job_clusters(job.settings()))).collect();
    let mut found = Vec::new();
    for (job, clusters) in all.into_iter().filter(|(_, clusters)| clusters.iter().any(|one| one.policy_id == id)) {
        let mut one = compliance(violations(&state, clusters, Some(id))?);
        one.insert("job_id".to_owned(), json!(job));
        found.push(Value::Object(one));
    }
    listed("jobs", found, &query)
}

async fn enforce_on_job(State(state): State<PoliciesHandle>, fields: Fields) -> Reply {
    let id = fields.opt_i64("job_id")?.ok_or_else(|| crate::extract::missing("job_id"))?;
    let only_tell = fields.opt_bool("validate_only")?.unwrap_or(false);
    let mut jobs = lock(&state.jobs);
    let mut settings = Value::Object(jobs.job(id)?.settings().clone());
    let mut changes = Vec::new();
    for mut one in job_clusters(jobs.job(id)?.settings()) {
        let made = policy(&state.records, &one.policy_id)?.mend(&mut one.cluster, Purpose::Job)?;
        changes.extend(told(&made, &format!("{}.", one.key)));
        if let Some(place) = settings.pointer_mut(&one.place) {
            *place = Value::Object(one.cluster);
        }
    }
    let Value::Object(settings) = settings else { return Err(ApiError::internal("settings of a job are no object")) };
    let mut out = json!({"has_changes": !changes.is_empty()});
    if !changes.is_empty() {
        out["job_cluster_changes"] = json!(changes);
        out["settings"] = Value::Object(settings.clone());
        if !only_tell {
            jobs.change(id, &Fields(settings), true, &[], state.clock.now_ms())?;
        }
    }
    Ok(Json(out))
}
