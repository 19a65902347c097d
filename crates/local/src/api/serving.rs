//! Serving endpoints: each echoes what it is asked, as a custom model or as a chat model.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, patch, post, put};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::extract::Fields;
use crate::reply::{ApiError, Json, Reply};
use crate::state::handles::ServingHandle;
use crate::state::{USER_NAME, lock};

/// The endpoint that is there from the start.
const FIRST: &str = "echo";

pub(super) fn routes(state: ServingHandle) -> Router {
    Router::new()
        .route("/api/2.0/serving-endpoints", get(list).post(create))
        .route("/api/2.0/serving-endpoints/{name}", get(read).delete(delete))
        .route("/api/2.0/serving-endpoints/{name}/config", put(update_config))
        .route("/api/2.0/serving-endpoints/{name}/ai-gateway", put(update_gateway))
        .route("/api/2.0/serving-endpoints/{name}/tags", patch(update_tags))
        .route("/api/2.0/serving-endpoints/{name}/rate-limits", put(update_limits))
        .route("/api/2.0/serving-endpoints/{name}/notifications", patch(update_notifications))
        .route("/api/2.0/serving-endpoints/{name}/served-models/{model}/build-logs", get(logs))
        .route("/api/2.0/serving-endpoints/{name}/served-models/{model}/logs", get(logs))
        .route("/serving-endpoints/{name}/invocations", post(invoke))
        .route("/serving-endpoints/chat/completions", post(complete))
        .with_state(state)
}

/// A configuration as the service shows it: models are entities, and each has a name.
fn configured(stated: &Map<String, Value>, version: u64) -> Value {
    let mut entities = stated.get("served_entities").and_then(Value::as_array).cloned().unwrap_or_default();
    for model in stated.get("served_models").and_then(Value::as_array).into_iter().flatten() {
        let mut entity = model.clone();
        for (old, new) in [("model_name", "entity_name"), ("model_version", "entity_version")] {
            entity[new] = model[old].clone();
            entity.as_object_mut().and_then(|members| members.remove(old));
        }
        entities.push(entity);
    }
    for entity in &mut entities {
        if entity["name"].as_str().is_none_or(str::is_empty) {
            let part = |member: &str| entity[member].as_str().unwrap_or_default().to_owned();
            let parts = [part("entity_name").replace('.', "-"), part("entity_version")];
            let name = parts.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("-");
            entity["name"] = json!(if name.is_empty() { "entity" } else { &name });
        }
    }
    let mut out = json!({"config_version": version, "served_entities": entities});
    for member in ["auto_capture_config", "traffic_config"] {
        if let Some(value) = stated.get(member) {
            out[member] = value.clone();
        }
    }
    out
}

/// What is known of an endpoint.
fn endpoint(state: &ServingHandle, name: &str, config: Value) -> Value {
    let now = state.clock.now_ms();
    json!({
        "name": name,
        "id": state.ids.hex32(),
        "creator": USER_NAME,
        "creation_timestamp": now,
        "last_updated_timestamp": now,
        "state": {"ready": "READY", "config_update": "NOT_UPDATING"},
        "config": config,
    })
}

fn all(state: &ServingHandle) -> Result<BTreeMap<String, Value>, ApiError> {
    let mut endpoints = lock(&state.endpoints);
    if endpoints.get(FIRST).is_none() {
        let config = json!({"served_entities": [{"name": FIRST, "entity_name": "local.echo", "entity_version": "1"}]});
        endpoints.put(FIRST, endpoint(state, FIRST, config))?;
    }
    Ok(endpoints.all().clone())
}

/// Changes an endpoint and gives it as it is then.
fn edit(state: &ServingHandle, name: &str, change: impl FnOnce(&mut Value)) -> Result<Value, ApiError> {
    let mut endpoint = find(state, name)?;
    change(&mut endpoint);
    endpoint["last_updated_timestamp"] = json!(state.clock.now_ms());
    lock(&state.endpoints).put(name, endpoint.clone())?;
    Ok(endpoint)
}

async fn update_config(State(state): State<ServingHandle>, Path(name): Path<String>, fields: Fields) -> Reply {
    edit(&state, &name, |endpoint| {
        let version = endpoint["config"]["config_version"].as_u64().unwrap_or(1);
        endpoint["config"] = configured(&fields.0, version + 1);
    })
    .map(Json)
}

async fn update_gateway(State(state): State<ServingHandle>, Path(name): Path<String>, fields: Fields) -> Reply {
    let gateway = Value::Object(fields.0);
    edit(&state, &name, |endpoint| endpoint["ai_gateway"] = gateway.clone())?;
    Ok(Json(gateway))
}

async fn update_tags(State(state): State<ServingHandle>, Path(name): Path<String>, fields: Fields) -> Reply {
    let added = fields.opt_list("add_tags")?.unwrap_or_default();
    let removed = fields.opt_strings("delete_tags")?.unwrap_or_default();
    let endpoint = edit(&state, &name, |endpoint| {
        let mut tags = endpoint["tags"].as_array().cloned().unwrap_or_default();
        tags.retain(|t| {
            let replaced = added.iter().any(|a| a["key"] == t["key"]);
            !replaced && !removed.iter().any(|key| t["key"] == key.as_str())
        });
        tags.extend(added.to_vec());
        endpoint["tags"] = json!(tags);
    })?;
    Ok(Json(json!({"tags": endpoint["tags"]})))
}

async fn update_limits(State(state): State<ServingHandle>, Path(name): Path<String>, fields: Fields) -> Reply {
    let limits = json!(fields.opt_list("rate_limits")?.unwrap_or_default());
    edit(&state, &name, |endpoint| endpoint["rate_limits"] = limits.clone())?;
    Ok(Json(json!({"rate_limits": limits})))
}

async fn update_notifications(State(state): State<ServingHandle>, Path(name): Path<String>, fields: Fields) -> Reply {
    let stated = fields.opt_object("email_notifications")?.map_or_else(|| json!({}), |stated| Value::Object(stated.0));
    edit(&state, &name, |endpoint| endpoint["email_notifications"] = stated.clone())?;
    Ok(Json(json!({"name": name, "email_notifications": stated})))
}

/// What a model has written: an echo writes nothing.
async fn logs(State(state): State<ServingHandle>, Path((name, model)): Path<(String, String)>) -> Reply {
    let endpoint = find(&state, &name)?;
    let entities = endpoint["config"]["served_entities"].as_array();
    if !entities.is_some_and(|all| all.iter().any(|entity| entity["name"] == model.as_str())) {
        return Err(ApiError::not_found(format!("The endpoint {name} does not serve '{model}'")));
    }
    Ok(Json(json!({"logs": ""})))
}

fn find(state: &ServingHandle, name: &str) -> Result<Value, ApiError> {
    let gone = || ApiError::not_found(format!("The endpoint with name {name} does not exist"));
    all(state)?.remove(name).ok_or_else(gone)
}

async fn list(State(state): State<ServingHandle>) -> Reply {
    Ok(Json(json!({"endpoints": all(&state)?.into_values().collect::<Vec<_>>()})))
}

async fn create(State(state): State<ServingHandle>, fields: Fields) -> Reply {
    let name = fields.str("name")?;
    if all(&state)?.contains_key(name) {
        let message = format!("Endpoint with name '{name}' already exists.");
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "RESOURCE_ALREADY_EXISTS", message));
    }
    let config = configured(&fields.opt_object("config")?.map(|config| config.0).unwrap_or_default(), 1);
    let made = endpoint(&state, name, config);
    lock(&state.endpoints).put(name, made.clone())?;
    Ok(Json(made))
}

async fn read(State(state): State<ServingHandle>, Path(name): Path<String>) -> Reply {
    find(&state, &name).map(Json)
}

async fn delete(State(state): State<ServingHandle>, Path(name): Path<String>) -> Reply {
    if name == FIRST {
        return Err(ApiError::invalid_parameter("The endpoint 'echo' is part of the embedded workspace"));
    }
    find(&state, &name)?;
    lock(&state.endpoints).remove(&name)?;
    Ok(Json::empty())
}

/// The OpenAI protocol: the model is the endpoint.
async fn complete(State(state): State<ServingHandle>, fields: Fields) -> Result<Response, ApiError> {
    let name = fields.str("model")?.to_owned();
    if fields.opt_list("messages")?.is_none() {
        return Err(crate::extract::missing("messages"));
    }
    invoke(State(state), Path(name), fields).await
}

async fn invoke(
    State(state): State<ServingHandle>,
    Path(name): Path<String>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let endpoint = find(&state, &name)?;
    let model = endpoint["config"]["served_entities"][0]["name"].as_str().unwrap_or(&name).to_owned();
    let mut response = match fields.opt_list("messages")? {
        Some(messages) => chat(&state, &model, messages, &fields)?,
        None => Json(predictions(&fields)?).into_response(),
    };
    if let Ok(value) = HeaderValue::from_str(&model) {
        response.headers_mut().insert(HeaderName::from_static("served-model-name"), value);
    }
    Ok(response)
}

/// What a custom model is asked comes back, row by row.
fn predictions(fields: &Fields) -> Result<Value, ApiError> {
    let given = ["dataframe_records", "instances"].into_iter().find_map(|name| fields.opt_list(name).transpose());
    if let Some(rows) = given {
        return Ok(json!({"predictions": rows?}));
    }
    if let Some(split) = fields.opt_object("dataframe_split")? {
        return Ok(json!({"predictions": split.opt_list("data")?.unwrap_or_default()}));
    }
    match fields.0.get("inputs") {
        Some(Value::Array(rows)) => Ok(json!({"predictions": rows})),
        Some(other) => Ok(json!({"predictions": [other]})),
        None => Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "BAD_REQUEST",
            "One of messages, dataframe_records, dataframe_split, instances and inputs must be there",
        )),
    }
}

/// The last message comes back, whole or word by word.
fn chat(state: &ServingHandle, model: &str, messages: &[Value], fields: &Fields) -> Result<Response, ApiError> {
    let last = messages
        .last()
        .and_then(|message| message["content"].as_str())
        .ok_or_else(|| ApiError::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", "The last message must have a content"))?;
    let words: Vec<String> = last.split_inclusive(' ').map(str::to_owned).collect();
    let most = fields.opt_i64("max_tokens")?.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
    let finish = if words.len() > most { "length" } else { "stop" };
    let words = words.into_iter().take(most).collect::<Vec<_>>();
    let asked: usize = messages.iter().filter_map(|m| m["content"].as_str()).map(|m| m.split(' ').count()).sum();
    let usage = json!({
        "prompt_tokens": asked,
        "completion_tokens": words.len(),
        "total_tokens": asked + words.len(),
    });
    let (id, created) = (format!("chatcmpl-{}", state.ids.hex16()), state.clock.now_ms() / 1000);
    let kind = |object: &str| json!({"id": id, "object": object, "created": created, "model": model});
    if !fields.opt_bool("stream")?.unwrap_or_default() {
        let mut body = kind("chat.completion");
        let message = json!({"role": "assistant", "content": words.concat()});
        body["choices"] = json!([{"index": 0, "message": message, "finish_reason": finish}]);
        body["usage"] = usage;
        return Ok(Json(body).into_response());
    }
    let chunk = |delta: Value, finish: Option<&str>| {
        let mut body = kind("chat.completion.chunk");
        body["choices"] = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
        body
    };
    let mut events = vec![chunk(json!({"role": "assistant", "content": ""}), None)];
    events.extend(words.iter().map(|word| chunk(json!({"content": word}), None)));
    let mut end = chunk(json!({}), Some(finish));
    end["usage"] = usage;
    events.push(end);
    let lines = events.into_iter().map(|event| format!("data: {event}\n\n"));
    let lines: Vec<_> = lines.chain(["data: [DONE]\n\n".to_owned()]).collect();
    let pieces = stream::iter(lines.into_iter().map(|line| Ok::<_, std::io::Error>(Bytes::from(line))));
    let mut response = Response::new(Body::from_stream(pieces));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(response)
}
