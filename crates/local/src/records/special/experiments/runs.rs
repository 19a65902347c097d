//! Runs: what is logged to them, and how they are searched.

use serde_json::{Map, Value, json};

use super::conditions::{Conditions, compare_values, unquoted};
use super::{EXPERIMENTS, RUNS, find, put_pair};
use crate::paging::{Limits, page};
use crate::records::call::{Call, set, text};
use crate::records::store::{Change, Record};
use crate::records::verbs::listing;
use crate::reply::{ApiError, Json, Reply};

pub(super) fn create_run(call: &Call<'_>) -> Reply {
    let experiment = call.body.opt_str("experiment_id")?.unwrap_or("0").to_owned();
    let id = call.desk.ids.hex32();
    call.transact(|change| {
        let parent = find(change, EXPERIMENTS, "Experiment", &experiment)?;
        let start = call.body.opt_i64("start_time")?.unwrap_or_else(|| call.now());
        let name = call.body.opt_str("run_name")?.map_or_else(|| format!("run-{}", &id[..8]), str::to_owned);
        let user = call.body.opt_str("user_id")?.unwrap_or(&call.caller.name).to_owned();
        let info = json!({
            "run_id": id,
            "run_uuid": id,
            "run_name": name,
            "experiment_id": experiment,
            "user_id": user,
            "status": "RUNNING",
            "start_time": start,
            "artifact_uri": format!("{}/{id}/artifacts", text(&parent, "artifact_location")),
            "lifecycle_stage": "active",
        });
        let mut data = Map::new();
        set(&mut data, "tags", call.body.opt_list("tags")?.unwrap_or_default().to_vec());
        put_pair(&mut data, "tags", "mlflow.runName", json!(name));
        put_pair(&mut data, "tags", "mlflow.user", json!(user));
        let mut run = Record::new();
        set(&mut run, "info", info);
        set(&mut run, "data", Value::Object(data));
        set(&mut run, "inputs", json!({}));
        change.put(RUNS, &id, run.clone());
        Ok(Json(json!({"run": run})))
    })
}

fn run_id(call: &Call<'_>) -> Result<String, ApiError> {
    call.input("run_id").or_else(|| call.input("run_uuid")).ok_or_else(|| crate::extract::missing("run_id"))
}

pub(super) fn get_run(call: &Call<'_>) -> Reply {
    let run = find(&call.desk.records.change(), RUNS, "Run", &run_id(call)?)?;
    Ok(Json(json!({"run": run})))
}

/// Changes a run that is not deleted.
fn edit_run<T>(
    call: &Call<'_>,
    edit: impl FnOnce(&mut Record, &mut Change<'_>) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let id = run_id(call)?;
    call.transact(|change| {
        let mut run = find(change, RUNS, "Run", &id)?;
        if run.get("info").is_some_and(|i| i["lifecycle_stage"] == "deleted") {
            return Err(ApiError::invalid_parameter(format!("The run {id} must be in the 'active' state.")));
        }
        let out = edit(&mut run, change)?;
        change.put(RUNS, &id, run);
        Ok(out)
    })
}

/// An object member of a run, made if it is not there.
fn object<'a>(run: &'a mut Record, member: &str) -> Result<&'a mut Map<String, Value>, ApiError> {
    let inner = run.entry(member.to_owned()).or_insert_with(|| json!({}));
    inner.as_object_mut().ok_or_else(|| ApiError::internal(format!("{member} of the run is not an object")))
}

pub(super) fn update_run(call: &Call<'_>) -> Reply {
    edit_run(call, |run, _| {
        if let Some(name) = call.body.opt_str("run_name")? {
            put_pair(object(run, "data")?, "tags", "mlflow.runName", json!(name));
        }
        let info = object(run, "info")?;
        for member in ["status", "end_time", "run_name"] {
            if let Some(value) = call.body.0.get(member) {
                set(info, member, value.clone());
            }
        }
        Ok(Json(json!({"run_info": info})))
    })
}

fn add_metric(call: &Call<'_>, run: &mut Record, change: &mut Change<'_>, metric: &Value) -> Result<(), ApiError> {
    let key = metric["key"].as_str().ok_or_else(|| crate::extract::missing("key"))?.to_owned();
    // Not-a-number and infinities are strings in JSON.
    if !(metric["value"].is_number() || metric["value"].as_str().is_some_and(|v| v.parse::<f64>().is_ok())) {
        return Err(ApiError::invalid_parameter(format!("The value of metric '{key}' must be a number")));
    }
    let id = run.get("info").map(|i| i["run_id"].as_str().unwrap_or_default().to_owned()).unwrap_or_default();
    let step = metric["step"].as_i64().unwrap_or(0);
    let at = metric["timestamp"].as_i64().unwrap_or_else(|| call.now());
    let point = json!({"key": key, "value": metric["value"], "timestamp": at, "step": step});
    let collection = format!("experiments/runs/{id}/{key}");
    let number = change.list(&collection).len();
    if let Value::Object(record) = point.clone() {
        change.put(&collection, &format!("{number:010}"), record);
    }
    let data = object(run, "data")?;
    let mut latest = data.get("metrics").and_then(Value::as_array).cloned().unwrap_or_default();
    let newer = |old: &Value| (old["step"].as_i64(), old["timestamp"].as_i64()) > (Some(step), Some(at));
    if !latest.iter().any(|old| old["key"] == key.as_str() && newer(old)) {
        latest.retain(|old| old["key"] != key.as_str());
        latest.push(point);
    }
    set(data, "metrics", latest);
    Ok(())
}

fn add_param(run: &mut Record, key: &str, value: &Value) -> Result<(), ApiError> {
    let data = object(run, "data")?;
    let old = data.get("params").and_then(Value::as_array);
    let old = old.and_then(|all| all.iter().find(|p| p["key"] == key)).map(|p| p["value"].clone());
    match old {
        Some(old) if old != *value => Err(ApiError::invalid_parameter(format!(
            "Parameter '{key}' was logged already with the value {old}; parameters do not change"
        ))),
        Some(_) => Ok(()),
        None => {
            put_pair(data, "params", key, value.clone());
            Ok(())
        }
    }
}

pub(super) fn log_metric(call: &Call<'_>) -> Reply {
    let metric = Value::Object(call.body.0.clone());
    edit_run(call, |run, change| add_metric(call, run, change, &metric))?;
    Ok(Json::empty())
}

pub(super) fn log_param(call: &Call<'_>) -> Reply {
    let (key, value) = (call.body.str("key")?, call.body.opt_str("value")?.unwrap_or_default());
    edit_run(call, |run, _| add_param(run, key, &json!(value)))?;
    Ok(Json::empty())
}

pub(super) fn log_batch(call: &Call<'_>) -> Reply {
    let list = |name: &str| call.body.opt_list(name).map(Option::unwrap_or_default);
    let (metrics, params, tags) = (list("metrics")?, list("params")?, list("tags")?);
    if metrics.len() > 1000 || params.len() > 100 || tags.len() > 100 {
        return Err(ApiError::invalid_parameter("A batch has at most 1000 metrics, 100 parameters and 100 tags"));
    }
    edit_run(call, |run, change| {
        for metric in metrics {
            add_metric(call, run, change, metric)?;
        }
        for param in params {
            add_param(run, param["key"].as_str().unwrap_or_default(), &param["value"])?;
        }
        for tag in tags {
            put_pair(object(run, "data")?, "tags", tag["key"].as_str().unwrap_or_default(), tag["value"].clone());
        }
        Ok(())
    })?;
    Ok(Json::empty())
}

pub(super) fn set_tag(call: &Call<'_>) -> Reply {
    let (key, value) = (call.body.str("key")?, call.body.opt_str("value")?.unwrap_or_default());
    edit_run(call, |run, _| {
        put_pair(object(run, "data")?, "tags", key, json!(value));
        Ok(())
    })?;
    Ok(Json::empty())
}

pub(super) fn delete_tag(call: &Call<'_>) -> Reply {
    let key = call.body.str("key")?;
    edit_run(call, |run, _| {
        let data = object(run, "data")?;
        let tags = data.get_mut("tags").and_then(Value::as_array_mut);
        let before = tags.as_ref().map_or(0, |t| t.len());
        if let Some(tags) = tags {
            tags.retain(|t| t["key"] != key);
            if tags.len() < before {
                return Ok(());
            }
        }
        Err(ApiError::not_found(format!("The run has no tag '{key}'.")))
    })?;
    Ok(Json::empty())
}

/// How many values of a metric a page has.
const HISTORY: Limits = Limits { usual: 25_000, max: 25_000 };

pub(super) fn history(call: &Call<'_>) -> Reply {
    let (id, key) = (run_id(call)?, call.query.str("metric_key")?);
    find(&call.desk.records.change(), RUNS, "Run", &id)?;
    let all = call.desk.records.list(&format!("experiments/runs/{id}/{key}")).into_iter().map(Value::Object).collect();
    let size = call.query.opt_i64("max_results")?;
    let page = page(all, "metrics", size, call.query.get("page_token"), HISTORY)?;
    let mut out = json!({"metrics": page.items});
    if let Some(next) = page.next {
        out["next_page_token"] = json!(next);
    }
    Ok(Json(out))
}

pub(super) fn log_inputs(call: &Call<'_>) -> Reply {
    edit_run(call, |run, _| {
        let inputs = object(run, "inputs")?;
        for (from, to) in [("datasets", "dataset_inputs"), ("models", "model_inputs")] {
            let mut all = inputs.get(to).and_then(Value::as_array).cloned().unwrap_or_default();
            all.extend(call.body.opt_list(from)?.unwrap_or_default().to_vec());
            set(inputs, to, all);
        }
        Ok(())
    })?;
    Ok(Json::empty())
}

pub(super) fn log_outputs(call: &Call<'_>) -> Reply {
    edit_run(call, |run, _| {
        let outputs = object(run, "outputs")?;
        let mut all = outputs.get("model_outputs").and_then(Value::as_array).cloned().unwrap_or_default();
        all.extend(call.body.opt_list("models")?.unwrap_or_default().to_vec());
        set(outputs, "model_outputs", all);
        Ok(())
    })?;
    Ok(Json::empty())
}

fn value_of_run(run: &Record, key: &str) -> Option<Value> {
    let (group, name) = key.split_once('.').unwrap_or(("attributes", key));
    let list = match group {
        "metrics" | "metric" => "metrics",
        "params" | "param" | "parameters" => "params",
        "tags" | "tag" => "tags",
        _ => return run.get("info")?.get(name).cloned(),
    };
    let pairs = run.get("data")?.get(list)?.as_array()?;
    pairs.iter().find(|p| p["key"] == name).map(|p| p["value"].clone())
}

pub(super) fn search_runs(call: &Call<'_>) -> Reply {
    let experiments = call.body.opt_strings("experiment_ids")?.unwrap_or_default();
    let filter = Conditions::parse(call.body.opt_str("filter")?.unwrap_or_default())?;
    let view = call.body.opt_str("run_view_type")?.unwrap_or("ACTIVE_ONLY").to_owned();
    let all = call.desk.records.list(RUNS);
    let mut found: Vec<Record> = all
        .into_iter()
        .rev()
        .filter(|run| {
            let info = &run["info"];
            let stage = info["lifecycle_stage"].as_str().unwrap_or_default();
            let viewed = match view.as_str() {
                "ALL" => true,
                "DELETED_ONLY" => stage == "deleted",
                _ => stage == "active",
            };
            viewed && experiments.iter().any(|id| info["experiment_id"] == id.as_str())
        })
        .filter(|run| filter.fits(|key| value_of_run(run, key)))
        .collect();
    for order in call.body.opt_strings("order_by")?.unwrap_or_default().iter().rev() {
        let (key, descending) = match order.trim().rsplit_once(' ') {
            Some((key, word)) if word.eq_ignore_ascii_case("desc") => (key.trim(), true),
            Some((key, word)) if word.eq_ignore_ascii_case("asc") => (key.trim(), false),
            _ => (order.trim(), false),
        };
        let key = unquoted(key);
        found.sort_by(|a, b| {
            let order = compare_values(value_of_run(a, &key).as_ref(), value_of_run(b, &key).as_ref());
            if descending { order.reverse() } else { order }
        });
    }
    listing(call, found.into_iter().map(Value::Object).collect(), "runs")
}

/// Deletes the runs of an experiment that began until a time, or restores those that were deleted from a time on.
pub(super) fn stage_many(call: &Call<'_>, stage: &str) -> Reply {
    let experiment = call.body.str("experiment_id")?;
    let restores = stage == "active";
    let bound = if restores { "min_timestamp_millis" } else { "max_timestamp_millis" };
    let bound = call.body.opt_i64(bound)?.ok_or_else(|| crate::extract::missing(bound))?;
    let most = call.body.opt_i64("max_runs")?.unwrap_or(10_000);
    let most = usize::try_from(most).ok().filter(|n| (1..=10_000).contains(n));
    let most = most.ok_or_else(|| ApiError::invalid_parameter("max_runs must be between 1 and 10000"))?;
    call.transact(|change| {
        find(change, EXPERIMENTS, "Experiment", experiment)?;
        let fits = |run: &Record| {
            let info = &run["info"];
            let at = info[if restores { "deleted_time" } else { "start_time" }].as_i64().unwrap_or_default();
            let in_time = if restores { at >= bound } else { at <= bound };
            info["experiment_id"] == experiment && info["lifecycle_stage"] != stage && in_time
        };
        let found: Vec<_> = change.list(RUNS).into_iter().filter(|(_, run)| fits(run)).take(most).collect();
        let found: Vec<(String, Record)> = found.into_iter().map(|(id, run)| (id.to_owned(), run.clone())).collect();
        let count = found.len();
        for (id, mut run) in found {
            let info = object(&mut run, "info")?;
            set(info, "lifecycle_stage", stage);
            set(info, "deleted_time", if restores { Value::Null } else { json!(call.now()) });
            change.put(RUNS, &id, run);
        }
        Ok(Json(json!({if restores { "runs_restored" } else { "runs_deleted" }: count})))
    })
}

/// Notes a model among those that the run has logged.
pub(super) fn log_model(call: &Call<'_>) -> Reply {
    const HISTORY: &str = "mlflow.log-model.history";
    let text = call.body.str("model_json")?;
    let model: Value = serde_json::from_str(text)
        .map_err(|e| ApiError::invalid_parameter(format!("model_json is not a JSON object: {e}")))?;
    edit_run(call, |run, _| {
        let data = object(run, "data")?;
        let tags = data.get("tags").and_then(Value::as_array);
        let known = tags.and_then(|tags| tags.iter().find(|t| t["key"] == HISTORY)).and_then(|t| t["value"].as_str());
        let mut all: Vec<Value> = known.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        all.push(model);
        put_pair(data, "tags", HISTORY, json!(Value::Array(all).to_string()));
        Ok(())
    })?;
    Ok(Json::empty())
}
