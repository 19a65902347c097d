//! Time zones by name or offset.

use chrono::{NaiveDateTime, Offset as _, TimeZone as _};

use super::times::SECOND;

#[derive(Clone, Debug, PartialEq, Eq)]
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

fn naive(us: i64) -> Option<NaiveDateTime> {
    chrono::DateTime::from_timestamp_micros(us).map(|t| t.naive_utc())
}
