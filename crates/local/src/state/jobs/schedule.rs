//! When jobs start by themselves.

use serde_json::{Map, Value};

use super::quartz::Cron;
use crate::extract::{Fields, missing};
use crate::reply::ApiError;

/// What starts a job.
#[derive(Clone, Debug)]
pub(crate) enum Schedule {
    Cron(Box<Cron>),
    /// Every so many milliseconds.
    Every(i64),
    /// Whenever no run is active.
    Continuous,
}

/// The settings that state what starts a job, of which it has one at most.
const HOW: [&str; 3] = ["schedule", "trigger", "continuous"];

impl Schedule {
    /// The schedule or periodic trigger that a job's settings state; `None` where there is none, or it is paused.
    pub(super) fn of(settings: &Map<String, Value>) -> Result<Option<Self>, ApiError> {
        let settings = Fields(settings.clone());
        let stated: Vec<_> =
            HOW.iter().filter(|name| settings.0.get(**name).is_some_and(|how| !how.is_null())).collect();
        if let [one, other, ..] = stated.as_slice() {
            return Err(ApiError::invalid_parameter(format!("A job has {one} or {other}, not both")));
        }
        if let Some(continuous) = settings.opt_object("continuous")? {
            continuous.opt_enum("task_retry_mode", &["NEVER", "ON_FAILURE"])?;
            if settings.opt_i64("max_concurrent_runs")?.is_some_and(|most| most != 1) {
                return Err(ApiError::invalid_parameter(
                    "A continuous job has one run at a time: max_concurrent_runs must be 1",
                ));
            }
            return Ok(is_on(&continuous)?.then_some(Self::Continuous));
        }
        if let Some(schedule) = settings.opt_object("schedule")? {
            let cron = Cron::parse(schedule.str("quartz_cron_expression")?, schedule.str("timezone_id")?)?;
            return Ok(is_on(&schedule)?.then(|| Self::Cron(Box::new(cron))));
        }
        let Some(trigger) = settings.opt_object("trigger")? else { return Ok(None) };
        let Some(periodic) = trigger.opt_object("periodic")? else { return Ok(None) };
        let interval = periodic.opt_i64("interval")?.filter(|n| *n > 0).ok_or_else(|| missing("interval"))?;
        let unit = match periodic.opt_enum("unit", &["HOURS", "DAYS", "WEEKS"])? {
            Some("HOURS") => 3_600_000,
            Some("DAYS") => 24 * 3_600_000,
            Some(_) => 7 * 24 * 3_600_000,
            None => return Err(missing("unit")),
        };
        Ok(is_on(&trigger)?.then(|| Self::Every(interval.saturating_mul(unit))))
    }

    /// The first time after `since`, in milliseconds since the Unix epoch.
    pub(super) fn next(&self, since: i64) -> Option<i64> {
        match self {
            Self::Cron(cron) => cron.next(since),
            Self::Every(interval) => Some(since.saturating_add(*interval)),
            Self::Continuous => Some(since),
        }
    }
}

fn is_on(fields: &Fields) -> Result<bool, ApiError> {
    Ok(fields.opt_enum("pause_status", &["PAUSED", "UNPAUSED"])? != Some("PAUSED"))
}
