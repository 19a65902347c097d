//! Calls of the workspace's own REST API from inside: a seed makes what a client could make, with the same checks.

use axum::Router;
use axum::body::Body;
use http::{Method, Request};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};
use tower::ServiceExt as _;

use super::SeedError;
use crate::caller::Caller;
use crate::extract::BODY_LIMIT;
use crate::operations;
use crate::reply::ApiError;
use crate::router;
use crate::state::Parts;

/// What a segment of a path keeps.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A segment of a path.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Calls as the workspace's user.
#[derive(Debug)]
pub(super) struct Desk {
    routes: Router,
    caller: Caller,
}

impl Desk {
    pub(super) fn new(parts: &Parts) -> Self {
        Self { routes: router::routes(parts).with_state(parts.into()), caller: parts.identity.user.clone() }
    }

    async fn send(&self, method: Method, target: &str, body: Body) -> Result<Value, ApiError> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() =
            target.parse().map_err(|_| ApiError::invalid_parameter(format!("{target} is not a path")))?;
        request.extensions_mut().insert(self.caller.clone());
        let response = match self.routes.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        if let Some(error) = response.extensions().get::<ApiError>() {
            return Err(error.clone());
        }
        let body = axum::body::to_bytes(response.into_body(), BODY_LIMIT).await;
        let body = body.map_err(|error| ApiError::internal(error.to_string()))?;
        Ok(serde_json::from_slice(&body).unwrap_or_default())
    }

    pub(super) async fn get(&self, target: &str) -> Result<Value, ApiError> {
        self.send(Method::GET, target, Body::empty()).await
    }

    pub(super) async fn post(&self, target: &str, body: &Value) -> Result<Value, ApiError> {
        self.send(Method::POST, target, Body::from(body.to_string())).await
    }

    pub(super) async fn put_file(&self, target: &str, content: Vec<u8>) -> Result<(), ApiError> {
        self.send(Method::PUT, target, Body::from(content)).await.map(drop)
    }

    /// Whether the object of a path is there.
    pub(super) async fn has(&self, target: &str) -> Result<bool, ApiError> {
        match self.get(target).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// All items of a list.
    pub(super) async fn list(&self, target: &str, member: &str) -> Result<Vec<Value>, ApiError> {
        let (mut all, mut token) = (Vec::new(), String::new());
        loop {
            let mark = if target.contains('?') { '&' } else { '?' };
            let query = if token.is_empty() { String::new() } else { format!("{mark}page_token={}", segment(&token)) };
            let mut page = self.get(&format!("{target}{query}")).await?;
            if let Some(Value::Array(items)) = page.get_mut(member).map(Value::take) {
                all.extend(items);
            }
            match page["next_page_token"].as_str() {
                Some(next) if !next.is_empty() => next.clone_into(&mut token),
                _ => return Ok(all),
            }
        }
    }
}

/// Refuses members that the operation does not have: REST passes over them, in a seed they are mistakes.
pub(super) fn check_members(target: &str, noun: &str, body: &Map<String, Value>) -> Result<(), String> {
    let Some(found) = operations::find(&Method::POST, target) else { return Ok(()) };
    let known: Vec<&str> =
        found.operations.iter().flat_map(|operation| operation.body.members().iter().map(|m| m.name)).collect();
    match body.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!("a {noun} has no member '{name}'")),
        None => Ok(()),
    }
}

/// The error of a line whose object could not be made.
pub(super) fn failed(line: u64, what: &str) -> impl FnOnce(ApiError) -> SeedError {
    let what = what.to_owned();
    move |error| SeedError::at(line, format!("cannot make {what}: {}", error.message()))
}
