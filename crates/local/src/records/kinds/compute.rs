//! Cluster policies, instance pools, init scripts, instance profiles.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::records::call::{Call, default, set, text};
use crate::records::kind::{Identity, Kind, Verb};
use crate::records::store::{Change, Record};
use crate::reply::ApiError;

pub(super) const KINDS: &[Kind] = &[
    Kind::new("cluster_policies", "Policy", "policy_id", Identity::Hex)
        .unique("name")
        .required(&["name"])
        .on_create(policy)
        .on_update(policy_definition),
    Kind::new("instance_pools", "Instance pool", "instance_pool_id", Identity::Hex)
        .unique("instance_pool_name")
        .required(&["instance_pool_name", "node_type_id"])
        .on_create(pool),
    Kind::new("global_init_scripts", "Script", "script_id", Identity::Hex)
        .required(&["name", "script"])
        .on_create(script)
        .on_place(last)
        .on_update(script_content),
    Kind::new("instance_profiles", "Instance profile", "instance_profile_arn", Identity::Given)
        .required(&["instance_profile_arn"])
        .verbs(&[("edit", Verb::Update)])
        .on_create(profile),
];

fn policy(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    set(record, "created_at_timestamp", call.now());
    default(record, "is_default", false);
    if record.contains_key("policy_family_definition_overrides") && !record.contains_key("policy_family_id") {
        return Err(ApiError::invalid_parameter("policy_family_definition_overrides needs a policy_family_id"));
    }
    policy_definition(record, call)
}

/// A definition is a JSON object in a string.
fn policy_definition(record: &mut Record, _: &Call<'_>) -> Result<(), ApiError> {
    for name in ["definition", "policy_family_definition_overrides"] {
        let Some(Value::String(definition)) = record.get(name) else { continue };
        match serde_json::from_str(definition) {
            Ok(Value::Object(_)) => {}
            Ok(_) => return Err(ApiError::invalid_parameter(format!("{name} must be a JSON object"))),
            Err(e) => return Err(ApiError::invalid_parameter(format!("{name} is not valid JSON: {e}"))),
        }
    }
    Ok(())
}

fn pool(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    let id = text(record, "instance_pool_id").to_owned();
    set(record, "state", "ACTIVE");
    set(record, "status", json!({}));
    let stats = json!({"used_count": 0, "idle_count": 0, "pending_used_count": 0, "pending_idle_count": 0});
    set(record, "stats", stats);
    default(record, "min_idle_instances", 0);
    default(record, "idle_instance_autotermination_minutes", 60);
    let tags = json!({
        "Vendor": "Databricks",
        "DatabricksInstancePoolId": id,
        "DatabricksInstancePoolCreatorId": call.caller.id,
    });
    set(record, "default_tags", tags);
    Ok(())
}

fn script(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    default(record, "enabled", false);
    script_content(record, call)
}

/// A script runs behind those that are there, unless it states its position.
fn last(record: &mut Record, _: &Call<'_>, change: &Change<'_>) -> Result<(), ApiError> {
    default(record, "position", change.list("global_init_scripts/").len());
    Ok(())
}

fn script_content(record: &mut Record, _: &Call<'_>) -> Result<(), ApiError> {
    match STANDARD.decode(text(record, "script")) {
        Ok(bytes) if bytes.len() > 64 * 1024 => Err(ApiError::invalid_parameter("script must not exceed 64 KiB")),
        Ok(_) => Ok(()),
        Err(_) => Err(ApiError::invalid_parameter("script must be encoded in Base64")),
    }
}

fn profile(record: &mut Record, _: &Call<'_>) -> Result<(), ApiError> {
    if !text(record, "instance_profile_arn").starts_with("arn:") {
        return Err(ApiError::invalid_parameter("instance_profile_arn must begin with 'arn:'"));
    }
    default(record, "is_meta_instance_profile", false);
    Ok(())
}
