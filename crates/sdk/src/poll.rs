//! Polling: the one way in which this crate follows work that takes a while at the service.
//!
//! A [`Poller`] pauses, polls, survives polls that fail, watches the timeout and reports progress; a [`Pollable`]
//! states what to poll and what a response means. Polling never ends the work that it watches: what happens to the work
//! when the timeout passes is decided, and documented, by the handle.

mod options;
mod pollable;
mod updates;

use std::time::{Duration, Instant};

use databricks_auth::AuthError;
use databricks_core::{Error, ErrorKind, Result, WaitStatus};
use databricks_transport::SharedClock;

use crate::client::Client;
pub use options::Progress;
#[allow(unused_imports)] // Which of them are used depends on the features.
pub(crate) use options::{Pace, PollOptions, poll_setters};
#[allow(unused_imports)]
pub(crate) use pollable::{Assessment, Pollable, Verdict, acts_on_existing, id_in, id_of, judge, said};
pub use updates::Updates;

/// So long may polls fail one after the other before a wait gives up, unless the retry budget of the client is longer.
const ERROR_BUDGET: Duration = Duration::from_secs(5 * 60);
/// So long may a state from before the call still be shown.
const GRACE: Duration = Duration::from_secs(30);
/// So long may a poll take that begins shortly before the timeout passes.
const LAST_POLL: Duration = Duration::from_secs(1);

/// Polls with pauses until something is so.
pub(crate) struct Poller<T, S: ?Sized = str> {
    clock: SharedClock,
    options: PollOptions<T, S>,
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

impl<T: Send, S: ?Sized> Poller<T, S> {
    pub(crate) fn new(client: &Client, options: PollOptions<T, S>) -> Self {
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
    pub(crate) async fn until<P: Pollable<Resource = T, State = S>>(mut self, of: &P) -> Result<T> {
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
    pub(crate) async fn next<P: Pollable<Resource = T, State = S>>(&mut self, of: &P) -> Result<T> {
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

    async fn pause<P: Pollable<Resource = T, State = S>>(
        &mut self,
        of: &P,
        failures: u32,
        asked: Duration,
    ) -> Result<()> {
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
    fn saw<P: Pollable<Resource = T, State = S>>(&mut self, of: &P, resource: &T) -> bool {
        let status = of.assess(resource).status;
        if status.state.is_empty() {
            // Nothing is stated here, as in a response without a body: what was seen before still holds.
            return false;
        }
        self.changed |= self.first.as_ref().is_some_and(|first| *first != status.state);
        self.first.get_or_insert_with(|| status.state.clone());
        let elapsed = self.elapsed();
        if let Some(f) = &mut self.options.on_progress {
            of.report(resource, &status, &mut |state| f(Progress { state, resource, elapsed }));
        }
        self.last = Some(status);
        true
    }

    fn timed_out<P: Pollable<Resource = T, State = S>>(&self, of: &P) -> Error {
        let limit = self.options.timeout.unwrap_or_default();
        let message = format!("{} did not {} within {limit:?}; {}", of.name(), of.goal(), self.last_state());
        Error::new(ErrorKind::WaitTimeout, message)
            .with_operation(of.operation())
            .with_hint("it goes on at the service; wait again or raise the timeout")
    }

    /// The error of a poll, with what was polled and what is known of it.
    fn give_up<P: Pollable<Resource = T, State = S>>(&self, of: &P, error: Error, failing: Duration) -> Error {
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
