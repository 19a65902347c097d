//! The credential chain: credentials that choose their provider when they are first needed, and what is known about the
//! host.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as StdMutex, OnceLock, PoisonError};

use databricks_core::{AuthHeaders, Credentials, Error, ErrorKind, Origin, Result};
use databricks_transport::{HttpService, TlsOptions, UserAgent};
use http::{HeaderMap, Uri};
use tokio::sync::{Mutex, OnceCell};

use crate::cache::TokenCache;
use crate::choose::{self, Chosen};
use crate::config::{Cloud, HostType, ResolvedConfig, WorkspaceAddress};
use crate::context::Context;
use crate::describe::Description;
use crate::error::{AuthError, AuthErrorKind};
use crate::http::Http;
use crate::runtime;

/// Where a client sends its requests: the configuration, completed by the host's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    /// Scheme and authority.
    pub base: Uri,
    /// The account's id, needed in the paths of account operations.
    pub account_id: Option<String>,
    /// The workspace's id, sent with workspace operations.
    pub workspace_id: Option<String>,
    /// The kind of host.
    pub host_type: HostType,
    /// The cloud.
    pub cloud: Cloud,
}

/// Credentials that find their provider by the configuration. Cheap to clone; clones share tokens and everything else.
///
/// Created by [`ResolvedConfig::credentials`]. Sends nothing before the first [`headers`](Credentials::headers) or
/// [`endpoint`](Self::endpoint). That call chooses a provider: the one that `auth_type` names, else the first one of
/// the chain that is configured; see the [table](crate#auth-types). The provider is kept and returns the headers from
/// then on. After an error, the next call chooses again.
///
/// ```no_run
/// # async fn example(http: databricks_transport::HttpService) -> databricks_core::Result<()> {
/// use databricks_auth::Config;
/// use databricks_core::Credentials as _;
///
/// let credentials = Config::from_env().resolve()?.credentials_over(http);
/// let headers = credentials.headers().await?;
/// println!("authenticated by {} at {}", credentials.auth_type(), credentials.endpoint().await?.base);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct CredentialChain(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) cx: Arc<Context>,
    chosen: OnceLock<Chosen>,
    /// Held while a provider is chosen.
    gate: Mutex<()>,
    /// How often no provider was found, and the last reason.
    failures: AtomicU64,
    failure: StdMutex<Option<AuthError>>,
    endpoint: OnceCell<Endpoint>,
    /// The only origin that the headers may be sent to.
    origin: OnceLock<Origin>,
    /// The caches of data plane tokens, by the authorization details that they are for.
    pub(crate) data_plane: StdMutex<BTreeMap<String, TokenCache>>,
    /// The credentials of the account on the same host, whose provider and token these use.
    account: Option<CredentialChain>,
}

impl ResolvedConfig {
    /// Creates credentials that send their token requests through the given HTTP service. Nothing is sent before
    /// headers are first needed.
    ///
    /// [`credentials`](Self::credentials) does the same with an HTTP service of its own.
    ///
    /// * `http`: sends the token requests. It must not add credentials itself.
    pub fn credentials_over(&self, http: HttpService) -> CredentialChain {
        CredentialChain::new(self.clone(), http)
    }

    /// Creates credentials with connections of their own: they use the proxy of the environment, the system's
    /// certificates, and the `http_timeout_seconds`, `skip_verify` and debug settings of this configuration. Nothing is
    /// sent before headers are first needed.
    ///
    /// [`credentials_over`](Self::credentials_over) takes an HTTP service of the caller instead.
    ///
    /// ```no_run
    /// # async fn example() -> databricks_core::Result<()> {
    /// use databricks_auth::{Config, Credentials as _};
    ///
    /// let credentials = Config::new().profile("dev").resolve()?.credentials()?;
    /// let headers = credentials.headers().await?; // for any HTTP client
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// When the system's certificates or the proxy of the environment cannot be used.
    pub fn credentials(&self) -> Result<CredentialChain> {
        Ok(self.credentials_over(self.http_service()?))
    }

    /// Creates the HTTP service that [`credentials`](Self::credentials) uses, for [`login`](Self::login),
    /// [`logout`](Self::logout) and [`exchange_token`](Self::exchange_token).
    ///
    /// # Errors
    /// When the system's certificates or the proxy of the environment cannot be used.
    pub fn http_service(&self) -> Result<HttpService> {
        let mut tls = TlsOptions::new();
        if self.skip_verify() {
            tls = tls.skip_verify(true);
        }
        let client = databricks_transport::Client::builder()
            .clock(self.clock().clone())
            .environment(self.environment().clone())
            .user_agent(UserAgent::new(self.environment()))
            .inactivity_timeout(self.http_timeout())
            .debug_headers(self.debug_headers())
            .debug_truncate_bytes(self.debug_truncate_bytes())
            .tls(tls)
            .build()?;
        Ok(client.service())
    }
}

impl CredentialChain {
    pub(crate) fn new(config: ResolvedConfig, http: HttpService) -> Self {
        Self::build(Context::new(config, Http::new(http)), None)
    }

    fn build(cx: Context, account: Option<Self>) -> Self {
        Self(Arc::new(Inner {
            cx: Arc::new(cx),
            chosen: OnceLock::new(),
            gate: Mutex::new(()),
            failures: AtomicU64::new(0),
            failure: StdMutex::new(None),
            endpoint: OnceCell::new(),
            origin: OnceLock::new(),
            data_plane: StdMutex::default(),
            account,
        }))
    }

    /// Returns the credentials for a workspace of this account.
    ///
    /// On a host that serves the account and its workspaces they are these, and share their token. Otherwise the
    /// workspace has a host of its own, where the provider that authenticates with the account is set up anew: each host
    /// has a token of its own.
    ///
    /// * `http`: makes the HTTP service for token requests to the workspace's host, whose origin it receives. It is not
    ///   called on a shared host.
    ///
    /// # Errors
    /// When the credentials are bound to the account's host, such as a token that was given; when the host does not
    /// follow from the address; else as [`headers`](Credentials::headers).
    pub async fn for_workspace(
        &self,
        workspace: &WorkspaceAddress,
        http: impl FnOnce(Origin) -> HttpService,
    ) -> Result<Self> {
        let endpoint = self.endpoint().await?;
        let config = self.config();
        if endpoint.host_type == HostType::Unified {
            let cx = &self.0.cx;
            let derived = Context::new(config.for_workspace_here(workspace)?, cx.http.clone());
            // The host is the same, so it need not be asked again.
            if let Some(metadata) = cx.metadata.get() {
                let _ = derived.metadata.set(metadata.clone());
            }
            return Ok(Self::build(derived, Some(self.clone())));
        }
        let provider = match cx_custom(&self.0.cx) {
            Some(own) => own,
            None => self.chosen().await?.name.to_owned(),
        };
        let audience = self.0.cx.metadata().await.and_then(|metadata| metadata.token_audience.clone());
        let audience = audience.or(endpoint.account_id);
        let derived = self.0.cx.config.for_workspace_host(workspace, &provider, audience)?;
        let origin = derived.host().and_then(|host| host.parse().ok()).as_ref().and_then(Origin::of);
        let origin = origin.ok_or_else(|| Error::new(ErrorKind::Config, "the host of the workspace is not a URL"))?;
        Ok(Self::new(derived, http(origin)))
    }

    /// The credentials that authenticate: these, or those of the account on the same host.
    fn authority(&self) -> &Self {
        self.0.account.as_ref().unwrap_or(self)
    }

    fn known(&self) -> Option<&Chosen> {
        self.authority().0.chosen.get()
    }

    /// Returns where requests go. What the configuration does not state is taken from the host's metadata, which is
    /// requested once, with a timeout of 5 seconds; without a response the defaults apply. With an Azure resource id in
    /// place of a host, this authenticates to find the host.
    ///
    /// # Errors
    /// When no host is configured and none can be found.
    pub async fn endpoint(&self) -> Result<Endpoint> {
        let find = || async {
            if self.0.cx.host().is_none() && self.0.cx.config.custom_credentials().is_none() {
                self.chosen().await?;
            }
            self.find_endpoint().await
        };
        self.0.endpoint.get_or_try_init(find).await.cloned()
    }

    /// Returns where requests go, if that was found out already. Sends nothing.
    pub fn known_endpoint(&self) -> Option<&Endpoint> {
        self.0.endpoint.get()
    }

    async fn find_endpoint(&self) -> Result<Endpoint> {
        let cx = &self.0.cx;
        let Some(host) = cx.host() else {
            return Err(AuthError::new(AuthErrorKind::NoCredentials, "no host is configured")
                .with_hint("set host (DATABRICKS_HOST), or choose a profile (DATABRICKS_CONFIG_PROFILE)")
                .with_warnings(cx.config.warnings())
                .into());
        };
        cx.try_metadata().await.map_err(AuthError::from)?;
        let base = host
            .url
            .parse()
            .map_err(|error| Error::new(ErrorKind::Config, format!("{} is not a URL", host.url)).with_source(error))?;
        Ok(Endpoint {
            base,
            account_id: cx.account_id().await,
            workspace_id: cx.workspace_id().await,
            host_type: cx.host_type().await,
            cloud: cx.cloud().await,
        })
    }

    /// Returns the configuration with everything known so far: from the host's metadata, the chain and the provider.
    /// Sends nothing.
    pub fn config(&self) -> ResolvedConfig {
        self.0.cx.snapshot(self.known().map(|chosen| chosen.name))
    }

    /// Describes where each attribute came from, which provider authenticates, and why the others do not. Secrets are
    /// not shown.
    ///
    /// Sends nothing: before the first request it states which providers are configured.
    pub fn describe(&self) -> Description {
        crate::describe::of_chain(&self.config(), self.known(), self.last_failure().as_ref())
    }

    /// Revokes what was created for these credentials: the personal access tokens of `azure-pat`. Best effort: failures
    /// are logged. Other providers have nothing to revoke, and neither have credentials that are shared with an account on
    /// the same host: close those.
    pub async fn close(&self) {
        if self.0.account.is_some() {
            return;
        }
        if let Some(chosen) = self.0.chosen.get() {
            chosen.headers.close().await;
        }
    }

    fn last_failure(&self) -> Option<AuthError> {
        self.authority().0.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn origin(&self) -> Option<&Origin> {
        match self.0.origin.get() {
            Some(origin) => Some(origin),
            None => self.0.cx.origin().map(|origin| self.0.origin.get_or_init(|| origin)),
        }
    }

    /// The provider, chosen on first use. Callers that wait at the same time share the error; a later call tries again.
    async fn chosen(&self) -> Result<&Chosen, AuthError> {
        let inner = &*self.authority().0;
        if let Some(chosen) = inner.chosen.get() {
            return Ok(chosen);
        }
        let seen = inner.failures.load(Ordering::Acquire);
        let _gate = inner.gate.lock().await;
        if let Some(chosen) = inner.chosen.get() {
            return Ok(chosen);
        }
        if inner.failures.load(Ordering::Acquire) != seen
            && let Some(failure) = self.last_failure()
        {
            return Err(failure);
        }
        let outcome = match runtime::guard(choose::choose(&inner.cx)).await {
            Ok(outcome) => outcome,
            Err(missing) => Err(missing.into()),
        };
        match outcome {
            Ok(chosen) => {
                inner.cx.config.choose(chosen.name);
                *inner.failure.lock().unwrap_or_else(PoisonError::into_inner) = None;
                Ok(inner.chosen.get_or_init(|| chosen))
            }
            Err(error) => {
                *inner.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
                inner.failures.fetch_add(1, Ordering::Release);
                Err(error)
            }
        }
    }
}

/// The auth type of the program's own credentials.
fn cx_custom(cx: &Context) -> Option<String> {
    cx.config.custom_credentials().map(|own| own.auth_type().to_owned())
}

impl Credentials for CredentialChain {
    /// The provider that was chosen; before that the one that `auth_type` names, or an empty string.
    fn auth_type(&self) -> &str {
        if let Some(own) = self.0.cx.config.custom_credentials() {
            return own.auth_type();
        }
        match self.known() {
            Some(chosen) => chosen.name,
            None => self.0.cx.config.stated_auth_type().unwrap_or_default(),
        }
    }

    async fn headers(&self) -> Result<AuthHeaders> {
        if let Some(own) = self.0.cx.config.custom_credentials() {
            return own.headers().await;
        }
        let headers = self.chosen().await?.headers.get().await?;
        Ok(match self.origin() {
            Some(origin) => headers.for_origin(origin.clone()),
            None => headers,
        })
    }

    fn invalidate(&self, generation: u64) -> bool {
        if let Some(own) = self.0.cx.config.custom_credentials() {
            return own.invalidate(generation);
        }
        self.known().is_some_and(|chosen| chosen.headers.invalidate(generation))
    }

    fn lend(&self, to: &mut dyn FnMut(&HeaderMap, Option<&Origin>, u64)) -> bool {
        if let Some(own) = self.0.cx.config.custom_credentials() {
            return own.lend(to);
        }
        let origin = self.origin();
        self.known().is_some_and(|chosen| chosen.headers.lend(|headers, generation| to(headers, origin, generation)))
    }
}

impl fmt::Debug for CredentialChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialChain")
            .field("auth_type", &self.auth_type())
            .field("config", &self.0.cx.config)
            .finish_non_exhaustive()
    }
}
