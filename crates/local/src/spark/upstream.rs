//! Passing calls on: streams in both directions, as they come.

use std::error::Error as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::uri::{PathAndQuery, Scheme};
use http::{Extensions, HeaderValue, StatusCode, Uri, header};
use hyper::body::{Body as HttpBody, Frame, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::address::Address;
use crate::grpc::{self, Code};
use crate::reply::ApiError;

/// Bytes of headers, or of trailers, that the engine may send: it puts the causes of an error there.
const HEADERS_LIMIT: u32 = 256 * 1024;

/// The connection to the attached engine.
#[derive(Debug)]
pub(crate) struct Upstream {
    address: Address,
    client: Client<HttpConnector, Body>,
    authorization: Option<HeaderValue>,
}

impl Upstream {
    /// Connects with the first call.
    pub(super) fn new(address: Address) -> Result<Self, String> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .http2_only(true)
            .http2_max_header_list_size(HEADERS_LIMIT)
            .build(connector);
        let authorization = address.token.as_ref().map(|token| {
            let mut value = HeaderValue::try_from(format!("Bearer {token}"))
                .map_err(|_| format!("the token for {address} has a character that headers cannot have"))?;
            value.set_sensitive(true);
            Ok::<_, String>(value)
        });
        Ok(Self { authorization: authorization.transpose()?, address, client })
    }

    /// Sends a call on and gives the response as soon as it begins.
    ///
    /// # Errors
    ///
    /// 503 if the engine cannot be reached.
    pub(super) async fn forward(&self, request: Request) -> Result<Response, ApiError> {
        let (mut parts, body) = request.into_parts();
        // What the workspace noted on the way.
        parts.extensions = Extensions::new();
        for credential in [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION] {
            parts.headers.remove(credential);
        }
        let response = self
            .send(Request::from_parts(parts, body))
            .await
            .map_err(|why| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "TEMPORARILY_UNAVAILABLE", why))?;
        let lost = self.unavailable("it broke off its response");
        Ok(response.map(|body| Body::new(Relay { body, lost: Some(lost) })))
    }

    /// Makes a call with what the engine wants a call to have; an error is a sentence.
    pub(super) async fn send(&self, request: Request) -> Result<http::Response<Incoming>, String> {
        let (mut parts, body) = request.into_parts();
        if let Some(authorization) = &self.authorization {
            parts.headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        let mut target = parts.uri.into_parts();
        target.scheme = Some(Scheme::HTTP);
        target.authority = Some(self.address.authority.clone());
        target.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
        parts.uri = Uri::from_parts(target).map_err(|e| self.unavailable(&e.to_string()))?;
        self.client.request(Request::from_parts(parts, body)).await.map_err(|error| {
            let mut why = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                why = format!("{why}: {cause}");
                source = cause.source();
            }
            self.unavailable(&why)
        })
    }

    fn unavailable(&self, why: &str) -> String {
        format!(
            "The attached Spark engine at {} is not available ({why}); check that it runs there, which --spark-connect \
             or --spark stated",
            self.address
        )
    }
}

/// A response of the engine. One that breaks off ends with a status, as gRPC has it, not with a broken stream.
struct Relay {
    body: Incoming,
    /// What to state then; `None` once it was stated.
    lost: Option<String>,
}

impl HttpBody for Relay {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if self.lost.is_none() {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            Some(Err(error)) => {
                tracing::debug!(%error, "the attached Spark engine broke off a response");
                self.lost.take().map(|lost| Ok(Frame::trailers(grpc::status(Code::Unavailable, &lost))))
            }
            other => other,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.lost.is_none() || self.body.is_end_stream()
    }
}
