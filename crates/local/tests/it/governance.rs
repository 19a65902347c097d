//! Who may do what, and what belongs to whom: grants in pages, metastores of workspaces, monitors, reviews of models.

use databricks_local::LocalWorkspace;
use serde_json::{Value, json};

use crate::client::{Response, basic, call, fast, get, post, send};

const UC: &str = "/api/2.1/unity-catalog";

async fn send_json(w: &LocalWorkspace, method: &str, target: &str, body: Value) -> Response {
    call(w, method, target, Some(body)).await
}

/// A call of the account with the user's password.
async fn account(w: &LocalWorkspace, method: &str, path: &str, body: Value) -> Response {
    let authorization = basic(w.username(), w.password());
    let target = format!("/api/2.0/accounts/{}/{path}", w.account_id());
    let body = if body.is_null() { String::new() } else { body.to_string() };
    send(w, method, &target, &[("authorization", authorization.as_str())], body.as_bytes()).await.unwrap()
}

#[tokio::test]
async fn grants_are_listed_in_pages() {
    let w = fast().await;
    for principal in ["a", "b", "c"] {
        let change = json!({"changes": [{"principal": principal, "add": ["USE_CATALOG"]}]});
        send_json(&w, "PATCH", &format!("{UC}/permissions/catalog/main"), change).await.ok();
    }
    let target = format!("{UC}/privilege-assignments/catalog/main");
    let first = get(&w, &format!("{target}?page_size=2")).await.ok();
    assert_eq!(first["privilege_assignments"].as_array().unwrap().len(), 2);
    let next = first["next_page_token"].as_str().unwrap();
    let second = get(&w, &format!("{target}?page_size=2&page_token={next}")).await.ok();
    assert_eq!(second["privilege_assignments"], json!([{"principal": "c", "privileges": ["USE_CATALOG"]}]));
    let effective = format!("{UC}/effective-privilege-assignments/schema/main.default?principal=a");
    let effective = get(&w, &effective).await.ok();
    let privileges = &effective["effective_privilege_assignments"][0]["privileges"];
    assert_eq!(privileges[0]["inherited_from_name"], "main");
}

#[tokio::test]
async fn other_workspaces_have_metastores_and_this_one_keeps_its_own() {
    let w = fast().await;
    let current = get(&w, &format!("{UC}/current-metastore-assignment")).await.ok();
    let own = current["metastore_id"].as_str().unwrap();
    let other = post(&w, &format!("{UC}/metastores"), json!({"name": "other"})).await.ok()["metastore_id"].clone();
    let mine = format!("{UC}/workspaces/{}/metastore", w.workspace_id());
    let body = |id: &Value| json!({"metastore_id": id, "default_catalog_name": "main"});
    send_json(&w, "PUT", &mine, body(&json!(own))).await.ok();
    let refused = send_json(&w, "PUT", &mine, body(&other)).await.refused(400, "INVALID_STATE");
    assert!(refused.contains("keeps its metastore"), "{refused}");
    let theirs = format!("{UC}/workspaces/42/metastore");
    send_json(&w, "PATCH", &theirs, body(&other)).await.refused(404, "METASTORE_DOES_NOT_EXIST");
    send_json(&w, "PUT", &theirs, body(&json!("none"))).await.refused(404, "METASTORE_DOES_NOT_EXIST");
    send_json(&w, "PUT", &theirs, body(&other)).await.ok();
    let other = other.as_str().unwrap();
    let read = account(&w, "GET", "workspaces/42/metastore", Value::Null).await.ok();
    assert_eq!(read["metastore_assignment"]["metastore_id"], other);
    let all = account(&w, "GET", &format!("metastores/{own}/workspaces"), Value::Null).await.ok();
    assert_eq!(all["workspace_ids"], json!([w.workspace_id()]));
    let stated = json!({"metastore_assignment": {"default_catalog_name": "x"}});
    account(&w, "POST", &format!("workspaces/43/metastores/{other}"), stated).await.ok();
    let all = account(&w, "GET", &format!("metastores/{other}/workspaces"), Value::Null).await.ok();
    assert_eq!(all["workspace_ids"], json!([42, 43]));
    call(&w, "DELETE", &format!("{theirs}?metastore_id={other}"), None).await.ok();
    account(&w, "DELETE", &format!("workspaces/43/metastores/{other}"), Value::Null).await.ok();
    account(&w, "GET", "workspaces/42/metastore", Value::Null).await.refused(404, "METASTORE_DOES_NOT_EXIST");
}

#[tokio::test]
async fn monitors_are_kept_and_refreshes_refused() {
    let w = fast().await;
    let target = format!("{UC}/tables/Main.default.T/monitor");
    let mut body = json!({"output_schema_name": "main.default", "assets_dir": "/Shared/m"});
    post(&w, &target, body.clone()).await.refused(400, "INVALID_PARAMETER_VALUE");
    body["snapshot"] = json!({});
    let made = post(&w, &target, body.clone()).await.ok();
    assert_eq!(made["profile_metrics_table_name"], "main.default.main_default_t_profile_metrics");
    post(&w, &target, body).await.refused(409, "RESOURCE_ALREADY_EXISTS");
    let changed = json!({"output_schema_name": "main.other", "snapshot": {}});
    assert_eq!(send_json(&w, "PUT", &target, changed).await.ok()["monitor_version"], 1);
    assert_eq!(get(&w, &target).await.ok()["output_schema_name"], "main.other");
    post(&w, &format!("{target}/refreshes"), json!({})).await.refused(501, "NOT_IMPLEMENTED");
    call(&w, "DELETE", &target, None).await.ok();
    get(&w, &target).await.refused(404, "RESOURCE_DOES_NOT_EXIST");
}

#[tokio::test]
async fn versions_of_models_are_discussed_and_moved_on_request() {
    let w = fast().await;
    let at = |path: &str| format!("/api/2.0/mlflow/{path}");
    post(&w, &at("registered-models/create"), json!({"name": "m"})).await.ok();
    for _ in 0..2 {
        post(&w, &at("model-versions/create"), json!({"name": "m", "source": "dbfs:/m"})).await.ok();
    }
    let comment = json!({"name": "m", "version": "1", "comment": "good"});
    let id = post(&w, &at("comments/create"), comment).await.ok()["comment"]["id"].clone();
    let changed = send_json(&w, "PATCH", &at("comments/update"), json!({"id": id, "comment": "better"})).await.ok();
    assert_eq!(changed["comment"]["comment"], "better");
    call(&w, "DELETE", &format!("{}?id={}", at("comments/delete"), id.as_str().unwrap()), None).await.ok();

    let stage = |version: &str, more: Value| {
        let mut body = json!({"name": "m", "version": version, "stage": "Production"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for version in ["1", "2"] {
        post(&w, &at("transition-requests/create"), stage(version, json!({}))).await.ok();
        let listed = get(&w, &at(&format!("transition-requests/list?name=m&version={version}"))).await.ok();
        assert_eq!(listed["requests"][0]["to_stage"], "Production");
        let approval = stage(version, json!({"archive_existing_versions": true}));
        let approved = post(&w, &at("transition-requests/approve"), approval.clone()).await.ok();
        assert_eq!(approved["activity"]["activity_type"], "APPROVED_REQUEST");
        post(&w, &at("transition-requests/approve"), approval).await.refused(404, "RESOURCE_DOES_NOT_EXIST");
    }
    let of = |version: &str| at(&format!("model-versions/get?name=m&version={version}"));
    assert_eq!(get(&w, &of("1")).await.ok()["model_version"]["current_stage"], "Archived");
    assert_eq!(get(&w, &of("2")).await.ok()["model_version"]["current_stage"], "Production");
    // As clients of the open source server call it.
    let back = json!({"name": "m", "version": "1", "stage": "Staging", "archive_existing_versions": false});
    let moved = post(&w, &at("model-versions/transition-stage"), back).await.ok();
    assert_eq!(moved["model_version"]["current_stage"], "Staging");
    post(&w, &at("transition-requests/create"), stage("1", json!({}))).await.ok();
    post(&w, &at("transition-requests/reject"), stage("1", json!({"comment": "no"}))).await.ok();
    post(&w, &at("transition-requests/create"), stage("1", json!({}))).await.ok();
    let target = format!("transition-requests/delete?name=m&version=1&stage=Production&creator={}", w.username());
    call(&w, "DELETE", &at(&target), None).await.ok();
    let listed = get(&w, &at("transition-requests/list?name=m&version=1")).await.ok();
    assert_eq!(listed["requests"], json!([]));
}

#[tokio::test]
async fn webhooks_are_kept_without_their_secrets() {
    let w = fast().await;
    let at = |path: &str| format!("/api/2.0/mlflow/registry-webhooks/{path}");
    let to = json!({"url": "https://example.com/x", "secret": "s", "authorization": "Bearer t"});
    let body = json!({"events": ["MODEL_VERSION_CREATED"], "http_url_spec": to, "model_name": "m"});
    let made = post(&w, &at("create"), body).await.ok()["webhook"].clone();
    assert_eq!(made["http_url_spec"], json!({"url": "https://example.com/x", "enable_ssl_verification": true}));
    let id = made["id"].as_str().unwrap();
    send_json(&w, "PATCH", &at("update"), json!({"id": id, "status": "DISABLED"})).await.ok();
    let listed = get(&w, &at("list?model_name=m&events=MODEL_VERSION_CREATED")).await.ok();
    assert_eq!(listed["webhooks"][0]["status"], "DISABLED");
    assert_eq!(get(&w, &at("list?model_name=n")).await.ok()["webhooks"], json!([]));
    post(&w, &at("create"), json!({"events": ["MODEL_VERSION_CREATED"]})).await.refused(400, "INVALID_PARAMETER_VALUE");
    post(&w, &at("test"), json!({"id": id})).await.refused(501, "NOT_IMPLEMENTED");
    call(&w, "DELETE", &at(&format!("delete?id={id}")), None).await.ok();
    assert_eq!(call(&w, "DELETE", &at(&format!("delete?id={id}")), None).await.status, 404);
}
