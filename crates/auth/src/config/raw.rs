//! Values as they were given, before they are parsed.

use databricks_core::Secret;

use crate::sanitize::trimmed;

/// A value from code or from a file, before it is parsed. Strings are kept as secrets, so that `Debug` cannot show
/// them.
#[derive(Clone, Debug)]
pub(crate) enum Raw {
    Text(Secret),
    Bool(bool),
    Int(i64),
    List(Vec<String>),
    /// An entry of the key store, which is read when the configuration is resolved.
    Entry {
        service: String,
        account: String,
    },
}

impl Raw {
    /// Whether this counts as not given: an empty string, or a list without items.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => trimmed(text.expose()).is_empty(),
            Self::List(items) => items.iter().all(|item| item.trim().is_empty()),
            Self::Bool(_) | Self::Int(_) | Self::Entry { .. } => false,
        }
    }
}
