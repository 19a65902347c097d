//! Account-level calls: who may make them, and OAuth app integrations.

use databricks_local::LocalWorkspace;
use serde_json::{Value, json};

use crate::client::{Response, basic, fast, get, send};

async fn account(w: &LocalWorkspace, method: &str, path: &str, body: Option<Value>) -> Response {
    let target = format!("/api/2.0/accounts/{}/oauth2/{path}", w.account_id());
    let authorization = basic(w.username(), w.password());
    let body = body.map(|b| b.to_string()).unwrap_or_default();
    send(w, method, &target, &[("authorization", &authorization)], body.as_bytes()).await.unwrap()
}

#[tokio::test]
async fn passwords_and_oauth_open_the_account_and_personal_tokens_do_not() {
    let w = fast().await;
    let path = format!("/api/2.0/accounts/{}/oauth2/custom-app-integrations", w.account_id());
    assert_eq!(get(&w, &path).await.status, 401);
    assert_eq!(account(&w, "GET", "custom-app-integrations", None).await.status, 200);
    let wrong = basic(w.username(), "no");
    assert_eq!(send(&w, "GET", &path, &[("authorization", &wrong)], b"").await.unwrap().status, 401);
    let headers = [
        ("authorization", basic(w.client_id(), w.client_secret())),
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
    ];
    let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let endpoint = format!("/oidc/accounts/{}/v1/token", w.account_id());
    let token = send(&w, "POST", &endpoint, &headers, b"grant_type=client_credentials").await.unwrap().ok();
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    assert_eq!(send(&w, "GET", &path, &[("authorization", &bearer)], b"").await.unwrap().status, 200);
    let other = "/api/2.0/accounts/other/oauth2/published-apps";
    send(&w, "GET", other, &[("authorization", &bearer)], b"").await.unwrap().refused(404, "RESOURCE_DOES_NOT_EXIST");
}

#[tokio::test]
async fn custom_integrations_live_and_page() {
    let w = fast().await;
    let path = "custom-app-integrations";
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        let body = json!({"name": name, "redirect_urls": ["https://x"], "confidential": name == "a"});
        let made = account(&w, "POST", path, Some(body)).await.ok();
        assert_eq!(made.get("client_secret").is_some(), name == "a");
        ids.push(made["integration_id"].as_str().unwrap().to_owned());
    }
    let first = account(&w, "GET", &format!("{path}?page_size=2&include_creator_username=true"), None).await.ok();
    assert_eq!(first["apps"][0]["creator_username"], w.username());
    let token = first["next_page_token"].as_str().unwrap();
    let second = account(&w, "GET", &format!("{path}?page_size=2&page_token={token}"), None).await.ok();
    assert_eq!(second["apps"][0]["name"], "c");
    assert!(second.get("next_page_token").is_none());
    let one = format!("{path}/{}", ids[1]);
    let change = json!({"redirect_urls": ["https://y"], "token_access_policy": {"access_token_ttl_in_minutes": 30}});
    account(&w, "PATCH", &one, Some(change)).await.ok();
    let read = account(&w, "GET", &one, None).await.ok();
    assert_eq!((&read["redirect_urls"], &read["name"]), (&json!(["https://y"]), &json!("b")));
    assert_eq!(read["token_access_policy"]["access_token_ttl_in_minutes"], 30);
    let bad = json!({"token_access_policy": {"access_token_ttl_in_minutes": 1}});
    account(&w, "PATCH", &one, Some(bad)).await.refused(400, "INVALID_PARAMETER_VALUE");
    account(&w, "DELETE", &one, None).await.ok();
    account(&w, "GET", &one, None).await.refused(404, "RESOURCE_DOES_NOT_EXIST");
    account(&w, "POST", path, Some(json!({"name": "d"}))).await.refused(400, "INVALID_PARAMETER_VALUE");
}

#[tokio::test]
async fn published_integrations_live() {
    let w = fast().await;
    let path = "published-app-integrations";
    let apps = account(&w, "GET", "published-apps", None).await.ok();
    let body = json!({"app_id": apps["apps"][0]["app_id"]});
    let id = account(&w, "POST", path, Some(body.clone())).await.ok()["integration_id"].as_str().unwrap().to_owned();
    account(&w, "POST", path, Some(body)).await.refused(409, "RESOURCE_ALREADY_EXISTS");
    account(&w, "POST", path, Some(json!({"app_id": "none"}))).await.refused(404, "RESOURCE_DOES_NOT_EXIST");
    let one = format!("{path}/{id}");
    let change = json!({"token_access_policy": {"refresh_token_ttl_in_minutes": 100}});
    account(&w, "PATCH", &one, Some(change)).await.ok();
    let list = account(&w, "GET", path, None).await.ok();
    assert_eq!(list["apps"][3]["token_access_policy"]["refresh_token_ttl_in_minutes"], 100);
    account(&w, "DELETE", &one, None).await.ok();

    // Every account has these, by the ids of their apps, and may create them anew once.
    let ids = |list: &serde_json::Value| -> Vec<String> {
        list["apps"].as_array().unwrap().iter().map(|it| it["integration_id"].as_str().unwrap().to_owned()).collect()
    };
    let partners = ["databricks-dbt-adapter", "tableau-desktop", "power-bi"];
    assert_eq!(ids(&account(&w, "GET", path, None).await.ok()), partners);
    let body = json!({"app_id": "power-bi"});
    account(&w, "POST", path, Some(body.clone())).await.ok();
    account(&w, "POST", path, Some(body)).await.refused(409, "RESOURCE_ALREADY_EXISTS");
    for id in partners {
        account(&w, "DELETE", &format!("{path}/{id}"), None).await.ok();
    }
    assert_eq!(account(&w, "GET", path, None).await.ok()["apps"], json!([]));
}
