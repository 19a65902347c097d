//! Personal access tokens and their management, API 2.0.

use axum::Router;
use axum::extract::{Extension, Path, State};
use axum::routing::{get, patch, post};
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::extract::{Fields, Query, missing};
use crate::random;
use crate::records::call::text;
use crate::reply::{ApiError, Json, Reply};
use crate::state::handles::TokensHandle;
use crate::state::tokens::{NewToken, Of, Tokens};

pub(super) fn routes(state: TokensHandle) -> Router {
    const MANAGEMENT: &str = "/api/2.0/token-management";
    Router::new()
        .route("/api/2.0/token/create", post(create))
        .route("/api/2.0/token/list", get(list))
        .route("/api/2.0/token/delete", post(delete))
        .route("/api/2.0/token/{token_id}", patch(update))
        .route(&format!("{MANAGEMENT}/on-behalf-of/tokens"), post(create_for_another))
        .route(&format!("{MANAGEMENT}/tokens"), get(list_all))
        .route(&format!("{MANAGEMENT}/tokens/{{id}}"), get(read).delete(delete_any).patch(update_any))
        .with_state(state)
}

impl TokensHandle {
    fn tokens(&self) -> Tokens<'_> {
        Tokens(&self.records)
    }
}

fn new_token(fields: &Fields) -> Result<NewToken, ApiError> {
    let lifetime_seconds = fields.opt_i64("lifetime_seconds")?;
    if lifetime_seconds.is_some_and(|s| s <= 0) {
        return Err(ApiError::invalid_parameter(
            "lifetime_seconds must be positive; leave it out for a token that does not expire",
        ));
    }
    Ok(NewToken {
        comment: fields.opt_str("comment")?.unwrap_or_default().to_owned(),
        lifetime_seconds,
        scopes: fields.opt_strings("scopes")?,
    })
}

fn issue(state: &TokensHandle, new: NewToken, owner: &Caller, creator: &Caller) -> Result<(String, Value), ApiError> {
    let secret = random::bytes::<16>().map_err(|e| ApiError::internal(e.to_string()))?;
    let value = format!("dapi{}", random::to_hex(&secret));
    let info = state.tokens().add(&value, &state.ids.hex32(), new, owner, creator, state.clock.now_ms())?;
    Ok((value, info))
}

async fn create(State(state): State<TokensHandle>, Extension(caller): Extension<Caller>, fields: Fields) -> Reply {
    let (value, info) = issue(&state, new_token(&fields)?, &caller, &caller)?;
    Ok(Json(json!({"token_value": value, "token_info": info})))
}

async fn list(State(state): State<TokensHandle>, Extension(caller): Extension<Caller>) -> Json {
    Json(json!({"token_infos": state.tokens().list(Of::Owner(&caller))}))
}

async fn delete(State(state): State<TokensHandle>, Extension(caller): Extension<Caller>, fields: Fields) -> Reply {
    state.tokens().delete(fields.str("token_id")?, Of::Owner(&caller))?;
    Ok(Json::empty())
}

/// What an update changes: comment and scopes.
fn changes(fields: &Fields) -> Result<(Option<String>, Option<Vec<String>>), ApiError> {
    let token = fields.opt_object("token")?.ok_or_else(|| missing("token"))?;
    let mut comment = None;
    let mut scopes = None;
    for member in fields.str("update_mask")?.split(',').map(str::trim) {
        match member {
            "comment" => comment = Some(token.opt_str("comment")?.unwrap_or_default().to_owned()),
            "scopes" => scopes = Some(token.opt_strings("scopes")?.unwrap_or_default()),
            other => {
                return Err(ApiError::invalid_parameter(format!(
                    "update_mask: '{other}' cannot be updated; expected comment or scopes"
                )));
            }
        }
    }
    Ok((comment, scopes))
}

async fn update(
    State(state): State<TokensHandle>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    fields: Fields,
) -> Reply {
    let (comment, scopes) = changes(&fields)?;
    state.tokens().update(&id, Of::Owner(&caller), comment, scopes)?;
    Ok(Json::empty())
}

async fn create_for_another(
    State(state): State<TokensHandle>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Reply {
    let application = fields.str("application_id")?;
    let all = state.records.list("scim/ServicePrincipals");
    let found = all.iter().find(|p| text(p, "applicationId") == application);
    let id = found.map(|p| text(p, "id").to_owned());
    let id = id.ok_or_else(|| ApiError::not_found(format!("Service principal {application} does not exist")))?;
    let owner = Caller::service_principal(id, application);
    let (value, info) = issue(&state, new_token(&fields)?, &owner, &caller)?;
    let shown = state.tokens().get_managed(info["token_id"].as_str().unwrap_or_default())?;
    Ok(Json(json!({"token_value": value, "token_info": shown})))
}

async fn list_all(State(state): State<TokensHandle>, query: Query) -> Reply {
    let by_name = query.get("created_by_username");
    let by_id = query.opt_i64("created_by_id")?;
    let all = state.tokens().list_managed().into_iter();
    let all: Vec<_> = all
        .filter(|t| by_name.is_none_or(|name| t["created_by_username"] == name))
        .filter(|t| by_id.is_none_or(|id| t["created_by_id"] == id))
        .collect();
    Ok(Json(json!({"token_infos": all})))
}

async fn read(State(state): State<TokensHandle>, Path(id): Path<String>) -> Reply {
    Ok(Json(json!({"token_info": state.tokens().get_managed(&id)?})))
}

async fn delete_any(State(state): State<TokensHandle>, Path(id): Path<String>) -> Reply {
    state.tokens().delete(&id, Of::Everyone)?;
    Ok(Json::empty())
}

async fn update_any(State(state): State<TokensHandle>, Path(id): Path<String>, fields: Fields) -> Reply {
    let (comment, scopes) = changes(&fields)?;
    state.tokens().update(&id, Of::Everyone, comment, scopes).map(Json)
}
