//! The warehouse that a user's statements go to in place of the workspace's own default.

use serde_json::Value;

use super::Run;
use crate::extract::missing;
use crate::records::call::{Call, set};
use crate::records::mask::Mask;
use crate::records::store::{Change, Record};
use crate::records::verbs::listing;
use crate::reply::{ApiError, Json, Reply};

pub(super) const OPERATIONS: &[(&str, Run)] = &[
    ("warehouses.create_default_warehouse_override", create),
    ("warehouses.get_default_warehouse_override", get),
    ("warehouses.list_default_warehouse_overrides", list),
    ("warehouses.update_default_warehouse_override", update),
    ("warehouses.delete_default_warehouse_override", delete),
];

const OVERRIDES: &str = "default_warehouse_overrides/";
const PREFIX: &str = "default-warehouse-overrides/";

/// `me` stands for who calls.
fn user<'a>(id: &'a str, call: &'a Call<'_>) -> &'a str {
    if id == "me" { &call.caller.id } else { id }
}

fn key(call: &Call<'_>) -> String {
    let name = call.param("name").unwrap_or_default();
    user(name.strip_prefix(PREFIX).unwrap_or(name), call).to_owned()
}

fn found(change: &Change<'_>, call: &Call<'_>) -> Result<Record, ApiError> {
    let key = key(call);
    let found = change.get(OVERRIDES, &key).cloned();
    found.ok_or_else(|| ApiError::not_found(format!("The user {key} has no default warehouse of their own.")))
}

/// A warehouse is named where, and only where, the user chose one for good.
fn check(record: &Record) -> Result<(), ApiError> {
    let kind = record.get("type").and_then(Value::as_str).ok_or_else(|| missing("type"))?;
    let has = record.get("warehouse_id").and_then(Value::as_str).is_some_and(|id| !id.is_empty());
    match (kind, has) {
        ("CUSTOM", false) => Err(missing("warehouse_id")),
        ("LAST_SELECTED", true) => Err(ApiError::invalid_parameter("warehouse_id is stated for the type CUSTOM alone")),
        _ => Ok(()),
    }
}

fn stated(call: &Call<'_>) -> Record {
    let members = call.body.0.iter().filter(|(name, _)| matches!(name.as_str(), "type" | "warehouse_id"));
    members.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn create(call: &Call<'_>) -> Reply {
    let id = call.input("default_warehouse_override_id").ok_or_else(|| missing("default_warehouse_override_id"))?;
    let id = user(&id, call).to_owned();
    call.transact(|change| {
        let mut record = stated(call);
        check(&record)?;
        if change.get("scim/Users", &id).is_none() && change.get("scim/ServicePrincipals", &id).is_none() {
            return Err(ApiError::not_found(format!("The user {id} does not exist.")));
        }
        if change.get(OVERRIDES, &id).is_some() {
            let message = format!("The user {id} has a default warehouse of their own already");
            return Err(ApiError::new(http::StatusCode::CONFLICT, "ALREADY_EXISTS", message));
        }
        set(&mut record, "default_warehouse_override_id", id.as_str());
        set(&mut record, "name", format!("{PREFIX}{id}"));
        change.put(OVERRIDES, &id, record.clone());
        Ok(Json(Value::Object(record)))
    })
}

fn get(call: &Call<'_>) -> Reply {
    found(&call.desk.records.change(), call).map(|record| Json(Value::Object(record)))
}

fn list(call: &Call<'_>) -> Reply {
    listing(call, call.desk.records.list(OVERRIDES).into_iter().map(Value::Object).collect(), "overrides")
}

fn update(call: &Call<'_>) -> Reply {
    let mask = Mask::of(call);
    call.transact(|change| {
        let mut record = found(change, call)?;
        mask.apply(&mut record, &stated(call));
        check(&record)?;
        change.put(OVERRIDES, &key(call), record.clone());
        Ok(Json(Value::Object(record)))
    })
}

fn delete(call: &Call<'_>) -> Reply {
    call.transact(|change| {
        found(change, call)?;
        change.remove(OVERRIDES, &key(call));
        Ok(Json::empty())
    })
}
