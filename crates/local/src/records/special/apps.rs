//! Apps: changes of several members at once, and the spaces that apps can be in.

use serde_json::{Map, Value, json};

use super::Run;
use crate::extract::missing;
use crate::records::call::{Call, set, text};
use crate::records::mask::Mask;
use crate::records::stamp;
use crate::records::store::{Change, Record};
use crate::records::verbs::listing;
use crate::reply::{ApiError, Json, Reply};

pub(super) const OPERATIONS: &[(&str, Run)] = &[
    ("apps.create_update", update),
    ("apps.get_update", last_update),
    ("apps.create_space", create_space),
    ("apps.get_space", get_space),
    ("apps.list_spaces", list_spaces),
    ("apps.update_space", update_space),
    ("apps.delete_space", delete_space),
    ("apps.get_space_operation", space_operation),
];

const APPS: &str = "apps/";
const UPDATES: &str = "app_updates/";
const SPACES: &str = "app_spaces/";

fn app_name<'a>(call: &'a Call<'_>) -> &'a str {
    call.param("app_name").unwrap_or_default()
}

fn app(change: &Change<'_>, call: &Call<'_>) -> Result<Record, ApiError> {
    let found = change.get(APPS, app_name(call)).cloned();
    found.ok_or_else(|| ApiError::not_found(format!("App '{}' does not exist.", app_name(call))))
}

/// What an update shows: the members of the app that one can state, and how it went.
fn update_shown(call: &Call<'_>, app: &Record) -> Record {
    let known = |name: &str| name != "status" && call.operation.result.is_some_and(|schema| schema.has(name));
    let mut out: Record = app.iter().filter(|(name, _)| known(name)).map(|(n, v)| (n.clone(), v.clone())).collect();
    set(&mut out, "status", json!({"state": "SUCCEEDED", "message": "App update succeeded."}));
    out
}

fn update(call: &Call<'_>) -> Reply {
    call.body.str("update_mask")?;
    let stated = call.body.opt_object("app")?.ok_or_else(|| missing("app"))?;
    // What the service sets stays as it is.
    let known = |name: &str| name != "status" && call.operation.result.is_some_and(|schema| schema.has(name));
    let stated: Record = stated.0.into_iter().filter(|(name, _)| known(name)).collect();
    let mask = Mask::of(call);
    call.transact(|change| {
        let mut record = app(change, call)?;
        let before = record.clone();
        mask.apply(&mut record, &stated);
        for name in before.keys().filter(|name| !known(name)) {
            record.insert(name.clone(), before[name].clone());
        }
        stamp::touched(&mut record, call);
        change.put(APPS, app_name(call), record.clone());
        let shown = update_shown(call, &record);
        change.put(UPDATES, app_name(call), shown.clone());
        Ok(Json(Value::Object(shown)))
    })
}

fn last_update(call: &Call<'_>) -> Reply {
    app(&call.desk.records.change(), call)?;
    let kept = call.desk.records.get(UPDATES, app_name(call));
    let kept = kept.ok_or_else(|| ApiError::not_found(format!("App '{}' was not updated yet.", app_name(call))))?;
    Ok(Json(Value::Object(kept)))
}

fn space_name<'a>(call: &'a Call<'_>) -> &'a str {
    call.param("name").unwrap_or_default()
}

fn space(change: &Change<'_>, name: &str) -> Result<Record, ApiError> {
    let found = change.get(SPACES, name).cloned();
    found.ok_or_else(|| ApiError::not_found(format!("The space '{name}' does not exist.")))
}

/// An operation that is done.
fn done(call: &Call<'_>, name: &str, response: Map<String, Value>) -> Json {
    let id = call.desk.ids.uuid();
    Json(json!({"name": format!("{name}/operations/{id}"), "done": true, "metadata": {}, "response": response}))
}

const STATED: [&str; 5] = ["assume_group_id", "description", "resources", "usage_policy_id", "user_api_scopes"];

fn stated(call: &Call<'_>) -> Record {
    let members = call.body.0.iter().filter(|(name, _)| STATED.contains(&name.as_str()));
    members.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn create_space(call: &Call<'_>) -> Reply {
    let name = call.body.str("name")?;
    if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') || name.len() > 30 {
        let message = "Names of spaces consist of lower-case letters, digits and hyphens, at most 30 of them";
        return Err(ApiError::invalid_parameter(message));
    }
    call.transact(|change| {
        if change.get(SPACES, name).is_some() {
            let message = format!("The space '{name}' already exists");
            return Err(ApiError::new(http::StatusCode::CONFLICT, "ALREADY_EXISTS", message));
        }
        let mut record = stated(call);
        set(&mut record, "name", name);
        set(&mut record, "id", call.desk.ids.uuid());
        set(&mut record, "service_principal_id", call.desk.ids.number() >> 11);
        set(&mut record, "service_principal_client_id", call.desk.ids.uuid());
        set(&mut record, "service_principal_name", format!("space-{name}"));
        set(&mut record, "status", json!({"state": "SPACE_ACTIVE"}));
        set(&mut record, "creator", call.caller.name.as_str());
        set(&mut record, "create_time", crate::clock::Clock::rfc3339(call.now()));
        stamp::touched(&mut record, call);
        change.put(SPACES, name, record.clone());
        Ok(done(call, name, record))
    })
}

fn get_space(call: &Call<'_>) -> Reply {
    space(&call.desk.records.change(), space_name(call)).map(|record| Json(Value::Object(record)))
}

fn list_spaces(call: &Call<'_>) -> Reply {
    listing(call, call.desk.records.list(SPACES).into_iter().map(Value::Object).collect(), "spaces")
}

fn update_space(call: &Call<'_>) -> Reply {
    let mask = Mask::of(call);
    call.transact(|change| {
        let before = space(change, space_name(call))?;
        let mut record = before.clone();
        mask.apply(&mut record, &stated(call));
        for name in before.keys().filter(|name| !STATED.contains(&name.as_str())) {
            record.insert(name.clone(), before[name].clone());
        }
        stamp::touched(&mut record, call);
        change.put(SPACES, space_name(call), record.clone());
        Ok(done(call, space_name(call), record))
    })
}

fn delete_space(call: &Call<'_>) -> Reply {
    call.transact(|change| {
        let name = text(&space(change, space_name(call))?, "name").to_owned();
        change.remove(SPACES, &name);
        Ok(done(call, &name, Map::new()))
    })
}

/// Operations on spaces are done when they are answered; what is asked for is how the space is.
fn space_operation(call: &Call<'_>) -> Reply {
    let asked = call.param("name").unwrap_or_default();
    let name = asked.split('/').find(|part| *part != "app-spaces").unwrap_or_default();
    let record = space(&call.desk.records.change(), name)?;
    Ok(Json(json!({"name": asked, "done": true, "metadata": {}, "response": record})))
}
