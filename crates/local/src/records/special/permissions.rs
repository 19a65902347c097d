//! Access control lists of objects: `/api/2.0/permissions/<type>/<id>`.

use serde_json::{Value, json};

use super::Run;
use crate::operations::Operation;
use crate::records::call::Call;
use crate::records::store::Change;
use crate::reply::{ApiError, Json, Reply};

pub(super) fn find(operation: &Operation) -> Option<Run> {
    if !operation.is_at("/api/2.0/permissions/") {
        return None;
    }
    Some(match operation.name() {
        "get" | "get_permissions" => get,
        "set" | "set_permissions" => set,
        "update" | "update_permissions" => update,
        "get_permission_levels" => levels,
        _ => return None,
    })
}

/// The path behind `/permissions/`: type and identifier.
fn object<'a>(call: &'a Call<'_>) -> Result<(&'a str, &'a str), ApiError> {
    let rest = call.target.split_once("/permissions/").map_or("", |(_, rest)| rest);
    let mut parts = rest.split('/');
    match (parts.next(), parts.next()) {
        (Some(kind), Some(id)) if !kind.is_empty() && !id.is_empty() => Ok((kind, id)),
        _ => Err(ApiError::invalid_parameter("The path must name an object's type and identifier")),
    }
}

/// The levels that objects of a type have, highest first.
fn levels_of(kind: &str) -> Result<&'static [&'static str], ApiError> {
    Ok(match kind {
        "clusters" => &["CAN_MANAGE", "CAN_RESTART", "CAN_ATTACH_TO"],
        "cluster-policies" => &["CAN_USE"],
        "instance-pools" => &["CAN_MANAGE", "CAN_ATTACH_TO"],
        "jobs" => &["IS_OWNER", "CAN_MANAGE", "CAN_MANAGE_RUN", "CAN_VIEW"],
        "pipelines" => &["IS_OWNER", "CAN_MANAGE", "CAN_RUN", "CAN_VIEW"],
        "notebooks" | "directories" | "repos" | "files" | "dashboards" | "genie" => {
            &["CAN_MANAGE", "CAN_EDIT", "CAN_RUN", "CAN_READ"]
        }
        "experiments" => &["CAN_MANAGE", "CAN_EDIT", "CAN_READ"],
        "registered-models" => {
            &["CAN_MANAGE", "CAN_MANAGE_PRODUCTION_VERSIONS", "CAN_MANAGE_STAGING_VERSIONS", "CAN_EDIT", "CAN_READ"]
        }
        "serving-endpoints" => &["CAN_MANAGE", "CAN_QUERY", "CAN_VIEW"],
        "warehouses" | "sql" => &["IS_OWNER", "CAN_MANAGE", "CAN_MONITOR", "CAN_USE", "CAN_VIEW"],
        "dbsql-dashboards" | "queries" | "alerts" | "alertsv2" => &["CAN_MANAGE", "CAN_EDIT", "CAN_RUN", "CAN_VIEW"],
        "authorization" => &["CAN_USE"],
        "apps" => &["CAN_MANAGE", "CAN_USE"],
        "vector-search-endpoints" | "database-instances" | "database-projects" => {
            &["CAN_MANAGE", "CAN_CREATE", "CAN_USE"]
        }
        "knowledge-assistants" | "supervisor-agents" => &["CAN_MANAGE", "CAN_QUERY"],
        _ => return Err(ApiError::invalid_parameter(format!("'{kind}' is not a type of objects with permissions"))),
    })
}

fn collection(kind: &str) -> String {
    format!("permissions/{kind}")
}

fn get(call: &Call<'_>) -> Reply {
    let (kind, id) = object(call)?;
    levels_of(kind)?;
    let change = call.desk.records.change();
    Ok(Json(shown(call, kind, id, &entries(&change, call, kind, id))))
}

fn set(call: &Call<'_>) -> Reply {
    call.transact(|change| write(call, change, false))
}

fn update(call: &Call<'_>) -> Reply {
    call.transact(|change| write(call, change, true))
}

/// Sets the list to what the call states, on top of what is there if `merge`.
fn write(call: &Call<'_>, change: &mut Change<'_>, merge: bool) -> Reply {
    let (kind, id) = object(call)?;
    let known = levels_of(kind)?;
    let mut list = if merge { entries(change, call, kind, id) } else { Vec::new() };
    for entry in call.body.opt_list("access_control_list")?.unwrap_or_default() {
        let principal = principal(entry)?;
        let level = entry["permission_level"].as_str().unwrap_or_default();
        if !known.contains(&level) {
            return Err(ApiError::invalid_parameter(format!(
                "'{level}' is not a permission level of {kind}; expected one of {}",
                known.join(", ")
            )));
        }
        list.retain(|other| other.get(principal.0).and_then(Value::as_str) != Some(principal.1));
        if level == "IS_OWNER" {
            list.retain(|other| other["permission_level"] != "IS_OWNER");
        }
        list.push(json!({principal.0: principal.1, "permission_level": level}));
    }
    // An object with an owner always has one.
    let owned = known.contains(&"IS_OWNER");
    if owned && !list.iter().any(|e| e["permission_level"] == "IS_OWNER") {
        let own = principal_member(call);
        list.retain(|other| other.get(own).and_then(Value::as_str) != Some(call.caller.name.as_str()));
        list.insert(0, json!({own: call.caller.name, "permission_level": "IS_OWNER"}));
    }
    change.put(&collection(kind), id, [("list".to_owned(), Value::Array(list.clone()))].into_iter().collect());
    Ok(Json(shown(call, kind, id, &list)))
}

fn principal(entry: &Value) -> Result<(&'static str, &str), ApiError> {
    let named = ["user_name", "group_name", "service_principal_name"]
        .into_iter()
        .filter_map(|member| Some((member, entry[member].as_str().filter(|name| !name.is_empty())?)));
    match named.collect::<Vec<_>>()[..] {
        [one] => Ok(one),
        _ => Err(ApiError::invalid_parameter(
            "An entry must have one of user_name, group_name and service_principal_name",
        )),
    }
}

fn principal_member(call: &Call<'_>) -> &'static str {
    if call.caller.is_service_principal() { "service_principal_name" } else { "user_name" }
}

/// What was set, or the caller as owner.
fn entries(change: &Change<'_>, call: &Call<'_>, kind: &str, id: &str) -> Vec<Value> {
    let kept = change.get(&collection(kind), id).and_then(|r| r.get("list")).and_then(Value::as_array);
    kept.cloned().unwrap_or_else(|| {
        let level = match levels_of(kind) {
            Ok(levels) => levels.first().copied().unwrap_or("CAN_MANAGE"),
            Err(_) => "CAN_MANAGE",
        };
        if kind == "authorization" || kind == "cluster-policies" {
            return Vec::new();
        }
        vec![json!({principal_member(call): call.caller.name, "permission_level": level})]
    })
}

fn shown(call: &Call<'_>, kind: &str, id: &str, list: &[Value]) -> Value {
    let mut shown: Vec<Value> = list
        .iter()
        .map(|entry| {
            let permission = json!({"permission_level": entry["permission_level"], "inherited": false});
            let mut out = json!({"all_permissions": [permission]});
            for member in ["user_name", "group_name", "service_principal_name"] {
                if let Some(name) = entry[member].as_str() {
                    out[member] = json!(name);
                    out["display_name"] = json!(name);
                }
            }
            out
        })
        .collect();
    // Administrators have the highest level, but for the owner's.
    let levels = levels_of(kind).unwrap_or(&["CAN_MANAGE"]);
    let highest = levels.iter().find(|level| **level != "IS_OWNER");
    let inherited = json!({
        "permission_level": highest,
        "inherited": true,
        "inherited_from_object": [format!("/{kind}/")],
    });
    if !list.iter().any(|e| e["group_name"] == "admins") && kind != "cluster-policies" {
        shown.push(json!({"group_name": "admins", "all_permissions": [inherited]}));
    }
    let object_type = match kind {
        "authorization" => id.to_owned(),
        "clusters" => "cluster".to_owned(),
        "cluster-policies" => "cluster-policy".to_owned(),
        "instance-pools" => "instance-pool".to_owned(),
        "jobs" => "job".to_owned(),
        "pipelines" => "pipelines".to_owned(),
        "notebooks" => "notebook".to_owned(),
        "directories" => "directory".to_owned(),
        "repos" => "repo".to_owned(),
        "experiments" => "mlflowExperiment".to_owned(),
        "registered-models" => "registered-model".to_owned(),
        "serving-endpoints" => "serving-endpoint".to_owned(),
        other => other.to_owned(),
    };
    let path = match call.target.split_once("/permissions") {
        Some((_, rest)) => rest.to_owned(),
        None => format!("/{kind}/{id}"),
    };
    json!({"object_id": path, "object_type": object_type, "access_control_list": shown})
}

fn levels(call: &Call<'_>) -> Reply {
    let (kind, _) = object(call)?;
    let levels: Vec<_> = levels_of(kind)?
        .iter()
        .map(|level| json!({"permission_level": level, "description": describe(level)}))
        .collect();
    Ok(Json(json!({"permission_levels": levels})))
}

fn describe(level: &str) -> String {
    let words = level.trim_start_matches("CAN_").trim_start_matches("IS_").replace('_', " ").to_ascii_lowercase();
    if level.starts_with("IS_") { format!("Is the {words}") } else { format!("Can {words}") }
}
