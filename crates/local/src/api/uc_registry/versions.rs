//! Versions of models.

use axum::extract::{Extension, State};
use serde_json::{Value, json};

use super::{Input, MODELS, aliases, collection, listed, model, remove_files, tag, version, version_shown};
use crate::caller::Caller;
use crate::records::call::{set, text};
use crate::records::stamp::metastore_of;
use crate::records::store::{Record, commit};
use crate::reply::{ApiError, Json, Reply};
use crate::state::handles::RegistryHandle;

pub(super) async fn create_version(
    State(state): State<RegistryHandle>,
    Extension(caller): Extension<Caller>,
    input: Input,
) -> Reply {
    let name = input.name()?;
    let mut change = state.records.change();
    let mut parent = model(&change, &name)?;
    let number = parent.get("last_version").and_then(Value::as_i64).unwrap_or(0) + 1;
    set(&mut parent, "last_version", number);
    let (id, now) = (state.ids.uuid(), state.clock.now_ms());
    let mut record = Record::new();
    for (member, part) in ["catalog_name", "schema_name", "model_name"].into_iter().zip(name.split('.')) {
        set(&mut record, member, part);
    }
    set(&mut record, "version", number);
    set(&mut record, "status", "PENDING_REGISTRATION");
    set(&mut record, "source", input.0.str("source")?);
    set(&mut record, "storage_location", format!("{}/versions/{id}", text(&parent, "storage_location")));
    set(&mut record, "id", id);
    set(&mut record, "metastore_id", metastore_of(state.place.workspace_id));
    for member in ["created_by", "updated_by"] {
        set(&mut record, member, caller.name.as_str());
    }
    for member in ["created_at", "updated_at"] {
        set(&mut record, member, now);
    }
    for (member, stated) in [("run_id", "run_id"), ("model_id", "model_id"), ("comment", "description")] {
        if let Some(value) = input.0.opt_str(stated)?.filter(|value| !value.is_empty()) {
            set(&mut record, member, value);
        }
    }
    set(&mut record, "mlflow_tags", input.0.opt_list("tags")?.unwrap_or_default().to_vec());
    change.put(MODELS, &name, parent);
    change.put(&collection(&name), &number.to_string(), record.clone());
    let shown = version_shown(&change, &name, &record);
    commit(change)?;
    Ok(Json(json!({"model_version": shown})))
}

/// Changes a version.
pub(super) fn edit_version(
    state: &RegistryHandle,
    input: &Input,
    edit: impl FnOnce(&mut Record) -> Result<(), ApiError>,
) -> Reply {
    let (name, number) = (input.name()?, input.version()?);
    let mut change = state.records.change();
    let mut record = version(&change, &name, number)?;
    edit(&mut record)?;
    set(&mut record, "updated_at", state.clock.now_ms());
    change.put(&collection(&name), &number.to_string(), record.clone());
    let shown = version_shown(&change, &name, &record);
    commit(change)?;
    Ok(Json(json!({"model_version": shown})))
}

pub(super) async fn finalize(State(state): State<RegistryHandle>, input: Input) -> Reply {
    edit_version(&state, &input, |record| {
        set(record, "status", "READY");
        Ok(())
    })
}

pub(super) async fn update_version(State(state): State<RegistryHandle>, input: Input) -> Reply {
    edit_version(&state, &input, |record| {
        if let Some(description) = input.0.opt_str("description")? {
            set(record, "comment", description);
        }
        Ok(())
    })
}

pub(super) async fn tag_version(State(state): State<RegistryHandle>, input: Input) -> Reply {
    edit_version(&state, &input, |record| tag(record, &input, true)).map(|_| Json::empty())
}

pub(super) async fn untag_version(State(state): State<RegistryHandle>, input: Input) -> Reply {
    edit_version(&state, &input, |record| tag(record, &input, false)).map(|_| Json::empty())
}

/// Deletes a version and its files.
pub(super) async fn delete_version(State(state): State<RegistryHandle>, input: Input) -> Reply {
    let (name, number) = (input.name()?, input.version()?);
    let mut change = state.records.change();
    version(&change, &name, number)?;
    let mut parent = model(&change, &name)?;
    if aliases(&parent).any(|(_, version)| version == number) {
        let mut all: Vec<Value> = parent.get("aliases").and_then(Value::as_array).cloned().unwrap_or_default();
        all.retain(|alias| alias["version_num"].as_i64() != Some(number));
        set(&mut parent, "aliases", all);
        change.put(MODELS, &name, parent);
    }
    change.remove(&collection(&name), &number.to_string());
    commit(change)?;
    remove_files(&state, &format!("{}/{number}", name.replace('.', "/")))
}

pub(super) async fn read_version(State(state): State<RegistryHandle>, input: Input) -> Reply {
    let (name, number) = (input.name()?, input.version()?);
    let change = state.records.change();
    let record = version(&change, &name, number)?;
    Ok(Json(json!({"model_version": version_shown(&change, &name, &record)})))
}

pub(super) async fn download_uri(State(state): State<RegistryHandle>, input: Input) -> Reply {
    let record = version(&state.records.change(), &input.name()?, input.version()?)?;
    Ok(Json(json!({"artifact_uri": text(&record, "storage_location")})))
}

pub(super) async fn search_versions(State(state): State<RegistryHandle>, input: Input) -> Reply {
    let filter = input.0.opt_str("filter")?.unwrap_or_default();
    let wanted = filter.trim().strip_prefix("name").map(|rest| rest.trim_start().trim_start_matches('=').trim());
    let wanted = wanted.map(|name| name.trim_matches(['\'', '"']).to_lowercase());
    let name = match (wanted, filter.trim()) {
        (Some(name), _) if name.split('.').count() == 3 => Some(name),
        (None, "") => None,
        _ => {
            return Err(ApiError::invalid_parameter(format!(
                "'{filter}' is not a filter of versions in Unity Catalog; it has the form name = 'catalog.schema.model'"
            )));
        }
    };
    let all: Vec<Value> = {
        let change = state.records.change();
        let models = change.list(MODELS).into_iter().map(|(name, _)| name.to_owned());
        let models: Vec<String> = models.filter(|own| name.as_ref().is_none_or(|name| name == own)).collect();
        let of = |name: &String| -> Vec<Value> {
            change.list(&collection(name)).into_iter().map(|(_, v)| version_shown(&change, name, v)).collect()
        };
        models.iter().flat_map(of).collect()
    };
    listed(all, "model_versions", &input)
}

/// Lineage is taken, and shown nowhere.
pub(super) async fn lineage(State(state): State<RegistryHandle>, input: Input) -> Reply {
    version(&state.records.change(), &input.name()?, input.version()?)?;
    Ok(Json::empty())
}

/// Files of models go through the Files API: there is no cloud that would take them.
pub(super) async fn by_files() -> Json {
    Json(json!({"is_databricks_sdk_models_artifact_repository_enabled": true}))
}
