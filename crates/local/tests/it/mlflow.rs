//! MLflow's runs and logged models.

use databricks_local::LocalWorkspace;
use serde_json::{Value, json};

use crate::client::{call, fast, get, post};

const BASE: &str = "/api/2.0/mlflow";

async fn experiment(w: &LocalWorkspace) -> Value {
    post(w, &format!("{BASE}/experiments/create"), json!({"name": "/Shared/e"})).await.ok()["experiment_id"].clone()
}

#[tokio::test]
async fn logged_models_have_a_life_of_their_own() {
    let w = fast().await;
    let experiment_id = experiment(&w).await;
    let models = format!("{BASE}/logged-models");
    let stated = json!({"experiment_id": experiment_id, "name": "m", "params": [{"key": "depth", "value": "3"}]});
    let made = post(&w, &models, stated).await.ok()["model"].clone();
    assert_eq!(made["info"]["status"], "LOGGED_MODEL_PENDING");
    let id = made["info"]["model_id"].as_str().unwrap();
    let ready = json!({"status": "LOGGED_MODEL_READY"});
    call(&w, "PATCH", &format!("{models}/{id}"), Some(ready)).await.ok();
    let tags = json!({"tags": [{"key": "stage", "value": "gold"}]});
    call(&w, "PATCH", &format!("{models}/{id}/tags"), Some(tags)).await.ok();
    post(&w, &format!("{models}/{id}/params"), json!({"params": [{"key": "rate", "value": "0.5"}]})).await.ok();
    let search = |filter: &str| json!({"experiment_ids": [experiment_id], "filter": filter});
    for (filter, found) in [("", 1), ("params.depth = '3' AND tags.stage = 'gold'", 1), ("tags.stage = 'tin'", 0)] {
        let shown = post(&w, &format!("{models}/search"), search(filter)).await.ok();
        assert_eq!(shown["models"].as_array().unwrap().len(), found, "{filter}: {shown}");
    }
    call(&w, "DELETE", &format!("{models}/{id}/tags/stage"), None).await.ok();
    let shown = get(&w, &format!("{models}/{id}")).await.ok()["model"].clone();
    assert_eq!((&shown["info"]["status"], &shown["info"]["tags"]), (&json!("LOGGED_MODEL_READY"), &json!([])));
    assert_eq!(shown["data"]["params"].as_array().unwrap().len(), 2);
    call(&w, "DELETE", &format!("{models}/{id}"), None).await.ok();
    get(&w, &format!("{models}/{id}")).await.refused(404, "RESOURCE_DOES_NOT_EXIST");
}

#[tokio::test]
async fn runs_are_deleted_and_restored_by_time() {
    let w = fast().await;
    let experiment_id = experiment(&w).await;
    for start_time in [10, 20, 30] {
        let body = json!({"experiment_id": experiment_id, "start_time": start_time});
        post(&w, &format!("{BASE}/runs/create"), body).await.ok();
    }
    let runs = format!("{BASE}/databricks/runs");
    let body = json!({"experiment_id": experiment_id, "max_timestamp_millis": 20});
    assert_eq!(post(&w, &format!("{runs}/delete-runs"), body).await.ok()["runs_deleted"], 2);
    let search = json!({"experiment_ids": [experiment_id]});
    let left = post(&w, &format!("{BASE}/runs/search"), search.clone()).await.ok();
    assert_eq!(left["runs"].as_array().unwrap().len(), 1);
    let body = json!({"experiment_id": experiment_id, "min_timestamp_millis": 0, "max_runs": 1});
    assert_eq!(post(&w, &format!("{runs}/restore-runs"), body).await.ok()["runs_restored"], 1);
    let left = post(&w, &format!("{BASE}/runs/search"), search).await.ok();
    assert_eq!(left["runs"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn models_of_a_run_are_noted_in_its_tags() {
    let w = fast().await;
    let experiment_id = experiment(&w).await;
    let run = post(&w, &format!("{BASE}/runs/create"), json!({"experiment_id": experiment_id})).await.ok();
    let run_id = run["run"]["info"]["run_id"].as_str().unwrap();
    for name in ["a", "b"] {
        let model = json!({"artifact_path": name}).to_string();
        post(&w, &format!("{BASE}/runs/log-model"), json!({"run_id": run_id, "model_json": model})).await.ok();
    }
    let shown = get(&w, &format!("{BASE}/runs/get?run_id={run_id}")).await.ok();
    let tags = shown["run"]["data"]["tags"].as_array().unwrap();
    let history = tags.iter().find(|tag| tag["key"] == "mlflow.log-model.history").unwrap();
    assert_eq!(history["value"], r#"[{"artifact_path":"a"},{"artifact_path":"b"}]"#);
}

#[tokio::test]
async fn system_schemas_are_enabled_one_by_one() {
    let w = fast().await;
    let base = "/api/2.1/unity-catalog/metastores/m/systemschemas";
    call(&w, "PUT", &format!("{base}/billing"), Some(json!({}))).await.ok();
    call(&w, "PUT", &format!("{base}/nothing"), Some(json!({}))).await.refused(404, "RESOURCE_DOES_NOT_EXIST");
    let shown = get(&w, base).await.ok();
    let schemas = shown.as_object().unwrap().values().find_map(Value::as_array).unwrap();
    let state = |name: &str| schemas.iter().find(|s| s["schema"] == name).unwrap()["state"].clone();
    assert_eq!((state("billing"), state("access")), (json!("ENABLE_COMPLETED"), json!("AVAILABLE")));
    call(&w, "DELETE", &format!("{base}/billing"), None).await.ok();
}

#[tokio::test]
async fn endpoints_keep_limits_and_notifications() {
    let w = fast().await;
    let base = "/api/2.0/serving-endpoints/echo";
    let limits = json!({"rate_limits": [{"calls": 5, "renewal_period": "minute"}]});
    call(&w, "PUT", &format!("{base}/rate-limits"), Some(limits.clone())).await.ok();
    let notifications = json!({"email_notifications": {"on_update_failure": ["a@example.com"]}});
    call(&w, "PATCH", &format!("{base}/notifications"), Some(notifications)).await.ok();
    let shown = get(&w, base).await.ok();
    assert_eq!(shown["rate_limits"], limits["rate_limits"]);
    assert_eq!(shown["email_notifications"]["on_update_failure"][0], "a@example.com");
    assert_eq!(get(&w, &format!("{base}/served-models/echo/logs")).await.ok()["logs"], "");
    get(&w, &format!("{base}/served-models/none/logs")).await.refused(404, "RESOURCE_DOES_NOT_EXIST");
}
