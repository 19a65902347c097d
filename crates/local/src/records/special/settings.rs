//! Settings: one value each under a fixed name, and the workspace's configuration.

use serde_json::{Map, Value, json};

use super::Run;
use crate::extract::missing;
use crate::operations::Operation;
use crate::records::call::{Call, set, text};
use crate::reply::{ApiError, Json, Reply};

pub(super) const OPERATIONS: &[(&str, Run)] = &[
    ("workspace_conf.get_status", configuration),
    ("workspace_conf.set_status", configure),
    ("warehouses.get_workspace_warehouse_config", warehouses),
    ("warehouses.set_workspace_warehouse_config", set_warehouses),
];

const COLLECTION: &str = "settings/";

/// Settings are distinguished by their path, which names the value `default`.
pub(super) fn find(operation: &Operation) -> Option<Run> {
    let is_setting = operation.is_at("/settings/types/") && operation.is_at("/names/default");
    if !is_setting {
        return None;
    }
    Some(match operation.method {
        http::Method::GET => get,
        http::Method::PATCH => update,
        http::Method::DELETE => delete,
        _ => return None,
    })
}

/// The member that holds a setting's value.
fn value_member(call: &Call<'_>) -> Option<&'static str> {
    let get = crate::operations::all().iter().find(|o| {
        o.service() == call.operation.service() && o.method == http::Method::GET && o.is_at("/names/default")
    })?;
    get.result?.members().iter().map(|m| m.name).find(|n| !matches!(*n, "etag" | "setting_name"))
}

/// What settings are that were never set, where their value cannot be left out.
const DEFAULTS: &[(&str, &str, &str)] = &[
    ("aibi_dashboard_embedding_access_policy", "access_policy_type", "ALLOW_APPROVED_DOMAINS"),
    ("personal_compute", "value", "ON"),
    ("restrict_workspace_admins", "status", "ALLOW_ALL"),
];

/// A setting that was never set has its default, or no value; switches are off.
fn unset(call: &Call<'_>) -> Map<String, Value> {
    let mut out = Map::new();
    if let Some(member) = value_member(call) {
        let is_switch = matches!(member, "boolean_val" | "disable_legacy_dbfs" | "disable_legacy_access")
            || member.starts_with("disable_")
            || member.ends_with("_enable");
        let default = DEFAULTS.iter().find(|(of, _, _)| *of == member);
        let value = match default {
            Some((_, inner, value)) => json!({*inner: value}),
            None if is_switch => json!({"value": false}),
            None => json!({}),
        };
        out.insert(member.to_owned(), value);
    }
    set(&mut out, "etag", "0");
    set(&mut out, "setting_name", "default");
    out
}

fn get(call: &Call<'_>) -> Reply {
    let kept = call.desk.records.get(COLLECTION, call.operation.service());
    Ok(Json(Value::Object(kept.unwrap_or_else(|| unset(call)))))
}

fn update(call: &Call<'_>) -> Reply {
    let stated = call.body.opt_object("setting")?.ok_or_else(|| missing("setting"))?.0;
    let member = value_member(call);
    let value = member.and_then(|m| stated.get(m)).cloned();
    let (Some(member), Some(value)) = (member, value) else {
        return Err(ApiError::invalid_parameter(format!("setting must have {}", member.unwrap_or("a value"))));
    };
    call.transact(|change| {
        let key = call.operation.service();
        let mut record = change.get(COLLECTION, key).cloned().unwrap_or_else(|| unset(call));
        same_version(text(&record, "etag"), text(&stated, "etag"))?;
        let version: u64 = text(&record, "etag").parse().unwrap_or(0);
        set(&mut record, "etag", (version + 1).to_string());
        // Members of the value that are not stated stay.
        match (record.get_mut(member), value) {
            (Some(Value::Object(kept)), Value::Object(stated)) => kept.extend(stated),
            (_, value) => set(&mut record, member, value),
        }
        change.put(COLLECTION, key, record.clone());
        Ok(Json(Value::Object(record)))
    })
}

fn delete(call: &Call<'_>) -> Reply {
    call.transact(|change| {
        let key = call.operation.service();
        let record = change.remove(COLLECTION, key).unwrap_or_else(|| unset(call));
        same_version(text(&record, "etag"), call.query.get("etag").unwrap_or_default())?;
        Ok(Json(json!({"etag": text(&record, "etag")})))
    })
}

fn same_version(kept: &str, given: &str) -> Result<(), ApiError> {
    if given.is_empty() || kept == given {
        return Ok(());
    }
    Err(ApiError::new(
        http::StatusCode::CONFLICT,
        "RESOURCE_CONFLICT",
        format!("The etag '{given}' is not the present one, '{kept}'"),
    ))
}

fn warehouses(call: &Call<'_>) -> Reply {
    let mut kept = call.desk.records.get(COLLECTION, "warehouses").unwrap_or_default();
    crate::records::call::default(&mut kept, "security_policy", "DATA_ACCESS_CONTROL");
    Ok(Json(Value::Object(kept)))
}

fn set_warehouses(call: &Call<'_>) -> Reply {
    call.transact(|change| {
        change.put(COLLECTION, "warehouses", call.body.0.clone());
        Ok(Json::empty())
    })
}

fn configuration(call: &Call<'_>) -> Reply {
    let keys = call.query.str("keys")?;
    let kept = call.desk.records.get(COLLECTION, "workspace_conf").unwrap_or_default();
    let value = |key: &str| kept.get(key).cloned().unwrap_or(Value::Null);
    let shown: Map<_, _> = keys.split(',').map(|k| (k.trim().to_owned(), value(k.trim()))).collect();
    Ok(Json(Value::Object(shown)))
}

fn configure(call: &Call<'_>) -> Reply {
    if let Some((name, _)) = call.body.0.iter().find(|(_, v)| !v.is_string()) {
        return Err(ApiError::invalid_parameter(format!("The value of {name} must be a string")));
    }
    call.transact(|change| {
        let mut kept = change.get(COLLECTION, "workspace_conf").cloned().unwrap_or_default();
        kept.extend(call.body.0.clone());
        change.put(COLLECTION, "workspace_conf", kept);
        Ok(Json::empty())
    })
}
