//! The token endpoint: RFC 6749 sections 4.1.3, 4.4 and 6, and RFC 8693.

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderValue, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::auth::Credentials;
use crate::caller::{Caller, TokenState, same_text};
use crate::extract::{BODY_LIMIT, Query};
use crate::records::special::principal_of;
use crate::reply::{ApiError, Json};
use crate::state::grants::Grant;
use crate::state::identity::Identity;
use crate::state::lock;

pub(super) const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

fn bad(code: &'static str, text: &str) -> ApiError {
    ApiError::oauth(StatusCode::BAD_REQUEST, code, text)
}

/// What the client proved to be.
struct Client {
    id: String,
    secret: String,
}

pub(super) async fn issue(identity: &Identity, request: Request<Body>) -> Result<Response, ApiError> {
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
    let client = match Credentials::read(&parts) {
        // RFC 6749 section 2.3.1 wants both percent-encoded inside Basic; some clients do it, others do not.
        Credentials::Basic { user, password } => Client { id: user, secret: password },
        _ => Client {
            id: form.get("client_id").unwrap_or_default().to_owned(),
            secret: form.get("client_secret").unwrap_or_default().to_owned(),
        },
    };
    match form.get("grant_type") {
        Some("client_credentials") => client_credentials(identity, &client, &form),
        Some("authorization_code") => authorization_code(identity, &client, &form),
        Some("refresh_token") => refresh_token(identity, &client, &form),
        Some(TOKEN_EXCHANGE) => token_exchange(identity, &form),
        // Who the client is matters more than what it asks for.
        other => {
            machine(identity, &client)?;
            Err(match other {
                None => bad("invalid_request", "grant_type is missing"),
                Some(_) => bad(
                    "unsupported_grant_type",
                    "Only client_credentials, authorization_code, refresh_token and token exchange are supported",
                ),
            })
        }
    }
}

fn invalid_client() -> ApiError {
    ApiError::oauth(StatusCode::UNAUTHORIZED, "invalid_client", "Client authentication failed")
}

fn same_secret(given: &str, expected: &str) -> bool {
    let decoded = percent_decode_str(given).decode_utf8_lossy();
    same_text(given, expected) | same_text(&decoded, expected)
}

/// The service principal that the client's secret belongs to.
fn machine(identity: &Identity, client: &Client) -> Result<Caller, ApiError> {
    let first = same_secret(&client.id, &identity.secrets.client_id)
        & same_secret(&client.secret, &identity.secrets.client_secret);
    if first {
        return Ok(identity.principal.clone());
    }
    let (id, secret) = (&client.id, percent_decode_str(&client.secret).decode_utf8_lossy());
    let found = principal_of(&identity.records, id, &secret, identity.clock.now_ms());
    found.map(|own| Caller::service_principal(own, id)).ok_or_else(invalid_client)
}

fn client_credentials(identity: &Identity, client: &Client, form: &Query) -> Result<Response, ApiError> {
    let caller = machine(identity, client)?;
    respond(identity, caller, form.get("scope").unwrap_or("all-apis"), None)
}

/// Confidential custom integrations prove who they are; others are known by their name alone.
fn known_client(identity: &Identity, client: &Client) -> Result<(), ApiError> {
    let secret = percent_decode_str(&client.secret).decode_utf8_lossy();
    match lock(&identity.custom).is_secret_of(&client.id, &secret) {
        Some(false) => Err(invalid_client()),
        Some(true) | None => Ok(()),
    }
}

fn authorization_code(identity: &Identity, client: &Client, form: &Query) -> Result<Response, ApiError> {
    known_client(identity, client)?;
    let refuse = |text: &str| bad("invalid_grant", text);
    let code = form.get("code").unwrap_or_default();
    let taken = identity.grants.take_code(code, identity.clock.now_ms());
    let (caller, code) = taken.ok_or_else(|| refuse("The code is not known, was used or has expired"))?;
    if code.grant.client_id != client.id {
        return Err(refuse("The code was given to another client"));
    }
    if form.get("redirect_uri") != Some(code.redirect_uri.as_str()) {
        return Err(refuse("redirect_uri is not that of the authorization"));
    }
    let verifier = form.get("code_verifier").unwrap_or_default();
    if !same_text(&URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())), &code.challenge) {
        return Err(refuse("code_verifier does not fit the challenge"));
    }
    let scope = code.grant.scope.clone();
    respond(identity, caller, &scope, Some(code.grant))
}

fn refresh_token(identity: &Identity, client: &Client, form: &Query) -> Result<Response, ApiError> {
    known_client(identity, client)?;
    let token = form.get("refresh_token").unwrap_or_default();
    let taken = identity.grants.take_refresh(token, identity.clock.now_ms());
    let refuse = || bad("invalid_grant", "The refresh token is not known, was used or has expired");
    let (caller, grant) = taken.ok_or_else(refuse)?;
    if grant.client_id != client.id {
        return Err(refuse());
    }
    let scope = grant.scope.clone();
    respond(identity, caller, &scope, Some(grant))
}

/// A token of this workspace for another one of it. Tokens of other issuers cannot be checked here.
fn token_exchange(identity: &Identity, form: &Query) -> Result<Response, ApiError> {
    let subject = form.get("subject_token").ok_or_else(|| bad("invalid_request", "subject_token is missing"))?;
    let now = identity.clock.now_ms();
    let state = match identity.grants.lookup(subject, now) {
        TokenState::Unknown => identity.tokens().lookup(subject, now),
        known => known,
    };
    match state {
        TokenState::Valid(caller) => respond(identity, caller, form.get("scope").unwrap_or("all-apis"), None),
        TokenState::Expired => Err(bad("invalid_grant", "The subject token has expired")),
        TokenState::Unknown => Err(bad(
            "invalid_grant",
            "The subject token is not one of this workspace; the embedded workspace trusts no other issuer",
        )),
    }
}

fn respond(identity: &Identity, caller: Caller, scope: &str, grant: Option<Grant>) -> Result<Response, ApiError> {
    let failed = |e: std::io::Error| ApiError::oauth(StatusCode::INTERNAL_SERVER_ERROR, "server_error", e.to_string());
    let lifetime = identity.token_lifetime;
    let lifetime_ms = i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX);
    let now = identity.clock.now_ms();
    let access_token = identity.grants.access(caller.clone(), now, lifetime_ms).map_err(failed)?;
    let mut out = json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": lifetime.as_secs(),
        "scope": scope,
    });
    if let Some(grant) = grant.filter(|g| g.scope.split(' ').any(|s| s == "offline_access")) {
        out["refresh_token"] = json!(identity.grants.refresh(caller, grant, now).map_err(failed)?);
    }
    let mut response = Json(out).into_response();
    // RFC 6749 section 5.1.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
