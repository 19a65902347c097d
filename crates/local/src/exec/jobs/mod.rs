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
use outcome::{Failure, Outcome};
use perform::perform;

mod outcome;
mod perform;
mod references;
pub(crate) mod schedules;
mod workloads;

/// How long after a run the next of a continuous job begins on the platform, and the milliseconds that it takes at any
/// speed, lest a job that does nothing keeps the workspace busy.
const PAUSE: Duration = Duration::from_secs(10);
const SHORTEST: i64 = 100;

/// Carries a run out, from where it stands.
pub(crate) async fn carry_out(handle: JobsHandle, run: Arc<Run>) {
    let mut canceled = run.canceled.subscribe();
    let mut active = FuturesUnordered::new();
    loop {
        for task in begin(&handle, &run) {
            let (handle, run) = (handle.clone(), Arc::clone(&run));
            active.push(async move {
                let outcome = perform(&handle, &run, &task, None).await;
                (task.run_id, outcome)
            });
        }
        if active.is_empty() {
            break;
        }
        tokio::select! {
            Some((task, outcome)) = active.next() => end(&handle, &run, task, outcome),
            // What runs for the tasks is let go of, which ends it.
            _ = canceled.wait_for(|canceled| *canceled) => break,
        }
    }
    drop(active);
    let now = handle.clock.now_ms();
    {
        let mut state = lock(&run.state);
        for task in state.tasks.iter_mut().filter(|task| !task.phase.is_final()) {
            task.phase = Phase::Canceled;
            task.message = "Run cancelled.".to_owned();
            task.ended_ms = now;
        }
        state.ended_ms = Some(now);
    }
    lock(&handle.jobs).ended(&run, now, handle.clock.scaled_ms(PAUSE).max(SHORTEST));
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
        for task in state.tasks.iter_mut().filter(|task| task.phase == Phase::Waiting) {
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

fn end(handle: &JobsHandle, run: &Run, task_run: i64, outcome: Outcome) {
    let mut state = lock(&run.state);
    let Some(task) = state.tasks.iter_mut().find(|task| task.run_id == task_run) else { return };
    task.ended_ms = handle.clock.now_ms();
    match outcome {
        Ok(output) => {
            task.phase = Phase::Succeeded;
            task.output = output;
        }
        Err(Failure { error, trace }) => {
            task.phase = Phase::Failed;
            task.message = "Workload failed, see run output for details".to_owned();
            task.output = json!({"error": error, "error_trace": trace});
        }
    }
}
