//! Clients with settings that no profile has: user agent, headers, TLS, proxy, retries.

use std::marker::PhantomData;
use std::time::Duration;

use databricks_auth::Config;
use databricks_core::{Body, Error, Origin, Result};
use databricks_transport::{HttpService, ProxyOptions, RetryPolicy, TlsOptions, UserAgent};
use http::{Request, Response};
use tower::{Layer, Service};

use crate::client::Client;

/// Builds a [`WorkspaceClient`](crate::WorkspaceClient), an [`AccountClient`](crate::AccountClient), or the [`Client`]
/// that both wrap.
///
/// ```
/// use databricks_sdk::{Config, TlsOptions, WorkspaceClient};
///
/// # fn example() -> databricks_sdk::Result<()> {
/// let w = WorkspaceClient::builder()
///     .config(Config::new().profile("staging"))
///     .product("my-app", "1.2.0")
///     .tls(TlsOptions::new().ca_file("/etc/ssl/company.pem"))
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing until it builds"]
pub struct ClientBuilder<C = Client> {
    builds: PhantomData<fn() -> C>,
    pub(crate) config: Config,
    pub(crate) product: Option<(String, String)>,
    pub(crate) extras: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) tls: TlsOptions,
    pub(crate) proxy: ProxyOptions,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) inactivity_timeout: Option<Duration>,
    pub(crate) connection: Option<HttpService>,
    /// What the layers of the caller's own are put into.
    layered: databricks_transport::ClientBuilder,
}

impl<C> std::fmt::Debug for ClientBuilder<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("config", &self.config)
            .field("product", &self.product)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A builder around this configuration.
    pub fn builder(config: Config) -> ClientBuilder {
        ClientBuilder::new(config)
    }
}

impl<C: From<Client>> ClientBuilder<C> {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            builds: PhantomData,
            config,
            product: None,
            extras: Vec::new(),
            headers: Vec::new(),
            retry: None,
            tls: TlsOptions::default(),
            proxy: ProxyOptions::default(),
            connect_timeout: None,
            inactivity_timeout: None,
            connection: None,
            layered: databricks_transport::Client::builder(),
        }
    }

    /// Sets the configuration. What it leaves open comes from the environment and the profile file. Default: all of it
    /// does.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets the name and version of the program in the user agent, so that audit logs show whose requests they are.
    /// Default: `unknown/0.0.0`.
    ///
    /// * `version`: a semantic version.
    pub fn product(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.product = Some((name.into(), version.into()));
        self
    }

    /// Adds `name/value` to the user agent.
    pub fn user_agent_extra(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extras.push((name.into(), value.into()));
        self
    }

    /// Adds a header to every request to the client's own host.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the retry policy: which failures are retried, how often and how soon. Default: for up to
    /// `retry_timeout_seconds` of the configuration, 5 minutes.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// Certificates: further roots, a client certificate, which HTTP versions to offer.
    pub fn tls(mut self, options: TlsOptions) -> Self {
        self.tls = options;
        self
    }

    /// Sets the proxy. Default: that of `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.
    pub fn proxy(mut self, options: ProxyOptions) -> Self {
        self.proxy = options;
        self
    }

    /// Sets the timeout of connecting, and again of the TLS handshake. Default: 30 s.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = Some(limit);
        self
    }

    /// Sets the idle timeout: how long no data may be sent or received. Default: `http_timeout_seconds` of the
    /// configuration, 60 s.
    pub fn inactivity_timeout(mut self, limit: Duration) -> Self {
        self.inactivity_timeout = Some(limit);
        self
    }

    /// Sets the service that sends requests in place of connections of its own: another HTTP client, or a script in a
    /// test. See [`connection`](databricks_transport::ClientBuilder::connection).
    pub fn connection(mut self, service: HttpService) -> Self {
        self.connection = Some(service);
        self
    }

    /// Puts a tower layer of one's own around each call, outside of its timeout and retries; see
    /// [`call_layer`](databricks_transport::ClientBuilder::call_layer). The example `layers` shows one.
    pub fn call_layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<HttpService> + Send + Sync + 'static,
        L::Service: Service<Request<Body>, Response = Response<Body>, Error = Error> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request<Body>>>::Future: Send + 'static,
    {
        self.layered = self.layered.call_layer(layer);
        self
    }

    /// Puts a tower layer of one's own around what each attempt sends, secrets included; see
    /// [`attempt_layer`](databricks_transport::ClientBuilder::attempt_layer). The example `layers` shows one.
    pub fn attempt_layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<HttpService> + Send + Sync + 'static,
        L::Service: Service<Request<Body>, Response = Response<Body>, Error = Error> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request<Body>>>::Future: Send + 'static,
    {
        self.layered = self.layered.attempt_layer(layer);
        self
    }

    /// Reads the environment and the profile file and builds the client. Nothing is sent.
    ///
    /// # Errors
    /// When a setting is wrong; the message names it and where it came from.
    pub fn build(self) -> Result<C> {
        let Self {
            builds: _,
            config,
            product,
            extras,
            headers,
            retry,
            tls,
            proxy,
            connect_timeout,
            inactivity_timeout,
            connection,
            layered,
        } = self;
        let config = config.resolve()?;
        let mut user_agent = UserAgent::new(config.environment());
        if let Some((name, version)) = product {
            user_agent = user_agent.product(&name, &version)?;
        }
        for (name, value) in extras {
            user_agent = user_agent.extra(&name, &value)?;
        }
        let retry = retry.unwrap_or_else(|| RetryPolicy::default().budget(config.retry_timeout()));
        let tls = if config.skip_verify() { tls.skip_verify(true) } else { tls };
        let mut common = layered
            .clock(config.clock().clone())
            .environment(config.environment().clone())
            .user_agent(user_agent)
            .inactivity_timeout(inactivity_timeout.unwrap_or(config.http_timeout()))
            .retry(retry)
            .proxy(proxy)
            .debug_headers(config.debug_headers())
            .debug_truncate_bytes(config.debug_truncate_bytes());
        if let Some(limit) = connect_timeout {
            common = common.connect_timeout(limit);
        }
        if let Some(service) = connection {
            common = common.connection(service);
        }
        // Cloud storage sees neither the certificate of this client nor its headers, and has no part in the limit that
        // the API sets.
        let mut storage_tls = tls.clone().http1_only(true);
        storage_tls.client_certificate = None;
        let storage = common.clone().tls(storage_tls).rate_limit(None);
        let mut transport = common.tls(tls).rate_limit(Some(config.rate_limit()));
        // Credentials and headers go to this host alone. Where an Azure resource id stands for it, authentication binds
        // what it hands out.
        if let Some(origin) = config.host().and_then(|host| host.parse().ok()).and_then(|uri| Origin::of(&uri)) {
            transport = transport.origin(origin);
        }
        for (name, value) in headers {
            transport = transport.header(name, value);
        }
        Ok(Client::assemble(config, transport.build()?, storage).into())
    }
}
