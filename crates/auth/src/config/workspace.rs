//! The configuration of a workspace, derived from that of its account.

use std::sync::{Arc, OnceLock};

use super::attributes::Key;
use super::cloud;
use super::host::Host;
use super::resolved::{Parts, ResolvedConfig};
use super::source::Source;
use super::value::Value;
use crate::error::{AuthError, AuthErrorKind};

/// A workspace, as the list of an account's workspaces states it; see
/// [`CredentialChain::for_workspace`](crate::CredentialChain::for_workspace).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct WorkspaceAddress {
    pub(crate) deployment_name: Option<String>,
    pub(crate) workspace_id: Option<String>,
    pub(crate) azure_resource_id: Option<String>,
}

impl WorkspaceAddress {
    /// An address that states nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the deployment name: the name of the host up to the domain.
    pub fn deployment_name(mut self, name: impl Into<String>) -> Self {
        self.deployment_name = Some(name.into());
        self
    }

    /// Sets the id of the workspace.
    pub fn workspace_id(mut self, id: i64) -> Self {
        self.workspace_id = Some(id.to_string());
        self
    }

    /// Sets the resource id of a workspace on Azure, `/subscriptions/…/workspaces/…`.
    pub fn azure_resource_id(mut self, id: impl Into<String>) -> Self {
        self.azure_resource_id = Some(id.into());
        self
    }
}

impl ResolvedConfig {
    /// The same host, for one of the workspaces that it serves.
    pub(crate) fn for_workspace_here(&self, address: &WorkspaceAddress) -> Result<Self, AuthError> {
        let id = address.workspace_id.clone().ok_or_else(|| {
            invalid("the workspace has no id, which names it on a host that serves several; take it from the list of workspaces")
        })?;
        let mut settings = self.settings().clone();
        settings.replace(Key::WorkspaceId, Value::Text(id), OF_ACCOUNT);
        Ok(self.with(self.parsed_host().cloned(), Some(cloud::HostType::Unified), settings))
    }

    /// The configuration for the host of a workspace of this account, with what is valid there.
    ///
    /// * `provider`: what authenticates with the account. The workspace is authenticated by the same.
    /// * `audience`: that of the account's token exchange, which its federation policies name.
    pub(crate) fn for_workspace_host(
        &self,
        address: &WorkspaceAddress,
        provider: &str,
        audience: Option<String>,
    ) -> Result<Self, AuthError> {
        let host = self.workspace_host(address)?;
        let refuse = |what: &str| {
            Err(AuthError::new(
                AuthErrorKind::UntrustedEndpoint,
                format!("{what} for {}, so it is not sent to {}", self.host().unwrap_or("the account"), host.url),
            )
            .with_hint("make a WorkspaceClient with that host and credentials for it")
            .with_provider(provider))
        };
        match provider {
            "pat" => return refuse("the token was given"),
            "basic" => return refuse("user name and password were given"),
            "model-serving" => return refuse("the token of model serving is"),
            _ if self.custom_credentials().is_some() => return refuse("the program's own credentials were given"),
            _ => {}
        }
        let mut settings = self.settings().clone();
        let account = self.host().map(str::to_owned);
        for key in [Key::TokenEndpoint, Key::DiscoveryUrl] {
            // An identity provider of the user's own serves all hosts; the account's own endpoint only the account.
            let is_of_account =
                settings.text(key).zip(account.as_deref()).is_some_and(|(url, host)| is_below(&url, host));
            if is_of_account {
                settings.remove(key);
            }
        }
        // Personal access tokens and passwords that do not authenticate here have no business at the other host.
        for key in [Key::Token, Key::Username, Key::Password, Key::AzureWorkspaceResourceId, Key::WorkspaceId] {
            settings.remove(key);
        }
        settings.replace(Key::Host, Value::Text(host.url.clone()), OF_ACCOUNT);
        settings.replace(Key::AuthType, Value::Text(provider.to_owned()), OF_ACCOUNT);
        if let Some(audience) = audience {
            settings.fill(Key::TokenAudience, Value::Text(audience), OF_ACCOUNT);
        }
        for (key, value) in
            [(Key::WorkspaceId, &address.workspace_id), (Key::AzureWorkspaceResourceId, &address.azure_resource_id)]
        {
            if let Some(value) = value {
                settings.replace(key, Value::Text(value.clone()), OF_ACCOUNT);
            }
        }
        let derived = self.with(Some(host), Some(cloud::HostType::Workspace), settings);
        Ok(derived.at_another_host(account))
    }

    /// The host of a workspace: its deployment name in the domain of the account console.
    fn workspace_host(&self, address: &WorkspaceAddress) -> Result<Host, AuthError> {
        let account = self.parsed_host().ok_or_else(|| invalid("the account has no host"))?;
        let suffix = cloud::suffix_of(&account.name).filter(|_| account.is_account()).ok_or_else(|| {
            invalid(format!(
                "the hosts of workspaces do not follow from {}, which is not an account console; make a WorkspaceClient with the \
                 host of the workspace",
                account.url
            ))
        })?;
        let name = address.deployment_name.as_deref().filter(|name| !name.is_empty()).ok_or_else(|| {
            invalid("the workspace has no deployment name, so its host is not known; it may not be deployed yet")
        })?;
        let is_label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !name.split('.').all(is_label) {
            return Err(invalid(format!(
                "{name:?} is not a deployment name: it may have letters, digits, hyphens and dots"
            )));
        }
        Host::parse(&format!("https://{name}{suffix}"), false)
            .map_err(|_| invalid(format!("{name:?} is not a deployment name")))
    }
}

const OF_ACCOUNT: Source = Source::Attribute { name: "the account's workspace" };

fn invalid(why: impl Into<String>) -> AuthError {
    AuthError::new(AuthErrorKind::InvalidHost, why)
}

/// Whether a URL lies on this origin.
fn is_below(url: &str, origin: &str) -> bool {
    url.strip_prefix(origin).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

impl Parts {
    /// What was found out for one host is not valid for another.
    pub(super) fn moved(mut self, from: Option<String>) -> Self {
        // A profile without a host meant the host that was used with it.
        self.profile_host = self.profile_host.or(from);
        self.chosen = Arc::new(OnceLock::new());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    fn account(config: Config) -> ResolvedConfig {
        config.host("https://accounts.cloud.databricks.com").account_id("acc").resolve().unwrap()
    }

    fn m2m() -> ResolvedConfig {
        account(Config::hermetic().client_id("id").client_secret("secret"))
    }

    #[test]
    fn the_host_is_the_deployment_in_the_domain_of_the_account() {
        for (console, host) in [
            ("https://accounts.cloud.databricks.com", "https://dbc-1.cloud.databricks.com"),
            ("https://accounts.staging.cloud.databricks.com", "https://dbc-1.staging.cloud.databricks.com"),
            ("https://accounts.cloud.databricks.us", "https://dbc-1.cloud.databricks.us"),
            ("https://accounts.gcp.databricks.com", "https://dbc-1.gcp.databricks.com"),
            ("https://accounts.azuredatabricks.net", "https://dbc-1.azuredatabricks.net"),
            ("https://accounts.databricks.azure.us", "https://dbc-1.databricks.azure.us"),
        ] {
            let config = Config::hermetic().host(console).account_id("acc").client_id("i").client_secret("s");
            let config = config.resolve().unwrap();
            let address = WorkspaceAddress::new().deployment_name("dbc-1").workspace_id(7);
            let derived = config.for_workspace_host(&address, "oauth-m2m", None).unwrap();
            assert_eq!(derived.host(), Some(host));
            assert_eq!(derived.workspace_id(), Some("7"));
            assert_eq!(derived.host_type(), cloud::HostType::Workspace);
            assert_eq!(derived.auth_type(), Some("oauth-m2m"));
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["", "evil.example.com/", "a@b", "a/b", "a#", "a?b", ".", "a..b", "a b", "a:1", "ä"] {
            let address = WorkspaceAddress::new().deployment_name(name);
            assert!(m2m().for_workspace_host(&address, "oauth-m2m", None).is_err(), "{name:?}");
        }
        let own = Config::hermetic().host("https://console.example.com").client_id("i").client_secret("s");
        let address = WorkspaceAddress::new().deployment_name("dbc-1");
        let error = own.resolve().unwrap().for_workspace_host(&address, "oauth-m2m", None).unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::InvalidHost);
        // Deployment names of Azure and Google Cloud have a dot.
        let address = WorkspaceAddress::new().deployment_name("adb-123.4");
        m2m().for_workspace_host(&address, "oauth-m2m", None).unwrap();
    }

    #[test]
    fn credentials_that_are_bound_to_the_account_stay_there() {
        let address = WorkspaceAddress::new().deployment_name("dbc-1");
        for (config, provider) in [
            (account(Config::hermetic().token("dapi-1")), "pat"),
            (account(Config::hermetic().username("u").password("p")), "basic"),
            (account(Config::hermetic().credentials(crate::StaticToken::new("t"))), "own"),
        ] {
            let error = config.for_workspace_host(&address, provider, None).unwrap_err();
            assert_eq!(error.kind(), AuthErrorKind::UntrustedEndpoint, "{provider}");
            assert!(!error.to_string().contains("dapi-1"), "{error}");
        }
        // Those that do not authenticate are left out of the other configuration.
        let config = account(Config::hermetic().client_id("i").client_secret("s").token("t").auth_type("oauth-m2m"));
        let derived = config.for_workspace_host(&address, "oauth-m2m", None).unwrap();
        assert_eq!((derived.get("token"), derived.secret("client_secret").is_some()), (None, true));
    }

    #[test]
    fn token_endpoints_of_the_account_are_left_and_those_of_the_user_stay() {
        let address = WorkspaceAddress::new().deployment_name("dbc-1");
        for (url, stays) in [
            ("https://accounts.cloud.databricks.com/oidc/accounts/acc/v1/token", false),
            ("https://accounts.cloud.databricks.com.example.com/token", true),
            ("https://login.example.com/token", true),
        ] {
            let config = account(Config::hermetic().client_id("i").client_secret("s").set("token_endpoint", url));
            let derived = config.for_workspace_host(&address, "oauth-m2m", None).unwrap();
            assert_eq!(derived.get("token_endpoint").is_some(), stays, "{url}");
        }
    }
}
