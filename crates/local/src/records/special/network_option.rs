//! Which network policy a workspace has.

use serde_json::{Value, json};

use super::Run;
use crate::records::call::{Call, set};
use crate::records::store::Record;
use crate::reply::{ApiError, Json, Reply};

pub(super) const OPERATIONS: &[(&str, Run)] = &[
    ("workspace_network_configuration.get_workspace_network_option_rpc", get),
    ("workspace_network_configuration.update_workspace_network_option_rpc", update),
];

const OPTIONS: &str = "workspace_network_options/";
/// The policy of workspaces that were given none, which every account has.
const DEFAULT: &str = "default-policy";

/// The number of a workspace that there is.
fn workspace(call: &Call<'_>) -> Result<u64, ApiError> {
    let id = call.param("workspace_id").unwrap_or_default();
    let wrong = || ApiError::invalid_parameter(format!("'{id}' is not the identifier of a workspace"));
    let number = id.parse::<u64>().map_err(|_| wrong())?;
    let known = number == call.desk.workspace_id || call.desk.records.get("workspaces/", id).is_some();
    if known { Ok(number) } else { Err(ApiError::not_found(format!("Workspace '{id}' does not exist."))) }
}

fn get(call: &Call<'_>) -> Reply {
    let id = workspace(call)?;
    let kept = call.desk.records.get(OPTIONS, &id.to_string());
    let policy = kept.and_then(|record| record.get("network_policy_id").cloned()).unwrap_or(json!(DEFAULT));
    Ok(Json(json!({"workspace_id": id, "network_policy_id": policy})))
}

fn update(call: &Call<'_>) -> Reply {
    let id = workspace(call)?;
    let policy = call.body.str("network_policy_id")?;
    call.transact(|change| {
        if policy != DEFAULT && change.get("network_policies/network_policy_rpc", policy).is_none() {
            return Err(ApiError::not_found(format!("Network policy '{policy}' does not exist.")));
        }
        let mut record = Record::new();
        set(&mut record, "workspace_id", id);
        set(&mut record, "network_policy_id", policy);
        change.put(OPTIONS, &id.to_string(), record.clone());
        Ok(Json(Value::Object(record)))
    })
}
