//! SCIM: who am I.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde_json::{Value, json};

use crate::extract::Query;
use crate::reply::Json;
use crate::state::{App, USER_NAME};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/api/2.0/preview/scim/v2/Me", get(me))
}

async fn me(State(app): State<Arc<App>>, query: Query) -> Json {
    let user = json!({
        "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:workspace:2.0:User",
        ],
        "id": (app.secrets.workspace_id % 1_000_000_007).to_string(),
        "userName": USER_NAME,
        "displayName": "Local User",
        "active": true,
        "name": {"givenName": "Local", "familyName": "User"},
        "emails": [{"type": "work", "value": USER_NAME, "primary": true}],
        "entitlements": [
            {"value": "allow-cluster-create"},
            {"value": "databricks-sql-access"},
            {"value": "workspace-access"},
        ],
        "groups": [
            {"display": "admins", "type": "direct", "value": "1001", "$ref": "Groups/1001"},
            {"display": "users", "type": "direct", "value": "1002", "$ref": "Groups/1002"},
        ],
        "roles": [],
    });
    Json(select(user, query.get("attributes"), query.get("excludedAttributes")))
}

/// RFC 7644 section 3.9, top-level attributes only; `schemas` and `id` always come.
fn select(user: Value, wanted: Option<&str>, excluded: Option<&str>) -> Value {
    let has = |list: &str, name: &str| {
        list.split(',').filter_map(|a| a.trim().split('.').next()).any(|a| a.eq_ignore_ascii_case(name))
    };
    let Value::Object(members) = user else {
        return user;
    };
    members
        .into_iter()
        .filter(|(name, _)| {
            matches!(name.as_str(), "schemas" | "id")
                || wanted.is_none_or(|list| has(list, name)) && !excluded.is_some_and(|list| has(list, name))
        })
        .collect()
}
