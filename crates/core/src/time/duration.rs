//! Spans of time.

use std::fmt;
use std::str::FromStr;

use super::InvalidTime;

/// A span of time as protobuf has it, to the nanosecond, possibly negative: `"3.5s"` on the wire.
///
/// Made from and turned into [`std::time::Duration`], beside which it stands by its own name.
///
/// ```
/// use databricks_core::ProtoDuration;
///
/// let d: ProtoDuration = "3.5s".parse().unwrap();
/// assert_eq!(d.to_string(), "3.500s");
/// assert_eq!(ProtoDuration::from(std::time::Duration::from_secs(60)).to_string(), "60s");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProtoDuration(jiff::SignedDuration);

impl ProtoDuration {
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

impl From<std::time::Duration> for ProtoDuration {
    fn from(span: std::time::Duration) -> Self {
        Self(jiff::SignedDuration::try_from(span).unwrap_or(jiff::SignedDuration::MAX))
    }
}

impl FromStr for ProtoDuration {
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

impl fmt::Display for ProtoDuration {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_keep_sign_and_fraction() {
        for (read, written) in
            [("0s", "0s"), ("-0.5s", "-0.500s"), ("3600s", "3600s"), ("1.000000001s", "1.000000001s")]
        {
            assert_eq!(read.parse::<ProtoDuration>().unwrap().to_string(), written);
        }
        for bad in ["", "s", "1", "1.s", ".5s", "1m", "1.0000000001s", "--1s", "99999999999999999999s"] {
            assert!(bad.parse::<ProtoDuration>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn durations_round_trip(seconds in -315_576_000_000i64..315_576_000_000, nanos in 0i32..1_000_000_000) {
            let nanos = if seconds < 0 { -nanos } else { nanos };
            let duration = ProtoDuration(jiff::SignedDuration::new(seconds, nanos));
            prop_assert_eq!(duration.to_string().parse::<ProtoDuration>().unwrap(), duration);
        }

        #[test]
        fn parsing_never_panics(text in ".*") {
            let _ = text.parse::<ProtoDuration>();
        }
    }
}
