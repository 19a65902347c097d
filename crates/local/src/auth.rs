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
    path == "/"
        || path == "/healthz"
        || path.starts_with("/oidc/")
        || path.starts_with("/.well-known/")
        || path.starts_with("/local/storage/")
}

/// Whether `path` belongs to the account rather than to the workspace.
fn is_account_level(path: &str) -> bool {
    let preview = path.strip_prefix("/api/2.0/preview").map(|rest| format!("/api/2.0{rest}"));
    let path = preview.as_deref().unwrap_or(path);
    // Proxies for workspaces lie beside the account's own paths, which name it by a UUID.
    let rest = path.strip_prefix("/api/2.0/accounts/").or_else(|| path.strip_prefix("/api/2.1/accounts/"));
    rest.is_some_and(|rest| !rest.starts_with("servicePrincipals/") && !rest.starts_with("access-control/"))
}

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

/// States who makes the request, `None` where no credentials are needed, or why it is refused.
pub(crate) fn check(app: &App, parts: &Parts) -> Result<Option<Caller>, ApiError> {
    let path = parts.uri.path();
    if is_open(path) {
        return Ok(None);
    }
    match Credentials::read(parts) {
        Credentials::Bearer(token) => bearer(app, path, token).map(Some),
        Credentials::Basic { user, password } => basic(app, path, &user, &password).map(Some),
        Credentials::None => Err(ApiError::unauthenticated(
            StatusCode::UNAUTHORIZED,
            "Credential was not sent or was of an unsupported type for this API.",
        )),
    }
}

fn bearer(app: &App, path: &str, token: &str) -> Result<Caller, ApiError> {
    let now = app.clock.now_ms();
    match app.oidc.lookup(token, now) {
        TokenState::Valid(caller) => return Ok(caller),
        TokenState::Expired => {
            return Err(ApiError::unauthenticated(StatusCode::UNAUTHORIZED, "The access token is expired."));
        }
        TokenState::Unknown => {}
    }
    if same_text(token, &app.internal_token) && !is_account_level(path) {
        return Ok(app.user.clone());
    }
    match app.tokens().lookup(token, now) {
        TokenState::Valid(_) if is_account_level(path) => Err(ApiError::unauthenticated(
            StatusCode::UNAUTHORIZED,
            "Personal access tokens are not accepted by account-level APIs.",
        )),
        TokenState::Valid(caller) => Ok(caller),
        TokenState::Expired | TokenState::Unknown => {
            Err(ApiError::unauthenticated(StatusCode::FORBIDDEN, "Invalid access token."))
        }
    }
}

fn basic(app: &App, path: &str, user: &str, password: &str) -> Result<Caller, ApiError> {
    if !is_account_level(path) {
        return Err(ApiError::unauthenticated(
            StatusCode::UNAUTHORIZED,
            "Basic authentication is not accepted by workspace APIs.",
        ));
    }
    // Both are compared whatever the first states, so that the time tells nothing.
    if same_text(user, USER_NAME) & same_text(password, &app.secrets.password) {
        Ok(app.user.clone())
    } else {
        Err(ApiError::unauthenticated(StatusCode::UNAUTHORIZED, "Invalid username or password."))
    }
}

/// What is known of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TokenState {
    Unknown,
    Valid(Caller),
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
