//! The innermost service: the pooled HTTP client.

use std::collections::HashSet;
use std::error::Error as StdError;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use databricks_core::{Body, Error, ErrorKind, Origin, Result};
use futures_core::Stream;
use http::{Request, Response, Uri};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower::ServiceExt as _;

use crate::connect_error::{self, Failure, Peer, chain};
use crate::connector::Connector;
use crate::layers::{Exchange, HttpResult, Next, Received};
use crate::proxy::ProxyRules;
use crate::{HttpService, TlsOptions};

/// Sends requests as they are and turns what goes wrong into an [`Error`] of kind `Connect`, `ConnectionLost`, `Body`
/// or `Config`.
#[derive(Clone)]
pub(crate) struct HttpClient {
    client: Client<Connector, Body>,
    /// As `client`, but without HTTP/2.
    http1: Client<Connector, Body>,
    /// The servers that asked for HTTP/1.1; made when the first one does.
    old: Arc<OnceLock<Mutex<HashSet<Origin>>>>,
    proxy: Arc<ProxyRules>,
    /// What sends in place of `client`.
    given: Option<HttpService>,
}

impl HttpClient {
    /// With this service in place of the pool, if there is one.
    pub(crate) fn through(mut self, given: Option<HttpService>) -> Self {
        self.given = given;
        self
    }

    pub(crate) fn new(
        tls: TlsOptions,
        proxy: Arc<ProxyRules>,
        connect_timeout: Duration,
        idle_timeout: Duration,
    ) -> Self {
        let client = |tls: TlsOptions| {
            Client::builder(TokioExecutor::new())
                .timer(TokioTimer::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(idle_timeout)
                .http2_keep_alive_interval(Duration::from_secs(30))
                .http2_keep_alive_timeout(Duration::from_secs(20))
                .http2_adaptive_window(true)
                .build(Connector::new(tls, Arc::clone(&proxy), connect_timeout))
        };
        let http1 = client(tls.clone().http1_only(true));
        Self { client: client(tls), http1, old: Arc::default(), proxy, given: None }
    }

    /// The client as a service, for layers around it.
    pub(crate) fn service(self) -> HttpService {
        match self.given {
            Some(given) => given,
            None => HttpService::new(tower::service_fn(move |request| {
                let client = self.clone();
                async move { client.respond(request).await }
            })),
        }
    }

    /// Sends a request; its response is not watched for silence here.
    async fn respond(&self, request: Request<Body>) -> HttpResult {
        if !matches!(request.uri().scheme_str(), Some("http" | "https")) {
            return Err(not_http());
        }
        let uri = request.uri().clone();
        match self.request(request).await {
            Ok(response) => {
                let (parts, body) = response.into_parts();
                Ok(Response::from_parts(parts, incoming(body, None).await))
            }
            Err(error) => Err(self.failure(&uri, error)),
        }
    }

    /// Sends on a connection of the pool, or a new one.
    fn request(&self, mut request: Request<Body>) -> ResponseFuture {
        if let Some(value) = self.proxy.header(request.uri()) {
            request.headers_mut().insert(http::header::PROXY_AUTHORIZATION, value);
        }
        if self.is_old(request.uri()) { self.http1.request(request) } else { self.client.request(request) }
    }

    /// Whether the server asked for HTTP/1.1.
    fn is_old(&self, uri: &Uri) -> bool {
        let Some(old) = self.old.get() else { return false };
        Origin::of(uri).is_some_and(|origin| old.lock().unwrap_or_else(PoisonError::into_inner).contains(&origin))
    }

    /// What the failure of a request means; remembers servers that want HTTP/1.1.
    fn failure(&self, uri: &Uri, error: hyper_util::client::legacy::Error) -> Error {
        if let Some(origin) = Origin::of(uri).filter(|_| wants_http1(&error)) {
            self.old.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner).insert(origin);
        }
        explain(uri, error)
    }
}

impl Next for HttpClient {
    async fn send(&self, exchange: &mut Exchange) -> HttpResult {
        if let Some(given) = &self.given {
            return Box::pin(given.clone().oneshot(exchange.outgoing_with_extensions())).await;
        }
        if !matches!(exchange.uri().scheme_str(), Some("http" | "https")) {
            return Err(not_http());
        }
        let sending = self.request(exchange.outgoing());
        match sending.await {
            Ok(response) => {
                exchange.watches_idle = true;
                let (parts, body) = response.into_parts();
                Ok(Response::from_parts(parts, incoming(body, exchange.idle_limit).await))
            }
            Err(error) => Err(self.failure(exchange.uri(), error)),
        }
    }
}

fn not_http() -> Error {
    Error::new(ErrorKind::InvalidInput, "the URL does not begin with https:// or http://").with_permanent()
}

/// The largest body that is taken whole if it came along with its headers.
const SMALL: u64 = 64 << 10;

/// A response's body as ours.
///
/// * `limit`: how long it may be silent while it is waited for.
async fn incoming(mut body: Incoming, limit: Option<Duration>) -> Body {
    let length = body.size_hint().exact();
    if length == Some(0) || body.is_end_stream() {
        return Body::empty();
    }
    // Small bodies come along with the headers, and need no stream then.
    let mut first = None;
    if length.is_some_and(|length| length <= SMALL) {
        let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut body).poll_frame(cx))).await;
        match polled {
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                // A stream of HTTP/2 that is dropped before its end is seen would be reset.
                Ok(data) if Some(data.len() as u64) == length && body.is_end_stream() => return Body::from(data),
                Ok(data) => first = Some(Ok(data)),
                Err(_) => {}
            },
            Poll::Ready(Some(Err(error))) => first = Some(Err(broke(error))),
            Poll::Ready(None) => return Body::from_stream(length, Box::pin(futures_util::stream::empty())),
            Poll::Pending => {}
        }
    }
    let stream = IncomingStream { first, body };
    match limit {
        Some(limit) => Body::from_stream(length, Box::pin(Received::new(stream, limit))),
        None => Body::from_stream(length, Box::pin(stream)),
    }
}

/// A response's body, of which a piece may have been read.
struct IncomingStream {
    first: Option<Result<Bytes>>,
    body: Incoming,
}

fn broke(error: hyper::Error) -> Error {
    Error::new(ErrorKind::ConnectionLost, "the connection broke while the response was read").with_source(error)
}

impl Stream for IncomingStream {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(first));
        }
        loop {
            return match std::task::ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => Poll::Ready(None),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => Poll::Ready(Some(Ok(data))),
                    // Trailers: nothing in this API uses them.
                    Err(_) => continue,
                },
                Some(Err(error)) => Poll::Ready(Some(Err(broke(error)))),
            };
        }
    }
}

/// States what a failure of the connection means: was the request carried out, and would a retry help?
fn explain(uri: &Uri, error: hyper_util::client::legacy::Error) -> Error {
    if let Some(failure) = find::<Failure>(&error).and_then(Failure::take) {
        return failure;
    }
    // A request body that failed. It can be had by reference alone.
    if let Some(own) = find::<Error>(&error) {
        let mut copy = Error::new(own.kind(), own.message());
        if own.is_permanent() {
            copy = copy.with_permanent();
        }
        if let Some(hint) = own.hint() {
            copy = copy.with_hint(hint);
        }
        return copy.with_source(error);
    }
    let peer = Peer::server(uri);
    // With TLS 1.3 a server states only after the handshake that it does not accept this client. It has read no request
    // by then.
    if let Some(alert @ rustls::Error::AlertReceived(_)) = find::<rustls::Error>(&error) {
        let refused = connect_error::refused(&peer, alert);
        if refused.is_permanent() {
            return refused.with_source(error);
        }
    }
    if let Some(why) = unprocessed(&error) {
        // The next attempt may come at once: nothing is wrong with the server.
        return Error::new(ErrorKind::Connect, format!("{peer} did not process the request: {why}"))
            .with_retry_after(Duration::ZERO)
            .with_source(error);
    }
    // hyper gives a request back unsent when the connection that it was to use closed before.
    if error.is_connect() || find::<hyper::Error>(&error).is_some_and(hyper::Error::is_canceled) {
        return Error::new(ErrorKind::Connect, format!("the connection to {peer} closed before the request was sent"))
            .with_retry_after(Duration::ZERO)
            .with_source(error);
    }
    let hyper = find::<hyper::Error>(&error);
    let why = if hyper.is_some_and(hyper::Error::is_parse) {
        format!("the response of {peer} is not valid HTTP")
    } else {
        format!("the connection to {peer} broke before the response came")
    };
    let lost = Error::new(ErrorKind::ConnectionLost, why);
    // Some TLS servers meet plain HTTP with a reset and no word of TLS.
    let lost = if uri.scheme_str() == Some("http") {
        lost.with_hint("if this port serves TLS, write https:// in the host")
    } else {
        lost
    };
    lost.with_source(error)
}

fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    chain(error).find_map(|this| this.downcast_ref::<T>())
}

/// How a server of HTTP/2 states that it did not process the request (RFC 9113, sections 6.8, 8.7 and 7), if it does.
///
/// Of a GOAWAY only those streams hear as an error of their own that are beyond the last which the server may have
/// processed.
fn unprocessed(error: &(dyn StdError + 'static)) -> Option<&'static str> {
    let error = find::<h2::Error>(error).filter(|error| error.is_remote())?;
    if error.is_go_away() {
        return Some("it closes the connection (GOAWAY)");
    }
    match error.reason().filter(|_| error.is_reset())? {
        h2::Reason::REFUSED_STREAM => Some("it refused the stream (REFUSED_STREAM)"),
        h2::Reason::HTTP_1_1_REQUIRED => Some("it wants HTTP/1.1 for it (HTTP_1_1_REQUIRED)"),
        _ => None,
    }
}

fn wants_http1(error: &(dyn StdError + 'static)) -> bool {
    find::<h2::Error>(error)
        .is_some_and(|error| error.is_remote() && error.reason() == Some(h2::Reason::HTTP_1_1_REQUIRED))
}
