//! A cell, as serde sees it: scalars are read from their string at once, all else as a [`Value`].
//!
//! Nearly all cells of large results are numbers, strings and truth values, and what they read into asks for just that.
//! What is not read here, be it odd or only unusual, is left to [`Value`], which has the last word and the errors.

use serde::de::{Deserializer, Visitor};

use super::types::SqlType;
use super::value::{Outcome, Value};

/// A cell with the type of its column.
pub(super) struct Cell<'a> {
    /// `None` for NULL.
    text: Option<&'a str>,
    kind: &'a SqlType,
}

impl<'a> Cell<'a> {
    #[inline]
    pub(super) fn new(text: Option<&'a str>, kind: &'a SqlType) -> Self {
        Self { text, kind }
    }

    /// The string of a scalar; `None` for what is none.
    #[inline]
    fn scalar(&self) -> Option<&'a str> {
        self.text.filter(|_| !self.kind.is_json())
    }

    #[inline(never)]
    fn value(self) -> Outcome<Value<'a>> {
        Value::of_cell(self.text, self.kind)
    }
}

/// A decimal number of few digits, without an exponent.
///
/// Its digits as an integer and the power of ten that divides them are exact floats, so that their quotient is the float
/// nearest to the number: what the general reader finds, too.
fn short_float(text: &str) -> Option<f64> {
    /// Up to here integers and powers of ten are exact.
    const DIGITS: usize = 15;
    const POWERS: [f64; DIGITS + 1] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    let (negative, written) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        all => (false, all),
    };
    if written.len() > DIGITS + 1 {
        return None;
    }
    let (mut number, mut digits, mut point) = (0_u64, 0, None);
    for byte in written {
        match byte {
            b'0'..=b'9' => {
                number = number * 10 + u64::from(byte - b'0');
                digits += 1;
            }
            b'.' if point.is_none() => point = Some(digits),
            _ => return None,
        }
    }
    if !(1..=DIGITS).contains(&digits) {
        return None;
    }
    let power = POWERS.get(digits - point.unwrap_or(digits))?;
    let value = number as f64 / power;
    Some(if negative { -value } else { value })
}

macro_rules! parsed {
    ($($method:ident $visit:ident $t:ty;)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
            match self.scalar().and_then(|text| text.parse::<$t>().ok()) {
                Some(value) => visitor.$visit(value),
                None => self.value()?.$method(visitor),
            }
        }
    )*};
}

macro_rules! general {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
            self.value()?.$method(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Cell<'_> {
    type Error = super::value::ValueError;

    parsed! {
        deserialize_bool visit_bool bool;
        deserialize_i8 visit_i64 i64;
        deserialize_i16 visit_i64 i64;
        deserialize_i32 visit_i64 i64;
        deserialize_i64 visit_i64 i64;
        deserialize_u8 visit_u64 u64;
        deserialize_u16 visit_u64 u64;
        deserialize_u32 visit_u64 u64;
        deserialize_u64 visit_u64 u64;
    }

    #[inline]
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        match self.scalar().and_then(short_float) {
            Some(value) => visitor.visit_f64(value),
            None => self.value()?.deserialize_f64(visitor),
        }
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        match self.scalar() {
            Some(text) => visitor.visit_str(text),
            None => self.value()?.deserialize_str(visitor),
        }
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        match self.text {
            None => visitor.visit_none(),
            Some(_) if !self.kind.is_json() => visitor.visit_some(self),
            // JSON may be a `null` of its own.
            Some(_) => self.value()?.deserialize_option(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Outcome<V::Value> {
        if self.scalar().is_some() {
            return visitor.visit_newtype_struct(self);
        }
        self.value()?.deserialize_newtype_struct(name, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Outcome<V::Value> {
        self.value()?.deserialize_tuple(length, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Outcome<V::Value> {
        self.value()?.deserialize_tuple_struct(name, length, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Outcome<V::Value> {
        self.value()?.deserialize_struct(name, fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Outcome<V::Value> {
        self.value()?.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Outcome<V::Value> {
        self.value()?.deserialize_unit_struct(name, visitor)
    }

    general! {
        deserialize_any deserialize_i128 deserialize_u128 deserialize_f32 deserialize_char deserialize_bytes
        deserialize_byte_buf deserialize_unit deserialize_seq deserialize_map deserialize_identifier
        deserialize_ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use proptest::prelude::*;
    use serde::de::DeserializeOwned;

    use super::*;

    /// What a cell reads as, compared with what the general form reads.
    fn same<T: DeserializeOwned + Debug>(text: Option<&str>, kind: &SqlType) {
        let shown = |read: Outcome<T>| read.map(|value| format!("{value:?}")).map_err(|error| error.message);
        let general = Value::of_cell(text, kind).and_then(T::deserialize);
        assert_eq!(shown(T::deserialize(Cell::new(text, kind))), shown(general), "{text:?} as {kind:?}");
    }

    fn all_the_same(text: Option<&str>, kind: &SqlType) {
        #[derive(Debug, serde::Deserialize)]
        #[allow(dead_code)] // Shown alone.
        struct Wrapped(Option<String>);

        same::<bool>(text, kind);
        same::<i8>(text, kind);
        same::<i64>(text, kind);
        same::<u16>(text, kind);
        same::<u64>(text, kind);
        same::<i128>(text, kind);
        same::<f32>(text, kind);
        same::<f64>(text, kind);
        same::<String>(text, kind);
        same::<Option<i32>>(text, kind);
        same::<Option<String>>(text, kind);
        same::<Wrapped>(text, kind);
        same::<Vec<Option<i64>>>(text, kind);
        same::<serde_json::Value>(text, kind);
        same::<serde::de::IgnoredAny>(text, kind);
        same::<()>(text, kind);
    }

    #[test]
    fn cells_read_as_in_the_general_form() {
        let kinds = ["BIGINT", "DOUBLE", "BOOLEAN", "STRING", "DECIMAL(10,2)", "BINARY", "VARIANT", "ARRAY<INT>"];
        let texts = [
            "",
            "1",
            "-1",
            "+1",
            " 7 ",
            "128",
            "1.5",
            "-0",
            "-0.0",
            ".5",
            "5.",
            ".",
            "-",
            "1e3",
            "NaN",
            "-Infinity",
            "true",
            "false",
            "TRUE",
            "null",
            "[1,null]",
            "[",
            "{}",
            "\"x\"",
            "9223372036854775808",
            "1e400",
            "é",
        ];
        for kind in kinds.map(|kind| SqlType::of_column(kind, kind)) {
            all_the_same(None, &kind);
            for text in texts {
                all_the_same(Some(text), &kind);
            }
        }
    }

    proptest! {
        #[test]
        fn short_floats_are_those_of_the_standard_library(text in "-?[0-9]{0,16}(\\.[0-9]{0,16})?") {
            if let Some(value) = short_float(&text) {
                prop_assert_eq!(Ok(value.to_bits()), text.parse::<f64>().map(f64::to_bits), "{}", text);
            }
        }

        #[test]
        fn any_text_reads_as_in_the_general_form(text in "[-+0-9.eE \"a-z]{0,20}") {
            for kind in ["BIGINT", "DOUBLE", "STRING", "VARIANT"] {
                all_the_same(Some(&text), &SqlType::of_column(kind, kind));
            }
        }
    }

    #[test]
    fn usual_floats_are_short() {
        for (text, value) in [("29997.25", 29997.25), ("-0.1", -0.1), ("123456789012345", 123_456_789_012_345.0)] {
            assert_eq!(short_float(text), Some(value));
        }
        assert_eq!(short_float("-0.0").map(f64::is_sign_negative), Some(true));
        for text in ["1234567890123456", "1e3", "NaN", "", "-", ".", "1.2.3"] {
            assert_eq!(short_float(text), None, "{text}");
        }
    }
}
