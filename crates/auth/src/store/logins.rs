//! Stored logins: in which storage, under which key.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use databricks_core::Secret;
use serde_json::{Value, json};

use super::entry::Entry;
use super::key_store::{KeyStore, KeyStoreError, LIMIT};
use super::storage::Storage;
use super::system::given_or_system;
use super::token_file::TokenFile;
use crate::config::file::with_value;
use crate::config::host::Host;
use crate::config::{HostType, ResolvedConfig, read_profile_file};
use crate::context::Context;
use crate::error::{AuthError, AuthErrorKind, feature_off};
use crate::sanitize::trimmed;

/// The service under which the CLI keeps logins in key stores.
const SERVICE: &str = "databricks-cli";
const VARIABLE: &str = "DATABRICKS_AUTH_STORAGE";

/// The stored logins that a configuration refers to.
pub(crate) struct Logins {
    storage: Storage,
    /// Whether the storage was chosen. The default may fall back to the file.
    is_chosen: bool,
    keys: Option<Arc<dyn KeyStore>>,
    file: Option<TokenFile>,
    /// The key of the entry: a profile, or else the host key.
    key: String,
    host_key: String,
}

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logins").field("storage", &self.storage).field("key", &self.key).finish_non_exhaustive()
    }
}

impl Logins {
    /// Finds storage and key.
    pub(crate) async fn open(cx: &Context, provider: &str) -> Result<Self, AuthError> {
        let config = &cx.config;
        let (storage, is_chosen) = choose(config)?;
        let host_key = host_key(cx, provider).await?;
        let key = match config.profile() {
            Some(profile) if config.is_host_of_profile() => profile.to_owned(),
            _ => profile_of_host(cx, provider).await?.unwrap_or_else(|| host_key.clone()),
        };
        let file = config.home().map(|home| TokenFile::new(home.join(".databricks").join("token-cache.json")));
        Ok(Self { storage, is_chosen, keys: given_or_system(config.platform().key_store.clone()), file, key, host_key })
    }

    /// Where the file is, also while the key store is used: its lock stands for both.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(TokenFile::path)
    }

    /// The stored login; `None` if there is none.
    pub(crate) async fn get(&self) -> Result<Option<Entry>, String> {
        match self.key_store()? {
            None => self.get_from_file(),
            Some(keys) => match self.get_from(keys, &self.key).await {
                Err(KeyStoreError::Unavailable(why)) if !self.is_chosen => {
                    tracing::debug!(target: "databricks_auth", why, "the key store cannot be reached, reading the file");
                    self.get_from_file()
                }
                Ok(None) if self.key != self.host_key => {
                    self.get_from(keys, &self.host_key).await.map_err(|error| error.to_string())
                }
                outcome => outcome.map_err(|error| error.to_string()),
            },
        }
    }

    /// Stores a login where [`get`](Self::get) would find it.
    pub(crate) async fn put(&self, entry: &Entry) -> Result<(), String> {
        match self.key_store()? {
            None => self.put_in_file(entry),
            Some(keys) => match self.put_in(keys, entry).await {
                Err(KeyStoreError::Unavailable(_)) if !self.is_chosen => self.put_in_file(entry),
                outcome => outcome.map_err(|error| error.to_string()),
            },
        }
    }

    /// Stores a new login. Where the default storage turns out to be the file, the settings of the profile file
    /// remember it, so that other tools find it too.
    pub(crate) async fn put_new(&self, entry: &Entry, profile_file: Option<&Path>) -> Result<Storage, String> {
        let used_file = match self.key_store()? {
            None => true,
            Some(keys) => match self.put_in(keys, entry).await {
                Ok(()) => return Ok(Storage::Secure),
                Err(error) if self.is_chosen => return Err(error.to_string()),
                Err(_) => true,
            },
        };
        self.put_in_file(entry)?;
        if used_file
            && !self.is_chosen
            && let Some(path) = profile_file
        {
            remember_plaintext(path)?;
        }
        Ok(Storage::Plaintext)
    }

    /// Removes the login everywhere it may be.
    pub(crate) async fn delete(&self) -> Result<(), String> {
        if let Some(keys) = self.key_store()? {
            let (keys, key) = (Arc::clone(keys), self.key.clone());
            match limited(move || keys.delete(SERVICE, &key)).await {
                Err(KeyStoreError::Unavailable(_)) if !self.is_chosen => {}
                Err(error) => return Err(error.to_string()),
                Ok(()) => {}
            }
        }
        self.file.as_ref().map_or(Ok(()), |file| file.delete(&[&self.key, &self.host_key]))
    }

    /// The key store, where it is to be used; `None` means the file.
    fn key_store(&self) -> Result<Option<&Arc<dyn KeyStore>>, String> {
        match (self.storage, &self.keys) {
            (Storage::Plaintext, _) => Ok(None),
            (Storage::Secure, Some(keys)) => Ok(Some(keys)),
            (Storage::Secure, None) if !self.is_chosen => Ok(None),
            (Storage::Secure, None) => Err(format!(
                "the storage is secure, which means the system's key store, and {}",
                feature_off("keyring")
            )),
        }
    }

    fn token_file(&self) -> Result<&TokenFile, String> {
        self.file.as_ref().ok_or_else(|| "no home directory was found for the token cache".to_owned())
    }

    fn get_from_file(&self) -> Result<Option<Entry>, String> {
        let Some(file) = &self.file else { return Ok(None) };
        match file.get(&self.key)? {
            // Older versions of the CLI knew the key of the host only.
            None if self.key != self.host_key => file.get(&self.host_key),
            found => Ok(found),
        }
    }

    fn put_in_file(&self, entry: &Entry) -> Result<(), String> {
        // The key of the host is for older readers.
        self.token_file()?.put(&[&self.key, &self.host_key], entry)
    }

    async fn get_from(&self, keys: &Arc<dyn KeyStore>, key: &str) -> Result<Option<Entry>, KeyStoreError> {
        let (keys, key) = (Arc::clone(keys), key.to_owned());
        let secret = limited(move || keys.get(SERVICE, &key)).await?;
        let Some(secret) = secret else { return Ok(None) };
        let damaged = || KeyStoreError::Failed("its entry is not a stored login; log in again".to_owned());
        let document: Value = serde_json::from_str(trimmed(secret.expose())).map_err(|_| damaged())?;
        document.get("token").and_then(Entry::from_json).map(Some).ok_or_else(damaged)
    }

    async fn put_in(&self, keys: &Arc<dyn KeyStore>, entry: &Entry) -> Result<(), KeyStoreError> {
        let (keys, key) = (Arc::clone(keys), self.key.clone());
        let secret = Secret::new(json!({ "token": entry.to_json() }).to_string());
        limited(move || keys.set(SERVICE, &key, &secret)).await
    }
}

/// Runs an operation of a key store on a thread that may block, with a timeout.
async fn limited<T: Send + 'static>(
    operation: impl FnOnce() -> Result<T, KeyStoreError> + Send + 'static,
) -> Result<T, KeyStoreError> {
    match tokio::time::timeout(LIMIT, tokio::task::spawn_blocking(operation)).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => Err(KeyStoreError::Failed(error.to_string())),
        Err(_) => Err(KeyStoreError::Timeout),
    }
}

/// The storage, and whether it was chosen.
fn choose(config: &ResolvedConfig) -> Result<(Storage, bool), AuthError> {
    if let Some(storage) = config.platform().storage {
        return Ok((storage, true));
    }
    let setting = match config.environment().get(VARIABLE) {
        Some(text) => Some((text.to_owned(), format!("environment variable {VARIABLE}"))),
        None => {
            let file = read_profile_file(config)?;
            file.and_then(|(path, file)| {
                Some((file.setting("auth_storage")?.to_owned(), format!("auth_storage in {}", path.display())))
            })
        }
    };
    match setting {
        None => Ok((Storage::Secure, false)),
        Some((text, source)) => match Storage::named(&text) {
            Some(storage) => Ok((storage, true)),
            None => Err(AuthError::new(AuthErrorKind::InvalidValue, format!("{source} must be plaintext or secure"))),
        },
    }
}

/// The key without a profile: the host, for accounts and unified hosts with the account.
async fn host_key(cx: &Context, provider: &str) -> Result<String, AuthError> {
    let host = cx.host_url(provider)?;
    if cx.host_type().await == HostType::Workspace {
        return Ok(host);
    }
    Ok(match cx.account_id().await {
        Some(account) => format!("{host}/oidc/accounts/{account}"),
        None => host,
    })
}

/// The one profile with this host; `None` if there is none, or if ids were stated and do not decide; an error if there
/// are several.
async fn profile_of_host(cx: &Context, provider: &str) -> Result<Option<String>, AuthError> {
    let Some((path, file)) = read_profile_file(&cx.config)? else { return Ok(None) };
    let host = cx.host_url(provider)?;
    let mut matches: Vec<_> = file
        .profiles()
        .filter(|section| {
            section.get("host").and_then(|text| Host::parse(text, true).ok()).is_some_and(|found| found.url == host)
        })
        .collect();
    // Ids narrow the choice, where both sides state one.
    for (key, ours) in [("account_id", cx.config.account_id()), ("workspace_id", cx.config.workspace_id())] {
        if let Some(ours) = ours {
            matches.retain(|section| section.get(key).is_none_or(|theirs| theirs.is_empty() || theirs == ours));
        }
    }
    match matches.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.name.clone())),
        // Everything that distinguishes logins was stated, so no profile has to be chosen.
        _ if cx.config.account_id().is_some() || cx.config.workspace_id().is_some() => Ok(None),
        several => {
            let names: Vec<_> = several.iter().map(|section| section.name.as_str()).collect();
            let text = format!(
                "{} has several profiles for {host}: {}; choose one (profile, DATABRICKS_CONFIG_PROFILE), or set account_id or workspace_id",
                path.display(),
                names.join(", ")
            );
            Err(AuthError::failed(provider, text))
        }
    }
}

/// Notes in the profile file that logins are in the file.
fn remember_plaintext(path: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("cannot note the storage in {}: {error}", path.display());
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed(error)),
    };
    crate::platform::replace_file(path, &with_value(&text, crate::config::file::SETTINGS, "auth_storage", "plaintext"))
        .map_err(failed)
}
