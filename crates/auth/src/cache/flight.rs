//! The request for a token that is under way.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use databricks_core::Result;
use futures_util::future::{Either, select};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::cached_token::CachedToken;
use crate::error::AuthError;

/// The timeout for another runtime to run an empty task; after that it counts as one that is not running.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) type Outcome = Result<Arc<CachedToken>, AuthError>;

#[derive(Default)]
pub(super) struct Flight {
    /// The request under way.
    pub(super) request: Option<Request>,
    /// The end of the pause after a failure.
    pub(super) not_before: Option<Instant>,
    /// The number of tokens received so far.
    pub(super) generation: u64,
    /// The number of requests started so far.
    pub(super) begun: u64,
}

/// A request for a token, which runs on the runtime of the caller that started it.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) number: u64,
    pub(super) runtime: Handle,
    /// When a renewal ahead of time counts as lost; no caller waits for it, so none would notice.
    pub(super) lost_at: Option<Instant>,
    /// Receives its result.
    pub(super) result: watch::Receiver<Option<Outcome>>,
}

impl Request {
    /// The result; `None` if the request was lost: its runtime has ended, or no longer runs.
    pub(super) async fn outcome(&self) -> Option<Outcome> {
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
    pub(super) fn under_way(&mut self, now: Instant) -> Option<&Request> {
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
    pub(super) fn forget(&mut self, number: u64) {
        if self.request.as_ref().is_some_and(|request| request.number == number) {
            self.request = None;
        }
    }
}
