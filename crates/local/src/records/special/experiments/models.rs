//! Logged models: what a run made, with parameters, tags and a status of its own.

use serde_json::{Map, Value, json};

use super::conditions::{Conditions, compare_values, unquoted};
use super::{EXPERIMENTS, find, missing, put_pair};
use crate::records::call::{Call, set, text};
use crate::records::store::{Change, Record};
use crate::records::verbs::listing;
use crate::reply::{ApiError, Json, Reply};

const MODELS: &str = "experiments/logged-models";

/// An object member of a model.
fn part<'a>(model: &'a mut Record, member: &str) -> Result<&'a mut Map<String, Value>, ApiError> {
    let inner = model.entry(member.to_owned()).or_insert_with(|| json!({}));
    inner.as_object_mut().ok_or_else(|| ApiError::internal(format!("{member} of the model is not an object")))
}

pub(super) fn create(call: &Call<'_>) -> Reply {
    let experiment = call.body.str("experiment_id")?;
    let id = format!("m-{}", call.desk.ids.hex32());
    call.transact(|change| {
        let parent = find(change, EXPERIMENTS, "Experiment", experiment)?;
        let name = call.body.opt_str("name")?.map_or_else(|| format!("model-{}", &id[2..10]), str::to_owned);
        let info = json!({
            "model_id": id,
            "experiment_id": experiment,
            "name": name,
            "model_type": call.body.opt_str("model_type")?,
            "source_run_id": call.body.opt_str("source_run_id")?,
            "status": "LOGGED_MODEL_PENDING",
            "creation_timestamp_ms": call.now(),
            "last_updated_timestamp_ms": call.now(),
            "creator_id": call.caller.number(),
            "artifact_uri": format!("{}/models/{id}/artifacts", text(&parent, "artifact_location")),
            "tags": call.body.opt_list("tags")?.unwrap_or_default(),
        });
        let info: Map<String, Value> = match info {
            Value::Object(members) => members.into_iter().filter(|(_, value)| !value.is_null()).collect(),
            _ => Map::new(),
        };
        let mut model = Record::new();
        set(&mut model, "info", info);
        set(&mut model, "data", json!({"params": call.body.opt_list("params")?.unwrap_or_default(), "metrics": []}));
        change.put(MODELS, &id, model.clone());
        Ok(Json(json!({"model": model})))
    })
}

fn id(call: &Call<'_>) -> Result<String, ApiError> {
    call.required("model_id")
}

/// Changes a model and notes when.
fn edit(call: &Call<'_>, change: impl FnOnce(&mut Record) -> Result<(), ApiError>) -> Result<Record, ApiError> {
    let id = id(call)?;
    call.transact(|records: &mut Change<'_>| {
        let mut model = find(records, MODELS, "Logged model", &id)?;
        change(&mut model)?;
        set(part(&mut model, "info")?, "last_updated_timestamp_ms", call.now());
        records.put(MODELS, &id, model.clone());
        Ok(model)
    })
}

pub(super) fn get(call: &Call<'_>) -> Reply {
    let model = find(&call.desk.records.change(), MODELS, "Logged model", &id(call)?)?;
    Ok(Json(json!({"model": model})))
}

pub(super) fn finalize(call: &Call<'_>) -> Reply {
    let allowed = ["LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED", "LOGGED_MODEL_PENDING"];
    let status = call.body.opt_enum("status", &allowed)?.ok_or_else(|| crate::extract::missing("status"))?;
    let model = edit(call, |model| {
        set(part(model, "info")?, "status", status);
        Ok(())
    })?;
    Ok(Json(json!({"model": model})))
}

pub(super) fn delete(call: &Call<'_>) -> Reply {
    let id = id(call)?;
    call.transact(|change| {
        change.remove(MODELS, &id).ok_or_else(|| missing("Logged model", &id))?;
        Ok(Json::empty())
    })
}

pub(super) fn set_tags(call: &Call<'_>) -> Reply {
    let tags = call.body.opt_list("tags")?.unwrap_or_default();
    let model = edit(call, |model| {
        for tag in tags {
            put_pair(part(model, "info")?, "tags", tag["key"].as_str().unwrap_or_default(), tag["value"].clone());
        }
        Ok(())
    })?;
    Ok(Json(json!({"model": model})))
}

pub(super) fn delete_tag(call: &Call<'_>) -> Reply {
    let key = call.required("tag_key")?;
    edit(call, |model| {
        let info = part(model, "info")?;
        let mut tags = info.get("tags").and_then(Value::as_array).cloned().unwrap_or_default();
        let before = tags.len();
        tags.retain(|tag| tag["key"] != key.as_str());
        if tags.len() == before {
            return Err(ApiError::not_found(format!("The model has no tag '{key}'.")));
        }
        set(info, "tags", tags);
        Ok(())
    })?;
    Ok(Json::empty())
}

pub(super) fn log_params(call: &Call<'_>) -> Reply {
    let params = call.body.opt_list("params")?.unwrap_or_default();
    let model = edit(call, |model| {
        for param in params {
            put_pair(part(model, "data")?, "params", param["key"].as_str().unwrap_or_default(), param["value"].clone());
        }
        Ok(())
    })?;
    Ok(Json(json!({"model": model})))
}

fn value_of(model: &Record, key: &str) -> Option<Value> {
    let (group, name) = key.split_once('.').unwrap_or(("attributes", key));
    let pairs = match group {
        "params" | "param" => model.get("data")?.get("params")?,
        "metrics" | "metric" => model.get("data")?.get("metrics")?,
        "tags" | "tag" => model.get("info")?.get("tags")?,
        _ => {
            return model
                .get("info")?
                .get(if name == "creation_timestamp" { "creation_timestamp_ms" } else { name })
                .cloned();
        }
    };
    pairs.as_array()?.iter().find(|pair| pair["key"] == name).map(|pair| pair["value"].clone())
}

pub(super) fn search(call: &Call<'_>) -> Reply {
    let experiments = call.body.opt_strings("experiment_ids")?.unwrap_or_default();
    let filter = Conditions::parse(call.body.opt_str("filter")?.unwrap_or_default())?;
    let all = call.desk.records.list(MODELS);
    let mut found: Vec<Record> = all
        .into_iter()
        .rev()
        .filter(|model| experiments.iter().any(|id| model["info"]["experiment_id"] == id.as_str()))
        .filter(|model| filter.fits(|key| value_of(model, key)))
        .collect();
    for order in call.body.opt_list("order_by")?.unwrap_or_default().iter().rev() {
        let key = unquoted(order["field_name"].as_str().unwrap_or_default());
        let ascending = order["ascending"].as_bool().unwrap_or(true);
        found.sort_by(|a, b| {
            let order = compare_values(value_of(a, &key).as_ref(), value_of(b, &key).as_ref());
            if ascending { order } else { order.reverse() }
        });
    }
    listing(call, found.into_iter().map(Value::Object).collect(), "models")
}
