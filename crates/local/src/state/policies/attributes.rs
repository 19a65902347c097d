//! Attributes of a cluster by the paths that policies name them with.

use serde_json::{Map, Value, json};

use super::Purpose;
use super::rule::text;
use crate::reply::ApiError;

/// Members whose keys may hold dots, and whose values are strings.
const MAPS: [&str; 3] = ["custom_tags", "spark_conf", "spark_env_vars"];
/// Members that are lists.
const LISTS: [&str; 2] = ["init_scripts", "ssh_public_keys"];
/// Where logs go: the type as a policy names it, and the member that states it.
const LOGS: [(&str, &str); 3] = [("DBFS", "dbfs"), ("S3", "s3"), ("VOLUMES", "volumes")];

/// An attribute, and its value if it has one.
#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) path: String,
    pub(super) value: Option<Value>,
}

/// The attributes that a path names: several where it has a star.
///
/// # Errors
///
/// Names a path whose value is not known here.
pub(super) fn found(cluster: &Map<String, Value>, purpose: Purpose, path: &str) -> Result<Vec<Attribute>, ApiError> {
    let one = |value: Option<Value>| Ok(vec![Attribute { path: path.to_owned(), value }]);
    let logs = || LOGS.iter().find_map(|(name, member)| Some((*name, cluster.get("cluster_log_conf")?.get(member)?)));
    match path {
        "cluster_type" => one(Some(json!(purpose.name()))),
        "dbus_per_hour" => Err(ApiError::not_implemented("the path dbus_per_hour of policies, since it has no prices")),
        "cluster_log_conf.type" => one(logs().map(|(name, _)| json!(name))),
        "cluster_log_conf.path" => one(logs().and_then(|(_, logs)| logs.get("destination").cloned())),
        "cluster_log_conf.region" => one(logs().and_then(|(_, logs)| logs.get("region").cloned())),
        _ => {
            let mut all = Vec::new();
            let (first, rest) = steps(path);
            walk(cluster.get(first), &rest, first.to_owned(), &mut all);
            Ok(all)
        }
    }
}

/// The member that a path begins with, and the steps inside of it.
fn steps(path: &str) -> (&str, Vec<&str>) {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    match rest {
        "" => (first, Vec::new()),
        rest if MAPS.contains(&first) => (first, vec![rest]),
        rest => (first, rest.split('.').collect()),
    }
}

fn walk(value: Option<&Value>, steps: &[&str], path: String, all: &mut Vec<Attribute>) {
    let value = value.filter(|value| !value.is_null());
    let Some((step, rest)) = steps.split_first() else {
        all.push(Attribute { path, value: value.cloned() });
        return;
    };
    match (value, *step) {
        (Some(Value::Array(items)), "*") => {
            items.iter().enumerate().for_each(|(n, item)| walk(Some(item), rest, format!("{path}.{n}"), all));
        }
        (Some(Value::Object(members)), "*") => {
            members.iter().for_each(|(name, member)| walk(Some(member), rest, format!("{path}.{name}"), all));
        }
        (_, "*") => {}
        (Some(Value::Array(items)), step) => {
            let item = step.parse().ok().and_then(|n: usize| items.get(n));
            walk(item, rest, format!("{path}.{step}"), all);
        }
        (value, step) => walk(value.and_then(|v| v.get(step)), rest, format!("{path}.{step}"), all),
    }
}

/// Sets an attribute.
///
/// # Errors
///
/// Names a path that does not lead to an attribute of a cluster.
pub(super) fn put(cluster: &mut Map<String, Value>, path: &str, value: &Value) -> Result<(), ApiError> {
    if let Some(part) = path.strip_prefix("cluster_log_conf.") {
        return put_logs(cluster, part, value);
    }
    let (first, rest) = steps(path);
    let value = if MAPS.contains(&first) { json!(text(value)) } else { value.clone() };
    let empty = if LISTS.contains(&first) { json!([]) } else { json!({}) };
    let mut place = cluster.entry(first).or_insert(Value::Null);
    if !rest.is_empty() && place.is_null() {
        *place = empty;
    }
    for step in rest {
        place = match place {
            Value::Array(items) => {
                let n = step.parse::<usize>().ok().filter(|n| *n <= items.len()).ok_or_else(|| nowhere(path))?;
                if n == items.len() {
                    items.push(json!({}));
                }
                items.get_mut(n).ok_or_else(|| nowhere(path))?
            }
            Value::Object(members) => members.entry(step).or_insert_with(|| json!({})),
            _ => return Err(nowhere(path)),
        };
    }
    *place = value;
    Ok(())
}

/// The type of logs names the member that the rest of their attributes is in. It comes last by its name, so that it takes over
/// what was put before.
fn put_logs(cluster: &mut Map<String, Value>, part: &str, value: &Value) -> Result<(), ApiError> {
    let stated = text(value);
    let logs = cluster.entry("cluster_log_conf").or_insert_with(|| json!({}));
    let Value::Object(logs) = logs else { return Err(nowhere("cluster_log_conf")) };
    let there = LOGS.iter().find_map(|(_, member)| Some((*member, logs.remove(*member)?)));
    let by_path = if stated.starts_with("s3:") || part == "region" {
        "s3"
    } else if stated.starts_with("/Volumes/") {
        "volumes"
    } else {
        "dbfs"
    };
    let (mut member, mut held) = there.unwrap_or_else(|| (by_path, json!({})));
    match part {
        "path" => held["destination"] = value.clone(),
        "region" => held["region"] = value.clone(),
        "type" => {
            let known = LOGS.iter().find(|(name, _)| *name == stated);
            member = known.map(|(_, member)| *member).ok_or_else(|| nowhere("cluster_log_conf.type"))?;
        }
        other => return Err(nowhere(&format!("cluster_log_conf.{other}"))),
    }
    logs.insert(member.to_owned(), held);
    Ok(())
}

/// Takes an attribute away.
pub(super) fn take(cluster: &mut Map<String, Value>, path: &str) -> Result<(), ApiError> {
    if path.starts_with("cluster_log_conf.") {
        cluster.remove("cluster_log_conf");
        return Ok(());
    }
    let (first, mut rest) = steps(path);
    let Some(last) = rest.pop() else {
        cluster.remove(first);
        return Ok(());
    };
    let mut place = cluster.get_mut(first).ok_or_else(|| nowhere(path))?;
    for step in rest {
        place = match place {
            Value::Array(items) => step.parse::<usize>().ok().and_then(|n| items.get_mut(n)),
            other => other.get_mut(step),
        }
        .ok_or_else(|| nowhere(path))?;
    }
    match place {
        Value::Object(members) => drop(members.remove(last)),
        Value::Array(items) => items.retain({
            let mut n = 0;
            move |_| {
                n += 1;
                (n - 1).to_string() != last
            }
        }),
        _ => return Err(nowhere(path)),
    }
    Ok(())
}

fn nowhere(path: &str) -> ApiError {
    ApiError::invalid_parameter(format!("The policy's path {path} does not lead to an attribute of a cluster"))
}
