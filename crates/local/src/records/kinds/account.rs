//! What an account has: workspaces and what they are made of, budgets, networks, federation policies.

use serde_json::json;

use crate::records::call::{Call, default, set, text};
use crate::records::kind::{Identity, Kind};
use crate::records::store::Record;
use crate::reply::ApiError;

pub(super) const KINDS: &[Kind] = &[
    Kind::new("workspaces", "Workspace", "workspace_id", Identity::Number)
        .unique("workspace_name")
        .required(&["workspace_name"])
        .on_create(workspace),
    Kind::new("credentials", "Credentials", "credentials_id", Identity::Uuid)
        .unique("credentials_name")
        .required(&["credentials_name", "aws_credentials"]),
    Kind::new("storage", "Storage configuration", "storage_configuration_id", Identity::Uuid)
        .unique("storage_configuration_name")
        .required(&["storage_configuration_name", "root_bucket_info"]),
    Kind::new("networks", "Network", "network_id", Identity::Uuid)
        .unique("network_name")
        .required(&["network_name"])
        .on_create(network),
    Kind::new("vpc_endpoints", "VPC endpoint", "vpc_endpoint_id", Identity::Uuid)
        .unique("vpc_endpoint_name")
        .on_create(vpc_endpoint),
    Kind::new("private_access", "Private access settings", "private_access_settings_id", Identity::Uuid)
        .unique("private_access_settings_name"),
    Kind::new("encryption_keys", "Customer-managed key", "customer_managed_key_id", Identity::Uuid)
        .required(&["use_cases"])
        .on_create(encryption_key),
    Kind::new("budgets", "Budget", "budget_configuration_id", Identity::Uuid).wrap("budget").required(&["budget"]),
    Kind::new("budget_policy", "Budget policy", "policy_id", Identity::Uuid).wrap("policy"),
    Kind::new("log_delivery", "Log delivery configuration", "config_id", Identity::Uuid)
        .wrap("log_delivery_configuration")
        .required(&["log_delivery_configuration"])
        .on_create(log_delivery)
        .actions(&[("patch_status", status)]),
    Kind::new("account_ip_access_lists", "IP access list", "list_id", Identity::Uuid)
        .wrap("ip_access_list")
        .required(&["label", "list_type"])
        .on_create(ip_list)
        .on_update(ip_count),
    Kind::new("ip_access_lists", "IP access list", "list_id", Identity::Uuid)
        .wrap("ip_access_list")
        .required(&["label", "list_type"])
        .on_create(ip_list)
        .on_update(ip_count),
    Kind::new("account_federation_policy", "Federation policy", "policy_id", Identity::GivenOrUuid)
        .on_create(federation),
    Kind::new("service_principal_federation_policy", "Federation policy", "policy_id", Identity::GivenOrUuid)
        .on_create(federation),
    Kind::new(
        "network_connectivity",
        "Network connectivity configuration",
        "network_connectivity_config_id",
        Identity::Uuid,
    )
    .suffixes(&[
        "network_connectivity_configuration",
        "network_connectivity_configurations",
        "network_connectivity_config",
    ])
    .required(&["name", "region"]),
    Kind::new("network_connectivity", "Private endpoint rule", "rule_id", Identity::Uuid)
        .suffixes(&["private_endpoint_rule", "private_endpoint_rules"])
        .on_create(endpoint_rule),
    Kind::new("network_policies", "Network policy", "network_policy_id", Identity::GivenOrUuid)
        .suffixes(&["network_policy_rpc", "network_policies_rpc"]),
    Kind::new("account_metastores", "Metastore", "metastore_id", Identity::Uuid)
        .wrap("metastore_info")
        .on_create(metastore),
    Kind::new("account_storage_credentials", "Storage credential", "name", Identity::Given).wrap("credential_info"),
    Kind::new("notification_destinations", "Notification destination", "id", Identity::Uuid)
        .required(&["display_name"])
        .on_create(destination)
        .on_update(destination),
];

fn workspace(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    set(record, "workspace_status", "RUNNING");
    set(record, "workspace_status_message", "Workspace is running.");
    set(record, "creation_time", call.now());
    default(record, "pricing_tier", "PREMIUM");
    default(record, "cloud", "aws");
    let name = record.get("workspace_name").cloned().unwrap_or_default();
    default(record, "deployment_name", name);
    Ok(())
}

fn network(record: &mut Record, _: &Call<'_>) -> Result<(), ApiError> {
    set(record, "vpc_status", "UNATTACHED");
    Ok(())
}

fn vpc_endpoint(record: &mut Record, _: &Call<'_>) -> Result<(), ApiError> {
    set(record, "state", "available");
    Ok(())
}

/// The region of a key of AWS stands in its ARN.
fn encryption_key(record: &mut Record, _: &Call<'_>) -> Result<(), ApiError> {
    let Some(key) = record.get_mut("aws_key_info").and_then(|key| key.as_object_mut()) else { return Ok(()) };
    let arn = text(key, "key_arn").to_owned();
    let region = arn.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(2)).filter(|region| !region.is_empty());
    let region = region.ok_or_else(|| {
        ApiError::invalid_parameter(format!(
            "key_arn '{arn}' is not the ARN of a key: arn:aws:kms:REGION:ACCOUNT:key/ID"
        ))
    })?;
    default(key, "key_region", region);
    Ok(())
}

fn log_delivery(record: &mut Record, _: &Call<'_>) -> Result<(), ApiError> {
    default(record, "status", "ENABLED");
    set(record, "log_delivery_status", json!({"status": "CREATED", "message": "No log was delivered yet"}));
    Ok(())
}

fn status(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    let status = call.body.opt_enum("status", &["ENABLED", "DISABLED"])?;
    set(record, "status", status.ok_or_else(|| crate::extract::missing("status"))?);
    Ok(())
}

fn ip_list(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    default(record, "enabled", true);
    for name in ["created_at", "updated_at"] {
        set(record, name, call.now());
    }
    for name in ["created_by", "updated_by"] {
        set(record, name, call.caller.number());
    }
    ip_count(record, call)
}

fn ip_count(record: &mut Record, _: &Call<'_>) -> Result<(), ApiError> {
    let addresses = record.get("ip_addresses").and_then(|a| a.as_array()).map_or(&[][..], Vec::as_slice);
    for address in addresses {
        let text = address.as_str().unwrap_or_default();
        let (ip, prefix) = text.split_once('/').unwrap_or((text, "32"));
        if ip.parse::<std::net::IpAddr>().is_err() || prefix.parse::<u8>().is_err() {
            return Err(ApiError::invalid_parameter(format!("'{text}' is not an IP address or a CIDR block")));
        }
    }
    let count = addresses.len();
    set(record, "address_count", count);
    Ok(())
}

fn federation(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    let id = record.get("policy_id").and_then(|v| v.as_str()).unwrap_or_default();
    let parent = call.param("service_principal_id").map(|id| format!("/servicePrincipals/{id}")).unwrap_or_default();
    let name = format!("accounts/{}{parent}/federationPolicies/{id}", call.desk.account_id);
    set(record, "name", name);
    Ok(())
}

fn endpoint_rule(record: &mut Record, _: &Call<'_>) -> Result<(), ApiError> {
    set(record, "connection_state", "PENDING");
    default(record, "enabled", true);
    Ok(())
}

fn metastore(record: &mut Record, _: &Call<'_>) -> Result<(), ApiError> {
    default(record, "cloud", "aws");
    default(record, "privilege_model_version", "1.0");
    Ok(())
}

/// The kind of a destination is the member that its configuration has; URLs and keys are secrets and not given back.
fn destination(record: &mut Record, _: &Call<'_>) -> Result<(), ApiError> {
    const KINDS: [(&str, &str); 5] = [
        ("email", "EMAIL"),
        ("generic_webhook", "WEBHOOK"),
        ("microsoft_teams", "MICROSOFT_TEAMS"),
        ("pagerduty", "PAGERDUTY"),
        ("slack", "SLACK"),
    ];
    const SECRETS: [(&str, &str); 8] = [
        ("url", "url_set"),
        ("username", "username_set"),
        ("password", "password_set"),
        ("integration_key", "integration_key_set"),
        ("oauth_token", "oauth_token_set"),
        ("channel_id", "channel_id_set"),
        ("app_id", "app_id_set"),
        ("auth_secret", "auth_secret_set"),
    ];
    let Some(config) = record.get_mut("config").and_then(|c| c.as_object_mut()) else { return Ok(()) };
    let Some((member, kind)) = KINDS.iter().find(|(member, _)| config.contains_key(*member)) else {
        return Err(ApiError::invalid_parameter("config must have one of email, slack, pagerduty, and webhooks"));
    };
    if let Some(inner) = config.get_mut(*member).and_then(|c| c.as_object_mut()) {
        for (secret, shown) in SECRETS {
            if inner.remove(secret).is_some() {
                inner.insert(shown.to_owned(), json!(true));
            }
        }
    }
    set(record, "destination_type", *kind);
    Ok(())
}
