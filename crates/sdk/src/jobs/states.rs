//! The states of a run and its tasks.

// The service sends `state` to this day and `status` only from some of its parts: both are read.
#![allow(deprecated)]

use std::borrow::Cow;

use databricks_models::jobs::{Run, RunLifeCycleState, RunState, RunStatus, RunTask};

/// The state of a run or task, from the one of the two members that the response has.
#[derive(Clone, Copy, Debug)]
pub(super) struct State<'a> {
    state: Option<&'a RunState>,
    status: Option<&'a RunStatus>,
}

impl<'a> State<'a> {
    pub(super) fn of_run(run: &'a Run) -> Self {
        Self { state: run.state.as_ref(), status: run.status.as_ref() }
    }

    pub(super) fn of_task(task: &'a RunTask) -> Self {
        Self { state: task.state.as_ref(), status: task.status.as_ref() }
    }

    /// Where it is in its life. The states of the newer member, which has an enum of its own, are states of the older
    /// one by their names.
    pub(super) fn life_cycle(self) -> Cow<'a, RunLifeCycleState> {
        match self.state.and_then(|state| state.life_cycle_state.as_ref()) {
            Some(state) => Cow::Borrowed(state),
            None => Cow::Owned(RunLifeCycleState::from(self.phase())),
        }
    }

    /// The same as on the wire, such as `PENDING` or `TERMINATED`; empty if it is not stated.
    pub(super) fn phase(self) -> &'a str {
        let state = self.state.and_then(|state| state.life_cycle_state.as_ref()).map(|it| it.as_str());
        let status = self.status.and_then(|status| status.state.as_ref()).map(|it| it.as_str());
        state.or(status).unwrap_or_default()
    }

    /// What came of it, such as `SUCCESS` or `FAILED`; empty before its end. A string, since the two members have enums
    /// with other values.
    pub(super) fn result(self) -> &'a str {
        let state = self.state.and_then(|state| state.result_state.as_ref()).map(|it| it.as_str());
        let details = self.status.and_then(|status| status.termination_details.as_ref());
        let status = details.and_then(|details| details.code.as_ref()).map(|it| it.as_str());
        state.or(status).unwrap_or_default()
    }

    /// What the service states about it.
    pub(super) fn message(self) -> &'a str {
        let state = self.state.and_then(|state| state.state_message.as_deref()).filter(|text| !text.is_empty());
        let details = self.status.and_then(|status| status.termination_details.as_ref());
        let status = details.and_then(|details| details.message.as_deref()).filter(|text| !text.is_empty());
        state.or(status).unwrap_or_default()
    }

    pub(super) fn is_final(self) -> bool {
        matches!(
            *self.life_cycle(),
            RunLifeCycleState::Terminated | RunLifeCycleState::Skipped | RunLifeCycleState::InternalError
        )
    }

    /// Whether it ended well. With failures of tasks that the job tolerates is well too.
    pub(super) fn is_success(self) -> bool {
        *self.life_cycle() == RunLifeCycleState::Terminated
            && matches!(self.result(), "SUCCESS" | "SUCCESS_WITH_FAILURES")
    }

    /// Whether it ended badly by itself. Tasks that were not wanted (excluded, disabled) did not.
    pub(super) fn is_failure(self) -> bool {
        self.is_final() && !self.is_success() && !matches!(self.result(), "EXCLUDED" | "DISABLED")
    }

    /// Whether it ran and has ended, so that there may be an output. Tasks that were skipped, left out or not reached
    /// did not run.
    pub(super) fn has_run(self) -> bool {
        const NOT_RUN: [&str; 8] = [
            "DISABLED",
            "EXCLUDED",
            "MAX_CONCURRENT_RUNS_EXCEEDED",
            "MAXIMUM_CONCURRENT_RUNS_REACHED",
            "SKIPPED",
            "UPSTREAM_CANCELED",
            "UPSTREAM_EVICTED",
            "UPSTREAM_FAILED",
        ];
        self.is_final() && *self.life_cycle() != RunLifeCycleState::Skipped && !NOT_RUN.contains(&self.result())
    }

    /// The result, or where it is in its life if it has none: for people.
    pub(super) fn label(self) -> &'a str {
        match self.result() {
            "" => self.phase(),
            result => result,
        }
    }
}

/// The last attempt of each task, in the order of their first ones.
pub(super) fn latest(run: &Run) -> Vec<&RunTask> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_and_new_members_say_the_same() {
        let old: Run = serde_json::from_str(
            r#"{"state": {"life_cycle_state": "TERMINATED", "result_state": "FAILED", "state_message": "no"}}"#,
        )
        .unwrap();
        let new: Run = serde_json::from_str(
            r#"{"status": {"state": "TERMINATED", "termination_details": {"code": "RUN_EXECUTION_ERROR", "message": "no"}}}"#,
        )
        .unwrap();
        for run in [&old, &new] {
            let state = State::of_run(run);
            assert_eq!(*state.life_cycle(), RunLifeCycleState::Terminated);
            assert!(state.is_final() && state.is_failure() && !state.is_success());
            assert_eq!(state.message(), "no");
        }
        let running: Run = serde_json::from_str(r#"{"state": {"life_cycle_state": "RUNNING"}}"#).unwrap();
        assert!(!State::of_run(&running).is_final());
        assert_eq!(State::of_run(&running).label(), "RUNNING");
    }

    #[test]
    fn the_last_attempt_of_a_task_counts() {
        let task = |key: &str, id: i64, attempt: i64| RunTask::new(key).run_id(id).attempt_number(attempt);
        let run = Run::new().tasks(vec![task("a", 1, 0), task("b", 2, 0), task("a", 3, 1)]);
        let ids: Vec<_> = latest(&run).iter().filter_map(|task| task.run_id).collect();
        assert_eq!(ids, [3, 2]);
    }
}
