//! Tokens, and where they come from.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use databricks_core::{Result, Secret};

use crate::sanitize::trimmed_secret;

/// A token from its issuer.
///
/// ```
/// use std::time::Duration;
/// use databricks_auth::Token;
///
/// let token = Token::new("eyJ…").expires_in(Duration::from_secs(3600));
/// assert_eq!(token.token_type, "Bearer");
/// assert!(!format!("{token:?}").contains("eyJ"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Token {
    /// The token itself.
    pub value: Secret,
    /// The scheme of the `Authorization` header; `Bearer` unless the issuer states another.
    pub token_type: String,
    /// Its lifetime, counted from the moment it was received; `None` if it does not expire.
    pub expires_in: Option<Duration>,
    /// How long before its expiry it is renewed; `None` for the default, half of its lifetime but at most 20 minutes.
    pub refresh_ahead: Option<Duration>,
}

impl Token {
    /// Creates a bearer token that does not expire. White space around it is removed.
    pub fn new(value: impl Into<Secret>) -> Self {
        Self {
            value: trimmed_secret(value.into()),
            token_type: "Bearer".to_owned(),
            expires_in: None,
            refresh_ahead: None,
        }
    }

    /// Sets the scheme of the `Authorization` header; an empty one means `Bearer`.
    #[must_use]
    pub fn token_type(mut self, token_type: impl Into<String>) -> Self {
        let token_type = token_type.into();
        self.token_type = match token_type.trim() {
            "" => "Bearer".to_owned(),
            text => text.to_owned(),
        };
        self
    }

    /// Sets the lifetime, counted from now.
    #[must_use]
    pub fn expires_in(mut self, life: Duration) -> Self {
        self.expires_in = Some(life);
        self
    }

    /// Sets how long before its expiry it is renewed.
    #[must_use]
    pub fn refresh_ahead(mut self, window: Duration) -> Self {
        self.refresh_ahead = Some(window);
        self
    }
}

/// A source of new tokens: it requests them from an issuer, runs a program, or reads a file.
///
/// Called only when a new token is needed; wrap it in a [`TokenCache`](crate::TokenCache) to use it for requests.
///
/// ```
/// use std::time::Duration;
/// use databricks_auth::{Token, TokenCache, TokenSource};
/// use databricks_core::Result;
///
/// #[derive(Debug)]
/// struct Vault;
///
/// impl TokenSource for Vault {
///     async fn token(&self) -> Result<Token> {
///         Ok(Token::new("from the vault").expires_in(Duration::from_secs(900)))
///     }
/// }
///
/// let credentials = TokenCache::new(Vault); // implements `Credentials`
/// ```
pub trait TokenSource: fmt::Debug + Send + Sync + 'static {
    /// Gets a new token.
    ///
    /// # Errors
    /// When it cannot get one; the callers that wait for it get the error.
    fn token(&self) -> impl Future<Output = Result<Token>> + Send;
}

/// A boxed future.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The object-safe form of [`TokenSource`].
pub(crate) trait DynTokenSource: fmt::Debug + Send + Sync {
    fn token(&self) -> BoxFuture<'_, Result<Token>>;
}

impl<T: TokenSource> DynTokenSource for T {
    fn token(&self) -> BoxFuture<'_, Result<Token>> {
        Box::pin(TokenSource::token(self))
    }
}
