//! From a response to a success or an error.

use bytes::Bytes;
use databricks_core::{ApiError, Body, Error, ErrorKind, Idempotency};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, Method, Response, Uri};

use super::redirect::FinalUri;
use super::{Exchange, HttpResult, Middleware, Next, request_line, tower_layer};
use crate::{RawResponse, SharedClock, read_body};

/// The most bytes of an error's body that are read.
const ERROR_LIMIT: usize = 1 << 20;

/// Turns responses with an error status, and login pages with status 200, into an [`Error`].
///
/// The body of a success is read whole, so that a response that breaks off is a failed attempt, unless
/// [`CallOptions::stream_response`](crate::CallOptions::stream_response) is set.
#[derive(Clone, Debug)]
pub struct ResponseLayer {
    limit: usize,
    clock: SharedClock,
}

impl Default for ResponseLayer {
    /// With a limit of 256 MiB.
    fn default() -> Self {
        Self::new(256 << 20, SharedClock::default())
    }
}

impl ResponseLayer {
    /// * `limit`: the most bytes of a body that are read at once.
    /// * `clock`: the time that dates in `Retry-After` are compared with.
    pub fn new(limit: usize, clock: SharedClock) -> Self {
        Self { limit, clock }
    }

    async fn error(&self, method: &Method, uri: &Uri, raw: Option<&RawResponse>, response: Response<Body>) -> Error {
        let (parts, body) = response.into_parts();
        // What cannot be read is as good as nothing: status and headers are enough to classify the failure.
        let body = read_start(body, ERROR_LIMIT).await;
        let api = ApiError::read_at(parts.status, &parts.headers, &body, method, uri.path(), self.clock.wall());
        let plain_to_tls = speaks_tls(uri, &body);
        if let Some(raw) = raw {
            raw.set(Response::from_parts(parts, Bytes::from(body)));
        }
        let error = Error::from_api(api).with_request(request_line(method, uri));
        if plain_to_tls {
            error.with_hint("the server speaks TLS on this port: write https:// in the host").with_permanent()
        } else {
            error
        }
    }
}

/// Whether a web server explains that plain HTTP came to its port for TLS, as nginx, Go and Apache do.
fn speaks_tls(uri: &Uri, body: &[u8]) -> bool {
    const TEXTS: &[&str] = &[
        "plain HTTP request was sent to HTTPS port",
        "Client sent an HTTP request to an HTTPS server",
        "speaking plain HTTP to an SSL-enabled server port",
    ];
    uri.scheme_str() == Some("http")
        && TEXTS.iter().any(|text| body.windows(text.len()).any(|window| window == text.as_bytes()))
}

impl Middleware for ResponseLayer {
    async fn handle<N: Next>(&self, exchange: &mut Exchange, next: &N) -> HttpResult {
        let wants_json = exchange.header(&ACCEPT).is_some_and(|accept| contains_json(accept.as_bytes()));
        let response = next.send(exchange).await?;
        let options = &exchange.options;
        let method = exchange.own_method();
        let uri = response.extensions().get::<FinalUri>().map_or(exchange.uri(), |last| &last.0);
        if uri.path() == "/login.html"
            && let Some(api) =
                ApiError::private_link(uri.host().unwrap_or_default(), uri.path(), uri.query().unwrap_or_default())
        {
            return Err(Error::from_api(api).with_request(request_line(method, uri)));
        }
        if !response.status().is_success() {
            let uri = uri.clone();
            return Err(Box::pin(self.error(method, &uri, options.raw_response.as_ref(), response)).await);
        }
        if wants_json && is_html(response.headers()) {
            return Err(html(uri).with_status(response.status()).with_request(request_line(method, uri)));
        }
        if options.stream_response {
            if response.body().as_bytes().is_some() {
                return Ok(response);
            }
            let may_have_run = options.effective_idempotency(method) != Idempotency::ReadOnly;
            let uri = uri.clone();
            return Ok(with_context(response, method, &uri, may_have_run));
        }
        let (parts, body) = response.into_parts();
        // The extensions hold the URL, if the service below left one there.
        let uri = parts.extensions.get::<FinalUri>().map_or(exchange.uri(), |last| &last.0);
        let status = parts.status;
        let bytes = read_body(body, self.limit)
            .await
            .map_err(|error| error.with_status(status).with_request(request_line(method, uri)))?;
        if wants_json && !parts.headers.contains_key(CONTENT_TYPE) && bytes.trim_ascii_start().starts_with(b"<") {
            return Err(html(uri).with_status(status).with_request(request_line(method, uri)));
        }
        Ok(Response::from_parts(parts, Body::from(bytes)))
    }
}

fn contains_json(media_type: &[u8]) -> bool {
    media_type == b"application/json" || media_type.windows(4).any(|window| window == b"json")
}

/// A streamed body whose failures name the request they belong to: the layers above see none of them.
fn with_context(response: Response<Body>, method: &Method, uri: &Uri, may_have_run: bool) -> Response<Body> {
    use futures_util::TryStreamExt as _;

    let status = response.status();
    let line = request_line(method, uri);
    response.map(|body| {
        let length = body.content_length();
        let context =
            move |error: Error| error.with_status(status).with_request(line.clone()).with_maybe_executed(may_have_run);
        Body::from_stream(length, Box::pin(body.into_stream().map_err(context)))
    })
}

/// The start of a body, as far as it can be read.
async fn read_start(body: Body, limit: usize) -> Vec<u8> {
    use futures_util::StreamExt as _;

    let mut stream = body.into_stream();
    let mut start = Vec::new();
    while start.len() < limit
        && let Some(Ok(piece)) = stream.next().await
    {
        start.extend_from_slice(&piece[..piece.len().min(limit - start.len())]);
    }
    start
}

fn is_html(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"))
}

fn html(uri: &Uri) -> Error {
    let place = databricks_core::Origin::of(uri).map_or_else(String::new, |origin| origin.to_string());
    Error::new(ErrorKind::Decode, format!("received HTML instead of JSON from {place}{}", uri.path()))
        .with_hint("this is usually a login page or a wrong host; check the host of the configuration")
}

tower_layer!(ResponseLayer);
