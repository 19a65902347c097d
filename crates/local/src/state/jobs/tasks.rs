//! Tasks of a run.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::extract::Fields;
use crate::reply::ApiError;

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Waiting,
    Running,
    Succeeded,
    Failed,
    /// Its time was over.
    TimedOut,
    /// A task that it depends on did not succeed.
    UpstreamFailed,
    /// A condition came out the other way.
    Excluded,
    Canceled,
}

impl Phase {
    pub(crate) fn is_final(self) -> bool {
        !matches!(self, Self::Waiting | Self::Running)
    }
}

/// An attempt at a task.
#[derive(Clone, Debug)]
pub(crate) struct TaskRun {
    pub(crate) key: String,
    pub(crate) run_id: i64,
    pub(crate) attempt: i64,
    /// How many of the attempts before it were made since it failed.
    pub(crate) retries: i64,
    /// When it may begin, where it waits for that.
    pub(crate) not_before_ms: i64,
    /// The task as it was stated.
    pub(crate) spec: Value,
    pub(crate) phase: Phase,
    pub(crate) message: String,
    pub(crate) started_ms: i64,
    pub(crate) ended_ms: i64,
    /// What `get-output` shows.
    pub(crate) output: Value,
}

/// What becomes of a task whose upstream tasks have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    Begins,
    Blocked,
    Excluded,
}

impl TaskRun {
    pub(crate) fn new(run_id: i64, spec: &Value, attempt: i64) -> Self {
        Self {
            key: spec["task_key"].as_str().unwrap_or_default().to_owned(),
            run_id,
            attempt,
            retries: 0,
            not_before_ms: 0,
            spec: spec.clone(),
            phase: Phase::Waiting,
            message: String::new(),
            started_ms: 0,
            ended_ms: 0,
            output: json!({}),
        }
    }

    /// The keys of the tasks that must succeed before it.
    pub(crate) fn needs(&self) -> impl Iterator<Item = &str> {
        self.spec["depends_on"].as_array().into_iter().flatten().filter_map(|on| on["task_key"].as_str())
    }

    pub(crate) fn json(&self) -> Value {
        let mut out = self.spec.clone();
        let (life_cycle, result) = match self.phase {
            Phase::Waiting => ("PENDING", None),
            Phase::Running => ("RUNNING", None),
            Phase::Succeeded => ("TERMINATED", Some("SUCCESS")),
            Phase::Failed => ("TERMINATED", Some("FAILED")),
            Phase::TimedOut => ("TERMINATED", Some("TIMEDOUT")),
            Phase::UpstreamFailed => ("TERMINATED", Some("UPSTREAM_FAILED")),
            Phase::Excluded => ("TERMINATED", Some("EXCLUDED")),
            Phase::Canceled => ("TERMINATED", Some("CANCELED")),
        };
        out["run_id"] = json!(self.run_id);
        out["attempt_number"] = json!(self.attempt);
        out["start_time"] = json!(self.started_ms);
        out["end_time"] = json!(self.ended_ms);
        out["state"] =
            state_json(life_cycle, result, &self.message, matches!(self.phase, Phase::Canceled | Phase::TimedOut));
        // Conditions and loops show what came of them where they are stated.
        for (kind, member) in [("condition_task", "outcome"), ("for_each_task", "stats"), ("run_job_task", "run_id")] {
            let shown = &self.output[kind][member];
            if !shown.is_null() && out[kind].is_object() {
                out[kind][member] = shown.clone();
            }
        }
        out
    }

    /// Whether it can begin, given the tasks that it depends on; `None` while it waits for them.
    pub(crate) fn readiness(&self, of: impl Fn(&str) -> Option<(Phase, Option<String>)>) -> Option<Readiness> {
        let mut needs = Vec::new();
        let mut excluded = false;
        for on in self.spec["depends_on"].as_array().into_iter().flatten() {
            let Some((phase, outcome)) = of(on["task_key"].as_str().unwrap_or_default()) else { continue };
            if !phase.is_final() {
                return None;
            }
            if let Some(wanted) = on["outcome"].as_str()
                && phase == Phase::Succeeded
                && outcome.as_deref() != Some(wanted)
            {
                excluded = true;
            }
            needs.push(phase);
        }
        let succeeded = needs.iter().filter(|p| **p == Phase::Succeeded).count();
        let failed = needs
            .iter()
            .filter(|p| matches!(p, Phase::Failed | Phase::TimedOut | Phase::UpstreamFailed | Phase::Canceled))
            .count();
        let begins = match self.spec["run_if"].as_str().unwrap_or("ALL_SUCCESS") {
            _ if needs.is_empty() => true,
            "ALL_DONE" => true,
            "AT_LEAST_ONE_SUCCESS" => succeeded > 0,
            "NONE_FAILED" => failed == 0,
            "AT_LEAST_ONE_FAILED" => failed > 0,
            "ALL_FAILED" => failed == needs.len(),
            _ => succeeded == needs.len(),
        };
        Some(match (excluded, begins) {
            (false, true) => Readiness::Begins,
            (true, _) => Readiness::Excluded,
            // What a condition left out leaves out what follows.
            (false, false) if failed == 0 => Readiness::Excluded,
            (false, false) => Readiness::Blocked,
        })
    }
}

/// The member `state` of runs and tasks.
pub(super) fn state_json(life_cycle: &str, result: Option<&str>, message: &str, canceled: bool) -> Value {
    let mut out =
        json!({"life_cycle_state": life_cycle, "state_message": message, "user_cancelled_or_timedout": canceled});
    if let Some(result) = result {
        out["result_state"] = json!(result);
    }
    out
}

/// The kinds of tasks that run here.
pub(crate) const RUNNABLE: [&str; 7] = [
    "condition_task",
    "for_each_task",
    "notebook_task",
    "python_wheel_task",
    "run_job_task",
    "spark_python_task",
    "sql_task",
];
/// Those that a job may have besides; a run of theirs fails with that reason.
const KEPT: [&str; 15] = [
    "alert_task",
    "clean_rooms_notebook_task",
    "dashboard_task",
    "dbt_cloud_task",
    "dbt_platform_task",
    "dbt_task",
    "gen_ai_compute_task",
    "ai_runtime_task",
    "pipeline_task",
    "power_bi_task",
    "python_operator_task",
    "sandbox_task",
    "spark_jar_task",
    "spark_submit_task",
    "training_task",
];
const RUN_IF: [&str; 6] =
    ["ALL_SUCCESS", "ALL_DONE", "ALL_FAILED", "AT_LEAST_ONE_FAILED", "AT_LEAST_ONE_SUCCESS", "NONE_FAILED"];

/// Refuses tasks that could not be run: without a key, of a kind that is not there, or that wait for each other.
pub(super) fn check(tasks: &[Value]) -> Result<(), ApiError> {
    let mut keys = BTreeSet::new();
    for task in tasks {
        let fields =
            Fields(task.as_object().cloned().ok_or_else(|| ApiError::malformed("tasks must be a list of objects"))?);
        let key = fields.str("task_key")?;
        if !keys.insert(key.to_owned()) {
            return Err(ApiError::invalid_parameter(format!("Two tasks have the key '{key}'")));
        }
        fields.opt_enum("run_if", &RUN_IF)?;
        for (name, least) in [("timeout_seconds", 0), ("max_retries", -1), ("min_retry_interval_millis", 0)] {
            if let Some(n) = fields.opt_i64(name)?.filter(|n| *n < least) {
                return Err(ApiError::invalid_parameter(format!(
                    "{name} of task '{key}' must be at least {least}, got {n}"
                )));
            }
        }
        if let Some(inner) = task.get("for_each_task").and_then(|each| each.get("task")) {
            if inner.get("for_each_task").is_some() {
                return Err(ApiError::invalid_parameter(format!("The task in the loop '{key}' must not be a loop")));
            }
            check(std::slice::from_ref(inner))?;
        }
        let kinds: Vec<&str> = fields.0.keys().map(String::as_str).filter(|name| name.ends_with("_task")).collect();
        match kinds.as_slice() {
            [] => {
                return Err(ApiError::invalid_parameter(format!(
                    "Task '{key}' says nothing to do; give it one of {}",
                    RUNNABLE.join(", ")
                )));
            }
            [kind] if RUNNABLE.contains(kind) || KEPT.contains(kind) => {}
            [kind] => {
                return Err(ApiError::invalid_parameter(format!(
                    "Jobs do not have the {kind} of task '{key}'; give it one of {}",
                    RUNNABLE.join(", ")
                )));
            }
            _ => {
                return Err(ApiError::invalid_parameter(format!(
                    "Task '{key}' says more than one thing to do: {}",
                    kinds.join(", ")
                )));
            }
        }
    }
    let all: Vec<TaskRun> = tasks.iter().map(|spec| TaskRun::new(0, spec, 0)).collect();
    for task in &all {
        if let Some(unknown) = task.needs().find(|key| !keys.contains(*key)) {
            return Err(ApiError::invalid_parameter(format!(
                "Task '{}' depends on '{unknown}', which is not a task of the job",
                task.key
            )));
        }
    }
    // Whatever can begin is taken away until nothing is left, or only tasks that wait for each other are.
    let mut done: BTreeSet<&str> = BTreeSet::new();
    loop {
        let before = done.len();
        for task in &all {
            if task.needs().all(|key| done.contains(key)) {
                done.insert(&task.key);
            }
        }
        if done.len() == all.len() {
            return Ok(());
        }
        if done.len() == before {
            return Err(ApiError::invalid_parameter("The tasks depend on each other in a circle"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(key: &str, needs: &[&str]) -> Value {
        let needs: Vec<_> = needs.iter().map(|key| json!({"task_key": key})).collect();
        json!({"task_key": key, "depends_on": needs, "notebook_task": {"notebook_path": "/x"}})
    }

    #[test]
    fn what_cannot_run_is_refused() {
        assert!(check(&[task("a", &[]), task("b", &["a"])]).is_ok());
        let message = |tasks: &[Value]| check(tasks).unwrap_err().message().to_owned();
        assert!(message(&[task("a", &[]), task("a", &[])]).contains("Two tasks"));
        assert!(message(&[task("a", &["x"])]).contains("not a task of the job"));
        assert!(message(&[task("a", &["b"]), task("b", &["a"])]).contains("circle"));
        assert!(message(&[json!({"task_key": "a", "sparc_jar_task": {}})]).contains("sparc_jar_task"));
        assert!(check(&[json!({"task_key": "a", "spark_jar_task": {}})]).is_ok());
        assert!(message(&[json!({"task_key": "a"})]).contains("nothing to do"));
    }
}
