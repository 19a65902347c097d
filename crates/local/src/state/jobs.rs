//! Jobs and their runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio::sync::Notify;

use super::kept::Kept;
use crate::extract::Fields;
use crate::reply::ApiError;
pub(crate) use job::Job;
use schedule::Schedule;

mod job;
mod overrides;
mod quartz;
mod run;
mod runs;
mod schedule;
mod tasks;
mod values;

pub(crate) use overrides::Overrides;
pub(crate) use run::Run;
pub(crate) use runs::Start;
pub(crate) use tasks::{Phase, RUNNABLE, Readiness, TaskRun};
pub(crate) use values::TaskValues;

/// How many tasks one response holds.
const TASKS_PER_PAGE: usize = 100;

const LIMITS: crate::paging::Limits = crate::paging::Limits { usual: TASKS_PER_PAGE, max: TASKS_PER_PAGE };

/// All jobs and runs of the workspace.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    jobs: BTreeMap<i64, Job>,
    runs: BTreeMap<i64, Arc<Run>>,
    /// Runs by the idempotency tokens they were started with.
    tokens: BTreeMap<String, i64>,
    /// Values that tasks of runs leave for each other; they go with the runs.
    values: Arc<TaskValues>,
    last_id: i64,
    kept: Kept,
    changed: Arc<Notify>,
}

impl Jobs {
    /// The jobs that were kept.
    pub(crate) fn new(kept: Kept, values: &Arc<TaskValues>, now: i64) -> Self {
        let known = kept.all().into_iter().filter_map(|(id, record)| Some((id.parse().ok()?, record)));
        let jobs: BTreeMap<i64, Job> = known.map(|(id, record)| (id, Job::of(id, &record, now))).collect();
        // Milliseconds, since what had an identifier before the workspace was started again may be gone: nothing else
        // should come by it.
        let last_id = jobs.keys().next_back().copied().unwrap_or_default().max(now);
        Self { jobs, last_id, kept, values: Arc::clone(values), ..Self::default() }
    }

    /// Tells when jobs have changed, and so when the next is due.
    pub(crate) fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    /// When the next job starts by itself, in milliseconds since the Unix epoch.
    pub(crate) fn next_due(&self) -> Option<i64> {
        self.jobs.values().filter_map(Job::due).min()
    }

    /// The jobs that are due; their next start is counted from now.
    pub(crate) fn take_due(&mut self, now: i64) -> Vec<i64> {
        let due = self.jobs.values_mut().filter(|job| job.due().is_some_and(|at| at <= now));
        due.map(|job| {
            job.since_ms = now;
            job.id
        })
        .collect()
    }

    /// Notes that a run has ended: a continuous job begins the next after `pause` milliseconds.
    pub(crate) fn ended(&mut self, run: &Run, now: i64, pause: i64) {
        let Some(job) = run.job_id.and_then(|id| self.jobs.get_mut(&id)) else { return };
        job.ended(run.succeeded(), now, pause);
        self.changed.notify_one();
    }

    /// Keeps a job, on disk first.
    fn keep(&mut self, job: Job) -> Result<(), ApiError> {
        self.kept.put(&job.id.to_string(), job.record())?;
        self.jobs.insert(job.id, job);
        self.changed.notify_one();
        Ok(())
    }

    /// The next id: jobs, runs and runs of tasks count together.
    fn id(&mut self) -> i64 {
        self.last_id += 1;
        self.last_id
    }

    /// A number that nothing else of the workspace's jobs has.
    pub(crate) fn next_id(&mut self) -> i64 {
        self.id()
    }

    pub(crate) fn create(&mut self, fields: &Fields, now: i64) -> Result<i64, ApiError> {
        let settings = checked(fields)?;
        let id = self.id();
        let schedule = Schedule::of(&settings)?;
        self.keep(Job { id, settings, created_ms: now, runs: 0, schedule, since_ms: now, failures: 0, active: 0 })?;
        Ok(id)
    }

    pub(crate) fn job(&self, id: i64) -> Result<&Job, ApiError> {
        self.jobs.get(&id).ok_or_else(|| ApiError::invalid_parameter(format!("Job {id} does not exist.")))
    }

    /// The newest first.
    pub(crate) fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values().rev()
    }

    /// Puts new settings over the old ones, or in their place.
    pub(crate) fn change(
        &mut self,
        id: i64,
        new: &Fields,
        replace: bool,
        remove: &[String],
        now: i64,
    ) -> Result<(), ApiError> {
        let job = self.job(id)?.clone();
        let mut settings = if replace { Map::new() } else { job.settings.clone() };
        settings.extend(new.0.clone());
        settings.retain(|name, _| !remove.contains(name));
        let settings = checked(&Fields(settings))?;
        let schedule = Schedule::of(&settings)?;
        self.keep(Job { settings, schedule, since_ms: now, ..job })
    }

    pub(crate) fn delete(&mut self, id: i64) -> Result<(), ApiError> {
        self.job(id)?;
        self.kept.remove(&id.to_string())?;
        self.jobs.remove(&id);
        Ok(())
    }
}

/// How many seconds a run may take; 0 is without end.
pub(crate) fn time_limit(fields: &Fields) -> Result<u64, ApiError> {
    let stated = fields.opt_i64("timeout_seconds")?.unwrap_or(0);
    u64::try_from(stated)
        .map_err(|_| ApiError::invalid_parameter(format!("timeout_seconds must be at least 0, got {stated}")))
}

/// Settings whose tasks can be run here.
fn checked(fields: &Fields) -> Result<Map<String, Value>, ApiError> {
    tasks::check(fields.opt_list("tasks")?.unwrap_or_default())?;
    time_limit(fields)?;
    let mut settings = fields.0.clone();
    for name in ["access_control_list", "job_id"] {
        settings.remove(name);
    }
    // What the service states of every job.
    for (name, value) in [
        ("name", json!("Untitled")),
        ("email_notifications", json!({})),
        ("webhook_notifications", json!({})),
        ("timeout_seconds", json!(0)),
        ("max_concurrent_runs", json!(1)),
    ] {
        settings.entry(name).or_insert(value);
    }
    Ok(settings)
}
