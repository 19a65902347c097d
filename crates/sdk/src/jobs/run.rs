//! A run of a job.

use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use databricks_core::{Error, ErrorKind, Operation as _, Result, WaitStatus};
use databricks_models::jobs::{Run, RunOutput, RunTask, jobs as operations};
use futures_util::stream::{self, StreamExt as _};

use super::states::State;
use crate::client::Client;
use crate::poll::{Assessment, Pace, PollOptions, Pollable, Poller, Updates, Verdict};
use crate::services::jobs::Jobs;
use crate::{Call, Progress};

/// How many outputs are read at a time.
const AT_ONCE: usize = 8;
/// So many failed tasks are asked for the reason.
const MOST_REASONS: usize = 10;

impl Jobs {
    /// A run by its id, to wait for it, follow it, cancel it and so on. Nothing is sent.
    ///
    /// * `run_id`: the run of a job, or of tasks that were submitted.
    pub fn run(&self, run_id: i64) -> RunHandle {
        RunHandle::new(self.client.clone(), run_id)
    }
}

impl Call<operations::RunNow> {
    /// Starts the run and returns a handle to it.
    ///
    /// # Errors
    /// As the call.
    pub async fn start(self) -> Result<RunHandle> {
        let client = self.client.clone();
        let id = self.await?.run_id;
        started(client, id)
    }
}

impl Call<operations::Submit> {
    /// Starts the run and returns a handle to it.
    ///
    /// # Errors
    /// As the call.
    pub async fn start(self) -> Result<RunHandle> {
        let client = self.client.clone();
        let id = self.await?.run_id;
        started(client, id)
    }
}

fn started(client: Client, id: Option<i64>) -> Result<RunHandle> {
    id.map(|id| RunHandle::new(client, id)).ok_or_else(|| Error::new(ErrorKind::Decode, "the response has no run_id"))
}

/// A run at the service, by its id.
///
/// Dropping it leaves the run alone, unless [`cancel_on_drop`](Self::cancel_on_drop) states otherwise. A wait takes the
/// handle; a new one for the same run costs nothing: [`Jobs::run`].
pub struct RunHandle {
    target: Target,
    /// Only ever reached through `&mut` and by value: callbacks need not be `Sync`.
    poll: Mutex<PollOptions<Run>>,
    pace: Pace,
    timeout: Option<Duration>,
    cancel_on_drop: AtomicBool,
}

impl RunHandle {
    fn new(client: Client, id: i64) -> Self {
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
    pub fn on_progress(mut self, f: impl FnMut(Progress<'_, Run>) + Send + 'static) -> Self {
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
        if state.life_cycle() == "INTERNAL_ERROR" {
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
        Err(self.failure(&run).await)
    }

    async fn failure(&self, run: &Run) -> Error {
        let state = State::of_run(run);
        let mut message = format!("run {} ended as {}", self.id(), state.label());
        if !state.message().is_empty() {
            let _ = write!(message, ": {}", state.message().trim_end_matches('.'));
        }
        let tasks = latest(run);
        let failed: Vec<_> = tasks.iter().filter(|task| State::of_task(task).is_failure()).collect();
        if !failed.is_empty() {
            let _ = write!(message, "; {} of {} tasks failed", failed.len(), tasks.len());
        }
        let reasons: Vec<String> = stream::iter(failed.iter().take(MOST_REASONS).map(|task| self.reason(task)))
            .buffered(AT_ONCE)
            .collect()
            .await;
        for reason in reasons {
            let _ = write!(message, "; {reason}");
        }
        if failed.len() > MOST_REASONS {
            let _ = write!(message, "; and {} more", failed.len() - MOST_REASONS);
        }
        let error = Error::new(ErrorKind::OperationFailed, message).with_operation("jobs.get_run");
        match run.run_page_url.as_deref().filter(|url| !url.is_empty()) {
            Some(url) => error.with_hint(format!("see {url}")),
            None => error,
        }
    }

    /// A failed task in a line. Its output is the most telling; the message of the state is used where there is none.
    async fn reason(&self, task: &RunTask) -> String {
        let state = State::of_task(task);
        let output = match task.run_id {
            // Tasks that never ran have no output.
            Some(id) if matches!(state.result(), "FAILED" | "TIMEDOUT" | "") => {
                self.target.client.call(operations::GetRunOutput::new(id)).await.ok()
            }
            _ => None,
        };
        let said = output
            .and_then(|output| output.error)
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| state.message().to_owned());
        let colon = if said.is_empty() { "" } else { ": " };
        format!("{} ({}){colon}{said}", task.task_key, state.label())
    }

    /// The outputs of the tasks, in the order of the job. For a task that was repaired, that of its last attempt.
    ///
    /// Tasks that never ran, and those for which the service has no output, are left out. An output that cannot be read
    /// for another reason does not cost the others: its [`error`](TaskOutput::error) states why.
    ///
    /// # Errors
    /// When the run cannot be read.
    pub async fn outputs(&self) -> Result<Vec<TaskOutput>> {
        let run = self.status().await?;
        let tasks = latest(&run).into_iter().filter(|task| State::of_task(task).has_run());
        let tasks = tasks.filter_map(|task| Some((task.task_key.clone(), task.run_id?)));
        let read = tasks.map(|(task_key, run_id)| async move {
            match self.target.client.call(operations::GetRunOutput::new(run_id)).await {
                Ok(output) => Some(TaskOutput { task_key, run_id, output, unread: None }),
                Err(error) if error.status().is_some_and(|status| matches!(status.as_u16(), 400 | 404)) => {
                    tracing::debug!(task_key, run_id, %error, "a task has no output");
                    None
                }
                Err(error) => {
                    tracing::warn!(task_key, run_id, %error, "the output of a task cannot be read");
                    let unread = Some(format!("the output cannot be read: {}", error.report()));
                    Some(TaskOutput { task_key, run_id, output: RunOutput::default(), unread })
                }
            }
        });
        let outputs: Vec<_> = stream::iter(read).buffered(AT_ONCE).collect().await;
        Ok(outputs.into_iter().flatten().collect())
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

/// The last attempt of each task, in the order of their first ones.
fn latest(run: &Run) -> Vec<&RunTask> {
    let mut tasks: Vec<&RunTask> = Vec::new();
    for task in run.tasks.iter().flatten() {
        match tasks.iter_mut().find(|known| known.task_key == task.task_key) {
            Some(known) if known.attempt_number.unwrap_or(0) <= task.attempt_number.unwrap_or(0) => *known = task,
            Some(_) => {}
            None => tasks.push(task),
        }
    }
    tasks
}

/// The states of the run and its tasks, to see whether one has changed.
fn fingerprint(run: &Run) -> String {
    let mut text = State::of_run(run).label().to_owned();
    for task in run.tasks.iter().flatten() {
        let _ = write!(text, " {}={}", task.task_key, State::of_task(task).label());
    }
    text
}

/// A run by its id.
struct Target {
    client: Client,
    id: i64,
}

impl Pollable for Target {
    type Resource = Run;
    type State = str;

    fn client(&self) -> &Client {
        &self.client
    }

    fn operation(&self) -> &'static str {
        operations::GetRun::INFO.id
    }

    fn name(&self) -> String {
        format!("run {}", self.id)
    }

    fn goal(&self) -> String {
        "end".to_owned()
    }

    async fn poll(&self, timeout: Option<Duration>) -> Result<Run> {
        let mut call = self.client.call(operations::GetRun::new(self.id));
        call.options = call.options.for_poll(timeout);
        call.all_pages().await
    }

    fn assess(&self, run: &Run) -> Assessment {
        let state = State::of_run(run);
        let status = WaitStatus::new(state.life_cycle(), Some(state.message().to_owned()));
        Assessment::new(status, if state.is_final() { Verdict::Done } else { Verdict::Pending })
    }

    fn state<'a>(&self, _resource: &'a Self::Resource, status: &'a WaitStatus) -> Option<&'a str> {
        Some(&status.state)
    }
}

/// The output of a task.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskOutput {
    /// The name of the task within the job.
    pub task_key: String,
    /// The run of the task.
    pub run_id: i64,
    /// All of it.
    pub output: RunOutput,
    /// Why it could not be read.
    unread: Option<String>,
}

impl TaskOutput {
    /// The string it returned: what a notebook exited with, or what a program printed.
    pub fn text(&self) -> Option<&str> {
        let notebook = self.output.notebook_output.as_ref().and_then(|it| it.result.as_deref());
        notebook.or(self.output.logs.as_deref())
    }

    /// Why the task failed, or why its output cannot be read.
    pub fn error(&self) -> Option<&str> {
        self.unread.as_deref().or(self.output.error.as_deref()).filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_attempt_of_a_task_counts() {
        let task = |key: &str, id: i64, attempt: i64| RunTask::new(key).run_id(id).attempt_number(attempt);
        let run = Run::new().tasks(vec![task("a", 1, 0), task("b", 2, 0), task("a", 3, 1)]);
        let ids: Vec<_> = latest(&run).iter().filter_map(|task| task.run_id).collect();
        assert_eq!(ids, [3, 2]);
    }
}
