//! The members that the service sets: times, people, versions and places.

use serde_json::{Value, json};

use super::call::{Call, default, set, text};
use super::store::Record;
use crate::clock::Clock;
use crate::operations::{MemberType, Schema};
use crate::reply::ApiError;

const CREATED: &[&str] = &[
    "created_at",
    "created_time",
    "created_timestamp",
    "create_time",
    "create_timestamp",
    "creation_time",
    "creation_timestamp",
];
const UPDATED: &[&str] = &[
    "updated_at",
    "update_time",
    "updated_timestamp",
    "update_timestamp",
    "last_updated",
    "last_updated_at",
    "last_updated_timestamp",
    "last_modified_at",
];
const CREATORS: &[&str] = &["created_by", "creator", "creator_name", "creator_user_name"];
/// At first the one who creates a record, unless it states another.
const OWNERS: &[&str] = &["owner", "owner_user_name", "run_as_user_name"];
const UPDATERS: &[&str] = &["updated_by", "last_modifier_user_name", "updater"];

/// Whether the service sets a member, so that a body that leaves it out does not unset it.
pub(super) fn is_generated(name: &str) -> bool {
    is_noted(name)
        || OWNERS.contains(&name)
        || matches!(name, "etag" | "uid" | "account_id" | "metastore_id" | "full_name" | "id" | "workspace_id")
}

/// Whether a member says when or by whom a record was made or changed: what a body states of it is passed over.
pub(super) fn is_noted(name: &str) -> bool {
    [CREATED, UPDATED, CREATORS, UPDATERS].concat().contains(&name)
}

fn time(kind: MemberType, now: i64) -> Value {
    match kind {
        MemberType::Integer => json!(now),
        _ => json!(Clock::rfc3339(now)),
    }
}

/// Sets what a new record gets, where its schema has such members and the body did not state them.
pub(super) fn created(record: &mut Record, schema: Option<&Schema>, call: &Call<'_>) {
    let Some(schema) = schema else { return };
    for member in schema.members() {
        let name = member.name;
        let value = match (name, member.kind) {
            (_, kind) if CREATED.contains(&name) || UPDATED.contains(&name) => {
                set(record, name, time(kind, call.now()));
                continue;
            }
            (_, MemberType::String) if [CREATORS, OWNERS, UPDATERS].concat().contains(&name) => json!(call.caller.name),
            ("account_id", _) => json!(call.desk.account_id),
            ("metastore_id", MemberType::String) => json!(metastore_id(call)),
            ("workspace_id", MemberType::Integer) if schema.has("account_id") => continue,
            ("uid", MemberType::String) => json!(call.desk.ids.uuid()),
            ("etag", MemberType::String) => json!("1"),
            _ => continue,
        };
        default(record, name, value);
    }
}

/// Notes that a record was changed, and by whom.
pub(super) fn updated(record: &mut Record, schema: Option<&Schema>, call: &Call<'_>) {
    let Some(schema) = schema else { return };
    for member in schema.members() {
        let name = member.name;
        if UPDATED.contains(&name) {
            set(record, name, time(member.kind, call.now()));
        } else if UPDATERS.contains(&name) && member.kind == MemberType::String {
            set(record, name, json!(call.caller.name));
        }
    }
    if schema.has("etag") {
        let version: u64 = text(record, "etag").parse().unwrap_or(0);
        set(record, "etag", (version + 1).to_string());
    }
}

/// As [`updated`], of records that have the members of an app.
pub(super) fn touched(record: &mut Record, call: &Call<'_>) {
    set(record, "update_time", Clock::rfc3339(call.now()));
    set(record, "updater", call.caller.name.as_str());
}

/// Refuses a change that was made to an older version.
pub(super) fn same_version(record: &Record, call: &Call<'_>) -> Result<(), ApiError> {
    let (kept, given) = (text(record, "etag"), call.body.0.get("etag").and_then(Value::as_str).unwrap_or_default());
    if kept.is_empty() || given.is_empty() || kept == given {
        return Ok(());
    }
    Err(ApiError::new(
        http::StatusCode::CONFLICT,
        "RESOURCE_CONFLICT",
        format!("The etag '{given}' is not the present one, '{kept}': read the record again and repeat the change"),
    ))
}

/// The metastore of the workspace: a UUID made of the workspace's number.
pub(crate) fn metastore_id(call: &Call<'_>) -> String {
    metastore_of(call.desk.workspace_id)
}

/// The metastore's identifier among those of all clouds and regions.
pub(crate) fn global_metastore(workspace_id: u64) -> String {
    format!("aws:local:{}", metastore_of(workspace_id))
}

pub(crate) fn metastore_of(workspace_id: u64) -> String {
    let hex = format!("{workspace_id:016x}");
    let (head, tail) = hex.split_at(4);
    format!("11111111-2222-4333-8{}-{}", &head[1..], tail)
}
