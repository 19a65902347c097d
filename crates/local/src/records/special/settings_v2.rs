//! Settings by name, in the form of the newer API, and the preferences of users.
//!
//! Which settings there are, and what they are before they are set, only the service knows: a name is here from when it
//! is set, with the kind of value that it was given.

use serde_json::{Map, Value, json};

use super::Run;
use crate::operations::MemberType;
use crate::records::call::{Call, set};
use crate::records::store::Record;
use crate::records::verbs::listing;
use crate::reply::{ApiError, Json, Reply};

pub(super) const OPERATIONS: &[(&str, Run)] = &[
    ("workspace_settings_v2.get_public_workspace_setting", get),
    ("workspace_settings_v2.patch_public_workspace_setting", put),
    ("workspace_settings_v2.list_workspace_settings_metadata", list),
    ("account_settings_v2.get_public_account_setting", get),
    ("account_settings_v2.patch_public_account_setting", put),
    ("account_settings_v2.list_account_settings_metadata", list),
    ("account_settings_v2.get_public_account_user_preference", get),
    ("account_settings_v2.patch_public_account_user_preference", put),
    ("account_settings_v2.list_account_user_preferences_metadata", list),
];

const EFFECTIVE: &str = "effective_";

/// Settings of the workspace, of the account, and of each user.
fn collection(call: &Call<'_>) -> String {
    match call.param("user_id") {
        Some(user) => format!("settings_v2/user/{user}"),
        None => format!("settings_v2/{}", call.operation.service()),
    }
}

fn name<'a>(call: &'a Call<'_>) -> &'a str {
    call.param("name").unwrap_or_default()
}

/// The setting with the value that holds, which is the one that was set: nothing above the workspace decides here.
fn shown(call: &Call<'_>, name: &str, record: &Record) -> Value {
    let mut out = Map::new();
    set(&mut out, "name", name);
    if let Some(user) = call.param("user_id") {
        set(&mut out, "user_id", user);
    }
    for (member, value) in record {
        out.insert(member.clone(), value.clone());
        out.insert(format!("{EFFECTIVE}{member}"), value.clone());
    }
    Value::Object(out)
}

fn get(call: &Call<'_>) -> Reply {
    let kept = call.desk.records.get(&collection(call), name(call));
    let record = kept.ok_or_else(|| {
        ApiError::not_found(format!(
            "The setting '{}' was not set yet, and the embedded workspace does not know what it is before; set it first",
            name(call)
        ))
    })?;
    Ok(Json(shown(call, name(call), &record)))
}

fn put(call: &Call<'_>) -> Reply {
    let members = call.operation.body.members().iter();
    let values = members.filter(|m| m.kind == MemberType::Other && !m.name.starts_with(EFFECTIVE)).map(|m| m.name);
    let values: Vec<&str> = values.collect();
    let stated: Vec<&str> =
        values.iter().copied().filter(|member| call.body.0.get(*member).is_some_and(Value::is_object)).collect();
    let [member] = stated[..] else {
        return Err(ApiError::invalid_parameter(format!("A setting has one value, in one of {}", values.join(", "))));
    };
    call.transact(|change| {
        let before = change.get(&collection(call), name(call)).and_then(|record| record.keys().next().cloned());
        if let Some(other) = before.filter(|other| other != member) {
            return Err(ApiError::invalid_parameter(format!("The value of '{}' is {other}, not {member}", name(call))));
        }
        let record = Record::from_iter([(member.to_owned(), call.body.0[member].clone())]);
        change.put(&collection(call), name(call), record.clone());
        Ok(Json(shown(call, name(call), &record)))
    })
}

fn list(call: &Call<'_>) -> Reply {
    let change = call.desk.records.change();
    let all = change.list(&collection(call)).into_iter().map(|(name, record)| {
        let kind = record.keys().next().map_or("", String::as_str);
        json!({"name": name, "display_name": name, "type": kind})
    });
    let all: Vec<Value> = all.collect();
    drop(change);
    listing(call, all, "settings_metadata")
}
