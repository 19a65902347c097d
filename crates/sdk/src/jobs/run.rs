//! A run of a job.

use std::fmt::{self, Write as _};
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use databricks_core::{Error, ErrorKind, Result};
use databricks_models::jobs::{Run, RunOutput, RunTask, jobs as operations};
use futures_core::Stream;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::states::State;
use crate::Call;
use crate::client::Client;
use crate::services::jobs::Jobs;
use crate::waiter::pause;

/// How many outputs are read at a time.
const AT_ONCE: usize = 8;
/// So many failed tasks are asked for the reason.
const MOST_REASONS: usize = 10;

impl Jobs {
    /// A run by its id, to wait for it, look on, cancel it and so on. Nothing is sent.
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
    id.map(|id| RunHandle::new(client, id)).ok_or_else(|| Error::new(ErrorKind::Decode, "the answer has no run_id"))
}

/// A run at the service, by its id.
///
/// Dropping it leaves the run alone, unless [`cancel_on_drop`](Self::cancel_on_drop) says otherwise.
pub struct RunHandle {
    client: Client,
    id: i64,
    interval: Option<Duration>,
    timeout: Option<Duration>,
    on_progress: Mutex<Option<OnProgress>>,
    cancel_on_drop: AtomicBool,
}

type OnProgress = Box<dyn FnMut(&Run) + Send>;

impl RunHandle {
    fn new(client: Client, id: i64) -> Self {
        Self { client, id, interval: None, timeout: None, on_progress: Mutex::new(None), cancel_on_drop: AtomicBool::new(false) }
    }

    /// The id of the run.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// Looks at the run at this interval, instead of pauses that grow to ten seconds.
    #[must_use]
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// Bounds every wait for the run. Default: none, since the run has a bound of its own.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Is told of every look at the run while it is waited for.
    #[must_use]
    pub fn on_progress(self, told: impl FnMut(&Run) + Send + 'static) -> Self {
        *self.on_progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Box::new(told));
        self
    }

    /// Cancels the run, in the background, if the handle is dropped before the run was seen to end.
    #[must_use]
    pub fn cancel_on_drop(self) -> Self {
        self.cancel_on_drop.store(true, Ordering::Relaxed);
        self
    }

    /// Lets the run go on when the handle is dropped.
    #[must_use]
    pub fn detach(self) -> Self {
        self.settled();
        self
    }

    /// The run as it is now, with all of its tasks.
    ///
    /// # Errors
    /// When the run cannot be read.
    pub async fn status(&self) -> Result<Run> {
        let run = self.client.call(operations::GetRun::new(self.id)).all_pages().await?;
        if State::of_run(&run).is_final() {
            self.settled();
        }
        Ok(run)
    }

    fn settled(&self) {
        self.cancel_on_drop.store(false, Ordering::Relaxed);
    }

    /// The states that the run goes through from now on, up to the last one: a stream of the run whenever its state or that of a task is
    /// another than before.
    pub fn states(&self) -> RunStates<'_> {
        let looks = stream::unfold((Some(self), 0, String::new()), |(run, mut attempt, last)| async move {
            let handle = run?;
            loop {
                if attempt > 0 {
                    handle.client.clock().sleep(handle.pause(attempt)).await;
                }
                attempt += 1;
                match handle.status().await {
                    Err(error) => return Some((Err(error), (None, attempt, last))),
                    Ok(run) => {
                        let (state, now) = (State::of_run(&run), fingerprint(&run));
                        if now != last {
                            let go_on = (!state.is_final()).then_some(handle);
                            return Some((Ok(run), (go_on, attempt, now)));
                        }
                    }
                }
            }
        });
        RunStates { inner: looks.boxed() }
    }

    fn pause(&self, attempt: u64) -> Duration {
        self.interval.unwrap_or_else(|| pause(attempt))
    }

    /// Waits until the run has ended, well or not: the result tells. See [`wait_success`](Self::wait_success) for a failed run as an error.
    ///
    /// # Errors
    /// [`ErrorKind::OperationFailed`] when the service could not carry the run through, [`ErrorKind::WaitTimeout`] when it did not end in
    /// time, or the error of a look at it.
    pub async fn wait(&self) -> Result<Run> {
        let run = self.ended().await?;
        let state = State::of_run(&run);
        if state.life_cycle() == "INTERNAL_ERROR" {
            let message = format!("run {} came to INTERNAL_ERROR: {}", self.id, state.message());
            return Err(Error::new(ErrorKind::OperationFailed, message).with_operation("jobs.get_run"));
        }
        Ok(run)
    }

    async fn ended(&self) -> Result<Run> {
        let clock = self.client.clock();
        let started: Instant = clock.now();
        for attempt in 1.. {
            let run = self.status().await?;
            if let Some(told) = &mut *self.on_progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner) {
                told(&run);
            }
            let state = State::of_run(&run);
            if state.is_final() {
                return Ok(run);
            }
            let pause = self.pause(attempt);
            let elapsed = clock.now().saturating_duration_since(started);
            if self.timeout.is_some_and(|limit| elapsed + pause > limit) {
                let message = format!("timed out after {elapsed:.0?} waiting for run {}; last state {}", self.id, state.life_cycle());
                return Err(Error::new(ErrorKind::WaitTimeout, message).with_hint("the run goes on; wait again or raise the timeout"));
            }
            clock.sleep(pause).await;
        }
        Err(Error::new(ErrorKind::Other, "the run was looked at too often"))
    }

    /// Waits until the run has ended well.
    ///
    /// # Errors
    /// [`ErrorKind::OperationFailed`] when it ended otherwise: the message names the tasks that failed, and why. Else as
    /// [`wait`](Self::wait).
    pub async fn wait_success(&self) -> Result<Run> {
        let run = self.ended().await?;
        if State::of_run(&run).is_success() {
            return Ok(run);
        }
        Err(self.failure(&run).await)
    }

    async fn failure(&self, run: &Run) -> Error {
        let state = State::of_run(run);
        let mut message = format!("run {} ended as {}", self.id, state.label());
        if !state.message().is_empty() {
            let _ = write!(message, ": {}", state.message().trim_end_matches('.'));
        }
        let tasks = latest(run);
        let failed: Vec<_> = tasks.iter().filter(|task| State::of_task(task).is_failure()).collect();
        if !failed.is_empty() {
            let _ = write!(message, "; {} of {} tasks failed", failed.len(), tasks.len());
        }
        let reasons: Vec<String> =
            stream::iter(failed.iter().take(MOST_REASONS).map(|task| self.reason(task))).buffered(AT_ONCE).collect().await;
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

    /// A failed task in a line. Its output says most, what the state says must do where there is none.
    async fn reason(&self, task: &RunTask) -> String {
        let state = State::of_task(task);
        let output = match task.run_id {
            // Tasks that never ran have no output.
            Some(id) if matches!(state.result(), "FAILED" | "TIMEDOUT" | "") => {
                self.client.call(operations::GetRunOutput::new(id)).await.ok()
            }
            _ => None,
        };
        let said = output.and_then(|output| output.error).filter(|text| !text.is_empty()).unwrap_or_else(|| state.message().to_owned());
        let colon = if said.is_empty() { "" } else { ": " };
        format!("{} ({}){colon}{said}", task.task_key, state.label())
    }

    /// What the tasks gave, those that ran, in the order of the job. Of a task that was repaired the last attempt counts.
    ///
    /// # Errors
    /// When the run or an output cannot be read.
    pub async fn outputs(&self) -> Result<Vec<TaskOutput>> {
        let run = self.status().await?;
        let tasks =
            latest(&run).into_iter().filter_map(|task| Some((task.task_key.clone(), task.run_id?, State::of_task(task).is_final())));
        let read = tasks.filter(|(_, _, ended)| *ended).map(|(task_key, run_id, _)| async move {
            let output = self.client.call(operations::GetRunOutput::new(run_id)).await?;
            Ok(TaskOutput { task_key, run_id, output })
        });
        stream::iter(read).buffered(AT_ONCE).try_collect().await
    }

    /// Asks the service to cancel the run; [`wait`](Self::wait) tells when it has ended.
    ///
    /// # Errors
    /// As the call.
    pub async fn cancel(&self) -> Result<()> {
        self.client.call(operations::CancelRun::new(self.id)).await?;
        self.settled();
        Ok(())
    }

    /// Runs the tasks that failed once more, and those that depend on them, in this run. Returns the id of the repair; the run can be
    /// waited for again.
    ///
    /// # Errors
    /// As the call: the service refuses while the run is active.
    pub async fn repair_failed(&self) -> Result<i64> {
        let history = self.client.call(operations::GetRun::new(self.id)).include_history(true).all_pages().await?;
        let latest = history.repair_history.iter().flatten().filter_map(|item| item.id).next_back();
        let mut repair = self.client.call(operations::RepairRun::new(self.id)).rerun_all_failed_tasks(true);
        if let Some(latest) = latest {
            repair = repair.latest_repair_id(latest);
        }
        repair.await?.repair_id.ok_or_else(|| Error::new(ErrorKind::Decode, "the answer has no repair_id"))
    }
}

impl Drop for RunHandle {
    fn drop(&mut self) {
        if self.cancel_on_drop.load(Ordering::Relaxed) {
            self.client.call_in_background(operations::CancelRun::new(self.id), "a run that was dropped could not be cancelled");
        }
    }
}

impl fmt::Debug for RunHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunHandle").field("id", &self.id).finish_non_exhaustive()
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

/// The states of a run: a stream; see [`RunHandle::states`].
pub struct RunStates<'a> {
    inner: Pin<Box<dyn Stream<Item = Result<Run>> + Send + 'a>>,
}

impl RunStates<'_> {
    /// The run in its next state, or `None` after the last.
    ///
    /// # Errors
    /// When the run cannot be read.
    pub async fn next(&mut self) -> Result<Option<Run>> {
        self.inner.try_next().await
    }
}

impl Stream for RunStates<'_> {
    type Item = Result<Run>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inner.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for RunStates<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunStates")
    }
}

/// What a task gave.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskOutput {
    /// The name of the task within the job.
    pub task_key: String,
    /// The run of the task.
    pub run_id: i64,
    /// All of it.
    pub output: RunOutput,
}

impl TaskOutput {
    /// The text it gave: what a notebook exited with, or what a program printed.
    pub fn text(&self) -> Option<&str> {
        let notebook = self.output.notebook_output.as_ref().and_then(|it| it.result.as_deref());
        notebook.or(self.output.logs.as_deref())
    }

    /// Why it failed, if it did.
    pub fn error(&self) -> Option<&str> {
        self.output.error.as_deref().filter(|text| !text.is_empty())
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
