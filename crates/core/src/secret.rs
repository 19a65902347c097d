//! A string whose value is never printed.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A token, password or other string that must not be seen.
///
/// `Debug` prints [`REDACTED`](crate::redact::REDACTED), there is no `Display` and no `Serialize`, and the memory is
/// wiped when the value is dropped. Copies that are made while a header or form is built are outside of that promise.
///
/// ```
/// let token = databricks_core::Secret::from("dapi123");
/// assert_eq!(format!("{token:?}"), "**REDACTED**");
/// assert_eq!(token.expose(), "dapi123");
/// ```
#[derive(Clone, Default)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps a secret string.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The string itself. Use it to build a header or a form, never to print it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether the string is empty.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }

    /// Whether both strings are the same, in a time that depends on their lengths alone.
    pub fn matches(&self, other: &str) -> bool {
        let (a, b) = (self.expose().as_bytes(), other.as_bytes());
        let differing = a.iter().zip(b).fold(0u8, |acc, (x, y)| acc | (x ^ y));
        a.len() == b.len() && differing == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(crate::redact::REDACTED)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_whole_texts() {
        let secret = Secret::from("abc");
        assert!(secret.matches("abc"));
        assert!(!secret.matches("ab"));
        assert!(!secret.matches("abd"));
        assert!(!secret.matches("abcd"));
    }
}
