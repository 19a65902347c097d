//! Lakebase projects: branches, computes, databases, roles and what belongs to them. They are records with the names and
//! the states of the service; no Postgres runs, and what states when it ends stays until it is deleted.
//!
//! A resource is kept under its name. Whatever changes one gives an operation, which is done a little later.

mod forms;
mod jobs;
mod names;

use serde_json::{Map, Value, json};

use super::Run;
use crate::clock::Clock;
use crate::extract::missing;
use crate::records::call::{Call, member, set, text};
use crate::records::mask::Mask;
use crate::records::store::{Change, Record};
use crate::records::verbs::listing;
use crate::reply::{ApiError, Json, Reply};

use forms::{Form, hidden};

pub(super) const OPERATIONS: &[(&str, Run)] = &[
    ("postgres.create_project", create),
    ("postgres.create_branch", create),
    ("postgres.create_endpoint", create),
    ("postgres.create_database", create),
    ("postgres.create_role", create),
    ("postgres.create_snapshot", create),
    ("postgres.create_catalog", create),
    ("postgres.create_synced_table", create),
    ("postgres.create_cdf_config", create),
    ("postgres.create_data_api", create),
    ("postgres.get_project", get),
    ("postgres.get_branch", get),
    ("postgres.get_endpoint", get),
    ("postgres.get_database", get),
    ("postgres.get_role", get),
    ("postgres.get_snapshot", get),
    ("postgres.get_snapshot_schedule", get),
    ("postgres.get_catalog", get),
    ("postgres.get_synced_table", get),
    ("postgres.get_cdf_config", get),
    ("postgres.get_data_api", get),
    ("postgres.list_projects", list),
    ("postgres.list_branches", list),
    ("postgres.list_endpoints", list),
    ("postgres.list_databases", list),
    ("postgres.list_roles", list),
    ("postgres.list_snapshots", list),
    ("postgres.list_cdf_configs", list),
    ("postgres.list_cdf_statuses", statuses),
    ("postgres.get_cdf_status", no_status),
    ("postgres.update_project", update),
    ("postgres.update_branch", update),
    ("postgres.update_endpoint", update),
    ("postgres.update_database", update),
    ("postgres.update_role", update),
    ("postgres.update_snapshot_schedule", update),
    ("postgres.update_data_api", update),
    ("postgres.delete_project", delete),
    ("postgres.delete_branch", delete),
    ("postgres.delete_endpoint", delete),
    ("postgres.delete_database", delete),
    ("postgres.delete_role", delete),
    ("postgres.delete_snapshot", delete),
    ("postgres.delete_catalog", delete),
    ("postgres.delete_synced_table", delete),
    ("postgres.delete_cdf_config", delete),
    ("postgres.delete_data_api", delete),
    ("postgres.undelete_project", undelete),
    ("postgres.undelete_branch", undelete),
    ("postgres.get_operation", jobs::get),
    ("postgres.generate_database_credential", credential),
    ("postgres.reveal_role_password", password),
];

const COLLECTION: &str = "postgres/";
/// How long what was deleted can be brought back.
const RETAINED_MS: i64 = 7 * 24 * 3_600_000;

/// The resource of that name.
fn found(change: &Change<'_>, name: &str) -> Result<Record, ApiError> {
    if let Some(record) = change.get(COLLECTION, name) {
        return Ok(record.clone());
    }
    let Some(form) = forms::of(name) else { return Err(ApiError::not_found(format!("'{name}' does not exist."))) };
    // A branch has one from the start.
    if form.collection == "snapshot-schedule" {
        live(change, names::parent(name))?;
        return Ok(Record::from_iter([("name".to_owned(), json!(name)), ("schedule".to_owned(), json!([]))]));
    }
    Err(ApiError::not_found(format!("The {} '{name}' does not exist.", form.noun)))
}

/// The resource of that name, which was not deleted.
fn live(change: &Change<'_>, name: &str) -> Result<Record, ApiError> {
    let record = found(change, name)?;
    if record.contains_key("delete_time") {
        return Err(ApiError::invalid_state(format!("'{name}' was deleted; undelete it first")));
    }
    Ok(record)
}

/// A resource as responses show it: with the state that it has by now.
fn shown(record: &Record, change: &Change<'_>, now: i64) -> Map<String, Value> {
    let mut out = record.clone();
    if let Some(form) = forms::of(text(record, "name")) {
        forms::settle(form, &mut out, change, now);
    }
    out.retain(|name, value| !hidden(name) && !value.is_null());
    out
}

fn input_name<'a>(call: &'a Call<'_>) -> &'a str {
    call.param("name").unwrap_or_default()
}

fn get(call: &Call<'_>) -> Reply {
    let change = call.desk.records.change();
    let record = found(&change, input_name(call))?;
    Ok(Json(Value::Object(shown(&record, &change, call.now()))))
}

fn list(call: &Call<'_>) -> Reply {
    let change = call.desk.records.change();
    let prefix = match call.param("parent") {
        Some(parent) => {
            live(&change, parent)?;
            format!("{parent}/{}/", forms::listed_in(call))
        }
        None => format!("{}/", forms::listed_in(call)),
    };
    let with_deleted = call.query.opt_bool("show_deleted")? == Some(true);
    let all = change.list(COLLECTION).into_iter().filter(|(name, record)| {
        let own = name.strip_prefix(&prefix).is_some_and(|rest| !rest.contains('/'));
        own && (with_deleted || !record.contains_key("delete_time"))
    });
    let all: Vec<Value> = all.map(|(_, record)| Value::Object(shown(record, &change, call.now()))).collect();
    drop(change);
    listing(call, all, &prefix)
}

/// Nothing is fed on, so that no table has a status.
fn statuses(call: &Call<'_>) -> Reply {
    live(&call.desk.records.change(), call.param("parent").unwrap_or_default())?;
    listing(call, Vec::new(), "cdf-statuses")
}

fn no_status(call: &Call<'_>) -> Reply {
    Err(ApiError::not_found(format!("'{}' does not exist: no table was fed on.", input_name(call))))
}

fn create(call: &Call<'_>) -> Reply {
    let form = forms::made_by(call)?;
    let parent = call.param("parent");
    call.transact(|change| {
        if let Some(parent) = parent {
            live(change, parent)?;
        }
        let id = forms::given(form, call)?;
        let name = forms::full(form, parent, &id);
        if change.get(COLLECTION, &name).is_some() && call.query.opt_bool("replace_existing")? != Some(true) {
            let message = format!("The {} '{name}' already exists.", form.noun);
            return Err(ApiError::new(http::StatusCode::CONFLICT, "ALREADY_EXISTS", message));
        }
        let mut record = Record::new();
        for (member, value) in &call.body.0 {
            if form.stated.contains(&member.as_str()) {
                record.insert(member.clone(), value.clone());
            }
        }
        forms::check(form, &record, (change, &name))?;
        place(change, call, form, &name, record);
        forms::begin(form, change, call, &name)?;
        jobs::begin(change, call, form, &name, jobs::Ends::With)
    })
}

/// Keeps a new resource.
fn place(change: &mut Change<'_>, call: &Call<'_>, form: &Form, name: &str, mut record: Record) {
    let time = Clock::rfc3339(call.now());
    set(&mut record, "name", name);
    if form.has_parent() {
        set(&mut record, "parent", names::parent(name));
    }
    if let Some(member) = form.id {
        set(&mut record, member, names::last(name));
    }
    if form.uid {
        set(&mut record, "uid", call.desk.ids.uuid());
    }
    set(&mut record, "create_time", time.as_str());
    if form.updated {
        set(&mut record, "update_time", time);
    }
    set(&mut record, forms::READY, call.now().saturating_add(form.takes_ms));
    set(&mut record, forms::OWNER, call.caller.name.as_str());
    change.put(COLLECTION, name, record);
}

fn update(call: &Call<'_>) -> Reply {
    let name = input_name(call);
    let form = forms::of(name).ok_or_else(|| ApiError::not_found(format!("'{name}' does not exist.")))?;
    let mask = Mask::of(call);
    let stated: Record = call
        .body
        .0
        .iter()
        .filter(|(n, _)| form.stated.contains(&n.as_str()))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect();
    call.transact(|change| {
        let mut record = live(change, name)?;
        mask.apply(&mut record, &stated);
        if !form.top() {
            live(change, names::parent(name))?;
        }
        forms::check(form, &record, (change, name))?;
        if form.updated {
            set(&mut record, "update_time", Clock::rfc3339(call.now()));
        }
        change.put(COLLECTION, name, record);
        jobs::begin(change, call, form, name, jobs::Ends::With)
    })
}

fn delete(call: &Call<'_>) -> Reply {
    let name = input_name(call);
    let form = forms::of(name).ok_or_else(|| ApiError::not_found(format!("'{name}' does not exist.")))?;
    let purge = call.query.opt_bool("purge")? == Some(true);
    call.transact(|change| {
        let mut record = found(change, name)?;
        forms::may_go(form, change, &record)?;
        if form.undeletes && !purge {
            live(change, name)?;
            set(&mut record, "delete_time", Clock::rfc3339(call.now()));
            set(&mut record, "purge_time", Clock::rfc3339(call.now().saturating_add(RETAINED_MS)));
            change.put(COLLECTION, name, record);
        } else {
            let inside = format!("{name}/");
            let all = change.list(COLLECTION).into_iter().map(|(key, _)| key.to_owned());
            let gone = all.filter(|key| *key == name || key.starts_with(&inside)).collect::<Vec<_>>();
            for key in gone {
                change.remove(COLLECTION, &key);
            }
        }
        jobs::begin(change, call, form, name, jobs::Ends::Without)
    })
}

fn undelete(call: &Call<'_>) -> Reply {
    let name = input_name(call);
    let form = forms::of(name).ok_or_else(|| ApiError::not_found(format!("'{name}' does not exist.")))?;
    call.transact(|change| {
        let mut record = found(change, name)?;
        let deleted = record.remove("delete_time").is_some();
        if !deleted {
            return Err(ApiError::invalid_state(format!("'{name}' was not deleted")));
        }
        record.remove("purge_time");
        change.put(COLLECTION, name, record);
        jobs::begin(change, call, form, name, jobs::Ends::With)
    })
}

/// A password for a connection, which ends.
fn credential(call: &Call<'_>) -> Reply {
    let endpoint = call.body.str("endpoint")?;
    live(&call.desk.records.change(), endpoint)?;
    let hour = 3600;
    let seconds = match call.body.opt_str("ttl")? {
        None => hour,
        Some(ttl) => {
            let seconds = ttl.strip_suffix('s').and_then(|s| s.parse::<i64>().ok()).filter(|s| (1..=hour).contains(s));
            seconds
                .ok_or_else(|| ApiError::invalid_parameter("ttl is a number of seconds up to an hour, such as 600s"))?
        }
    };
    let ends = Clock::rfc3339(call.now().saturating_add(seconds * 1000));
    Ok(Json(json!({"token": call.desk.ids.hex32(), "expire_time": ends})))
}

fn password(call: &Call<'_>) -> Reply {
    let name = input_name(call);
    call.transact(|change| {
        let mut role = live(change, name)?;
        if member(&role, "spec")["auth_method"] != forms::WITH_PASSWORD {
            return Err(ApiError::invalid_state(format!(
                "The role '{name}' has no password: its auth_method is not {}",
                forms::WITH_PASSWORD
            )));
        }
        if text(&role, forms::PASSWORD).is_empty() {
            set(&mut role, forms::PASSWORD, call.desk.ids.hex32());
        }
        let password = member(&role, forms::PASSWORD).clone();
        change.put(COLLECTION, name, role);
        Ok(Json(json!({"password": password})))
    })
}

/// The member of a body that has to be there.
fn required<'a>(spec: &'a Map<String, Value>, name: &'static str) -> Result<&'a Value, ApiError> {
    spec.get(name).filter(|value| !value.is_null() && *value != "").ok_or_else(|| missing(name))
}
