//! The OAuth side: discovery documents, the consent page and the token endpoints.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::json;

use crate::reply::{ApiError, Json, Reply};
use crate::state::App;

mod authorize;
mod token;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/.well-known/databricks-config", get(host_metadata))
        .route("/oidc/.well-known/oauth-authorization-server", get(workspace_discovery))
        .route("/oidc/.well-known/openid-configuration", get(workspace_discovery))
        .route("/oidc/accounts/{account_id}/.well-known/oauth-authorization-server", get(account_discovery))
        .route("/oidc/accounts/{account_id}/.well-known/openid-configuration", get(account_discovery))
        .route("/oidc/jwks.json", get(keys))
        .route("/oidc/accounts/{account_id}/jwks.json", get(keys))
        .route("/oidc/v1/authorize", get(authorize::page).post(authorize::decide))
        .route("/oidc/accounts/{account_id}/v1/authorize", get(authorize::page).post(authorize::decide))
        .route("/oidc/v1/token", post(workspace_token))
        .route("/oidc/accounts/{account_id}/v1/token", post(account_token))
}

/// The embedded host serves its workspace and the account alike, hence `unified`.
async fn host_metadata(State(app): State<Arc<App>>) -> Json {
    Json(json!({
        "oidc_endpoint": format!("{}/oidc/accounts/{{account_id}}", app.base_url()),
        "account_id": app.secrets.account_id,
        "workspace_id": app.secrets.workspace_id.to_string(),
        "cloud": "AWS",
        "host_type": "unified",
    }))
}

async fn workspace_discovery(State(app): State<Arc<App>>) -> Json {
    discovery(&format!("{}/oidc", app.base_url()))
}

async fn account_discovery(State(app): State<Arc<App>>, Path(account): Path<String>) -> Reply {
    own_account(&app, &account)?;
    Ok(discovery(&format!("{}/oidc/accounts/{account}", app.base_url())))
}

/// RFC 8414 metadata.
fn discovery(issuer: &str) -> Json {
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/v1/authorize"),
        "token_endpoint": format!("{issuer}/v1/token"),
        "jwks_uri": format!("{issuer}/jwks.json"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [
            "client_credentials",
            "authorization_code",
            "refresh_token",
            token::TOKEN_EXCHANGE,
        ],
        "code_challenge_methods_supported": ["S256"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "scopes_supported": ["all-apis", "offline_access", "openid", "sql"],
    }))
}

/// Access tokens are opaque and signed with no key, so there is none to publish.
async fn keys() -> Json {
    Json(json!({"keys": []}))
}

async fn workspace_token(State(app): State<Arc<App>>, request: Request) -> Result<Response, ApiError> {
    token::issue(&app, request).await
}

async fn account_token(
    State(app): State<Arc<App>>,
    Path(account): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    own_account(&app, &account)?;
    token::issue(&app, request).await
}

fn own_account(app: &App, account: &str) -> Result<(), ApiError> {
    if account == app.secrets.account_id {
        return Ok(());
    }
    Err(ApiError::oauth(StatusCode::NOT_FOUND, "invalid_request", format!("Account {account} does not exist")))
}
