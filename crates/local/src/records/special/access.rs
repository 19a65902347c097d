//! Rule sets, roles, the assignment of principals to workspaces, and the principals that are there from the start.

use serde_json::{Map, Value, json};

use super::Run;
use crate::caller::Caller;
use crate::records::call::{Call, set, text};
use crate::records::store::Change;
use crate::reply::{ApiError, Json, Reply};

pub(super) const OPERATIONS: &[(&str, Run)] = &[
    ("account_access_control.get_assignable_roles_for_resource", roles),
    ("account_access_control.get_rule_set", rules),
    ("account_access_control.update_rule_set", set_rules),
    ("account_access_control_proxy.get_assignable_roles_for_resource", roles),
    ("account_access_control_proxy.get_rule_set", rules),
    ("account_access_control_proxy.update_rule_set", set_rules),
    ("workspace_assignment.list", assignments),
    ("workspace_assignment.get", assignable),
    ("workspace_assignment.update", assign),
    ("workspace_assignment.delete", unassign),
];

/// Makes the user, the service principal and their groups, unless they are there.
pub(crate) fn own_principals(change: &mut Change<'_>, user: &Caller, principal: &Caller) {
    let (users, groups, principals) = ("scim/Users", "scim/Groups", "scim/ServicePrincipals");
    if change.get(users, &user.id).is_none() {
        let record = json!({
            "id": user.id,
            "userName": user.name,
            "displayName": "Local User",
            "active": true,
            "name": {"givenName": "Local", "familyName": "User"},
            "emails": [{"type": "work", "value": user.name, "primary": true}],
            "entitlements": [
                {"value": "allow-cluster-create"},
                {"value": "databricks-sql-access"},
                {"value": "workspace-access"},
            ],
        });
        put(change, users, &user.id, record);
    }
    if change.get(principals, &principal.id).is_none() {
        let record = json!({
            "id": principal.id,
            "applicationId": principal.name,
            "displayName": "Local service principal",
            "active": true,
            "entitlements": [{"value": "workspace-access"}],
        });
        put(change, principals, &principal.id, record);
    }
    for (id, name) in [("1001", "admins"), ("1002", "users")] {
        if change.get(groups, id).is_none() {
            let members = json!([{"value": user.id, "display": "Local User"}, {"value": principal.id}]);
            let meta = json!({"resourceType": "WorkspaceGroup"});
            put(change, groups, id, json!({"id": id, "displayName": name, "members": members, "meta": meta}));
        }
    }
}

fn put(change: &mut Change<'_>, collection: &str, key: &str, record: Value) {
    if let Value::Object(record) = record {
        change.put(collection, key, record);
    }
}

fn roles(call: &Call<'_>) -> Reply {
    let resource = call.query.str("resource")?;
    let names: &[&str] = match resource.rsplit('/').nth(1) {
        Some("servicePrincipals") => &["roles/servicePrincipal.manager", "roles/servicePrincipal.user"],
        Some("groups") => &["roles/group.manager"],
        _ => &["roles/marketplace.admin", "roles/account.admin"],
    };
    let roles: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
    Ok(Json(json!({"roles": roles})))
}

const RULES: &str = "access_control/rule_sets";

fn empty_rules(name: &str) -> Map<String, Value> {
    let mut out = Map::new();
    set(&mut out, "name", name);
    set(&mut out, "etag", "0");
    set(&mut out, "grant_rules", json!([]));
    out
}

fn rules(call: &Call<'_>) -> Reply {
    let name = call.query.str("name")?;
    let kept = call.desk.records.get(RULES, name);
    Ok(Json(Value::Object(kept.unwrap_or_else(|| empty_rules(name)))))
}

fn set_rules(call: &Call<'_>) -> Reply {
    let name = call.body.str("name")?;
    let stated = call.body.opt_object("rule_set")?.ok_or_else(|| crate::extract::missing("rule_set"))?;
    call.transact(|change| {
        let mut record = change.get(RULES, name).cloned().unwrap_or_else(|| empty_rules(name));
        let given = stated.opt_str("etag")?.unwrap_or_default();
        if !given.is_empty() && given != text(&record, "etag") {
            return Err(ApiError::new(
                http::StatusCode::CONFLICT,
                "RESOURCE_CONFLICT",
                format!("The etag '{given}' is not the present one, '{}'", text(&record, "etag")),
            ));
        }
        let version: u64 = text(&record, "etag").parse().unwrap_or(0);
        set(&mut record, "etag", (version + 1).to_string());
        set(&mut record, "grant_rules", stated.0.get("grant_rules").cloned().unwrap_or(json!([])));
        change.put(RULES, name, record.clone());
        Ok(Json(Value::Object(record)))
    })
}

fn collection(call: &Call<'_>) -> String {
    format!("workspace_assignment/{}", call.param("workspace_id").unwrap_or_default())
}

fn assignments(call: &Call<'_>) -> Reply {
    let list: Vec<_> = call.desk.records.list(&collection(call));
    Ok(Json(json!({"permission_assignments": list})))
}

fn assignable(_: &Call<'_>) -> Reply {
    Ok(Json(json!({"permissions": [
        {"permission_level": "ADMIN", "description": "Admin permission"},
        {"permission_level": "USER", "description": "User permission"},
    ]})))
}

fn assign(call: &Call<'_>) -> Reply {
    let id = call.last_param().unwrap_or_default();
    let permissions = call.body.opt_strings("permissions")?.unwrap_or_default();
    if let Some(other) = permissions.iter().find(|p| !matches!(p.as_str(), "ADMIN" | "USER")) {
        return Err(ApiError::invalid_parameter(format!("'{other}' is not a permission; expected ADMIN or USER")));
    }
    call.transact(|change| {
        let found = [("scim/Users", "user_name", "userName"), ("scim/Groups", "group_name", "displayName")];
        let found = found.into_iter().chain([("scim/ServicePrincipals", "service_principal_name", "applicationId")]);
        let principal = found.into_iter().find_map(|(collection, member, attribute)| {
            let record = change.get(collection, id)?;
            let (name, display) = (text(record, attribute), text(record, "displayName"));
            Some(json!({
                "principal_id": id.parse::<i64>().unwrap_or_default(),
                "display_name": display,
                member: name,
            }))
        });
        let principal = principal.ok_or_else(|| ApiError::not_found(format!("Principal {id} does not exist")))?;
        let shown = json!({"principal": principal, "permissions": permissions});
        put(change, &collection(call), id, shown.clone());
        Ok(Json(shown))
    })
}

fn unassign(call: &Call<'_>) -> Reply {
    let id = call.last_param().unwrap_or_default();
    call.transact(|change| {
        let removed = change.remove(&collection(call), id);
        removed.ok_or_else(|| ApiError::not_found(format!("Principal {id} is not assigned to the workspace")))?;
        Ok(Json::empty())
    })
}
