//! The choice between the two storages.

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
