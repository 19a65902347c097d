//! Secrets, API 2.0.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use serde_json::{Value, json};

use crate::caller::TokenState;
use crate::extract::{Fields, Query};
use crate::reply::{ApiError, Json, Reply};
use crate::state::handles::SecretsHandle;
use crate::state::secrets::{Caller, Permission};
use crate::state::{USER_NAME, lock};

pub(super) fn routes(state: SecretsHandle) -> Router {
    Router::new()
        .route("/api/2.0/secrets/scopes/create", post(create_scope))
        .route("/api/2.0/secrets/scopes/delete", post(delete_scope))
        .route("/api/2.0/secrets/scopes/list", get(list_scopes))
        .route("/api/2.0/secrets/put", post(put))
        .route("/api/2.0/secrets/get", get(read))
        .route("/api/2.0/secrets/list", get(list))
        .route("/api/2.0/secrets/delete", post(delete))
        .route("/api/2.0/secrets/acls/put", post(put_acl))
        .route("/api/2.0/secrets/acls/get", get(read_acl))
        .route("/api/2.0/secrets/acls/list", get(list_acls))
        .route("/api/2.0/secrets/acls/delete", post(delete_acl))
        .with_state(state)
}

/// Who asks: a service principal by a token of OAuth, or the user.
fn caller(state: &SecretsHandle, headers: &HeaderMap) -> Caller {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.split_once(' '));
    let token = token.map_or("", |(_, token)| token.trim());
    match state.identity.grants.lookup(token, state.clock.now_ms()) {
        TokenState::Valid(known) if known.is_service_principal() => Caller { name: known.name, groups: &["users"] },
        _ => Caller { name: USER_NAME.to_owned(), groups: &["users", "admins"] },
    }
}

async fn create_scope(State(state): State<SecretsHandle>, headers: HeaderMap, fields: Fields) -> Reply {
    if fields.opt_enum("scope_backend_type", &["DATABRICKS", "AZURE_KEYVAULT"])? == Some("AZURE_KEYVAULT") {
        return Err(ApiError::invalid_parameter("The embedded workspace has no scopes in a key vault of Azure"));
    }
    let initial = fields.opt_str("initial_manage_principal")?;
    lock(&state.secret_scopes).create(fields.str("scope")?, &caller(&state, &headers), initial)?;
    Ok(Json::empty())
}

async fn delete_scope(State(state): State<SecretsHandle>, headers: HeaderMap, fields: Fields) -> Reply {
    lock(&state.secret_scopes).delete(fields.str("scope")?, &caller(&state, &headers))?;
    Ok(Json::empty())
}

async fn list_scopes(State(state): State<SecretsHandle>, headers: HeaderMap) -> Json {
    listed("scopes", lock(&state.secret_scopes).list(&caller(&state, &headers)))
}

/// An empty list is left out, as the platform does.
fn listed(name: &str, items: Vec<Value>) -> Json {
    Json(if items.is_empty() { json!({}) } else { json!({name: items}) })
}

async fn put(State(state): State<SecretsHandle>, headers: HeaderMap, fields: Fields) -> Reply {
    let bytes = match (fields.opt_str("string_value")?, fields.opt_str("bytes_value")?) {
        (Some(text), None) => text.as_bytes().to_vec(),
        (None, Some(encoded)) => {
            STANDARD.decode(encoded).map_err(|_| ApiError::invalid_parameter("bytes_value is not base64"))?
        }
        _ => return Err(ApiError::malformed("Exactly one of string_value and bytes_value must be there")),
    };
    let place = (fields.str("scope")?, fields.str("key")?);
    lock(&state.secret_scopes).put(place, &caller(&state, &headers), bytes, state.clock.now_ms())?;
    Ok(Json::empty())
}

async fn read(State(state): State<SecretsHandle>, headers: HeaderMap, query: Query) -> Reply {
    let (scope, key) = (query.str("scope")?, query.str("key")?);
    let bytes = lock(&state.secret_scopes).get(scope, key, &caller(&state, &headers))?;
    Ok(Json(json!({"key": key, "value": STANDARD.encode(bytes)})))
}

async fn list(State(state): State<SecretsHandle>, headers: HeaderMap, query: Query) -> Reply {
    Ok(listed("secrets", lock(&state.secret_scopes).keys(query.str("scope")?, &caller(&state, &headers))?))
}

async fn delete(State(state): State<SecretsHandle>, headers: HeaderMap, fields: Fields) -> Reply {
    lock(&state.secret_scopes).remove(fields.str("scope")?, fields.str("key")?, &caller(&state, &headers))?;
    Ok(Json::empty())
}

async fn put_acl(State(state): State<SecretsHandle>, headers: HeaderMap, fields: Fields) -> Reply {
    let permission =
        fields.opt_enum("permission", Permission::NAMES)?.ok_or_else(|| crate::extract::missing("permission"))?;
    let (scope, principal) = (fields.str("scope")?, fields.str("principal")?);
    lock(&state.secret_scopes).put_acl(scope, principal, Permission::of(permission), &caller(&state, &headers))?;
    Ok(Json::empty())
}

async fn read_acl(State(state): State<SecretsHandle>, headers: HeaderMap, query: Query) -> Reply {
    let (scope, principal) = (query.str("scope")?, query.str("principal")?);
    lock(&state.secret_scopes).acl(scope, principal, &caller(&state, &headers)).map(Json)
}

async fn list_acls(State(state): State<SecretsHandle>, headers: HeaderMap, query: Query) -> Reply {
    Ok(listed("items", lock(&state.secret_scopes).acls(query.str("scope")?, &caller(&state, &headers))?))
}

async fn delete_acl(State(state): State<SecretsHandle>, headers: HeaderMap, fields: Fields) -> Reply {
    let (scope, principal) = (fields.str("scope")?, fields.str("principal")?);
    lock(&state.secret_scopes).delete_acl(scope, principal, &caller(&state, &headers))?;
    Ok(Json::empty())
}
