//! Unity Catalog's securables that are records alone, and what Delta Sharing has.

use serde_json::{Map, Value, json};

use crate::extract::missing;
use crate::records::call::{Call, default, set, text};
use crate::records::kind::{Identity, Kind, Verb};
use crate::records::store::{Change, Record};
use crate::reply::ApiError;

pub(super) const KINDS: &[Kind] = &[
    Kind::new("connections", "Connection", "name", Identity::Given)
        .securable("CONNECTION")
        .required(&["name", "connection_type", "options"])
        .codes("CONNECTION_DOES_NOT_EXIST", "CONNECTION_ALREADY_EXISTS")
        .on_create(connection)
        .on_update(hide_secrets),
    Kind::new("storage_credentials", "Storage credential", "name", Identity::Given)
        .securable("STORAGE CREDENTIAL")
        .codes("STORAGE_CREDENTIAL_DOES_NOT_EXIST", "STORAGE_CREDENTIAL_ALREADY_EXISTS")
        .on_create(credential)
        .on_update(hide_secrets),
    Kind::new("credentials", "Credential", "name", Identity::Given)
        .securable("CREDENTIAL")
        .suffixes(&["credential", "credentials"])
        .codes("CREDENTIAL_DOES_NOT_EXIST", "CREDENTIAL_ALREADY_EXISTS")
        .on_create(credential)
        .on_update(hide_secrets),
    Kind::new("external_locations", "External location", "name", Identity::Given)
        .securable("EXTERNAL LOCATION")
        .required(&["name", "url", "credential_name"])
        .codes("EXTERNAL_LOCATION_DOES_NOT_EXIST", "EXTERNAL_LOCATION_ALREADY_EXISTS")
        .on_place(location),
    Kind::new("functions", "Function", "full_name", Identity::Computed)
        .computed(three_parts)
        .wrap("function_info")
        .codes("FUNCTION_DOES_NOT_EXIST", "FUNCTION_ALREADY_EXISTS")
        .on_create(function),
    Kind::new("volumes", "Volume", "full_name", Identity::Computed)
        .securable("VOLUME")
        .computed(three_parts)
        .required(&["name", "catalog_name", "schema_name", "volume_type"])
        .codes("VOLUME_DOES_NOT_EXIST", "VOLUME_ALREADY_EXISTS")
        .on_create(volume),
    Kind::new("registered_models", "Model", "full_name", Identity::Computed)
        .securable("MODEL")
        .computed(three_parts)
        .required(&["name", "catalog_name", "schema_name"])
        .on_create(model)
        .codes("RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS"),
    Kind::new("shares", "Share", "name", Identity::Given)
        .securable("SHARE")
        .verbs(&[("list_shares", Verb::List)])
        .required(&["name"])
        .codes("SHARE_DOES_NOT_EXIST", "SHARE_ALREADY_EXISTS")
        .on_update(share_objects),
    Kind::new("recipients", "Recipient", "name", Identity::Given)
        .securable("RECIPIENT")
        .required(&["name", "authentication_type"])
        .codes("RECIPIENT_DOES_NOT_EXIST", "RECIPIENT_ALREADY_EXISTS")
        .on_create(recipient)
        .actions(&[("rotate_token", rotate_token)]),
    Kind::new("providers", "Provider", "name", Identity::Given)
        .securable("PROVIDER")
        .required(&["name", "authentication_type"])
        .codes("PROVIDER_DOES_NOT_EXIST", "PROVIDER_ALREADY_EXISTS")
        .on_create(provider)
        .on_update(provider),
    Kind::new("clean_rooms", "Clean room", "name", Identity::Given).wrap("clean_room").on_create(active),
    Kind::new("clean_room_auto_approval_rules", "Rule", "rule_id", Identity::Uuid).wrap("auto_approval_rule"),
    Kind::new("online_tables", "Online table", "name", Identity::Given).on_create(online_table),
    Kind::new("tag_policies", "Tag policy", "tag_key", Identity::Given)
        .suffixes(&["tag_policy", "tag_policies"])
        .on_create(with_id),
    Kind::new("entity_tag_assignments", "Tag", "tag_key", Identity::Given)
        .required(&["entity_name", "entity_type", "tag_key"])
        .parents(&["entity_type", "entity_name"]),
    Kind::new("workspace_entity_tag_assignments", "Tag", "tag_key", Identity::Given)
        .suffixes(&["tag_assignment", "tag_assignments"])
        .required(&["entity_id", "entity_type", "tag_key"])
        .parents(&["entity_type", "entity_id"]),
    Kind::new("metastores", "Metastore", "metastore_id", Identity::Uuid)
        .required(&["name"])
        .codes("METASTORE_DOES_NOT_EXIST", "METASTORE_ALREADY_EXISTS"),
    Kind::new("external_metadata", "External metadata", "name", Identity::Given)
        .suffixes(&["external_metadata"])
        .required(&["name", "system_type", "entity_type"])
        .on_create(with_id),
    Kind::new("policies", "Policy", "name", Identity::Given)
        .suffixes(&["policy", "policies"])
        .required(&["name", "on_securable_type", "on_securable_fullname", "policy_type"])
        .parents(&["on_securable_type", "on_securable_fullname"])
        .on_create(with_id),
    Kind::new("recipient_federation_policies", "Federation policy", "name", Identity::Given)
        .suffixes(&["", "federation_policy"])
        .on_create(with_id),
];

fn connection(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    set(record, "connection_id", call.desk.ids.uuid());
    set(record, "full_name", text(record, "name").to_owned());
    set(record, "securable_type", "CONNECTION");
    set(record, "provisioning_info", json!({"state": "ACTIVE"}));
    default(record, "read_only", false);
    hide_secrets(record, call)
}

fn credential(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    const HOW: [&str; 5] = [
        "aws_iam_role",
        "azure_managed_identity",
        "azure_service_principal",
        "cloudflare_api_token",
        "databricks_gcp_service_account",
    ];
    if !HOW.iter().any(|name| record.contains_key(*name)) {
        return Err(ApiError::invalid_parameter(format!("One of {} is required", HOW.join(", "))));
    }
    set(record, "id", call.desk.ids.uuid());
    set(record, "full_name", text(record, "name").to_owned());
    default(record, "isolation_mode", "ISOLATION_MODE_OPEN");
    default(record, "read_only", false);
    if call.operation.service() == "storage_credentials" {
        default(record, "used_for_managed_storage", false);
    } else {
        default(record, "purpose", "SERVICE");
    }
    hide_secrets(record, call)
}

/// Takes out what the service keeps to itself.
fn hide_secrets(record: &mut Record, _: &Call<'_>) -> Result<(), ApiError> {
    record.remove("secrets");
    for name in ["azure_service_principal", "cloudflare_api_token", "options"] {
        if let Some(Value::Object(inner)) = record.get_mut(name) {
            inner.retain(|key, _| !is_secret(key));
        }
    }
    Ok(())
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "secret", "token", "private_key", "privatekey", "api_key", "credential"]
        .iter()
        .any(|word| name.contains(word))
}

fn location(record: &mut Record, _: &Call<'_>, change: &Change<'_>) -> Result<(), ApiError> {
    let credential = text(record, "credential_name").to_owned();
    let known = change.get("storage_credentials/", &credential);
    let known = known.or_else(|| change.get("credentials/credential", &credential)).map(|r| text(r, "id").to_owned());
    let Some(id) = known else {
        return Err(ApiError::new(
            http::StatusCode::NOT_FOUND,
            "STORAGE_CREDENTIAL_DOES_NOT_EXIST",
            format!("Storage credential '{credential}' does not exist."),
        ));
    };
    set(record, "credential_id", id);
    default(record, "isolation_mode", "ISOLATION_MODE_OPEN");
    default(record, "read_only", false);
    default(record, "fallback", false);
    Ok(())
}

fn three_parts(record: &Map<String, Value>) -> Option<String> {
    let part = |name: &str| record.get(name).and_then(Value::as_str).filter(|s| !s.is_empty());
    Some(format!("{}.{}.{}", part("catalog_name")?, part("schema_name")?, part("name")?))
}

fn function(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    set(record, "function_id", call.desk.ids.uuid());
    Ok(())
}

fn volume(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    let kind = text(record, "volume_type").to_owned();
    let location = text(record, "storage_location").to_owned();
    match (kind.as_str(), location.is_empty()) {
        ("MANAGED", true) => {
            let id = call.desk.ids.uuid();
            set(record, "storage_location", format!("local://metastore/volumes/{id}"));
        }
        ("EXTERNAL", false) => {}
        ("EXTERNAL", true) => return Err(crate::extract::missing("storage_location")),
        ("MANAGED", false) => {
            return Err(ApiError::invalid_parameter("A managed volume must not state its storage_location"));
        }
        _ => return Err(ApiError::invalid_parameter("volume_type must be MANAGED or EXTERNAL")),
    }
    set(record, "volume_id", call.desk.ids.uuid());
    Ok(())
}

fn model(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    let id = call.desk.ids.uuid();
    let root = format!("dbfs:/local/metastore/models/{id}");
    default(record, "storage_location", root);
    Ok(())
}

fn active(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    set(record, "status", "ACTIVE");
    set(record, "access_restricted", "NO_RESTRICTION");
    set(record, "owner", call.caller.name.as_str());
    Ok(())
}

fn with_id(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    set(record, "id", call.desk.ids.uuid());
    Ok(())
}

/// Applies the `updates` of a share to its objects.
fn share_objects(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    let mut objects = record.get("objects").and_then(Value::as_array).cloned().unwrap_or_default();
    for update in call.body.opt_list("updates")?.unwrap_or_default() {
        let mut object = update["data_object"].clone();
        let name = object["name"].clone();
        if !name.is_string() {
            return Err(missing("updates.data_object.name"));
        }
        let place = objects.iter().position(|o| o["name"] == name);
        match (update["action"].as_str(), place) {
            (Some("ADD"), None) => {
                object["added_at"] = json!(call.now());
                object["added_by"] = json!(call.caller.name);
                object["status"] = json!("ACTIVE");
                objects.push(object);
            }
            (Some("ADD"), Some(_)) => {
                return Err(ApiError::new(
                    http::StatusCode::BAD_REQUEST,
                    "RESOURCE_ALREADY_EXISTS",
                    format!("{name} is already in the share"),
                ));
            }
            (Some("REMOVE"), Some(index)) => {
                objects.remove(index);
            }
            (Some("UPDATE"), Some(index)) => {
                if let (Some(Value::Object(old)), Value::Object(new)) = (objects.get_mut(index), object) {
                    old.extend(new);
                }
            }
            (Some("REMOVE" | "UPDATE"), None) => {
                return Err(ApiError::not_found(format!("{name} is not in the share")));
            }
            _ => return Err(ApiError::invalid_parameter("action must be ADD, REMOVE or UPDATE")),
        }
    }
    set(record, "objects", objects);
    Ok(())
}

fn recipient(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    record.remove("sharing_code");
    set(record, "activated", false);
    set(record, "id", call.desk.ids.uuid());
    if text(record, "authentication_type") == "TOKEN" {
        let token = share_token(call);
        set(record, "activation_url", token["activation_url"].clone());
        set(record, "tokens", json!([token]));
    }
    Ok(())
}

fn share_token(call: &Call<'_>) -> Value {
    let url = format!("{}/delta_sharing/retrieve_config.html?{}", call.desk.url, call.desk.ids.hex32());
    json!({
        "id": call.desk.ids.uuid(),
        "activation_url": url,
        "created_at": call.now(),
        "created_by": call.caller.name,
        "updated_at": call.now(),
        "updated_by": call.caller.name,
    })
}

fn rotate_token(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    let lifetime = call.body.opt_i64("existing_token_expire_in_seconds")?.unwrap_or(0).max(0);
    let mut tokens = record.get("tokens").and_then(Value::as_array).cloned().unwrap_or_default();
    for token in &mut tokens {
        token["expiration_time"] = json!(call.now().saturating_add(lifetime.saturating_mul(1000)));
    }
    tokens.push(share_token(call));
    set(record, "tokens", tokens);
    Ok(())
}

fn provider(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    record.remove("recipient_profile_str");
    let profile = call.body.opt_str("recipient_profile_str")?.map(serde_json::from_str::<Value>).transpose();
    let profile = profile.map_err(|e| ApiError::invalid_parameter(format!("recipient_profile_str: {e}")))?;
    if let Some(profile) = profile {
        let mut shown = Map::new();
        for (from, to) in
            [("bearerToken", ""), ("endpoint", "endpoint"), ("shareCredentialsVersion", "share_credentials_version")]
        {
            if let Some(value) = profile.get(from).filter(|_| !to.is_empty()) {
                shown.insert(to.to_owned(), value.clone());
            }
        }
        set(record, "recipient_profile", Value::Object(shown));
    }
    Ok(())
}

fn online_table(record: &mut Record, _: &Call<'_>) -> Result<(), ApiError> {
    set(record, "status", json!({"detailed_state": "ONLINE", "message": "Kept as a record; no data is served"}));
    set(record, "unity_catalog_provisioning_state", "ACTIVE");
    Ok(())
}
