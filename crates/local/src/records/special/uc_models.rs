//! Models of Unity Catalog: versions and aliases.

use serde_json::{Value, json};

use super::Run;
use crate::records::call::{Call, set};
use crate::records::store::{Change, Record};
use crate::records::verbs::listing;
use crate::reply::{ApiError, Json, Reply};

pub(super) const OPERATIONS: &[(&str, Run)] = &[
    ("registered_models.set_alias", set_alias),
    ("registered_models.delete_alias", delete_alias),
    ("model_versions.list", list),
    ("model_versions.get", get),
    ("model_versions.get_by_alias", get_by_alias),
    ("model_versions.update", update),
    ("model_versions.delete", delete),
];

const MODELS: &str = "registered_models/";

fn name<'a>(call: &'a Call<'_>) -> &'a str {
    call.param("full_name").unwrap_or_default()
}

fn versions(name: &str) -> String {
    format!("registered_models/{name}/versions")
}

fn model(change: &Change<'_>, name: &str) -> Result<Record, ApiError> {
    change.get(MODELS, name).cloned().ok_or_else(|| ApiError::not_found(format!("Model '{name}' does not exist.")))
}

fn set_alias(call: &Call<'_>) -> Reply {
    let alias = call.param("alias").unwrap_or_default();
    let version = call.body.opt_i64("version_num")?.ok_or_else(|| crate::extract::missing("version_num"))?;
    call.transact(|change| {
        let mut record = model(change, name(call))?;
        if change.get(&versions(name(call)), &version.to_string()).is_none() {
            return Err(missing(name(call), &version.to_string()));
        }
        let mut aliases = record.get("aliases").and_then(Value::as_array).cloned().unwrap_or_default();
        aliases.retain(|a| a["alias_name"] != alias);
        let new = json!({"alias_name": alias, "version_num": version});
        aliases.push(new.clone());
        set(&mut record, "aliases", aliases);
        change.put(MODELS, name(call), record);
        Ok(Json(new))
    })
}

fn delete_alias(call: &Call<'_>) -> Reply {
    let alias = call.param("alias").unwrap_or_default();
    call.transact(|change| {
        let mut record = model(change, name(call))?;
        if let Some(Value::Array(aliases)) = record.get_mut("aliases") {
            aliases.retain(|a| a["alias_name"] != alias);
        }
        change.put(MODELS, name(call), record);
        Ok(Json::empty())
    })
}

fn list(call: &Call<'_>) -> Reply {
    model(&call.desk.records.change(), name(call))?;
    let all = call.desk.records.list(&versions(name(call))).into_iter().map(Value::Object).collect();
    listing(call, all, "model_versions")
}

fn missing(name: &str, version: &str) -> ApiError {
    ApiError::not_found(format!("Version {version} of model '{name}' does not exist."))
}

fn get(call: &Call<'_>) -> Reply {
    let version = call.param("version").unwrap_or_default();
    let kept = call.desk.records.get(&versions(name(call)), version);
    kept.map(|r| Json(Value::Object(r))).ok_or_else(|| missing(name(call), version))
}

fn get_by_alias(call: &Call<'_>) -> Reply {
    let alias = call.param("alias").unwrap_or_default();
    let change = call.desk.records.change();
    let record = model(&change, name(call))?;
    let aliases = record.get("aliases").and_then(Value::as_array).cloned().unwrap_or_default();
    let version = aliases.iter().find(|a| a["alias_name"] == alias).map(|a| a["version_num"].to_string());
    let found = version.and_then(|v| change.get(&versions(name(call)), &v).cloned());
    found
        .map(|r| Json(Value::Object(r)))
        .ok_or_else(|| ApiError::not_found(format!("Alias '{alias}' of model '{}' does not exist.", name(call))))
}

fn update(call: &Call<'_>) -> Reply {
    let version = call.param("version").unwrap_or_default();
    call.transact(|change| {
        let kept = change.get(&versions(name(call)), version).cloned();
        let mut record = kept.ok_or_else(|| missing(name(call), version))?;
        if let Some(comment) = call.body.opt_str("comment")? {
            set(&mut record, "comment", comment);
        }
        set(&mut record, "updated_at", call.now());
        change.put(&versions(name(call)), version, record.clone());
        Ok(Json(Value::Object(record)))
    })
}

fn delete(call: &Call<'_>) -> Reply {
    let version = call.param("version").unwrap_or_default();
    call.transact(|change| {
        change.remove(&versions(name(call)), version).ok_or_else(|| missing(name(call), version))?;
        Ok(Json::empty())
    })
}
