//! From a URL to a connection: TCP, perhaps through a proxy, perhaps with TLS on top.

use std::error::Error as StdError;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use databricks_core::{Error, ErrorKind, Result};
use http::{HeaderValue, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use rustls::ClientConfig;
use tower::{Service, ServiceExt as _};

use crate::proxy::ProxyRules;
use crate::{TlsOptions, tunnel};

type BoxError = Box<dyn StdError + Send + Sync>;

/// Makes connections. Clones share the configuration of TLS, which is built at the first encrypted connection.
#[derive(Clone)]
pub(crate) struct Connector(Arc<Shared>);

struct Shared {
    http: HttpConnector,
    tls: TlsOptions,
    to_server: OnceLock<Arc<ClientConfig>>,
    to_proxy: OnceLock<Arc<ClientConfig>>,
    proxy: Arc<ProxyRules>,
    limit: Duration,
}

impl Connector {
    /// A connector that gives up after `connect_timeout` to connect, and after as long again to pass proxy and TLS.
    pub(crate) fn new(tls: TlsOptions, proxy: Arc<ProxyRules>, connect_timeout: Duration) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(connect_timeout));
        http.set_keepalive(Some(Duration::from_secs(30)));
        let limit = connect_timeout.saturating_mul(2);
        Self(Arc::new(Shared { http, tls, to_server: OnceLock::new(), to_proxy: OnceLock::new(), proxy, limit }))
    }
}

impl Shared {
    /// TLS to a server, offering HTTP/2.
    fn to_server(&self, host: &str) -> Result<Arc<ClientConfig>> {
        self.tls.check_host(host)?;
        cached(&self.to_server, || self.tls.client_config(true))
    }

    /// TLS to a proxy, which speaks HTTP/1.1.
    fn to_proxy(&self) -> Result<Arc<ClientConfig>> {
        cached(&self.to_proxy, || self.tls.client_config(false))
    }

    async fn connect(&self, uri: Uri) -> Result<Stream, BoxError> {
        let host = uri.host().unwrap_or_default();
        let encrypted = uri.scheme_str() == Some("https");
        let Some(proxy) = self.proxy.intercept(&uri) else {
            return Ok(if encrypted {
                Stream::new(HttpsConnector::from((self.http.clone(), self.to_server(host)?)).oneshot(uri).await?)
            } else {
                Stream::new(self.http.clone().oneshot(uri).await?)
            });
        };
        let proxy_uri = proxy.uri().clone();
        if proxy_uri.scheme_str().is_some_and(|scheme| scheme.starts_with("socks")) {
            return self.socks(&proxy, uri).await;
        }
        let to_proxy =
            ToProxy { http: self.http.clone(), tls: if proxy_uri.scheme_str() == Some("https") { Some(self.to_proxy()?) } else { None } };
        if !encrypted {
            let mut stream = to_proxy.oneshot(proxy_uri).await.map_err(to_the_proxy)?;
            stream.proxied = true;
            return Ok(stream);
        }
        let tunnel = Tunnel { to_proxy, proxy: proxy_uri, auth: proxy.basic_auth().cloned() };
        Ok(Stream::new(HttpsConnector::from((tunnel, self.to_server(host)?)).oneshot(uri).await?))
    }

    #[cfg(feature = "socks")]
    async fn socks(&self, proxy: &hyper_util::client::proxy::matcher::Intercept, uri: Uri) -> Result<Stream, BoxError> {
        use hyper_util::client::legacy::connect::proxy::SocksV5;

        // socks5h leaves the resolution of names to the proxy, socks5 does not.
        let local_dns = proxy.uri().scheme_str() == Some("socks5");
        let mut socks = SocksV5::new(proxy.uri().clone(), self.http.clone()).local_dns(local_dns);
        if let Some((user, password)) = proxy.raw_auth() {
            socks = socks.with_auth(user.to_owned(), password.to_owned());
        }
        let host = uri.host().unwrap_or_default();
        Ok(if uri.scheme_str() == Some("https") {
            Stream::new(HttpsConnector::from((socks, self.to_server(host)?)).oneshot(uri).await?)
        } else {
            Stream::new(socks.oneshot(uri).await.map_err(|e| to_the_proxy(e.into()))?)
        })
    }

    #[cfg(not(feature = "socks"))]
    async fn socks(&self, _: &hyper_util::client::proxy::matcher::Intercept, _: Uri) -> Result<Stream, BoxError> {
        Err(Error::new(ErrorKind::Config, "a SOCKS proxy is set, which needs the feature socks of databricks-transport")
            .with_permanent()
            .into())
    }
}

fn cached(cell: &OnceLock<Arc<ClientConfig>>, make: impl FnOnce() -> Result<ClientConfig>) -> Result<Arc<ClientConfig>> {
    if let Some(config) = cell.get() {
        return Ok(Arc::clone(config));
    }
    // Two first connections at once may both get here; the first to finish is kept.
    let made = Arc::new(make()?);
    Ok(Arc::clone(cell.get_or_init(|| made)))
}

/// What went wrong between us and the proxy.
fn to_the_proxy(error: BoxError) -> BoxError {
    Error::new(ErrorKind::Connect, "cannot connect to the proxy").with_source(error).into()
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move {
            match tokio::time::timeout(shared.limit, shared.connect(uri)).await {
                Ok(result) => result,
                Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "timed out").into()),
            }
        })
    }
}

/// A connection to a proxy, encrypted if its URL says so.
#[derive(Clone)]
struct ToProxy {
    http: HttpConnector,
    tls: Option<Arc<ClientConfig>>,
}

impl Service<Uri> for ToProxy {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let Self { http, tls } = self.clone();
        Box::pin(async move {
            Ok(match tls {
                Some(tls) => Stream::new(HttpsConnector::from((http, tls)).oneshot(uri).await?),
                None => Stream::new(http.oneshot(uri).await?),
            })
        })
    }
}

/// A tunnel through a proxy.
#[derive(Clone)]
struct Tunnel {
    to_proxy: ToProxy,
    proxy: Uri,
    auth: Option<HeaderValue>,
}

impl Service<Uri> for Tunnel {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let Self { to_proxy, proxy, auth } = self.clone();
        Box::pin(async move {
            let stream = to_proxy.oneshot(proxy).await.map_err(to_the_proxy)?;
            Ok(tunnel::connect(stream, &target, auth.as_ref()).await?)
        })
    }
}

trait Io: Read + Write + Connection + Send + Unpin {}
impl<T: Read + Write + Connection + Send + Unpin> Io for T {}

/// A connection of whatever kind.
pub(crate) struct Stream {
    io: Box<dyn Io>,
    /// Whether requests on it must name the whole URL, since the other end is a proxy.
    proxied: bool,
}

impl Stream {
    fn new(io: impl Io + 'static) -> Self {
        Self { io: Box::new(io), proxied: false }
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        let connected = self.io.connected();
        if self.proxied { connected.proxy(true) } else { connected }
    }
}

impl Read for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io).poll_read(cx, buf)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.io).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io).poll_shutdown(cx)
    }
    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.io).poll_write_vectored(cx, bufs)
    }
}
