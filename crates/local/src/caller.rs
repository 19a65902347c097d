//! Who makes a request, and tokens in the form in which they are kept and compared.

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The identifier that SCIM has: digits.
    pub(crate) id: String,
    /// The name of a user, or the application identifier of a service principal.
    pub(crate) name: String,
    is_service_principal: bool,
}

impl Caller {
    pub(crate) fn user(id: String, name: &str) -> Self {
        Self { id, name: name.to_owned(), is_service_principal: false }
    }

    pub(crate) fn service_principal(id: String, application_id: &str) -> Self {
        Self { id, name: application_id.to_owned(), is_service_principal: true }
    }

    pub(crate) fn is_service_principal(&self) -> bool {
        self.is_service_principal
    }

    /// The identifier as a number, as older APIs have it.
    pub(crate) fn number(&self) -> i64 {
        self.id.parse().unwrap_or_default()
    }
}

/// What is known of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TokenState {
    Unknown,
    Valid(Caller),
    Expired,
}

/// The form in which tokens are kept and compared.
#[derive(Clone, Copy)]
pub(crate) struct TokenHash([u8; 32]);

impl TokenHash {
    pub(crate) fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Lower-case hexadecimal digits.
    pub(crate) fn to_hex(self) -> String {
        crate::random::to_hex(&self.0)
    }

    /// The hash that [`to_hex`](Self::to_hex) wrote.
    pub(crate) fn from_hex(hex: &str) -> Option<Self> {
        crate::random::from_hex(hex)?.try_into().ok().map(Self)
    }

    /// Compares in constant time.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

/// Compares two strings in a time that depends on neither of them.
pub(crate) fn same_text(a: &str, b: &str) -> bool {
    TokenHash::of(a).same(&TokenHash::of(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_compare_by_content() {
        assert!(same_text("a", "a"));
        assert!(!same_text("a", "ab"));
    }
}
