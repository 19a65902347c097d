//! One token in memory, renewed before it expires by one task while callers keep using the old one.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use databricks_core::{AuthHeaders, Credentials, Result, Secret};
use databricks_transport::{Clock, SharedClock};
use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use http::header::AUTHORIZATION;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::error::{AuthError, AuthErrorKind};
use crate::runtime;
use crate::sanitize::{sanitize, trimmed_secret};
use crate::token::{DynTokenSource, Token, TokenSource};

/// The remaining lifetime at which a token counts as expired: the platform refuses tokens in their last 30 seconds.
pub(crate) const MARGIN: Duration = Duration::from_secs(40);
/// The longest time before its expiry at which a token is renewed.
const MAX_WINDOW: Duration = Duration::from_secs(20 * 60);
/// The pause after a renewal ahead of time failed.
const COOL_DOWN: Duration = Duration::from_secs(60);
/// The timeout of a renewal ahead of time.
const BACKGROUND_LIMIT: Duration = Duration::from_secs(60);
/// The timeout for another runtime to run an empty task; after that it counts as one that is not running.
const PATIENCE: Duration = Duration::from_secs(5);
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

#[derive(Default)]
struct Flight {
    /// The request under way.
    request: Option<Request>,
    /// The end of the pause after a failure.
    not_before: Option<Instant>,
    /// The number of tokens received so far.
    generation: u64,
    /// The number of requests started so far.
    begun: u64,
}

/// A request for a token, which runs on the runtime of the caller that started it.
#[derive(Clone)]
struct Request {
    number: u64,
    runtime: Handle,
    /// When a renewal ahead of time counts as lost; no caller waits for it, so none would notice.
    lost_at: Option<Instant>,
    /// Receives its result.
    result: watch::Receiver<Option<Outcome>>,
}

impl Request {
    /// The result; `None` if the request was lost: its runtime has ended, or no longer runs.
    async fn outcome(&self) -> Option<Outcome> {
        let mut result = self.result.clone();
        let waiting =
            pin!(async move { result.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone()) });
        let watching = pin!(async {
            while tokio::time::timeout(PATIENCE, self.runtime.spawn(async {})).await.is_ok() {
                tokio::time::sleep(PATIENCE).await;
            }
        });
        match select(waiting, watching).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(((), _)) => None,
        }
    }
}

impl Flight {
    /// The request under way, unless it was lost.
    fn under_way(&mut self, now: Instant) -> Option<&Request> {
        let is_lost = |request: &Request| {
            let is_closed = request.result.has_changed().is_err() && request.result.borrow().is_none();
            is_closed || request.lost_at.is_some_and(|at| now >= at)
        };
        if self.request.as_ref().is_some_and(is_lost) {
            self.request = None;
        }
        self.request.as_ref()
    }

    /// Drops a request, unless another one has taken its place.
    fn forget(&mut self, number: u64) {
        if self.request.as_ref().is_some_and(|request| request.number == number) {
            self.request = None;
        }
    }
}

type Outcome = Result<Arc<CachedToken>, AuthError>;

/// A token of a [`TokenCache`].
#[derive(Clone, Debug)]
pub struct CachedToken {
    token: Token,
    generation: u64,
    expires: Option<Instant>,
    renew_at: Option<Instant>,
}

impl CachedToken {
    /// The token.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// Distinguishes this token from later ones of the same cache; see [`TokenCache::invalidate`].
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns the value of an `Authorization` header.
    pub(crate) fn authorization(&self) -> Secret {
        Secret::new(format!("{} {}", self.token.token_type, self.token.value.expose()))
    }

    fn is_expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|expires| now + MARGIN >= expires)
    }

    fn is_due(&self, now: Instant) -> bool {
        self.renew_at.is_some_and(|renew_at| now >= renew_at)
    }
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
        if current.as_ref().is_some_and(|token| token.generation == generation) {
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
                let token = Arc::new(enter(token, flight.generation, now));
                let mut current = self.0.current.write().unwrap_or_else(PoisonError::into_inner);
                match &*current {
                    // A token that expires sooner than the cached one is not progress.
                    Some(have) if !have.is_expired(now) && ends_before(&token, have) => {
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

fn ends_before(new: &CachedToken, old: &CachedToken) -> bool {
    match (new.expires, old.expires) {
        (Some(new), Some(old)) => new < old,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

fn enter(token: Token, generation: u64, now: Instant) -> CachedToken {
    let expires = token.expires_in.and_then(|life| now.checked_add(life));
    let renew_at = match (expires, token.expires_in) {
        (Some(expires), Some(life)) => {
            let window = token.refresh_ahead.unwrap_or_else(|| (life / 2).min(MAX_WINDOW)).min(life);
            // A little later at random, so that many programs do not renew at the same moment.
            let late = window.mul_f64(0.03 * fastrand::f64());
            (expires - window).checked_add(late)
        }
        _ => None,
    };
    CachedToken { token, generation, expires, renew_at }
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
        Ok(AuthHeaders::new().with(AUTHORIZATION, &token.authorization())?.generation(token.generation))
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

/// Credentials with one fixed token, such as a personal access token.
///
/// ```
/// use databricks_auth::{Config, StaticToken};
///
/// let config = Config::new().host("ws.cloud.databricks.com").credentials(StaticToken::new("dapi123"));
/// ```
#[derive(Clone, Debug)]
pub struct StaticToken(Secret);

impl StaticToken {
    /// Creates credentials from a bearer token.
    pub fn new(token: impl Into<Secret>) -> Self {
        Self(trimmed_secret(token.into()))
    }
}

impl Credentials for StaticToken {
    fn auth_type(&self) -> &str {
        "pat"
    }

    async fn headers(&self) -> Result<AuthHeaders> {
        AuthHeaders::bearer(&self.0)
    }
}
