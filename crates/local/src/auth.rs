//! Who may call: the check of the `Authorization` header.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{StatusCode, header};

use crate::caller::{TokenState, same_text};
use crate::reply::ApiError;
use crate::state::USER_NAME;
use crate::state::identity::Identity;

pub(crate) use crate::caller::Caller;

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
    if let Some(rest) = rest {
        return !rest.starts_with("servicePrincipals/") && !rest.starts_with("access-control/");
    }
    // Newer services have versions of their own: `/api/networking/v1/accounts/…`.
    let mut segments = path.split('/').skip(1);
    let own = segments.next() == Some("api") && segments.next().is_some() && segments.next() == Some("v1");
    own && segments.next() == Some("accounts")
}

/// States who makes the request, `None` where no credentials are needed, or why it is refused.
pub(crate) fn check(identity: &Identity, parts: &Parts) -> Result<Option<Caller>, ApiError> {
    let path = parts.uri.path();
    if is_open(path) {
        return Ok(None);
    }
    match Credentials::read(parts) {
        Credentials::Bearer(token) => bearer(identity, path, token).map(Some),
        Credentials::Basic { user, password } => basic(identity, path, &user, &password).map(Some),
        Credentials::None => Err(ApiError::unauthenticated(
            StatusCode::UNAUTHORIZED,
            "Credential was not sent or was of an unsupported type for this API.",
        )),
    }
}

fn bearer(identity: &Identity, path: &str, token: &str) -> Result<Caller, ApiError> {
    let now = identity.clock.now_ms();
    match identity.grants.lookup(token, now) {
        TokenState::Valid(caller) => return Ok(caller),
        TokenState::Expired => {
            return Err(ApiError::unauthenticated(StatusCode::UNAUTHORIZED, "The access token is expired."));
        }
        TokenState::Unknown => {}
    }
    if same_text(token, &identity.internal_token) && !is_account_level(path) {
        return Ok(identity.user.clone());
    }
    match identity.tokens().lookup(token, now) {
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

fn basic(identity: &Identity, path: &str, user: &str, password: &str) -> Result<Caller, ApiError> {
    if !is_account_level(path) {
        return Err(ApiError::unauthenticated(
            StatusCode::UNAUTHORIZED,
            "Basic authentication is not accepted by workspace APIs.",
        ));
    }
    // Both are compared whatever the first states, so that the time tells nothing.
    if same_text(user, USER_NAME) & same_text(password, &identity.secrets.password) {
        Ok(identity.user.clone())
    } else {
        Err(ApiError::unauthenticated(StatusCode::UNAUTHORIZED, "Invalid username or password."))
    }
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
}
