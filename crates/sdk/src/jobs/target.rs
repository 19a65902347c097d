//! What waits for a run poll.

use std::fmt::Write as _;
use std::time::Duration;

use databricks_core::{Operation as _, Result, WaitStatus};
use databricks_models::jobs::{Run, RunLifeCycleState, jobs as operations};

use super::states::State;
use crate::client::Client;
use crate::poll::{Assessment, Pollable, Verdict};

/// How many outputs of tasks are read at a time.
pub(super) const AT_ONCE: usize = 8;

/// The states of the run and its tasks, to see whether one has changed.
pub(super) fn fingerprint(run: &Run) -> String {
    let mut text = State::of_run(run).label().to_owned();
    for task in run.tasks.iter().flatten() {
        let _ = write!(text, " {}={}", task.task_key, State::of_task(task).label());
    }
    text
}

/// A run by its id.
pub(super) struct Target {
    pub(super) client: Client,
    pub(super) id: i64,
}

impl Pollable for Target {
    type Resource = Run;
    type State = RunLifeCycleState;

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
        let status = WaitStatus::new(state.phase(), Some(state.message().to_owned()));
        Assessment::new(status, if state.is_final() { Verdict::Done } else { Verdict::Pending })
    }

    fn report(&self, run: &Run, _status: &WaitStatus, f: &mut dyn FnMut(&RunLifeCycleState)) {
        f(&State::of_run(run).life_cycle());
    }
}
