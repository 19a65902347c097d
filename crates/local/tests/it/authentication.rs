//! Who gets in, and who does not.

use std::time::Duration;

use databricks_local::LocalWorkspace;
use serde_json::json;

use crate::client::{Response, basic, call, fast, get, post, send};

const ME: &str = "/api/2.0/preview/scim/v2/Me";

async fn with(w: &LocalWorkspace, target: &str, authorization: &str) -> Response {
    send(w, "GET", target, &[("authorization", authorization)], b"").await.unwrap()
}

async fn token(w: &LocalWorkspace, target: &str, authorization: &str, form: &str) -> Response {
    let headers = [("authorization", authorization), ("content-type", "application/x-www-form-urlencoded")];
    send(w, "POST", target, &headers, form.as_bytes()).await.unwrap()
}

#[tokio::test]
async fn the_token_tells_who_i_am() {
    let w = fast().await;
    let response = get(&w, ME).await;
    let me = response.ok();
    assert_eq!(me["userName"], w.username());
    assert_eq!(response.header("x-databricks-org-id"), Some(w.workspace_id().to_string().as_str()));
    let less = get(&w, &format!("{ME}?excludedAttributes=entitlements,groups")).await.ok();
    assert!(less.get("entitlements").is_none() && less.get("groups").is_none());
    assert_eq!(less["id"], me["id"]);
}

#[tokio::test]
async fn wrong_and_missing_tokens_are_refused() {
    let w = fast().await;
    let none = send(&w, "GET", ME, &[], b"").await.unwrap();
    assert_eq!(none.status, 401);
    assert_eq!(none.json()["error_code"], 401);
    assert!(none.header("www-authenticate").is_some());
    let wrong = with(&w, ME, "Bearer dapi0123").await;
    assert_eq!(wrong.status, 403);
    assert_eq!(wrong.json()["error_code"], 403);
    assert!(wrong.text().contains("Invalid access token"));
    // A workspace does not take passwords.
    assert_eq!(with(&w, ME, &basic(w.username(), w.password())).await.status, 401);
}

#[tokio::test]
async fn two_workspaces_share_no_secret() {
    let (a, b) = (fast().await, fast().await);
    assert_ne!(a.token(), b.token());
    assert_ne!(a.client_secret(), b.client_secret());
    assert_eq!(with(&b, ME, &format!("Bearer {}", a.token())).await.status, 403);
}

#[tokio::test]
async fn client_credentials_by_header_or_form_and_discovery() {
    let w = fast().await;
    let document = send(&w, "GET", "/oidc/.well-known/oauth-authorization-server", &[], b"").await.unwrap().ok();
    let endpoint = document["token_endpoint"].as_str().unwrap().to_owned();
    let path = endpoint.strip_prefix(w.url()).unwrap();
    let grant = "grant_type=client_credentials&scope=all-apis";
    let response = token(&w, path, &basic(w.client_id(), w.client_secret()), grant).await;
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let response = response.ok();
    assert_eq!(response["token_type"], "Bearer");
    assert_eq!(response["expires_in"], 3600);
    let bearer = format!("Bearer {}", response["access_token"].as_str().unwrap());
    assert_eq!(with(&w, ME, &bearer).await.status, 200);

    let form = format!("{grant}&client_id={}&client_secret={}", w.client_id(), w.client_secret());
    let account = format!("/oidc/accounts/{}/v1/token", w.account_id());
    assert_eq!(token(&w, &account, "", &form).await.status, 200);
}

#[tokio::test]
async fn oauth_refusals_have_the_oauth_shape() {
    let w = fast().await;
    let grant = "grant_type=client_credentials";
    let wrong = token(&w, "/oidc/v1/token", &basic(w.client_id(), "no"), grant).await;
    assert_eq!(wrong.status, 401);
    assert_eq!(wrong.json()["error"], "invalid_client");
    assert!(wrong.json()["error_description"].is_string());
    let right = basic(w.client_id(), w.client_secret());
    let other = token(&w, "/oidc/v1/token", &right, "grant_type=password").await;
    assert_eq!((other.status, other.json()["error"].as_str()), (400, Some("unsupported_grant_type")));
    let json = send(&w, "POST", "/oidc/v1/token", &[("authorization", &right)], b"{}").await.unwrap();
    assert_eq!((json.status, json.json()["error"].as_str()), (400, Some("invalid_request")));
    assert_eq!(token(&w, "/oidc/accounts/other/v1/token", &right, grant).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn access_tokens_expire() {
    let w = LocalWorkspace::builder().token_lifetime(Duration::from_secs(60)).start().await.unwrap();
    let right = basic(w.client_id(), w.client_secret());
    let response = token(&w, "/oidc/v1/token", &right, "grant_type=client_credentials").await.ok();
    assert_eq!(response["expires_in"], 60);
    let bearer = format!("Bearer {}", response["access_token"].as_str().unwrap());
    assert_eq!(with(&w, ME, &bearer).await.status, 200);
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(with(&w, ME, &bearer).await.status, 401);
}

#[tokio::test]
async fn personal_tokens_are_made_and_revoked() {
    let w = fast().await;
    let made = post(&w, "/api/2.0/token/create", json!({"comment": "x", "lifetime_seconds": 60})).await.ok();
    let bearer = format!("Bearer {}", made["token_value"].as_str().unwrap());
    assert_eq!(with(&w, ME, &bearer).await.status, 200);
    let id = made["token_info"]["token_id"].as_str().unwrap();
    let update = json!({"token": {"comment": "y"}, "update_mask": "comment"});
    call(&w, "PATCH", &format!("/api/2.0/token/{id}"), Some(update)).await.ok();
    let list = get(&w, "/api/2.0/token/list").await.ok();
    let infos = list["token_infos"].as_array().unwrap();
    assert!(infos.iter().any(|t| t["token_id"] == id && t["comment"] == "y"));
    post(&w, "/api/2.0/token/delete", json!({"token_id": id})).await.ok();
    assert_eq!(with(&w, ME, &bearer).await.status, 403);
    post(&w, "/api/2.0/token/delete", json!({"token_id": id})).await.refused(404, "RESOURCE_DOES_NOT_EXIST");
}

#[tokio::test]
async fn foreign_hosts_and_origins_are_refused() {
    let w = fast().await;
    let bearer = format!("Bearer {}", w.token());
    let own = w.url().trim_start_matches("http://").to_owned();
    let port = own.split(':').nth(1).unwrap();
    for (name, value, status) in [
        ("host", "evil.example.com".to_owned(), 403),
        ("host", format!("evil.example.com:{port}"), 403),
        ("host", "127.0.0.1:1".to_owned(), 403),
        ("host", format!("localhost:{port}"), 200),
        ("origin", "https://evil.example.com".to_owned(), 403),
        ("origin", "null".to_owned(), 403),
        ("origin", format!("http://{own}"), 200),
    ] {
        let headers = [("authorization", bearer.as_str()), (name, value.as_str())];
        let response = send(&w, "GET", ME, &headers, b"").await.unwrap();
        assert_eq!(response.status, status, "{name}: {value}: {}", response.text());
    }
}

#[tokio::test]
async fn what_is_not_there_says_so() {
    let w = fast().await;
    let message = get(&w, "/api/2.0/nothing").await.refused(501, "NOT_IMPLEMENTED");
    assert!(message.contains("GET /api/2.0/nothing"), "{message}");
    assert!(message.contains("embedded workspace does not have the operation"), "{message}");
    call(&w, "PUT", ME, None).await.refused(405, "METHOD_NOT_ALLOWED");
    get(&w, "/nothing").await.refused(404, "ENDPOINT_NOT_FOUND");
    let headers = [("authorization", format!("Bearer {}", w.token()))];
    let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let bad = send(&w, "POST", "/api/2.1/clusters/create", &headers, b"{").await.unwrap();
    bad.refused(400, "MALFORMED_REQUEST");
}

#[tokio::test]
async fn a_stop_frees_the_port_and_breaks_connections() {
    let w = fast().await;
    let address = w.url().trim_start_matches("http://").to_owned();
    let mut open = tokio::net::TcpStream::connect(&address).await.unwrap();
    w.shutdown().await;
    let mut buffer = [0];
    let read = tokio::io::AsyncReadExt::read(&mut open, &mut buffer).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    assert!(tokio::net::TcpStream::connect(&address).await.is_err());
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    let e = LocalWorkspace::builder().speed(0.0).start().await.unwrap_err();
    assert!(e.to_string().contains("speed"), "{e}");
    let w = fast().await;
    let port: u16 = w.url().rsplit(':').next().unwrap().parse().unwrap();
    let e = LocalWorkspace::builder().port(port).start().await.unwrap_err();
    assert!(e.to_string().contains("another port"), "{e}");
    assert!(std::error::Error::source(&e).is_some());
}
