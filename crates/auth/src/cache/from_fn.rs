//! Credentials from a function.

use std::fmt;
use std::future::Future;

use databricks_core::Result;

use crate::cache::TokenCache;
use crate::token::{Token, TokenSource};

/// Creates credentials from a function that returns tokens, cached as in [`TokenCache`].
///
/// * `auth_type`: a name for the user agent and for messages.
/// * `function`: is called whenever a new token is needed.
///
/// ```
/// use std::time::Duration;
/// use databricks_auth::{Token, from_fn};
///
/// let credentials = from_fn("vault", || async {
///     let secret = "…"; // ask the vault
///     Ok(Token::new(secret).expires_in(Duration::from_secs(900)))
/// });
/// ```
pub fn from_fn<F, Fut>(auth_type: impl Into<String>, function: F) -> TokenCache
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Token>> + Send + 'static,
{
    TokenCache::new(FromFn(function)).named(auth_type)
}

struct FromFn<F>(F);

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FromFn")
    }
}

impl<F, Fut> TokenSource for FromFn<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Token>> + Send + 'static,
{
    async fn token(&self) -> Result<Token> {
        (self.0)().await
    }
}
