//! The authorization code flow with PKCE.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use databricks_local::LocalWorkspace;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::client::{Response, fast, send};

const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-xxxx";

fn request(redirect: &str) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER.as_bytes()));
    format!(
        "response_type=code&client_id=databricks-cli&redirect_uri={redirect}&state=s1&scope=all-apis+offline_access\
         &code_challenge={challenge}&code_challenge_method=S256"
    )
}

async fn form(w: &LocalWorkspace, target: &str, body: &str) -> Response {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    send(w, "POST", target, &headers, body.as_bytes()).await.unwrap()
}

async fn code(w: &LocalWorkspace) -> String {
    let decided = form(w, "/oidc/v1/authorize", &format!("{}&decision=allow", request("http://localhost:1/x"))).await;
    assert_eq!(decided.status, 302, "{}", decided.text());
    let location = decided.header("location").unwrap().to_owned();
    assert!(location.starts_with("http://localhost:1/x?code=") && location.ends_with("&state=s1"), "{location}");
    location.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned()
}

fn exchange(code: &str, verifier: &str) -> String {
    format!(
        "grant_type=authorization_code&client_id=databricks-cli&code={code}&redirect_uri=http://localhost:1/x\
         &code_verifier={verifier}"
    )
}

#[tokio::test]
async fn a_code_becomes_tokens_once_and_refresh_tokens_rotate() {
    let w = fast().await;
    let page = send(&w, "GET", &format!("/oidc/v1/authorize?{}", request("http://localhost:1/x")), &[], b"").await;
    let page = page.unwrap();
    assert!(page.status == 200 && page.text().contains("databricks-cli"));
    let code = code(&w).await;
    let tokens: Value = form(&w, "/oidc/v1/token", &exchange(&code, VERIFIER)).await.ok();
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let me = send(&w, "GET", "/api/2.0/preview/scim/v2/Me", &[("authorization", bearer.as_str())], b"").await.unwrap();
    assert_eq!(me.ok()["userName"], w.username());
    assert_eq!(form(&w, "/oidc/v1/token", &exchange(&code, VERIFIER)).await.json()["error"], "invalid_grant");
    let refresh = format!(
        "grant_type=refresh_token&client_id=databricks-cli&refresh_token={}",
        tokens["refresh_token"].as_str().unwrap()
    );
    let renewed = form(&w, "/oidc/v1/token", &refresh).await.ok();
    assert_ne!(renewed["refresh_token"], tokens["refresh_token"]);
    assert_eq!(form(&w, "/oidc/v1/token", &refresh).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_wrong_verifier_and_foreign_redirects_are_refused() {
    let w = fast().await;
    let code = code(&w).await;
    assert_eq!(form(&w, "/oidc/v1/token", &exchange(&code, "other")).await.json()["error"], "invalid_grant");
    let target = format!("/oidc/v1/authorize?{}", request("https://example.com/x"));
    assert_eq!(send(&w, "GET", &target, &[], b"").await.unwrap().status, 400);
    let denied = form(&w, "/oidc/v1/authorize", &format!("{}&decision=deny", request("http://localhost:1/x"))).await;
    assert!(denied.header("location").unwrap().contains("error=access_denied"));
}

#[tokio::test]
async fn tokens_of_other_issuers_are_not_exchanged() {
    let w = fast().await;
    let grant = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token=";
    let own = form(&w, "/oidc/v1/token", &format!("{grant}{}", w.token())).await.ok();
    assert_eq!(own["token_type"], "Bearer");
    assert_eq!(form(&w, "/oidc/v1/token", &format!("{grant}eyJx.y.z")).await.json()["error"], "invalid_grant");
    let document = send(&w, "GET", "/oidc/.well-known/oauth-authorization-server", &[], b"").await.unwrap().ok();
    for name in ["authorization_endpoint", "jwks_uri"] {
        let path = document[name].as_str().unwrap().strip_prefix(w.url()).unwrap().to_owned();
        assert_ne!(send(&w, "GET", &path, &[], b"").await.unwrap().status, 404, "{name}");
    }
}
