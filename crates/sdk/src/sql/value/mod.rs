//! One value of a result, as serde sees it: a cell, or what is nested inside of one.

mod digits;
mod error;
mod nested;

use std::borrow::Cow;
use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::value::{MapAccessDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde_json::value::RawValue;

use self::digits::keeps_its_digits;
pub(crate) use self::error::ValueError;
use self::nested::{Items, Members, parse};
use super::types::SqlType;

/// The first name that stands in the list a second time.
pub(crate) fn repeated<'n>(names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let mut seen = HashSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}

pub(super) type Outcome<T> = Result<T, ValueError>;

/// A value with its SQL type.
pub(crate) struct Value<'a> {
    content: Content<'a>,
    kind: &'a SqlType,
    depth: usize,
}

enum Content<'a> {
    Null,
    /// The string of a scalar.
    Text(Cow<'a, str>),
    /// A JSON number or truth value as it was written, so that no digit is lost.
    Bare(&'a str),
    List(Vec<&'a RawValue>),
    Object(Vec<(String, &'a RawValue)>),
}

/// Values nested deeper than this are refused, since each level takes a piece of the stack.
const DEEPEST: usize = 128;

impl<'a> Value<'a> {
    /// The value of a cell; `None` is NULL.
    pub(crate) fn of_cell(text: Option<&'a str>, kind: &'a SqlType) -> Outcome<Self> {
        let content = match text {
            None => Content::Null,
            Some(text) if kind.is_json() => match parse(text) {
                Ok(content) => content,
                // Services differ in whether a variant that is a string has quotes.
                Err(_) if kind == &SqlType::Variant => Content::Text(text.into()),
                Err(why) => return Err(why),
            },
            Some(text) => Content::Text(text.into()),
        };
        Ok(Self { content, kind, depth: 0 })
    }

    fn nested(&self, raw: &'a RawValue, kind: &'a SqlType) -> Outcome<Self> {
        if self.depth >= DEEPEST {
            return Err(ValueError::new(format!("the value is nested more than {DEEPEST} levels deep")));
        }
        Ok(Self { content: parse(raw.get())?, kind, depth: self.depth + 1 })
    }

    /// The string of a scalar, whatever its type.
    fn text(&self) -> Outcome<&str> {
        match &self.content {
            Content::Text(text) => Ok(text),
            Content::Bare(text) => Ok(text),
            Content::Null => Err(ValueError::new("the value is NULL; read it into an Option")),
            Content::List(_) => Err(ValueError::new("the value is a list")),
            Content::Object(_) => Err(ValueError::new("the value is an object")),
        }
    }

    fn parse<T: std::str::FromStr>(&self, what: &str) -> Outcome<T> {
        self.text()?.trim().parse().map_err(|_| ValueError::new(format!("the value is not {what}")))
    }

    fn bytes(&self) -> Outcome<Vec<u8>> {
        let text = self.text()?;
        if self.kind == &SqlType::Binary {
            return STANDARD.decode(text.trim()).map_err(|_| ValueError::new("the value is not base64"));
        }
        Ok(text.as_bytes().to_vec())
    }

    /// A number as JSON has it. One whose digits no number type holds is handed out as the string that it is.
    fn visit_number<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Outcome<V::Value> {
        if let Ok(value) = text.parse::<i64>() {
            return visitor.visit_i64(value);
        }
        if let Ok(value) = text.parse::<u64>() {
            return visitor.visit_u64(value);
        }
        match text.parse::<f64>() {
            Ok(value) if keeps_its_digits(text, value) => visitor.visit_f64(value),
            _ => visitor.visit_str(text),
        }
    }

    /// A number of floating point. JSON has none that is not finite: `NaN` and `Infinity` are strings there.
    fn visit_float<'de, V: Visitor<'de>>(&self, visitor: V) -> Outcome<V::Value> {
        let value = self.float()?;
        if value.is_finite() { visitor.visit_f64(value) } else { visitor.visit_str(self.text()?) }
    }

    fn float(&self) -> Outcome<f64> {
        let value: f64 = self.parse("a number")?;
        self.within_range(value)
    }

    /// Refuses what became infinite without having been so.
    fn within_range(&self, value: f64) -> Outcome<f64> {
        if value.is_infinite() && self.text()?.bytes().any(|byte| byte.is_ascii_digit()) {
            return Err(ValueError::new("the number is too large for the type that it is read into"));
        }
        Ok(value)
    }

    /// A list, an object or base64 as lists of values.
    fn visit_list<'de, V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        match &self.content {
            Content::List(items) => visitor.visit_seq(Items { list: &self, items: items.iter() }),
            Content::Text(_) if self.kind == &SqlType::Binary => {
                visitor.visit_seq(SeqDeserializer::new(self.bytes()?.into_iter()))
            }
            Content::Null => self.text().map(drop).and(Err(ValueError::new(""))),
            _ => Err(ValueError::new("the value is not a list")),
        }
    }

    /// An object as a map, where a second member of one name would take the place of the first.
    fn visit_map_of<'de, V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        if let Content::Object(members) = &self.content
            && let Some(name) = repeated(members.iter().map(|(name, _)| name.as_str()))
        {
            return Err(ValueError::new(format!("two members of the object are named {name}")));
        }
        self.visit_object(visitor)
    }

    fn visit_object<'de, V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        match &self.content {
            Content::Object(members) => {
                visitor.visit_map(Members { object: &self, members: members.iter(), value: None })
            }
            Content::Null => self.text().map(drop).and(Err(ValueError::new(""))),
            _ => Err(ValueError::new("the value is not an object")),
        }
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident $t:ty, $what:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
            let value: $t = self.parse($what)?;
            visitor.$visit(value)
        }
    )*};
}

impl<'de> Deserializer<'de> for Value<'_> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        match (&self.content, self.kind) {
            (Content::Null, _) => visitor.visit_unit(),
            (Content::List(_), _) => self.visit_list(visitor),
            (Content::Object(_), _) => self.visit_map_of(visitor),
            (_, SqlType::Boolean) => self.deserialize_bool(visitor),
            (_, kind) if kind.is_integer() => self.deserialize_i64(visitor),
            (_, kind) if kind.is_float() => self.visit_float(visitor),
            (Content::Bare("true"), SqlType::Variant) => visitor.visit_bool(true),
            (Content::Bare("false"), SqlType::Variant) => visitor.visit_bool(false),
            (Content::Bare(text), SqlType::Variant) => Self::visit_number(text, visitor),
            (Content::Bare(text), _) => visitor.visit_str(text),
            (Content::Text(text), _) => visitor.visit_str(text),
        }
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        if matches!(self.content, Content::Null) { visitor.visit_none() } else { visitor.visit_some(self) }
    }
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        visitor.visit_str(self.text()?)
    }
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.deserialize_str(visitor)
    }
    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.deserialize_str(visitor)
    }
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.deserialize_str(visitor)
    }
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        visitor.visit_byte_buf(self.bytes()?)
    }
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        visitor.visit_byte_buf(self.bytes()?)
    }
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.visit_list(visitor)
    }
    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Outcome<V::Value> {
        self.visit_list(visitor)
    }
    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, _: usize, visitor: V) -> Outcome<V::Value> {
        self.visit_list(visitor)
    }
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.visit_map_of(visitor)
    }
    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        let value: f32 = self.parse("a number")?;
        self.within_range(value.into())?;
        visitor.visit_f32(value)
    }
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        visitor.visit_f64(self.float()?)
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Outcome<V::Value> {
        self.visit_object(visitor)
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Outcome<V::Value> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Outcome<V::Value> {
        if let Content::Object(members) = &self.content {
            let access = Members { object: &self, members: members.iter(), value: None };
            return MapAccessDeserializer::new(access).deserialize_enum(name, variants, visitor);
        }
        let text: StrDeserializer<'_, ValueError> = self.text()?.into_deserializer();
        text.deserialize_enum(name, variants, visitor)
    }
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        visitor.visit_unit()
    }
    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Outcome<V::Value> {
        visitor.visit_unit()
    }
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        visitor.visit_unit()
    }

    parsed! {
        deserialize_bool visit_bool bool, "true or false";
        deserialize_i8 visit_i64 i64, "an integer";
        deserialize_i16 visit_i64 i64, "an integer";
        deserialize_i32 visit_i64 i64, "an integer";
        deserialize_i64 visit_i64 i64, "an integer of 64 bits";
        deserialize_i128 visit_i128 i128, "an integer of 128 bits";
        deserialize_u8 visit_u64 u64, "an integer of zero or more";
        deserialize_u16 visit_u64 u64, "an integer of zero or more";
        deserialize_u32 visit_u64 u64, "an integer of zero or more";
        deserialize_u64 visit_u64 u64, "an integer of zero or more";
        deserialize_u128 visit_u128 u128, "an integer of zero or more";
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::digits::decimal;
    use super::*;

    fn any(kind: &SqlType, text: &str) -> Outcome<serde_json::Value> {
        let value = Value::of_cell(Some(text), kind)?;
        serde::Deserialize::deserialize(value)
    }

    #[test]
    fn numbers_of_a_variant_keep_their_digits() {
        for (text, read) in [
            ("1", json!(1)),
            ("-0", json!(0)),
            ("9007199254740993", json!(9_007_199_254_740_993_i64)),
            ("18446744073709551615", json!(u64::MAX)),
            ("18446744073709551616", json!("18446744073709551616")),
            ("12345678901234567890123", json!("12345678901234567890123")),
            ("-12345678901234567890123", json!("-12345678901234567890123")),
            ("1e22", json!(1e22)),
            ("1E+2", json!(100.0)),
            ("100.50", json!(100.5)),
            ("0.1", json!(0.1)),
            ("0.1234567890123456789", json!("0.1234567890123456789")),
            ("1e400", json!("1e400")),
            ("1e-400", json!("1e-400")),
            ("0.0e-999999999999999999999", json!("0.0e-999999999999999999999")),
            ("5e-324", json!(5e-324)),
            // Both are as near to the double, and only the even one is how JSON writes it.
            ("-1998544584139222.2", json!(-1998544584139222.2)),
            ("-1998544584139222.3", json!("-1998544584139222.3")),
            ("4e-324", json!("4e-324")),
        ] {
            assert_eq!(any(&SqlType::Variant, text).unwrap(), read, "{text}");
            let nested = any(&SqlType::Variant, &format!("{{\"a\": [{text}]}}")).unwrap();
            assert_eq!(nested, json!({"a": [read]}), "{text} in a list");
        }
    }

    #[test]
    fn numbers_without_a_stated_type_keep_their_digits_in_every_nesting() {
        let number = "0.1234567890123456789";
        let array = SqlType::of_column("ARRAY", "ARRAY<STRUCT<a: MAP<STRING, VARIANT>>>");
        let text = format!("[{{\"a\": {{\"k\": {number}}}}}]");
        assert_eq!(any(&array, &text).unwrap(), json!([{"a": {"k": number}}]));
        let decimals = SqlType::of_column("ARRAY", "ARRAY<DECIMAL(38,19)>");
        assert_eq!(any(&decimals, &format!("[{number}]")).unwrap(), json!([number]));
        assert_eq!(any(&SqlType::of_column("ARRAY", "ARRAY"), &format!("[{number}]")).unwrap(), json!([number]));
    }

    #[test]
    fn what_is_not_finite_stays_what_it_is() {
        for text in ["NaN", "Infinity", "-Infinity"] {
            for kind in [SqlType::Float, SqlType::Double] {
                assert_eq!(any(&kind, text).unwrap(), json!(text));
                let nested = SqlType::Array(Box::new(kind.clone()));
                assert_eq!(any(&nested, &format!("[\"{text}\", null]")).unwrap(), json!([text, null]));
                let read: f64 = serde::Deserialize::deserialize(Value::of_cell(Some(text), &kind).unwrap()).unwrap();
                assert!(!read.is_finite());
            }
        }
        let read =
            |text| <f32 as serde::Deserialize>::deserialize(Value::of_cell(Some(text), &SqlType::Double).unwrap());
        assert!(read("1e300").is_err(), "a number that is finite does not become infinite");
        assert!(read("-Infinity").unwrap().is_infinite());
        assert!(any(&SqlType::Double, "1e400").is_err());
    }

    #[test]
    fn two_members_of_one_name_are_an_error() {
        for kind in [SqlType::Variant, SqlType::of_column("STRUCT", "STRUCT<a: INT, a: INT>")] {
            let error = any(&kind, r#"{"a": "1", "a": "2"}"#).unwrap_err();
            assert!(error.message.contains("named a"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn a_number_is_read_as_it_is_written_or_as_a_string(whole in "-?(0|[1-9][0-9]{0,30})", rest in "(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?") {
            let text = format!("{whole}{rest}");
            match any(&SqlType::Variant, &text).unwrap() {
                serde_json::Value::String(kept) => prop_assert_eq!(kept, text),
                number => prop_assert_eq!(decimal(&number.to_string()).map(|n| (n.1, n.2)), decimal(&text).map(|n| (n.1, n.2))),
            }
        }

        #[test]
        fn every_f64_is_read_as_a_number(value in prop::num::f64::ANY.prop_filter("finite", |value| value.is_finite())) {
            let text = serde_json::to_string(&value).unwrap();
            prop_assert_eq!(any(&SqlType::Variant, &text).unwrap().as_f64(), Some(value));
        }
    }
}
