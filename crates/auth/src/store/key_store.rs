//! A place for secrets that the system keeps.

use std::fmt;
use std::time::Duration;

use databricks_core::Secret;

/// A store for secrets by service and account, such as the Keychain. Implement it to keep secrets elsewhere; see
/// [`Config::key_store`](crate::Config::key_store).
///
/// Its methods are called on a thread that may block.
pub trait KeyStore: fmt::Debug + Send + Sync + 'static {
    /// Returns the secret of an entry; `None` if there is no such entry.
    ///
    /// # Errors
    /// When the store cannot be reached, or refuses access.
    fn get(&self, service: &str, account: &str) -> Result<Option<Secret>, KeyStoreError>;

    /// Creates or replaces an entry.
    ///
    /// # Errors
    /// When the store cannot be reached, or refuses the secret.
    fn set(&self, service: &str, account: &str, secret: &Secret) -> Result<(), KeyStoreError>;

    /// Removes an entry. Succeeds if there is no such entry.
    ///
    /// # Errors
    /// When the store cannot be reached, or refuses the removal.
    fn delete(&self, service: &str, account: &str) -> Result<(), KeyStoreError>;
}

/// The timeout of one operation.
pub(crate) const LIMIT: Duration = Duration::from_secs(3);

/// Why a [`KeyStore`] failed. Decides whether the file is used instead.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyStoreError {
    /// No store exists on this machine, or it cannot be reached.
    Unavailable(String),
    /// It did not respond in time; it may be locked.
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
