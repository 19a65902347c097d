//! The innermost service: a pool of connections, without any manners of its own.

use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use databricks_core::{Body, Error, ErrorKind, Result};
use futures_core::Stream;
use http::{Request, Response, Uri};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower::{Service, ServiceExt as _};

use crate::connector::Connector;
use crate::proxy::ProxyRules;
use crate::{HttpService, TlsOptions};

/// Sends requests as they are and turns what goes wrong into an [`Error`] of kind `Connect`, `ConnectionLost`, `Body` or `Config`.
#[derive(Clone)]
pub(crate) struct HttpClient {
    client: Client<Connector, Body>,
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

    pub(crate) fn new(tls: TlsOptions, proxy: Arc<ProxyRules>, connect_timeout: Duration, idle_timeout: Duration) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(idle_timeout)
            .http2_keep_alive_interval(Duration::from_secs(30))
            .http2_keep_alive_timeout(Duration::from_secs(20))
            .http2_adaptive_window(true)
            .build(Connector::new(tls, Arc::clone(&proxy), connect_timeout));
        Self { client, proxy, given: None }
    }
}

impl Service<Request<Body>> for HttpClient {
    type Response = Response<Body>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if let Some(given) = &self.given {
            return Box::pin(given.clone().oneshot(request));
        }
        if let Some(value) = self.proxy.header(request.uri()) {
            request.headers_mut().insert(http::header::PROXY_AUTHORIZATION, value);
        }
        let uri = request.uri().clone();
        let sending = self.client.request(request);
        Box::pin(async move {
            match sending.await {
                Ok(response) => Ok(response.map(incoming)),
                Err(error) => Err(explain(&uri, error)),
            }
        })
    }
}

/// An answer's body as ours.
fn incoming(body: Incoming) -> Body {
    let length = body.size_hint().exact();
    if length == Some(0) || body.is_end_stream() {
        return Body::empty();
    }
    Body::from_stream(length, Box::pin(IncomingStream(body)))
}

struct IncomingStream(Incoming);

impl Stream for IncomingStream {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        loop {
            return match std::task::ready!(Pin::new(&mut self.0).poll_frame(cx)) {
                None => Poll::Ready(None),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => Poll::Ready(Some(Ok(data))),
                    // Trailers: nothing in this API uses them.
                    Err(_) => continue,
                },
                Some(Err(error)) => {
                    let error = Error::new(ErrorKind::ConnectionLost, "the connection broke while the answer was read").with_source(error);
                    Poll::Ready(Some(Err(error)))
                }
            };
        }
    }
}

/// Says what a failure of the connection means: was anything sent, and would it help to try again?
fn explain(uri: &Uri, error: hyper_util::client::legacy::Error) -> Error {
    let server = databricks_core::Origin::of(uri).map_or_else(|| "the server".to_owned(), |origin| origin.to_string());
    let mut own = None;
    let mut tls = None;
    let mut io = None;
    let mut unsent = error.is_connect();
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(this) = cause {
        if let Some(found) = this.downcast_ref::<Error>() {
            own = own.or(Some((found.kind(), found.message().to_owned(), found.is_permanent(), found.hint().map(str::to_owned))));
        }
        tls = tls.or_else(|| this.downcast_ref::<rustls::Error>());
        io = io.or_else(|| this.downcast_ref::<std::io::Error>().map(std::io::Error::kind));
        // hyper gives a request back unsent when the connection it was to use closed before.
        unsent |= this.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled);
        // rustls' errors come wrapped in an `io::Error`, whose source is that of its content; the content itself is asked for here.
        cause = match this.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => this.source(),
        };
    }
    if let Some(rustls::Error::InvalidCertificate(why)) = tls {
        return Error::new(ErrorKind::Connect, format!("the certificate of {server} is not trusted: {}", certificate(why)))
            .with_hint("if it is signed by your company, give its certificate as ca_file")
            .with_permanent()
            .with_source(error);
    }
    if let Some((kind, message, permanent, hint)) = own {
        let mut mapped = Error::new(kind, message);
        if permanent {
            mapped = mapped.with_permanent();
        }
        if let Some(hint) = hint {
            mapped = mapped.with_hint(hint);
        }
        return mapped.with_source(error);
    }
    if !unsent {
        return Error::new(ErrorKind::ConnectionLost, format!("the connection to {server} broke before the answer came"))
            .with_source(error);
    }
    let why = match (io, tls) {
        (_, Some(_)) => "the TLS handshake failed",
        (Some(std::io::ErrorKind::ConnectionRefused), _) => "the connection was refused",
        (Some(std::io::ErrorKind::TimedOut), _) => "no answer in time",
        (Some(std::io::ErrorKind::ConnectionReset), _) => "the connection was reset",
        (Some(std::io::ErrorKind::NetworkUnreachable | std::io::ErrorKind::HostUnreachable), _) => "the network cannot be reached",
        _ if chain_has(&error, "dns error") => "its name cannot be resolved",
        _ => "no connection came about",
    };
    Error::new(ErrorKind::Connect, format!("cannot connect to {server}: {why}")).with_source(error)
}

/// hyper-util marks failures to resolve a name by this text alone.
fn chain_has(error: &(dyn StdError + 'static), text: &str) -> bool {
    let mut cause = Some(error);
    while let Some(this) = cause {
        if this.to_string().contains(text) {
            return true;
        }
        cause = this.source();
    }
    false
}

fn certificate(why: &rustls::CertificateError) -> &'static str {
    use rustls::CertificateError as E;
    match why {
        E::Expired | E::ExpiredContext { .. } => "it has expired",
        E::NotValidYet | E::NotValidYetContext { .. } => "it is not valid yet; check this machine's clock",
        E::UnknownIssuer => "no trusted authority signed it",
        E::NotValidForName | E::NotValidForNameContext { .. } => "it is for another name",
        E::Revoked => "it was revoked",
        E::BadSignature => "its signature is wrong",
        _ => "it cannot be verified",
    }
}
