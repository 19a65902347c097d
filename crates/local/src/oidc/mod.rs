//! The OAuth side: discovery documents, the consent page and the token endpoints.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::json;

use crate::reply::{ApiError, Json, Reply};
use crate::state::handles::OidcHandle;

mod authorize;
mod token;

pub(crate) fn routes(state: OidcHandle) -> Router {
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
        .with_state(state)
}

/// The embedded host serves its workspace and the account alike, hence `unified`.
async fn host_metadata(State(state): State<OidcHandle>) -> Json {
    Json(json!({
        "oidc_endpoint": format!("{}/oidc/accounts/{{account_id}}", state.place.base_url()),
        "account_id": state.place.account_id,
        "workspace_id": state.place.workspace_id.to_string(),
        "cloud": "AWS",
        "host_type": "unified",
    }))
}

async fn workspace_discovery(State(state): State<OidcHandle>) -> Json {
    discovery(&format!("{}/oidc", state.place.base_url()))
}

async fn account_discovery(State(state): State<OidcHandle>, Path(account): Path<String>) -> Reply {
    own_account(&state, &account)?;
    Ok(discovery(&format!("{}/oidc/accounts/{account}", state.place.base_url())))
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

async fn workspace_token(State(state): State<OidcHandle>, request: Request) -> Result<Response, ApiError> {
    token::issue(&state.identity, request).await
}

async fn account_token(
    State(state): State<OidcHandle>,
    Path(account): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    own_account(&state, &account)?;
    token::issue(&state.identity, request).await
}

fn own_account(state: &OidcHandle, account: &str) -> Result<(), ApiError> {
    if account == state.place.account_id {
        return Ok(());
    }
    Err(ApiError::oauth(StatusCode::NOT_FOUND, "invalid_request", format!("Account {account} does not exist")))
}
