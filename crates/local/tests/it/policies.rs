//! Compute policies: what they do to clusters and jobs, and how these stand to them later.

use databricks_local::LocalWorkspace;
use serde_json::{Value, json};

use crate::client::{fast, get, post, until};

const CLUSTERS: &str = "/api/2.1/clusters";
const COMPLIANCE: &str = "/api/2.0/policies";

async fn policy(w: &LocalWorkspace, name: &str, definition: Value) -> String {
    let body = json!({"name": name, "definition": definition.to_string()});
    let made = post(w, "/api/2.0/policies/clusters/create", body).await.ok();
    made["policy_id"].as_str().unwrap().to_owned()
}

async fn define(w: &LocalWorkspace, id: &str, name: &str, definition: Value) {
    let body = json!({"policy_id": id, "name": name, "definition": definition.to_string()});
    post(w, "/api/2.0/policies/clusters/edit", body).await.ok();
}

fn cluster(policy: &str, more: Value) -> Value {
    let mut body = json!({
        "cluster_name": "held",
        "spark_version": "15.4.x-scala2.12",
        "node_type_id": "m5d.large",
        "num_workers": 1,
        "policy_id": policy,
    });
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    body
}

async fn create(w: &LocalWorkspace, body: Value) -> String {
    post(w, &format!("{CLUSTERS}/create"), body).await.ok()["cluster_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn clusters_are_held_to_their_policy() {
    let w = fast().await;
    let rules = json!({
        "autotermination_minutes": {"type": "fixed", "value": 20},
        "spark_conf.spark.speculation": {"type": "fixed", "value": "true"},
        "num_workers": {"type": "range", "maxValue": 2, "defaultValue": 1},
        "custom_tags.team": {"type": "allowlist", "values": ["red", "blue"], "isOptional": true},
        "cluster_type": {"type": "fixed", "value": "all-purpose"},
    });
    let id = policy(&w, "small", rules).await;
    let made = create(&w, cluster(&id, json!({}))).await;
    let shown = get(&w, &format!("{CLUSTERS}/get?cluster_id={made}")).await.ok();
    assert_eq!(shown["autotermination_minutes"], 20);
    assert_eq!(shown["spec"]["spark_conf"], json!({"spark.speculation": "true"}));

    for (more, why) in [
        (json!({"autotermination_minutes": 60}), "autotermination_minutes, the value must be 20 (is \"60\")"),
        (json!({"num_workers": 3}), "num_workers, the value must be at most 2 (is \"3\")"),
        (
            json!({"custom_tags": {"team": "green"}}),
            "custom_tags.team, the value must be one of red, blue (is \"green\")",
        ),
        (
            json!({"num_workers": null, "autoscale": {"min_workers": 1, "max_workers": 2}}),
            "num_workers, the value must be present",
        ),
    ] {
        let sent = post(&w, &format!("{CLUSTERS}/create"), cluster(&id, more)).await;
        let message = sent.refused(400, "INVALID_PARAMETER_VALUE");
        assert_eq!(message, format!("Cluster validation error: Validation failed for {why}"));
    }
    until(&w, &format!("{CLUSTERS}/get?cluster_id={made}"), |c| c["state"] == "RUNNING").await;
    let larger = json!({"cluster_id": made, "num_workers": 9});
    post(&w, &format!("{CLUSTERS}/resize"), larger).await.refused(400, "INVALID_PARAMETER_VALUE");
    assert_eq!(get(&w, &format!("{CLUSTERS}/get?cluster_id={made}")).await.ok()["num_workers"], 1);

    post(
        &w,
        "/api/2.0/policies/clusters/edit",
        json!({"policy_id": id, "name": "small", "definition": "{}", "max_clusters_per_user": 1}),
    )
    .await
    .ok();
    let second = post(&w, &format!("{CLUSTERS}/create"), cluster(&id, json!({}))).await;
    assert!(
        second.refused(400, "INVALID_PARAMETER_VALUE").contains("allows 1 clusters of a user at once, and 1 are up")
    );

    let unknown = post(&w, &format!("{CLUSTERS}/create"), cluster("none", json!({}))).await;
    assert!(unknown.refused(400, "INVALID_PARAMETER_VALUE").contains("policy with id: none"));
    // The family's rules hold where the policy states no others.
    let family = json!({"name": "own", "policy_family_id": "job-cluster"});
    let family = post(&w, "/api/2.0/policies/clusters/create", family).await.ok()["policy_id"].clone();
    let message = post(&w, &format!("{CLUSTERS}/create"), cluster(family.as_str().unwrap(), json!({}))).await;
    let message = message.refused(400, "INVALID_PARAMETER_VALUE");
    assert!(message.ends_with("cluster_type, the value must be job (is \"all-purpose\")"), "{message}");
}

#[tokio::test]
async fn clusters_are_brought_to_a_policy_that_has_changed() {
    let w = fast().await;
    let id = policy(&w, "loose", json!({})).await;
    let made = create(&w, cluster(&id, json!({"autotermination_minutes": 60}))).await;
    let at = format!("{COMPLIANCE}/clusters/get-compliance?cluster_id={made}");
    assert_eq!(get(&w, &at).await.ok(), json!({"is_compliant": true}));

    define(&w, &id, "loose", json!({"autotermination_minutes": {"type": "fixed", "value": 20}})).await;
    let violations = json!({"autotermination_minutes": "the value must be 20 (is \"60\")"});
    assert_eq!(get(&w, &at).await.ok(), json!({"is_compliant": false, "violations": violations}));
    let listed = get(&w, &format!("{COMPLIANCE}/clusters/list-compliance?policy_id={id}")).await.ok();
    assert_eq!(listed["clusters"], json!([{"cluster_id": made, "is_compliant": false, "violations": violations}]));

    let enforce = format!("{COMPLIANCE}/clusters/enforce-compliance");
    until(&w, &format!("{CLUSTERS}/get?cluster_id={made}"), |c| c["state"] == "RUNNING").await;
    let change = json!({"field": "autotermination_minutes", "previous_value": "60", "new_value": "20"});
    let told = post(&w, &enforce, json!({"cluster_id": made, "validate_only": true})).await.ok();
    assert_eq!(told, json!({"has_changes": true, "changes": [change]}));
    assert_eq!(get(&w, &at).await.ok()["is_compliant"], false);
    let done = post(&w, &enforce, json!({"cluster_id": made})).await.ok();
    assert_eq!(done, json!({"has_changes": true, "changes": [change], "enforce_result": "APPLIED"}));
    assert_eq!(get(&w, &at).await.ok(), json!({"is_compliant": true}));

    until(&w, &format!("{CLUSTERS}/get?cluster_id={made}"), |c| c["state"] == "RUNNING").await;
    let later = json!({"cluster_id": made, "enforce_mode": "WAIT_FOR_TERMINATION"});
    post(&w, &enforce, later).await.refused(501, "NOT_IMPLEMENTED");
    define(&w, &id, "loose", json!({"num_workers": {"type": "range", "minValue": 5}})).await;
    let message = post(&w, &enforce, json!({"cluster_id": made})).await.refused(400, "INVALID_PARAMETER_VALUE");
    assert!(message.contains("states no value for num_workers"), "{message}");
    define(&w, &id, "loose", json!({"num_workers": {"type": "small"}})).await;
    let message = get(&w, &at).await.refused(400, "INVALID_PARAMETER_VALUE");
    assert!(message.contains("malformed policy definition: num_workers has the unknown type 'small'"), "{message}");
}

#[tokio::test]
async fn jobs_stand_to_policies_too() {
    let w = fast().await;
    let id = policy(&w, "jobs", json!({"cluster_type": {"type": "fixed", "value": "job"}})).await;
    let new_cluster = cluster(&id, json!({"custom_tags": {"team": "red"}}));
    let settings = json!({
        "name": "held",
        "job_clusters": [{"job_cluster_key": "main", "new_cluster": new_cluster}],
        "tasks": [{"task_key": "a", "job_cluster_key": "main", "notebook_task": {"notebook_path": "/a"}}],
    });
    let job = post(&w, "/api/2.2/jobs/create", settings.clone()).await.ok()["job_id"].as_i64().unwrap();
    let at = format!("{COMPLIANCE}/jobs/get-compliance?job_id={job}");
    assert_eq!(get(&w, &at).await.ok(), json!({"is_compliant": true}));

    let rules = json!({"custom_tags.team": {"type": "fixed", "value": "blue"}});
    define(&w, &id, "jobs", rules).await;
    let violations = json!({"main.custom_tags.team": "the value must be blue (is \"red\")"});
    assert_eq!(get(&w, &at).await.ok(), json!({"is_compliant": false, "violations": violations}));
    let listed = get(&w, &format!("{COMPLIANCE}/jobs/list-compliance?policy_id={id}")).await.ok();
    assert_eq!(listed["jobs"], json!([{"job_id": job, "is_compliant": false, "violations": violations}]));
    let message = post(&w, "/api/2.2/jobs/create", settings).await.refused(400, "INVALID_PARAMETER_VALUE");
    assert!(message.contains("Validation failed for custom_tags.team"), "{message}");

    let done = post(&w, &format!("{COMPLIANCE}/jobs/enforce-compliance"), json!({"job_id": job})).await.ok();
    let change = json!({"field": "main.custom_tags.team", "previous_value": "red", "new_value": "blue"});
    assert_eq!(done["job_cluster_changes"], json!([change]));
    assert_eq!(done["settings"]["job_clusters"][0]["new_cluster"]["custom_tags"], json!({"team": "blue"}));
    assert_eq!(get(&w, &at).await.ok(), json!({"is_compliant": true}));
    let kept = get(&w, &format!("/api/2.2/jobs/get?job_id={job}")).await.ok();
    assert_eq!(kept["settings"]["job_clusters"][0]["new_cluster"]["custom_tags"], json!({"team": "blue"}));
}
