//! Records of securables, which statements of SQL change as REST does.

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::Failure;
use super::engine::host::{HostGrant, Kept};
use crate::records::call::{default, set, text};
use crate::records::renames::{self, Renamed};
use crate::records::stamp::metastore_of;
use crate::records::store::commit;
use crate::state::kept::Staged;
use crate::state::{App, USER_NAME};

const GRANTS: &str = "grants/";

fn collection(kind: Kept) -> &'static str {
    match kind {
        Kept::Volumes => "volumes/",
        Kept::Functions => "functions/",
    }
}

fn stored(outcome: std::io::Result<()>) -> Result<(), Failure> {
    outcome.map_err(|e| Failure::internal(format!("The change could not be stored: {e}")))
}

pub(super) fn all(app: &App, kind: Kept) -> Vec<Map<String, Value>> {
    app.records.list(collection(kind))
}

pub(super) fn keep(app: &App, kind: Kept, full_name: &str, members: Map<String, Value>) -> Result<(), Failure> {
    let now = app.clock.now_ms();
    let mut change = app.records.change();
    let mut record = change.get(collection(kind), full_name).cloned().unwrap_or_default();
    // What SQL does not state any more is gone.
    record.remove("comment");
    record.extend(members);
    let id = app.ids.uuid();
    match kind {
        Kept::Volumes => {
            default(&mut record, "storage_location", format!("local://metastore/volumes/{id}"));
            default(&mut record, "volume_id", id);
            default(&mut record, "volume_type", "MANAGED");
        }
        Kept::Functions => default(&mut record, "function_id", id),
    }
    set(&mut record, "full_name", full_name);
    default(&mut record, "owner", USER_NAME);
    default(&mut record, "created_at", now);
    default(&mut record, "created_by", USER_NAME);
    set(&mut record, "updated_at", now);
    set(&mut record, "updated_by", USER_NAME);
    default(&mut record, "metastore_id", metastore_of(app.workspace_id));
    change.put(collection(kind), full_name, record);
    stored(change.commit())
}

pub(super) fn forget(app: &App, kind: &str, full_name: &str) -> Result<(), Failure> {
    let own = format!("{}/{full_name}", kind.to_ascii_lowercase());
    let inside = format!("{full_name}.");
    let holds = matches!(kind, "CATALOG" | "SCHEMA");
    let mut change = app.records.change();
    let mut gone = Vec::new();
    for (key, _) in change.list(GRANTS) {
        let name = key.split_once('/').map_or(key, |(_, name)| name);
        if key == own || (holds && name.starts_with(&inside)) {
            gone.push((GRANTS, key.to_owned()));
        }
    }
    let places = [
        ("volumes/", "VOLUME"),
        ("functions/", "FUNCTION"),
        ("catalog/tables", "TABLE"),
        ("catalog/schemas", "SCHEMA"),
        ("catalog/catalogs", "CATALOG"),
    ];
    for (place, of) in places {
        for (key, _) in change.list(place) {
            if (of == kind && key == full_name) || (holds && key.starts_with(&inside)) {
                gone.push((place, key.to_owned()));
            }
        }
    }
    for (place, key) in gone {
        change.remove(place, &key);
    }
    stored(change.commit())
}

/// Gives the records and files of a securable and of what it holds their new names; `names` is what else is kept of it.
pub(super) fn rename(app: &App, renamed: &Renamed<'_>, names: Staged) -> Result<(), Failure> {
    let moved = app.volumes.rename(&renamed.directories(), |files| {
        let mut change = app.records.change();
        renames::apply(&mut change, renamed);
        names.put(&mut change);
        files.put(&mut change);
        commit(change)
    });
    moved.map_err(|e| match e.status() {
        StatusCode::INTERNAL_SERVER_ERROR => Failure::internal(e.message()),
        _ => Failure::bad_request(e.message()),
    })
}

/// The user's name and those of groups that hold the user.
pub(super) fn principals(app: &App, user: &str) -> Vec<String> {
    let change = app.records.change();
    let id = |collection: &str, member: &str| {
        let all = change.list(collection);
        let found = all.into_iter().find(|(_, r)| text(r, member).eq_ignore_ascii_case(user));
        found.map(|(_, r)| text(r, "id").to_owned())
    };
    let mut own: Vec<String> =
        [id("scim/Users", "userName"), id("scim/ServicePrincipals", "applicationId")].into_iter().flatten().collect();
    let mut names = vec![user.to_owned()];
    // Groups are in groups; each is looked at once.
    let groups = change.list("scim/Groups");
    let mut at = 0;
    while at < own.len() {
        for (_, group) in &groups {
            let members = group.get("members").and_then(Value::as_array).into_iter().flatten();
            let holds = members.filter_map(|m| m.get("value").and_then(Value::as_str)).any(|m| m == own[at]);
            let group_id = text(group, "id");
            if holds && !own.iter().any(|o| o == group_id) {
                own.push(group_id.to_owned());
                names.push(text(group, "displayName").to_owned());
            }
        }
        at += 1;
    }
    names
}

/// SQL writes spaces where REST has underscores.
fn sql_name(privilege: &str) -> String {
    privilege.replace('_', " ")
}

pub(super) fn grants(app: &App) -> Vec<HostGrant> {
    let change = app.records.change();
    let mut out = Vec::new();
    for (key, by_principal) in change.list(GRANTS) {
        let Some((kind, object)) = key.split_once('/') else { continue };
        for (principal, privileges) in by_principal {
            for privilege in privileges.as_array().into_iter().flatten().filter_map(Value::as_str) {
                out.push(HostGrant {
                    principal: principal.clone(),
                    privilege: sql_name(privilege),
                    kind: kind.to_ascii_uppercase(),
                    object: object.to_owned(),
                });
            }
        }
    }
    out
}

pub(super) fn grant(
    app: &App,
    (kind, object): (&str, &str),
    principal: &str,
    privileges: &[String],
    give: bool,
) -> Result<(), Failure> {
    let key = format!("{}/{object}", kind.to_ascii_lowercase());
    let named: BTreeSet<String> = privileges.iter().map(|p| p.replace(' ', "_")).collect();
    let mut change = app.records.change();
    let mut kept = change.get(GRANTS, &key).cloned().unwrap_or_default();
    let present = kept.get(principal).and_then(Value::as_array).into_iter().flatten();
    let mut all: BTreeSet<String> = present.filter_map(Value::as_str).map(str::to_owned).collect();
    if give {
        all.extend(named);
    } else if named.contains("ALL_PRIVILEGES") {
        all.clear();
    } else {
        all.retain(|p| !named.contains(p));
    }
    if all.is_empty() {
        kept.remove(principal);
    } else {
        set(&mut kept, principal, json!(all));
    }
    change.put(GRANTS, &key, kept);
    stored(change.commit())
}

/// A string member, if it is there and not empty.
pub(crate) fn stated(record: &Map<String, Value>, name: &str) -> Option<String> {
    Some(text(record, name)).filter(|t| !t.is_empty()).map(str::to_owned)
}
