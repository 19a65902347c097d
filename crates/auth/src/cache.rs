//! One token in memory, renewed before it expires by one task while callers keep using the old one.

pub(crate) mod cached_token;
mod flight;
pub(crate) mod from_fn;

use std::any::Any;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use databricks_core::{AuthHeaders, Credentials, Result};
use databricks_transport::{Clock, SharedClock};
use futures_util::FutureExt as _;
use http::header::AUTHORIZATION;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::error::{AuthError, AuthErrorKind};
use crate::runtime;
use crate::sanitize::sanitize;
use crate::token::{DynTokenSource, Token, TokenSource};
use cached_token::CachedToken;
use flight::{Flight, Outcome, Request};

/// The pause after a renewal ahead of time failed.
const COOL_DOWN: Duration = Duration::from_secs(60);
/// The timeout of a renewal ahead of time.
const BACKGROUND_LIMIT: Duration = Duration::from_secs(60);
/// How often one call restarts a request that was lost with its runtime.
const ROUNDS: usize = 3;

/// Caches the token of a [`TokenSource`], and renews it before it expires. Clones share the token.
///
/// A fresh token is returned without waiting. In the last part of its lifetime (half of it, at most 20 minutes) one
/// task fetches a new one in the background, while callers still get the old one. Only when a token has less than 40
/// seconds left do callers wait, all for the same request. The request continues when its callers are cancelled, so
/// that the next call does not start over. A renewal ahead of time that fails is retried after a minute.
///
/// Several Tokio runtimes may share one cache, at the same time or one after the other: a request that is lost with its
/// runtime, or whose runtime no longer runs, is restarted by the next call.
///
/// The lifetime is measured from receipt with a monotonic clock, so a wrong system time does no harm.
///
/// Implements [`Credentials`], so it can be passed to [`Config::credentials`](crate::Config::credentials).
///
/// Fetching a token needs a Tokio runtime.
#[derive(Clone)]
pub struct TokenCache(Arc<Shared>);

struct Shared {
    name: String,
    source: Box<dyn DynTokenSource>,
    clock: SharedClock,
    renew_ahead: bool,
    /// What most calls need; the lock is held only to copy a pointer.
    current: RwLock<Option<Arc<CachedToken>>>,
    flight: Mutex<Flight>,
}

impl TokenCache {
    /// Creates an empty cache. The first call that needs a token fetches it.
    pub fn new(source: impl TokenSource) -> Self {
        Self::build("token-source", Box::new(source), SharedClock::default(), true)
    }

    pub(crate) fn build(name: &str, source: Box<dyn DynTokenSource>, clock: SharedClock, renew_ahead: bool) -> Self {
        Self(Arc::new(Shared {
            name: name.to_owned(),
            source,
            clock,
            renew_ahead,
            current: RwLock::default(),
            flight: Mutex::default(),
        }))
    }

    /// Sets the clock, for tests. The cache starts empty.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        self.rebuild(|shared| shared.clock = SharedClock::new(clock))
    }

    /// Sets the auth type. The cache starts empty.
    #[must_use]
    pub fn named(self, auth_type: impl Into<String>) -> Self {
        self.rebuild(|shared| shared.name = auth_type.into())
    }

    fn rebuild(self, change: impl FnOnce(&mut Shared)) -> Self {
        let mut shared = match Arc::try_unwrap(self.0) {
            Ok(shared) => shared,
            Err(shared) => Shared {
                name: shared.name.clone(),
                source: Box::new(Borrowed(Arc::clone(&shared))),
                clock: shared.clock.clone(),
                renew_ahead: shared.renew_ahead,
                current: RwLock::default(),
                flight: Mutex::default(),
            },
        };
        change(&mut shared);
        Self(Arc::new(shared))
    }

    /// Returns a token that is valid for at least the next 40 seconds, unless its source issues shorter ones.
    ///
    /// # Errors
    /// The error of the source, shared by all callers that waited for it.
    pub async fn get(&self) -> Result<Arc<CachedToken>> {
        Ok(self.fetch().await?)
    }

    pub(crate) async fn fetch(&self) -> Outcome {
        for _ in 0..ROUNDS {
            if let Some(token) = self.current() {
                let now = self.0.clock.now();
                if !token.is_expired(now) {
                    if self.0.renew_ahead && token.is_due(now) {
                        self.renew_behind(now);
                    }
                    return Ok(token);
                }
            }
            // Another caller may have been faster before the lock was taken.
            let Some(request) = self.join_or_start()? else { continue };
            if let Some(outcome) = request.outcome().await {
                return outcome;
            }
            // The request was lost with its runtime: this caller restarts it on its own.
            self.flight().forget(request.number);
        }
        Err(AuthError::failed(&self.0.name, "the Tokio runtime ended while a token was requested"))
    }

    /// The token, if there is nothing to do about it.
    pub(crate) fn at_hand(&self) -> Option<Arc<CachedToken>> {
        let now = self.0.clock.now();
        self.current().filter(|token| {
            let due = self.0.renew_ahead && token.is_due(now);
            !token.is_expired(now) && !due
        })
    }

    /// Drops the token if it is still of this generation, because the service refused it. Returns whether a retry may
    /// get a fresh one.
    pub fn invalidate(&self, generation: u64) -> bool {
        let mut current = self.0.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|token| token.generation() == generation) {
            *current = None;
        }
        true
    }

    fn current(&self) -> Option<Arc<CachedToken>> {
        self.0.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn flight(&self) -> MutexGuard<'_, Flight> {
        self.0.flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request under way, or a new one; `None` if a fresh token arrived meanwhile.
    fn join_or_start(&self) -> Result<Option<Request>, AuthError> {
        runtime::check().map_err(|missing| AuthError::from(missing).with_provider(&self.0.name))?;
        let mut flight = self.flight();
        let now = self.0.clock.now();
        if self.current().is_some_and(|token| !token.is_expired(now)) {
            return Ok(None);
        }
        if let Some(request) = flight.under_way(now) {
            return Ok(Some(request.clone()));
        }
        Ok(Some(self.start(&mut flight, now, None)))
    }

    fn renew_behind(&self, now: Instant) {
        let mut flight = self.flight();
        if flight.under_way(now).is_some() || flight.not_before.is_some_and(|at| now < at) {
            return;
        }
        match runtime::check() {
            Ok(()) => drop(self.start(&mut flight, now, Some(BACKGROUND_LIMIT))),
            Err(missing) => {
                tracing::debug!(target: "databricks_auth", provider = self.0.name, %missing, "cannot renew the token ahead of time");
            }
        }
    }

    /// Starts a request as a task of its own, which outlives the caller. There must be a runtime.
    fn start(&self, flight: &mut Flight, now: Instant, limit: Option<Duration>) -> Request {
        let (sender, receiver) = watch::channel(None);
        flight.begun += 1;
        let number = flight.begun;
        let lost_at = limit.and_then(|limit| now.checked_add(limit * 2));
        let request = Request { number, runtime: Handle::current(), lost_at, result: receiver };
        flight.request = Some(request.clone());
        let cache = self.clone();
        tokio::spawn(async move {
            let asking = AssertUnwindSafe(cache.0.source.token()).catch_unwind();
            let token = match limit {
                None => Some(asking.await),
                Some(limit) => tokio::time::timeout(limit, asking).await.ok(),
            };
            let token = match (token, limit) {
                (Some(Ok(token)), _) => token,
                (Some(Err(panic)), _) => Err(cache.panicked(&*panic).into()),
                (None, limit) => {
                    let seconds = limit.unwrap_or_default().as_secs();
                    Err(AuthError::failed(&cache.0.name, format!("no new token within {seconds} s")).into())
                }
            };
            let outcome = cache.land(number, token, limit.is_some());
            sender.send_replace(Some(outcome));
        });
        request
    }

    fn panicked(&self, panic: &(dyn Any + Send)) -> AuthError {
        if let Some(missing) = runtime::missing(panic) {
            return AuthError::from(missing).with_provider(&self.0.name);
        }
        let why = runtime::message(panic).map(|text| format!(": {}", sanitize(text))).unwrap_or_default();
        AuthError::failed(&self.0.name, format!("the token source panicked{why}"))
    }

    /// Stores the result of a request.
    fn land(&self, number: u64, token: Result<Token>, ahead: bool) -> Outcome {
        let mut flight = self.flight();
        flight.forget(number);
        let now = self.0.clock.now();
        match token {
            Ok(token) => {
                flight.not_before = None;
                flight.generation += 1;
                let token = Arc::new(CachedToken::new(token, flight.generation, now));
                let mut current = self.0.current.write().unwrap_or_else(PoisonError::into_inner);
                match &*current {
                    // A token that expires sooner than the cached one is not progress.
                    Some(have) if !have.is_expired(now) && token.ends_before(have) => {
                        flight.not_before = Some(now + COOL_DOWN);
                        Ok(Arc::clone(have))
                    }
                    _ => {
                        *current = Some(Arc::clone(&token));
                        Ok(token)
                    }
                }
            }
            Err(error) => {
                let error = shareable(&self.0.name, error);
                if ahead {
                    flight.not_before = Some(now + COOL_DOWN);
                    tracing::warn!(target: "databricks_auth", provider = self.0.name, error = error.explained(), "cannot renew the token ahead of time, continuing with the old one");
                }
                Err(error)
            }
        }
    }
}

/// A cache with the source of another one.
struct Borrowed(Arc<Shared>);

impl fmt::Debug for Borrowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.source.fmt(f)
    }
}

impl TokenSource for Borrowed {
    async fn token(&self) -> Result<Token> {
        self.0.source.token().await
    }
}

/// Every caller that waits gets the error, so it must be cheap to clone.
fn shareable(name: &str, error: databricks_core::Error) -> AuthError {
    match AuthError::of(&error) {
        Some(found) => found.clone(),
        None => AuthError::new(AuthErrorKind::AuthFailed, format!("{name}: cannot get a token"))
            .with_provider(name)
            .with_cause(error),
    }
}

impl Credentials for TokenCache {
    fn auth_type(&self) -> &str {
        &self.0.name
    }

    async fn headers(&self) -> Result<AuthHeaders> {
        let token = self.fetch().await?;
        Ok(AuthHeaders::new().with(AUTHORIZATION, &token.authorization())?.generation(token.generation()))
    }

    fn invalidate(&self, generation: u64) -> bool {
        Self::invalidate(self, generation)
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").field("name", &self.0.name).field("source", &self.0.source).finish_non_exhaustive()
    }
}
