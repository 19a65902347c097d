//! The choice of the storage.

/// Where logins are stored; see [`Config::auth_storage`](crate::Config::auth_storage).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Storage {
    /// The file `~/.databricks/token-cache.json`, which only its owner can read.
    Plaintext,
    /// The system's key store (feature `keyring`), or the one of [`Config::key_store`](crate::Config::key_store).
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
