//! System schemas of a metastore: which there are, and whether they are enabled.

use serde_json::{Value, json};

use super::Run;
use crate::records::call::{Call, set, text};
use crate::records::store::Record;
use crate::records::verbs::listing;
use crate::reply::{ApiError, Json, Reply};

pub(super) const OPERATIONS: &[(&str, Run)] = &[
    ("system_schemas.list", list),
    ("system_schemas.enable", |call| change(call, "ENABLE_COMPLETED")),
    ("system_schemas.disable", |call| change(call, "AVAILABLE")),
];

/// The schemas that the platform has.
const KNOWN: [&str; 8] = ["access", "billing", "compute", "lakeflow", "marketplace", "query", "serving", "storage"];

fn collection(call: &Call<'_>) -> String {
    format!("system_schemas/{}", call.param("metastore_id").unwrap_or_default())
}

fn list(call: &Call<'_>) -> Reply {
    let collection = collection(call);
    let shown = KNOWN.iter().map(|name| {
        let kept = call.desk.records.get(&collection, name);
        let state = kept.as_ref().map_or("AVAILABLE", |record| text(record, "state"));
        json!({"schema": name, "state": state})
    });
    listing(call, shown.collect::<Vec<Value>>(), "system-schemas")
}

fn change(call: &Call<'_>, state: &str) -> Reply {
    let name = call.required("schema_name")?;
    if !KNOWN.contains(&name.as_str()) {
        return Err(ApiError::not_found(format!("System schema '{name}' does not exist.")));
    }
    call.transact(|change| {
        let mut record = Record::new();
        set(&mut record, "state", state);
        change.put(&collection(call), &name, record);
        Ok(Json::empty())
    })
}
