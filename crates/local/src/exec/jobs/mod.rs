//! The course of a run: tasks begin when those that they depend on have succeeded, several at a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde_json::json;

use crate::state::handles::JobsHandle;
use crate::state::jobs::{Phase, Readiness, Run, TaskRun};
use crate::state::lock;
use attempts::Attempts;
use outcome::{Failure, Outcome};
use perform::perform;

mod attempts;
mod outcome;
mod perform;
mod references;
pub(crate) mod schedules;
mod workloads;

/// How long after a run the next of a continuous job begins on the platform, and the milliseconds that it takes at any
/// speed, lest a job that does nothing keeps the workspace busy.
const PAUSE: Duration = Duration::from_secs(10);
const SHORTEST: i64 = 100;

/// How many attempts at one task are shown: the last.
const SHOWN: usize = 100;

/// Carries a run out, from where it stands.
pub(crate) async fn carry_out(handle: JobsHandle, run: Arc<Run>) {
    let work = attempted(&handle, &run);
    let over = match attempts::limit(&json!(run.timeout_seconds)) {
        Some(limit) => tokio::time::timeout(limit, work).await.is_err(),
        None => {
            work.await;
            false
        }
    };
    let now = handle.clock.now_ms();
    {
        let mut state = lock(&run.state);
        for task in state.tasks.iter_mut().filter(|task| !task.phase.is_final()) {
            (task.phase, task.message) = if over {
                (Phase::TimedOut, "Run timed out.".to_owned())
            } else {
                (Phase::Canceled, "Run cancelled.".to_owned())
            };
            task.ended_ms = now;
        }
        state.timed_out = over;
        state.ended_ms = Some(now);
    }
    lock(&handle.jobs).ended(&run, now, handle.clock.scaled_ms(PAUSE).max(SHORTEST));
}

/// Does the tasks of a run, until all have ended or the run is canceled. What runs for tasks ends when this is let go of.
async fn attempted(handle: &JobsHandle, run: &Arc<Run>) {
    let mut canceled = run.canceled.subscribe();
    let mut active = FuturesUnordered::new();
    loop {
        for task in begin(handle, run) {
            let run = Arc::clone(run);
            active.push(async move {
                let attempts = Attempts::of(&task.spec);
                let outcome = attempts.within(perform(handle, &run, &task, None)).await;
                let again = outcome.as_ref().err().and_then(|failure| attempts.again(task.retries, failure));
                (task.run_id, outcome, again)
            });
        }
        let pause = until_next(handle, run);
        if active.is_empty() && pause.is_none() {
            break;
        }
        tokio::select! {
            Some((task, outcome, again)) = active.next() => end(handle, run, task, outcome, again),
            () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
            _ = canceled.wait_for(|canceled| *canceled) => break,
        }
    }
}

/// How long it is until a task begins that waits for its next attempt.
fn until_next(handle: &JobsHandle, run: &Run) -> Option<Duration> {
    let now = handle.clock.now_ms();
    let state = lock(&run.state);
    let waiting = state.tasks.iter().filter(|task| task.phase == Phase::Waiting && task.not_before_ms > now);
    let next = waiting.map(|task| task.not_before_ms).min()?;
    Some(Duration::from_millis(u64::try_from(next - now).unwrap_or_default()))
}

/// The tasks that can begin now, marked as running. Those whose upstream failed are marked as such.
fn begin(handle: &JobsHandle, run: &Run) -> Vec<TaskRun> {
    let now = handle.clock.now_ms();
    let mut state = lock(&run.state);
    let mut ready = Vec::new();
    loop {
        let ended: BTreeMap<String, (Phase, Option<String>)> = state
            .latest()
            .map(|task| {
                let outcome = task.output["condition_task"]["outcome"].as_str().map(str::to_owned);
                (task.key.clone(), (task.phase, outcome))
            })
            .collect();
        let mut blocked = false;
        for task in state.tasks.iter_mut().filter(|task| task.phase == Phase::Waiting && task.not_before_ms <= now) {
            let (phase, message) = match task.readiness(|key| ended.get(key).cloned()) {
                None => continue,
                Some(Readiness::Begins) => {
                    task.phase = Phase::Running;
                    task.started_ms = now;
                    ready.push(task.clone());
                    continue;
                }
                Some(Readiness::Blocked) => (Phase::UpstreamFailed, "Upstream task failed"),
                Some(Readiness::Excluded) => (Phase::Excluded, "A condition left the task out"),
            };
            task.phase = phase;
            task.message = message.to_owned();
            task.ended_ms = now;
            blocked = true;
        }
        // A task that is blocked blocks those that depend on it.
        if !blocked {
            return ready;
        }
    }
}

/// Notes what came of an attempt; `again` is after what time there is another one.
fn end(handle: &JobsHandle, run: &Run, task_run: i64, outcome: Outcome, again: Option<Duration>) {
    let now = handle.clock.now_ms();
    let next = again.map(|pause| (lock(&handle.jobs).next_id(), pause));
    let mut state = lock(&run.state);
    let Some(task) = state.tasks.iter_mut().find(|task| task.run_id == task_run) else { return };
    task.ended_ms = now;
    match outcome {
        Ok(output) => {
            task.phase = Phase::Succeeded;
            task.output = output;
        }
        Err(Failure { error, trace, timed_out }) => {
            (task.phase, task.message) = if timed_out {
                (Phase::TimedOut, error.clone())
            } else {
                (Phase::Failed, "Workload failed, see run output for details".to_owned())
            };
            task.output = json!({"error": error, "error_trace": trace});
        }
    }
    if let Some((id, pause)) = next {
        let pause = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        let mut attempt = TaskRun::new(id, &task.spec, task.attempt + 1);
        attempt.retries = task.retries + 1;
        attempt.not_before_ms = now.saturating_add(pause);
        let key = attempt.key.clone();
        state.tasks.push(attempt);
        if state.tasks.iter().filter(|task| task.key == key).count() > SHOWN
            && let Some(oldest) = state.tasks.iter().position(|task| task.key == key)
        {
            state.tasks.remove(oldest);
        }
    }
}
