//! A run, and how it is shown.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::tasks::{Phase, TaskRun, state_json};
use super::{LIMITS, TASKS_PER_PAGE};
use crate::reply::ApiError;
use crate::state::{USER_NAME, lock};

/// A run of a job, or of tasks that were submitted without one.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) id: i64,
    pub(crate) job_id: Option<i64>,
    pub(super) name: String,
    pub(super) number: i64,
    pub(super) started_ms: i64,
    pub(super) url: String,
    /// Values of the job's parameters.
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) environments: Vec<Value>,
    /// How long it may take; 0 is without end.
    pub(crate) timeout_seconds: u64,
    /// How many runs of jobs started each other before it.
    pub(crate) depth: usize,
    pub(super) trigger: &'static str,
    pub(crate) state: Mutex<RunState>,
    pub(crate) canceled: watch::Sender<bool>,
}

#[derive(Debug)]
pub(crate) struct RunState {
    pub(crate) tasks: Vec<TaskRun>,
    pub(crate) ended_ms: Option<i64>,
    /// Whether its own time was over.
    pub(crate) timed_out: bool,
    pub(super) repairs: Vec<Repair>,
}

#[derive(Debug)]
pub(super) struct Repair {
    pub(super) id: i64,
    pub(super) started_ms: i64,
    pub(super) task_runs: Vec<i64>,
}

impl RunState {
    /// The last attempt of each task.
    pub(crate) fn latest(&self) -> impl Iterator<Item = &TaskRun> {
        self.tasks
            .iter()
            .filter(|task| !self.tasks.iter().any(|other| other.key == task.key && other.attempt > task.attempt))
    }

    /// What came of all tasks together: life cycle, result, message.
    fn outcome(&self, canceled: bool) -> (&'static str, Option<&'static str>, String) {
        if self.ended_ms.is_none() {
            let active = self.latest().any(|task| task.phase != Phase::Waiting);
            let state = match (canceled, active) {
                (true, _) => "TERMINATING",
                (false, true) => "RUNNING",
                (false, false) => "PENDING",
            };
            return (state, None, String::new());
        }
        if self.timed_out {
            return ("TERMINATED", Some("TIMEDOUT"), "Run timed out.".to_owned());
        }
        if canceled {
            return ("TERMINATED", Some("CANCELED"), "Run cancelled.".to_owned());
        }
        let failed = self.latest().filter(|task| matches!(task.phase, Phase::Failed | Phase::TimedOut));
        let failed: Vec<&str> = failed.map(|task| task.key.as_str()).collect();
        match failed.as_slice() {
            [] => ("TERMINATED", Some("SUCCESS"), String::new()),
            [first, ..] => (
                "TERMINATED",
                Some("FAILED"),
                format!("Task {first} failed with message: Workload failed, see run output for details."),
            ),
        }
    }
}

impl Run {
    pub(crate) fn is_canceled(&self) -> bool {
        *self.canceled.borrow()
    }

    /// As `get` shows it, with one page of tasks.
    pub(crate) fn json(&self, token: Option<&str>, with_history: bool) -> Result<Value, ApiError> {
        let state = lock(&self.state);
        let mut out = self.head(&state);
        let tasks: Vec<Value> = state.tasks.iter().map(TaskRun::json).collect();
        let page = crate::paging::page(tasks, &format!("run-{}", self.id), None, token, LIMITS)?;
        out["tasks"] = page.items.into();
        if let Some(next) = page.next {
            out["next_page_token"] = json!(next);
        }
        if with_history {
            let original =
                json!({"type": "ORIGINAL", "start_time": self.started_ms, "task_run_ids": self.originals(&state)});
            let repairs = state.repairs.iter().map(
                |repair| json!({"type": "REPAIR", "id": repair.id, "start_time": repair.started_ms, "task_run_ids": repair.task_runs}),
            );
            out["repair_history"] = std::iter::once(original).chain(repairs).collect();
        }
        Ok(out)
    }

    /// As `list` shows it.
    pub(crate) fn listed(&self, with_tasks: bool) -> Value {
        let state = lock(&self.state);
        let mut out = self.head(&state);
        if with_tasks {
            if state.tasks.len() > TASKS_PER_PAGE {
                out["has_more"] = json!(true);
            }
            out["tasks"] = state.tasks.iter().take(TASKS_PER_PAGE).map(TaskRun::json).collect();
        }
        out
    }

    fn originals(&self, state: &RunState) -> Vec<i64> {
        state.tasks.iter().filter(|task| task.attempt == 0).map(|task| task.run_id).collect()
    }

    fn head(&self, state: &RunState) -> Value {
        let (life_cycle, result, message) = state.outcome(self.is_canceled());
        let mut out = json!({
            "run_id": self.id,
            "run_name": self.name,
            "number_in_job": self.number,
            "creator_user_name": USER_NAME,
            "run_type": if self.job_id.is_some() { "JOB_RUN" } else { "SUBMIT_RUN" },
            "trigger": self.trigger,
            "start_time": self.started_ms,
            "end_time": state.ended_ms.unwrap_or(0),
            "run_page_url": format!("{}/#job/run/{}", self.url, self.id),
            "state": state_json(life_cycle, result, &message, self.is_canceled() || state.timed_out),
            "job_parameters": self.parameters.iter().map(|(name, value)| json!({"name": name, "value": value})).collect::<Value>(),
        });
        if let Some(job) = self.job_id {
            out["job_id"] = json!(job);
        }
        out
    }

    /// Whether it has ended, and none of its tasks failed or was canceled.
    pub(super) fn succeeded(&self) -> bool {
        lock(&self.state).outcome(self.is_canceled()).1 == Some("SUCCESS")
    }

    pub(crate) fn is_active(&self) -> bool {
        lock(&self.state).ended_ms.is_none()
    }

    /// The output of one of its tasks.
    pub(crate) fn output(&self, task_run: i64) -> Option<Value> {
        let state = lock(&self.state);
        let task = state.tasks.iter().find(|task| task.run_id == task_run)?;
        let mut out = task.output.clone();
        out["metadata"] = self.head_of(&state, task);
        Some(out)
    }

    /// One of its tasks, as a run of its own.
    pub(crate) fn of_task(&self, task_run: i64) -> Option<Value> {
        let state = lock(&self.state);
        let task = state.tasks.iter().find(|task| task.run_id == task_run)?;
        let mut out = self.head_of(&state, task);
        out["tasks"] = json!([task.json()]);
        Some(out)
    }

    fn head_of(&self, state: &RunState, task: &TaskRun) -> Value {
        let mut out = self.head(state);
        let own = task.json();
        for member in ["run_id", "state", "start_time", "end_time", "attempt_number"] {
            out[member] = own[member].clone();
        }
        out["job_run_id"] = json!(self.id);
        out["run_name"] = own["task_key"].clone();
        out
    }
}
