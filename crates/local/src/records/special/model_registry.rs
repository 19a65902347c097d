//! MLflow's model registry of the workspace.

use serde_json::{Value, json};

use super::Run;
use super::experiments::conditions::Conditions;
use crate::records::call::{Call, set, text};
use crate::records::store::{Change, Record};
use crate::records::verbs::listing;
use crate::reply::{ApiError, Json, Reply};

pub(super) const OPERATIONS: &[(&str, Run)] = &[
    ("model_registry.create_model", create_model),
    ("model_registry.get_model", get_model),
    ("model_registry.list_models", list_models),
    ("model_registry.search_models", list_models),
    ("model_registry.update_model", update_model),
    ("model_registry.rename_model", rename_model),
    ("model_registry.delete_model", delete_model),
    ("model_registry.set_model_tag", |call| tag_model(call, true)),
    ("model_registry.delete_model_tag", |call| tag_model(call, false)),
    ("model_registry.create_model_version", create_version),
    ("model_registry.get_model_version", get_version),
    ("model_registry.get_model_version_download_uri", download_uri),
    ("model_registry.search_model_versions", search_versions),
    ("model_registry.get_latest_versions", latest),
    ("model_registry.update_model_version", update_version),
    ("model_registry.delete_model_version", delete_version),
    ("model_registry.set_model_version_tag", |call| tag_version(call, true)),
    ("model_registry.delete_model_version_tag", |call| tag_version(call, false)),
    ("model_registry.transition_stage", transition),
];

const MODELS: &str = "model_registry/models";
pub(super) const STAGES: [&str; 4] = ["None", "Staging", "Production", "Archived"];

fn versions(model: &str) -> String {
    format!("model_registry/versions/{model}")
}

fn model(change: &Change<'_>, name: &str) -> Result<Record, ApiError> {
    let found = change.get(MODELS, name).cloned();
    found.ok_or_else(|| ApiError::not_found(format!("Registered Model with name={name} not found")))
}

pub(super) fn version(change: &Change<'_>, name: &str, version: &str) -> Result<Record, ApiError> {
    let found = change.get(&versions(name), version).cloned();
    found.ok_or_else(|| ApiError::not_found(format!("Model Version (name={name}, version={version}) not found")))
}

fn create_model(call: &Call<'_>) -> Reply {
    let name = call.body.str("name")?;
    call.transact(|change| {
        if change.get(MODELS, name).is_some() {
            return Err(taken(name));
        }
        let mut record = Record::new();
        set(&mut record, "name", name);
        set(&mut record, "id", call.desk.ids.hex32());
        set(&mut record, "user_id", call.caller.name.as_str());
        set(&mut record, "creation_timestamp", call.now());
        set(&mut record, "last_updated_timestamp", call.now());
        set(&mut record, "description", call.body.opt_str("description")?.unwrap_or_default());
        set(&mut record, "tags", call.body.opt_list("tags")?.unwrap_or_default().to_vec());
        change.put(MODELS, name, record.clone());
        Ok(Json(json!({"registered_model": record})))
    })
}

fn taken(name: &str) -> ApiError {
    ApiError::new(
        http::StatusCode::BAD_REQUEST,
        "RESOURCE_ALREADY_EXISTS",
        format!("Registered Model (name={name}) already exists."),
    )
}

/// The model of that name, with the newest version of each stage.
pub(crate) fn workspace_model(change: &Change<'_>, name: &str) -> Result<Value, ApiError> {
    Ok(shown(change, &model(change, name)?))
}

/// A model with the newest version of each stage.
fn shown(change: &Change<'_>, record: &Record) -> Value {
    let mut out = record.clone();
    let mut newest: Vec<Value> = Vec::new();
    for (_, version) in change.list(&versions(text(record, "name"))) {
        newest.retain(|v| v["current_stage"] != version["current_stage"]);
        newest.push(Value::Object(version.clone()));
    }
    set(&mut out, "latest_versions", newest);
    Value::Object(out)
}

fn get_model(call: &Call<'_>) -> Reply {
    let name = call.query.str("name")?;
    let change = call.desk.records.change();
    let record = model(&change, name)?;
    let mut out = shown(&change, &record);
    out["permission_level"] = json!("CAN_MANAGE");
    Ok(Json(json!({"registered_model_databricks": out})))
}

fn list_models(call: &Call<'_>) -> Reply {
    let filter = Conditions::parse(call.query.get("filter").unwrap_or_default())?;
    let all: Vec<Value> = {
        let change = call.desk.records.change();
        let all = change.list(MODELS).into_iter().filter(|(_, m)| filter.fits(|key| m.get(key).cloned()));
        all.map(|(_, m)| shown(&change, m)).collect()
    };
    listing(call, all, "models")
}

fn edit_model(call: &Call<'_>, edit: impl FnOnce(&mut Record) -> Result<(), ApiError>) -> Result<Record, ApiError> {
    let name = call.required("name")?;
    call.transact(|change| {
        let mut record = model(change, &name)?;
        edit(&mut record)?;
        set(&mut record, "last_updated_timestamp", call.now());
        change.put(MODELS, &name, record.clone());
        Ok(record)
    })
}

fn update_model(call: &Call<'_>) -> Reply {
    let description = call.body.opt_str("description")?.unwrap_or_default();
    let record = edit_model(call, |record| {
        set(record, "description", description);
        Ok(())
    })?;
    Ok(Json(json!({"registered_model": record})))
}

fn rename_model(call: &Call<'_>) -> Reply {
    let (name, new) = (call.body.str("name")?, call.body.str("new_name")?);
    call.transact(|change| {
        let mut record = model(change, name)?;
        if change.get(MODELS, new).is_some() {
            return Err(taken(new));
        }
        let all: Vec<(String, Record)> =
            change.list(&versions(name)).into_iter().map(|(key, v)| (key.to_owned(), v.clone())).collect();
        for (key, mut version) in all {
            change.remove(&versions(name), &key);
            set(&mut version, "name", new);
            change.put(&versions(new), &key, version);
        }
        change.remove(MODELS, name);
        set(&mut record, "name", new);
        set(&mut record, "last_updated_timestamp", call.now());
        change.put(MODELS, new, record.clone());
        Ok(Json(json!({"registered_model": record})))
    })
}

fn delete_model(call: &Call<'_>) -> Reply {
    let name = call.required("name")?;
    call.transact(|change| {
        model(change, &name)?;
        let kept = change.list(&versions(&name));
        if kept.iter().any(|(_, v)| matches!(text(v, "current_stage"), "Staging" | "Production")) {
            return Err(ApiError::invalid_state("Versions in the stages Staging and Production must be moved first"));
        }
        let keys: Vec<String> = kept.into_iter().map(|(key, _)| key.to_owned()).collect();
        for key in keys {
            change.remove(&versions(&name), &key);
        }
        change.remove(MODELS, &name);
        Ok(Json::empty())
    })
}

fn put_tag(record: &mut Record, key: &str, value: Option<&str>) {
    let mut tags = record.get("tags").and_then(Value::as_array).cloned().unwrap_or_default();
    tags.retain(|t| t["key"] != key);
    if let Some(value) = value {
        tags.push(json!({"key": key, "value": value}));
    }
    set(record, "tags", tags);
}

fn tag_model(call: &Call<'_>, add: bool) -> Reply {
    let key = call.required("key")?;
    let value = call.input("value").unwrap_or_default();
    edit_model(call, |record| {
        put_tag(record, &key, add.then_some(value.as_str()));
        Ok(())
    })?;
    Ok(Json::empty())
}

fn create_version(call: &Call<'_>) -> Reply {
    let (name, source) = (call.body.str("name")?, call.body.str("source")?);
    call.transact(|change| {
        let mut parent = model(change, name)?;
        let last = parent.get("last_version").and_then(Value::as_i64).unwrap_or(0);
        let number = last + 1;
        set(&mut parent, "last_version", number);
        set(&mut parent, "last_updated_timestamp", call.now());
        change.put(MODELS, name, parent);
        let mut record = Record::new();
        set(&mut record, "name", name);
        set(&mut record, "version", number.to_string());
        set(&mut record, "source", source);
        set(&mut record, "current_stage", "None");
        set(&mut record, "status", "READY");
        set(&mut record, "user_id", call.caller.name.as_str());
        set(&mut record, "creation_timestamp", call.now());
        set(&mut record, "last_updated_timestamp", call.now());
        set(&mut record, "tags", call.body.opt_list("tags")?.unwrap_or_default().to_vec());
        for member in ["run_id", "run_link", "description"] {
            if let Some(value) = call.body.opt_str(member)? {
                set(&mut record, member, value);
            }
        }
        change.put(&versions(name), &number.to_string(), record.clone());
        Ok(Json(json!({"model_version": record})))
    })
}

fn get_version(call: &Call<'_>) -> Reply {
    let (name, number) = (call.query.str("name")?, call.query.str("version")?);
    let record = version(&call.desk.records.change(), name, number)?;
    Ok(Json(json!({"model_version": record})))
}

fn download_uri(call: &Call<'_>) -> Reply {
    let (name, number) = (call.query.str("name")?, call.query.str("version")?);
    let record = version(&call.desk.records.change(), name, number)?;
    Ok(Json(json!({"artifact_uri": text(&record, "source")})))
}

fn search_versions(call: &Call<'_>) -> Reply {
    let filter = Conditions::parse(call.query.get("filter").unwrap_or_default())?;
    let all: Vec<Value> = {
        let change = call.desk.records.change();
        let collections = change.collections("model_registry/versions/");
        let all =
            collections.iter().flat_map(|c| change.list(c)).filter(|(_, v)| filter.fits(|key| v.get(key).cloned()));
        all.map(|(_, v)| Value::Object(v.clone())).collect()
    };
    listing(call, all, "model_versions")
}

fn latest(call: &Call<'_>) -> Reply {
    let name = call.body.str("name")?;
    let stages = call.body.opt_strings("stages")?.unwrap_or_default();
    let change = call.desk.records.change();
    let shown = shown(&change, &model(&change, name)?);
    let newest = shown["latest_versions"].as_array().cloned().unwrap_or_default().into_iter();
    let wanted: Vec<Value> =
        newest.filter(|v| stages.is_empty() || stages.iter().any(|s| v["current_stage"] == s.as_str())).collect();
    Ok(Json(json!({"model_versions": wanted})))
}

pub(super) fn edit_version(
    call: &Call<'_>,
    edit: impl FnOnce(&mut Record, &mut Change<'_>) -> Result<(), ApiError>,
) -> Result<Record, ApiError> {
    let (name, number) = (call.required("name")?, call.required("version")?);
    call.transact(|change| {
        let mut record = version(change, &name, &number)?;
        edit(&mut record, change)?;
        set(&mut record, "last_updated_timestamp", call.now());
        change.put(&versions(&name), &number, record.clone());
        Ok(record)
    })
}

fn update_version(call: &Call<'_>) -> Reply {
    let description = call.body.opt_str("description")?.unwrap_or_default();
    let record = edit_version(call, |record, _| {
        set(record, "description", description);
        Ok(())
    })?;
    Ok(Json(json!({"model_version": record})))
}

fn delete_version(call: &Call<'_>) -> Reply {
    let (name, number) = (call.required("name")?, call.required("version")?);
    call.transact(|change| {
        version(change, &name, &number)?;
        change.remove(&versions(&name), &number);
        Ok(Json::empty())
    })
}

fn tag_version(call: &Call<'_>, add: bool) -> Reply {
    let key = call.required("key")?;
    let value = call.input("value").unwrap_or_default();
    edit_version(call, |record, _| {
        put_tag(record, &key, add.then_some(value.as_str()));
        Ok(())
    })?;
    Ok(Json::empty())
}

/// Moves a version to a stage, and those that are there to the archive if that is wanted.
pub(super) fn move_to(record: &mut Record, change: &mut Change<'_>, name: &str, stage: &str, archive: bool) {
    if archive {
        let others: Vec<(String, Record)> = change
            .list(&versions(name))
            .into_iter()
            .filter(|(_, v)| text(v, "current_stage") == stage)
            .map(|(key, v)| (key.to_owned(), v.clone()))
            .collect();
        for (key, mut other) in others {
            set(&mut other, "current_stage", "Archived");
            change.put(&versions(name), &key, other);
        }
    }
    set(record, "current_stage", stage);
}

fn transition(call: &Call<'_>) -> Reply {
    let stage = call.body.opt_enum("stage", &STAGES)?.ok_or_else(|| crate::extract::missing("stage"))?;
    let archive = call.body.opt_bool("archive_existing_versions")?.unwrap_or(false);
    let name = call.body.str("name")?;
    let record = edit_version(call, |record, change| {
        move_to(record, change, name, stage, archive);
        Ok(())
    })?;
    let mut out = Value::Object(record);
    if !call.target.contains("/mlflow/databricks/") {
        return Ok(Json(json!({"model_version": out})));
    }
    out["permission_level"] = json!("CAN_MANAGE");
    Ok(Json(json!({"model_version_databricks": out})))
}
