//! Time zones by name or offset, and that of the session.

use std::cell::Cell;

use chrono::{NaiveDateTime, Offset as _, TimeZone as _};
use chrono_tz::OffsetName as _;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;

use super::times::SECOND;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zone {
    /// Seconds east of Greenwich.
    Fixed(i32),
    Named(chrono_tz::Tz),
}

impl Zone {
    pub(crate) const UTC: Self = Self::Fixed(0);

    /// `UTC`, `+02:00`, `GMT+1`, `Europe/Berlin`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if matches!(text, "Z" | "z" | "UTC" | "GMT" | "UT") {
            return Some(Self::UTC);
        }
        let rest = ["UTC", "GMT", "UT"].iter().find_map(|p| text.strip_prefix(p)).unwrap_or(text);
        if let Some(sign) = rest.chars().next().filter(|c| matches!(c, '+' | '-')) {
            let body = &rest[1..];
            let parts: Vec<&str> = if body.contains(':') {
                body.split(':').collect()
            } else {
                match body.len() {
                    1 | 2 => vec![body],
                    4 => vec![&body[..2], &body[2..]],
                    6 => vec![&body[..2], &body[2..4], &body[4..]],
                    _ => return None,
                }
            };
            if parts.len() > 3 {
                return None;
            }
            let mut seconds = 0;
            for (part, unit) in parts.iter().zip([3600, 60, 1]) {
                if part.is_empty() || part.len() > 2 || !part.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                seconds += part.parse::<i32>().ok()? * unit;
            }
            return (seconds <= 18 * 3600).then_some(Self::Fixed(if sign == '-' { -seconds } else { seconds }));
        }
        let short = match text {
            "PST" => "America/Los_Angeles",
            "CST" => "America/Chicago",
            "JST" => "Asia/Tokyo",
            "IST" => "Asia/Kolkata",
            "CET" | "ECT" => "Europe/Paris",
            other => other,
        };
        short.parse().ok().map(Self::Named)
    }

    /// An offset in seconds, of which zones have fewer than a day.
    pub(crate) fn fixed(seconds: i64) -> Self {
        Self::Fixed(i32::try_from(seconds).unwrap_or(0))
    }

    /// Seconds east of Greenwich at a point in time.
    pub(crate) fn offset(&self, us: i64) -> i64 {
        match self {
            Self::Fixed(s) => i64::from(*s),
            Self::Named(tz) => match naive(us) {
                Some(t) => i64::from(tz.offset_from_utc_datetime(&t).fix().local_minus_utc()),
                None => 0,
            },
        }
    }

    /// What clocks there are called at a point in time, `CEST`; an offset is its own name.
    pub(crate) fn abbreviation(&self, us: i64) -> Option<String> {
        match self {
            Self::Fixed(_) => Some(self.to_string()),
            // Zones without letters in the database have other names on the platform.
            Self::Named(tz) => {
                let name = tz.offset_from_utc_datetime(&naive(us)?).abbreviation()?.to_owned();
                name.bytes().all(|b| b.is_ascii_alphabetic()).then_some(name)
            }
        }
    }

    /// The local time at a point in time.
    pub(crate) fn local(&self, us: i64) -> i64 {
        us.saturating_add(self.offset(us) * SECOND)
    }

    /// The point in time of a local time: the earlier of two, and where there is none, moved by the length of the gap.
    pub(crate) fn utc(&self, local: i64) -> i64 {
        match self {
            Self::Fixed(s) => local.saturating_sub(i64::from(*s) * SECOND),
            Self::Named(tz) => {
                let before = self.offset(local.saturating_sub(86_400 * SECOND));
                let offset = naive(local)
                    .and_then(|t| tz.offset_from_local_datetime(&t).earliest())
                    .map_or(before, |o| i64::from(o.fix().local_minus_utc()));
                local.saturating_sub(offset * SECOND)
            }
        }
    }
}

/// The name that patterns and `current_timezone` show: `Europe/Berlin`, `+02:00`, `Z`.
impl std::fmt::Display for Zone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(0) => f.write_str("Z"),
            Self::Fixed(s) => {
                let (sign, s) = (if *s < 0 { '-' } else { '+' }, s.abs());
                write!(f, "{sign}{:02}:{:02}", s / 3600, s / 60 % 60)?;
                if s % 60 == 0 { Ok(()) } else { write!(f, ":{:02}", s % 60) }
            }
            Self::Named(tz) => f.write_str(tz.name()),
        }
    }
}

thread_local! {
    static SESSION: Cell<Zone> = const { Cell::new(Zone::UTC) };
}

/// The time zone of the session whose values this thread computes.
pub(crate) fn session() -> Zone {
    SESSION.get()
}

/// Another zone for the session of this thread, until it leaves.
pub(crate) fn set(zone: Zone) {
    SESSION.set(zone);
}

/// The zone by which values of a type are read: that of the session for points in time, none for all else.
pub(crate) fn of(kind: &DataType) -> Zone {
    if matches!(kind, DataType::Timestamp(_, Some(_))) { session() } else { Zone::UTC }
}

/// The zone that a plan was made for; functions run on threads that know no session.
pub(crate) fn of_plan(options: &ConfigOptions) -> Zone {
    options.execution.time_zone.as_deref().and_then(Zone::parse).unwrap_or(Zone::UTC)
}

/// Makes a zone that of the session on this thread, until it is dropped.
#[must_use]
pub(crate) struct Entered(Zone);

impl Entered {
    pub(crate) fn new(zone: Zone) -> Self {
        Self(SESSION.replace(zone))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        SESSION.set(self.0);
    }
}

fn naive(us: i64) -> Option<NaiveDateTime> {
    chrono::DateTime::from_timestamp_micros(us).map(|t| t.naive_utc())
}
