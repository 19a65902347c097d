//! Models, their aliases and tags.

use axum::extract::{Extension, State};
use serde_json::{Value, json};

use super::{
    Input, MODELS, aliases, collection, listed, model, model_shown, remove_files, tag, version, version_shown,
};
use crate::caller::Caller;
use crate::records::call::set;
use crate::records::renames::{self, Renamed};
use crate::records::special::workspace_model;
use crate::records::stamp::metastore_of;
use crate::records::store::{Change, Record, commit};
use crate::reply::{ApiError, Json, Reply};
use crate::state::handles::RegistryHandle;

pub(super) async fn create_model(
    State(state): State<RegistryHandle>,
    Extension(caller): Extension<Caller>,
    input: Input,
) -> Reply {
    let name = input.name()?;
    let mut change = state.records.change();
    if change.get(MODELS, &name).is_some() {
        let message = format!("Registered Model '{name}' already exists.");
        return Err(ApiError::new(http::StatusCode::BAD_REQUEST, "RESOURCE_ALREADY_EXISTS", message));
    }
    let mut record = Record::new();
    for (member, part) in ["catalog_name", "schema_name", "name"].into_iter().zip(name.split('.')) {
        set(&mut record, member, part);
    }
    let (id, now) = (state.ids.uuid(), state.clock.now_ms());
    set(&mut record, "full_name", name.as_str());
    set(&mut record, "storage_location", format!("dbfs:/local/metastore/models/{id}"));
    set(&mut record, "id", id);
    set(&mut record, "metastore_id", metastore_of(state.place.workspace_id));
    for member in ["owner", "created_by", "updated_by"] {
        set(&mut record, member, caller.name.as_str());
    }
    for member in ["created_at", "updated_at"] {
        set(&mut record, member, now);
    }
    set(&mut record, "comment", input.0.opt_str("description")?.unwrap_or_default());
    set(&mut record, "mlflow_tags", input.0.opt_list("tags")?.unwrap_or_default().to_vec());
    change.put(MODELS, &name, record.clone());
    commit(change)?;
    Ok(Json(json!({"registered_model": model_shown(&record)})))
}

/// Changes a model.
pub(super) fn edit_model(
    state: &RegistryHandle,
    name: &str,
    edit: impl FnOnce(&mut Record, &Change<'_>) -> Result<(), ApiError>,
) -> Result<Record, ApiError> {
    let mut change = state.records.change();
    let mut record = model(&change, name)?;
    edit(&mut record, &change)?;
    set(&mut record, "updated_at", state.clock.now_ms());
    change.put(MODELS, name, record.clone());
    commit(change)?;
    Ok(record)
}

pub(super) async fn update_model(State(state): State<RegistryHandle>, input: Input) -> Reply {
    let mut name = input.name()?;
    if let Some(new) = input.0.opt_str("new_name")?.filter(|new| !new.is_empty()) {
        name = rename_model(&state, &name, new)?;
    }
    let record = edit_model(&state, &name, |record, _| {
        if let Some(description) = input.0.opt_str("description")? {
            set(record, "comment", description);
        }
        Ok(())
    })?;
    Ok(Json(json!({"registered_model": model_shown(&record)})))
}

/// Gives a model another name in its schema; `new` is its full name, or the last part of it.
fn rename_model(state: &RegistryHandle, name: &str, new: &str) -> Result<String, ApiError> {
    let (parent, _) = name.rsplit_once('.').unwrap_or_default();
    let new = if new.contains('.') { new.to_lowercase() } else { format!("{parent}.{}", new.to_lowercase()) };
    let last = new.strip_prefix(parent).and_then(|rest| rest.strip_prefix('.'));
    if last.is_none_or(|last| last.is_empty() || last.contains(['.', '/', ' '])) {
        return Err(ApiError::invalid_parameter(format!("'{new}' is not the name of a model in the schema {parent}")));
    }
    let renamed = Renamed { kind: "MODEL", from: name, to: &new };
    state.volumes.rename(&renamed.directories(), |files| {
        let mut change = state.records.change();
        model(&change, name)?;
        if change.get(MODELS, &new).is_some() {
            let message = format!("Registered Model '{new}' already exists.");
            return Err(ApiError::new(http::StatusCode::BAD_REQUEST, "RESOURCE_ALREADY_EXISTS", message));
        }
        renames::apply(&mut change, &renamed);
        files.put(&mut change);
        commit(change)
    })?;
    Ok(new)
}

/// Deletes a model with its versions and their files.
pub(super) async fn delete_model(State(state): State<RegistryHandle>, input: Input) -> Reply {
    let name = input.name()?;
    let mut change = state.records.change();
    model(&change, &name)?;
    let all: Vec<String> = change.list(&collection(&name)).into_iter().map(|(key, _)| key.to_owned()).collect();
    for number in all {
        change.remove(&collection(&name), &number);
    }
    change.remove(MODELS, &name);
    commit(change)?;
    remove_files(&state, &name.replace('.', "/"))
}

pub(super) async fn read_model(State(state): State<RegistryHandle>, input: Input) -> Reply {
    let record = model(&state.records.change(), &input.name()?)?;
    Ok(Json(json!({"registered_model": model_shown(&record)})))
}

pub(super) async fn search_models(State(state): State<RegistryHandle>, input: Input) -> Reply {
    let all = state.records.list(MODELS).iter().map(model_shown).collect();
    listed(all, "registered_models", &input)
}

pub(super) async fn by_alias(State(state): State<RegistryHandle>, input: Input) -> Reply {
    let (name, alias) = (input.name()?, input.0.str("alias")?);
    let change = state.records.change();
    let record = model(&change, &name)?;
    let number = aliases(&record).find(|(own, _)| *own == alias).map(|(_, number)| number);
    let number =
        number.ok_or_else(|| ApiError::not_found(format!("Alias '{alias}' of model '{name}' does not exist.")))?;
    let found = version(&change, &name, number)?;
    Ok(Json(json!({"model_version": version_shown(&change, &name, &found)})))
}

/// Points an alias to a version, or to none.
pub(super) fn point(state: &RegistryHandle, input: &Input, to: Option<i64>) -> Reply {
    let (name, alias) = (input.name()?, input.0.str("alias")?);
    edit_model(state, &name, |record, change| {
        let mut all: Vec<Value> = record.get("aliases").and_then(Value::as_array).cloned().unwrap_or_default();
        all.retain(|own| own["alias_name"] != alias);
        if let Some(number) = to {
            version(change, &name, number)?;
            all.push(json!({"alias_name": alias, "version_num": number}));
        }
        set(record, "aliases", all);
        Ok(())
    })?;
    Ok(Json::empty())
}

pub(super) async fn set_alias(State(state): State<RegistryHandle>, input: Input) -> Reply {
    point(&state, &input, Some(input.version()?))
}

pub(super) async fn delete_alias(State(state): State<RegistryHandle>, input: Input) -> Reply {
    point(&state, &input, None)
}

pub(super) async fn tag_model(State(state): State<RegistryHandle>, input: Input) -> Reply {
    edit_model(&state, &input.name()?, |record, _| tag(record, &input, true))?;
    Ok(Json::empty())
}

pub(super) async fn untag_model(State(state): State<RegistryHandle>, input: Input) -> Reply {
    edit_model(&state, &input.name()?, |record, _| tag(record, &input, false))?;
    Ok(Json::empty())
}

pub(super) async fn read_workspace_model(State(state): State<RegistryHandle>, input: Input) -> Reply {
    let found = workspace_model(&state.records.change(), input.0.str("name")?)?;
    Ok(Json(json!({"registered_model": found})))
}
