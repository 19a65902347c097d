//! Rows of vector indexes that are written directly, and the search for the nearest ones. What belongs to endpoints
//! besides their records.
//!
//! Texts are not turned into vectors here: no model runs. A search states its vector.

mod filters;
mod rows;

use serde_json::{Value, json};

use super::Run;
use crate::records::call::{Call, member, set, text};
use crate::records::store::{Change, Record};
use crate::reply::{ApiError, Json, Reply};

pub(super) const OPERATIONS: &[(&str, Run)] = &[
    ("vector_search_indexes.upsert_data_vector_index", rows::upsert),
    ("vector_search_indexes.delete_data_vector_index", rows::delete),
    ("vector_search_indexes.scan_index", rows::scan),
    ("vector_search_indexes.query_index", rows::query),
    ("vector_search_indexes.sync_index", sync),
    ("vector_search_endpoints.update_endpoint_budget_policy", budget),
    ("vector_search_endpoints.update_endpoint_custom_tags", tags),
    ("vector_search_endpoints.start_endpoint", start),
    ("vector_search_endpoints.stop_endpoint", stop),
];

const INDEXES: &str = "vector_search_indexes/index";
const ENDPOINTS: &str = "vector_search_endpoints/endpoint";

/// The index that the path names.
fn index(change: &Change<'_>, call: &Call<'_>) -> Result<Record, ApiError> {
    let name = call.param("index_name").unwrap_or_default();
    let found = change.get(INDEXES, name).cloned();
    found.ok_or_else(|| ApiError::not_found(format!("The index '{name}' does not exist.")))
}

/// The index, if its rows are written directly.
fn direct(change: &Change<'_>, call: &Call<'_>) -> Result<Record, ApiError> {
    let record = index(change, call)?;
    if text(&record, "index_type") == "DIRECT_ACCESS" {
        return Ok(record);
    }
    let message = format!(
        "The index '{}' follows a table, and the embedded workspace does not read that; a DIRECT_ACCESS index holds rows",
        text(&record, "name")
    );
    Err(ApiError::new(http::StatusCode::NOT_IMPLEMENTED, "NOT_IMPLEMENTED", message))
}

/// An index that follows a table is told to catch up, which is noted nowhere: it never has rows here.
fn sync(call: &Call<'_>) -> Reply {
    let record = index(&call.desk.records.change(), call)?;
    if text(&record, "index_type") == "DIRECT_ACCESS" {
        let message =
            format!("The index '{}' is written directly; there is nothing to synchronize", text(&record, "name"));
        return Err(ApiError::invalid_parameter(message));
    }
    Ok(Json::empty())
}

fn endpoint(call: &Call<'_>, edit: impl FnOnce(&mut Record) -> Result<(), ApiError>) -> Result<Record, ApiError> {
    let name = call.param("endpoint_name").unwrap_or_default();
    call.transact(|change| {
        let found = change.get(ENDPOINTS, name).cloned();
        let mut record = found.ok_or_else(|| ApiError::not_found(format!("The endpoint '{name}' does not exist.")))?;
        edit(&mut record)?;
        set(&mut record, "last_updated_timestamp", call.now());
        set(&mut record, "last_updated_user", call.caller.name.as_str());
        change.put(ENDPOINTS, name, record.clone());
        Ok(record)
    })
}

fn budget(call: &Call<'_>) -> Reply {
    let policy = call.body.str("budget_policy_id")?;
    endpoint(call, |record| {
        for member in ["budget_policy_id", "effective_budget_policy_id"] {
            set(record, member, policy);
        }
        Ok(())
    })?;
    Ok(Json(json!({"budget_policy_id": policy, "effective_budget_policy_id": policy})))
}

fn tags(call: &Call<'_>) -> Reply {
    let tags = call.body.opt_list("custom_tags")?.unwrap_or_default().to_vec();
    let record = endpoint(call, |record| {
        set(record, "custom_tags", tags);
        Ok(())
    })?;
    Ok(Json(json!({"name": member(&record, "name"), "custom_tags": member(&record, "custom_tags")})))
}

fn state(call: &Call<'_>, state: &str) -> Reply {
    endpoint(call, |record| {
        set(record, "endpoint_status", json!({"state": state}));
        Ok(())
    })
    .map(|record| Json(Value::Object(record)))
}

fn start(call: &Call<'_>) -> Reply {
    state(call, "ONLINE")
}

fn stop(call: &Call<'_>) -> Reply {
    state(call, "STOPPED")
}
