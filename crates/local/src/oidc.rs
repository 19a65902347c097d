//! The OAuth side: discovery documents and the token endpoints, client credentials only.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, body::Body};
use http::{HeaderValue, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde_json::json;

use crate::auth::{Credentials, TokenHash, TokenState, same_text};
use crate::extract::{BODY_LIMIT, Query};
use crate::random;
use crate::reply::{ApiError, Json, Reply};
use crate::state::App;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/.well-known/databricks-config", get(host_metadata))
        .route("/oidc/.well-known/oauth-authorization-server", get(workspace_discovery))
        .route("/oidc/accounts/{account_id}/.well-known/oauth-authorization-server", get(account_discovery))
        .route("/oidc/v1/token", post(workspace_token))
        .route("/oidc/accounts/{account_id}/v1/token", post(account_token))
}

/// The access tokens in circulation.
#[derive(Debug, Default)]
pub(crate) struct Oidc(Mutex<Vec<Issued>>);

#[derive(Debug)]
struct Issued {
    hash: TokenHash,
    expires_ms: i64,
}

impl Oidc {
    fn issue(&self, now: i64, lifetime_ms: i64) -> std::io::Result<String> {
        let token = format!("eyJ{}", random::to_hex(&random::bytes::<32>()?));
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Tokens expired for a day are forgotten, so that a long-lived workspace does not grow.
        all.retain(|t| now - t.expires_ms < 24 * 3600 * 1000);
        all.push(Issued { hash: TokenHash::of(&token), expires_ms: now.saturating_add(lifetime_ms) });
        Ok(token)
    }

    pub(crate) fn lookup(&self, token: &str, now: i64) -> TokenState {
        let hash = TokenHash::of(token);
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.iter().find(|t| t.hash.same(&hash)) {
            None => TokenState::Unknown,
            Some(t) if t.expires_ms <= now => TokenState::Expired,
            Some(_) => TokenState::Valid,
        }
    }
}

/// The embedded host serves its workspace and the account alike, hence `unified`.
async fn host_metadata(State(app): State<Arc<App>>) -> Json {
    Json(json!({
        "oidc_endpoint": format!("{}/oidc/accounts/{{account_id}}", app.url),
        "account_id": app.secrets.account_id,
        "workspace_id": app.secrets.workspace_id.to_string(),
        "cloud": "AWS",
        "host_type": "unified",
    }))
}

async fn workspace_discovery(State(app): State<Arc<App>>) -> Json {
    discovery(&format!("{}/oidc", app.url))
}

async fn account_discovery(State(app): State<Arc<App>>, Path(account): Path<String>) -> Reply {
    own_account(&app, &account)?;
    Ok(discovery(&format!("{}/oidc/accounts/{account}", app.url)))
}

/// RFC 8414 metadata.
fn discovery(issuer: &str) -> Json {
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/v1/authorize"),
        "token_endpoint": format!("{issuer}/v1/token"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "scopes_supported": ["all-apis"],
    }))
}

async fn workspace_token(State(app): State<Arc<App>>, request: Request) -> Result<Response, ApiError> {
    token(&app, request).await
}

async fn account_token(
    State(app): State<Arc<App>>,
    Path(account): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    own_account(&app, &account)?;
    token(&app, request).await
}

fn own_account(app: &App, account: &str) -> Result<(), ApiError> {
    if account == app.secrets.account_id {
        return Ok(());
    }
    Err(ApiError::oauth(StatusCode::NOT_FOUND, "invalid_request", format!("Account {account} does not exist")))
}

/// RFC 6749 section 4.4.
async fn token(app: &App, request: Request<Body>) -> Result<Response, ApiError> {
    let bad = |code, text: &str| ApiError::oauth(StatusCode::BAD_REQUEST, code, text);
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, BODY_LIMIT)
        .await
        .map_err(|_| bad("invalid_request", "The form could not be read"))?;
    let is_form = parts
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.starts_with("application/x-www-form-urlencoded"));
    if !is_form {
        return Err(bad("invalid_request", "The content type must be application/x-www-form-urlencoded"));
    }
    let form = Query::parse(std::str::from_utf8(&body).map_err(|_| bad("invalid_request", "The form is not UTF-8"))?);
    let (id, secret) = match Credentials::read(&parts) {
        Credentials::Basic { user, password } => (user, password),
        _ => (
            form.get("client_id").unwrap_or_default().to_owned(),
            form.get("client_secret").unwrap_or_default().to_owned(),
        ),
    };
    if !(same_secret(&id, &app.secrets.client_id) & same_secret(&secret, &app.secrets.client_secret)) {
        return Err(ApiError::oauth(StatusCode::UNAUTHORIZED, "invalid_client", "Client authentication failed"));
    }
    match form.get("grant_type") {
        Some("client_credentials") => {}
        None => return Err(bad("invalid_request", "grant_type is missing")),
        Some(_) => {
            return Err(bad("unsupported_grant_type", "Only client_credentials is supported"));
        }
    }
    let scope = form.get("scope").unwrap_or("all-apis");
    let lifetime = app.settings.token_lifetime;
    let lifetime_ms = i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX);
    let access_token = app
        .oidc
        .issue(app.clock.now_ms(), lifetime_ms)
        .map_err(|e| ApiError::oauth(StatusCode::INTERNAL_SERVER_ERROR, "server_error", e.to_string()))?;
    let mut response = Json(json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": lifetime.as_secs(),
        "scope": scope,
    }))
    .into_response();
    // RFC 6749 section 5.1.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// RFC 6749 section 2.3.1 wants id and secret percent-encoded inside Basic; some clients do it, others do not.
fn same_secret(given: &str, expected: &str) -> bool {
    let decoded = percent_decode_str(given).decode_utf8_lossy();
    same_text(given, expected) | same_text(&decoded, expected)
}
