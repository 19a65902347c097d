//! Monitors of tables: what is stated of them is kept. Nothing is measured, so that refreshes are refused by name.

use serde_json::{Value, json};

use super::Run;
use crate::records::call::{Call, set};
use crate::records::store::Record;
use crate::reply::{ApiError, Json, Reply};

pub(super) const OPERATIONS: &[(&str, Run)] = &[
    ("quality_monitors.create", create),
    ("quality_monitors.get", get),
    ("quality_monitors.update", update),
    ("quality_monitors.delete", delete),
];

const MONITORS: &str = "quality_monitors/";

fn key(call: &Call<'_>) -> String {
    call.param("table_name").unwrap_or_default().to_lowercase()
}

/// The members of a monitor that the body states.
fn take(record: &mut Record, call: &Call<'_>) {
    for name in call.operation.body.members().iter().map(|m| m.name) {
        // How to make a monitor, not what it is.
        if matches!(name, "skip_builtin_dashboard" | "warehouse_id") {
            continue;
        }
        if let Some(value) = call.body.0.get(name).filter(|value| !value.is_null()) {
            set(record, name, value.clone());
        }
    }
}

fn missing(table: &str) -> ApiError {
    ApiError::not_found(format!("The table {table} has no monitor."))
}

fn create(call: &Call<'_>) -> Reply {
    let key = key(call);
    let schema = call.body.str("output_schema_name")?;
    call.body.str("assets_dir")?;
    let kinds = ["snapshot", "time_series", "inference_log"];
    if kinds.iter().filter(|kind| call.body.0.get(**kind).is_some_and(|stated| !stated.is_null())).count() != 1 {
        return Err(ApiError::invalid_parameter(format!("A monitor has one of {}", kinds.join(", "))));
    }
    let name = key.replace('.', "_");
    let mut record = Record::new();
    set(&mut record, "table_name", key.as_str());
    set(&mut record, "monitor_version", 0);
    set(&mut record, "status", "MONITOR_STATUS_ACTIVE");
    set(&mut record, "profile_metrics_table_name", format!("{schema}.{name}_profile_metrics"));
    set(&mut record, "drift_metrics_table_name", format!("{schema}.{name}_drift_metrics"));
    take(&mut record, call);
    call.transact(|change| {
        if change.get(MONITORS, &key).is_some() {
            let message = format!("The table {key} has a monitor already.");
            return Err(ApiError::new(http::StatusCode::CONFLICT, "RESOURCE_ALREADY_EXISTS", message));
        }
        change.put(MONITORS, &key, record.clone());
        Ok(Json(Value::Object(record)))
    })
}

fn get(call: &Call<'_>) -> Reply {
    let key = key(call);
    call.desk.records.get(MONITORS, &key).map(|record| Json(Value::Object(record))).ok_or_else(|| missing(&key))
}

fn update(call: &Call<'_>) -> Reply {
    let key = key(call);
    call.transact(|change| {
        let mut record = change.get(MONITORS, &key).cloned().ok_or_else(|| missing(&key))?;
        take(&mut record, call);
        let version = record.get("monitor_version").and_then(Value::as_i64).unwrap_or_default();
        set(&mut record, "monitor_version", version + 1);
        change.put(MONITORS, &key, record.clone());
        Ok(Json(Value::Object(record)))
    })
}

fn delete(call: &Call<'_>) -> Reply {
    let key = key(call);
    call.transact(|change| change.remove(MONITORS, &key).map(|_| Json(json!({}))).ok_or_else(|| missing(&key)))
}
