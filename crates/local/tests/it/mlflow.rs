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

#[tokio::test]
async fn models_of_unity_catalog_are_registered_as_mlflow_does() {
    let w = crate::client::fast().await;
    let at = |path: &str| format!("/api/2.0/mlflow/unity-catalog/{path}");
    let name = "main.default.m";
    let made = post(&w, &at("registered-models/create"), json!({"name": name, "description": "d"})).await.ok();
    assert_eq!(made["registered_model"]["name"], name);
    let again = post(&w, &at("registered-models/create"), json!({"name": name})).await;
    again.refused(400, "RESOURCE_ALREADY_EXISTS");
    post(&w, &at("registered-models/create"), json!({"name": "m"})).await.refused(400, "INVALID_PARAMETER_VALUE");
    let source = json!({"name": name, "source": "runs:/1/m", "run_id": "1"});
    let version = post(&w, &at("model-versions/create"), source).await.ok()["model_version"].clone();
    assert_eq!((&version["version"], &version["status"]), (&json!("1"), &json!("PENDING_REGISTRATION")));
    let headers = [("authorization", format!("Bearer {}", w.token()))];
    let headers = [(headers[0].0, headers[0].1.as_str())];
    let file = "/api/2.0/fs/files/Models/main/default/m/1/MLmodel";
    assert_eq!(crate::client::send(&w, "PUT", file, &headers, b"flavors").await.unwrap().status, 204);
    post(&w, &at("model-versions/finalize"), json!({"name": name, "version": "1"})).await.ok();
    post(&w, &at("registered-models/alias"), json!({"name": name, "alias": "a", "version": "1"})).await.ok();
    let found = get(&w, &at(&format!("registered-models/alias?name={name}&alias=a"))).await.ok();
    assert_eq!((&found["model_version"]["status"], &found["model_version"]["version"]), (&json!("READY"), &json!("1")));
    // The public API has the same model.
    let public = get(&w, &format!("/api/2.1/unity-catalog/models/{name}")).await.ok();
    assert_eq!(public["comment"], "d");
    let public = get(&w, &format!("/api/2.1/unity-catalog/models/{name}/aliases/a")).await.ok();
    assert_eq!(public["version"], 1);
    let listed = get(&w, &at(&format!("model-versions/search?filter=name%3D%27{name}%27"))).await.ok();
    assert_eq!(listed["model_versions"][0]["aliases"], json!([{"alias": "a", "version": "1"}]));
    let refused = get(&w, &at("model-versions/search?filter=run_id%3D1")).await;
    refused.refused(400, "INVALID_PARAMETER_VALUE");
    let delete = |path: &str, body: Value| {
        let target = at(path);
        let w = &w;
        async move { crate::client::call(w, "DELETE", &target, Some(body)).await }
    };
    delete("model-versions/delete", json!({"name": name, "version": "1"})).await.ok();
    assert_eq!(get(&w, file).await.status, 404);
    let second = json!({"name": name, "source": "runs:/1/m"});
    let second = post(&w, &at("model-versions/create"), second).await.ok()["model_version"]["version"].clone();
    assert_eq!(second, "2");
    let file = file.replace("/1/", "/2/");
    assert_eq!(crate::client::send(&w, "PUT", &file, &headers, b"flavors").await.unwrap().status, 204);
    delete("registered-models/delete", json!({"name": name})).await.ok();
    assert_eq!(get(&w, &file).await.status, 404);
    delete("registered-models/delete", json!({"name": name})).await.refused(404, "RESOURCE_DOES_NOT_EXIST");
}

#[tokio::test]
async fn runs_and_models_have_files_and_other_places_have_none() {
    let w = crate::client::fast().await;
    let bearer = format!("Bearer {}", w.token());
    let headers = [("authorization", bearer.as_str())];
    let file = "/api/2.0/fs/files/WorkspaceInternal/Mlflow/Artifacts/1/Runs/2/artifacts/a/b.txt";
    assert_eq!(crate::client::send(&w, "PUT", file, &headers, b"text").await.unwrap().status, 204);
    let listed = get(&w, "/api/2.0/fs/directories/WorkspaceInternal/Mlflow/Artifacts/1/Runs/2/artifacts").await.ok();
    assert_eq!(listed["contents"][0]["path"], "/WorkspaceInternal/Mlflow/Artifacts/1/Runs/2/artifacts/a");
    for path in ["WorkspaceInternal/Mlflow/Artifacts/1/Runs/2", "WorkspaceInternal/x/y/z/a/b", "Models/a/b/c/1", "x/y"]
    {
        let put = crate::client::send(&w, "PUT", &format!("/api/2.0/fs/files/{path}"), &headers, b"").await.unwrap();
        assert_eq!(put.status, 400, "{path}");
    }
}
