//! Grants, bindings, allow lists and the metastore.

use serde_json::{Map, Value, json};

use super::Run;
use crate::records::call::{Call, set};
use crate::records::stamp::metastore_id;
use crate::records::store::{Change, Record};
use crate::reply::{ApiError, Json, Reply};

pub(super) const OPERATIONS: &[(&str, Run)] = &[
    ("grants.get", grants),
    ("grants.get_effective", effective),
    ("grants.list", list_grants),
    ("grants.list_effective", list_effective),
    ("grants.update", update_grants),
    ("shares.share_permissions", share_grants),
    ("shares.update_permissions", update_share_grants),
    ("workspace_bindings.get_bindings", bindings),
    ("workspace_bindings.update_bindings", update_bindings),
    ("workspace_bindings.get", catalog_bindings),
    ("workspace_bindings.update", update_catalog_bindings),
    ("artifact_allowlists.get", allowlist),
    ("artifact_allowlists.update", set_allowlist),
    ("metastores.summary", summary),
    ("metastores.list", list),
    ("metastores.get", get),
    ("storage_credentials.validate", refuse_validation),
    ("providers.list_shares", no_shares),
];

const GRANTS: &str = "grants/";

fn securable<'a>(call: &'a Call<'_>) -> (String, &'a str) {
    let kind = call.param("securable_type").unwrap_or("share").to_ascii_lowercase();
    let name = call.last_param().unwrap_or_default();
    (format!("{kind}/{}", name.to_lowercase()), name)
}

/// Privileges by principal.
fn assignments(change: &Change<'_>, key: &str) -> Map<String, Value> {
    change.get(GRANTS, key).cloned().unwrap_or_default()
}

fn shown(assignments: &Map<String, Value>) -> Vec<Value> {
    let all = assignments.iter();
    all.map(|(principal, privileges)| json!({"principal": principal, "privileges": privileges})).collect()
}

fn grants(call: &Call<'_>) -> Reply {
    let (key, _) = securable(call);
    let mut kept = assignments(&call.desk.records.change(), &key);
    if let Some(principal) = call.query.get("principal") {
        kept.retain(|name, _| name == principal);
    }
    Ok(Json(json!({"privilege_assignments": shown(&kept)})))
}

fn list_grants(call: &Call<'_>) -> Reply {
    listed(call, grants(call)?)
}

fn list_effective(call: &Call<'_>) -> Reply {
    listed(call, effective(call)?)
}

/// The pages of what the older operations give at once.
fn listed(call: &Call<'_>, Json(mut all): Json) -> Reply {
    let all = all["privilege_assignments"].as_array_mut().map(std::mem::take).unwrap_or_default();
    crate::records::verbs::listing(call, all, "grants")
}

/// Grants on the securable and on what holds it.
fn effective(call: &Call<'_>) -> Reply {
    let (key, name) = securable(call);
    let kind = key.split('/').next().unwrap_or_default().to_owned();
    let change = call.desk.records.change();
    let parts: Vec<&str> = name.split('.').collect();
    let mut places = vec![(kind.clone(), name.to_owned(), false)];
    if parts.len() == 3 {
        places.push(("schema".to_owned(), parts[..2].join("."), true));
    }
    if parts.len() >= 2 {
        places.push(("catalog".to_owned(), parts[0].to_owned(), true));
    }
    let mut by_principal: Map<String, Value> = Map::new();
    for (kind, name, inherited) in places {
        for (principal, privileges) in assignments(&change, &format!("{kind}/{}", name.to_lowercase())) {
            if call.query.get("principal").is_some_and(|wanted| wanted != principal) {
                continue;
            }
            let list = by_principal.entry(principal).or_insert_with(|| json!([]));
            for privilege in privileges.as_array().into_iter().flatten() {
                let mut entry = json!({"privilege": privilege});
                if inherited {
                    entry["inherited_from_name"] = json!(name);
                    entry["inherited_from_type"] = json!(kind.to_ascii_uppercase());
                }
                if let Some(list) = list.as_array_mut() {
                    list.push(entry);
                }
            }
        }
    }
    Ok(Json(json!({"privilege_assignments": shown(&by_principal)})))
}

fn apply(change: &mut Change<'_>, call: &Call<'_>, key: &str) -> Result<Map<String, Value>, ApiError> {
    let mut kept = assignments(change, key);
    for entry in call.body.opt_list("changes")?.unwrap_or_default() {
        let principal = entry["principal"].as_str().filter(|p| !p.is_empty());
        let principal = principal.ok_or_else(|| crate::extract::missing("principal"))?;
        let names = |member: &str| -> Vec<String> {
            let list = entry[member].as_array().into_iter().flatten();
            list.filter_map(Value::as_str).map(|p| p.to_ascii_uppercase().replace(' ', "_")).collect()
        };
        let present = kept.get(principal).and_then(Value::as_array).cloned().unwrap_or_default();
        let mut privileges: Vec<String> = present.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let removed = names("remove");
        privileges.retain(|p| !removed.contains(p));
        for added in names("add") {
            if !privileges.contains(&added) {
                privileges.push(added);
            }
        }
        if privileges.is_empty() {
            kept.remove(principal);
        } else {
            kept.insert(principal.to_owned(), json!(privileges));
        }
    }
    change.put(GRANTS, key, kept.clone());
    Ok(kept)
}

fn update_grants(call: &Call<'_>) -> Reply {
    let (key, _) = securable(call);
    let kept = call.transact(|change| apply(change, call, &key))?;
    Ok(Json(json!({"privilege_assignments": shown(&kept)})))
}

fn share_exists(change: &Change<'_>, name: &str) -> Result<(), ApiError> {
    match change.get("shares/", name) {
        Some(_) => Ok(()),
        None => Err(ApiError::new(
            http::StatusCode::NOT_FOUND,
            "SHARE_DOES_NOT_EXIST",
            format!("Share '{name}' does not exist."),
        )),
    }
}

fn share_grants(call: &Call<'_>) -> Reply {
    let (key, name) = securable(call);
    let change = call.desk.records.change();
    share_exists(&change, name)?;
    Ok(Json(json!({"privilege_assignments": shown(&assignments(&change, &key))})))
}

fn update_share_grants(call: &Call<'_>) -> Reply {
    let (key, name) = securable(call);
    let kept = call.transact(|change| {
        share_exists(change, name)?;
        apply(change, call, &key)
    })?;
    Ok(Json(json!({"privilege_assignments": shown(&kept)})))
}

const BINDINGS: &str = "workspace_bindings/";

fn kept_bindings(change: &Change<'_>, key: &str) -> Vec<Value> {
    let kept = change.get(BINDINGS, key).and_then(|r| r.get("bindings")).and_then(Value::as_array);
    kept.cloned().unwrap_or_default()
}

fn put_bindings(change: &mut Change<'_>, key: &str, list: &[Value]) {
    let mut record = Record::new();
    set(&mut record, "bindings", list.to_vec());
    change.put(BINDINGS, key, record);
}

fn bindings(call: &Call<'_>) -> Reply {
    let key = format!("{}/{}", call.param("securable_type").unwrap_or_default(), call.last_param().unwrap_or_default());
    let list = kept_bindings(&call.desk.records.change(), &key);
    Ok(Json(json!({"bindings": list})))
}

fn update_bindings(call: &Call<'_>) -> Reply {
    let key = format!("{}/{}", call.param("securable_type").unwrap_or_default(), call.last_param().unwrap_or_default());
    let (add, remove) =
        (call.body.opt_list("add")?.unwrap_or_default(), call.body.opt_list("remove")?.unwrap_or_default());
    change_bindings(call, &key, add, remove)
}

fn change_bindings(call: &Call<'_>, key: &str, add: &[Value], remove: &[Value]) -> Reply {
    call.transact(|change| {
        let mut list = kept_bindings(change, key);
        for gone in remove.iter().chain(add) {
            list.retain(|b| b["workspace_id"] != gone["workspace_id"]);
        }
        for new in add {
            let kind = new["binding_type"].as_str().unwrap_or("BINDING_TYPE_READ_WRITE");
            list.push(json!({"workspace_id": new["workspace_id"], "binding_type": kind}));
        }
        put_bindings(change, key, &list);
        Ok(Json(json!({"bindings": list})))
    })
}

fn ids(list: &[Value]) -> Vec<Value> {
    list.iter().map(|b| b["workspace_id"].clone()).collect()
}

fn catalog_bindings(call: &Call<'_>) -> Reply {
    let key = format!("catalog/{}", call.last_param().unwrap_or_default());
    Ok(Json(json!({"workspaces": ids(&kept_bindings(&call.desk.records.change(), &key))})))
}

fn update_catalog_bindings(call: &Call<'_>) -> Reply {
    let key = format!("catalog/{}", call.last_param().unwrap_or_default());
    let named = |member: &str| -> Result<Vec<Value>, ApiError> {
        let list = call.body.opt_list(member)?.unwrap_or_default();
        Ok(list.iter().map(|id| json!({"workspace_id": id})).collect())
    };
    let Json(shown) = change_bindings(call, &key, &named("assign_workspaces")?, &named("unassign_workspaces")?)?;
    let list = shown["bindings"].as_array().cloned().unwrap_or_default();
    Ok(Json(json!({"workspaces": ids(&list)})))
}

const ALLOWLISTS: &str = "artifact_allowlists/";

fn allowlist(call: &Call<'_>) -> Reply {
    let kept = call.desk.records.get(ALLOWLISTS, call.last_param().unwrap_or_default());
    let kept = kept.unwrap_or_else(|| {
        let mut empty = Record::new();
        set(&mut empty, "artifact_matchers", json!([]));
        set(&mut empty, "metastore_id", metastore_id(call));
        empty
    });
    Ok(Json(Value::Object(kept)))
}

fn set_allowlist(call: &Call<'_>) -> Reply {
    let matchers =
        call.body.opt_list("artifact_matchers")?.ok_or_else(|| crate::extract::missing("artifact_matchers"))?;
    let mut record = Record::new();
    set(&mut record, "artifact_matchers", matchers.to_vec());
    set(&mut record, "metastore_id", metastore_id(call));
    set(&mut record, "created_at", call.now());
    set(&mut record, "created_by", call.caller.name.as_str());
    call.transact(|change| {
        change.put(ALLOWLISTS, call.last_param().unwrap_or_default(), record.clone());
        Ok(Json(Value::Object(record)))
    })
}

fn own(call: &Call<'_>) -> Value {
    let id = metastore_id(call);
    json!({
        "metastore_id": id,
        "name": "local",
        "cloud": "aws",
        "region": "local",
        "global_metastore_id": crate::records::stamp::global_metastore(call.desk.workspace_id),
        "owner": crate::state::USER_NAME,
        "privilege_model_version": "1.0",
        "delta_sharing_scope": "INTERNAL",
        "external_access_enabled": false,
    })
}

fn without_nulls(mut record: Record) -> Value {
    record.retain(|_, value| !value.is_null());
    Value::Object(record)
}

fn summary(call: &Call<'_>) -> Reply {
    Ok(Json(own(call)))
}

fn list(call: &Call<'_>) -> Reply {
    let mut all = vec![own(call)];
    all.extend(call.desk.records.list("metastores/").into_iter().map(without_nulls));
    crate::records::verbs::listing(call, all, "metastores")
}

fn get(call: &Call<'_>) -> Reply {
    let id = call.last_param().unwrap_or_default();
    if id == metastore_id(call) {
        return Ok(Json(own(call)));
    }
    let kept = call.desk.records.get("metastores/", id);
    kept.map(|r| Json(without_nulls(r))).ok_or_else(|| {
        ApiError::new(
            http::StatusCode::NOT_FOUND,
            "METASTORE_DOES_NOT_EXIST",
            format!("Metastore '{id}' does not exist."),
        )
    })
}

/// No cloud is asked, so nothing is known of the credential.
fn refuse_validation(_: &Call<'_>) -> Reply {
    let skipped = |operation: &str| {
        let message = "The embedded workspace reaches no cloud storage.";
        json!({"operation": operation, "result": "SKIP", "message": message})
    };
    let results: Vec<_> = ["READ", "LIST", "WRITE", "DELETE"].into_iter().map(skipped).collect();
    Ok(Json(json!({"isDir": false, "results": results})))
}

fn no_shares(call: &Call<'_>) -> Reply {
    crate::records::verbs::listing(call, Vec::new(), "provider_shares")
}
