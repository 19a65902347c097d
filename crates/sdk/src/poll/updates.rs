//! What polled work goes through, as a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use databricks_core::Result;
use futures_core::Stream;
use futures_util::stream::{self, TryStreamExt as _};

use super::{Assessment, PollOptions, Pollable, Poller, Verdict};

/// What work goes through from now on: a stream of the resource whenever its state has changed, up to the last state.
///
/// Failing is a state here and no error. Dropping the stream ends the polling and nothing else.
#[must_use = "a stream does nothing until it is polled"]
pub struct Updates<'a, T> {
    inner: Pin<Box<dyn Stream<Item = Result<T>> + Send + 'a>>,
}

impl<'a, T: Send + 'a> Updates<'a, T> {
    /// * `key`: what differs between two states.
    pub(crate) fn new<P>(of: P, options: PollOptions<T, P::State>, key: impl Fn(&T) -> String + Send + 'a) -> Self
    where
        P: Pollable<Resource = T> + Send + 'a,
    {
        let poller = Poller::new(of.client(), options);
        let updates = stream::unfold(Some((poller, of, key, None)), |state| async move {
            let (mut poller, of, key, last) = state?;
            loop {
                let resource = match poller.next(&of).await {
                    Ok(resource) => resource,
                    Err(error) => return Some((Err(error), None)),
                };
                let Assessment { status, verdict } = of.assess(&resource);
                let pending = match verdict {
                    Verdict::Pending if status.state.is_empty() => continue,
                    Verdict::Pending => true,
                    Verdict::FailedOrStale(_) => poller.may_be_stale(),
                    Verdict::Done | Verdict::Failed(_) => false,
                };
                let now = Some(key(&resource));
                if now != last || !pending {
                    return Some((Ok(resource), pending.then_some((poller, of, key, now))));
                }
            }
        });
        Self { inner: Box::pin(updates) }
    }

    /// As another type.
    #[cfg(any(feature = "compute", feature = "jobs", feature = "sql"))]
    pub(crate) fn of(stream: impl Stream<Item = Result<T>> + Send + 'a) -> Self {
        Self { inner: Box::pin(stream) }
    }

    /// Returns the next update, or `None` after the last.
    ///
    /// # Errors
    /// [`ErrorKind::WaitTimeout`](crate::ErrorKind::WaitTimeout) when a timeout was set and has passed, or the error of a poll.
    pub async fn try_next(&mut self) -> Result<Option<T>> {
        self.inner.try_next().await
    }

    /// Returns all updates up to the last.
    ///
    /// # Errors
    /// As [`try_next`](Self::try_next).
    pub async fn try_collect(self) -> Result<Vec<T>> {
        self.inner.try_collect().await
    }
}

impl<T> Stream for Updates<'_, T> {
    type Item = Result<T>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inner.as_mut().poll_next(cx)
    }
}

impl<T> fmt::Debug for Updates<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Updates")
    }
}
