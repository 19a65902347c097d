//! Request and response in the log, redacted.

mod render;

use bytes::Bytes;
use databricks_core::{Body, Error};
use futures_util::StreamExt as _;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response};

use super::{Exchange, HttpResult, Middleware, Next, tower_layer};
use render::Rendering;

/// The most bytes of a response that are read ahead for the log.
const LIMIT: usize = 1 << 20;

/// Logs each attempt and its response as one event of level `debug` with the target `databricks_transport::http`; those
/// of a call with [`CallOptions::debug`](crate::CallOptions::debug) at level `info` and with headers.
///
/// Secrets are replaced by `**REDACTED**`, whatever the settings: `Authorization`, cookies and their kind among the
/// headers, members such as `token` and `password` of JSON bodies, signatures of URLs. Bodies that are not JSON or a
/// form are named, not printed. While the level is off, the layer does nothing.
#[derive(Clone, Copy, Debug)]
pub struct DebugLogLayer {
    headers: bool,
    truncate: usize,
}

impl Default for DebugLogLayer {
    /// Without headers, strings cut at 96 bytes.
    fn default() -> Self {
        Self::new(false, 96)
    }
}

impl DebugLogLayer {
    /// * `headers`: whether headers are logged.
    /// * `truncate_bytes`: where strings and lists in bodies are cut.
    pub fn new(headers: bool, truncate_bytes: usize) -> Self {
        Self { headers, truncate: truncate_bytes }
    }
}

impl Middleware for DebugLogLayer {
    async fn handle<N: Next>(&self, exchange: &mut Exchange, next: &N) -> HttpResult {
        let loud = exchange.options.debug;
        let enabled = loud && tracing::enabled!(target: "databricks_transport::http", tracing::Level::INFO)
            || tracing::enabled!(target: "databricks_transport::http", tracing::Level::DEBUG);
        if !enabled {
            return next.send(exchange).await;
        }
        // In an allocation of its own: a call that is not logged has no room for it.
        if exchange.options.raw_response.is_some() {
            return Box::pin(without_content(exchange, next)).await;
        }
        Box::pin(self.logged(exchange, next, loud)).await
    }
}

impl DebugLogLayer {
    async fn logged<N: Next>(&self, exchange: &mut Exchange, next: &N, loud: bool) -> HttpResult {
        let mut rendering = Rendering::new(exchange.own_uri(), self.headers || loud, self.truncate);
        rendering.request(exchange);
        let stream = exchange.options.stream_response;
        let response = match next.send(exchange).await {
            Ok(response) => read_ahead(response, stream, &mut rendering).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &response {
            rendering.failure(error);
        }
        emit(loud, &rendering.finish());
        response
    }
}

/// Requests for authentication: only that they were made. Even the path of one may be a secret, and its bodies are.
async fn without_content<N: Next>(exchange: &mut Exchange, next: &N) -> HttpResult {
    let place = databricks_core::Origin::of(exchange.own_uri()).map_or_else(String::new, |origin| origin.to_string());
    let line = format!("{} {place} (authentication, not shown)", exchange.own_method());
    let response = next.send(exchange).await;
    match &response {
        Ok(response) => emit(false, &format!("> {line}\n< {}", response.status())),
        Err(error) => emit(false, &format!("> {line}\n< {:?}", error.kind())),
    }
    response
}

fn emit(loud: bool, text: &str) {
    if loud {
        tracing::info!(target: "databricks_transport::http", "{text}");
    } else {
        tracing::debug!(target: "databricks_transport::http", "{text}");
    }
}

/// Reads what of the body is to be logged, and hands out a response with the same body.
async fn read_ahead(response: Response<Body>, stream: bool, rendering: &mut Rendering) -> HttpResult {
    let failed = !response.status().is_success();
    let readable = is_json(response.headers()) && (failed || !stream) || failed && is_text(response.headers());
    if let Some(bytes) = response.body().as_bytes().map(Bytes::copy_from_slice) {
        rendering.response(&response, readable.then_some(&bytes));
        return Ok(response);
    }
    if !readable {
        rendering.response(&response, None);
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let length = body.content_length();
    let mut stream = body.into_stream();
    let mut start = Vec::new();
    let mut whole = false;
    while start.len() < LIMIT {
        match stream.next().await {
            Some(Ok(piece)) => start.extend_from_slice(&piece),
            Some(Err(error)) => {
                let response = Response::from_parts(parts, Body::empty());
                rendering.response(&response, None);
                return broken(response, start, error, failed);
            }
            None => {
                whole = true;
                break;
            }
        }
    }
    let start = Bytes::from(start);
    let body = if whole {
        Body::from(start.clone())
    } else {
        let begin = futures_util::stream::iter([Ok(start.clone())]);
        Body::from_stream(length, Box::pin(begin.chain(stream)))
    };
    let response = Response::from_parts(parts, body);
    rendering.response(&response, Some(&start));
    Ok(response)
}

/// A response that broke off: of a failure the status still counts, a success is lost.
fn broken(response: Response<Body>, start: Vec<u8>, error: Error, failed: bool) -> HttpResult {
    if failed { Ok(response.map(|_| Body::from(start))) } else { Err(error) }
}

fn content_type(headers: &HeaderMap) -> &[u8] {
    headers.get(CONTENT_TYPE).map(|value| value.as_bytes()).unwrap_or_default()
}

fn is_json(headers: &HeaderMap) -> bool {
    content_type(headers).windows(4).any(|window| window == b"json")
}

fn is_text(headers: &HeaderMap) -> bool {
    content_type(headers).starts_with(b"text/")
}

tower_layer!(DebugLogLayer);

#[cfg(test)]
mod tests;
