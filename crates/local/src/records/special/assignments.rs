//! Which metastore a workspace is assigned to.
//!
//! Of other workspaces that is a record. This one has the metastore whose catalogs its SQL engine holds, and keeps it.

use serde_json::{Value, json};

use super::Run;
use crate::records::call::{Call, set, text};
use crate::records::stamp::metastore_id;
use crate::records::store::{Change, Record};
use crate::reply::{ApiError, Json, Reply};

pub(super) const OPERATIONS: &[(&str, Run)] = &[
    ("metastores.current", current),
    ("metastores.assign", assign),
    ("metastores.update_assignment", update),
    ("metastores.unassign", unassign),
    ("account_metastore_assignments.create", account_assign),
    ("account_metastore_assignments.update", account_update),
    ("account_metastore_assignments.get", account_get),
    ("account_metastore_assignments.list", account_list),
    ("account_metastore_assignments.delete", account_unassign),
];

const ASSIGNMENTS: &str = "metastore_assignments/";
/// The catalog that statements of this workspace fall back to.
const DEFAULT: &str = "main";

fn number(id: &str) -> Result<u64, ApiError> {
    id.parse().map_err(|_| ApiError::invalid_parameter(format!("'{id}' is not the identifier of a workspace")))
}

fn record(workspace: u64, metastore: &str, catalog: &str) -> Record {
    let mut record = Record::new();
    set(&mut record, "workspace_id", workspace);
    set(&mut record, "metastore_id", metastore);
    set(&mut record, "default_catalog_name", catalog);
    record
}

fn own(call: &Call<'_>) -> Record {
    record(call.desk.workspace_id, &metastore_id(call), DEFAULT)
}

fn found(call: &Call<'_>, change: &Change<'_>, workspace: &str) -> Result<Record, ApiError> {
    if number(workspace)? == call.desk.workspace_id {
        return Ok(own(call));
    }
    change.get(ASSIGNMENTS, workspace).cloned().ok_or_else(|| {
        ApiError::new(
            http::StatusCode::NOT_FOUND,
            "METASTORE_DOES_NOT_EXIST",
            format!("No metastore is assigned to the workspace {workspace}."),
        )
    })
}

/// Assigns, with what is stated over what is there.
fn put(call: &Call<'_>, workspace: &str, metastore: Option<&str>, catalog: Option<&str>) -> Result<Record, ApiError> {
    let id = number(workspace)?;
    call.transact(|change| {
        let before = found(call, change, workspace).ok();
        let before = |name: &str| before.as_ref().map(|record| text(record, name).to_owned());
        let metastore = metastore.map(str::to_owned).or_else(|| before("metastore_id"));
        let metastore = metastore.ok_or_else(|| crate::extract::missing("metastore_id"))?;
        let catalog = catalog.map(str::to_owned).or_else(|| before("default_catalog_name"));
        let catalog = catalog.unwrap_or_else(|| DEFAULT.to_owned());
        if id == call.desk.workspace_id {
            if metastore != metastore_id(call) || catalog != DEFAULT {
                return Err(stays(call));
            }
            return Ok(own(call));
        }
        let known = metastore == metastore_id(call)
            || ["metastores/", "account_metastores/"].iter().any(|all| change.get(all, &metastore).is_some());
        if !known {
            return Err(ApiError::new(
                http::StatusCode::NOT_FOUND,
                "METASTORE_DOES_NOT_EXIST",
                format!("Metastore '{metastore}' does not exist."),
            ));
        }
        let record = record(id, &metastore, &catalog);
        change.put(ASSIGNMENTS, workspace, record.clone());
        Ok(record)
    })
}

fn stays(call: &Call<'_>) -> ApiError {
    ApiError::invalid_state(format!(
        "The embedded workspace keeps its metastore {}, whose catalogs its SQL engine holds, and {DEFAULT} as its default catalog",
        metastore_id(call)
    ))
}

fn remove(call: &Call<'_>, workspace: &str, metastore: &str) -> Result<(), ApiError> {
    call.transact(|change| {
        let record = found(call, change, workspace)?;
        if number(workspace)? == call.desk.workspace_id {
            return Err(stays(call));
        }
        if text(&record, "metastore_id") != metastore {
            return Err(ApiError::invalid_parameter(format!(
                "The workspace {workspace} is assigned to the metastore {}, not to {metastore}",
                text(&record, "metastore_id")
            )));
        }
        change.remove(ASSIGNMENTS, workspace);
        Ok(())
    })
}

fn current(call: &Call<'_>) -> Reply {
    Ok(Json(Value::Object(own(call))))
}

fn workspace<'a>(call: &'a Call<'_>) -> &'a str {
    call.param("workspace_id").unwrap_or_default()
}

fn assign(call: &Call<'_>) -> Reply {
    put(call, workspace(call), Some(call.body.str("metastore_id")?), call.body.opt_str("default_catalog_name")?)?;
    Ok(Json::empty())
}

fn update(call: &Call<'_>) -> Reply {
    let (metastore, catalog) = (call.body.opt_str("metastore_id")?, call.body.opt_str("default_catalog_name")?);
    found(call, &call.desk.records.change(), workspace(call))?;
    put(call, workspace(call), metastore, catalog)?;
    Ok(Json::empty())
}

fn unassign(call: &Call<'_>) -> Reply {
    remove(call, workspace(call), call.query.str("metastore_id")?)?;
    Ok(Json::empty())
}

fn account_assign(call: &Call<'_>) -> Reply {
    let stated = call.body.opt_object("metastore_assignment")?.unwrap_or_default();
    put(call, workspace(call), call.param("metastore_id"), stated.opt_str("default_catalog_name")?)?;
    Ok(Json::empty())
}

fn account_update(call: &Call<'_>) -> Reply {
    found(call, &call.desk.records.change(), workspace(call))?;
    account_assign(call)
}

fn account_get(call: &Call<'_>) -> Reply {
    let record = found(call, &call.desk.records.change(), workspace(call))?;
    Ok(Json(json!({"metastore_assignment": record})))
}

fn account_list(call: &Call<'_>) -> Reply {
    let metastore = call.param("metastore_id").unwrap_or_default();
    let kept = call.desk.records.list(ASSIGNMENTS);
    let all = [own(call)].into_iter().chain(kept).filter(|record| text(record, "metastore_id") == metastore);
    let ids: Vec<Value> = all.map(|record| record["workspace_id"].clone()).collect();
    Ok(Json(json!({"workspace_ids": ids})))
}

fn account_unassign(call: &Call<'_>) -> Reply {
    remove(call, workspace(call), call.param("metastore_id").unwrap_or_default())?;
    Ok(Json::empty())
}
