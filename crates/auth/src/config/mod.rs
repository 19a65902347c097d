//! The configuration: what a program sets, what the environment and the profile file add, and how they become one.

pub(crate) mod attributes;
pub(crate) mod cloud;
pub(crate) mod file;
pub(crate) mod host;
pub(crate) mod netrc;
mod profile;
mod resolve;
mod resolved;
pub(crate) mod serving;
mod source;
mod validate;
pub(crate) mod value;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use databricks_core::redact::REDACTED;
use databricks_core::{Credentials, Result, SharedCredentials};
use databricks_transport::{Clock, Environment, SharedClock};

pub use cloud::{Cloud, HostType};
pub use profile::ProfileSummary;
pub use resolved::ResolvedConfig;
pub(crate) use resolved::Settings;
pub use source::Source;

use crate::login::browser::Browser;
use crate::platform::Platform;
use crate::process::ProcessRunner;
use crate::store::{KeyStore, Storage};
use attributes::Key;
use value::Raw;

/// Where the environment variables come from.
#[derive(Clone, Debug, Default)]
enum Variables {
    #[default]
    Process,
    Given(Environment),
}

/// How to find and authenticate to a workspace or account: a builder.
///
/// What is set here wins over the environment, and that over the profile file, attribute by attribute. Nothing is read and
/// nothing is sent before [`resolve`](Self::resolve).
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
    explicit: BTreeMap<Key, Raw>,
    unknown: Vec<String>,
    variables: Variables,
    home: Option<PathBuf>,
    credentials: Option<SharedCredentials>,
    allow_insecure_host: bool,
    platform: Platform,
}

impl Config {
    /// Nothing set: the environment of the process and the profile file decide.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same as [`new`](Self::new), for programs that want to say that they rely on the environment.
    pub fn from_env() -> Self {
        Self::new()
    }

    /// Nothing set, and nothing read from the environment or the home directory: what is set in code is all there is. For tests, and for
    /// programs that hold every setting themselves.
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

    /// Sets an attribute by its name, as it stands in profile files. Names that do not exist are reported by
    /// [`resolve`](Self::resolve), and so are texts that do not fit the attribute.
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

    pub(crate) fn put(mut self, key: Key, value: Raw) -> Self {
        self.explicit.insert(key, value);
        self
    }

    /// Reads these variables in place of those of the process. Programs that are run for a token get them too.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.variables = Variables::Given(environment);
        self
    }

    /// The home directory, for the profile file, `.netrc` and stored logins; by default that of the user.
    #[must_use]
    pub fn home(mut self, path: impl Into<PathBuf>) -> Self {
        self.home = Some(path.into());
        self
    }

    /// The clock that tokens age by; by default tokio's and the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.platform.clock = SharedClock::new(clock);
        self
    }

    /// Authenticates with your own [`Credentials`] in place of the chain. Host and ids are resolved as ever.
    #[must_use]
    pub fn credentials(mut self, credentials: impl Credentials) -> Self {
        self.credentials = Some(SharedCredentials::new(credentials));
        self
    }

    /// Runs programs such as `az` by this in place of child processes.
    #[must_use]
    pub fn process_runner(mut self, runner: impl ProcessRunner) -> Self {
        self.platform.runner = Arc::new(runner);
        self
    }

    /// Sends people to web pages by this in place of the system's browser.
    #[must_use]
    pub fn browser(mut self, browser: impl Browser) -> Self {
        self.platform.browser = Some(Arc::new(browser));
        self
    }

    /// Keeps logins in this in place of the system's key store.
    #[must_use]
    pub fn key_store(mut self, store: impl KeyStore) -> Self {
        self.platform.key_store = Some(Arc::new(store));
        self
    }

    /// Where logins of people are kept. Wins over `DATABRICKS_AUTH_STORAGE` and over `auth_storage` of the profile file.
    #[must_use]
    pub fn auth_storage(mut self, storage: Storage) -> Self {
        self.platform.storage = Some(storage);
        self
    }

    /// Permits plain http to hosts other than this machine. Tokens then cross the network for everyone to read.
    #[must_use]
    pub fn allow_insecure_host(mut self, allow: bool) -> Self {
        self.allow_insecure_host = allow;
        self
    }

    /// Reads environment and profile file, normalises and validates. Sends nothing.
    ///
    /// # Errors
    /// Of kind [`Config`](databricks_core::ErrorKind::Config), naming the setting and where it came from; see
    /// [`AuthErrorKind`](crate::AuthErrorKind) for what can be wrong.
    pub fn resolve(self) -> Result<ResolvedConfig> {
        Ok(resolve::resolve(self)?)
    }

    /// The profiles of the profile file, in its order, without any secret.
    ///
    /// # Errors
    /// When the file is there but cannot be read or parsed.
    pub fn profiles(&self) -> Result<Vec<ProfileSummary>> {
        Ok(profile::list(self)?)
    }

    fn read_variables(&self) -> Environment {
        match &self.variables {
            Variables::Process => Environment::process(),
            Variables::Given(environment) => environment.clone(),
        }
    }

    fn find_home(&self, environment: &Environment) -> Option<PathBuf> {
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
                Raw::Text(text) if !key.attribute().sensitive && *key != Key::Host => debug.field(key.name(), &text.expose()),
                Raw::Text(_) => debug.field(key.name(), &format_args!("{REDACTED}")),
                Raw::Bool(value) => debug.field(key.name(), value),
                Raw::Int(value) => debug.field(key.name(), value),
                Raw::List(items) => debug.field(key.name(), items),
            };
        }
        debug.finish_non_exhaustive()
    }
}

/// The profile file that a configuration reads.
pub(crate) fn profile_path(config: &ResolvedConfig) -> Option<PathBuf> {
    profile::path(config.settings(), config.home())
}

/// The profile file that a configuration reads, with its path. `None` where there is none.
pub(crate) fn read_profile_file(config: &ResolvedConfig) -> Result<Option<(PathBuf, file::ProfileFile)>, crate::error::AuthError> {
    let Some(path) = profile_path(config) else { return Ok(None) };
    Ok(profile::read(&path)?.map(|file| (path, file)))
}

/// A path with a leading `~` replaced by the home directory.
pub(crate) fn expand_home(path: &str, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix('~'), home) {
        (Some(""), Some(home)) => home.to_owned(),
        (Some(rest), Some(home)) if rest.starts_with(['/', std::path::MAIN_SEPARATOR]) => home.join(&rest[1..]),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let config = Config::new().host("https://u:pw@h").token("dapi-1").username("ann").set("client_secret", "cs").scopes(["a"]);
        let text = format!("{config:?}");
        for secret in ["dapi-1", "cs\"", "pw"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(text.contains("ann"), "{text}");
    }

    #[test]
    fn tilde() {
        let home = Path::new("/h");
        assert_eq!(expand_home("~/a/b", Some(home)), Path::new("/h/a/b"));
        assert_eq!(expand_home("~ann/a", Some(home)), Path::new("~ann/a"));
        assert_eq!(expand_home("/x", Some(home)), Path::new("/x"));
    }
}
