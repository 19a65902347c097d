//! The expiry of tokens, in the forms in which programs write it.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::sanitize::trimmed;

/// The time left until a timestamp in RFC 3339, or in UTC without a zone and with a space or `T` between date and time.
/// Zero if it has passed, `None` if the string is not a timestamp.
pub(crate) fn utc(text: &str, now: SystemTime) -> Option<Duration> {
    let text = trimmed(text);
    let at = match text.parse::<jiff::Timestamp>() {
        Ok(at) => at,
        Err(_) => text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp(),
    };
    Some(until(at, now))
}

/// The time left until a timestamp in local time. `zone` is the variable `TZ`, if it is set.
pub(crate) fn local(text: &str, zone: Option<&str>, now: SystemTime) -> Option<Duration> {
    let zone = zone.and_then(|name| TimeZone::get(name.trim_start_matches(':')).ok()).unwrap_or_else(TimeZone::system);
    let at = text.trim().parse::<DateTime>().ok()?.to_zoned(zone).ok()?;
    Some(until(at.timestamp(), now))
}

/// The time left until a timestamp in any form that programs write: seconds since 1970 as a number or a string, RFC
/// 3339, or local time. `None` for an empty string, zero, and the beginning of the year 1, which mean that it is
/// unknown.
pub(crate) fn any(value: &Value, zone: Option<&str>, now: SystemTime) -> Option<Duration> {
    if let Some(epoch) = seconds(value) {
        return (epoch > 0.0).then(|| until_epoch(epoch, now));
    }
    let text = trimmed(value.as_str()?);
    if text.starts_with("0001-01-01") {
        return None;
    }
    match text.parse::<jiff::Timestamp>() {
        Ok(at) => Some(until(at, now)),
        Err(_) => local(text, zone, now),
    }
}

/// The claims of a JWT, unverified.
pub(crate) fn claims(jwt: &str) -> Option<Value> {
    let payload = jwt.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?).ok()
}

/// The remaining lifetime of a JWT by its `exp` claim.
pub(crate) fn of_jwt(jwt: &str, now: SystemTime) -> Option<Duration> {
    let exp = claims(jwt)?.get("exp").and_then(seconds)?;
    Some(until_epoch(exp, now))
}

/// A number, or a number in a string.
pub(crate) fn seconds(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => trimmed(text).parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

/// The time left until a timestamp in seconds since 1970; zero if it has passed.
pub(crate) fn until_epoch(seconds: f64, now: SystemTime) -> Duration {
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    Duration::try_from_secs_f64(seconds - now).unwrap_or_default()
}

fn until(at: jiff::Timestamp, now: SystemTime) -> Duration {
    SystemTime::from(at).duration_since(now).unwrap_or_default()
}

/// The timestamp that far ahead, in RFC 3339 with nanoseconds, as the CLI writes it.
pub(crate) fn stamp(life: Duration, now: SystemTime) -> Option<String> {
    let at = jiff::Timestamp::try_from(now.checked_add(life)?).ok()?;
    Some(at.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
        assert_eq!(until_epoch(-1.0, SystemTime::UNIX_EPOCH), Duration::ZERO);
        assert_eq!(utc(&stamp(Duration::from_secs(60), now).unwrap(), now), Some(Duration::from_secs(60)));
    }

    #[test]
    fn any_form() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for (value, seconds) in [
            (json!(1_700_000_010), Some(10)),
            (json!(1_700_000_010.5), Some(10)),
            (json!("1700000010"), Some(10)),
            (json!(" 1700000010\r\n"), Some(10)),
            (json!("2023-11-14T22:13:30Z"), Some(10)),
            (json!("2023-11-14 22:13:30+00:00"), Some(10)),
            (json!("2023-11-14T23:13:30.123456+0100"), Some(10)),
            (json!("2023-11-14 23:13:30.123456"), Some(10)),
            (json!("2023-11-14 23:13:30"), Some(10)),
            (json!("2023-11-14 20:00:00"), Some(0)),
            (json!(null), None),
            (json!(""), None),
            (json!("\n"), None),
            (json!(0), None),
            (json!("0"), None),
            (json!(-1), None),
            (json!("0001-01-01T00:00:00Z"), None),
            (json!("soon"), None),
            (json!(true), None),
            (json!([]), None),
        ] {
            assert_eq!(any(&value, Some("Etc/GMT-1"), now).map(|left| left.as_secs()), seconds, "{value}");
        }
    }

    #[test]
    fn json_web_tokens() {
        let jwt = |payload: &str| format!("h.{}.s", URL_SAFE_NO_PAD.encode(payload));
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        assert_eq!(of_jwt(&jwt(r#"{"exp":1600}"#), now), Some(Duration::from_secs(600)));
        assert_eq!(of_jwt(&jwt("{}"), now), None);
        assert_eq!(of_jwt("nonsense", now), None);
        assert_eq!(claims("a.%%%.c"), None);
    }
}
