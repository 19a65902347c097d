//! Timestamps and durations as they are on the wire (proto3's JSON mapping).

mod duration;

pub use duration::ProtoDuration;

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use jiff::civil::DateTime;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment, to the nanosecond: RFC 3339 on the wire, in any offset when read, in UTC with `Z` when written.
///
/// ```
/// use databricks_core::Timestamp;
///
/// let t: Timestamp = "2024-05-01T12:00:00.5+02:00".parse().unwrap();
/// assert_eq!(t.to_string(), "2024-05-01T10:00:00.500Z");
/// assert_eq!(t.as_unix_millis(), 1_714_557_600_500);
/// ```
///
/// The range is that of the service, up to the last nanosecond of the year 9999, which tables use for "until further
/// notice".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(
    /// In UTC. An instant of the library would end some hours before the year 9999 does.
    DateTime,
);

/// 1970-01-01T00:00:00Z.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

impl Timestamp {
    /// A moment from milliseconds since 1970-01-01T00:00:00Z, the form of the older integer members.
    ///
    /// `None` outside of the years -9999 to 9999.
    pub fn from_unix_millis(millis: i64) -> Option<Self> {
        EPOCH.checked_add(jiff::SignedDuration::from_millis(millis)).ok().map(Self)
    }

    /// A moment from seconds since 1970-01-01T00:00:00Z. `None` outside of the years -9999 to 9999.
    pub fn from_unix_seconds(seconds: i64) -> Option<Self> {
        EPOCH.checked_add(jiff::SignedDuration::from_secs(seconds)).ok().map(Self)
    }

    fn since_epoch(self) -> jiff::SignedDuration {
        self.0.duration_since(EPOCH)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z, cut to whole ones.
    pub fn as_unix_millis(self) -> i64 {
        let since = self.since_epoch();
        since.as_secs() * 1_000 + i64::from(since.subsec_millis())
    }

    /// Seconds since 1970-01-01T00:00:00Z, cut to whole ones.
    pub fn as_unix_seconds(self) -> i64 {
        self.since_epoch().as_secs()
    }

    /// The moment as the standard library's type.
    pub fn to_system_time(self) -> SystemTime {
        let since = self.since_epoch();
        let span = since.unsigned_abs();
        let time = if since.is_negative() {
            SystemTime::UNIX_EPOCH.checked_sub(span)
        } else {
            SystemTime::UNIX_EPOCH.checked_add(span)
        };
        // Every supported system's clock spans these years.
        time.unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

impl Default for Timestamp {
    fn default() -> Self {
        Self(EPOCH)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({self})")
    }
}

impl TryFrom<SystemTime> for Timestamp {
    type Error = InvalidTime;
    fn try_from(time: SystemTime) -> Result<Self, InvalidTime> {
        let since = match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => jiff::SignedDuration::try_from(since).ok(),
            Err(before) => {
                jiff::SignedDuration::try_from(before.duration()).ok().and_then(jiff::SignedDuration::checked_neg)
            }
        };
        let moment = since.and_then(|since| EPOCH.checked_add(since).ok());
        moment.map(Self).ok_or(InvalidTime("a moment between the years -9999 and 9999"))
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTime;
    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        parse_timestamp(text)
            .map(Self)
            .ok_or(InvalidTime("a timestamp in the form of RFC 3339, such as 2024-05-01T12:00:00Z"))
    }
}

/// Date and time, then `Z` or an offset in hours and minutes.
fn parse_timestamp(text: &str) -> Option<DateTime> {
    let (local, offset) = match text.strip_suffix(['Z', 'z']) {
        Some(local) => (local, jiff::SignedDuration::ZERO),
        None => {
            // Behind the date, whose own dashes are no signs.
            let sign = 10 + text.get(10..)?.rfind(['+', '-'])?;
            (&text[..sign], parse_offset(&text[sign..])?)
        }
    };
    // The library reads more forms than the API has, such as dates alone and dates with a zone.
    let has_time = local.get(10..).is_some_and(|rest| rest.starts_with(['T', 't', ' ']) && rest.len() > 1);
    if !has_time || local.contains('[') {
        return None;
    }
    local.parse::<DateTime>().ok()?.checked_sub(offset).ok()
}

/// `+02:00`, `+0200` or `+02`.
fn parse_offset(text: &str) -> Option<jiff::SignedDuration> {
    let (sign, digits) = text.split_at(1);
    let digits: String = digits.chars().filter(|c| *c != ':').collect();
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let hours: i64 = digits[..2].parse().ok()?;
    let minutes: i64 = if digits.len() == 4 { digits[2..].parse().ok()? } else { 0 };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let span = jiff::SignedDuration::from_secs(hours * 3_600 + minutes * 60);
    Some(if sign == "-" { -span } else { span })
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let precision = match self.0.subsec_nanosecond() {
            0 => 0,
            n if n % 1_000_000 == 0 => 3,
            n if n % 1_000 == 0 => 6,
            _ => 9,
        };
        write!(f, "{:.*}Z", precision, self.0)
    }
}

/// A string or moment that cannot be represented. States what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidTime(&'static str);

impl fmt::Display for InvalidTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.0)
    }
}

impl std::error::Error for InvalidTime {}

macro_rules! as_text {
    ($($t:ident => |$text:ident| $parse:expr;)*) => {$(
        impl Serialize for $t {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $t {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let $text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                $parse
            }
        }
    )*};
}
as_text! {
    Timestamp => |text| text.parse().map_err(serde::de::Error::custom);
    ProtoDuration => |text| text.parse().map_err(serde::de::Error::custom);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn timestamps_have_0_3_6_or_9_digits() {
        for (read, written) in [
            ("2023-12-31T23:59:59Z", "2023-12-31T23:59:59Z"),
            ("2023-12-31T23:59:59.1Z", "2023-12-31T23:59:59.100Z"),
            ("2023-12-31T23:59:59.000001+01:00", "2023-12-31T22:59:59.000001Z"),
            ("2023-12-31T23:59:59.123456789Z", "2023-12-31T23:59:59.123456789Z"),
        ] {
            assert_eq!(read.parse::<Timestamp>().unwrap().to_string(), written);
        }
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn timestamps_span_the_years_of_the_service() {
        for (read, written, seconds) in [
            ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z", 253_402_300_799),
            ("9999-12-31T00:00:00Z", "9999-12-31T00:00:00Z", 253_402_214_400),
            ("9999-12-31T23:59:59+14:00", "9999-12-31T09:59:59Z", 253_402_250_399),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", -62_135_596_800),
            ("1969-12-31T23:59:59.5-0030", "1970-01-01T00:29:59.500Z", 1_799),
            ("1969-12-31 23:59:58.5z", "1969-12-31T23:59:58.500Z", -1),
        ] {
            let moment: Timestamp = read.parse().unwrap();
            assert_eq!((moment.to_string().as_str(), moment.as_unix_seconds()), (written, seconds), "{read}");
            assert_eq!(Timestamp::try_from(moment.to_system_time()).unwrap(), moment, "{read}");
        }
        assert_eq!(Timestamp::from_unix_millis(253_402_300_799_999).unwrap().to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::from_unix_millis(253_402_300_800_000), None);
        assert_eq!(Timestamp::default().as_unix_millis(), 0);
        for bad in [
            "9999-12-31T23:59:59-02:00",
            "2024-05-01",
            "2024-05-01T",
            "2024-05-01T12:00:00",
            "2024-05-01Z",
            "2024-13-01T00:00:00Z",
            "2024-05-01T12:00:00+24:00",
            "2024-05-01T12:00:00Z[UTC]",
            "2024-05-01T12:00:00+2",
            "",
            "Z",
            "+02:00",
        ] {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in ".*") {
            let _ = text.parse::<Timestamp>();
        }
    }
}
