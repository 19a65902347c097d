//! Values that are one JSON scalar.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{At, BOOLEAN, LIST, NUMBER, OBJECT, STRING, Wire, drain_list, drain_object};
use crate::model::{Mark, show};
use crate::{FieldMask, ProtoDuration, Timestamp};

/// The largest integer up to which every integer is a float: beyond it digits may be lost.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A value that is one JSON scalar; each function states what a scalar of that type means, `None` for nothing certain.
#[doc(hidden)]
pub trait Scalar: Sized {
    const EXPECTED: &'static str = STRING;
    /// Whether any string is a value, so that other scalars stand for their string.
    const IS_TEXT: bool = false;

    fn from_text(text: &str) -> Option<Self>;
    fn from_owned(text: String) -> Option<Self> {
        Self::from_text(&text)
    }
    fn from_bool(_: bool) -> Option<Self> {
        None
    }
    fn from_integer(value: i128) -> Option<Self> {
        if Self::IS_TEXT { Self::from_text(&value.to_string()) } else { None }
    }
    fn from_float(_: f64) -> Option<Self> {
        None
    }
}

struct ScalarVisitor<T>(At, PhantomData<T>);

impl<T: Scalar> ScalarVisitor<T> {
    fn or_odd<E: serde::de::Error>(&self, value: Option<T>, found: &str) -> Result<Option<T>, E> {
        if value.is_some() { Ok(value) } else { self.0.odd(T::EXPECTED, found) }
    }
}

impl<'de, T: Scalar> Visitor<'de> for ScalarVisitor<T> {
    type Value = Option<T>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }
    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Option<T>, E> {
        self.or_odd(T::from_bool(value), BOOLEAN)
    }
    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Option<T>, E> {
        self.or_odd(T::from_integer(value.into()), NUMBER)
    }
    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Option<T>, E> {
        self.or_odd(T::from_integer(value.into()), NUMBER)
    }
    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Option<T>, E> {
        self.or_odd(T::from_float(value), NUMBER)
    }
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Option<T>, E> {
        self.or_odd(T::from_text(text), if text.is_empty() { "an empty string" } else { STRING })
    }
    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Option<T>, E> {
        let found = if text.is_empty() { "an empty string" } else { STRING };
        self.or_odd(T::from_owned(text), found)
    }
    fn visit_unit<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }
    fn visit_none<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }
    fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Option<T>, D::Error> {
        d.deserialize_any(self)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Option<T>, A::Error> {
        drain_list(seq)?;
        self.0.odd(T::EXPECTED, LIST)
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<T>, A::Error> {
        drain_object(map)?;
        self.0.odd(T::EXPECTED, OBJECT)
    }
}

/// Reads a scalar.
#[doc(hidden)]
pub fn scalar<'de, T: Scalar, D: Deserializer<'de>>(d: D, at: At) -> Result<Option<T>, D::Error> {
    d.deserialize_any(ScalarVisitor(at, PhantomData))
}

impl Scalar for String {
    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
    fn from_owned(text: String) -> Option<Self> {
        Some(text)
    }
    fn from_bool(value: bool) -> Option<Self> {
        Some(value.to_string())
    }
    fn from_integer(value: i128) -> Option<Self> {
        Some(value.to_string())
    }
    fn from_float(value: f64) -> Option<Self> {
        // Beyond, the digits are no longer those that were sent.
        (value.abs() <= EXACT).then(|| value.to_string())
    }
}

impl Scalar for bool {
    const EXPECTED: &'static str = BOOLEAN;
    fn from_text(text: &str) -> Option<Self> {
        match text {
            "1" => Some(true),
            "0" => Some(false),
            text if text.eq_ignore_ascii_case("true") => Some(true),
            text if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }
    fn from_bool(value: bool) -> Option<Self> {
        Some(value)
    }
    fn from_integer(value: i128) -> Option<Self> {
        match value {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
    fn from_float(value: f64) -> Option<Self> {
        whole(value).and_then(|value| Self::from_integer(value.into()))
    }
}

/// A float without a fraction, as the integer that was meant.
fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() <= EXACT).then_some(value as i64)
}

impl Scalar for i64 {
    const EXPECTED: &'static str = "an integer";
    fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        text.parse().ok().or_else(|| {
            // Other notations of a whole number, such as "2.0" and "1e3".
            let numeric =
                text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'));
            text.parse().ok().filter(|_| numeric).and_then(whole)
        })
    }
    fn from_integer(value: i128) -> Option<Self> {
        value.try_into().ok()
    }
    fn from_float(value: f64) -> Option<Self> {
        whole(value)
    }
}

impl Scalar for f64 {
    const EXPECTED: &'static str = NUMBER;
    fn from_text(text: &str) -> Option<Self> {
        // proto3's JSON mapping writes the values that JSON lacks as "NaN", "Infinity" and "-Infinity".
        text.trim().parse().ok()
    }
    fn from_integer(value: i128) -> Option<Self> {
        Some(value as f64)
    }
    fn from_float(value: f64) -> Option<Self> {
        Some(value)
    }
}

impl Scalar for Timestamp {
    const EXPECTED: &'static str = "a timestamp in the form of RFC 3339, such as 2024-05-01T12:00:00Z";
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Scalar for ProtoDuration {
    const EXPECTED: &'static str = "a duration in seconds with the suffix s, such as 3.5s";
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Scalar for FieldMask {
    const EXPECTED: &'static str = "a string of comma-separated paths";
    fn from_text(text: &str) -> Option<Self> {
        Some(Self::from(text))
    }
}

macro_rules! scalars {
    ($($t:ty),*) => {$(
        impl<'de> Wire<'de> for $t {
            const NAME: &'static str = stringify!($t);
            fn read_at<D: Deserializer<'de>>(d: D, at: At) -> Result<Option<Self>, D::Error> {
                scalar(d, at)
            }
        }
    )*};
}
scalars!(bool, i64, f64, Timestamp, ProtoDuration, FieldMask);

impl<'de> Wire<'de> for String {
    const NAME: &'static str = STRING;
    fn read_at<D: Deserializer<'de>>(d: D, at: At) -> Result<Option<Self>, D::Error> {
        scalar(d, at)
    }
    fn show(&self, mark: Mark, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show::text(self, mark, f)
    }
}

impl<'de> Wire<'de> for Value {
    fn read<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Deserialize::deserialize(d)
    }
    fn read_at<D: Deserializer<'de>>(d: D, _: At) -> Result<Option<Self>, D::Error> {
        Ok(Some(Self::deserialize(d)?).filter(|value| !value.is_null()))
    }
    fn null() -> Option<Self> {
        Some(Self::Null)
    }
    fn show(&self, mark: Mark, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show::json(self.clone(), mark, f)
    }
}
