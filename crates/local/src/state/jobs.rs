//! Jobs and their runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};
use tokio::sync::{Notify, watch};

use super::kept::Kept;
use super::{USER_NAME, lock};
use crate::extract::Fields;
use crate::records::store::Record;
use crate::reply::ApiError;
use run::{Repair, RunState};
use schedule::Schedule;

mod quartz;
mod run;
mod schedule;
mod tasks;
mod values;

pub(crate) use run::Run;
pub(crate) use tasks::{Phase, RUNNABLE, Readiness, TaskRun};
pub(crate) use values::TaskValues;

/// How many tasks one response holds.
const TASKS_PER_PAGE: usize = 100;

#[derive(Clone, Debug)]
pub(crate) struct Job {
    id: i64,
    settings: Map<String, Value>,
    created_ms: i64,
    runs: i64,
    /// What starts it, and from when on its next start is counted.
    schedule: Option<Schedule>,
    since_ms: i64,
}

impl Job {
    /// As it is kept on disk.
    fn record(&self) -> Record {
        Record::from_iter([
            ("settings".to_owned(), Value::Object(self.settings.clone())),
            ("created".to_owned(), json!(self.created_ms)),
            ("runs".to_owned(), json!(self.runs)),
        ])
    }

    /// A job that was kept. What was due while the workspace was down is not made up for.
    fn of(id: i64, record: &Record, now: i64) -> Self {
        let number = |name: &str| record.get(name).and_then(Value::as_i64).unwrap_or_default();
        let settings = record.get("settings").and_then(Value::as_object).cloned().unwrap_or_default();
        // It was checked when the job was made.
        let schedule = Schedule::of(&settings).unwrap_or_default();
        Self { id, settings, created_ms: number("created"), runs: number("runs"), schedule, since_ms: now }
    }

    /// When it starts by itself next.
    fn due(&self) -> Option<i64> {
        self.schedule.as_ref()?.next(self.since_ms)
    }

    /// How many of its runs may be active at once.
    pub(crate) fn max_concurrent_runs(&self) -> usize {
        let stated = self.settings.get("max_concurrent_runs").and_then(Value::as_u64);
        stated.and_then(|n| usize::try_from(n).ok()).unwrap_or(1)
    }

    /// As `get` shows it, with one page of tasks.
    pub(crate) fn json(&self, token: Option<&str>) -> Result<Value, ApiError> {
        let mut out = self.head();
        let tasks = self.tasks();
        let page = crate::paging::page(tasks, &format!("job-{}", self.id), None, token, LIMITS)?;
        out["settings"]["tasks"] = page.items.into();
        if let Some(next) = page.next {
            out["next_page_token"] = json!(next);
        }
        Ok(out)
    }

    /// As `list` shows it: without tasks, or with the first of them.
    pub(crate) fn listed(&self, with_tasks: bool) -> Value {
        let mut out = self.head();
        let tasks = self.tasks();
        if let Some(settings) = out["settings"].as_object_mut() {
            settings.remove("tasks");
        }
        if with_tasks {
            if tasks.len() > TASKS_PER_PAGE {
                out["has_more"] = json!(true);
            }
            out["settings"]["tasks"] = tasks.into_iter().take(TASKS_PER_PAGE).collect();
        }
        out
    }

    /// The tasks, and the values of its parameters where a run states none.
    pub(crate) fn content(&self) -> (Vec<Value>, BTreeMap<String, String>) {
        let parameters = self.settings.get("parameters").and_then(Value::as_array).into_iter().flatten();
        let text = |v: &Value, name: &str| v[name].as_str().unwrap_or_default().to_owned();
        (self.tasks(), parameters.map(|p| (text(p, "name"), text(p, "default"))).collect())
    }

    /// The environments that its tasks name.
    pub(crate) fn environments(&self) -> Vec<Value> {
        self.settings.get("environments").and_then(Value::as_array).cloned().unwrap_or_default()
    }

    pub(crate) fn name(&self) -> &str {
        self.settings.get("name").and_then(Value::as_str).unwrap_or("Untitled")
    }

    fn tasks(&self) -> Vec<Value> {
        self.settings.get("tasks").and_then(Value::as_array).cloned().unwrap_or_default()
    }

    fn head(&self) -> Value {
        let mut settings = self.settings.clone();
        settings.insert("format".to_owned(), json!("MULTI_TASK"));
        json!({
            "job_id": self.id,
            "creator_user_name": USER_NAME,
            "run_as_user_name": USER_NAME,
            "created_time": self.created_ms,
            "settings": settings,
        })
    }
}

const LIMITS: crate::paging::Limits = crate::paging::Limits { usual: TASKS_PER_PAGE, max: TASKS_PER_PAGE };

/// All jobs and runs of the workspace.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    jobs: BTreeMap<i64, Job>,
    runs: BTreeMap<i64, Arc<Run>>,
    /// Runs by the idempotency tokens they were started with.
    tokens: BTreeMap<String, i64>,
    last_id: i64,
    kept: Kept,
    changed: Arc<Notify>,
}

/// What a run is made of.
pub(crate) struct Start<'a> {
    pub(crate) job: Option<i64>,
    pub(crate) name: &'a str,
    pub(crate) tasks: &'a [Value],
    pub(crate) parameters: BTreeMap<String, String>,
    /// The environments that its tasks name.
    pub(crate) environments: Vec<Value>,
    pub(crate) token: Option<&'a str>,
    pub(crate) url: &'a str,
    /// How many runs of jobs started each other before it.
    pub(crate) depth: usize,
    /// `ONE_TIME`, `PERIODIC` or `RUN_JOB_TASK`.
    pub(crate) trigger: &'static str,
}

impl Jobs {
    /// The jobs that were kept.
    pub(crate) fn new(kept: Kept, now: i64) -> Self {
        let known = kept.all().into_iter().filter_map(|(id, record)| Some((id.parse().ok()?, record)));
        let jobs: BTreeMap<i64, Job> = known.map(|(id, record)| (id, Job::of(id, &record, now))).collect();
        let last_id = jobs.keys().next_back().copied().unwrap_or_default();
        Self { jobs, last_id, kept, ..Self::default() }
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

    /// Keeps a job, on disk first.
    fn keep(&mut self, job: Job) -> Result<(), ApiError> {
        self.kept.put(&job.id.to_string(), job.record())?;
        self.jobs.insert(job.id, job);
        self.changed.notify_one();
        Ok(())
    }

    /// The next id: jobs, runs and runs of tasks count together, from a number that looks like the platform's.
    fn id(&mut self) -> i64 {
        self.last_id = self.last_id.max(1_000_000_000) + 1;
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
        self.keep(Job { id, settings, created_ms: now, runs: 0, schedule, since_ms: now })?;
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
            depth: start.depth,
            trigger: start.trigger,
            state: Mutex::new(RunState { tasks, ended_ms: None, repairs: Vec::new() }),
            canceled: watch::Sender::new(false),
        });
        self.runs.insert(id, Arc::clone(&run));
        if let Some(token) = start.token {
            self.tokens.insert(token.to_owned(), id);
        }
        Ok(Ok(run))
    }

    /// Starts an attempt more for tasks of a run that has ended: those named, or all that failed. Gives the id of the
    /// repair.
    pub(crate) fn repair(
        &mut self,
        id: i64,
        named: &[String],
        all_failed: bool,
        latest: Option<i64>,
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
            .map(|task| (task.spec.clone(), task.attempt + 1))
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
        run.canceled.send_replace(false);
        Ok(repair)
    }

    pub(crate) fn delete_run(&mut self, id: i64) -> Result<(), ApiError> {
        if self.run(id)?.is_active() {
            return Err(ApiError::invalid_state(format!("Run {id} is active; cancel it first.")));
        }
        self.runs.remove(&id);
        Ok(())
    }

    pub(crate) fn cancel_all(&self) {
        for run in self.runs.values() {
            run.canceled.send_replace(true);
        }
    }
}

/// Settings whose tasks can be run here.
fn checked(fields: &Fields) -> Result<Map<String, Value>, ApiError> {
    tasks::check(fields.opt_list("tasks")?.unwrap_or_default())?;
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
