//! Errors of configuration and authentication, with a kind that programs can match on.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use databricks_core::{Error, ErrorKind};
use http::StatusCode;

/// The kinds of [`AuthError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// The profile file cannot be parsed.
    ConfigFile,
    /// The profile that was named, in the configuration or by `default_profile`, does not exist.
    ProfileNotFound,
    /// The section for settings was named as a profile.
    ReservedProfile,
    /// A value is not valid for its attribute.
    InvalidValue,
    /// The host is not valid.
    InvalidHost,
    /// The host uses plain http and is not this machine.
    InsecureHost,
    /// Credentials would be sent to, or come from, a host that is not trusted.
    UntrustedEndpoint,
    /// Settings of more than one family of credentials, without `auth_type`.
    ConflictingAuth,
    /// `auth_type` does not name a provider.
    UnknownAuthType,
    /// The provider that `auth_type` names is not configured.
    AuthNotConfigured,
    /// A configured provider failed.
    AuthFailed,
    /// No provider of the chain is configured.
    NoCredentials,
}

impl AuthErrorKind {
    /// Returns the kind as one word, such as `no_credentials`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConfigFile => "config_file",
            Self::ProfileNotFound => "profile_not_found",
            Self::ReservedProfile => "reserved_profile",
            Self::InvalidValue => "invalid_value",
            Self::InvalidHost => "invalid_host",
            Self::InsecureHost => "insecure_host",
            Self::UntrustedEndpoint => "untrusted_endpoint",
            Self::ConflictingAuth => "conflicting_auth",
            Self::UnknownAuthType => "unknown_auth_type",
            Self::AuthNotConfigured => "auth_not_configured",
            Self::AuthFailed => "auth_failed",
            Self::NoCredentials => "no_credentials",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::ConfigFile => "the profile file cannot be used",
            Self::ProfileNotFound => "the profile does not exist",
            Self::ReservedProfile => "the section is not a profile",
            Self::InvalidValue => "the value is not valid",
            Self::InvalidHost => "the host is not valid",
            Self::InsecureHost => "the host is not secure",
            Self::UntrustedEndpoint => "the endpoint is not trusted",
            Self::ConflictingAuth => "the settings contradict each other",
            Self::UnknownAuthType => "the auth type does not exist",
            Self::AuthNotConfigured => "the credentials provider is not configured",
            Self::AuthFailed => "the credentials provider failed",
            Self::NoCredentials => "no credentials were found",
        }
    }

    const fn broad(self) -> ErrorKind {
        match self {
            Self::UntrustedEndpoint | Self::AuthNotConfigured | Self::AuthFailed | Self::NoCredentials => {
                ErrorKind::Auth
            }
            _ => ErrorKind::Config,
        }
    }
}

impl fmt::Display for AuthErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The cause inside every [`Error`] of configuration and authentication: its kind, and the details behind the message.
///
/// [`AuthError::of`] finds it in an [`Error`], whose message states what failed and what to do.
/// [`report`](Self::report) adds the causes and, where no credentials were found, why each provider was not used.
///
/// ```
/// use databricks_auth::{AuthError, AuthErrorKind, Config};
///
/// let error = Config::hermetic().host("http://ws.example.com").resolve().unwrap_err();
/// assert_eq!(AuthError::of(&error).unwrap().kind(), AuthErrorKind::InsecureHost);
/// ```
#[derive(Clone)]
pub struct AuthError(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: AuthErrorKind,
    message: String,
    provider: Option<String>,
    declined: Vec<Declined>,
    status: Option<StatusCode>,
    request_id: Option<String>,
    oauth_error: Option<String>,
    hint: Option<String>,
    /// Warnings about the configuration that may be the cause.
    warnings: Vec<String>,
    cause: Option<Arc<Error>>,
}

/// Why a provider of the chain was not used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Declined {
    /// The provider, such as `azure-cli`.
    pub provider: String,
    /// The reason in words.
    pub reason: String,
}

impl Declined {
    pub(crate) fn new(provider: &str, reason: impl Into<String>) -> Self {
        Self { provider: provider.to_owned(), reason: reason.into() }
    }
}

impl AuthError {
    pub(crate) fn new(kind: AuthErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            provider: None,
            declined: Vec::new(),
            status: None,
            request_id: None,
            oauth_error: None,
            hint: None,
            warnings: Vec::new(),
            cause: None,
        }))
    }

    /// A configured provider failed.
    pub(crate) fn failed(provider: &str, message: impl fmt::Display) -> Self {
        Self::new(AuthErrorKind::AuthFailed, format!("{provider}: {message}")).with_provider(provider)
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    pub(crate) fn with_provider(self, provider: &str) -> Self {
        self.change(|inner| inner.provider = Some(provider.to_owned()))
    }

    pub(crate) fn with_declined(self, declined: Vec<Declined>) -> Self {
        self.change(|inner| inner.declined = declined)
    }

    pub(crate) fn with_status(self, status: Option<StatusCode>, request_id: Option<&str>) -> Self {
        self.change(|inner| {
            inner.status = status;
            inner.request_id = request_id.map(str::to_owned);
        })
    }

    pub(crate) fn with_oauth_error(self, code: Option<String>) -> Self {
        self.change(|inner| inner.oauth_error = code)
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        self.change(|inner| inner.hint = Some(hint.into()))
    }

    /// Puts what was attempted before the message.
    pub(crate) fn prefixed(self, what: impl fmt::Display) -> Self {
        self.change(|inner| {
            let provider = inner.provider.as_deref().map(|name| format!("{name}: ")).unwrap_or_default();
            let rest = inner.message.strip_prefix(&provider).unwrap_or(&inner.message);
            inner.message = format!("{provider}{what}: {rest}");
        })
    }

    /// Adds warnings about the configuration that may be the cause.
    pub(crate) fn with_warnings(self, warnings: &[String]) -> Self {
        if warnings.is_empty() { self } else { self.change(|inner| inner.warnings = warnings.to_vec()) }
    }

    pub(crate) fn with_cause(self, cause: Error) -> Self {
        self.change(|inner| inner.cause = Some(Arc::new(cause)))
    }

    /// Returns the `AuthError` inside an error; `None` if it did not come from configuration or authentication.
    pub fn of(error: &Error) -> Option<&Self> {
        let mut cause = error.source();
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref::<Self>() {
                return Some(found);
            }
            cause = error.source();
        }
        None
    }

    /// Returns the kind.
    pub fn kind(&self) -> AuthErrorKind {
        self.0.kind
    }

    /// Returns the provider that failed or was named, such as `oauth-m2m`.
    pub fn provider(&self) -> Option<&str> {
        self.0.provider.as_deref()
    }

    /// Returns every provider of the chain with the reason why it was not used, for [`AuthErrorKind::NoCredentials`].
    pub fn declined(&self) -> &[Declined] {
        &self.0.declined
    }

    /// Returns the `error` code of an OAuth response, such as `invalid_client`.
    pub fn oauth_error(&self) -> Option<&str> {
        self.0.oauth_error.as_deref()
    }

    /// Returns the status of the response that caused the error.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// Message, hint and causes in one line, for use inside another message.
    pub(crate) fn explained(&self) -> String {
        let mut text = self.0.message.clone();
        if let Some(cause) = &self.0.cause {
            text.push_str(": ");
            text.push_str(&cause.report());
        }
        if let Some(advice) = self.advice() {
            text.push_str("; ");
            text.push_str(&advice);
        }
        text
    }

    /// What to do, and the warnings.
    fn advice(&self) -> Option<String> {
        let hint = self.0.hint.iter().cloned();
        let parts: Vec<_> = hint.chain(self.0.warnings.iter().map(|warning| format!("note that {warning}"))).collect();
        if parts.is_empty() { None } else { Some(parts.join("; ")) }
    }

    /// Returns the message, what to do, all causes and, where no credentials were found, every provider with the reason
    /// why it was not used. Has several lines and no secrets.
    ///
    /// ```
    /// use databricks_auth::{AuthError, Config};
    ///
    /// # async fn example() -> databricks_core::Result<()> {
    /// let credentials = Config::hermetic().host("ws.cloud.databricks.com").resolve()?.credentials()?;
    /// if let Err(error) = databricks_auth::Credentials::headers(&credentials).await {
    ///     if let Some(error) = AuthError::of(&error) {
    ///         eprintln!("{}", error.report());
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    pub fn report(&self) -> String {
        let mut text = self.explained();
        if !self.0.declined.is_empty() {
            text.push('\n');
            text.push_str(&self.to_string());
        }
        text
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.declined.is_empty() {
            return f.write_str(self.0.kind.sentence());
        }
        f.write_str("credentials providers that were not used:")?;
        for one in &self.0.declined {
            write!(f, "\n  {}: {}", one.provider, one.reason)?;
        }
        Ok(())
    }
}

/// Without the message, which the error around it shows.
impl fmt::Debug for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthError")
            .field("kind", &self.0.kind)
            .field("provider", &self.0.provider)
            .field("declined", &self.0.declined)
            .field("cause", &self.0.cause)
            .finish_non_exhaustive()
    }
}

impl StdError for AuthError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}

impl From<AuthError> for Error {
    fn from(error: AuthError) -> Self {
        let inner = &error.0;
        let mut outer = Error::new(inner.kind.broad(), inner.message.clone());
        if let Some(status) = inner.status {
            outer = outer.with_status(status);
        }
        if let Some(id) = &inner.request_id {
            outer = outer.with_request_id(id.clone());
        }
        if let Some(advice) = error.advice() {
            outer = outer.with_hint(advice);
        }
        outer.with_source(error)
    }
}

/// The message where a feature of this crate is off. Most programs use it through `databricks-sdk`, whose features have
/// the same names.
pub(crate) fn feature_off(feature: &str) -> String {
    format!(
        "this build does not support it; enable the feature `{feature}` of databricks-sdk (or of databricks-auth, if you use it without the SDK)"
    )
}

/// Returns the kind of an error from configuration or authentication; `None` for any other error.
///
/// ```
/// use databricks_auth::{AuthErrorKind, Config, error_kind};
///
/// let error = Config::hermetic().set("auth_type", "magic").resolve().unwrap_err();
/// assert_eq!(error_kind(&error), Some(AuthErrorKind::UnknownAuthType));
/// ```
pub fn error_kind(error: &Error) -> Option<AuthErrorKind> {
    AuthError::of(error).map(AuthError::kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_said_once() {
        let cause = Error::new(ErrorKind::Connect, "connection refused");
        let error: Error = AuthError::failed("oauth-m2m", "the token request failed").with_cause(cause).into();
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert_eq!(
            error.report(),
            "oauth-m2m: the token request failed: the credentials provider failed: connection refused"
        );
        assert_eq!(error_kind(&error), Some(AuthErrorKind::AuthFailed));
        assert_eq!(AuthError::of(&error).unwrap().provider(), Some("oauth-m2m"));
        assert_eq!(error_kind(&Error::new(ErrorKind::Io, "x")), None);
    }
}
