//! The configuration with all sources merged.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use databricks_core::redact::{self, REDACTED};
use databricks_core::{Credentials, Secret, SharedCredentials};
use databricks_transport::{Environment, SharedClock};

use super::attributes::{ATTRIBUTES, Key};
use super::cloud::{Cloud, HostType};
use super::host::Host;
use super::source::Source;
use super::value::Value;
use crate::platform::Platform;

/// Values with their sources.
#[derive(Clone, Default)]
pub(crate) struct Settings(BTreeMap<Key, (Value, Source)>);

impl Settings {
    /// Sets a value unless there is one.
    pub(crate) fn fill(&mut self, key: Key, value: Value, source: Source) {
        self.0.entry(key).or_insert((value, source));
    }

    pub(crate) fn replace(&mut self, key: Key, value: Value, source: Source) {
        self.0.insert(key, (value, source));
    }

    pub(crate) fn remove(&mut self, key: Key) {
        self.0.remove(&key);
    }

    pub(crate) fn is_set(&self, key: Key) -> bool {
        self.0.contains_key(&key)
    }

    pub(crate) fn value(&self, key: Key) -> Option<&Value> {
        self.0.get(&key).map(|(value, _)| value)
    }

    pub(crate) fn source(&self, key: Key) -> Option<&Source> {
        self.0.get(&key).map(|(_, source)| source)
    }

    pub(crate) fn text(&self, key: Key) -> Option<String> {
        self.value(key).map(Value::text)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &Value, &Source)> {
        self.0.iter().map(|(key, (value, source))| (*key, value, source))
    }
}

/// The parts of a resolved configuration.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) settings: Settings,
    pub(crate) host: Option<Host>,
    /// The kind of host, where the host itself states it.
    pub(crate) host_type: Option<HostType>,
    /// The host that the profile names, whether or not it was used.
    pub(crate) profile_host: Option<String>,
    pub(crate) environment: Environment,
    pub(crate) home: Option<PathBuf>,
    pub(crate) warnings: Vec<String>,
    pub(crate) credentials: Option<SharedCredentials>,
    pub(crate) platform: Arc<Platform>,
    /// The provider that authenticated with this configuration.
    pub(crate) chosen: Arc<OnceLock<&'static str>>,
}

/// The configuration that code, environment and profile file add up to. Cheap to clone; has no connection.
///
/// Attributes that are not set are `None` or have their default. What only the host knows, such as the account's id, is
/// in [`CredentialChain::config`](crate::CredentialChain::config) once the host's metadata was requested.
#[derive(Clone)]
pub struct ResolvedConfig(Arc<Parts>);

impl ResolvedConfig {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The environment variables that the configuration was resolved with.
    pub fn environment(&self) -> &Environment {
        &self.0.environment
    }

    /// The variables for programs that are run to get a token: all except the secrets of other credentials.
    pub(crate) fn program_environment(&self) -> Vec<(String, String)> {
        let is_secret =
            |name: &str| ATTRIBUTES.iter().any(|attribute| attribute.sensitive && attribute.variables.contains(&name));
        let kept = self.0.environment.iter().filter(|(name, _)| !is_secret(name));
        kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    pub(crate) fn home(&self) -> Option<&Path> {
        self.0.home.as_deref()
    }

    pub(crate) fn platform(&self) -> &Platform {
        &self.0.platform
    }

    /// The clock that measures the lifetime of tokens; clients should use it for their pauses too.
    pub fn clock(&self) -> &SharedClock {
        &self.0.platform.clock
    }

    pub(crate) fn parsed_host(&self) -> Option<&Host> {
        self.0.host.as_ref()
    }

    /// Whether the profile is for the host that is used: it names the same host, or none.
    pub(crate) fn is_host_of_profile(&self) -> bool {
        self.0.profile_host.as_deref().is_none_or(|host| self.host() == Some(host))
    }

    pub(crate) fn custom_credentials(&self) -> Option<&SharedCredentials> {
        self.0.credentials.as_ref()
    }

    pub(crate) fn text(&self, key: Key) -> Option<&str> {
        match self.0.settings.value(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn secret_of(&self, key: Key) -> Option<&Secret> {
        match self.0.settings.value(key)? {
            Value::Secret(secret) => Some(secret),
            _ => None,
        }
    }

    pub(crate) fn flag(&self, key: Key) -> bool {
        matches!(self.0.settings.value(key), Some(Value::Bool(true)))
    }

    pub(crate) fn int(&self, key: Key) -> Option<i64> {
        match self.0.settings.value(key)? {
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }

    pub(crate) fn is_set(&self, key: Key) -> bool {
        self.0.settings.is_set(key)
    }

    /// The origin of the workspace or account console, without a trailing slash. `None` where an Azure resource id
    /// takes its place.
    pub fn host(&self) -> Option<&str> {
        self.text(Key::Host)
    }

    /// The account's id.
    pub fn account_id(&self) -> Option<&str> {
        self.text(Key::AccountId)
    }

    /// The workspace's id.
    pub fn workspace_id(&self) -> Option<&str> {
        self.text(Key::WorkspaceId)
    }

    /// The auth type: as configured or, once credentials of this configuration were used, as chosen. `None` before
    /// that.
    pub fn auth_type(&self) -> Option<&str> {
        if let Some(own) = &self.0.credentials {
            return Some(Credentials::auth_type(own));
        }
        self.stated_auth_type().or_else(|| self.0.chosen.get().copied())
    }

    /// The auth type that is configured.
    pub(crate) fn stated_auth_type(&self) -> Option<&str> {
        self.text(Key::AuthType)
    }

    /// Notes which provider authenticates.
    pub(crate) fn choose(&self, provider: &'static str) {
        let _ = self.0.chosen.set(provider);
    }

    /// The profile that was read, `DEFAULT` included.
    pub fn profile(&self) -> Option<&str> {
        self.text(Key::Profile)
    }

    /// The cluster that a program should use.
    pub fn cluster_id(&self) -> Option<&str> {
        self.text(Key::ClusterId)
    }

    /// The SQL warehouse that a program should use.
    pub fn warehouse_id(&self) -> Option<&str> {
        self.text(Key::WarehouseId)
    }

    /// The serverless compute that a program should use.
    pub fn serverless_compute_id(&self) -> Option<&str> {
        self.text(Key::ServerlessComputeId)
    }

    /// The cloud, without a request: by the resource id, the attribute, or the domain of the host; else AWS.
    pub fn cloud(&self) -> Cloud {
        self.cloud_with(None)
    }

    pub(crate) fn cloud_with(&self, metadata: Option<Cloud>) -> Cloud {
        if self.is_set(Key::AzureWorkspaceResourceId) {
            return Cloud::Azure;
        }
        self.stated_cloud()
            .or(metadata)
            .or_else(|| self.parsed_host().and_then(|host| Cloud::of_host(&host.name)))
            .unwrap_or(Cloud::Aws)
    }

    pub(crate) fn stated_cloud(&self) -> Option<Cloud> {
        self.text(Key::Cloud).and_then(Cloud::named)
    }

    /// The kind of host, as far as its name states it.
    pub fn host_type(&self) -> HostType {
        if let Some(stated) = self.0.host_type {
            return stated;
        }
        match self.parsed_host() {
            Some(host) if host.is_account() => HostType::Account,
            _ => HostType::Workspace,
        }
    }

    /// The scopes to request, sorted and without duplicates; `all-apis` by default.
    pub fn scopes(&self) -> Vec<String> {
        match self.0.settings.value(Key::Scopes) {
            Some(Value::List(scopes)) if !scopes.is_empty() => scopes.clone(),
            _ => vec!["all-apis".to_owned()],
        }
    }

    /// The idle timeout: an attempt fails after this time without data sent or received. 60 seconds by default.
    pub fn http_timeout(&self) -> Duration {
        let seconds = self.int(Key::HttpTimeoutSeconds).and_then(|seconds| u64::try_from(seconds).ok());
        Duration::from_secs(seconds.filter(|seconds| *seconds > 0).unwrap_or(60))
    }

    /// The timeout for the retries of a call; 5 minutes by default, `None` without a limit.
    pub fn retry_timeout(&self) -> Option<Duration> {
        match self.int(Key::RetryTimeoutSeconds).unwrap_or(0) {
            0 => Some(Duration::from_secs(300)),
            seconds => u64::try_from(seconds).ok().map(Duration::from_secs),
        }
    }

    /// The limit of requests per second; 15 by default.
    pub fn rate_limit(&self) -> u32 {
        self.int(Key::RateLimit).and_then(|limit| u32::try_from(limit).ok()).filter(|limit| *limit > 0).unwrap_or(15)
    }

    /// Whether the debug log shows headers.
    pub fn debug_headers(&self) -> bool {
        self.flag(Key::DebugHeaders)
    }

    /// How many bytes of a body the debug log shows; 96 by default.
    pub fn debug_truncate_bytes(&self) -> usize {
        self.int(Key::DebugTruncateBytes)
            .and_then(|bytes| usize::try_from(bytes).ok())
            .filter(|bytes| *bytes > 0)
            .unwrap_or(96)
    }

    /// Whether the server's certificate is not verified.
    pub fn skip_verify(&self) -> bool {
        self.flag(Key::SkipVerify)
    }

    /// Returns the value of an attribute by its name, lists joined by spaces. `None` if it is unset or does not exist;
    /// `**REDACTED**` for secrets, which [`secret`](Self::secret) returns.
    pub fn get(&self, attribute: &str) -> Option<String> {
        match self.0.settings.value(Key::find(attribute)?)? {
            Value::Secret(_) => Some(REDACTED.to_owned()),
            value => Some(value.text()),
        }
    }

    /// Returns the value of a secret attribute by its name.
    pub fn secret(&self, attribute: &str) -> Option<Secret> {
        self.secret_of(Key::find(attribute)?).cloned()
    }

    /// Returns where the value of an attribute came from. `None` if it is unset or does not exist.
    pub fn source(&self, attribute: &str) -> Option<&Source> {
        self.0.settings.source(Key::find(attribute)?)
    }

    /// Warnings about the configuration, such as a key that appears twice. Also logged when the configuration was
    /// resolved.
    pub fn warnings(&self) -> &[String] {
        &self.0.warnings
    }

    /// The same configuration with more values.
    pub(crate) fn with(&self, host: Option<Host>, host_type: Option<HostType>, settings: Settings) -> Self {
        Self(Arc::new(Parts { settings, host, host_type, ..(*self.0).clone() }))
    }

    /// The same configuration without what was found out for the host that it had.
    ///
    /// * `from`: that host.
    pub(crate) fn at_another_host(&self, from: Option<String>) -> Self {
        Self(Arc::new((*self.0).clone().moved(from)))
    }
}

/// Shows the attributes that are set, secrets only as `**REDACTED**`.
impl fmt::Debug for ResolvedConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("ResolvedConfig");
        for (key, value, source) in self.0.settings.iter() {
            debug.field(key.name(), &format_args!("{} ({source})", redact::text(&format!("{value:?}"))));
        }
        debug.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn programs_get_no_secrets_of_other_credentials() {
        let variables = [
            ("ARM_CLIENT_SECRET", "a"),
            ("DATABRICKS_CLIENT_SECRET", "b"),
            ("GOOGLE_CREDENTIALS", "c"),
            ("HTTPS_PROXY", "d"),
        ];
        let config =
            Config::new().environment(Environment::from_iter(variables)).auth_type("azure-cli").resolve().unwrap();
        assert_eq!(config.program_environment(), [("HTTPS_PROXY".to_owned(), "d".to_owned())]);
    }
}
