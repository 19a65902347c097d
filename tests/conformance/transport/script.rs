//! The script of a case: which requests are expected, and the responses to them.

use std::sync::Mutex;

use serde_json::Value;

use super::compare::{self, Captures};
use super::text;
use super::wire::Request;

/// The exchanges of a case, and what happened with them.
pub(crate) struct Script {
    exchanges: Vec<Value>,
    unordered: bool,
    state: Mutex<State>,
    captures: Captures,
}

#[derive(Default)]
struct State {
    used: Vec<u64>,
    /// Where an ordered script stands.
    at: usize,
    requests: u64,
    problems: Vec<String>,
}

impl Script {
    pub(crate) fn new(case: &Value) -> Self {
        let exchanges = case["exchanges"].as_array().cloned().unwrap_or_default();
        let state = State { used: vec![0; exchanges.len()], ..State::default() };
        Self {
            exchanges,
            unordered: case["unordered"].as_bool().unwrap_or(false),
            state: Mutex::new(state),
            captures: Captures::default(),
        }
    }

    pub(crate) fn captures(&self) -> &Captures {
        &self.captures
    }

    /// How many requests came.
    pub(crate) fn requests(&self) -> u64 {
        self.state.lock().unwrap().requests
    }

    /// What was wrong with the requests, and what of the script is left.
    pub(crate) fn problems(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let mut problems = state.problems.clone();
        for (exchange, used) in self.exchanges.iter().zip(&state.used) {
            let optional = exchange["optional"].as_bool().unwrap_or(false) || exchange["repeat"] == "forever";
            if !optional && *used < times(exchange) {
                problems.push(format!("not asked for: {}", exchange["expect"]));
            }
        }
        problems
    }

    /// The response to a request; `None` if none is scripted.
    pub(crate) fn response(&self, request: &Request) -> Option<Value> {
        let mut state = self.state.lock().unwrap();
        state.requests += 1;
        let mut why_not = Vec::new();
        let from = if self.unordered { 0 } else { state.at };
        for i in from..self.exchanges.len() {
            let exchange = &self.exchanges[i];
            if state.used[i] >= times(exchange) {
                continue;
            }
            match mismatch(&exchange["expect"], request, &self.captures) {
                None => {
                    state.used[i] += 1;
                    state.at = if state.used[i] >= times(exchange) { i + 1 } else { i };
                    return Some(exchange["respond"].clone());
                }
                Some(why) => why_not.push(why),
            }
            // In an ordered script only what may be left out may be passed over.
            let may_pass = exchange["optional"].as_bool().unwrap_or(false)
                || exchange["repeat"] == "forever"
                || state.used[i] > 0 && times(exchange) == u64::MAX;
            if !self.unordered && !may_pass {
                break;
            }
        }
        let problem = format!("unexpected {} {}: {}", request.method, request.target, why_not.join("; "));
        state.problems.push(problem);
        None
    }
}

/// How often an exchange may be used.
fn times(exchange: &Value) -> u64 {
    match &exchange["repeat"] {
        Value::String(_) => u64::MAX,
        Value::Number(n) => n.as_u64().unwrap_or(1),
        _ => 1,
    }
}

/// Why a request is not the expected one.
fn mismatch(expect: &Value, request: &Request, captures: &Captures) -> Option<String> {
    if let Some(method) = expect["method"].as_str()
        && method != request.method
    {
        return Some(format!("the method is not {method}"));
    }
    if let Some(path) = expect["path"].as_str()
        && path != request.path()
    {
        return Some(format!("the path is not {path}"));
    }
    if let Some(target) = expect["target"].as_str()
        && target != request.target
    {
        return Some(format!("the target is not {target}"));
    }
    if let Some(query) = expect.get("query").and_then(Value::as_object)
        && let Some(why) = query_mismatch(query, &request.query(), captures)
    {
        return Some(why);
    }
    for (name, wanted) in expect.get("headers").and_then(Value::as_object).into_iter().flatten() {
        if let Some(why) = compare::text(wanted, request.header(name), captures) {
            return Some(format!("header {name}: {why}"));
        }
    }
    expect.get("body").and_then(|body| body_mismatch(body, request, captures))
}

/// This client gives runs of jobs a key of idempotency where the caller gave none, so that they can be sent again. The
/// SDKs that the cases were recorded from do not; a key that a case does not speak of, in the form that this client
/// gives it, is passed over.
fn without_added_key(request: &Request, wanted: &Value, got: &mut Value) {
    const KEY: &str = "idempotency_token";
    let starts_a_run = request.path().ends_with("/jobs/run-now") || request.path().ends_with("/jobs/runs/submit");
    let is_uuid =
        got[KEY].as_str().is_some_and(|key| compare::matches("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", key));
    if starts_a_run && is_uuid && wanted.get(KEY).is_none() {
        got.as_object_mut().map(|members| members.remove(KEY));
    }
}

fn query_mismatch(
    wanted: &serde_json::Map<String, Value>,
    got: &[(String, String)],
    captures: &Captures,
) -> Option<String> {
    if let Some((key, _)) = got.iter().find(|(key, _)| !wanted.contains_key(key)) {
        return Some(format!("query {key} was not wanted"));
    }
    for (key, wanted) in wanted {
        let values: Vec<&str> = got.iter().filter(|(name, _)| name == key).map(|(_, value)| value.as_str()).collect();
        let why = match wanted {
            Value::Array(all) => {
                let same = all.len() == values.len()
                    && all.iter().zip(&values).all(|(a, b)| compare::text(a, Some(b), captures).is_none());
                (!same).then(|| format!("wanted {wanted}, got {values:?}"))
            }
            _ if values.len() > 1 => Some(format!("wanted {wanted}, got {values:?}")),
            _ => compare::text(wanted, values.first().copied(), captures),
        };
        if let Some(why) = why {
            return Some(format!("query {key}: {why}"));
        }
    }
    None
}

fn body_mismatch(wanted: &Value, request: &Request, captures: &Captures) -> Option<String> {
    let body = &request.body;
    let shown = || String::from_utf8_lossy(&body[..body.len().min(500)]).into_owned();
    if wanted.is_null() {
        return (!body.is_empty()).then(|| format!("the body is not empty: {}", shown()));
    }
    if let Some(json) = wanted.get("json") {
        return match serde_json::from_slice(body) {
            Ok(mut got) => {
                without_added_key(request, json, &mut got);
                compare::json(json, &got, captures).map(|why| format!("body {why}"))
            }
            Err(_) => Some(format!("the body is not JSON: {}", shown())),
        };
    }
    if let Some(wanted) = wanted.get("text") {
        return compare::text(wanted, Some(&String::from_utf8_lossy(body)), captures).map(|why| format!("body: {why}"));
    }
    if let Some(form) = wanted.get("form").and_then(Value::as_object) {
        let got: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
        return query_mismatch(form, &got, captures).map(|why| format!("form {why}"));
    }
    if let Some(size) = wanted.get("size").and_then(Value::as_u64) {
        return (body.len() as u64 != size).then(|| format!("the body has {} bytes, not {size}", body.len()));
    }
    if let Some(bytes) = wanted.get("bytes") {
        return (super::server::generated(bytes) != *body).then(|| format!("the body is not {bytes}"));
    }
    if let Some(parts) = wanted.get("multipart").and_then(Value::as_array) {
        return multipart_mismatch(parts, request);
    }
    None
}

/// A part of a multipart body.
#[derive(Debug)]
struct Part {
    name: String,
    filename: Option<String>,
    content_type: Option<String>,
    text: String,
}

fn multipart_mismatch(wanted: &[Value], request: &Request) -> Option<String> {
    let Some(parts) = multipart(request) else { return Some("the body is not multipart".to_owned()) };
    if parts.len() != wanted.len() {
        return Some(format!("wanted {} parts, got {parts:?}", wanted.len()));
    }
    let fits = |wanted: &Value, part: &Part| {
        let member = |name: &str, got: Option<&str>| wanted.get(name).is_none_or(|wanted| wanted.as_str() == got);
        text(wanted, "name") == part.name
            && member("filename", part.filename.as_deref())
            && member("content_type", part.content_type.as_deref())
            && member("text", Some(&part.text))
    };
    let missing = wanted.iter().find(|wanted| !parts.iter().any(|part| fits(wanted, part)));
    missing.map(|missing| format!("no part is {missing}: {parts:?}"))
}

fn multipart(request: &Request) -> Option<Vec<Part>> {
    let boundary = request.header("content-type")?.split_once("boundary=")?.1.trim_matches('"').to_owned();
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let mut parts = Vec::new();
    for piece in body.split(&format!("--{boundary}")).skip(1) {
        if piece.starts_with("--") {
            return Some(parts);
        }
        let (head, content) = piece.strip_prefix("\r\n")?.split_once("\r\n\r\n")?;
        let attribute = |name: &str| {
            let from = head.find(&format!("; {name}=\""))? + name.len() + 4;
            Some(head[from..from + head[from..].find('"')?].to_owned())
        };
        let content_type = head.lines().find_map(|line| line.strip_prefix("Content-Type: ")).map(str::to_owned);
        let text = content.strip_suffix("\r\n")?.to_owned();
        parts.push(Part { name: attribute("name")?, filename: attribute("filename"), content_type, text });
    }
    None
}
