//! Patches: RFC 7644 section 3.5.2.

use serde_json::{Map, Value};

use super::filter::{Filter, member};
use crate::reply::ApiError;

fn bad(what: impl Into<String>) -> ApiError {
    ApiError::scim(http::StatusCode::BAD_REQUEST, "invalidSyntax", what)
}

/// Applies one operation of a patch to a resource.
pub(crate) fn patch(resource: &mut Map<String, Value>, operation: &Value) -> Result<(), ApiError> {
    let op = member(operation, "op").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    if !matches!(op.as_str(), "add" | "replace" | "remove") {
        return Err(bad(format!("op must be add, replace or remove, got '{op}'")));
    }
    let value = member(operation, "value").cloned().unwrap_or(Value::Null);
    match member(operation, "path").and_then(Value::as_str).filter(|p| !p.is_empty()) {
        Some(path) => at(resource, &op, path, value),
        None => match value {
            Value::Object(members) => {
                for (name, value) in members {
                    at(resource, &op, &name, value)?;
                }
                Ok(())
            }
            _ => Err(bad("An operation without a path needs an object as its value")),
        },
    }
}

/// The key under which the resource has `name`, whatever its case.
fn key(resource: &Map<String, Value>, name: &str) -> String {
    resource.keys().find(|k| k.eq_ignore_ascii_case(name)).cloned().unwrap_or_else(|| name.to_owned())
}

fn at(resource: &mut Map<String, Value>, op: &str, path: &str, value: Value) -> Result<(), ApiError> {
    if let Some((name, rest)) = path.split_once('[') {
        let (filter, behind) = rest.rsplit_once(']').ok_or_else(|| bad(format!("'{path}' has no ']'")))?;
        let filter = Filter::parse(filter)?;
        return inside(resource, op, name, &filter, behind.trim_start_matches('.'), value);
    }
    if let Some((first, rest)) = path.split_once('.').filter(|_| !path.contains(':')) {
        let key = key(resource, first);
        let inner = resource.entry(key).or_insert_with(|| Value::Object(Map::new()));
        return match inner {
            Value::Object(inner) => at(inner, op, rest, value),
            _ => Err(bad(format!("'{first}' has no members"))),
        };
    }
    let key = key(resource, path);
    match (op, resource.get_mut(&key), value) {
        ("remove", Some(Value::Array(list)), Value::Array(gone)) => {
            list.retain(|item| !gone.iter().any(|g| same(item, g)));
        }
        ("remove", _, _) => {
            resource.remove(&key);
        }
        ("add", Some(Value::Array(list)), added) => {
            let added = if let Value::Array(items) = added { items } else { vec![added] };
            for item in added {
                if !list.iter().any(|old| same(old, &item)) {
                    list.push(item);
                }
            }
        }
        ("add", Some(Value::Object(old)), Value::Object(new)) => old.extend(new),
        (_, _, value) => {
            resource.insert(key, value);
        }
    }
    Ok(())
}

/// Items of a list are the same if their `value` is.
fn same(a: &Value, b: &Value) -> bool {
    match (a.get("value"), b.get("value")) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

fn inside(
    resource: &mut Map<String, Value>,
    op: &str,
    name: &str,
    filter: &Filter,
    behind: &str,
    value: Value,
) -> Result<(), ApiError> {
    let key = key(resource, name);
    let Some(Value::Array(list)) = resource.get_mut(&key) else {
        return if op == "remove" { Ok(()) } else { Err(bad(format!("'{name}' has no item that fits the filter"))) };
    };
    if op == "remove" && behind.is_empty() {
        list.retain(|item| !filter.fits(item));
        return Ok(());
    }
    let mut found = false;
    for item in list.iter_mut().filter(|item| filter.fits(item)) {
        found = true;
        match item {
            Value::Object(members) if !behind.is_empty() => at(members, op, behind, value.clone())?,
            Value::Object(members) => match &value {
                Value::Object(new) => members.extend(new.clone()),
                _ => return Err(bad("The value must be an object")),
            },
            _ => return Err(bad(format!("The items of '{name}' have no members"))),
        }
    }
    if found || op == "remove" { Ok(()) } else { Err(bad(format!("'{name}' has no item that fits the filter"))) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(before: Value, operation: Value) -> Value {
        let Value::Object(mut resource) = before else { panic!("an object") };
        patch(&mut resource, &operation).unwrap();
        Value::Object(resource)
    }

    #[test]
    fn members_come_and_go() {
        let group = || json!({"members": [{"value": "1"}, {"value": "2"}]});
        let add = json!({"op": "Add", "path": "members", "value": [{"value": "2"}, {"value": "3"}]});
        assert_eq!(patched(group(), add), json!({"members": [{"value": "1"}, {"value": "2"}, {"value": "3"}]}));
        let add = json!({"op": "add", "value": {"members": [{"value": "3"}]}});
        assert_eq!(patched(group(), add)["members"].as_array().unwrap().len(), 3);
        let remove = json!({"op": "remove", "path": "members[value eq \"1\"]"});
        assert_eq!(patched(group(), remove), json!({"members": [{"value": "2"}]}));
        let remove = json!({"op": "remove", "path": "members", "value": [{"value": "2"}]});
        assert_eq!(patched(group(), remove), json!({"members": [{"value": "1"}]}));
        let remove = json!({"op": "remove", "path": "members"});
        assert_eq!(patched(group(), remove), json!({}));
    }

    #[test]
    fn single_values_are_replaced_whatever_the_case_of_their_name() {
        let user = || json!({"active": true, "name": {"givenName": "A"}});
        assert_eq!(patched(user(), json!({"op": "replace", "path": "ACTIVE", "value": false}))["active"], false);
        let named = patched(user(), json!({"op": "replace", "path": "name.familyName", "value": "B"}));
        assert_eq!(named["name"], json!({"givenName": "A", "familyName": "B"}));
        assert_eq!(patched(user(), json!({"op": "replace", "value": {"active": false}}))["active"], false);
    }

    #[test]
    fn what_cannot_be_applied_is_refused() {
        let mut resource = Map::new();
        for operation in [
            json!({"op": "move", "path": "a"}),
            json!({"op": "add", "value": 1}),
            json!({"op": "replace", "path": "a[b eq 1].c", "value": 1}),
            json!({"op": "add", "path": "a[b", "value": 1}),
        ] {
            assert!(patch(&mut resource, &operation).is_err(), "{operation}");
        }
    }
}
