//! The headers of a chosen provider.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use databricks_core::{AuthHeaders, Result, Secret};
use futures_util::future::{try_join, try_join_all};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

use crate::cache::TokenCache;
use crate::token::{BoxFuture, DynTokenSource, Token, TokenSource};

/// The pause before an optional token is requested again after a failure.
const WITHOUT: Duration = Duration::from_secs(300);

/// An `Authorization` header, fixed or by token, and the headers that go with it.
#[derive(Debug)]
pub(crate) struct Headers {
    authorization: Authorization,
    tokens: Vec<(HeaderName, TokenCache)>,
    fixed: Vec<(HeaderName, Secret)>,
    /// Whether missing tokens are fetched at the same time; some are wasted when the first one fails.
    at_once: bool,
    close: Option<Arc<dyn Close>>,
    /// The headers made last: nearly every request has the same.
    made: Mutex<Option<AuthHeaders>>,
}

/// What to do when credentials are no longer needed.
pub(crate) trait Close: fmt::Debug + Send + Sync {
    fn close(&self) -> BoxFuture<'_, ()>;
}

#[derive(Debug)]
enum Authorization {
    Fixed(Secret),
    Token(TokenCache),
}

impl Headers {
    pub(crate) fn fixed(authorization: &Secret) -> Self {
        Self {
            authorization: Authorization::Fixed(authorization.clone()),
            tokens: Vec::new(),
            fixed: Vec::new(),
            at_once: false,
            close: None,
            made: Mutex::default(),
        }
    }

    pub(crate) fn token(cache: TokenCache) -> Self {
        Self {
            authorization: Authorization::Token(cache),
            tokens: Vec::new(),
            fixed: Vec::new(),
            at_once: false,
            close: None,
            made: Mutex::default(),
        }
    }

    /// With the bare token of another cache in a header of its own. An empty token leaves the header out.
    pub(crate) fn with_token(mut self, name: HeaderName, cache: TokenCache) -> Self {
        self.tokens.push((name, cache));
        self
    }

    pub(crate) fn with_fixed(mut self, name: HeaderName, value: &str) -> Self {
        self.fixed.push((name, Secret::from(value)));
        self
    }

    /// Fetches missing tokens at the same time: for sources that are slow.
    pub(crate) fn at_once(mut self) -> Self {
        self.at_once = true;
        self
    }

    pub(crate) fn on_close(mut self, close: Arc<dyn Close>) -> Self {
        self.close = Some(close);
        self
    }

    /// Revokes what was created for these credentials.
    pub(crate) async fn close(&self) {
        if let Some(close) = &self.close {
            close.close().await;
        }
    }

    /// The headers for one request.
    pub(crate) async fn get(&self) -> Result<AuthHeaders> {
        if self.tokens.is_empty() {
            return self.alone().await;
        }
        let more = || try_join_all(self.tokens.iter().map(|(_, cache)| cache.fetch()));
        let (value, generation, more) = match &self.authorization {
            Authorization::Fixed(value) => (value.clone(), 0, more().await?),
            Authorization::Token(cache) => {
                let (token, more) = if self.at_once {
                    try_join(cache.fetch(), more()).await?
                } else {
                    (cache.fetch().await?, more().await?)
                };
                (token.authorization(), token.generation(), more)
            }
        };
        let mut headers = AuthHeaders::new().with(AUTHORIZATION, &value)?.generation(generation);
        for ((name, _), token) in self.tokens.iter().zip(more) {
            if !token.token().value.is_empty() {
                headers = headers.with(name.clone(), &token.token().value)?;
            }
        }
        for (name, value) in &self.fixed {
            headers = headers.with(name.clone(), value)?;
        }
        Ok(headers)
    }

    /// The headers where no other tokens go with the authorization.
    async fn alone(&self) -> Result<AuthHeaders> {
        match &self.authorization {
            Authorization::Fixed(value) => self.made_for(0, || value.clone()),
            Authorization::Token(cache) => {
                let token = cache.fetch().await?;
                self.made_for(token.generation(), || token.authorization())
            }
        }
    }

    /// The headers of this generation, made once.
    fn made_for(&self, generation: u64, value: impl FnOnce() -> Secret) -> Result<AuthHeaders> {
        if let Some(made) = self.made().as_ref().filter(|made| made.generation == generation) {
            return Ok(made.clone());
        }
        let mut headers = AuthHeaders::new().with(AUTHORIZATION, &value())?.generation(generation);
        for (name, value) in &self.fixed {
            headers = headers.with(name.clone(), value)?;
        }
        *self.made() = Some(headers.clone());
        Ok(headers)
    }

    /// Lends what [`get`](Self::get) would return at once, with its generation. Returns whether it did.
    pub(crate) fn lend(&self, to: impl FnOnce(&HeaderMap, u64)) -> bool {
        if !self.tokens.is_empty() {
            return false;
        }
        let generation = match &self.authorization {
            Authorization::Fixed(_) => 0,
            Authorization::Token(cache) => match cache.at_hand() {
                Some(token) => token.generation(),
                None => return false,
            },
        };
        match self.made().as_ref().filter(|made| made.generation == generation) {
            Some(made) => {
                to(&made.headers, generation);
                true
            }
            None => false,
        }
    }

    fn made(&self) -> MutexGuard<'_, Option<AuthHeaders>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn invalidate(&self, generation: u64) -> bool {
        match &self.authorization {
            Authorization::Fixed(_) => false,
            Authorization::Token(cache) => cache.invalidate(generation),
        }
    }
}

/// A token that requests can do without: where its source fails, it is an empty one for some minutes.
#[derive(Debug)]
pub(crate) struct Optional<S> {
    pub(crate) provider: &'static str,
    pub(crate) what: &'static str,
    pub(crate) source: S,
}

impl<S: DynTokenSource + 'static> TokenSource for Optional<S> {
    async fn token(&self) -> Result<Token> {
        match self.source.token().await {
            Ok(token) => Ok(token),
            Err(error) => {
                tracing::warn!(target: "databricks_auth", provider = self.provider, error = error.report(), "cannot get the {}; going on without", self.what);
                Ok(Token::new("").expires_in(WITHOUT))
            }
        }
    }
}
