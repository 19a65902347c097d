//! MLflow: experiments and runs with their parameters, metrics and tags.

use serde_json::{Map, Value, json};

use super::Run;
use crate::records::call::{Call, set, text};
use crate::records::store::{Change, Record};
use crate::records::verbs::listing;
use crate::reply::{ApiError, Json, Reply};
use conditions::Conditions;

pub(super) mod conditions;
mod models;
mod runs;

pub(super) const OPERATIONS: &[(&str, Run)] = &[
    ("experiments.create_experiment", create),
    ("experiments.get_experiment", get),
    ("experiments.get_by_name", get_by_name),
    ("experiments.list_experiments", list),
    ("experiments.search_experiments", list),
    ("experiments.update_experiment", update),
    ("experiments.delete_experiment", |call| stage(call, EXPERIMENTS, "experiment_id", "deleted")),
    ("experiments.restore_experiment", |call| stage(call, EXPERIMENTS, "experiment_id", "active")),
    ("experiments.set_experiment_tag", tag_experiment),
    ("experiments.create_run", runs::create_run),
    ("experiments.get_run", runs::get_run),
    ("experiments.update_run", runs::update_run),
    ("experiments.delete_run", |call| stage(call, RUNS, "run_id", "deleted")),
    ("experiments.restore_run", |call| stage(call, RUNS, "run_id", "active")),
    ("experiments.search_runs", runs::search_runs),
    ("experiments.log_metric", runs::log_metric),
    ("experiments.log_param", runs::log_param),
    ("experiments.log_batch", runs::log_batch),
    ("experiments.set_tag", runs::set_tag),
    ("experiments.delete_tag", runs::delete_tag),
    ("experiments.get_history", runs::history),
    ("experiments.log_inputs", runs::log_inputs),
    ("experiments.log_outputs", runs::log_outputs),
    ("experiments.delete_runs", |call| runs::stage_many(call, "deleted")),
    ("experiments.restore_runs", |call| runs::stage_many(call, "active")),
    ("experiments.log_model", runs::log_model),
    ("experiments.create_logged_model", models::create),
    ("experiments.get_logged_model", models::get),
    ("experiments.finalize_logged_model", models::finalize),
    ("experiments.delete_logged_model", models::delete),
    ("experiments.set_logged_model_tags", models::set_tags),
    ("experiments.delete_logged_model_tag", models::delete_tag),
    ("experiments.log_logged_model_params", models::log_params),
    ("experiments.search_logged_models", models::search),
];

const EXPERIMENTS: &str = "experiments/";
const RUNS: &str = "experiments/runs";

fn missing(what: &str, id: &str) -> ApiError {
    ApiError::not_found(format!("{what} '{id}' does not exist."))
}

fn find(change: &Change<'_>, collection: &str, what: &str, id: &str) -> Result<Record, ApiError> {
    change.get(collection, id).cloned().ok_or_else(|| missing(what, id))
}

fn create(call: &Call<'_>) -> Reply {
    let name = call.body.str("name")?;
    let id = (call.desk.ids.number() >> 11).to_string();
    call.transact(|change| {
        if change.list(EXPERIMENTS).into_iter().any(|(_, e)| text(e, "name") == name) {
            return Err(ApiError::new(
                http::StatusCode::BAD_REQUEST,
                "RESOURCE_ALREADY_EXISTS",
                format!("Experiment '{name}' already exists."),
            ));
        }
        let mut record = Record::new();
        let location = call.body.opt_str("artifact_location")?.map(str::to_owned);
        set(&mut record, "experiment_id", id.clone());
        set(&mut record, "name", name);
        set(
            &mut record,
            "artifact_location",
            location.unwrap_or_else(|| format!("dbfs:/databricks/mlflow-tracking/{id}")),
        );
        set(&mut record, "lifecycle_stage", "active");
        set(&mut record, "creation_time", call.now());
        set(&mut record, "last_update_time", call.now());
        set(&mut record, "tags", call.body.opt_list("tags")?.unwrap_or_default().to_vec());
        change.put(EXPERIMENTS, &id, record);
        Ok(Json(json!({"experiment_id": id})))
    })
}

fn get(call: &Call<'_>) -> Reply {
    let id = call.query.str("experiment_id")?;
    let record = find(&call.desk.records.change(), EXPERIMENTS, "Experiment", id)?;
    Ok(Json(json!({"experiment": record})))
}

fn get_by_name(call: &Call<'_>) -> Reply {
    let name = call.query.str("experiment_name")?;
    let all = call.desk.records.list(EXPERIMENTS);
    let found = all.into_iter().find(|e| text(e, "name") == name).ok_or_else(|| missing("Experiment", name))?;
    Ok(Json(json!({"experiment": found})))
}

/// Whether a lifecycle stage is asked for.
fn viewed(call: &Call<'_>, member: &str, record: &Record) -> bool {
    let view = call.input(member).unwrap_or_default();
    match view.as_str() {
        "ALL" => true,
        "DELETED_ONLY" => text(record, "lifecycle_stage") == "deleted",
        _ => text(record, "lifecycle_stage") == "active",
    }
}

fn list(call: &Call<'_>) -> Reply {
    let filter = Conditions::parse(&call.input("filter").unwrap_or_default())?;
    let all = call.desk.records.list(EXPERIMENTS);
    let found = all
        .into_iter()
        .rev()
        .filter(|e| viewed(call, "view_type", e))
        .filter(|e| filter.fits(|key| value_of_experiment(e, key)));
    listing(call, found.map(Value::Object).collect(), "experiments")
}

fn value_of_experiment(record: &Record, key: &str) -> Option<Value> {
    match key.split_once('.') {
        Some(("tags" | "tag", name)) => {
            let tags = record.get("tags")?.as_array()?;
            tags.iter().find(|t| t["key"] == name).map(|t| t["value"].clone())
        }
        _ => record.get(key).cloned(),
    }
}

fn update(call: &Call<'_>) -> Reply {
    let id = call.body.str("experiment_id")?;
    call.transact(|change| {
        let mut record = find(change, EXPERIMENTS, "Experiment", id)?;
        if let Some(name) = call.body.opt_str("new_name")? {
            set(&mut record, "name", name);
        }
        set(&mut record, "last_update_time", call.now());
        change.put(EXPERIMENTS, id, record);
        Ok(Json::empty())
    })
}

fn stage(call: &Call<'_>, collection: &str, member: &str, stage: &str) -> Reply {
    let id = call.body.str(member)?;
    call.transact(|change| {
        let mut record = find(change, collection, if collection == RUNS { "Run" } else { "Experiment" }, id)?;
        match record.get_mut("info") {
            Some(Value::Object(info)) => {
                set(info, "lifecycle_stage", stage);
                set(info, "deleted_time", if stage == "deleted" { json!(call.now()) } else { Value::Null });
            }
            _ => set(&mut record, "lifecycle_stage", stage),
        }
        change.put(collection, id, record);
        Ok(Json::empty())
    })
}

fn tag_experiment(call: &Call<'_>) -> Reply {
    let (id, key, value) = (call.body.str("experiment_id")?, call.body.str("key")?, call.body.str("value")?);
    call.transact(|change| {
        let mut record = find(change, EXPERIMENTS, "Experiment", id)?;
        put_pair(&mut record, "tags", key, json!(value));
        change.put(EXPERIMENTS, id, record);
        Ok(Json::empty())
    })
}

/// Sets the value of `key` in a list of pairs.
fn put_pair(record: &mut Map<String, Value>, list: &str, key: &str, value: Value) {
    let mut pairs = record.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
    pairs.retain(|p| p["key"] != key);
    pairs.push(json!({"key": key, "value": value}));
    set(record, list, pairs);
}
