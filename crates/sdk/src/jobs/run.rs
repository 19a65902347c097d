//! A run of a job.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use databricks_core::{Error, ErrorKind, Result};
use databricks_models::jobs::{Run, RunLifeCycleState, jobs as operations};
use futures_util::stream::StreamExt as _;

use super::failure::failure;
use super::states::State;
use super::target::{Target, fingerprint};
use crate::Progress;
use crate::client::Client;
use crate::poll::{Pace, PollOptions, Pollable as _, Poller, Updates};

/// A run at the service, by its id.
///
/// Dropping it leaves the run alone, unless [`cancel_on_drop`](Self::cancel_on_drop) states otherwise. A wait takes the
/// handle; a new one for the same run costs nothing: [`Jobs::run`](super::Jobs::run).
pub struct RunHandle {
    pub(super) target: Target,
    /// Only ever reached through `&mut` and by value: callbacks need not be `Sync`.
    poll: Mutex<PollOptions<Run, RunLifeCycleState>>,
    pace: Pace,
    timeout: Option<Duration>,
    cancel_on_drop: AtomicBool,
}

impl RunHandle {
    pub(super) fn new(client: Client, id: i64) -> Self {
        let poll = PollOptions::default();
        let (pace, timeout) = (poll.pace, poll.timeout);
        Self {
            target: Target { client, id },
            poll: Mutex::new(poll),
            pace,
            timeout,
            cancel_on_drop: AtomicBool::new(false),
        }
    }

    /// The id of the run.
    pub fn id(&self) -> i64 {
        self.target.id
    }

    /// Sets the pause between two polls. Default: pauses that grow by a second each, up to ten.
    #[must_use]
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.pace = Pace::every(interval);
        self
    }

    /// Sets the timeout of waits and updates. Default: none, since a job has a timeout of its own. The run goes on when
    /// it has passed, unless [`cancel_on_drop`](Self::cancel_on_drop) is set.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Calls `f` after every poll of a wait.
    #[must_use]
    pub fn on_progress(mut self, f: impl FnMut(Progress<'_, Run, RunLifeCycleState>) + Send + 'static) -> Self {
        self.poll.get_mut().unwrap_or_else(PoisonError::into_inner).on_progress = Some(Box::new(f));
        self
    }

    /// Cancels the run, in the background, if the handle is dropped before the run was seen to end. A run is never
    /// cancelled because it could not be polled.
    #[must_use]
    pub fn cancel_on_drop(self) -> Self {
        self.cancel_on_drop.store(true, Ordering::Relaxed);
        self
    }

    /// Lets the run go on when the handle is dropped.
    #[must_use]
    pub fn detach(self) -> Self {
        self.disarm();
        self
    }

    /// Polls once and returns the run with all of its tasks.
    ///
    /// # Errors
    /// When the run cannot be read.
    pub async fn status(&self) -> Result<Run> {
        let run = self.target.poll(None).await?;
        if State::of_run(&run).is_final() {
            self.disarm();
        }
        Ok(run)
    }

    fn disarm(&self) {
        self.cancel_on_drop.store(false, Ordering::Relaxed);
    }

    /// The states that the run goes through from now on: the run whenever its state or that of a task has changed, up
    /// to the last state.
    pub fn updates(&self) -> Updates<'_, Run> {
        let options = PollOptions { pace: self.pace, timeout: self.timeout, on_progress: None };
        let updates = Updates::new(&self.target, options, fingerprint);
        Updates::of(updates.inspect(|update| match update {
            Ok(run) if !State::of_run(run).is_final() => {}
            Err(error) if error.kind() == ErrorKind::WaitTimeout => {}
            _ => self.disarm(),
        }))
    }

    /// Waits until the run has ended, successfully or not. See [`wait_success`](Self::wait_success) for a failed run as
    /// an error.
    ///
    /// # Errors
    /// [`ErrorKind::OperationFailed`] when the service could not carry the run through, [`ErrorKind::WaitTimeout`] when
    /// it did not end in time, or the error of a poll. The run goes on after the latter two, unless
    /// [`cancel_on_drop`](Self::cancel_on_drop) is set and the timeout has passed.
    pub async fn wait(mut self) -> Result<Run> {
        let run = self.ended().await?;
        let state = State::of_run(&run);
        if *state.life_cycle() == RunLifeCycleState::InternalError {
            let message = format!("run {} came to INTERNAL_ERROR: {}", self.id(), state.message());
            return Err(Error::new(ErrorKind::OperationFailed, message).with_operation("jobs.get_run"));
        }
        Ok(run)
    }

    async fn ended(&mut self) -> Result<Run> {
        let on_progress = self.poll.get_mut().unwrap_or_else(PoisonError::into_inner).on_progress.take();
        let options = PollOptions { pace: self.pace, timeout: self.timeout, on_progress };
        let ended = Poller::new(&self.target.client, options).until(&self.target).await;
        // Ended, or impossible to poll: in neither case is it for this handle to cancel it.
        if ended.as_ref().err().is_none_or(|error| error.kind() != ErrorKind::WaitTimeout) {
            self.disarm();
        }
        ended
    }

    /// Waits until the run has ended well.
    ///
    /// # Errors
    /// [`ErrorKind::OperationFailed`] when it ended otherwise: the message names the tasks that failed, and why. Else
    /// as [`wait`](Self::wait).
    pub async fn wait_success(mut self) -> Result<Run> {
        let run = self.ended().await?;
        if State::of_run(&run).is_success() {
            return Ok(run);
        }
        Err(failure(&self.target, &run).await)
    }

    /// Asks the service to cancel the run; [`wait`](Self::wait) returns when it has ended.
    ///
    /// # Errors
    /// As the call.
    pub async fn cancel(&self) -> Result<()> {
        self.target.client.call(operations::CancelRun::new(self.id())).await?;
        self.disarm();
        Ok(())
    }

    /// Runs the tasks that failed once more, and those that depend on them, in this run. Returns the id of the repair;
    /// the run can be waited for again.
    ///
    /// # Errors
    /// As the call: the service refuses while the run is active.
    pub async fn repair_failed(&self) -> Result<i64> {
        let history =
            self.target.client.call(operations::GetRun::new(self.id())).include_history(true).all_pages().await?;
        let latest = history.repair_history.iter().flatten().filter_map(|item| item.id).next_back();
        let mut repair = self.target.client.call(operations::RepairRun::new(self.id())).rerun_all_failed_tasks(true);
        if let Some(latest) = latest {
            repair = repair.latest_repair_id(latest);
        }
        repair.await?.repair_id.ok_or_else(|| Error::new(ErrorKind::Decode, "the response has no repair_id"))
    }
}

impl Drop for RunHandle {
    fn drop(&mut self) {
        if self.cancel_on_drop.load(Ordering::Relaxed) {
            self.target.client.call_in_background(
                operations::CancelRun::new(self.id()),
                "a run that was dropped could not be cancelled",
            );
        }
    }
}

impl fmt::Debug for RunHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunHandle").field("id", &self.id()).finish_non_exhaustive()
    }
}
