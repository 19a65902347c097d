//! Why a resource failed, where its state and message do not contain it.

use std::any::Any;

use serde_json::Value;

/// What a resource of this crate's models states about its failure.
pub(crate) fn of_resource(resource: &dyn Any) -> Option<String> {
    #[cfg(feature = "compute")]
    if let Some(cluster) = resource.downcast_ref::<databricks_models::compute::ClusterDetails>() {
        return of_cluster(cluster);
    }
    #[cfg(feature = "sql")]
    if let Some(warehouse) = resource.downcast_ref::<databricks_models::sql::GetWarehouseResponse>() {
        return serde_json::to_value(&warehouse.health).ok().as_ref().and_then(health);
    }
    let _ = resource;
    None
}

/// Why a cluster ended.
#[cfg(feature = "compute")]
pub(crate) fn of_cluster(cluster: &databricks_models::compute::ClusterDetails) -> Option<String> {
    serde_json::to_value(&cluster.termination_reason).ok().as_ref().and_then(termination)
}

/// What a resource states about its failure, by the names of its members.
#[cfg(feature = "dynamic")]
pub(crate) fn of_json(resource: &Value) -> Option<String> {
    resource.get("termination_reason").and_then(termination).or_else(|| resource.get("health").and_then(health))
}

/// `AWS_INSUFFICIENT_INSTANCE_CAPACITY_FAILURE (CLOUD_FAILURE; aws_error_message: no r5d left)`.
fn termination(reason: &Value) -> Option<String> {
    let text = |name: &str| reason.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let parameters = reason.get("parameters").and_then(Value::as_object).into_iter().flatten();
    let parameters = parameters.filter_map(|(name, value)| Some(format!("{name}: {}", value.as_str()?)));
    let details: Vec<String> = text("type").map(str::to_owned).into_iter().chain(parameters).collect();
    match (text("code"), details.is_empty()) {
        (None, true) => None,
        (Some(code), true) => Some(clean(code)),
        (code, false) => Some(clean(&format!("{} ({})", code.unwrap_or("unknown reason"), details.join("; ")))),
    }
}

/// The health of a warehouse.
fn health(health: &Value) -> Option<String> {
    let text = |name: &str| health.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(clean);
    let parts: Vec<String> = [text("summary"), text("details"), health.get("failure_reason").and_then(termination)]
        .into_iter()
        .flatten()
        .collect();
    (!parts.is_empty()).then(|| parts.join(": "))
}

/// One line without control characters and without what may be a secret.
fn clean(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    databricks_core::redact::text(&line).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reasons_have_code_type_and_parameters() {
        let reason =
            json!({"code": "INIT_SCRIPT_FAILURE", "type": "CLIENT_ERROR", "parameters": {"a": "x\ny", "b": "z"}});
        assert_eq!(termination(&reason).unwrap(), "INIT_SCRIPT_FAILURE (CLIENT_ERROR; a: x y; b: z)");
        assert_eq!(termination(&json!({"code": "X"})).unwrap(), "X");
        assert_eq!(termination(&json!({"type": "CLOUD_FAILURE"})).unwrap(), "unknown reason (CLOUD_FAILURE)");
        assert_eq!(termination(&json!({})), None);
        let failed = json!({"status": "FAILED", "summary": "no machines", "details": "", "failure_reason": reason});
        assert_eq!(health(&failed).unwrap(), "no machines: INIT_SCRIPT_FAILURE (CLIENT_ERROR; a: x y; b: z)");
        assert_eq!(health(&json!({"status": "HEALTHY"})), None);
    }
}
