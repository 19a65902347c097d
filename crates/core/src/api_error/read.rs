//! Reading an error from a response, whatever its shape.

use std::time::{Duration, SystemTime};

use http::header::RETRY_AFTER;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value};

use super::{ApiError, ApiErrorKind, ErrorDetails};
use crate::redact;

/// The most characters of a body of unknown shape that are shown as a message.
const EXCERPT: usize = 1000;

/// The most bytes of a message that are kept; the whole is in the body.
const MESSAGE: usize = 16 << 10;

/// The most bytes of a body that are kept.
const BODY: usize = 64 << 10;

/// The longest wait that is believed, far beyond any budget, so that arithmetic with it cannot overflow.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

impl ApiError {
    /// Reads the error in a response, by the first shape that fits: empty, JSON (also of API 1.2, SCIM and OAuth),
    /// `CODE: text`, HTML, anything else.
    ///
    /// * `body`: as much of it as was read.
    /// * `method`, `path`: those of the request, since a few calls report a missing resource as a wrong parameter.
    pub fn read(status: StatusCode, headers: &HeaderMap, body: &[u8], method: &Method, path: &str) -> Self {
        Self::read_at(status, headers, body, method, path, SystemTime::now())
    }

    /// As [`read`](Self::read), at a given time of day, which dates in `Retry-After` are compared with.
    pub fn read_at(
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        method: &Method,
        path: &str,
        now: SystemTime,
    ) -> Self {
        let mut error = from_body(status, body, method, path);
        error.message = redact::message(cut(&error.message, MESSAGE));
        error.code = error.code.map(|code| redact::message(cut(&code, 256)));
        if !body.trim_ascii().is_empty() {
            error.body = Some(cut(&String::from_utf8_lossy(&body[..body.len().min(BODY)]), BODY).into());
        }
        if is_missing_resource(&error, method, path) {
            error.kind = ApiErrorKind::ResourceDoesNotExist;
        }
        error.request_id = request_id(headers).or_else(|| {
            error
                .details()
                .request_info
                .as_ref()
                .map(|info| redact::message(cut(&info.request_id, 256)))
                .filter(|id| !id.is_empty())
        });
        error.retry_after = headers
            .get(RETRY_AFTER)
            .and_then(|value| wait(value.to_str().ok()?, now))
            .or_else(|| error.details().retry_info.as_ref().map(|info| info.retry_delay))
            .map(|wait| wait.min(LONGEST_WAIT));
        error
    }

    /// The error of a workspace behind a private link, recognised by the login page that a request from outside is led
    /// to.
    ///
    /// * `host`, `path`, `query`: parts of the last URL.
    pub fn private_link(host: &str, path: &str, query: &str) -> Option<Self> {
        if path != "/login.html"
            || !query.split('&').any(|field| field.starts_with("error=private-link-validation-error"))
        {
            return None;
        }
        let host = host.to_ascii_lowercase();
        let under = |domain: &str| host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
        let (service, endpoint, page) =
            if under("azuredatabricks.net") || under("databricks.azure.us") || under("databricks.azure.cn") {
                (
                    "Azure Private Link",
                    "Azure Private Link endpoint",
                    "https://learn.microsoft.com/azure/databricks/security/network/classic/private-link-standard",
                )
            } else if under("gcp.databricks.com") {
                (
                    "Private Service Connect",
                    "GCP VPC endpoint",
                    "https://docs.databricks.com/gcp/en/security/network/classic/private-service-connect",
                )
            } else {
                (
                    "AWS PrivateLink",
                    "AWS VPC endpoint",
                    "https://docs.databricks.com/aws/en/security/network/classic/privatelink",
                )
            };
        let message = format!(
            "the workspace has {service} enabled, and this machine's network does not reach it by the right {endpoint}; see {page}"
        );
        Some(Self::new(StatusCode::FORBIDDEN, Some("PRIVATE_LINK_VALIDATION_ERROR".to_owned()), message))
    }
}

/// The service's id of a request, from the headers of its response.
#[doc(hidden)]
pub fn request_id(headers: &HeaderMap) -> Option<String> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    header("x-request-id").or_else(|| header("x-databricks-request-id")).map(|id| redact::message(cut(id, 256)))
}

/// The start of a string, up to so many bytes.
fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

fn from_body(status: StatusCode, body: &[u8], method: &Method, path: &str) -> ApiError {
    if body.trim_ascii().is_empty() {
        return ApiError::new(status, None, reason(status));
    }
    if let Ok(json) = serde_json::from_slice(body) {
        return match json {
            Value::Object(members) => from_json(status, &members),
            other => ApiError::new(status, None, generic(&other, 0).unwrap_or_else(|| unknown_shape(status, other))),
        };
    }
    let text = String::from_utf8_lossy(body);
    if let Some((code, message)) = code_and_text(&text) {
        return ApiError::new(status, Some(code.to_owned()), message);
    }
    if let Some(inner) = html(&text) {
        let code = reason(status).to_uppercase().replace([' ', '-'], "_");
        let message = inner.trim_matches([' ', '.', '\n', '\r', '\t']);
        return ApiError::new(status, Some(code), if message.is_empty() { reason(status) } else { message.to_owned() });
    }
    ApiError::new(status, None, format!("{method} {} returned: {}", redact::text(path), excerpt(&text)))
}

/// The start of a body, and how long it is.
fn excerpt(text: &str) -> String {
    let shown: String = text.trim().chars().take(EXCERPT).collect();
    if shown.len() < text.trim().len() { format!("{shown}... ({} bytes in all)", text.len()) } else { shown }
}

/// The message of a JSON body in which nothing is known: the reason of the status and the start of the body.
fn unknown_shape(status: StatusCode, mut json: Value) -> String {
    let nothing = match &json {
        Value::Null => true,
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    if nothing {
        return format!("the request failed: {}", reason(status));
    }
    redact::json(&mut json);
    format!("the request failed: {}; the body of the response is {}", reason(status), excerpt(&json.to_string()))
}

fn from_json(status: StatusCode, members: &Map<String, Value>) -> ApiError {
    let text = |name: &str| members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let mut code = match members.get("error_code") {
        Some(Value::String(code)) if !code.is_empty() => Some(code.clone()),
        Some(Value::Number(code)) => Some(code.to_string()),
        _ => None,
    };
    let message = if let Some(description) = text("error_description") {
        // OAuth (RFC 6749, section 5.2): `error` is the code.
        code = code.or_else(|| text("error").map(str::to_owned));
        Some(description.to_owned())
    } else if let Some(error) = text("error") {
        Some(error.to_owned())
    } else if let Some(message) = text("message") {
        Some(message.to_owned())
    } else if let Some(detail) = text("detail") {
        // SCIM (RFC 7644, section 3.12).
        let number = match members.get("status") {
            Some(Value::String(number)) => number.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => status.as_u16().to_string(),
        };
        code = code.or_else(|| Some(format!("SCIM_{number}")));
        let detail = if detail == "null" { "SCIM API Internal Error" } else { detail };
        Some(format!("{} {detail}", text("scimType").unwrap_or_default()).trim().to_owned())
    } else {
        nested(members, &mut code).or_else(|| {
            code = code
                .take()
                .or_else(|| ["code", "errorCode", "Code", "__type"].into_iter().find_map(text).map(str::to_owned));
            generic(&Value::Object(members.clone()), 0)
        })
    };
    let mut error =
        ApiError::new(status, code, message.unwrap_or_else(|| unknown_shape(status, Value::Object(members.clone()))));
    let details = members.get("details").cloned().map(|mut details| {
        redact::json(&mut details);
        ErrorDetails::read(&details)
    });
    let details = details.filter(|details| *details != ErrorDetails::default());
    error.details = details.map(Box::new);
    error
}

/// `{"error": {"code": …, "message": …}}`, as Azure and Google send it.
fn nested(members: &Map<String, Value>, code: &mut Option<String>) -> Option<String> {
    let error = members.get("error")?.as_object()?;
    if code.is_none() {
        *code = error.get("status").or_else(|| error.get("code")).and_then(|code| match code {
            Value::String(code) => Some(code.clone()),
            Value::Number(code) => Some(code.to_string()),
            _ => None,
        });
    }
    error.get("message")?.as_str().map(str::to_owned)
}

/// Members that hold an explanation, most telling first, for shapes of other frameworks: `{"detail": [{"loc": […],
/// "msg": …}]}`, `{"errors": […]}`, problem details (RFC 9457), faults of gateways.
const EXPLANATIONS: &[&str] = &[
    "message",
    "msg",
    "detail",
    "details",
    "error_message",
    "errorMessage",
    "Message",
    "error_description",
    "description",
    "faultstring",
    "reason",
    "title",
    "error",
    "errors",
    "Error",
    "Errors",
    "messages",
    "fault",
    "exception",
    "cause",
];

/// The most levels of nesting that are read, and the most items of a list that are shown.
const DEPTH: usize = 6;
const ITEMS: usize = 10;

/// What can be read of a body of unknown shape.
fn generic(value: &Value, depth: usize) -> Option<String> {
    if depth > DEPTH {
        return None;
    }
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Array(items) => {
            let shown: Vec<_> = items.iter().filter_map(|item| generic(item, depth + 1)).take(ITEMS).collect();
            (!shown.is_empty()).then(|| shown.join("; "))
        }
        Value::Object(members) => {
            let message = EXPLANATIONS.iter().find_map(|name| generic(members.get(*name)?, depth + 1))?;
            // Where it went wrong, as validators state it.
            match members.get("loc").or_else(|| members.get("field")).or_else(|| members.get("path")).and_then(place) {
                Some(place) => Some(format!("{place}: {message}")),
                None => Some(message),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// `["body", "items", 3]` or a string as a path.
fn place(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Array(steps) => {
            let step = |step: &Value| step.as_str().map_or_else(|| step.to_string(), str::to_owned);
            (!steps.is_empty()).then(|| steps.iter().map(step).collect::<Vec<_>>().join("."))
        }
        _ => None,
    }
}

/// `CODE: text`, where the code has capitals and underscores only.
fn code_and_text(text: &str) -> Option<(&str, &str)> {
    let (code, rest) = text.split_once(':')?;
    let code = code.trim_start();
    let is_code = !code.is_empty() && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    is_code.then(|| (code, rest.trim()))
}

/// What stands in `<pre>`, else in `<title>` or `<h1>`; the start of the page's text if it has neither.
fn html(text: &str) -> Option<String> {
    // Lower case of ASCII alone, so that places in both strings are the same.
    let lower = text.to_ascii_lowercase();
    let start = lower.trim_start();
    let page = start.starts_with('<')
        && ["<html", "<!doctype html", "<head", "<body", "<pre", "<title", "<h1"].iter().any(|tag| lower.contains(tag));
    if !page {
        return None;
    }
    for tag in ["pre", "title", "h1"] {
        let inner = lower.find(&format!("<{tag}")).and_then(|at| {
            let from = at + lower[at..].find('>')? + 1;
            let to = from + lower[from..].find(&format!("</{tag}"))?;
            Some(&text[from..to])
        });
        if let Some(inner) = inner.filter(|inner| !inner.trim().is_empty()) {
            return Some(unescape(inner));
        }
    }
    Some(String::new())
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}

fn reason(status: StatusCode) -> String {
    status.canonical_reason().map_or_else(|| format!("status {}", status.as_u16()), str::to_owned)
}

/// Whether this is one of the calls that return 400 and `INVALID_PARAMETER_VALUE` for a resource that is not there.
fn is_missing_resource(error: &ApiError, method: &Method, path: &str) -> bool {
    if *method != Method::GET
        || error.status != StatusCode::BAD_REQUEST
        || error.code.as_deref() != Some("INVALID_PARAMETER_VALUE")
    {
        return false;
    }
    let Some(call) = path
        .strip_prefix("/api/2.")
        .and_then(|rest| rest.split_once('/'))
        .filter(|(minor, _)| minor.bytes().all(|b| b.is_ascii_digit()))
    else {
        return false;
    };
    let says = |start: &str, end: &str| error.message.split_once(start).is_some_and(|(_, rest)| rest.contains(end));
    match call.1 {
        "clusters/get" => says("Cluster ", "does not exist"),
        "jobs/get" => says("Job ", "does not exist"),
        "jobs/runs/get" => says("Run ", "does not exist") || says("Run: ", "doesn't exist"),
        _ => false,
    }
}

/// The wait that `Retry-After` asks for: whole seconds or an HTTP date (RFC 9110, section 10.2.3).
fn wait(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // Too many digits for a number are still a very long wait.
        return Some(value.parse().map_or(LONGEST_WAIT, Duration::from_secs));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?;
    let until = SystemTime::from(date.timestamp());
    Some(until.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests;
