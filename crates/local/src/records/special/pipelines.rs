//! Pipelines: records with updates that pass through their states in time. No pipeline code runs.

use serde_json::{Value, json};

use super::Run;
use crate::records::call::{Call, set, text};
use crate::records::store::{Change, Record};
use crate::records::verbs::listing;
use crate::reply::{ApiError, Json, Reply};

pub(super) const OPERATIONS: &[(&str, Run)] = &[
    ("pipelines.create", create),
    ("pipelines.get", get),
    ("pipelines.list_pipelines", list),
    ("pipelines.update", update),
    ("pipelines.delete", delete),
    ("pipelines.start_update", start),
    ("pipelines.get_update", get_update),
    ("pipelines.list_updates", list_updates),
    ("pipelines.stop", stop),
    ("pipelines.list_pipeline_events", events),
];

const PIPELINES: &str = "pipelines/";
/// What an update goes through, and how many seconds of the platform's time it is in each state.
const COURSE: [(&str, u64); 5] =
    [("QUEUED", 2), ("WAITING_FOR_RESOURCES", 30), ("INITIALIZING", 20), ("SETTING_UP_TABLES", 10), ("RUNNING", 30)];

fn missing(id: &str) -> ApiError {
    ApiError::not_found(format!("The specified pipeline {id} was not found."))
}

fn spec(call: &Call<'_>, id: &str) -> Record {
    let mut spec = call.body.0.clone();
    for name in ["dry_run", "allow_duplicate_names", "run_as", "expected_last_modified", "pipeline_id"] {
        spec.remove(name);
    }
    set(&mut spec, "id", id);
    spec
}

fn create(call: &Call<'_>) -> Reply {
    let id = call.desk.ids.uuid();
    let spec = spec(call, &id);
    if call.body.opt_bool("dry_run")?.unwrap_or(false) {
        return Ok(Json(json!({"effective_settings": spec})));
    }
    let name = call.body.str("name")?;
    let duplicates = call.body.opt_bool("allow_duplicate_names")?.unwrap_or(false);
    call.transact(|change| {
        refuse_duplicate(change, name, duplicates, "")?;
        let mut record = Record::new();
        set(&mut record, "pipeline_id", id.clone());
        set(&mut record, "name", name);
        set(&mut record, "spec", Value::Object(spec));
        set(&mut record, "creator_user_name", call.caller.name.as_str());
        set(&mut record, "run_as_user_name", call.caller.name.as_str());
        set(&mut record, "last_modified", call.now());
        change.put(PIPELINES, &id, record);
        Ok(Json(json!({"pipeline_id": id})))
    })
}

fn refuse_duplicate(change: &Change<'_>, name: &str, allowed: bool, own: &str) -> Result<(), ApiError> {
    let taken = change.list(PIPELINES).into_iter().any(|(id, p)| id != own && text(p, "name") == name);
    if taken && !allowed {
        return Err(ApiError::new(
            http::StatusCode::CONFLICT,
            "RESOURCE_CONFLICT",
            format!("The pipeline name '{name}' is already used by another pipeline."),
        ));
    }
    Ok(())
}

fn updates(id: &str) -> String {
    format!("pipelines/{id}/updates")
}

/// The state that an update is in now.
fn state(update: &Record, call: &Call<'_>) -> String {
    let ended = text(update, "state");
    if !ended.is_empty() {
        return ended.to_owned();
    }
    let mut end = update.get("creation_time").and_then(Value::as_i64).unwrap_or_default();
    for (name, seconds) in COURSE {
        end = end.saturating_add(call.desk.clock.scaled_ms(std::time::Duration::from_secs(seconds)));
        if call.now() < end {
            return name.to_owned();
        }
    }
    "COMPLETED".to_owned()
}

fn is_over(state: &str) -> bool {
    matches!(state, "COMPLETED" | "CANCELED" | "FAILED")
}

/// The updates of a pipeline with their present states, newest first.
fn current(change: &Change<'_>, id: &str, call: &Call<'_>) -> Vec<Record> {
    let all = change.list(&updates(id)).into_iter().rev().map(|(_, update)| {
        let mut update = update.clone();
        let state = state(&update, call);
        set(&mut update, "state", state);
        update
    });
    all.collect()
}

fn shown(record: &Record, change: &Change<'_>, call: &Call<'_>) -> Value {
    let mut out = record.clone();
    let updates = current(change, text(record, "pipeline_id"), call);
    let running = updates.first().is_some_and(|u| !is_over(text(u, "state")));
    set(&mut out, "state", if running { "RUNNING" } else { "IDLE" });
    let health = updates.iter().map(|u| text(u, "state")).find(|s| is_over(s));
    set(&mut out, "health", if health == Some("FAILED") { "UNHEALTHY" } else { "HEALTHY" });
    let latest: Vec<_> = updates
        .iter()
        .take(5)
        .map(|u| {
            let created = u.get("creation_time").and_then(Value::as_i64).unwrap_or_default();
            json!({
                "update_id": u["update_id"],
                "state": u["state"],
                "creation_time": crate::clock::Clock::rfc3339(created),
            })
        })
        .collect();
    if !latest.is_empty() {
        set(&mut out, "latest_updates", latest);
    }
    Value::Object(out)
}

fn get(call: &Call<'_>) -> Reply {
    let id = call.last_param().unwrap_or_default();
    let change = call.desk.records.change();
    let record = change.get(PIPELINES, id).ok_or_else(|| missing(id))?;
    Ok(Json(shown(record, &change, call)))
}

fn list(call: &Call<'_>) -> Reply {
    let wanted = match call.query.get("filter") {
        None => None,
        Some(filter) => Some(pattern(filter)?),
    };
    let all = {
        let change = call.desk.records.change();
        let fits = |record: &Record| wanted.as_ref().is_none_or(|p| p.fits(text(record, "name")));
        let all = change.list(PIPELINES).into_iter().filter(|(_, r)| fits(r));
        let all: Vec<Value> = all
            .map(|(_, r)| {
                let mut shown = shown(r, &change, call);
                if let Value::Object(members) = &mut shown {
                    members.remove("spec");
                    members.remove("last_modified");
                }
                shown
            })
            .collect();
        all
    };
    listing(call, all, "pipelines")
}

/// `name LIKE '%part%'` or `name = 'whole'`.
struct Pattern {
    text: String,
    like: bool,
}

impl Pattern {
    fn fits(&self, name: &str) -> bool {
        if !self.like {
            return name == self.text;
        }
        crate::records::like(name, &self.text)
    }
}

fn pattern(filter: &str) -> Result<Pattern, ApiError> {
    let bad = || {
        ApiError::invalid_parameter(format!(
            "The filter '{filter}' must be of the form name LIKE '...' or name = '...'"
        ))
    };
    let rest = filter.trim().strip_prefix("name").ok_or_else(bad)?.trim_start();
    let (like, rest) = match rest.strip_prefix('=') {
        Some(rest) => (false, rest),
        None => match rest.get(..4) {
            Some(word) if word.eq_ignore_ascii_case("like") => (true, &rest[4..]),
            _ => return Err(bad()),
        },
    };
    let text = rest.trim();
    let quoted = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\''));
    let quoted = quoted.or_else(|| text.strip_prefix('"').and_then(|t| t.strip_suffix('"')));
    Ok(Pattern { text: quoted.ok_or_else(bad)?.to_owned(), like })
}

fn update(call: &Call<'_>) -> Reply {
    let id = call.last_param().unwrap_or_default();
    let duplicates = call.body.opt_bool("allow_duplicate_names")?.unwrap_or(false);
    call.transact(|change| {
        let mut record = change.get(PIPELINES, id).cloned().ok_or_else(|| missing(id))?;
        if let Some(name) = call.body.opt_str("name")? {
            refuse_duplicate(change, name, duplicates, id)?;
            set(&mut record, "name", name);
        }
        set(&mut record, "spec", Value::Object(spec(call, id)));
        set(&mut record, "last_modified", call.now());
        change.put(PIPELINES, id, record);
        Ok(Json::empty())
    })
}

fn delete(call: &Call<'_>) -> Reply {
    let id = call.last_param().unwrap_or_default();
    call.transact(|change| {
        change.remove(PIPELINES, id).ok_or_else(|| missing(id))?;
        change.remove_all(&updates(id));
        Ok(Json::empty())
    })
}

fn start(call: &Call<'_>) -> Reply {
    let id = call.last_param().unwrap_or_default();
    call.transact(|change| {
        change.get(PIPELINES, id).ok_or_else(|| missing(id))?;
        if current(change, id, call).first().is_some_and(|u| !is_over(text(u, "state"))) {
            return Err(ApiError::new(
                http::StatusCode::CONFLICT,
                "RESOURCE_CONFLICT",
                format!("An update of the pipeline {id} is active already."),
            ));
        }
        let update_id = call.desk.ids.uuid();
        let mut update = Record::new();
        for name in ["full_refresh", "full_refresh_selection", "refresh_selection", "validate_only", "parameters"] {
            if let Some(value) = call.body.0.get(name) {
                set(&mut update, name, value.clone());
            }
        }
        set(&mut update, "pipeline_id", id);
        set(&mut update, "update_id", update_id.clone());
        set(&mut update, "cause", call.body.opt_str("cause")?.unwrap_or("API_CALL"));
        set(&mut update, "creation_time", call.now());
        change.put(&updates(id), &update_id, update);
        Ok(Json(json!({"update_id": update_id})))
    })
}

fn get_update(call: &Call<'_>) -> Reply {
    let id = call.param("pipeline_id").unwrap_or_default();
    let update_id = call.last_param().unwrap_or_default();
    let change = call.desk.records.change();
    let found = current(&change, id, call).into_iter().find(|u| text(u, "update_id") == update_id);
    let found = found.ok_or_else(|| ApiError::not_found(format!("The update {update_id} was not found.")))?;
    Ok(Json(json!({"update": found})))
}

fn list_updates(call: &Call<'_>) -> Reply {
    let id = call.last_param().unwrap_or_default();
    let all = {
        let change = call.desk.records.change();
        change.get(PIPELINES, id).ok_or_else(|| missing(id))?;
        current(&change, id, call)
    };
    Ok(Json(json!({"updates": all})))
}

fn stop(call: &Call<'_>) -> Reply {
    let id = call.last_param().unwrap_or_default();
    call.transact(|change| {
        change.get(PIPELINES, id).ok_or_else(|| missing(id))?;
        for mut update in current(change, id, call).into_iter().filter(|u| !is_over(text(u, "state"))) {
            set(&mut update, "state", "CANCELED");
            let key = text(&update, "update_id").to_owned();
            change.put(&updates(id), &key, update);
        }
        Ok(Json::empty())
    })
}

fn events(call: &Call<'_>) -> Reply {
    let id = call.last_param().unwrap_or_default();
    let all: Vec<Value> = {
        let change = call.desk.records.change();
        change.get(PIPELINES, id).ok_or_else(|| missing(id))?;
        let events = current(&change, id, call).into_iter().map(|update| {
            let created = update.get("creation_time").and_then(Value::as_i64).unwrap_or_default();
            json!({
                "id": update["update_id"],
                "event_type": "update_progress",
                "level": "INFO",
                "maturity_level": "STABLE",
                "message": format!("Update {} is {}.", text(&update, "update_id"), text(&update, "state")),
                "timestamp": crate::clock::Clock::rfc3339(created),
                "origin": {"pipeline_id": id, "update_id": update["update_id"]},
            })
        });
        events.collect()
    };
    listing(call, all, "events")
}
