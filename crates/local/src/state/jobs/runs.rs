//! Runs: how they begin, and which are kept.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::sync::watch;

use super::run::{Repair, RunState};
use super::{Jobs, Overrides, Phase, Run, TaskRun, tasks};
use crate::reply::ApiError;
use crate::state::lock;

/// How many runs that have ended are kept: the last. The platform forgets them after sixty days.
const KEPT: usize = 5_000;

/// What a run is made of.
pub(crate) struct Start<'a> {
    pub(crate) job: Option<i64>,
    pub(crate) name: &'a str,
    pub(crate) tasks: &'a [Value],
    pub(crate) parameters: BTreeMap<String, String>,
    /// The environments that its tasks name.
    pub(crate) environments: Vec<Value>,
    /// How long it may take; 0 is without end.
    pub(crate) timeout_seconds: u64,
    pub(crate) token: Option<&'a str>,
    pub(crate) url: &'a str,
    /// How many runs of jobs started each other before it.
    pub(crate) depth: usize,
    /// `ONE_TIME`, `PERIODIC`, `CONTINUOUS`, `CONTINUOUS_RESTART` or `RUN_JOB_TASK`.
    pub(crate) trigger: &'static str,
}

impl Jobs {
    pub(crate) fn run(&self, id: i64) -> Result<Arc<Run>, ApiError> {
        self.runs.get(&id).cloned().ok_or_else(|| ApiError::invalid_parameter(format!("Run {id} does not exist.")))
    }

    /// The run that has a task with this run id.
    pub(crate) fn run_of_task(&self, id: i64) -> Option<Arc<Run>> {
        self.runs.values().find(|run| lock(&run.state).tasks.iter().any(|task| task.run_id == id)).cloned()
    }

    /// The newest first.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Arc<Run>> {
        self.runs.values().rev()
    }

    /// Makes a run that waits to be carried out. `Err` inside is the run that the token was used for before.
    pub(crate) fn start(&mut self, start: Start<'_>, now: i64) -> Result<Result<Arc<Run>, Arc<Run>>, ApiError> {
        if let Some(token) = start.token {
            if token.len() > 64 {
                return Err(ApiError::invalid_parameter("idempotency_token must have at most 64 characters"));
            }
            if let Some(known) = self.tokens.get(token) {
                return self.run(*known).map(Err);
            }
        }
        tasks::check(start.tasks)?;
        let id = self.id();
        let tasks = start.tasks.iter().map(|spec| TaskRun::new(self.id(), spec, 0)).collect();
        let number = match start.job.and_then(|job| self.jobs.get_mut(&job)) {
            Some(job) => {
                job.runs += 1;
                job.active += 1;
                job.runs
            }
            None => 1,
        };
        let run = Arc::new(Run {
            id,
            job_id: start.job,
            name: start.name.to_owned(),
            number,
            started_ms: now,
            url: start.url.to_owned(),
            parameters: start.parameters,
            environments: start.environments,
            timeout_seconds: start.timeout_seconds,
            depth: start.depth,
            trigger: start.trigger,
            state: Mutex::new(RunState { tasks, ended_ms: None, timed_out: false, repairs: Vec::new() }),
            canceled: watch::Sender::new(false),
        });
        self.runs.insert(id, Arc::clone(&run));
        if let Some(token) = start.token {
            self.tokens.insert(token.to_owned(), id);
        }
        self.forget_oldest();
        Ok(Ok(run))
    }

    /// Forgets the oldest runs that have ended, where there are more than are kept.
    fn forget_oldest(&mut self) {
        // Now and then: to find them, every run is looked at.
        if self.runs.len() < KEPT + KEPT / 10 {
            return;
        }
        let ended: Vec<i64> = self.runs.values().filter(|run| !run.is_active()).map(|run| run.id).collect();
        for id in &ended[..ended.len().saturating_sub(KEPT)] {
            self.runs.remove(id);
            self.values.forget(*id);
        }
        let runs = &self.runs;
        self.tokens.retain(|_, id| runs.contains_key(id));
    }

    /// Starts an attempt more for tasks of a run that has ended: those named, or all that failed. Gives the id of the
    /// repair.
    pub(crate) fn repair(
        &mut self,
        id: i64,
        (named, all_failed): (&[String], bool),
        latest: Option<i64>,
        overrides: &Overrides,
        now: i64,
    ) -> Result<i64, ApiError> {
        let run = self.run(id)?;
        if run.is_active() {
            return Err(ApiError::invalid_state(format!("Run {id} is active; it can be repaired once it has ended.")));
        }
        let repair = self.id();
        let mut state = lock(&run.state);
        if state.repairs.last().map(|last| last.id) != latest {
            return Err(ApiError::invalid_parameter(format!(
                "latest_repair_id is not that of the last repair of run {id}"
            )));
        }
        let again: Vec<(Value, i64)> = state
            .latest()
            .filter(|task| {
                let again = !matches!(task.phase, Phase::Succeeded | Phase::Excluded);
                named.contains(&task.key) || (all_failed && again)
            })
            .map(|task| {
                let mut spec = task.spec.clone();
                overrides.apply(&mut spec);
                (spec, task.attempt + 1)
            })
            .collect();
        if again.is_empty() {
            return Err(ApiError::invalid_parameter(format!("Run {id} has no task to run again.")));
        }
        let mut task_runs = Vec::new();
        for (spec, attempt) in again {
            let task_run = self.id();
            task_runs.push(task_run);
            state.tasks.push(TaskRun::new(task_run, &spec, attempt));
        }
        state.repairs.push(Repair { id: repair, started_ms: now, task_runs });
        state.ended_ms = None;
        state.timed_out = false;
        if let Some(job) = run.job_id.and_then(|job| self.jobs.get_mut(&job)) {
            job.active += 1;
        }
        run.canceled.send_replace(false);
        Ok(repair)
    }

    pub(crate) fn delete_run(&mut self, id: i64) -> Result<(), ApiError> {
        if self.run(id)?.is_active() {
            return Err(ApiError::invalid_state(format!("Run {id} is active; cancel it first.")));
        }
        self.runs.remove(&id);
        self.values.forget(id);
        Ok(())
    }

    pub(crate) fn cancel_all(&self) {
        for run in self.runs.values() {
            run.canceled.send_replace(true);
        }
    }
}
