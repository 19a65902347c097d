//! Users, groups and secrets.

use serde_json::{Value, json};
use serde_saphyr::Spanned;

use super::SeedError;
use super::desk::{Desk, failed, segment};
use super::document::{Pairs, User};
use crate::reply::ApiError;

const USERS: &str = "/api/2.0/preview/scim/v2/Users";
const GROUPS: &str = "/api/2.0/preview/scim/v2/Groups";

/// The identifier of the resource whose attribute has that value.
async fn find(desk: &Desk, resources: &str, attribute: &str, value: &str) -> Result<Option<String>, ApiError> {
    let text = value.replace('\\', "\\\\").replace('"', "\\\"");
    let filter = segment(&format!("{attribute} eq \"{text}\""));
    let found = desk.get(&format!("{resources}?filter={filter}")).await?;
    Ok(found["Resources"][0]["id"].as_str().map(str::to_owned))
}

pub(super) async fn users(desk: &Desk, users: &[Spanned<User>]) -> Result<(), SeedError> {
    for user in users {
        let line = user.referenced.line();
        let name = user.value.0.get("userName").and_then(Value::as_str).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| SeedError::at(line, "a user needs a userName"))?;
        let what = format!("the user {name}");
        if find(desk, USERS, "userName", name).await.map_err(failed(line, &what))?.is_none() {
            let body = Value::Object(user.value.0.clone());
            desk.post(USERS, &body).await.map_err(failed(line, &what))?;
        }
    }
    Ok(())
}

pub(super) async fn groups(desk: &Desk, groups: &Pairs<Spanned<Vec<String>>>) -> Result<(), SeedError> {
    for (name, members) in &groups.0 {
        let line = members.referenced.line();
        let what = format!("the group {name}");
        let mut ids = Vec::new();
        for member in &members.value {
            let id = find(desk, USERS, "userName", member).await.map_err(failed(line, &what))?;
            let missing =
                || SeedError::at(line, format!("cannot make {what}: there is no user {member}; add it to users"));
            ids.push(json!({"value": id.ok_or_else(missing)?}));
        }
        if find(desk, GROUPS, "displayName", name).await.map_err(failed(line, &what))?.is_none() {
            let body = json!({"displayName": name, "members": ids});
            desk.post(GROUPS, &body).await.map_err(failed(line, &what))?;
        }
    }
    Ok(())
}

pub(super) async fn secrets(desk: &Desk, scopes: &Pairs<Pairs<Spanned<String>>>) -> Result<(), SeedError> {
    for (scope, secrets) in &scopes.0 {
        // A scope has no place of its own; that of its first secret is next to it.
        let line = secrets.0.first().map(|(_, value)| value.referenced.line());
        let refused =
            |error: ApiError| SeedError::at(line, format!("cannot make the secret scope {scope}: {}", error.message()));
        let known = desk.get("/api/2.0/secrets/scopes/list").await.map_err(refused)?;
        if !has(&known["scopes"], "name", scope) {
            desk.post("/api/2.0/secrets/scopes/create", &json!({"scope": scope})).await.map_err(refused)?;
        }
        let known = desk.get(&format!("/api/2.0/secrets/list?scope={}", segment(scope))).await.map_err(refused)?;
        for (key, value) in &secrets.0 {
            if has(&known["secrets"], "key", key) {
                continue;
            }
            let body = json!({"scope": scope, "key": key, "string_value": value.value});
            let what = format!("the secret {scope}/{key}");
            desk.post("/api/2.0/secrets/put", &body).await.map_err(failed(value.referenced.line(), &what))?;
        }
    }
    Ok(())
}

/// Whether a list has an item with that value.
fn has(list: &Value, member: &str, value: &str) -> bool {
    list.as_array().is_some_and(|all| all.iter().any(|item| item[member] == value))
}
