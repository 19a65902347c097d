//! Tokens, and where they come from.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use databricks_core::{Result, Secret};

use crate::sanitize::trimmed_secret;

/// A token as its issuer gave it.
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
    /// How long it is good for, counted from the moment it was received; `None` if it does not expire.
    pub expires_in: Option<Duration>,
    /// How long before the end it should be renewed; `None` for the rule that suits most, half of its life but at most 20 minutes.
    pub refresh_ahead: Option<Duration>,
}

impl Token {
    /// A bearer token that does not expire. Blanks and line ends around it are dropped.
    pub fn new(value: impl Into<Secret>) -> Self {
        Self { value: trimmed_secret(value.into()), token_type: "Bearer".to_owned(), expires_in: None, refresh_ahead: None }
    }

    /// With another scheme; an empty one means `Bearer`.
    #[must_use]
    pub fn token_type(mut self, token_type: impl Into<String>) -> Self {
        let token_type = token_type.into();
        self.token_type = match token_type.trim() {
            "" => "Bearer".to_owned(),
            text => text.to_owned(),
        };
        self
    }

    /// With an end, counted from now.
    #[must_use]
    pub fn expires_in(mut self, life: Duration) -> Self {
        self.expires_in = Some(life);
        self
    }

    /// With a time before its end at which to renew it.
    #[must_use]
    pub fn refresh_ahead(mut self, window: Duration) -> Self {
        self.refresh_ahead = Some(window);
        self
    }
}

/// Something that gets tokens: asks an issuer, runs a program, reads a file.
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

/// A future behind a pointer.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The form of [`TokenSource`] that can stand behind a pointer.
pub(crate) trait DynTokenSource: fmt::Debug + Send + Sync {
    fn token(&self) -> BoxFuture<'_, Result<Token>>;
}

impl<T: TokenSource> DynTokenSource for T {
    fn token(&self) -> BoxFuture<'_, Result<Token>> {
        Box::pin(TokenSource::token(self))
    }
}
