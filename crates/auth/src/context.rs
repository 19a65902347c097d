//! What the providers share: the configuration, HTTP, the host's metadata, and what was found out.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use databricks_core::Origin;
use http::Uri;
use tokio::sync::OnceCell;

use crate::cache::TokenCache;
use crate::config::attributes::Key;
use crate::config::cloud::{AzureEnvironment, Cloud, HostType, azure_application};
use crate::config::host::Host;
use crate::config::value::Value;
use crate::config::{ResolvedConfig, Source};
use crate::error::AuthError;
use crate::http::Http;
use crate::metadata::Metadata;
use crate::oauth_endpoints::OAuthEndpoints;
use crate::runtime::Missing;
use crate::token::DynTokenSource;

/// Shared by the providers and by all clones of the credentials.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) config: ResolvedConfig,
    pub(crate) http: Http,
    pub(crate) metadata: OnceCell<Option<Metadata>>,
    pub(crate) endpoints: OnceCell<OAuthEndpoints>,
    /// The tenant that the workspace's login page names.
    pub(crate) login_page_tenant: OnceCell<Option<String>>,
    found: Mutex<Found>,
}

/// What a provider found out.
#[derive(Debug, Default)]
struct Found {
    host: Option<(Host, &'static str)>,
    tenant: Option<(String, &'static str)>,
}

impl Context {
    pub(crate) fn new(config: ResolvedConfig, http: Http) -> Self {
        Self {
            config,
            http,
            metadata: OnceCell::new(),
            endpoints: OnceCell::new(),
            login_page_tenant: OnceCell::new(),
            found: Mutex::default(),
        }
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The host, configured or found.
    pub(crate) fn host(&self) -> Option<Host> {
        self.config.parsed_host().cloned().or_else(|| self.found().host.as_ref().map(|(host, _)| host.clone()))
    }

    /// The origin of the host.
    pub(crate) fn origin(&self) -> Option<Origin> {
        self.host().and_then(|host| host.url.parse::<Uri>().ok()).as_ref().and_then(Origin::of)
    }

    /// The URL of the host, for a provider that needs it.
    pub(crate) fn host_url(&self, provider: &str) -> Result<String, AuthError> {
        self.host().map(|host| host.url).ok_or_else(|| AuthError::failed(provider, "host is not set (DATABRICKS_HOST)"))
    }

    pub(crate) fn found_host(&self, host: Host, provider: &'static str) {
        self.found().host.get_or_insert((host, provider));
    }

    /// The Entra tenant, configured or found.
    pub(crate) fn tenant(&self) -> Option<String> {
        let configured = self.config.text(Key::AzureTenantId).map(str::to_owned);
        configured.or_else(|| self.found().tenant.as_ref().map(|(tenant, _)| tenant.clone()))
    }

    pub(crate) fn found_tenant(&self, tenant: String, provider: &'static str) {
        self.found().tenant.get_or_insert((tenant, provider));
    }

    /// The wall clock.
    pub(crate) fn now(&self) -> SystemTime {
        self.config.clock().wall()
    }

    /// The host's metadata, requested once, without credentials. `None` without a host or without a usable response.
    pub(crate) async fn metadata(&self) -> Option<&Metadata> {
        self.try_metadata().await.ok().flatten()
    }

    /// As [`metadata`](Self::metadata).
    ///
    /// # Errors
    /// When the runtime does not permit requests. The next call asks again then.
    pub(crate) async fn try_metadata(&self) -> Result<Option<&Metadata>, Missing> {
        let Some(host) = self.host() else { return Ok(None) };
        let metadata = self.metadata.get_or_try_init(|| Metadata::fetch(&self.http, &host.url, &self.config)).await?;
        Ok(metadata.as_ref())
    }

    /// The cloud. Requests the host's metadata where the configuration does not state it.
    pub(crate) async fn cloud(&self) -> Cloud {
        if self.config.is_set(Key::AzureWorkspaceResourceId) || self.config.stated_cloud().is_some() {
            return self.config.cloud();
        }
        self.config.cloud_with(self.metadata().await.and_then(|metadata| metadata.cloud))
    }

    /// The kind of host, from its metadata.
    pub(crate) async fn host_type(&self) -> HostType {
        self.metadata().await.and_then(|metadata| metadata.host_type).unwrap_or_else(|| match self.host() {
            Some(host) if host.is_account() => HostType::Account,
            _ => HostType::Workspace,
        })
    }

    pub(crate) async fn account_id(&self) -> Option<String> {
        match self.config.account_id() {
            Some(id) => Some(id.to_owned()),
            None => self.metadata().await.and_then(|metadata| metadata.account_id.clone()),
        }
    }

    pub(crate) async fn workspace_id(&self) -> Option<String> {
        match self.config.workspace_id() {
            Some(id) => Some(id.to_owned()),
            None => self.metadata().await.and_then(|metadata| metadata.workspace_id.clone()),
        }
    }

    /// The separate Azure cloud that the host, or else the configuration, names.
    pub(crate) fn azure_environment(&self) -> AzureEnvironment {
        let of_host = self.host().and_then(|host| AzureEnvironment::of_host(&host.name));
        let stated = || self.config.text(Key::AzureEnvironment).and_then(AzureEnvironment::named);
        of_host.or_else(stated).unwrap_or(AzureEnvironment::Public)
    }

    /// The resource of Azure tokens.
    pub(crate) fn azure_application(&self) -> &'static str {
        azure_application(self.host().as_ref().map(|host| host.name.as_str()))
    }

    /// The scopes as one string.
    pub(crate) fn scope(&self) -> String {
        self.config.scopes().join(" ")
    }

    /// A cache with the clock and the settings of the configuration.
    pub(crate) fn cache(&self, provider: &str, source: impl DynTokenSource + 'static) -> TokenCache {
        let renew_ahead = !self.config.flag(Key::DisableAsyncTokenRefresh);
        TokenCache::build(provider, Box::new(source), self.config.clock().clone(), renew_ahead)
    }

    /// The configuration with everything found out so far. Sends nothing.
    pub(crate) fn snapshot(&self, chosen: Option<&str>) -> ResolvedConfig {
        let mut settings = self.config.settings().clone();
        let host = self.host();
        {
            let found = self.found();
            let source = |provider: &str| Source::Provider { name: provider.to_owned() };
            if let Some((host, provider)) = &found.host {
                settings.fill(Key::Host, Value::Text(host.url.clone()), source(provider));
            }
            if let Some((tenant, provider)) = &found.tenant {
                settings.fill(Key::AzureTenantId, Value::Text(tenant.clone()), source(provider));
            }
            if let Some(name) = chosen {
                settings.fill(
                    Key::AuthType,
                    Value::Text(name.to_owned()),
                    Source::Provider { name: "the chain".to_owned() },
                );
            }
        }
        let metadata = self.metadata.get().and_then(Option::as_ref);
        if let Some(metadata) = metadata {
            metadata.fill(&mut settings);
        }
        self.config.with(host, metadata.and_then(|metadata| metadata.host_type), settings)
    }
}
