//! Why a value cannot be read.

use std::fmt;

use serde::de;

/// Why a value cannot be read; the caller adds column and row.
#[derive(Debug)]
pub(crate) struct ValueError {
    pub(crate) message: String,
    /// Whether a member of what is read has no counterpart, so that a list of what there is helps.
    pub(crate) missing: bool,
    /// Whether the message names the place already.
    pub(crate) placed: bool,
}

impl ValueError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), missing: false, placed: false }
    }

    /// The same error with its place in front.
    pub(crate) fn within(self, place: impl fmt::Display) -> Self {
        Self { message: format!("{place}: {}", self.message), missing: false, placed: true }
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ValueError {}

impl de::Error for ValueError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
    fn missing_field(field: &'static str) -> Self {
        Self { message: format!("missing field `{field}`"), missing: true, placed: false }
    }
}
