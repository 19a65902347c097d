//! A place for secrets that the system keeps.

use std::fmt;

use databricks_core::Secret;

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
