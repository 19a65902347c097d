//! What clean rooms hold: assets and their revisions, and the catalog for output. Nothing runs in them.

use serde_json::{Value, json};

use super::Run;
use crate::extract::{missing, one_of};
use crate::operations;
use crate::records::call::{Call, default, set, text};
use crate::records::store::{Change, Record};
use crate::records::verbs::listing;
use crate::reply::{ApiError, Json, Reply};

pub(super) const OPERATIONS: &[(&str, Run)] = &[
    ("clean_rooms.create_output_catalog", output),
    ("clean_room_assets.create", create),
    ("clean_room_assets.get", get),
    ("clean_room_assets.list", list),
    ("clean_room_assets.update", update),
    ("clean_room_assets.delete", delete),
    ("clean_room_asset_revisions.list", revisions),
    ("clean_room_asset_revisions.get", revision),
    ("clean_room_task_runs.list", runs),
    ("clean_room_task_runs.list_clean_room_task_runs_handler", runs),
];

const ROOMS: &str = "clean_rooms/";
const KINDS: [&str; 6] = ["FOREIGN_TABLE", "JAR_ANALYSIS", "NOTEBOOK_FILE", "TABLE", "VIEW", "VOLUME"];
/// The member with what an asset is, by its kind; it is the caller's own to state.
const CONTENT: [(&str, &str); 6] = [
    ("FOREIGN_TABLE", "foreign_table_local_details"),
    ("JAR_ANALYSIS", "jar_analysis"),
    ("NOTEBOOK_FILE", "notebook"),
    ("TABLE", "table_local_details"),
    ("VIEW", "view_local_details"),
    ("VOLUME", "volume_local_details"),
];

fn name<'a>(call: &'a Call<'_>) -> &'a str {
    call.param("clean_room_name").unwrap_or_default()
}

fn room(change: &Change<'_>, call: &Call<'_>) -> Result<Record, ApiError> {
    let found = change.get(ROOMS, name(call)).cloned();
    found.ok_or_else(|| ApiError::not_found(format!("Clean room '{}' does not exist.", name(call))))
}

/// They go with the room.
fn assets(call: &Call<'_>) -> String {
    format!("clean_rooms/{}/assets", name(call))
}

fn key(call: &Call<'_>) -> Result<String, ApiError> {
    let kind = one_of("asset_type", call.param("asset_type").unwrap_or_default(), &KINDS)?;
    Ok(format!("{kind}/{}", call.param("name").unwrap_or_default()))
}

fn asset(change: &Change<'_>, call: &Call<'_>) -> Result<Record, ApiError> {
    room(change, call)?;
    let key = key(call)?;
    let found = change.get(&assets(call), &key).cloned();
    found.ok_or_else(|| ApiError::not_found(format!("The asset '{key}' of '{}' does not exist.", name(call))))
}

fn content(kind: &str) -> &'static str {
    CONTENT.iter().find(|(of, _)| *of == kind).map_or("notebook", |(_, member)| member)
}

fn create(call: &Call<'_>) -> Reply {
    let kind = call.body.opt_enum("asset_type", &KINDS)?.ok_or_else(|| missing("asset_type"))?;
    let stated = call.body.str("name")?;
    let member = content(kind);
    let held = call.body.opt_object(member)?.ok_or_else(|| missing(member))?;
    call.transact(|change| {
        room(change, call)?;
        let key = format!("{kind}/{stated}");
        if change.get(&assets(call), &key).is_some() {
            let message = format!("The asset '{key}' of '{}' already exists", name(call));
            return Err(ApiError::new(http::StatusCode::CONFLICT, "ALREADY_EXISTS", message));
        }
        let mut record = Record::new();
        set(&mut record, "name", stated);
        set(&mut record, "asset_type", kind);
        set(&mut record, "clean_room_name", name(call));
        set(&mut record, "added_at", call.now());
        set(&mut record, "status", "ACTIVE");
        put_content(&mut record, member, held.0, call);
        change.put(&assets(call), &key, record.clone());
        Ok(Json(Value::Object(record)))
    })
}

/// A notebook gets a new mark with each content.
fn put_content(record: &mut Record, member: &str, mut held: Record, call: &Call<'_>) {
    if member == "notebook" {
        set(&mut held, "etag", call.desk.ids.hex16());
        default(&mut held, "review_state", "APPROVED");
    }
    set(record, member, held);
}

fn get(call: &Call<'_>) -> Reply {
    asset(&call.desk.records.change(), call).map(|record| Json(Value::Object(record)))
}

fn list(call: &Call<'_>) -> Reply {
    room(&call.desk.records.change(), call)?;
    listing(call, call.desk.records.list(&assets(call)).into_iter().map(Value::Object).collect(), "assets")
}

fn update(call: &Call<'_>) -> Reply {
    call.transact(|change| {
        let mut record = asset(change, call)?;
        let before = record.clone();
        let member = content(text(&record, "asset_type"));
        if let Some(held) = call.body.opt_object(member)? {
            put_content(&mut record, member, held.0, call);
        }
        if let Some(schema) = call.operation.result {
            operations::still_whole(schema, &before, &record)?;
        }
        change.put(&assets(call), &key(call)?, record.clone());
        Ok(Json(Value::Object(record)))
    })
}

fn delete(call: &Call<'_>) -> Reply {
    call.transact(|change| {
        asset(change, call)?;
        change.remove(&assets(call), &key(call)?);
        Ok(Json::empty())
    })
}

/// The asset as it is: earlier contents are not kept.
fn revisions(call: &Call<'_>) -> Reply {
    let record = asset(&call.desk.records.change(), call)?;
    listing(call, vec![Value::Object(record)], "revisions")
}

fn revision(call: &Call<'_>) -> Reply {
    let record = asset(&call.desk.records.change(), call)?;
    let etag = call.param("etag").unwrap_or_default();
    if record.get("notebook").is_some_and(|notebook| notebook["etag"] == etag) {
        return Ok(Json(Value::Object(record)));
    }
    Err(ApiError::not_found(format!("The revision '{etag}' does not exist; the embedded workspace keeps the last one")))
}

fn runs(call: &Call<'_>) -> Reply {
    room(&call.desk.records.change(), call)?;
    listing(call, Vec::new(), "runs")
}

fn output(call: &Call<'_>) -> Reply {
    let catalog = call.body.str("catalog_name")?;
    call.transact(|change| {
        let mut record = room(change, call)?;
        let output = json!({"catalog_name": catalog, "status": "CREATED"});
        set(&mut record, "output_catalog", output.clone());
        change.put(ROOMS, name(call), record);
        Ok(Json(json!({"output_catalog": output})))
    })
}
