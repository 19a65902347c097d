//! MLflow: experiments and runs with their parameters, metrics and tags.

use serde_json::{Map, Value, json};

use super::Run;
use crate::records::call::{Call, set, text};
use crate::records::like;
use crate::records::store::{Change, Record};
use crate::records::verbs::listing;
use crate::reply::{ApiError, Json, Reply};

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
    ("experiments.create_run", create_run),
    ("experiments.get_run", get_run),
    ("experiments.update_run", update_run),
    ("experiments.delete_run", |call| stage(call, RUNS, "run_id", "deleted")),
    ("experiments.restore_run", |call| stage(call, RUNS, "run_id", "active")),
    ("experiments.search_runs", search_runs),
    ("experiments.log_metric", log_metric),
    ("experiments.log_param", log_param),
    ("experiments.log_batch", log_batch),
    ("experiments.set_tag", set_tag),
    ("experiments.delete_tag", delete_tag),
    ("experiments.get_history", history),
    ("experiments.log_inputs", log_inputs),
    ("experiments.log_outputs", log_outputs),
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
            Some(Value::Object(info)) => set(info, "lifecycle_stage", stage),
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

fn create_run(call: &Call<'_>) -> Reply {
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

fn get_run(call: &Call<'_>) -> Reply {
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

fn update_run(call: &Call<'_>) -> Reply {
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

fn log_metric(call: &Call<'_>) -> Reply {
    let metric = Value::Object(call.body.0.clone());
    edit_run(call, |run, change| add_metric(call, run, change, &metric))?;
    Ok(Json::empty())
}

fn log_param(call: &Call<'_>) -> Reply {
    let (key, value) = (call.body.str("key")?, call.body.opt_str("value")?.unwrap_or_default());
    edit_run(call, |run, _| add_param(run, key, &json!(value)))?;
    Ok(Json::empty())
}

fn log_batch(call: &Call<'_>) -> Reply {
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

fn set_tag(call: &Call<'_>) -> Reply {
    let (key, value) = (call.body.str("key")?, call.body.opt_str("value")?.unwrap_or_default());
    edit_run(call, |run, _| {
        put_pair(object(run, "data")?, "tags", key, json!(value));
        Ok(())
    })?;
    Ok(Json::empty())
}

fn delete_tag(call: &Call<'_>) -> Reply {
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

fn history(call: &Call<'_>) -> Reply {
    let (id, key) = (run_id(call)?, call.query.str("metric_key")?);
    find(&call.desk.records.change(), RUNS, "Run", &id)?;
    let all = call.desk.records.list(&format!("experiments/runs/{id}/{key}"));
    listing(call, all.into_iter().map(Value::Object).collect(), "metrics")
}

fn log_inputs(call: &Call<'_>) -> Reply {
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

fn log_outputs(call: &Call<'_>) -> Reply {
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

fn search_runs(call: &Call<'_>) -> Reply {
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

fn compare_values(a: Option<&Value>, b: Option<&Value>) -> std::cmp::Ordering {
    let number = |v: Option<&Value>| v.and_then(Value::as_f64);
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => {
            let text = |v: Option<&Value>| v.map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
            text(a).cmp(&text(b))
        }
    }
}

fn unquoted(key: &str) -> String {
    key.replace(['`', '"'], "")
}

/// The filters of MLflow: comparisons that are joined by `and`.
pub(super) struct Conditions(Vec<(String, String, String)>);

impl Conditions {
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let mut out = Vec::new();
        for part in split_and(text) {
            let bad = || ApiError::invalid_parameter(format!("The filter condition '{part}' is not understood"));
            let upper = part.to_ascii_uppercase();
            let operators = [" NOT LIKE ", " ILIKE ", " LIKE ", "!=", ">=", "<=", "=", ">", "<"];
            let found = operators.iter().find_map(|op| {
                let at = upper.find(op)?;
                Some((part.get(..at)?, op.trim(), part.get(at + op.len()..)?))
            });
            let (key, operator, value) = found.ok_or_else(bad)?;
            let value = value.trim().trim_matches(['\'', '"']);
            out.push((unquoted(key.trim()), operator.to_owned(), value.to_owned()));
        }
        Ok(Self(out))
    }

    pub(super) fn fits(&self, value: impl Fn(&str) -> Option<Value>) -> bool {
        self.0.iter().all(|(key, operator, wanted)| {
            let found = value(key);
            let text = found.as_ref().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
            let order = || {
                let number = wanted.parse::<f64>().ok().map(Value::from);
                let wanted = number.unwrap_or_else(|| json!(wanted));
                compare_values(found.as_ref(), Some(&wanted))
            };
            match operator.as_str() {
                _ if text.is_none() => false,
                "LIKE" => like(text.as_deref().unwrap_or_default(), wanted),
                "ILIKE" => like(&text.unwrap_or_default().to_lowercase(), &wanted.to_lowercase()),
                "NOT LIKE" => !like(text.as_deref().unwrap_or_default(), wanted),
                "=" => order().is_eq() || text.as_deref() == Some(wanted),
                "!=" => !order().is_eq(),
                ">" => order().is_gt(),
                ">=" => order().is_ge(),
                "<" => order().is_lt(),
                _ => order().is_le(),
            }
        })
    }
}

/// Splits at `and` outside of quotes.
fn split_and(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut quote, mut start) = (None, 0);
    for (at, c) in text.char_indices() {
        match quote {
            Some(q) if q == c => quote = None,
            Some(_) => {}
            None if matches!(c, '\'' | '"' | '`') => quote = Some(c),
            None => {
                if at >= start && text.get(at..at + 5).is_some_and(|word| word.eq_ignore_ascii_case(" and ")) {
                    parts.push(text[start..at].trim());
                    start = at + 5;
                }
            }
        }
    }
    parts.push(text.get(start..).unwrap_or_default().trim());
    parts.retain(|p| !p.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_compare_numbers_and_strings() {
        let value = |key: &str| match key {
            "metrics.acc" => Some(json!(0.9)),
            "params.k" => Some(json!("5 and more")),
            "name" => Some(json!("Model A")),
            _ => None,
        };
        for yes in [
            "",
            "metrics.acc > 0.5",
            "metrics.`acc` >= 0.9 and name LIKE 'Model%'",
            "params.k = '5 and more' AND name ILIKE '%a'",
            "name != 'x'",
        ] {
            assert!(Conditions::parse(yes).unwrap().fits(value), "{yes}");
        }
        for no in ["metrics.acc < 0.5", "name LIKE 'x%'", "tags.none = 'x'", "params.k = '5'"] {
            assert!(!Conditions::parse(no).unwrap().fits(value), "{no}");
        }
        assert!(Conditions::parse("what").is_err());
    }
}
