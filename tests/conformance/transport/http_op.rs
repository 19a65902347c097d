//! `http`: one low-level call; `burst`: many of them.

use std::str::FromStr as _;
use std::time::Duration;

use databricks_core::operation::{Level, OperationInfo, Payload};
use databricks_core::{Body, Error, ErrorKind, Idempotency, Origin, RequestContext, RequestParts, Result, SharedCredentials, idempotency};
use databricks_transport::{CallOptions, Client, RetryPolicy, UserAgent, read_body};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use serde_json::{Map, Value};

use super::drive::{Came, Case};
use super::text;

pub(crate) async fn run(case: &Case<'_>) -> Came {
    let client = client(case)?;
    call(&client, case, case.request).await
}

/// `count` calls one after another, with one client; the results in a list.
pub(crate) async fn burst(case: &Case<'_>) -> Came {
    let client = client(case)?;
    let mut results = Vec::new();
    for _ in 0..case.request["count"].as_u64().unwrap_or(1) {
        results.push(call(&client, case, &case.request["request"]).await?);
    }
    Ok(Value::from(results))
}

/// A client as the configuration says.
fn client(case: &Case<'_>) -> Result<Client> {
    let config = case.config().resolve()?;
    let mut agent = UserAgent::new(&case.environment());
    if let Some(product) = case.config["product"].as_str() {
        agent = agent.product(product, case.config["product_version"].as_str().unwrap_or("0.0.0"))?;
    }
    for pair in case.config["user_agent_extra"].as_array().into_iter().flatten() {
        agent = agent.extra(pair[0].as_str().unwrap_or_default(), pair[1].as_str().unwrap_or_default())?;
    }
    // Cases state fractions of seconds, configurations whole ones.
    let seconds = |name: &str| case.config[name].as_f64().map(Duration::from_secs_f64);
    let mut builder = Client::builder()
        .clock(config.clock().clone())
        .environment(config.environment().clone())
        .user_agent(agent)
        .inactivity_timeout(seconds("http_timeout_seconds").unwrap_or(config.http_timeout()))
        .retry(RetryPolicy::default().budget(seconds("retry_timeout_seconds").or(config.retry_timeout())))
        .rate_limit(Some(config.rate_limit()))
        .debug_headers(config.debug_headers())
        .debug_truncate_bytes(config.debug_truncate_bytes());
    for (name, value) in case.config["custom_headers"].as_object().into_iter().flatten() {
        builder = builder.header(name, value.as_str().unwrap_or_default());
    }
    let host: Option<Uri> = config.host().and_then(|host| host.parse().ok());
    if let Some(origin) = host.as_ref().and_then(Origin::of) {
        builder = builder.origin(origin);
    }
    let plain = builder.build()?;
    let sign_in = config.sign_in(plain.service());
    Ok(plain.with_credentials(SharedCredentials::new(sign_in)))
}

async fn call(client: &Client, case: &Case<'_>, request: &Value) -> Came {
    let stream = text(request, "response") == "stream";
    let (parts, options) = parts(request)?;
    let base = case.config["host"].as_str().unwrap_or(case.base);
    let uri: Uri =
        format!("{base}{}", parts.path_and_query()).parse().map_err(|e| Error::new(ErrorKind::InvalidInput, "URL").with_source(e))?;
    let (content_type, body) = match parts.payload {
        Payload::Json(text) => (Some("application/json"), Body::from(text)),
        Payload::Body { content_type, body } => (Some(content_type).filter(|media_type| !media_type.is_empty()), body),
        _ => (None, Body::empty()),
    };
    let mut sent = Request::new(body);
    *sent.method_mut() = parts.info.method.clone();
    *sent.uri_mut() = uri;
    *sent.headers_mut() = parts.headers;
    if !stream {
        sent.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
    }
    if let Some(content_type) = content_type {
        sent.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        let name = HeaderName::from_str(name).map_err(|e| Error::new(ErrorKind::InvalidInput, "header").with_source(e))?;
        let value = HeaderValue::from_str(value.as_str().unwrap_or_default())
            .map_err(|e| Error::new(ErrorKind::InvalidInput, "header").with_source(e))?;
        sent.headers_mut().insert(name, value);
    }
    sent.extensions_mut().insert(options.stream_response(stream));

    let response = client.send(sent).await?;
    let headers = response.headers().clone();
    let bytes = read_body(response.into_body(), 64 << 20).await?;
    if stream {
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
fn parts(request: &Value) -> Result<(RequestParts, CallOptions)> {
    let method: Method = text(request, "method").parse().map_err(|e| Error::new(ErrorKind::InvalidInput, "method").with_source(e))?;
    let path = request["path"].as_str().or(request["path_template"].as_str()).unwrap_or("/");
    // The description of an operation lives as long as the program: cases are few.
    let path: &'static str = Box::leak(path.to_owned().into_boxed_str());
    let info: &'static OperationInfo = Box::leak(Box::new(OperationInfo::new("http", method, path, Level::Workspace)));
    let mut parts = RequestParts::new(info, &RequestContext::default())?;
    for (name, value) in request["path_params"].as_object().into_iter().flatten() {
        let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        parts = parts.path_param(name, &plain)?;
    }
    for (name, value) in request["query"].as_object().into_iter().flatten() {
        parts = parts.query(name, value)?;
    }
    let mut options = CallOptions::new();
    if let Some(key) = request["idempotency_query_key"].as_str() {
        parts = parts.query(key, &idempotency::new_key())?;
        options = options.idempotency(Idempotency::Keyed);
    }
    if let Some(idempotent) = request["idempotent"].as_bool() {
        options = options.idempotent(idempotent);
    }
    if let Some(attempts) = request["retry"]["max_attempts"].as_u64() {
        options = options.max_attempts(attempts as u32);
    }
    if let Some(limit) = request["retry"]["timeout_ms"].as_u64() {
        options = options.retry_budget(Duration::from_millis(limit));
    }
    Ok((payload(parts, &request["body"])?, options))
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
