//! Personal access tokens, API 2.0.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, patch, post};
use serde_json::json;

use crate::extract::{Fields, missing};
use crate::random;
use crate::reply::{ApiError, Json, Reply};
use crate::state::App;
use crate::state::tokens::NewToken;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/2.0/token/create", post(create))
        .route("/api/2.0/token/list", get(list))
        .route("/api/2.0/token/delete", post(delete))
        .route("/api/2.0/token/{token_id}", patch(update))
}

async fn create(State(app): State<Arc<App>>, fields: Fields) -> Reply {
    let lifetime_seconds = fields.opt_i64("lifetime_seconds")?;
    if lifetime_seconds.is_some_and(|s| s <= 0) {
        return Err(ApiError::invalid_parameter(
            "lifetime_seconds must be positive; leave it out for a token that does not expire",
        ));
    }
    let new = NewToken {
        comment: fields.opt_str("comment")?.unwrap_or_default().to_owned(),
        lifetime_seconds,
        scopes: fields.opt_strings("scopes")?,
    };
    let secret = random::bytes::<16>().map_err(|e| ApiError::internal(e.to_string()))?;
    let value = format!("dapi{}", random::to_hex(&secret));
    let info = app.tokens.add(&value, app.ids.hex32(), new, app.clock.now_ms());
    Ok(Json(json!({"token_value": value, "token_info": info})))
}

async fn list(State(app): State<Arc<App>>) -> Json {
    Json(json!({"token_infos": app.tokens.list()}))
}

async fn delete(State(app): State<Arc<App>>, fields: Fields) -> Reply {
    app.tokens.delete(fields.str("token_id")?)?;
    Ok(Json::empty())
}

async fn update(State(app): State<Arc<App>>, Path(id): Path<String>, fields: Fields) -> Reply {
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
    app.tokens.update(&id, comment, scopes)?;
    Ok(Json::empty())
}
