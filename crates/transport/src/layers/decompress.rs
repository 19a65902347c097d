//! Compressed answers.

use databricks_core::{Body, Error, ErrorKind};
use futures_util::TryStreamExt as _;
use http::header::{ACCEPT_ENCODING, RANGE};
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use tower_http::decompression::DecompressionLayer;

use super::{Answer, Middleware, Next, tower_layer};

/// Asks for answers compressed with gzip (Brotli and Zstandard by feature) and unpacks them.
///
/// A request for a range of bytes, or one with a header `Accept-Encoding` of its own, is left alone and so is its answer.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct DecompressLayer;

impl DecompressLayer {
    /// The layer.
    pub fn new() -> Self {
        Self
    }
}

impl Middleware for DecompressLayer {
    async fn handle<N: Next>(&self, mut request: Request<Body>, next: &N) -> Answer {
        if request.headers().contains_key(RANGE) {
            request.headers_mut().entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
        }
        if request.headers().contains_key(ACCEPT_ENCODING) {
            return next.send(request).await;
        }
        let next = next.clone();
        let inner = tower::service_fn(move |request| {
            let next = next.clone();
            async move { next.send(request).await }
        });
        let response = tower::Layer::layer(&DecompressionLayer::new(), inner).oneshot(request).await?;
        let (parts, body) = response.into_parts();
        let length = http_body::Body::size_hint(&body).exact();
        if length == Some(0) {
            return Ok(Response::from_parts(parts, Body::empty()));
        }
        let stream = body.into_data_stream().map_err(|error| match error.downcast::<Error>() {
            Ok(error) => *error,
            Err(error) => match error.downcast::<std::io::Error>() {
                Ok(error) => from_io(*error),
                Err(error) => Error::new(ErrorKind::ConnectionLost, "the compressed answer is broken").with_source(error),
            },
        });
        Ok(Response::from_parts(parts, Body::from_stream(length, Box::pin(stream))))
    }
}

/// The decoder wraps errors of the body below it; ours is taken out again.
fn from_io(error: std::io::Error) -> Error {
    if error.get_ref().is_some_and(|inner| inner.is::<Error>())
        && let Some(Ok(inner)) = error.into_inner().map(|inner| inner.downcast::<Error>())
    {
        return *inner;
    }
    Error::new(ErrorKind::ConnectionLost, "the compressed answer is broken")
}

tower_layer!(DecompressLayer);
