//! `http`: one low-level call; `burst`: many of them.

use std::time::Duration;

use databricks_core::operation::{OperationInfo, ResponseKind, Scope};
use databricks_core::{
    Body, Error, ErrorKind, Idempotency, Operation, RequestContext, RequestParts, ResponseParts, Result, idempotency,
};
use databricks_sdk::{Client, RetryPolicy};
use databricks_transport::read_body;
use http::Method;
use serde_json::{Map, Value};

use super::drive::{Came, Case};
use super::text;

pub(crate) async fn run(case: &Case<'_>) -> Came {
    let client = client(case)?;
    call(&client, case.request).await
}

/// `count` calls one after another, with one client; the results in a list.
pub(crate) async fn burst(case: &Case<'_>) -> Came {
    let client = client(case)?;
    let mut results = Vec::new();
    for _ in 0..case.request["count"].as_u64().unwrap_or(1) {
        results.push(call(&client, &case.request["request"]).await?);
    }
    Ok(Value::from(results))
}

/// A client as the configuration states.
pub(crate) fn client(case: &Case<'_>) -> Result<Client> {
    let mut builder = Client::builder(case.config());
    if let Some(product) = case.config["product"].as_str() {
        builder = builder.product(product, case.config["product_version"].as_str().unwrap_or("0.0.0"));
    }
    for pair in case.config["user_agent_extra"].as_array().into_iter().flatten() {
        builder = builder.user_agent_extra(pair[0].as_str().unwrap_or_default(), pair[1].as_str().unwrap_or_default());
    }
    for (name, value) in case.config["custom_headers"].as_object().into_iter().flatten() {
        builder = builder.header(name, value.as_str().unwrap_or_default());
    }
    // Cases state fractions of seconds, configurations whole ones.
    let seconds = |name: &str| case.config[name].as_f64().map(Duration::from_secs_f64);
    if let Some(limit) = seconds("http_timeout_seconds") {
        builder = builder.inactivity_timeout(limit);
    }
    if let Some(budget) = seconds("retry_timeout_seconds") {
        builder = builder.retry(RetryPolicy::default().budget(budget));
    }
    builder.build()
}

/// An operation that a case spells out.
struct Spelled(Value);

impl Operation for Spelled {
    /// The response itself: the case states how to read it.
    type Output = ResponseParts;

    const INFO: &'static OperationInfo = &OperationInfo::new("http", Method::GET, "/", Scope::Workspace);

    fn request(&self, _: &RequestContext) -> Result<RequestParts> {
        parts(&self.0)
    }

    fn response(parts: ResponseParts) -> Result<ResponseParts> {
        Ok(parts)
    }
}

async fn call(client: &Client, request: &Value) -> Came {
    let mut call = client.call(Spelled(request.clone()));
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        call = call.with_header(name, value.as_str().unwrap_or_default());
    }
    if let Some(idempotent) = request["idempotent"].as_bool() {
        call = call.with_idempotent(idempotent);
    }
    if let Some(attempts) = request["retry"]["max_attempts"].as_u64() {
        call = call.with_max_attempts(attempts as u32);
    }
    if let Some(limit) = request["retry"]["timeout_ms"].as_u64() {
        call = call.with_retry(RetryPolicy::default().budget(Duration::from_millis(limit)));
    }
    let response = call.await?;
    let headers = response.headers.clone();
    let bytes = read_body(Body::from_stream(None, response.into_stream()), 64 << 20).await?;
    if text(request, "response") == "stream" {
        return Ok(Value::from(String::from_utf8_lossy(&bytes).into_owned()));
    }
    let mut result = if bytes.trim_ascii().is_empty() {
        Value::Object(Map::new())
    } else {
        serde_json::from_slice(&bytes).map_err(|e| Error::decode("", &bytes, e))?
    };
    if result.is_null() {
        result = Value::Object(Map::new());
    }
    for name in request["response_headers"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if let (Some(members), Some(value)) = (result.as_object_mut(), headers.get(name)) {
            members.insert(name.to_owned(), Value::from(value.to_str().unwrap_or_default()));
        }
    }
    Ok(result)
}

/// The request as the vocabulary of operations states it.
pub(crate) fn parts(request: &Value) -> Result<RequestParts> {
    let method: Method =
        text(request, "method").parse().map_err(|e| Error::new(ErrorKind::InvalidInput, "method").with_source(e))?;
    let path = request["path"].as_str().or(request["path_template"].as_str()).unwrap_or("/");
    // The description of an operation lives as long as the program: cases are few.
    let path: &'static str = Box::leak(path.to_owned().into_boxed_str());
    let mut info = OperationInfo::new("http", method, path, Scope::Workspace);
    if text(request, "response") == "stream" {
        info = info.response(ResponseKind::Stream, "*/*");
    }
    if request["idempotency_query_key"].is_string() {
        info = info.idempotency(Idempotency::Keyed);
    }
    let mut parts = RequestParts::new(Box::leak(Box::new(info)), &RequestContext::default())?;
    for (name, value) in request["path_params"].as_object().into_iter().flatten() {
        let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        parts = parts.path_param(name, &plain)?;
    }
    for (name, value) in request["query"].as_object().into_iter().flatten() {
        parts = parts.query(name, value)?;
    }
    if let Some(key) = request["idempotency_query_key"].as_str() {
        parts = parts.query(key, &idempotency::new_key())?;
    }
    payload(parts, &request["body"])
}

fn payload(parts: RequestParts, body: &Value) -> Result<RequestParts> {
    if let Some(json) = body.get("json") {
        return parts.json(json);
    }
    if body.get("text").is_some() {
        return Ok(parts.body("", Body::from(text(body, "text").to_owned())));
    }
    if let Some(form) = body.get("form").and_then(Value::as_object) {
        let pairs = form.iter().map(|(key, value)| (key, value.as_str().unwrap_or_default()));
        let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        return Ok(parts.body("application/x-www-form-urlencoded", Body::from(encoded)));
    }
    if let Some(stream) = body.get("stream") {
        let rest = text(stream, "text")[stream["start"].as_u64().unwrap_or(0) as usize..].to_owned();
        let length = Some(rest.len() as u64);
        let body = if stream["seekable"].as_bool().unwrap_or(false) {
            Body::from_factory(length, move || Body::from(rest.clone()).into_stream())
        } else {
            Body::from_stream(length, Body::from(rest).into_stream())
        };
        return Ok(parts.body("application/octet-stream", body));
    }
    Ok(parts)
}
