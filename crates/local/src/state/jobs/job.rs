//! A job, and how it is shown.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::schedule::Schedule;
use super::{LIMITS, TASKS_PER_PAGE};
use crate::records::store::Record;
use crate::reply::ApiError;
use crate::state::USER_NAME;

/// After how many failures in a row the pause of a continuous job no longer doubles.
const BACKOFF: u32 = 8;

#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(super) id: i64,
    pub(super) settings: Map<String, Value>,
    pub(super) created_ms: i64,
    pub(super) runs: i64,
    /// What starts it, and from when on its next start is counted.
    pub(super) schedule: Option<Schedule>,
    pub(super) since_ms: i64,
    /// How many of its runs have failed since the last success, and whether one is active. They matter to continuous jobs.
    pub(super) failures: u32,
    pub(super) active: usize,
}

impl Job {
    /// As it is kept on disk.
    pub(super) fn record(&self) -> Record {
        Record::from_iter([
            ("settings".to_owned(), Value::Object(self.settings.clone())),
            ("created".to_owned(), json!(self.created_ms)),
            ("runs".to_owned(), json!(self.runs)),
        ])
    }

    /// A job that was kept. What was due while the workspace was down is not made up for.
    pub(super) fn of(id: i64, record: &Record, now: i64) -> Self {
        let number = |name: &str| record.get(name).and_then(Value::as_i64).unwrap_or_default();
        let settings = record.get("settings").and_then(Value::as_object).cloned().unwrap_or_default();
        // It was checked when the job was made.
        let schedule = Schedule::of(&settings).unwrap_or_default();
        let (created_ms, runs) = (number("created"), number("runs"));
        Self { id, settings, created_ms, runs, schedule, since_ms: now, failures: 0, active: 0 }
    }

    /// When it starts by itself next.
    pub(super) fn due(&self) -> Option<i64> {
        match self.schedule.as_ref()? {
            // It follows on the run that is active.
            Schedule::Continuous if self.active > 0 => None,
            schedule => schedule.next(self.since_ms),
        }
    }

    /// What the runs state that start by themselves.
    pub(crate) fn trigger(&self) -> &'static str {
        match (&self.schedule, self.failures) {
            (Some(Schedule::Continuous), 0) => "CONTINUOUS",
            (Some(Schedule::Continuous), _) => "CONTINUOUS_RESTART",
            _ => "PERIODIC",
        }
    }

    /// Notes that one of its runs has ended. A continuous job begins the next after `pause`, after failures in a row later
    /// each time.
    pub(super) fn ended(&mut self, succeeded: bool, now: i64, pause: i64) {
        self.active = self.active.saturating_sub(1);
        self.failures = if succeeded { 0 } else { self.failures.saturating_add(1) };
        if matches!(self.schedule, Some(Schedule::Continuous)) {
            let longer = 1 << self.failures.min(BACKOFF);
            self.since_ms = now.saturating_add(pause.saturating_mul(longer));
        }
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

    pub(crate) fn id(&self) -> i64 {
        self.id
    }

    /// What it was made with, and what the service adds.
    pub(crate) fn settings(&self) -> &Map<String, Value> {
        &self.settings
    }

    /// How long its runs may take; 0 is without end.
    pub(crate) fn timeout_seconds(&self) -> u64 {
        self.settings.get("timeout_seconds").and_then(Value::as_u64).unwrap_or(0)
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
