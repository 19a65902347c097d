//! Ends of tokens, in the forms in which programs write them.

use std::time::{Duration, SystemTime};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// How long until a moment in RFC 3339, or in UTC without a zone and with a blank or `T` between date and time. Zero if it has
/// passed, `None` if the text is no moment.
pub(crate) fn utc(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    let at = match text.parse::<jiff::Timestamp>() {
        Ok(at) => at,
        Err(_) => text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp(),
    };
    Some(until(at, now))
}

/// How long until a moment in the time of this machine. `zone` is the variable `TZ`, if it is set.
pub(crate) fn local(text: &str, zone: Option<&str>, now: SystemTime) -> Option<Duration> {
    let zone = zone.and_then(|name| TimeZone::get(name.trim_start_matches(':')).ok()).unwrap_or_else(TimeZone::system);
    let at = text.trim().parse::<DateTime>().ok()?.to_zoned(zone).ok()?;
    Some(until(at.timestamp(), now))
}

fn until(at: jiff::Timestamp, now: SystemTime) -> Duration {
    SystemTime::from(at).duration_since(now).unwrap_or_default()
}

/// The moment so far ahead, in RFC 3339 with nanoseconds, as the CLI writes it.
pub(crate) fn stamp(life: Duration, now: SystemTime) -> Option<String> {
    let at = jiff::Timestamp::try_from(now.checked_add(life)?).ok()?;
    Some(at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for (text, seconds) in [
            ("2023-11-14T22:13:30Z", 10.0),
            ("2023-11-14T23:13:30+01:00", 10.0),
            ("2023-11-14T22:13:20.123456789Z", 0.123_456_789),
            ("2023-11-14 22:13:21.5", 1.5),
            ("2023-11-14T22:13:21", 1.0),
            ("2000-01-01T00:00:00Z", 0.0),
        ] {
            assert_eq!(utc(text, now), Some(Duration::from_secs_f64(seconds)), "{text}");
        }
        for text in ["", "soon", "1700000000", "2023-13-01T00:00:00Z"] {
            assert_eq!(utc(text, now), None, "{text}");
        }
        assert_eq!(utc(&stamp(Duration::from_secs(60), now).unwrap(), now), Some(Duration::from_secs(60)));
    }
}
