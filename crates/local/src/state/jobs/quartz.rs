//! Quartz cron expressions: second, minute, hour, day of the month, month, day of the week, and a year that may be left
//! out.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::reply::ApiError;

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
/// Sunday is 1.
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
/// How many days ahead a time is looked for: all combinations of dates and weekdays come within 28 years.
const HORIZON: usize = 28 * 366;

/// When something happens again and again.
#[derive(Clone, Debug)]
pub(crate) struct Cron {
    seconds: BTreeSet<i8>,
    minutes: BTreeSet<i8>,
    hours: BTreeSet<i8>,
    /// Days of the month.
    days: Days,
    months: BTreeSet<i8>,
    /// Days of the week.
    weekdays: Days,
    years: Option<BTreeSet<i16>>,
    zone: TimeZone,
}

/// Which days of a month or week.
#[derive(Clone, Debug)]
enum Days {
    Any,
    In(BTreeSet<i8>),
    /// The last day of the month.
    Last,
    /// The last of that weekday in the month.
    LastWeekday(i8),
    /// The n-th of that weekday in the month.
    Nth(i8, i8),
}

impl Cron {
    /// Reads an expression, in the time zone of that IANA name.
    pub(crate) fn parse(expression: &str, zone: &str) -> Result<Self, ApiError> {
        let invalid =
            |why: String| ApiError::invalid_parameter(format!("Invalid quartz cron expression: '{expression}': {why}"));
        let zone = TimeZone::get(zone)
            .map_err(|_| ApiError::invalid_parameter(format!("'{zone}' is not the name of a time zone")))?;
        let fields: Vec<&str> = expression.split_whitespace().collect();
        let (six, years) = match &fields[..] {
            [six @ .., year] if six.len() == 6 => (six, Some(*year)),
            six => (six, None),
        };
        let &[second, minute, hour, day, month, weekday] = six else {
            return Err(invalid(format!("it must have six or seven fields, not {}", fields.len())));
        };
        let simple = |text: &str, low, high, names: &[&str]| set(text, low, high, names).map_err(&invalid);
        if (day == "?") == (weekday == "?") {
            return Err(invalid("exactly one of day of month and day of week must be '?'".to_owned()));
        }
        let days = match day {
            "?" | "*" => Days::Any,
            "L" => Days::Last,
            text => Days::In(simple(text, 1, 31, &[])?),
        };
        let weekdays = if matches!(weekday, "?" | "*") {
            Days::Any
        } else if let Some(text) = weekday.strip_suffix('L').filter(|text| !text.is_empty()) {
            Days::LastWeekday(number(text, &DAYS).map_err(&invalid)?)
        } else if let Some((text, nth)) = weekday.split_once('#') {
            let nth = nth.parse().ok().filter(|n| (1..=5).contains(n));
            let nth = nth.ok_or_else(|| invalid(format!("'{weekday}' must name one of five weeks")))?;
            Days::Nth(number(text, &DAYS).map_err(&invalid)?, nth)
        } else {
            Days::In(simple(weekday, 1, 7, &DAYS)?)
        };
        let years = match years {
            None | Some("*") => None,
            Some(text) => Some(set::<i16>(text, 1970, 2099, &[]).map_err(&invalid)?),
        };
        Ok(Self {
            seconds: simple(second, 0, 59, &[])?,
            minutes: simple(minute, 0, 59, &[])?,
            hours: simple(hour, 0, 23, &[])?,
            days,
            months: simple(month, 1, 12, &MONTHS)?,
            weekdays,
            years,
            zone,
        })
    }

    /// The first time after `after`, both in milliseconds since the Unix epoch.
    pub(crate) fn next(&self, after: i64) -> Option<i64> {
        let now = Timestamp::from_millisecond(after).ok()?.to_zoned(self.zone.clone()).datetime();
        let mut date = now.date();
        for _ in 0..HORIZON {
            if self.has(date) {
                for at in self.times(date).filter(|at| *at > now) {
                    let found = at.to_zoned(self.zone.clone()).ok()?.timestamp().as_millisecond();
                    // An hour that the clocks go through twice has its times once.
                    if found > after {
                        return Some(found);
                    }
                }
            }
            date = date.checked_add(1.day()).ok()?;
        }
        None
    }

    fn times(&self, date: Date) -> impl Iterator<Item = DateTime> {
        self.hours.iter().flat_map(move |hour| {
            self.minutes
                .iter()
                .flat_map(move |minute| self.seconds.iter().map(move |second| date.at(*hour, *minute, *second, 0)))
        })
    }

    fn has(&self, date: Date) -> bool {
        let weekday = date.weekday().to_sunday_one_offset();
        let in_month = match &self.days {
            Days::In(days) => days.contains(&date.day()),
            Days::Last => date == date.last_of_month(),
            _ => true,
        };
        let in_week = match &self.weekdays {
            Days::In(days) => days.contains(&weekday),
            Days::LastWeekday(day) => {
                let last = Weekday::from_sunday_one_offset(*day).and_then(|day| date.nth_weekday_of_month(-1, day));
                last.is_ok_and(|last| last == date)
            }
            Days::Nth(day, nth) => {
                let found = Weekday::from_sunday_one_offset(*day).and_then(|day| date.nth_weekday_of_month(*nth, day));
                found.is_ok_and(|found| found == date)
            }
            _ => true,
        };
        let in_year = self.years.as_ref().is_none_or(|years| years.contains(&date.year()));
        in_month && in_week && in_year && self.months.contains(&date.month())
    }
}

/// A number, or one of the names, which count from one.
fn number<T: TryFrom<usize> + std::str::FromStr>(text: &str, names: &[&str]) -> Result<T, String> {
    let named = names.iter().position(|name| name.eq_ignore_ascii_case(text)).and_then(|at| T::try_from(at + 1).ok());
    named.or_else(|| text.parse().ok()).ok_or_else(|| format!("'{text}' is not understood"))
}

/// Lists, ranges and steps of numbers.
fn set<T>(text: &str, low: T, high: T, names: &[&str]) -> Result<BTreeSet<T>, String>
where
    T: TryFrom<usize> + std::str::FromStr + Copy + Ord + Into<i64> + TryFrom<i64>,
{
    let mut all = BTreeSet::new();
    for part in text.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let step: i64 = match step {
            None => 1,
            Some(text) => text.parse().ok().filter(|n| *n > 0).ok_or_else(|| format!("'{part}' has no step"))?,
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (low, high),
            Some((from, to)) => (number(from, names)?, number(to, names)?),
            None => {
                let from: T = number(range, names)?;
                // A step without an end goes on to the highest.
                (from, if part.contains('/') { high } else { from })
            }
        };
        if from < low || to > high || from > to {
            return Err(format!("'{part}' is out of range"));
        }
        let mut at: i64 = from.into();
        while at <= to.into() {
            all.extend(T::try_from(at).ok());
            at += step;
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(expression: &str, zone: &str, after: &str) -> String {
        let after: Timestamp = after.parse().unwrap();
        let next = Cron::parse(expression, zone).unwrap().next(after.as_millisecond()).unwrap();
        Timestamp::from_millisecond(next).unwrap().to_string()
    }

    #[test]
    fn the_next_time_is_found() {
        for (expression, wanted) in [
            ("0 0 3 * * ?", "2026-03-01T03:00:00Z"),
            ("0 0/15 * * * ?", "2026-02-28T10:15:00Z"),
            ("30 0 10 ? * MON-FRI", "2026-03-02T10:00:30Z"),
            ("0 0 0 L * ?", "2026-03-31T00:00:00Z"),
            ("0 0 12 ? * 6L", "2026-03-27T12:00:00Z"),
            ("0 0 12 ? JAN,DEC SUN#2", "2026-12-13T12:00:00Z"),
            ("0 0 0 29 2 ?", "2028-02-29T00:00:00Z"),
            ("0 0 0 1 1 ? 2030", "2030-01-01T00:00:00Z"),
        ] {
            assert_eq!(next(expression, "UTC", "2026-02-28T10:00:00Z"), wanted, "{expression}");
        }
    }

    #[test]
    fn times_are_those_of_the_zone() {
        assert_eq!(next("0 0 3 * * ?", "Europe/Berlin", "2026-01-10T12:00:00Z"), "2026-01-11T02:00:00Z");
        assert_eq!(next("0 0 3 * * ?", "Europe/Berlin", "2026-07-10T12:00:00Z"), "2026-07-11T01:00:00Z");
        // Half past two does not exist on the day when clocks go forward; it is an hour later then.
        assert_eq!(next("0 30 2 * * ?", "Europe/Berlin", "2026-03-29T00:00:00Z"), "2026-03-29T01:30:00Z");
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (expression, part) in [
            ("0 0 3 * *", "six or seven fields"),
            ("0 0 3 * * *", "'?'"),
            ("0 0 25 * * ?", "'25' is out of range"),
            ("0 0 3 15W * ?", "'15W' is not understood"),
            ("0 0/0 3 * * ?", "no step"),
        ] {
            let error = Cron::parse(expression, "UTC").unwrap_err();
            assert!(error.message().contains(part), "{expression}: {}", error.message());
        }
        assert!(Cron::parse("0 0 3 * * ?", "Mars/Base").unwrap_err().message().contains("time zone"));
        assert!(Cron::parse("0 0 0 30 2 ?", "UTC").unwrap().next(0).is_none());
    }
}
