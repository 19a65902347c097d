//! 5,000 calls to the embedded workspace through a proxy that breaks things on purpose.
//!
//! What must hold, whatever happens in between: every call that may be repeated ends well; an effect that must not
//! happen twice happens once if the call succeeded, never if the call states that it surely was not run, and at most
//! once otherwise; and nothing hangs: a stalled connection stays open until the client gives it up. Effects are counted
//! at the server.

// The lint does not know helpers of tests from other code.
#![allow(clippy::unwrap_used)]

mod clock;
mod proxy;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use databricks_local::LocalWorkspace;
use databricks_sdk::{Client, Config, Error, ErrorKind, RetryPolicy, WorkspaceClient};

use clock::QuickClock;
use proxy::{Fault, Proxy};

const CALLS: usize = 5_000;
const AT_ONCE: usize = 48;
/// The idle timeout of the client. A slow machine may meet it without a fault: then a call is retried, or states that
/// it may have run.
const SILENCE: Duration = Duration::from_millis(1_500);
/// The deadline of every tenth call.
const DEADLINE: Duration = Duration::from_millis(900);

/// What became of one call.
enum Came {
    /// A call that may be repeated.
    Repeatable(Result<(), Error>),
    /// A call that may not, with the mark by which its effect is found.
    Once { mark: String, result: Result<(), Error> },
    /// A call with a deadline.
    Bounded(Result<(), Error>),
}

fn client(url: &str, token: &str, clock: QuickClock) -> WorkspaceClient {
    let config = Config::hermetic().host(url).token(token).rate_limit(1_000_000).clock(clock);
    let client = Client::builder(config)
        .inactivity_timeout(SILENCE)
        // Patient enough that thirty faults in a row would be needed to fail a call that may be repeated.
        .retry(RetryPolicy::default())
        .build()
        .expect("the settings are complete");
    WorkspaceClient::from(client)
}

async fn call(w: WorkspaceClient, i: usize) -> Came {
    match i % 10 {
        0 => Came::Bounded(w.clusters().list().with_timeout(DEADLINE).await.map(drop)),
        n if n < 6 => Came::Repeatable(match i % 3 {
            0 => w.current_user().me().await.map(drop),
            1 => w.clusters().list_node_types().await.map(drop),
            _ => w.warehouses().list().await.map(drop),
        }),
        _ => {
            let mark = format!("chaos-{i}");
            let result = w.tokens().create().comment(mark.as_str()).await.map(drop);
            Came::Once { mark, result }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_neither_lose_nor_double_anything() {
    let local = LocalWorkspace::builder().start().await.expect("loopback is there to listen on");
    let seed = std::env::var("CHAOS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_122);
    let proxy = Proxy::start(local.url(), seed).await;
    let w = client(&proxy.url(), local.token(), QuickClock);

    let places = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    let mut calls = tokio::task::JoinSet::new();
    for i in 0..CALLS {
        let (w, places) = (w.clone(), Arc::clone(&places));
        calls.spawn(async move {
            let _place = places.acquire_owned().await;
            call(w, i).await
        });
    }
    let came = calls.join_all().await;

    // Counted past the proxy, by a client that nothing disturbs.
    let quiet = client(local.url(), local.token(), QuickClock);
    let mut effects: BTreeMap<String, u32> = BTreeMap::new();
    let mut tokens = quiet.tokens().list().items();
    while let Some(token) = tokens.try_next().await.expect("the undisturbed way is open") {
        *effects.entry(token.comment.unwrap_or_default()).or_default() += 1;
    }

    let faults = proxy.counts();
    let (mut succeeded, mut unknown, mut refused) = (0, 0, 0);
    for came in came {
        match came {
            Came::Repeatable(result) => {
                result.unwrap_or_else(|error| panic!("seed {seed}: a call that may be repeated failed: {error:?}"));
            }
            Came::Bounded(result) => {
                if let Err(error) = result {
                    let known = matches!(error.kind(), ErrorKind::DeadlineExceeded) || error.retries_exhausted();
                    assert!(known, "seed {seed}: {error:?}");
                }
            }
            Came::Once { mark, result } => {
                let times = effects.get(&mark).copied().unwrap_or(0);
                match result {
                    Ok(()) => {
                        succeeded += 1;
                        assert_eq!(times, 1, "seed {seed}: {mark} succeeded");
                    }
                    Err(error) if error.maybe_executed() => {
                        unknown += 1;
                        assert!(times <= 1, "seed {seed}: {mark} happened {times} times: {error:?}");
                    }
                    Err(error) => {
                        refused += 1;
                        assert_eq!(times, 0, "seed {seed}: {mark} surely was not run, yet it was: {error:?}");
                    }
                }
            }
        }
    }
    println!(
        "{CALLS} calls, faults {faults:?}; of the calls that must not run twice {succeeded} succeeded, {unknown} may have run, {refused} did not"
    );
    for fault in Fault::ALL {
        assert!(
            faults.get(&fault).copied().unwrap_or(0) > 20,
            "seed {seed}: {fault:?} hardly ever happened: {faults:?}"
        );
    }
    // Had every fault after the request reached the server gone unnoticed, nothing would be unknown.
    assert!(unknown > 0 && succeeded > 0, "seed {seed}: {unknown} unknown, {succeeded} succeeded");
}
