//! The builder of the configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use databricks_core::redact::{self, REDACTED};
use databricks_core::{Credentials, SharedCredentials};
use databricks_transport::{Clock, Environment, SharedClock};

use super::attributes::Key;
use super::raw::Raw;
use crate::login::browser::Browser;
use crate::platform::Platform;
use crate::process::ProcessRunner;
use crate::store::key_store::KeyStore;
use crate::store::storage::Storage;

/// Where the environment variables come from.
#[derive(Clone, Debug, Default)]
enum Variables {
    #[default]
    Process,
    Given(Environment),
}

/// Builds the configuration: which workspace or account to use, and how to authenticate.
///
/// Each attribute that is set here takes precedence over its environment variable, and that over the profile file.
/// Nothing is read before [`resolve`](Self::resolve), and nothing is sent before credentials are used.
///
/// ```
/// use databricks_auth::{Config, Environment};
///
/// let config = Config::new()
///     .environment(Environment::from_iter([("DATABRICKS_TOKEN", "dapi123")]))
///     .host("ws.cloud.databricks.com")
///     .resolve()
///     .unwrap();
/// assert_eq!(config.host(), Some("https://ws.cloud.databricks.com"));
/// assert_eq!(config.source("token").unwrap().to_string(), "environment variable DATABRICKS_TOKEN");
/// ```
#[derive(Clone, Default)]
pub struct Config {
    pub(super) explicit: BTreeMap<Key, Raw>,
    pub(super) unknown: Vec<String>,
    variables: Variables,
    home: Option<PathBuf>,
    pub(super) credentials: Option<SharedCredentials>,
    pub(super) allow_insecure_host: bool,
    pub(super) platform: Platform,
}

impl Config {
    /// Creates a configuration that reads everything from the environment and the profile file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Does the same as [`new`](Self::new), for programs that make explicit that they rely on the environment.
    pub fn from_env() -> Self {
        Self::new()
    }

    /// Creates a configuration that reads neither the environment nor the home directory: it contains only what is set
    /// in code. For tests, and for programs that manage every setting themselves.
    ///
    /// ```
    /// use databricks_auth::Config;
    ///
    /// let config = Config::hermetic().host("ws.cloud.databricks.com").token("dapi123").resolve().unwrap();
    /// assert_eq!(config.profile(), None);
    /// ```
    pub fn hermetic() -> Self {
        Self::new().environment(Environment::empty())
    }

    /// Sets an attribute by its name in profile files. Names that do not exist are reported by
    /// [`resolve`](Self::resolve), and so are strings that are not valid for the attribute.
    #[must_use]
    pub fn set(mut self, attribute: &str, value: impl Into<String>) -> Self {
        match Key::find(attribute) {
            Some(key) => self.put(key, Raw::Text(value.into().into())),
            None => {
                self.unknown.push(attribute.to_owned());
                self
            }
        }
    }

    /// Sets an attribute to the secret of an entry of the key store, such as a personal access token that must not lie in
    /// a file. The key store is that of [`key_store`](Self::key_store), by default the system's (feature `keyring`):
    /// Keychain, Credential Manager, Secret Service. [`resolve`](Self::resolve) reads the entry and waits at most 3
    /// seconds for it.
    ///
    /// * `attribute`: its name in profile files, such as `token` or `client_secret`.
    /// * `service`, `account`: the names of the entry, as it was stored: by Python `keyring.set_password(service, account,
    ///   token)`, for example.
    ///
    /// ```
    /// use databricks_auth::Config;
    ///
    /// let config = Config::new().host("ws.cloud.databricks.com").set_from_key_store("token", "databricks", "work");
    /// ```
    #[must_use]
    pub fn set_from_key_store(mut self, attribute: &str, service: &str, account: &str) -> Self {
        match Key::find(attribute) {
            Some(key) => self.put(key, Raw::Entry { service: service.to_owned(), account: account.to_owned() }),
            None => {
                self.unknown.push(attribute.to_owned());
                self
            }
        }
    }

    pub(super) fn put(mut self, key: Key, value: Raw) -> Self {
        self.explicit.insert(key, value);
        self
    }

    /// Sets the environment variables to read in place of those of the process. Programs that are run to get a token
    /// receive them too.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.variables = Variables::Given(environment);
        self
    }

    /// Sets the home directory, for the profile file, `.netrc` and stored logins; by default that of the user.
    #[must_use]
    pub fn home(mut self, path: impl Into<PathBuf>) -> Self {
        self.home = Some(path.into());
        self
    }

    /// Sets the clock that measures the lifetime of tokens; by default that of Tokio and the system.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.platform.clock = SharedClock::new(clock);
        self
    }

    /// Sets your own [`Credentials`] in place of the chain. Host and ids are resolved as usual.
    #[must_use]
    pub fn credentials(mut self, credentials: impl Credentials) -> Self {
        self.credentials = Some(SharedCredentials::new(credentials));
        self
    }

    /// Sets what runs programs such as `az`; by default child processes.
    #[must_use]
    pub fn process_runner(mut self, runner: impl ProcessRunner) -> Self {
        self.platform.runner = Arc::new(runner);
        self
    }

    /// Sets what opens web pages for a login; by default the system's browser (feature `browser`).
    #[must_use]
    pub fn browser(mut self, browser: impl Browser) -> Self {
        self.platform.browser = Some(Arc::new(browser));
        self
    }

    /// Sets the key store, for logins and for [`set_from_key_store`](Self::set_from_key_store); by default that of the system (feature `keyring`).
    #[must_use]
    pub fn key_store(mut self, store: impl KeyStore) -> Self {
        self.platform.key_store = Some(Arc::new(store));
        self
    }

    /// Sets where logins are stored. Takes precedence over `DATABRICKS_AUTH_STORAGE` and over `auth_storage` of the
    /// profile file.
    #[must_use]
    pub fn auth_storage(mut self, storage: Storage) -> Self {
        self.platform.storage = Some(storage);
        self
    }

    /// Sets whether plain http is permitted to hosts other than this machine; `false` by default. Anyone on the network
    /// can read the tokens then.
    #[must_use]
    pub fn allow_insecure_host(mut self, allow: bool) -> Self {
        self.allow_insecure_host = allow;
        self
    }

    pub(super) fn read_variables(&self) -> Environment {
        match &self.variables {
            Variables::Process => Environment::process(),
            Variables::Given(environment) => environment.clone(),
        }
    }

    pub(super) fn find_home(&self, environment: &Environment) -> Option<PathBuf> {
        let given = || environment.get(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).map(PathBuf::from);
        match (&self.home, &self.variables) {
            (Some(home), _) => Some(home.clone()),
            (None, Variables::Process) => std::env::home_dir().filter(|path| !path.as_os_str().is_empty()),
            (None, Variables::Given(_)) => given(),
        }
    }
}

/// Shows which attributes are set, secrets only as `**REDACTED**`.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Config");
        for (key, raw) in &self.explicit {
            match raw {
                Raw::Text(text) if !key.attribute().sensitive && *key != Key::Host => {
                    debug.field(key.name(), &redact::text(text.expose()))
                }
                Raw::Text(_) => debug.field(key.name(), &format_args!("{REDACTED}")),
                Raw::Bool(value) => debug.field(key.name(), value),
                Raw::Int(value) => debug.field(key.name(), value),
                Raw::Entry { service, account } => {
                    let shown = format!("entry {account} of {service} in the key store");
                    debug.field(key.name(), &format_args!("{}", redact::text(&shown)))
                }
                Raw::List(items) => debug.field(key.name(), &format_args!("{}", redact::text(&format!("{items:?}")))),
            };
        }
        debug.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let config = Config::new()
            .host("https://u:pw@h")
            .token("dapi-1")
            .username("ann")
            .set("client_secret", "cs")
            .scopes(["a"]);
        let text = format!("{config:?}");
        for secret in ["dapi-1", "cs\"", "pw"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(text.contains("ann"), "{text}");
    }
}
