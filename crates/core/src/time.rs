//! Timestamps, durations and field masks as they look on the wire (proto3's JSON mapping).

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use jiff::tz::Offset;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in the years -9999 to 9999, to the nanosecond: RFC 3339 on the wire, in any offset when read, in UTC with `Z` when written.
///
/// ```
/// use databricks_core::Timestamp;
///
/// let t: Timestamp = "2024-05-01T12:00:00.5+02:00".parse().unwrap();
/// assert_eq!(t.to_string(), "2024-05-01T10:00:00.500Z");
/// assert_eq!(t.as_unix_millis(), 1_714_557_600_500);
/// ```
// jiff's own timestamp ends a day before the year 9999 does, since it can be shown in any time zone. This one is always in UTC, and
// tables write "valid until further notice" as the last day or the last moment of that year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(DateTime);

/// 1970-01-01T00:00:00.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

impl Timestamp {
    /// Returns the moment that is this many milliseconds after 1970-01-01T00:00:00Z, the form of the older integer members.
    ///
    /// `None` outside of the years -9999 to 9999.
    pub fn from_unix_millis(millis: i64) -> Option<Self> {
        Self::since_epoch(SignedDuration::from_millis(millis))
    }

    /// Returns the moment that is this many seconds after 1970-01-01T00:00:00Z. `None` outside of the years -9999 to 9999.
    pub fn from_unix_seconds(seconds: i64) -> Option<Self> {
        Self::since_epoch(SignedDuration::from_secs(seconds))
    }

    fn since_epoch(span: SignedDuration) -> Option<Self> {
        EPOCH.checked_add(span).ok().map(Self)
    }

    fn to_epoch(self) -> SignedDuration {
        self.0.duration_since(EPOCH)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z, cut to whole ones.
    pub fn as_unix_millis(self) -> i64 {
        let span = self.to_epoch();
        span.as_secs() * 1000 + i64::from(span.subsec_millis())
    }

    /// Seconds since 1970-01-01T00:00:00Z, cut to whole ones.
    pub fn as_unix_seconds(self) -> i64 {
        self.to_epoch().as_secs()
    }

    /// The moment as the standard library's type.
    pub fn to_system_time(self) -> std::time::SystemTime {
        let span = self.to_epoch();
        if span.is_negative() { std::time::UNIX_EPOCH - span.unsigned_abs() } else { std::time::UNIX_EPOCH + span.unsigned_abs() }
    }
}

impl Default for Timestamp {
    /// 1970-01-01T00:00:00Z.
    fn default() -> Self {
        Self(EPOCH)
    }
}

impl TryFrom<std::time::SystemTime> for Timestamp {
    type Error = InvalidTime;
    fn try_from(time: std::time::SystemTime) -> Result<Self, InvalidTime> {
        let invalid = InvalidTime("a moment between the years -9999 and 9999");
        let span = SignedDuration::system_until(std::time::UNIX_EPOCH, time).map_err(|_| invalid)?;
        Self::since_epoch(span).ok_or(invalid)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTime;
    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let invalid = InvalidTime("a timestamp in the form of RFC 3339, such as 2024-05-01T12:00:00Z");
        let pieces = Pieces::parse(text).map_err(|_| invalid)?;
        let (Some(time), Some(offset)) = (pieces.time(), pieces.offset()) else { return Err(invalid) };
        let offset = match offset {
            PiecesOffset::Numeric(offset) => offset.offset(),
            PiecesOffset::Zulu => Offset::UTC,
            _ => return Err(invalid),
        };
        let local = pieces.date().to_datetime(time);
        let utc = local.checked_sub(SignedDuration::from_secs(offset.seconds().into()));
        utc.map(Self).map_err(|_| InvalidTime("a timestamp between the years -9999 and 9999"))
    }
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

/// A span of time, to the nanosecond, possibly negative: `"3.5s"` on the wire.
///
/// ```
/// use databricks_core::Duration;
///
/// let d: Duration = "3.5s".parse().unwrap();
/// assert_eq!(d.to_string(), "3.500s");
/// assert_eq!(Duration::from(std::time::Duration::from_secs(60)).to_string(), "60s");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(jiff::SignedDuration);

impl Duration {
    /// A span of whole seconds.
    pub const fn from_secs(seconds: i64) -> Self {
        Self(jiff::SignedDuration::from_secs(seconds))
    }

    /// A span of whole milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(jiff::SignedDuration::from_millis(millis))
    }

    /// The whole seconds of the span; negative for negative spans.
    pub const fn as_secs(self) -> i64 {
        self.0.as_secs()
    }

    /// The part below a second, in nanoseconds, with the sign of the span.
    pub const fn subsec_nanos(self) -> i32 {
        self.0.subsec_nanos()
    }

    /// The span as the standard library's type; `None` if it is negative.
    pub fn to_std(self) -> Option<std::time::Duration> {
        self.0.try_into().ok()
    }
}

impl From<std::time::Duration> for Duration {
    fn from(span: std::time::Duration) -> Self {
        Self(jiff::SignedDuration::try_from(span).unwrap_or(jiff::SignedDuration::MAX))
    }
}

impl FromStr for Duration {
    type Err = InvalidTime;
    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        parse_duration(text).map(Self).ok_or(InvalidTime("a duration in seconds with the suffix s, such as 3.5s"))
    }
}

fn parse_duration(text: &str) -> Option<jiff::SignedDuration> {
    let number = text.strip_suffix('s')?;
    let (negative, number) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 9 || number.ends_with('.') {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    let nanos: i32 = format!("{fraction:0<9}").parse().ok()?;
    let sign = if negative { -1 } else { 1 };
    Some(jiff::SignedDuration::new(seconds.checked_mul(i64::from(sign))?, nanos * sign))
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, nanos) = (self.0.as_secs(), self.0.subsec_nanos());
        let sign = if seconds < 0 || nanos < 0 { "-" } else { "" };
        let (seconds, nanos) = (seconds.unsigned_abs(), nanos.unsigned_abs());
        match nanos {
            0 => write!(f, "{sign}{seconds}s"),
            n if n % 1_000_000 == 0 => write!(f, "{sign}{seconds}.{:03}s", n / 1_000_000),
            n if n % 1_000 == 0 => write!(f, "{sign}{seconds}.{:06}s", n / 1_000),
            n => write!(f, "{sign}{seconds}.{n:09}s"),
        }
    }
}

/// The members that an update touches: comma-separated paths in one text on the wire.
///
/// ```
/// use databricks_core::FieldMask;
///
/// let mask = FieldMask::from_iter(["name", "spec.size"]);
/// assert_eq!(mask.to_string(), "name,spec.size");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FieldMask(Vec<String>);

impl FieldMask {
    /// The paths, in order.
    pub fn paths(&self) -> &[String] {
        &self.0
    }
}

impl<T: Into<String>> FromIterator<T> for FieldMask {
    fn from_iter<I: IntoIterator<Item = T>>(paths: I) -> Self {
        Self(paths.into_iter().map(Into::into).collect())
    }
}

impl From<&str> for FieldMask {
    fn from(text: &str) -> Self {
        text.split(',').map(str::trim).filter(|path| !path.is_empty()).collect()
    }
}

impl From<String> for FieldMask {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl fmt::Display for FieldMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

/// A text or moment that cannot be represented. Says what was expected.
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
    Duration => |text| text.parse().map_err(serde::de::Error::custom);
    FieldMask => |text| Ok(FieldMask::from(&*text));
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
        for bad in ["yesterday", "", "2023-12-31", "2023-12-31T23:59:59", "2023-13-31T23:59:59Z", "9999-12-31T23:59:59-00:01"] {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad}");
        }
    }

    #[test]
    fn timestamps_go_from_the_first_to_the_last_moment_of_four_digit_years() {
        for (read, written, millis) in [
            ("9999-12-31T00:00:00.000Z", "9999-12-31T00:00:00Z", 253_402_214_400_000),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z", 253_402_300_799_999),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z", 253_402_300_799_999),
            ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z", 253_402_300_799_999),
            ("9999-12-31 12:00:00+05:30", "9999-12-31T06:30:00Z", 253_402_237_800_000),
            ("0001-01-01T00:00:00.000Z", "0001-01-01T00:00:00Z", -62_135_596_800_000),
            ("0001-01-01T00:00:00.000+01:00", "0000-12-31T23:00:00Z", -62_135_600_400_000),
            ("1969-12-31T23:59:59.9995Z", "1969-12-31T23:59:59.999500Z", 0),
            ("1969-12-31T23:59:58.5Z", "1969-12-31T23:59:58.500Z", -1_500),
        ] {
            let read: Timestamp = read.parse().unwrap();
            assert_eq!((read.to_string().as_str(), read.as_unix_millis()), (written, millis));
            assert_eq!(read.to_string().parse::<Timestamp>().unwrap(), read);
            assert_eq!(Timestamp::try_from(read.to_system_time()).unwrap(), read);
        }
        assert_eq!(Timestamp::from_unix_millis(253_402_300_799_999).unwrap().to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::from_unix_seconds(253_402_300_800), None);
        assert_eq!(Timestamp::from_unix_millis(i64::MIN), None);
        assert_eq!(Timestamp::default().as_unix_seconds(), 0);
    }

    #[test]
    fn durations_keep_sign_and_fraction() {
        for (read, written) in [("0s", "0s"), ("-0.5s", "-0.500s"), ("3600s", "3600s"), ("1.000000001s", "1.000000001s")] {
            assert_eq!(read.parse::<Duration>().unwrap().to_string(), written);
        }
        for bad in ["", "s", "1", "1.s", ".5s", "1m", "1.0000000001s", "--1s", "99999999999999999999s"] {
            assert!(bad.parse::<Duration>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn durations_round_trip(seconds in -315_576_000_000i64..315_576_000_000, nanos in 0i32..1_000_000_000) {
            let nanos = if seconds < 0 { -nanos } else { nanos };
            let duration = Duration(jiff::SignedDuration::new(seconds, nanos));
            prop_assert_eq!(duration.to_string().parse::<Duration>().unwrap(), duration);
        }

        #[test]
        fn parsing_never_panics(text in ".*") {
            let _ = text.parse::<Duration>();
            let _ = text.parse::<Timestamp>();
        }
    }
}
