//! OAuth app integrations of the account, API 2.0.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::extract::{Fields, Query};
use crate::paging::{Limits, page};
use crate::random;
use crate::reply::{ApiError, Json, Reply};
use crate::state::handles::IntegrationsHandle;
use crate::state::integrations::{published_apps, with_creator};
use crate::state::lock;

const BASE: &str = "/api/2.0/accounts/{account_id}/oauth2";
const LIMITS: Limits = Limits { usual: 100, max: 200 };
/// What an update of a custom integration can replace.
const CUSTOM_LISTS: [&str; 3] = ["redirect_urls", "scopes", "user_authorized_scopes"];

pub(super) fn routes(state: IntegrationsHandle) -> Router {
    Router::new()
        .route(&format!("{BASE}/published-apps"), get(list_apps))
        .route(&format!("{BASE}/published-app-integrations"), get(list_published).post(create_published))
        .route(
            &format!("{BASE}/published-app-integrations/{{id}}"),
            get(get_published).delete(delete_published).patch(update_published),
        )
        .route(&format!("{BASE}/custom-app-integrations"), get(list_custom).post(create_custom))
        .route(
            &format!("{BASE}/custom-app-integrations/{{id}}"),
            get(get_custom).delete(delete_custom).patch(update_custom),
        )
        .with_state(state)
}

fn own_account(state: &IntegrationsHandle, account: &str) -> Result<(), ApiError> {
    if account == state.place.account_id {
        return Ok(());
    }
    Err(ApiError::not_found(format!("Account {account} does not exist")))
}

fn apps(all: Vec<Value>, list: &str, query: &Query) -> Reply {
    let size = query.opt_i64("page_size")?;
    let page = page(all, list, size, query.get("page_token"), LIMITS)?;
    let mut out = json!({"apps": page.items});
    if let Some(token) = page.next {
        out["next_page_token"] = json!(token);
    }
    Ok(Json(out))
}

async fn list_apps(State(state): State<IntegrationsHandle>, Path(account): Path<String>, query: Query) -> Reply {
    own_account(&state, &account)?;
    apps(published_apps(), "published-apps", &query)
}

async fn list_published(State(state): State<IntegrationsHandle>, Path(account): Path<String>, query: Query) -> Reply {
    own_account(&state, &account)?;
    apps(lock(&state.published).list(), "published-app-integrations", &query)
}

async fn create_published(
    State(state): State<IntegrationsHandle>,
    Path(account): Path<String>,
    fields: Fields,
) -> Reply {
    own_account(&state, &account)?;
    let id = lock(&state.published).create_published(&fields, Clock::rfc3339(state.clock.now_ms()))?;
    Ok(Json(json!({"integration_id": id})))
}

async fn get_published(State(state): State<IntegrationsHandle>, Path((account, id)): Path<(String, String)>) -> Reply {
    own_account(&state, &account)?;
    lock(&state.published).get(&id).map(Json)
}

async fn delete_published(
    State(state): State<IntegrationsHandle>,
    Path((account, id)): Path<(String, String)>,
) -> Reply {
    own_account(&state, &account)?;
    lock(&state.published).delete(&id)?;
    Ok(Json::empty())
}

async fn update_published(
    State(state): State<IntegrationsHandle>,
    Path((account, id)): Path<(String, String)>,
    fields: Fields,
) -> Reply {
    own_account(&state, &account)?;
    lock(&state.published).update(&id, &fields, &[])?;
    Ok(Json::empty())
}

async fn list_custom(State(state): State<IntegrationsHandle>, Path(account): Path<String>, query: Query) -> Reply {
    own_account(&state, &account)?;
    let mut all = lock(&state.custom).list();
    if query.opt_bool("include_creator_username")? == Some(true) {
        all = with_creator(all);
    }
    apps(all, "custom-app-integrations", &query)
}

/// The secret of a confidential client is told once, here.
async fn create_custom(State(state): State<IntegrationsHandle>, Path(account): Path<String>, fields: Fields) -> Reply {
    own_account(&state, &account)?;
    let (id, client_id) = (state.ids.uuid(), state.ids.uuid());
    let created = Clock::rfc3339(state.clock.now_ms());
    lock(&state.custom).create_custom(&id, &client_id, &fields, created)?;
    let mut out = json!({"integration_id": id, "client_id": client_id});
    if fields.opt_bool("confidential")? == Some(true) {
        let secret = random::bytes::<16>().map_err(|e| ApiError::internal(e.to_string()))?;
        let secret = format!("dose{}", random::to_hex(&secret));
        lock(&state.custom).keep_secret(&id, &client_id, &secret)?;
        out["client_secret"] = json!(secret);
    }
    Ok(Json(out))
}

async fn get_custom(State(state): State<IntegrationsHandle>, Path((account, id)): Path<(String, String)>) -> Reply {
    own_account(&state, &account)?;
    lock(&state.custom).get(&id).map(Json)
}

async fn delete_custom(State(state): State<IntegrationsHandle>, Path((account, id)): Path<(String, String)>) -> Reply {
    own_account(&state, &account)?;
    lock(&state.custom).delete(&id)?;
    Ok(Json::empty())
}

async fn update_custom(
    State(state): State<IntegrationsHandle>,
    Path((account, id)): Path<(String, String)>,
    fields: Fields,
) -> Reply {
    own_account(&state, &account)?;
    lock(&state.custom).update(&id, &fields, &CUSTOM_LISTS)?;
    Ok(Json::empty())
}
