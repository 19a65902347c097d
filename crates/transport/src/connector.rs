//! From a URL to a connection: TCP, perhaps through a proxy, perhaps with TLS on top.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use databricks_core::{Error, ErrorKind, Result};
use http::Uri;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::ClientConfig;
use tokio::sync::OnceCell;
use tower::{Service, ServiceExt as _};

use crate::connect_error::{self, Failure, Peer};
use crate::proxy::{Proxy, ProxyRules};
use crate::resolver::Resolver;
use crate::stream::Stream;
use crate::{TlsOptions, tunnel};

/// Makes connections. Clones share the configuration of TLS, which is built at the first encrypted connection.
#[derive(Clone)]
pub(crate) struct Connector(Arc<Shared>);

struct Shared {
    http: HttpConnector<Resolver>,
    tls: TlsOptions,
    to_server: OnceCell<Arc<ClientConfig>>,
    to_proxy: OnceCell<Arc<ClientConfig>>,
    proxy: Arc<ProxyRules>,
    /// The longest time for each step: TCP, the proxy, TLS.
    limit: Duration,
}

impl Connector {
    /// A connector whose steps (TCP, proxy, TLS) may take `connect_timeout` each.
    pub(crate) fn new(tls: TlsOptions, proxy: Arc<ProxyRules>, connect_timeout: Duration) -> Self {
        let mut http = HttpConnector::new_with_resolver(Resolver);
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(connect_timeout));
        http.set_keepalive(Some(Duration::from_secs(30)));
        Self(Arc::new(Shared {
            http,
            tls,
            to_server: OnceCell::new(),
            to_proxy: OnceCell::new(),
            proxy,
            limit: connect_timeout,
        }))
    }
}

impl Shared {
    async fn connect(&self, uri: Uri) -> Result<Stream> {
        let server = Peer::server(&uri);
        // First, since it needs no connection to find that files of certificates cannot be used.
        let encrypted = match uri.scheme_str() {
            Some("https") => Some(self.to_server(uri.host().unwrap_or_default()).await?),
            _ => None,
        };
        let stream = match self.proxy.intercept(&uri) {
            None => self.tcp(&uri, &server).await?,
            Some(proxy) if proxy.is_socks() => self.socks(&proxy, &uri).await?,
            Some(proxy) => {
                let peer = Peer::Proxy(Arc::clone(&proxy));
                let mut stream = self.tcp(proxy.uri(), &peer).await?;
                if proxy.uri().scheme_str() == Some("https") {
                    stream = self.tls(stream, proxy.uri(), self.config(&self.to_proxy, false).await?, &peer).await?;
                } else if encrypted.is_none() {
                    stream = stream.plain(peer.clone());
                }
                if encrypted.is_none() {
                    return Ok(stream.proxied());
                }
                let asking = tunnel::connect(stream, &uri, proxy.basic_auth(), &peer);
                self.within(&peer, "the connection through it", asking).await?
            }
        };
        match encrypted {
            Some(config) => self.tls(stream, &uri, config, &server).await,
            None => Ok(stream.plain(server)),
        }
    }

    async fn tcp(&self, uri: &Uri, peer: &Peer) -> Result<Stream> {
        let connecting = self.http.clone().oneshot(uri.clone());
        let connecting =
            async { connecting.await.map(Stream::new).map_err(|error| connect_error::tcp(peer, uri, error)) };
        self.within(peer, "the connection", connecting).await
    }

    /// The configuration of TLS to a server, which offers HTTP/2.
    async fn to_server(&self, host: &str) -> Result<Arc<ClientConfig>> {
        self.tls.check_host(host)?;
        self.config(&self.to_server, true).await
    }

    async fn tls(&self, stream: Stream, uri: &Uri, config: Arc<ClientConfig>, peer: &Peer) -> Result<Stream> {
        let shaking = HttpsConnector::from((once(stream), config)).oneshot(uri.clone());
        let shaking = async { shaking.await.map(Stream::new).map_err(|error| connect_error::tls(peer, error)) };
        self.within(peer, "the TLS handshake", shaking).await
    }

    /// A configuration of TLS. It is made on a thread for blocking work, since it reads files.
    async fn config(&self, cell: &OnceCell<Arc<ClientConfig>>, alpn: bool) -> Result<Arc<ClientConfig>> {
        let make = || async {
            let tls = self.tls.clone();
            match tokio::task::spawn_blocking(move || tls.client_config(alpn)).await {
                Ok(made) => made.map(Arc::new),
                Err(error) => {
                    Err(Error::new(ErrorKind::Other, "the configuration of TLS could not be made").with_source(error))
                }
            }
        };
        cell.get_or_try_init(make).await.cloned()
    }

    async fn within<T>(&self, peer: &Peer, step: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        match tokio::time::timeout(self.limit, work).await {
            Ok(result) => result,
            Err(_) => Err(connect_error::late(peer, step, self.limit)),
        }
    }

    #[cfg(feature = "socks")]
    async fn socks(&self, proxy: &Arc<Proxy>, uri: &Uri) -> Result<Stream> {
        use hyper_util::client::legacy::connect::proxy::SocksV5;

        let peer = Peer::Proxy(Arc::clone(proxy));
        let stream = self.tcp(proxy.uri(), &peer).await?;
        // socks5h leaves the resolution of names to the proxy, socks5 does not.
        let local_dns = proxy.uri().scheme_str() == Some("socks5");
        let mut socks = SocksV5::new(proxy.uri().clone(), once(stream)).local_dns(local_dns);
        if let Some((user, password)) = proxy.user() {
            socks = socks.with_auth(user, password);
        }
        let host = uri.host().unwrap_or_default();
        let connecting = async {
            let refused = |why| Error::new(ErrorKind::Connect, format!("{peer} does not connect to {host} ({why})"));
            socks.oneshot(uri.clone()).await.map(Stream::new).map_err(|error| refused(error.to_string()))
        };
        self.within(&peer, "the connection through it", connecting).await
    }

    #[cfg(not(feature = "socks"))]
    async fn socks(&self, proxy: &Arc<Proxy>, _: &Uri) -> Result<Stream> {
        Err(crate::proxy::needs_socks(proxy.source()))
    }
}

/// A connection that is there already, in the form that protocols on top of it ask for.
fn once(stream: Stream) -> impl Service<Uri, Response = Stream, Error = io::Error, Future: Send + 'static> + Send {
    let mut stream = Some(stream);
    tower::service_fn(move |_: Uri| {
        let stream = stream.take().ok_or_else(|| io::Error::other("the connection is in use"));
        async { stream }
    })
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, Failure>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move { shared.connect(uri).await.map_err(Failure::new) })
    }
}
