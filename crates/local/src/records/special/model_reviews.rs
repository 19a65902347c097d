//! What people do around versions of models: comments, requests for stages, and webhooks, which are kept and not called.

use serde_json::{Value, json};

use super::Run;
use super::model_registry::{STAGES, edit_version, move_to, version};
use crate::extract::{Fields, missing};
use crate::records::call::{Call, set, text};
use crate::records::store::Record;
use crate::records::verbs::listing;
use crate::reply::{ApiError, Json, Reply};

pub(super) const OPERATIONS: &[(&str, Run)] = &[
    ("model_registry.create_comment", comment),
    ("model_registry.update_comment", change_comment),
    ("model_registry.delete_comment", delete_comment),
    ("model_registry.create_transition_request", request),
    ("model_registry.list_transition_requests", requests),
    ("model_registry.approve_transition_request", approve),
    ("model_registry.reject_transition_request", reject),
    ("model_registry.delete_transition_request", cancel),
    ("model_registry.create_webhook", create_webhook),
    ("model_registry.list_webhooks", list_webhooks),
    ("model_registry.update_webhook", update_webhook),
    ("model_registry.delete_webhook", delete_webhook),
];

const COMMENTS: &str = "model_registry/comments";
const REQUESTS: &str = "model_registry/requests";
const WEBHOOKS: &str = "model_registry/webhooks";

fn gone(what: &str, id: &str) -> ApiError {
    ApiError::not_found(format!("{what} {id} not found"))
}

fn comment(call: &Call<'_>) -> Reply {
    let (name, number) = (call.body.str("name")?, call.body.str("version")?);
    let text = call.body.str("comment")?;
    call.transact(|change| {
        version(change, name, number)?;
        let id = call.desk.ids.hex32();
        let mut record = Record::new();
        set(&mut record, "id", id.as_str());
        set(&mut record, "comment", text);
        set(&mut record, "user_id", call.caller.name.as_str());
        set(&mut record, "creation_timestamp", call.now());
        set(&mut record, "last_updated_timestamp", call.now());
        set(&mut record, "available_actions", json!(["EDIT_COMMENT", "DELETE_COMMENT"]));
        change.put(COMMENTS, &id, record.clone());
        Ok(Json(json!({"comment": record})))
    })
}

fn change_comment(call: &Call<'_>) -> Reply {
    let (id, text) = (call.body.str("id")?, call.body.str("comment")?);
    call.transact(|change| {
        let mut record = change.get(COMMENTS, id).cloned().ok_or_else(|| gone("Comment", id))?;
        set(&mut record, "comment", text);
        set(&mut record, "last_updated_timestamp", call.now());
        change.put(COMMENTS, id, record.clone());
        Ok(Json(json!({"comment": record})))
    })
}

fn delete_comment(call: &Call<'_>) -> Reply {
    let id = call.query.str("id")?;
    call.transact(|change| change.remove(COMMENTS, id).map(|_| Json::empty()).ok_or_else(|| gone("Comment", id)))
}

/// The version and the stage that a call is about, and the key of the request for it.
struct Wanted {
    name: String,
    version: String,
    stage: String,
    key: String,
}

fn wanted(call: &Call<'_>) -> Result<Wanted, ApiError> {
    let (name, version, stage) = (call.required("name")?, call.required("version")?, call.required("stage")?);
    if !STAGES.contains(&stage.as_str()) {
        return Err(ApiError::invalid_parameter(format!(
            "'{stage}' is not a valid value of 'stage'; expected one of {}",
            STAGES.join(", ")
        )));
    }
    let key = json!([name, version, stage]).to_string();
    Ok(Wanted { name, version, stage, key })
}

fn request(call: &Call<'_>) -> Reply {
    let wanted = wanted(call)?;
    call.transact(|change| {
        let current = version(change, &wanted.name, &wanted.version)?;
        if change.get(REQUESTS, &wanted.key).is_some() {
            let message = format!("There is a request already to move version {} to {}", wanted.version, wanted.stage);
            return Err(ApiError::new(http::StatusCode::BAD_REQUEST, "RESOURCE_ALREADY_EXISTS", message));
        }
        let mut record = Record::new();
        set(&mut record, "id", call.desk.ids.hex32());
        set(&mut record, "name", wanted.name.as_str());
        set(&mut record, "version", wanted.version.as_str());
        set(&mut record, "activity_type", "REQUESTED_TRANSITION");
        set(&mut record, "from_stage", text(&current, "current_stage"));
        set(&mut record, "to_stage", wanted.stage.as_str());
        set(&mut record, "comment", call.body.opt_str("comment")?.unwrap_or_default());
        set(&mut record, "user_id", call.caller.name.as_str());
        set(&mut record, "creation_timestamp", call.now());
        set(&mut record, "last_updated_timestamp", call.now());
        change.put(REQUESTS, &wanted.key, record.clone());
        let actions = ["APPROVE_TRANSITION_REQUEST", "REJECT_TRANSITION_REQUEST", "CANCEL_TRANSITION_REQUEST"];
        let mut shown = json!({"available_actions": actions});
        for member in ["to_stage", "comment", "user_id", "creation_timestamp"] {
            shown[member] = record[member].clone();
        }
        Ok(Json(json!({"request": shown})))
    })
}

fn activity(mut record: Record) -> Value {
    record.remove("name");
    record.remove("version");
    Value::Object(record)
}

fn requests(call: &Call<'_>) -> Reply {
    let (name, number) = (call.query.str("name")?, call.query.str("version")?);
    version(&call.desk.records.change(), name, number)?;
    let all = call.desk.records.list(REQUESTS).into_iter();
    let of_it = all.filter(|request| text(request, "name") == name && text(request, "version") == number);
    let all: Vec<Value> = of_it.map(activity).collect();
    Ok(Json(json!({"requests": all})))
}

/// Takes a request out and gives what came of it.
fn settle(call: &Call<'_>, wanted: &Wanted, kind: &str) -> Result<Value, ApiError> {
    let comment = call.input("comment").unwrap_or_default();
    call.transact(|change| {
        let missing = || gone("A request to move to the stage", &wanted.stage);
        let mut record = change.remove(REQUESTS, &wanted.key).ok_or_else(missing)?;
        set(&mut record, "activity_type", kind);
        set(&mut record, "comment", comment);
        set(&mut record, "user_id", call.caller.name.as_str());
        set(&mut record, "last_updated_timestamp", call.now());
        Ok(activity(record))
    })
}

fn approve(call: &Call<'_>) -> Reply {
    let wanted = wanted(call)?;
    let archive = call.body.opt_bool("archive_existing_versions")?.unwrap_or(false);
    edit_version(call, |record, change| {
        if change.get(REQUESTS, &wanted.key).is_none() {
            return Err(gone("A request to move to the stage", &wanted.stage));
        }
        move_to(record, change, &wanted.name, &wanted.stage, archive);
        Ok(())
    })?;
    Ok(Json(json!({"activity": settle(call, &wanted, "APPROVED_REQUEST")?})))
}

fn reject(call: &Call<'_>) -> Reply {
    Ok(Json(json!({"activity": settle(call, &wanted(call)?, "REJECTED_REQUEST")?})))
}

fn cancel(call: &Call<'_>) -> Reply {
    let wanted = wanted(call)?;
    let creator = call.query.str("creator")?;
    let kept = call.desk.records.get(REQUESTS, &wanted.key);
    if kept.is_some_and(|request| text(&request, "user_id") != creator) {
        return Err(gone("A request of the user", creator));
    }
    Ok(Json(json!({"activity": settle(call, &wanted, "CANCELLED_REQUEST")?})))
}

/// What a body states of a webhook; secrets are not kept, since nothing is called.
fn stated(record: &mut Record, body: &Fields) -> Result<(), ApiError> {
    for name in ["description", "model_name"] {
        if let Some(text) = body.opt_str(name)? {
            set(record, name, text);
        }
    }
    if let Some(status) = body.opt_enum("status", &["ACTIVE", "DISABLED", "TEST_MODE"])? {
        set(record, "status", status);
    }
    if let Some(events) = body.opt_strings("events")? {
        set(record, "events", events);
    }
    if let Some(to) = body.opt_object("http_url_spec")? {
        let verified = to.opt_bool("enable_ssl_verification")?.unwrap_or(true);
        set(record, "http_url_spec", json!({"url": to.str("url")?, "enable_ssl_verification": verified}));
    }
    if let Some(to) = body.opt_object("job_spec")? {
        let workspace = to.opt_str("workspace_url")?.unwrap_or_default();
        set(record, "job_spec", json!({"job_id": to.str("job_id")?, "workspace_url": workspace}));
    }
    Ok(())
}

fn create_webhook(call: &Call<'_>) -> Reply {
    call.body.opt_strings("events")?.filter(|events| !events.is_empty()).ok_or_else(|| missing("events"))?;
    let mut record = Record::new();
    set(&mut record, "status", "ACTIVE");
    stated(&mut record, &call.body)?;
    if record.contains_key("http_url_spec") == record.contains_key("job_spec") {
        return Err(ApiError::invalid_parameter("A webhook has http_url_spec or job_spec"));
    }
    let id = call.desk.ids.hex32();
    set(&mut record, "id", id.as_str());
    set(&mut record, "creation_timestamp", call.now());
    set(&mut record, "last_updated_timestamp", call.now());
    call.transact(|change| {
        change.put(WEBHOOKS, &id, record.clone());
        Ok(Json(json!({"webhook": record})))
    })
}

fn list_webhooks(call: &Call<'_>) -> Reply {
    let events: Vec<&str> = call.query.all("events").flat_map(|list| list.split(',')).collect();
    let model = call.query.get("model_name");
    let all = call.desk.records.list(WEBHOOKS).into_iter().filter(|webhook| {
        let of_event = |event: &Value| events.iter().any(|wanted| event == wanted);
        let has = webhook["events"].as_array().is_some_and(|all| all.iter().any(of_event));
        (events.is_empty() || has) && model.is_none_or(|model| text(webhook, "model_name") == model)
    });
    listing(call, all.map(Value::Object).collect(), "webhooks")
}

fn update_webhook(call: &Call<'_>) -> Reply {
    let id = call.body.str("id")?;
    call.transact(|change| {
        let mut record = change.get(WEBHOOKS, id).cloned().ok_or_else(|| gone("Webhook", id))?;
        stated(&mut record, &call.body)?;
        set(&mut record, "last_updated_timestamp", call.now());
        change.put(WEBHOOKS, id, record.clone());
        Ok(Json(json!({"webhook": record})))
    })
}

fn delete_webhook(call: &Call<'_>) -> Reply {
    let id = call.query.str("id")?;
    call.transact(|change| change.remove(WEBHOOKS, id).map(|_| Json::empty()).ok_or_else(|| gone("Webhook", id)))
}
