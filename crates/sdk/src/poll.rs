//! Polling: the one way in which this crate follows work that takes a while at the service.
//!
//! A [`Poller`] pauses, polls, survives polls that fail, watches the timeout and reports progress; a [`Pollable`]
//! states what to poll and what a response means. Polling never ends the work that it watches: what happens to the work
//! when the timeout passes is decided, and documented, by the handle.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use databricks_auth::AuthError;
use databricks_core::{Error, ErrorKind, Operation, RequestParts, Result, WaitStatus};
use databricks_transport::SharedClock;
use futures_core::Stream;
use futures_util::stream::{self, TryStreamExt as _};
use percent_encoding::percent_decode_str;

use crate::client::Client;

/// So long may polls fail one after the other before a wait gives up, unless the retry budget of the client is longer.
const ERROR_BUDGET: Duration = Duration::from_secs(5 * 60);
/// So long may a state from before the call still be shown.
const GRACE: Duration = Duration::from_secs(30);
/// So long may a poll take that begins shortly before the timeout passes.
const LAST_POLL: Duration = Duration::from_secs(1);

/// One poll of what is waited for.
#[derive(Debug)]
#[non_exhaustive]
pub struct Progress<'a, T> {
    /// The state as it is on the wire, such as `PENDING`; empty if the response has none. The resource has it as a
    /// typed value.
    pub state: &'a str,
    /// The whole response.
    pub resource: &'a T,
    /// The time since the wait began.
    pub elapsed: Duration,
}

pub(crate) type OnProgress<T> = Box<dyn FnMut(Progress<'_, T>) + Send>;

/// How the pauses between polls grow: by a step each time up to the longest one, plus up to a step at random.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    step: Duration,
    longest: Duration,
}

impl Pace {
    /// For what takes minutes: a second more each time, up to ten.
    pub(crate) const STEADY: Self = Self { step: Duration::from_secs(1), longest: Duration::from_secs(10) };
    /// For what may be done at once or take hours: a tenth of a second more each time, up to five seconds.
    #[cfg(any(feature = "compute", feature = "sql"))]
    pub(crate) const QUICK: Self = Self { step: Duration::from_millis(100), longest: Duration::from_secs(5) };

    /// The same pause each time.
    pub(crate) const fn every(interval: Duration) -> Self {
        Self { step: Duration::ZERO, longest: interval }
    }

    /// The pause after poll `n`, counted from 1.
    fn pause(self, n: u32) -> Duration {
        if self.step.is_zero() {
            return self.longest;
        }
        self.step.saturating_mul(n).min(self.longest) + self.step.mul_f64(fastrand::f64())
    }
}

/// What a caller sets for a wait.
pub(crate) struct PollOptions<T> {
    pub(crate) pace: Pace,
    pub(crate) timeout: Option<Duration>,
    pub(crate) on_progress: Option<OnProgress<T>>,
}

impl<T> Default for PollOptions<T> {
    fn default() -> Self {
        Self { pace: Pace::STEADY, timeout: None, on_progress: None }
    }
}

impl<T> PollOptions<T> {
    /// At this pace.
    #[cfg(any(feature = "compute", feature = "sql"))]
    pub(crate) fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// With this timeout.
    pub(crate) fn timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.timeout = limit.into();
        self
    }
}

/// The setters of everything that waits: the struct has a field `poll` of [`PollOptions`].
macro_rules! poll_setters {
    ($(#[$timeout:meta])* $resource:ty) => {
        $(#[$timeout])*
        pub fn timeout(mut self, limit: ::std::time::Duration) -> Self {
            self.poll.timeout = Some(limit);
            self
        }

        /// Sets the pause between two polls. Default: pauses that grow.
        pub fn poll_interval(mut self, interval: ::std::time::Duration) -> Self {
            self.poll.pace = $crate::poll::Pace::every(interval);
            self
        }

        /// Calls `f` after every poll.
        pub fn on_progress(mut self, f: impl FnMut($crate::Progress<'_, $resource>) + Send + 'static) -> Self {
            self.poll.on_progress = Some(Box::new(f));
            self
        }
    };
}
pub(crate) use poll_setters;

/// Work at the service whose state can be polled.
pub(crate) trait Pollable: Sync {
    /// What a poll returns.
    type Resource: Send;

    fn client(&self) -> &Client;

    /// The operation that errors name, such as `clusters.start`.
    fn operation(&self) -> &'static str;

    /// What is polled, such as `run 42`.
    fn name(&self) -> String;

    /// What is waited for, after `did not` in a message, such as `reach RUNNING`.
    fn goal(&self) -> String;

    /// Polls once.
    ///
    /// * `timeout`: of this poll, all attempts together.
    fn poll(&self, timeout: Option<Duration>) -> impl Future<Output = Result<Self::Resource>> + Send;

    fn assess(&self, resource: &Self::Resource) -> Assessment;
}

impl<P: Pollable> Pollable for &P {
    type Resource = P::Resource;
    fn client(&self) -> &Client {
        P::client(self)
    }
    fn operation(&self) -> &'static str {
        P::operation(self)
    }
    fn name(&self) -> String {
        P::name(self)
    }
    fn goal(&self) -> String {
        P::goal(self)
    }
    fn poll(&self, timeout: Option<Duration>) -> impl Future<Output = Result<Self::Resource>> + Send {
        P::poll(self, timeout)
    }
    fn assess(&self, resource: &Self::Resource) -> Assessment {
        P::assess(self, resource)
    }
}

/// What a response means.
pub(crate) struct Assessment {
    pub(crate) status: WaitStatus,
    pub(crate) verdict: Verdict,
}

impl Assessment {
    pub(crate) fn new(status: WaitStatus, verdict: Verdict) -> Self {
        Self { status, verdict }
    }
}

pub(crate) enum Verdict {
    /// It goes on.
    Pending,
    /// It has come to what was waited for.
    Done,
    /// It has failed.
    Failed(Error),
    /// It has failed, unless this is the state from before the call, which a service may still show for a moment.
    FailedOrStale(Error),
}

/// Judges the state of a resource by lists of states.
///
/// * `existed`: whether the resource was there before the call, so that its state may be from before it.
/// * `reason`: what else the resource states about its failure.
pub(crate) fn judge(
    name: &str,
    operation: &'static str,
    (success, failure): (&[&str], &[&str]),
    status: &WaitStatus,
    existed: bool,
    reason: Option<String>,
) -> Verdict {
    let state = status.state.as_str();
    if success.contains(&state) {
        return Verdict::Done;
    }
    if !failure.contains(&state) {
        return Verdict::Pending;
    }
    let mut message = format!("{name} failed to reach {}, got {state}{}", success.join(" or "), said(status));
    if let Some(reason) = reason {
        message.push_str(": ");
        message.push_str(&reason);
    }
    let error = Error::new(ErrorKind::OperationFailed, message).with_operation(operation);
    let at_rest = matches!(state, "STOPPED" | "TERMINATED" | "UPDATE_FAILED" | "UPDATE_CANCELED");
    if existed && at_rest { Verdict::FailedOrStale(error) } else { Verdict::Failed(error) }
}

/// Whether an operation acts on a resource that was there before, by its id.
pub(crate) fn acts_on_existing(operation: &str) -> bool {
    let method = operation.rsplit('.').next().unwrap_or_default();
    matches!(method, "start" | "restart" | "stop" | "edit" | "resize" | "delete") || method.starts_with("update")
}

/// The service's message about a state, ready to be put behind it.
pub(crate) fn said(status: &WaitStatus) -> String {
    let message = status.message.as_deref().filter(|message| !message.is_empty());
    message.map(|message| format!(": {message}")).unwrap_or_default()
}

/// The id of what an operation acts on, from its request: what fills the placeholders of the path, else the values of
/// the query.
pub(crate) fn id_in(parts: &RequestParts) -> String {
    let whole = parts.path_and_query();
    let (path, query) = whole.split_once('?').unwrap_or((&whole, ""));
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    if let (Some(first), Some(last)) = (parts.info.path.find('{'), parts.info.path.rfind('}')) {
        let after = parts.info.path.len() - last - 1;
        return path.get(first..path.len().saturating_sub(after)).map(decoded).unwrap_or_default();
    }
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(_, value)| decoded(value))
        .collect::<Vec<_>>()
        .join("/")
}

/// The id of what an operation acts on; see [`id_in`].
pub(crate) fn id_of<O: Operation>(operation: &O) -> String {
    operation.request(&databricks_core::RequestContext::default()).map(|parts| id_in(&parts)).unwrap_or_default()
}

/// Polls with pauses until something is so.
pub(crate) struct Poller<T> {
    clock: SharedClock,
    options: PollOptions<T>,
    budget: Duration,
    started: Instant,
    /// The polls since the last change of subject; see [`soon`](Self::soon).
    polls: u32,
    last: Option<WaitStatus>,
    /// When the state that is shown was first seen, and whether another one was seen before.
    first: Option<String>,
    changed: bool,
    /// Since when no other state was seen; the grace time counts from here.
    since: Instant,
    /// Since when polls succeed without a state in the response; that lasts as long as failing polls may.
    stateless_since: Option<Instant>,
}

impl<T: Send> Poller<T> {
    pub(crate) fn new(client: &Client, options: PollOptions<T>) -> Self {
        let clock = client.clock().clone();
        let started = clock.now();
        let budget = client.config().retry_timeout().map_or(Duration::MAX, |budget| budget.max(ERROR_BUDGET));
        Self {
            clock,
            options,
            budget,
            started,
            polls: 0,
            last: None,
            first: None,
            changed: false,
            since: started,
            stateless_since: None,
        }
    }

    /// As if the wait had begun at this moment.
    #[cfg(any(feature = "compute", feature = "sql"))]
    pub(crate) fn started(mut self, started: Instant) -> Self {
        self.started = started;
        self
    }

    /// Pauses before the first poll too: for work whose state is known already.
    #[cfg(feature = "sql")]
    pub(crate) fn after_first(mut self) -> Self {
        self.polls = 1;
        self
    }

    /// Begins anew with the next poll at once, after something was done about the state.
    #[cfg(feature = "compute")]
    pub(crate) fn soon(&mut self) {
        self.polls = 0;
        self.first = None;
        self.changed = false;
        self.since = self.clock.now();
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.clock.now().saturating_duration_since(self.started)
    }

    /// Whether a state of failure may still be the one from before the call: no other was seen, and little time has
    /// passed.
    pub(crate) fn may_be_stale(&self) -> bool {
        !self.changed && self.clock.now().saturating_duration_since(self.since) < GRACE
    }

    /// Polls until the work has come to what is waited for.
    ///
    /// # Errors
    /// Those of [`next`](Self::next), and what the work failed with.
    pub(crate) async fn until<P: Pollable<Resource = T>>(mut self, of: &P) -> Result<T> {
        loop {
            let resource = self.next(of).await?;
            match of.assess(&resource).verdict {
                Verdict::Done => return Ok(resource),
                Verdict::Failed(error) => return Err(error),
                Verdict::FailedOrStale(error) if !self.may_be_stale() => return Err(error),
                Verdict::Pending | Verdict::FailedOrStale(_) => {}
            }
        }
    }

    /// Pauses, unless this is the first poll, and polls until a poll succeeds.
    ///
    /// # Errors
    /// [`ErrorKind::WaitTimeout`] when the timeout has passed; else the error of a poll, when it cannot pass by itself
    /// or polls have failed for longer than the budget.
    pub(crate) async fn next<P: Pollable<Resource = T>>(&mut self, of: &P) -> Result<T> {
        let (mut failures, mut failing_since, mut asked) = (0, None, Duration::ZERO);
        loop {
            self.pause(of, failures, asked).await?;
            let begun = self.clock.now();
            self.polls = self.polls.saturating_add(1);
            let left = self.options.timeout.map(|limit| limit.saturating_sub(self.elapsed()));
            let error = match of.poll(left.map(|left| left.max(LAST_POLL))).await {
                Ok(resource) => {
                    if self.saw(of, &resource) {
                        self.stateless_since = None;
                        return Ok(resource);
                    }
                    let since = *self.stateless_since.get_or_insert(begun);
                    let stateless = self.clock.now().saturating_duration_since(since);
                    if stateless < self.budget {
                        return Ok(resource);
                    }
                    let error = Error::new(ErrorKind::Decode, "the responses to its polls have no state");
                    return Err(self.give_up(of, error.with_operation(of.operation()), stateless));
                }
                Err(error) => error,
            };
            if error.kind() == ErrorKind::DeadlineExceeded && self.options.timeout.is_some() {
                return Err(self.timed_out(of));
            }
            let failing = self.clock.now().saturating_duration_since(*failing_since.get_or_insert(begun));
            if !is_passing(&error, self.last.is_some()) || failing >= self.budget {
                return Err(self.give_up(of, error, failing));
            }
            tracing::debug!(operation = of.operation(), name = of.name(), %error, "a poll failed and is retried");
            failures += 1;
            asked = error.retry_after().unwrap_or_default().min(self.budget);
        }
    }

    async fn pause<P: Pollable<Resource = T>>(&mut self, of: &P, failures: u32, asked: Duration) -> Result<()> {
        let mut pause = if self.polls == 0 { Duration::ZERO } else { self.options.pace.pause(self.polls) };
        if failures > 0 {
            pause = pause.max(Pace::STEADY.pause(failures)).max(asked);
        }
        if pause.is_zero() && self.polls == 0 {
            return Ok(());
        }
        if let Some(limit) = self.options.timeout {
            let left = limit.saturating_sub(self.elapsed());
            if left.is_zero() {
                return Err(self.timed_out(of));
            }
            pause = pause.min(left);
        }
        self.clock.sleep(pause).await;
        Ok(())
    }

    /// Returns whether the resource has a state.
    fn saw<P: Pollable<Resource = T>>(&mut self, of: &P, resource: &T) -> bool {
        let status = of.assess(resource).status;
        if status.state.is_empty() {
            // Nothing is stated here, as in a response without a body: what was seen before still holds.
            return false;
        }
        self.changed |= self.first.as_ref().is_some_and(|first| *first != status.state);
        self.first.get_or_insert_with(|| status.state.clone());
        let elapsed = self.elapsed();
        if let Some(f) = &mut self.options.on_progress {
            f(Progress { state: &status.state, resource, elapsed });
        }
        self.last = Some(status);
        true
    }

    fn timed_out<P: Pollable<Resource = T>>(&self, of: &P) -> Error {
        let limit = self.options.timeout.unwrap_or_default();
        let message = format!("{} did not {} within {limit:?}; {}", of.name(), of.goal(), self.last_state());
        Error::new(ErrorKind::WaitTimeout, message)
            .with_operation(of.operation())
            .with_hint("it goes on at the service; wait again or raise the timeout")
    }

    /// The error of a poll, with what was polled and what is known of it.
    fn give_up<P: Pollable<Resource = T>>(&self, of: &P, error: Error, failing: Duration) -> Error {
        let mut hint = error.hint().map(|hint| format!("{hint}; ")).unwrap_or_default();
        hint.push_str(&format!("while waiting for {}, which was left as it is; {}", of.name(), self.last_state()));
        if !failing.is_zero() && is_passing(&error, true) {
            hint.push_str(&format!("; polls failed for {failing:.0?}"));
        }
        error.with_hint(hint)
    }

    fn last_state(&self) -> String {
        match &self.last {
            Some(status) => format!("last state {}{}", status.state, said(status)),
            None => "no state was seen".to_owned(),
        }
    }
}

/// Whether a poll that failed so may succeed in a while.
///
/// * `reached`: whether the service was reached before, so that even a connect failure which no retry heals may pass (a
///   network that is down for a moment knows no names).
fn is_passing(error: &Error, reached: bool) -> bool {
    if error.is_permanent() && !(reached && error.kind() == ErrorKind::Connect) {
        return false;
    }
    match error.kind() {
        ErrorKind::Connect | ErrorKind::ConnectionLost | ErrorKind::Timeout | ErrorKind::DeadlineExceeded => true,
        ErrorKind::Decode | ErrorKind::Body => true,
        ErrorKind::Api => {
            error.status().is_some_and(|status| status.is_server_error() || matches!(status.as_u16(), 408 | 429))
        }
        // A token could not be renewed: for good, or because the network failed.
        ErrorKind::Auth => {
            let status = AuthError::of(error).and_then(AuthError::status);
            status.is_some_and(|status| status.is_server_error() || matches!(status.as_u16(), 408 | 429)) || {
                let mut cause = std::error::Error::source(error);
                std::iter::from_fn(|| {
                    let here = cause?;
                    cause = here.source();
                    Some(here)
                })
                .filter_map(|cause| cause.downcast_ref::<Error>())
                .any(|cause| cause.kind() != ErrorKind::Auth && is_passing(cause, reached))
            }
        }
        _ => false,
    }
}

/// What work goes through from now on: a stream of the resource whenever its state has changed, up to the last state.
///
/// Failing is a state here and no error. Dropping the stream ends the polling and nothing else.
#[must_use = "a stream does nothing until it is polled"]
pub struct Updates<'a, T> {
    inner: Pin<Box<dyn Stream<Item = Result<T>> + Send + 'a>>,
}

impl<'a, T: Send + 'a> Updates<'a, T> {
    /// * `key`: what differs between two states.
    pub(crate) fn new<P>(of: P, options: PollOptions<T>, key: impl Fn(&T) -> String + Send + 'a) -> Self
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
    /// [`ErrorKind::WaitTimeout`] when a timeout was set and has passed, or the error of a poll.
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

#[cfg(test)]
mod tests {
    use super::*;
    use databricks_core::ApiError;
    use http::StatusCode;

    #[test]
    fn pauses_grow_by_one_formula() {
        for (pace, n, least, most) in [
            (Pace::STEADY, 1, 1000, 2000),
            (Pace::STEADY, 7, 7000, 8000),
            (Pace::STEADY, 5000, 10_000, 11_000),
            (Pace::every(Duration::from_millis(7)), 9, 7, 7),
            (Pace::every(Duration::ZERO), 9, 0, 0),
        ] {
            let pause = pace.pause(n);
            assert!(
                (Duration::from_millis(least)..=Duration::from_millis(most)).contains(&pause),
                "{pace:?} {n}: {pause:?}"
            );
        }
    }

    #[test]
    fn what_may_pass_is_told_from_what_stays() {
        let api = |status: u16| Error::from_api(ApiError::new(StatusCode::from_u16(status).unwrap(), None, "x"));
        for status in [408, 429, 500, 502, 503, 504, 599] {
            assert!(is_passing(&api(status), false), "{status}");
        }
        for status in [400, 401, 403, 404, 409] {
            assert!(!is_passing(&api(status), true), "{status}");
        }
        for kind in
            [ErrorKind::Connect, ErrorKind::ConnectionLost, ErrorKind::Timeout, ErrorKind::Decode, ErrorKind::Body]
        {
            assert!(is_passing(&Error::new(kind, "x"), false), "{kind:?}");
        }
        for kind in [ErrorKind::Config, ErrorKind::InvalidInput, ErrorKind::Redirect, ErrorKind::Auth, ErrorKind::Other]
        {
            assert!(!is_passing(&Error::new(kind, "x"), true), "{kind:?}");
        }
        let no_name = || Error::new(ErrorKind::Connect, "there is no such name").with_permanent();
        assert!(is_passing(&no_name(), true) && !is_passing(&no_name(), false));
        let renewal = |cause: Error| Error::new(ErrorKind::Auth, "the token request failed").with_source(cause);
        assert!(is_passing(&renewal(Error::new(ErrorKind::ConnectionLost, "x")), true));
        assert!(!is_passing(&renewal(Error::new(ErrorKind::Config, "x")), true));
    }

    #[test]
    fn operations_on_what_was_there_before() {
        for operation in ["clusters.start", "warehouses.edit", "serving_endpoints.update_config", "apps.stop"] {
            assert!(acts_on_existing(operation), "{operation}");
        }
        for operation in
            ["clusters.create", "apps.create_update", "apps.deploy", "jobs.run_now", "genie.start_conversation"]
        {
            assert!(!acts_on_existing(operation), "{operation}");
        }
    }
}
