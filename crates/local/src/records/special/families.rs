//! Policy families: the templates that cluster policies are made from. There is a fixed list of them.

use serde_json::{Value, json};

use super::Run;
use crate::records::call::Call;
use crate::records::verbs::listing;
use crate::reply::{ApiError, Json, Reply};

pub(super) const OPERATIONS: &[(&str, Run)] =
    &[("policy_families.list", list), ("policy_families.get", get), ("data_sources.list", data_sources)];

fn all() -> Vec<Value> {
    let family = |id: &str, name: &str, description: &str, definition: Value| json!({"policy_family_id": id, "name": name, "description": description, "definition": definition.to_string()});
    let termination = json!({"type": "range", "maxValue": 4320, "defaultValue": 120});
    vec![
        family(
            "personal-vm",
            "Personal Compute",
            "One small machine for one user",
            json!({
                "num_workers": {"type": "fixed", "value": 0, "hidden": true},
                "autotermination_minutes": termination,
            }),
        ),
        family(
            "power-user",
            "Power User Compute",
            "A large cluster for one user",
            json!({"autotermination_minutes": termination}),
        ),
        family(
            "shared-compute",
            "Shared Compute",
            "A large cluster for many users",
            json!({"autotermination_minutes": termination}),
        ),
        family(
            "job-cluster",
            "Job Compute",
            "Clusters of jobs",
            json!({"cluster_type": {"type": "fixed", "value": "job"}}),
        ),
    ]
}

/// The definition of a family.
pub(crate) fn definition(id: &str) -> Option<String> {
    let family = all().into_iter().find(|family| family["policy_family_id"] == id)?;
    family["definition"].as_str().map(str::to_owned)
}

fn list(call: &Call<'_>) -> Reply {
    listing(call, all(), "policy_families")
}

fn get(call: &Call<'_>) -> Reply {
    let id = call.last_param().unwrap_or_default();
    let found = all().into_iter().find(|family| family["policy_family_id"] == id);
    found.map(Json).ok_or_else(|| ApiError::not_found(format!("Policy family '{id}' does not exist.")))
}

/// The warehouse that is there from the start, as the legacy queries name it.
fn data_sources(call: &Call<'_>) -> Reply {
    Ok(Json(json!([{
        "id": format!("{:08x}-0000-4000-8000-{}", call.desk.workspace_id >> 32, &call.desk.warehouse_id[4..]),
        "name": "Starter Warehouse",
        "warehouse_id": call.desk.warehouse_id,
        "type": "databricks_internal",
        "syntax": "sql",
        "paused": 0,
        "supports_auto_limit": true,
    }])))
}
