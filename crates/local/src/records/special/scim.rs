//! SCIM: users, groups and service principals, of the workspace and the account alike.

use serde_json::{Map, Value, json};

use super::Run;
use crate::records::call::{Call, set, text};
use crate::records::store::{Change, Record};
use crate::reply::{ApiError, Json, Reply};
use crate::scim::{Filter, patch, select};

pub(super) const OPERATIONS: &[(&str, Run)] = &[
    ("current_user.me", |call| me(call)),
    ("users.list", |call| list(call, &USERS)),
    ("users.create", |call| create(call, &USERS)),
    ("users.get", |call| get(call, &USERS)),
    ("users.update", |call| update(call, &USERS)),
    ("users.patch", |call| change(call, &USERS)),
    ("users.delete", |call| delete(call, &USERS)),
    ("groups.list", |call| list(call, &GROUPS)),
    ("groups.create", |call| create(call, &GROUPS)),
    ("groups.get", |call| get(call, &GROUPS)),
    ("groups.update", |call| update(call, &GROUPS)),
    ("groups.patch", |call| change(call, &GROUPS)),
    ("groups.delete", |call| delete(call, &GROUPS)),
    ("service_principals.list", |call| list(call, &PRINCIPALS)),
    ("service_principals.create", |call| create(call, &PRINCIPALS)),
    ("service_principals.get", |call| get(call, &PRINCIPALS)),
    ("service_principals.update", |call| update(call, &PRINCIPALS)),
    ("service_principals.patch", |call| change(call, &PRINCIPALS)),
    ("service_principals.delete", |call| delete(call, &PRINCIPALS)),
    ("account_users.list", |call| list(call, &USERS)),
    ("account_users.create", |call| create(call, &USERS)),
    ("account_users.get", |call| get(call, &USERS)),
    ("account_users.update", |call| update(call, &USERS)),
    ("account_users.patch", |call| change(call, &USERS)),
    ("account_users.delete", |call| delete(call, &USERS)),
    ("account_groups.list", |call| list(call, &GROUPS)),
    ("account_groups.create", |call| create(call, &GROUPS)),
    ("account_groups.get", |call| get(call, &GROUPS)),
    ("account_groups.update", |call| update(call, &GROUPS)),
    ("account_groups.patch", |call| change(call, &GROUPS)),
    ("account_groups.delete", |call| delete(call, &GROUPS)),
    ("account_service_principals.list", |call| list(call, &PRINCIPALS)),
    ("account_service_principals.create", |call| create(call, &PRINCIPALS)),
    ("account_service_principals.get", |call| get(call, &PRINCIPALS)),
    ("account_service_principals.update", |call| update(call, &PRINCIPALS)),
    ("account_service_principals.patch", |call| change(call, &PRINCIPALS)),
    ("account_service_principals.delete", |call| delete(call, &PRINCIPALS)),
];

/// What distinguishes one type of resources.
#[derive(Debug)]
pub(super) struct Type {
    collection: &'static str,
    name: &'static str,
    schema: &'static str,
    /// The attribute that names, which only one resource may have.
    unique: &'static str,
}

const USERS: Type = Type {
    collection: "scim/Users",
    name: "User",
    schema: "urn:ietf:params:scim:schemas:core:2.0:User",
    unique: "userName",
};
const GROUPS: Type = Type {
    collection: "scim/Groups",
    name: "Group",
    schema: "urn:ietf:params:scim:schemas:core:2.0:Group",
    unique: "displayName",
};
const PRINCIPALS: Type = Type {
    collection: "scim/ServicePrincipals",
    name: "ServicePrincipal",
    schema: "urn:ietf:params:scim:schemas:core:2.0:ServicePrincipal",
    unique: "applicationId",
};

fn me(call: &Call<'_>) -> Reply {
    let kind = if call.caller.is_service_principal() { &PRINCIPALS } else { &USERS };
    let change = call.desk.records.change();
    let record = change.get(kind.collection, &call.caller.id).cloned();
    let record = record.ok_or_else(|| missing(kind, &call.caller.id))?;
    let mut shown = shown(kind, record, &change);
    // Service principals are users to themselves: their name is the application's identifier.
    if let Value::Object(members) = &mut shown {
        members.entry("userName").or_insert_with(|| json!(call.caller.name));
    }
    Ok(Json(select(shown, call.query.get("attributes"), call.query.get("excludedAttributes"))))
}

fn missing(kind: &Type, id: &str) -> ApiError {
    ApiError::scim(http::StatusCode::NOT_FOUND, "", format!("{} with id {id} not found.", kind.name))
}

fn taken(kind: &Type, name: &str) -> ApiError {
    let text = format!("{} with {} {name} already exists.", kind.name, kind.unique);
    ApiError::scim(http::StatusCode::CONFLICT, "uniqueness", text)
}

fn invalid(text: impl Into<String>) -> ApiError {
    ApiError::scim(http::StatusCode::BAD_REQUEST, "invalidValue", text)
}

/// The resource as clients see it: with the groups that it is in.
fn shown(kind: &Type, record: Record, change: &Change<'_>) -> Value {
    let id = text(&record, "id").to_owned();
    let mut out = Value::Object(record);
    let groups: Vec<Value> = change
        .list(GROUPS.collection)
        .into_iter()
        .filter(|(_, group)| {
            let members = group.get("members").and_then(Value::as_array);
            members.is_some_and(|all| all.iter().any(|m| m["value"] == id.as_str()))
        })
        .map(|(group_id, group)| {
            let display = text(group, "displayName");
            json!({"display": display, "value": group_id, "type": "direct", "$ref": format!("Groups/{group_id}")})
        })
        .collect();
    if !groups.is_empty() {
        out["groups"] = Value::Array(groups);
    }
    out["schemas"] = json!([kind.schema]);
    out
}

fn list(call: &Call<'_>, kind: &Type) -> Reply {
    let number = |name: &str, usual: usize| match call.query.get(name) {
        None => Ok(usual),
        Some(text) => text.parse::<usize>().map_err(|_| invalid(format!("{name} must be a number, got '{text}'"))),
    };
    let (start, count) = (number("startIndex", 1)?.max(1), number("count", 10_000)?);
    let filter = call.query.get("filter").map(Filter::parse).transpose()?;
    let change = call.desk.records.change();
    let all = change.list(kind.collection).into_iter().map(|(_, r)| shown(kind, r.clone(), &change));
    let mut all: Vec<Value> = all.filter(|r| filter.as_ref().is_none_or(|f| f.fits(r))).collect();
    if let Some(by) = call.query.get("sortBy") {
        all.sort_by_key(|r| r[by].as_str().unwrap_or_default().to_lowercase());
        if call.query.get("sortOrder") == Some("descending") {
            all.reverse();
        }
    }
    let total = all.len();
    let (wanted, excluded) = (call.query.get("attributes"), call.query.get("excludedAttributes"));
    let page = all.into_iter().skip(start - 1).take(count).map(|r| select(r, wanted, excluded));
    let page: Vec<Value> = page.collect();
    Ok(Json(json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": page.len(),
        "Resources": page,
    })))
}

fn get(call: &Call<'_>, kind: &Type) -> Reply {
    let id = call.last_param().unwrap_or_default();
    let change = call.desk.records.change();
    let record = change.get(kind.collection, id).cloned().ok_or_else(|| missing(kind, id))?;
    let shown = shown(kind, record, &change);
    Ok(Json(select(shown, call.query.get("attributes"), call.query.get("excludedAttributes"))))
}

fn create(call: &Call<'_>, kind: &Type) -> Reply {
    let mut record = call.body.0.clone();
    let id = (call.desk.ids.number() % 9_000_000_000_000_000 + 1_000_000_000_000_000).to_string();
    set(&mut record, "id", id.clone());
    normalize(kind, &mut record, call)?;
    call.transact(|change| {
        unique(kind, change, &record, None)?;
        change.put(kind.collection, &id, record.clone());
        Ok(Json(shown(kind, record, change)))
    })
}

/// Sets what the service derives, and refuses what it needs and does not find.
fn normalize(kind: &Type, record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    for name in ["schemas", "groups"] {
        record.remove(name);
    }
    match kind.name {
        "User" => {
            let name = text(record, "userName").to_owned();
            if !name.contains('@') {
                return Err(invalid(format!("userName must be an e-mail address, got '{name}'")));
            }
            record.entry("emails").or_insert_with(|| json!([{"type": "work", "value": name, "primary": true}]));
            record.entry("active").or_insert(json!(true));
            let given = |part: &str| record.get("name").and_then(|n| n[part].as_str()).unwrap_or_default().to_owned();
            let full = format!("{} {}", given("givenName"), given("familyName")).trim().to_owned();
            record.entry("displayName").or_insert_with(|| json!(if full.is_empty() { name } else { full }));
        }
        "Group" => {
            if text(record, "displayName").is_empty() {
                return Err(invalid("displayName is required"));
            }
            let level = if call.operation.service().starts_with("account_") { "Group" } else { "WorkspaceGroup" };
            record.entry("meta").or_insert_with(|| json!({"resourceType": level}));
        }
        _ => {
            record.entry("applicationId").or_insert_with(|| json!(call.desk.ids.uuid()));
            record.entry("active").or_insert(json!(true));
            let application = text(record, "applicationId").to_owned();
            record.entry("displayName").or_insert_with(|| json!(application));
        }
    }
    Ok(())
}

fn unique(kind: &Type, change: &Change<'_>, record: &Record, own: Option<&str>) -> Result<(), ApiError> {
    let name = text(record, kind.unique);
    let same = |other: &Record| text(other, kind.unique).eq_ignore_ascii_case(name);
    if change.list(kind.collection).into_iter().any(|(id, other)| Some(id) != own && same(other)) {
        return Err(taken(kind, name));
    }
    Ok(())
}

/// Runs `edit` on a resource and keeps what it makes of it.
fn edit(call: &Call<'_>, kind: &Type, edit: impl FnOnce(Record) -> Result<Map<String, Value>, ApiError>) -> Reply {
    let id = call.last_param().unwrap_or_default();
    call.transact(|change| {
        let before = change.get(kind.collection, id).cloned().ok_or_else(|| missing(kind, id))?;
        let mut after = edit(before)?;
        set(&mut after, "id", id);
        normalize(kind, &mut after, call)?;
        unique(kind, change, &after, Some(id))?;
        change.put(kind.collection, id, after.clone());
        Ok(Json(shown(kind, after, change)))
    })
}

fn update(call: &Call<'_>, kind: &Type) -> Reply {
    edit(call, kind, |before| {
        let mut after = call.body.0.clone();
        for name in [kind.unique, "meta", "applicationId"] {
            if let Some(value) = before.get(name) {
                after.entry(name).or_insert_with(|| value.clone());
            }
        }
        Ok(after)
    })
}

fn change(call: &Call<'_>, kind: &Type) -> Reply {
    let operations = call.body.opt_list("Operations")?.unwrap_or_default();
    edit(call, kind, |mut record| {
        for operation in operations {
            patch(&mut record, operation)?;
        }
        Ok(record)
    })
}

fn delete(call: &Call<'_>, kind: &Type) -> Reply {
    let id = call.last_param().unwrap_or_default();
    call.transact(|change| {
        change.remove(kind.collection, id).ok_or_else(|| missing(kind, id))?;
        // It leaves the groups that it was in.
        let groups: Vec<(String, Record)> =
            change.list(GROUPS.collection).into_iter().map(|(key, group)| (key.to_owned(), group.clone())).collect();
        for (key, mut group) in groups {
            let Some(Value::Array(members)) = group.get_mut("members") else { continue };
            let before = members.len();
            members.retain(|m| m["value"] != id);
            if members.len() != before {
                change.put(GROUPS.collection, &key, group);
            }
        }
        Ok(Json::empty())
    })
}
