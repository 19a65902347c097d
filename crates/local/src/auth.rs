//! Who may call: the check of the `Authorization` header.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{StatusCode, header};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::reply::ApiError;
use crate::state::{App, USER_NAME};

/// Paths that need no credentials: authentication itself, and result files, whose links carry a signature.
fn is_open(path: &str) -> bool {
    path.starts_with("/oidc/") || path.starts_with("/.well-known/") || path.starts_with("/local/storage/")
}

/// Whether `path` belongs to the account rather than to the workspace.
fn is_account_level(path: &str) -> bool {
    path.starts_with("/api/2.0/accounts/")
}

/// Lets the request through or states why not.
pub(crate) fn check(app: &App, parts: &Parts) -> Result<(), ApiError> {
    let path = parts.uri.path();
    if is_open(path) {
        return Ok(());
    }
    match Credentials::read(parts) {
        Credentials::Bearer(token) => bearer(app, path, token),
        Credentials::Basic { user, password } => basic(app, path, &user, &password),
        Credentials::None => Err(ApiError::unauthenticated(
            StatusCode::UNAUTHORIZED,
            "Credential was not sent or was of an unsupported type for this API.",
        )),
    }
}

fn bearer(app: &App, path: &str, token: &str) -> Result<(), ApiError> {
    let now = app.clock.now_ms();
    match app.oidc.lookup(token, now) {
        TokenState::Valid => return Ok(()),
        TokenState::Expired => {
            return Err(ApiError::unauthenticated(StatusCode::UNAUTHORIZED, "The access token is expired."));
        }
        TokenState::Unknown => {}
    }
    match app.tokens.lookup(token, now) {
        TokenState::Valid if is_account_level(path) => Err(ApiError::unauthenticated(
            StatusCode::UNAUTHORIZED,
            "Personal access tokens are not accepted by account-level APIs.",
        )),
        TokenState::Valid => Ok(()),
        TokenState::Expired | TokenState::Unknown => {
            Err(ApiError::unauthenticated(StatusCode::FORBIDDEN, "Invalid access token."))
        }
    }
}

fn basic(app: &App, path: &str, user: &str, password: &str) -> Result<(), ApiError> {
    if !is_account_level(path) {
        return Err(ApiError::unauthenticated(
            StatusCode::UNAUTHORIZED,
            "Basic authentication is not accepted by workspace APIs.",
        ));
    }
    // Both are compared whatever the first states, so that the time tells nothing.
    if same_text(user, USER_NAME) & same_text(password, &app.secrets.password) {
        Ok(())
    } else {
        Err(ApiError::unauthenticated(StatusCode::UNAUTHORIZED, "Invalid username or password."))
    }
}

/// What is known of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenState {
    Unknown,
    Valid,
    Expired,
}

/// The content of an `Authorization` header.
#[derive(PartialEq, Eq)]
pub(crate) enum Credentials<'a> {
    None,
    Bearer(&'a str),
    Basic { user: String, password: String },
}

impl<'a> Credentials<'a> {
    pub(crate) fn read(parts: &'a Parts) -> Self {
        let Some(text) = parts.headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()) else {
            return Self::None;
        };
        let Some((scheme, rest)) = text.split_once(' ') else {
            return Self::None;
        };
        if scheme.eq_ignore_ascii_case("bearer") {
            return Self::Bearer(rest.trim());
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return Self::None;
        }
        let pair = STANDARD.decode(rest.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        match pair.as_deref().and_then(|p| p.split_once(':')) {
            Some((user, password)) => Self::Basic { user: user.to_owned(), password: password.to_owned() },
            None => Self::None,
        }
    }
}

/// The form in which tokens are kept and compared.
#[derive(Clone, Copy)]
pub(crate) struct TokenHash([u8; 32]);

impl TokenHash {
    pub(crate) fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
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

    fn read(value: &str) -> Option<(String, String)> {
        let request = http::Request::builder().header(header::AUTHORIZATION, value).body(()).unwrap();
        match Credentials::read(&request.into_parts().0) {
            Credentials::None => None,
            Credentials::Bearer(t) => Some(("bearer".into(), t.into())),
            Credentials::Basic { user, password } => Some((user, password)),
        }
    }

    #[test]
    fn schemes_are_read_whatever_their_case() {
        assert_eq!(read("bearer x"), Some(("bearer".into(), "x".into())));
        assert_eq!(read("Basic YTpiOmM="), Some(("a".into(), "b:c".into())));
        assert_eq!(read("Basic !!!"), None);
        assert_eq!(read("Digest x"), None);
        assert_eq!(read("Bearer"), None);
    }

    #[test]
    fn texts_compare_by_content() {
        assert!(same_text("a", "a"));
        assert!(!same_text("a", "ab"));
    }
}
