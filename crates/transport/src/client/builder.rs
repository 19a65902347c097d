//! The settings of a client and their defaults.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use databricks_core::{Body, Error, ErrorKind, Origin, Result, SharedCredentials};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use tower::{Layer, Service};

use super::{Client, Settings};
use crate::http_client::HttpClient;
use crate::layers::{DebugLogLayer, RateLimitLayer};
use crate::user_layers::UserLayers;
use crate::{Environment, HttpService, ProxyOptions, RetryPolicy, SharedClock, TlsOptions, UserAgent};

/// Builds a [`Client`]. Every setting has a default.
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientBuilder {
    credentials: Option<SharedCredentials>,
    origin: Option<Origin>,
    user_agent: Option<UserAgent>,
    headers: Vec<(String, String)>,
    retry: RetryPolicy,
    rate_limit: Option<u32>,
    inactivity: Duration,
    connect_timeout: Duration,
    pool_idle_timeout: Duration,
    tls: TlsOptions,
    proxy: ProxyOptions,
    environment: Option<Environment>,
    debug_headers: bool,
    debug_truncate_bytes: usize,
    response_limit: usize,
    clock: SharedClock,
    connection: Option<Connection>,
    call_layers: UserLayers,
    attempt_layers: UserLayers,
}

/// A service in place of the own connections.
#[derive(Clone)]
struct Connection(HttpService);

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            credentials: None,
            origin: None,
            user_agent: None,
            headers: Vec::new(),
            retry: RetryPolicy::default(),
            rate_limit: Some(15),
            inactivity: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(30),
            pool_idle_timeout: Duration::from_secs(90),
            tls: TlsOptions::default(),
            proxy: ProxyOptions::default(),
            environment: None,
            debug_headers: false,
            debug_truncate_bytes: 96,
            response_limit: 256 << 20,
            clock: SharedClock::default(),
            connection: None,
            call_layers: UserLayers::default(),
            attempt_layers: UserLayers::default(),
        }
    }
}

impl ClientBuilder {
    /// Sets the service that sends requests in place of connections of its own: another HTTP client, or a script in a
    /// test. It gets requests ready to go and hands out responses of any status. Settings of TLS, proxies and
    /// connections then have no effect.
    pub fn connection(mut self, service: HttpService) -> Self {
        self.connection = Some(Connection(service));
        self
    }

    /// Puts a layer of one's own around the call as a whole: outside of its span, timeout and retries, so that it sees
    /// each call once, with the error that the caller gets. The first layer that is added is the outermost.
    ///
    /// It may change the request, send it more than once or respond itself. Requests for tokens and for the host's metadata
    /// pass it too.
    pub fn call_layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<HttpService> + Send + Sync + 'static,
        L::Service: Service<Request<Body>, Response = Response<Body>, Error = Error> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request<Body>>>::Future: Send + 'static,
    {
        self.call_layers.push(layer);
        self
    }

    /// Puts a layer of one's own around what an attempt sends: inside of retries, authentication and redirects, so that
    /// it sees every request as it goes out, secrets included, and its response of whatever status, still compressed. The
    /// first layer that is added is the outermost.
    pub fn attempt_layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<HttpService> + Send + Sync + 'static,
        L::Service: Service<Request<Body>, Response = Response<Body>, Error = Error> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request<Body>>>::Future: Send + 'static,
    {
        self.attempt_layers.push(layer);
        self
    }

    /// Sets the credentials of every request. Default: none.
    pub fn credentials(mut self, credentials: SharedCredentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Sets the client's own host: the only place that gets its credentials and configured headers. Without, every host
    /// that is asked does.
    pub fn origin(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Sets the user agent. Default: read from the environment.
    pub fn user_agent(mut self, user_agent: UserAgent) -> Self {
        self.user_agent = Some(user_agent);
        self
    }

    /// Adds a header to every request that has none of this name.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the retry policy: what is retried, and when. Default: for up to 5 minutes.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Sets the most attempts per second, of this client and all its clones; 15 by default, `None` for no limit.
    pub fn rate_limit(mut self, per_second: Option<u32>) -> Self {
        self.rate_limit = per_second;
        self
    }

    /// Sets the idle timeout: how long no data may be sent or received. Default: 60 s.
    pub fn inactivity_timeout(mut self, limit: Duration) -> Self {
        self.inactivity = limit;
        self
    }

    /// Sets the timeout of each step of connecting (TCP with the look-up of the name, the proxy, the TLS handshake); 30
    /// s by default.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Sets how long a connection may be unused before it is closed. Default: 90 s.
    pub fn pool_idle_timeout(mut self, limit: Duration) -> Self {
        self.pool_idle_timeout = limit;
        self
    }

    /// Sets certificates, trust and protocol versions of TLS.
    pub fn tls(mut self, options: TlsOptions) -> Self {
        self.tls = options;
        self
    }

    /// Sets the proxy. Default: that of the environment.
    pub fn proxy(mut self, options: ProxyOptions) -> Self {
        self.proxy = options;
        self
    }

    /// Sets the environment in place of that of the process: proxy variables, `SSL_CERT_FILE`, and what the user agent
    /// names.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// Sets whether the debug log has headers. Default: it has not. Secrets are hidden either way.
    pub fn debug_headers(mut self, on: bool) -> Self {
        self.debug_headers = on;
        self
    }

    /// Sets where the debug log cuts strings. Default: at 96 bytes.
    pub fn debug_truncate_bytes(mut self, bytes: usize) -> Self {
        self.debug_truncate_bytes = bytes;
        self
    }

    /// Sets the most bytes of a response that are read at once, which leaves out streams; 256 MiB by default.
    pub fn response_limit(mut self, bytes: usize) -> Self {
        self.response_limit = bytes;
        self
    }

    /// Sets the clock of all pauses and timeouts. Default: tokio's.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Builds the client. Sends nothing, reads no file and needs no runtime.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the setting that makes no sense: a proxy's URL or a header.
    pub fn build(self) -> Result<Client> {
        let environment = self.environment.unwrap_or_else(Environment::process);
        let mut tls = self.tls;
        if let Some(file) = environment.get("SSL_CERT_FILE") {
            tls.env_file = Some(file.into());
        }
        let proxy = Arc::new(self.proxy.rules(&environment)?);
        let http = HttpClient::new(tls, proxy, self.connect_timeout, self.pool_idle_timeout)
            .through(self.connection.map(|connection| connection.0));
        let settings = Settings {
            http: if self.attempt_layers.is_empty() {
                http
            } else {
                http.clone().through(Some(self.attempt_layers.around(http.service())))
            },
            credentials: self.credentials,
            origin: self.origin,
            user_agent: self.user_agent.unwrap_or_else(|| UserAgent::new(&environment)),
            headers: headers(&self.headers)?,
            retry: self.retry,
            limit: RateLimitLayer::new(self.rate_limit, self.clock.clone()),
            inactivity: self.inactivity,
            log: DebugLogLayer::new(self.debug_headers, self.debug_truncate_bytes),
            response_limit: self.response_limit,
            environment,
            clock: self.clock,
            call_layers: self.call_layers,
        };
        Ok(settings.into_client())
    }
}

fn headers(given: &[(String, String)]) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let refuse = |why: &str| Error::new(ErrorKind::Config, format!("the configured header {name:?} {why}"));
        let name = HeaderName::try_from(name.as_str()).map_err(|_| refuse("has a name that no header may have"))?;
        let value = HeaderValue::from_str(value)
            .map_err(|_| refuse("has a value with characters that no header may hold; check for line breaks"))?;
        headers.append(name, value);
    }
    Ok(headers)
}
