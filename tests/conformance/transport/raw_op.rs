//! `raw`: the Raw Request action.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use databricks_core::{Error, ErrorKind};
use databricks_sdk::{Method, WorkspaceClient};
use serde_json::{Value, json};

use super::drive::{Came, Case};
use super::text;

pub(crate) async fn run(case: &Case<'_>) -> Came {
    let request = case.request;
    let client = WorkspaceClient::from(super::http_op::client(case)?);
    let method: Method =
        text(request, "method").parse().map_err(|e| Error::new(ErrorKind::InvalidInput, "method").with_source(e))?;
    let mut raw = client.raw(method, text(request, "url"));
    for (key, value) in pairs(&request["query"]) {
        raw = raw.query(key, value);
    }
    for (key, value) in pairs(&request["headers"]) {
        raw = raw.header(&key, &value);
    }
    match &request["data"] {
        Value::Null => {}
        Value::String(text) => raw = raw.body(text.clone()),
        json => raw = raw.json_body(json),
    }
    for (key, value) in pairs(&request["form_data"]) {
        raw = raw.form(key, value);
    }
    let files: Vec<_> = pairs(&request["file_data"]).collect();
    let names: Vec<_> = pairs(&request["file_names"]).collect();
    if let Some((key, _)) = names.iter().find(|(key, _)| !files.iter().any(|(other, _)| other == key)) {
        // The connector's rule; the builder of this SDK cannot express a name without a file.
        return Err(Error::new(
            ErrorKind::InvalidInput,
            format!("a file name is given for {key}, which is not a file"),
        ));
    }
    for (key, value) in files {
        let name = names.iter().find(|(other, _)| *other == key).map_or(key.clone(), |(_, name)| name.clone());
        raw = raw.file(key, name, value);
    }
    let milliseconds = |name: &str| request[name].as_u64().map(Duration::from_millis);
    if let Some(limit) = milliseconds("timeout_ms") {
        raw = raw.attempt_timeout(limit);
    }
    if let Some(delay) = milliseconds("retry_delay_ms") {
        raw = raw.retry_delay(delay);
    }
    raw = raw
        .debug(request["debug"].as_bool().unwrap_or(false))
        .max_retries(request["max_retries"].as_u64().unwrap_or(0) as u32)
        .retry_on_all_errors(request["retry_on_all_errors"].as_bool().unwrap_or(false))
        .exponential_backoff(request["exponential_backoff"].as_bool().unwrap_or(false));
    match text(request, "response_type") {
        "text" => Ok(Value::from(raw.text().await?)),
        "binary" => Ok(json!({"base64": STANDARD.encode(raw.bytes().await?)})),
        _ => raw.json::<Value>().await,
    }
}

/// A list of `key` and `value`.
fn pairs(list: &Value) -> impl Iterator<Item = (String, String)> {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let pairs: Vec<_> =
        list.as_array().into_iter().flatten().map(|pair| (plain(&pair["key"]), plain(&pair["value"]))).collect();
    pairs.into_iter()
}
