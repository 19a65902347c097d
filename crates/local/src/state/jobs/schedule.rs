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
}

impl Schedule {
    /// The schedule or periodic trigger that a job's settings state; `None` where there is none, or it is paused.
    pub(super) fn of(settings: &Map<String, Value>) -> Result<Option<Self>, ApiError> {
        let settings = Fields(settings.clone());
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
        }
    }
}

fn is_on(fields: &Fields) -> Result<bool, ApiError> {
    Ok(fields.opt_enum("pause_status", &["PAUSED", "UNPAUSED"])? != Some("PAUSED"))
}
