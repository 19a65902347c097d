//! Where logins of people are kept between programs: the CLI's file, or the system's key store.

mod entry;
#[cfg(feature = "keyring")]
mod keyring;
mod lock;
mod logins;
mod session_file;
mod token_file;

use std::fmt;
#[cfg(feature = "keyring")]
use std::sync::Arc;

use databricks_core::Secret;

pub(crate) use entry::Entry;
pub(crate) use lock::Lock;
pub(crate) use logins::Logins;
pub(crate) use session_file::{SessionFile, SessionKey};

/// Which of the two storages to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Storage {
    /// A file that only its owner can read, `~/.databricks/token-cache.json`.
    Plaintext,
    /// The system's key store.
    Secure,
}

impl Storage {
    pub(crate) fn named(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "plaintext" => Some(Self::Plaintext),
            "secure" => Some(Self::Secure),
            _ => None,
        }
    }
}

/// A store for secrets by service and account, as every desktop system has one.
///
/// Called on a thread that may block.
pub trait KeyStore: fmt::Debug + Send + Sync + 'static {
    /// The secret of an entry; `None` if there is no such entry.
    ///
    /// # Errors
    /// When the store cannot be reached, or does not hand the secret out.
    fn get(&self, service: &str, account: &str) -> Result<Option<Secret>, KeyStoreError>;

    /// Creates or replaces an entry.
    ///
    /// # Errors
    /// When the store cannot be reached, or does not take the secret.
    fn set(&self, service: &str, account: &str, secret: &Secret) -> Result<(), KeyStoreError>;

    /// Removes an entry; one that is not there is no error.
    ///
    /// # Errors
    /// When the store cannot be reached, or does not let go of the secret.
    fn delete(&self, service: &str, account: &str) -> Result<(), KeyStoreError>;
}

/// Why a [`KeyStore`] failed. Decides whether the file may stand in for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyStoreError {
    /// There is no store on this machine, or it cannot be reached.
    Unavailable(String),
    /// It did not respond in time; perhaps it waits for its owner to unlock it.
    Timeout,
    /// Anything else, such as a refusal.
    Failed(String),
}

impl fmt::Display for KeyStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) => write!(f, "the key store cannot be reached: {why}"),
            Self::Timeout => f.write_str("the key store did not respond in time"),
            Self::Failed(why) => write!(f, "the key store failed: {why}"),
        }
    }
}

impl std::error::Error for KeyStoreError {}

/// The system's key store, if this build has it.
#[cfg(feature = "keyring")]
pub(crate) fn system() -> Option<Arc<dyn KeyStore>> {
    Some(Arc::new(keyring::SystemKeyStore::default()))
}
