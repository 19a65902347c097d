//! The token cache, with time that stands still until it is moved.

#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use databricks_auth::{Credentials as _, Token, TokenCache, TokenSource};
use databricks_core::{Error, ErrorKind, Result};
use databricks_transport::{Clock, Sleep};
use proptest::prelude::*;
use tokio::time::{Instant, advance, sleep};

/// What a request for a token comes to: a token with its life in seconds, or nothing.
type Step = Option<(&'static str, u64)>;

/// Takes two seconds for each token.
#[derive(Clone, Debug, Default)]
struct Issuer {
    steps: Arc<Mutex<VecDeque<Step>>>,
    requests: Arc<AtomicUsize>,
    done: Arc<AtomicUsize>,
}

const TAKES: Duration = Duration::from_secs(2);

impl Issuer {
    fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: Arc::new(Mutex::new(steps.into_iter().collect())), ..Self::default() }
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl TokenSource for Issuer {
    async fn token(&self) -> Result<Token> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        sleep(TAKES).await;
        self.done.fetch_add(1, Ordering::SeqCst);
        match self.steps.lock().unwrap().pop_front() {
            Some(Some((value, life))) => Ok(Token::new(value).expires_in(Duration::from_secs(life))),
            _ => Err(Error::new(ErrorKind::Timeout, "the issuer timed out")),
        }
    }
}

async fn value(cache: &TokenCache) -> String {
    cache.get().await.unwrap().token().value.expose().to_owned()
}

/// Moves on and lets everything that is due happen.
async fn move_on(seconds: u64) {
    advance(Duration::from_secs(seconds)).await;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

async fn thousand(cache: &TokenCache) -> Vec<Result<String>> {
    let calls: Vec<_> = (0..1000)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.get().await.map(|token| token.token().value.expose().to_owned()) })
        })
        .collect();
    let mut all = Vec::new();
    for call in calls {
        all.push(call.await.unwrap());
    }
    all
}

#[tokio::test(start_paused = true)]
async fn a_thousand_callers_on_a_cold_cache_send_one_request() {
    let issuer = Issuer::new([Some(("first", 3600))]);
    let cache = TokenCache::new(issuer.clone());
    assert!(thousand(&cache).await.into_iter().all(|token| token.unwrap() == "first"));
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_callers_during_a_renewal_wait_for_nothing() {
    let issuer = Issuer::new([Some(("first", 3600)), Some(("second", 3600))]);
    let cache = TokenCache::new(issuer.clone());
    value(&cache).await;
    // The window opens 20 minutes before the end, at random up to 36 seconds later.
    move_on(2399).await;
    assert_eq!((value(&cache).await.as_str(), issuer.requests()), ("first", 1));
    move_on(40).await;
    let start = Instant::now();
    assert!(thousand(&cache).await.into_iter().all(|token| token.unwrap() == "first"));
    assert_eq!((start.elapsed(), issuer.requests(), issuer.done.load(Ordering::SeqCst)), (Duration::ZERO, 2, 1));
    sleep(TAKES).await;
    move_on(0).await;
    assert_eq!((value(&cache).await.as_str(), issuer.requests()), ("second", 2));
}

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_keeps_the_token_and_pauses() {
    let issuer = Issuer::new([Some(("first", 3600)), None, Some(("second", 3600))]);
    let cache = TokenCache::new(issuer.clone());
    value(&cache).await;
    move_on(2500).await;
    assert_eq!(value(&cache).await, "first");
    sleep(TAKES * 2).await;
    for _ in 0..5 {
        assert_eq!(value(&cache).await, "first");
        move_on(10).await;
    }
    assert_eq!(issuer.requests(), 2, "not again within a minute");
    move_on(10).await;
    assert_eq!(value(&cache).await, "first");
    sleep(TAKES * 2).await;
    assert_eq!((value(&cache).await.as_str(), issuer.requests()), ("second", 3));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_hangs_times_out() {
    #[derive(Debug)]
    struct Hangs(AtomicUsize);
    impl TokenSource for Hangs {
        async fn token(&self) -> Result<Token> {
            if self.0.fetch_add(1, Ordering::SeqCst) == 1 {
                std::future::pending::<()>().await;
            }
            Ok(Token::new(self.0.load(Ordering::SeqCst).to_string()).expires_in(Duration::from_secs(600)))
        }
    }
    let cache = TokenCache::new(Hangs(AtomicUsize::new(0)));
    value(&cache).await;
    move_on(400).await;
    assert_eq!(value(&cache).await, "1");
    sleep(Duration::from_secs(61)).await;
    sleep(Duration::from_secs(61)).await;
    value(&cache).await;
    move_on(0).await;
    assert_eq!(value(&cache).await, "3");
}

#[tokio::test(start_paused = true)]
async fn callers_wait_for_an_expired_token_and_share_failures() {
    let issuer = Issuer::new([Some(("first", 100)), None, Some(("second", 100))]);
    let cache = TokenCache::new(issuer.clone());
    value(&cache).await;
    // 40 seconds before its end it counts as expired.
    move_on(61).await;
    let failures = thousand(&cache).await;
    assert_eq!(issuer.requests(), 2);
    for failure in failures {
        let error = failure.unwrap_err();
        assert!(error.report().contains("the issuer timed out"), "{}", error.report());
    }
    assert_eq!(value(&cache).await, "second");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_caller_does_not_break_the_request() {
    let issuer = Issuer::new([Some(("first", 3600))]);
    let cache = TokenCache::new(issuer.clone());
    let impatient = tokio::time::timeout(Duration::from_secs(1), cache.get()).await;
    assert!(impatient.is_err());
    assert_eq!((value(&cache).await.as_str(), issuer.requests()), ("first", 1));
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_dropped_once() {
    let issuer = Issuer::new([Some(("first", 3600)), Some(("second", 3600))]);
    let cache = TokenCache::new(issuer.clone()).named("vault");
    let old = cache.headers().await.unwrap();
    assert!(cache.invalidate(old.generation));
    let new = cache.headers().await.unwrap();
    assert_eq!(new.headers["authorization"], "Bearer second");
    // Another caller learns late that the first token was refused.
    assert!(cache.invalidate(old.generation));
    cache.headers().await.unwrap();
    assert_eq!((issuer.requests(), cache.auth_type()), (2, "vault"));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_panics_is_an_error() {
    let cache = databricks_auth::from_fn("broken", || async { panic!("on purpose") });
    let error = cache.get().await.unwrap_err().to_string();
    assert!(error.contains("broken") && error.contains("panicked: on purpose"), "{error}");
    assert!(cache.get().await.is_err(), "and does not block the next caller");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn a_request_that_is_lost_with_its_runtime_is_restarted() {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let cache = databricks_auth::from_fn("slow", move || {
        let number = count.fetch_add(1, Ordering::SeqCst);
        async move {
            if number == 0 {
                std::future::pending::<()>().await;
            }
            Ok(Token::new(number.to_string()).expires_in(Duration::from_secs(3600)))
        }
    });
    // The caller is cancelled while the request is under way, and its runtime ends with it.
    runtime().block_on(async {
        let caller = tokio::spawn({
            let cache = cache.clone();
            async move { value(&cache).await }
        });
        while requests.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        caller.abort();
    });
    for _ in 0..2 {
        assert_eq!(runtime().block_on(value(&cache)), "1");
    }
    assert_eq!(requests.load(Ordering::SeqCst), 2);
}

#[test]
fn a_caller_on_another_runtime_restarts_a_lost_request() {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let cache = databricks_auth::from_fn("slow", move || {
        let number = count.fetch_add(1, Ordering::SeqCst);
        async move {
            if number == 0 {
                std::future::pending::<()>().await;
            }
            Ok(Token::new(number.to_string()).expires_in(Duration::from_secs(3600)))
        }
    });
    let first = runtime();
    first.block_on(async {
        let cache = cache.clone();
        tokio::spawn(async move { cache.get().await.map(drop) });
        while requests.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    });
    runtime().block_on(async {
        let mut waiting = Box::pin(value(&cache));
        assert!(futures_util::FutureExt::now_or_never(&mut waiting).is_none());
        first.shutdown_background();
        assert_eq!(waiting.await, "1");
    });
}

#[test]
fn a_request_on_a_runtime_that_does_not_run_is_restarted() {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let cache = databricks_auth::from_fn("slow", move || {
        let number = count.fetch_add(1, Ordering::SeqCst);
        async move {
            tokio::task::yield_now().await;
            Ok(Token::new(number.to_string()).expires_in(Duration::from_secs(3600)))
        }
    });
    // Begun, and left in a runtime that is there but stands still.
    let idle = runtime();
    idle.block_on(async {
        let cache = cache.clone();
        tokio::spawn(async move { cache.get().await.map(drop) });
        while requests.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    });
    let other = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    assert_eq!(other.block_on(value(&cache)), "1");
    // When it moves on after all, its late result harms nothing.
    idle.block_on(async {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        value(&cache).await;
    });
    assert_eq!(requests.load(Ordering::SeqCst), 2);
}

/// Time that a test moves, in seconds.
#[derive(Clone, Debug)]
struct Moved(std::time::Instant, Arc<AtomicUsize>);

impl Clock for Moved {
    fn now(&self) -> std::time::Instant {
        self.0 + Duration::from_secs(self.1.load(Ordering::SeqCst) as u64)
    }

    fn wall(&self) -> std::time::SystemTime {
        std::time::SystemTime::UNIX_EPOCH
    }

    fn sleep(&self, _: Duration) -> Sleep {
        Box::pin(std::future::ready(()))
    }
}

#[test]
fn a_renewal_that_is_lost_with_its_runtime_is_restarted() {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let time = Arc::new(AtomicUsize::new(0));
    let cache = databricks_auth::from_fn("due", move || {
        let number = count.fetch_add(1, Ordering::SeqCst);
        async move {
            if number == 1 {
                std::future::pending::<()>().await;
            }
            Ok(Token::new(number.to_string()).expires_in(Duration::from_secs(3600)))
        }
    })
    .clock(Moved(std::time::Instant::now(), Arc::clone(&time)));
    let until_requests = |times: usize| {
        let requests = Arc::clone(&requests);
        async move {
            while requests.load(Ordering::SeqCst) < times {
                tokio::task::yield_now().await;
            }
        }
    };
    runtime().block_on(async {
        assert_eq!(value(&cache).await, "0");
        time.store(3000, Ordering::SeqCst);
        assert_eq!(value(&cache).await, "0");
        until_requests(2).await;
    });
    // That renewal is gone. The token is still good, and the next call renews it again.
    runtime().block_on(async {
        assert_eq!(value(&cache).await, "0");
        until_requests(3).await;
        while value(&cache).await != "2" {
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(requests.load(Ordering::SeqCst), 3);
}

#[test]
fn a_runtime_without_timers_or_none_at_all_is_an_error() {
    let cache = || databricks_auth::from_fn("test", || async { Ok(Token::new("t")) });
    let without = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let error = without.block_on(cache().get()).unwrap_err();
    assert!(error.to_string().contains("no timers") && error.to_string().contains("enable_all"), "{error}");
    let error = futures_util::FutureExt::now_or_never(async { cache().get().await }).unwrap().unwrap_err();
    assert!(error.to_string().contains("Tokio runtime"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the lifetimes and the steps of time: no caller gets a token in its last seconds unless it was issued
    /// like that, and there is never more than one request at a time.
    #[test]
    fn no_expired_token_is_returned(lives in prop::collection::vec(1u64..4000, 1..6), steps in prop::collection::vec(0u64..3000, 1..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let born = Arc::new(Mutex::new(Vec::<(Instant, u64)>::new()));
            let (log, lives) = (Arc::clone(&born), lives.clone());
            let cache = databricks_auth::from_fn("test", move || {
                let mut log = log.lock().unwrap();
                let life = lives[log.len() % lives.len()];
                log.push((Instant::now(), life));
                let token = Token::new((log.len() - 1).to_string()).expires_in(Duration::from_secs(life));
                async move { Ok(token) }
            });
            for step in steps {
                move_on(step).await;
                let known_before = born.lock().unwrap().len();
                let number: usize = value(&cache).await.parse().unwrap();
                let (at, life) = born.lock().unwrap()[number];
                let is_new = number >= known_before;
                assert!(is_new || at.elapsed() + Duration::from_secs(40) < Duration::from_secs(life));
            }
        });
    }
}
