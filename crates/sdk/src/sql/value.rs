//! One value of a result, as serde sees it: a cell, or what is nested inside of one.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::value::{MapAccessDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::types::SqlType;

/// Why a value cannot be read; the caller says which column and row.
#[derive(Debug)]
pub(crate) struct ValueError(pub(crate) String);

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ValueError {}

impl de::Error for ValueError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

type Outcome<T> = Result<T, ValueError>;

/// A value with its SQL type.
pub(crate) struct Value<'a> {
    content: Content<'a>,
    kind: &'a SqlType,
    depth: usize,
}

enum Content<'a> {
    Null,
    /// The text of a scalar.
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
                // Services differ in whether a variant that is a text has quotes.
                Err(_) if kind == &SqlType::Variant => Content::Text(text.into()),
                Err(why) => return Err(why),
            },
            Some(text) => Content::Text(text.into()),
        };
        Ok(Self { content, kind, depth: 0 })
    }

    fn nested(&self, raw: &'a RawValue, kind: &'a SqlType) -> Outcome<Self> {
        if self.depth >= DEEPEST {
            return Err(ValueError(format!("the value is nested more than {DEEPEST} levels deep")));
        }
        Ok(Self { content: parse(raw.get())?, kind, depth: self.depth + 1 })
    }

    /// The text of a scalar, whatever its type.
    fn text(&self) -> Outcome<&str> {
        match &self.content {
            Content::Text(text) => Ok(text),
            Content::Bare(text) => Ok(text),
            Content::Null => Err(ValueError("the value is NULL; read it into an Option".to_owned())),
            Content::List(_) => Err(ValueError("the value is a list".to_owned())),
            Content::Object(_) => Err(ValueError("the value is an object".to_owned())),
        }
    }

    fn parse<T: std::str::FromStr>(&self, what: &str) -> Outcome<T> {
        self.text()?.trim().parse().map_err(|_| ValueError(format!("the value is not {what}")))
    }

    fn bytes(&self) -> Outcome<Vec<u8>> {
        let text = self.text()?;
        if self.kind == &SqlType::Binary {
            return STANDARD.decode(text.trim()).map_err(|_| ValueError("the value is not base64".to_owned()));
        }
        Ok(text.as_bytes().to_vec())
    }

    /// A number as JSON has it.
    fn visit_number<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Outcome<V::Value> {
        if let Ok(value) = text.parse::<i64>() {
            return visitor.visit_i64(value);
        }
        if let Ok(value) = text.parse::<u64>() {
            return visitor.visit_u64(value);
        }
        match text.parse::<f64>() {
            Ok(value) => visitor.visit_f64(value),
            Err(_) => visitor.visit_str(text),
        }
    }

    /// A list, an object or base64 as lists of values.
    fn visit_list<'de, V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        match &self.content {
            Content::List(items) => visitor.visit_seq(Items { list: &self, items: items.iter() }),
            Content::Text(_) if self.kind == &SqlType::Binary => visitor.visit_seq(SeqDeserializer::new(self.bytes()?.into_iter())),
            Content::Null => self.text().map(drop).and(Err(ValueError(String::new()))),
            _ => Err(ValueError("the value is no list".to_owned())),
        }
    }

    fn visit_object<'de, V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        match &self.content {
            Content::Object(members) => visitor.visit_map(Members { object: &self, members: members.iter(), value: None }),
            Content::Null => self.text().map(drop).and(Err(ValueError(String::new()))),
            _ => Err(ValueError("the value is no object".to_owned())),
        }
    }
}

/// What a JSON text holds, one level of it.
fn parse(json: &str) -> Outcome<Content<'_>> {
    let json = json.trim();
    let broken = |error: serde_json::Error| ValueError(format!("the value is not JSON: {error}"));
    Ok(match json.as_bytes().first() {
        Some(b'n') if json == "null" => Content::Null,
        Some(b'"') => Content::Text(match serde_json::from_str::<&str>(json) {
            Ok(text) => text.into(),
            Err(_) => serde_json::from_str::<String>(json).map_err(broken)?.into(),
        }),
        Some(b'[') => Content::List(serde_json::from_str(json).map_err(broken)?),
        Some(b'{') => Content::Object(serde_json::from_str::<Pairs<'_>>(json).map_err(broken)?.0),
        _ => {
            serde_json::from_str::<&RawValue>(json).map_err(broken)?;
            Content::Bare(json)
        }
    })
}

/// The members of an object in their order.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> de::Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Vec<(String, &'de RawValue)>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    all.push(pair);
                }
                Ok(all)
            }
        }
        d.deserialize_map(V).map(Pairs)
    }
}

struct Items<'a, 'i> {
    list: &'i Value<'a>,
    items: std::slice::Iter<'i, &'a RawValue>,
}

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = ValueError;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Outcome<Option<T::Value>> {
        let Some(raw) = self.items.next() else { return Ok(None) };
        seed.deserialize(self.list.nested(raw, self.list.kind.item())?).map(Some)
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Members<'a, 'i> {
    object: &'i Value<'a>,
    members: std::slice::Iter<'i, (String, &'a RawValue)>,
    value: Option<&'i (String, &'a RawValue)>,
}

impl<'de> MapAccess<'de> for Members<'_, '_> {
    type Error = ValueError;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Outcome<Option<K::Value>> {
        self.value = self.members.next();
        let Some((name, _)) = self.value else { return Ok(None) };
        let (kind, _) = self.object.kind.member(name);
        let key = Value { content: Content::Text(name.into()), kind, depth: self.object.depth + 1 };
        seed.deserialize(Key(key)).map(Some)
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Outcome<V::Value> {
        let (name, raw) = self.value.take().ok_or_else(|| ValueError("a value is read before its key".to_owned()))?;
        let (_, kind) = self.object.kind.member(name);
        let value = self.object.nested(raw, kind).and_then(|value| seed.deserialize(value));
        value.map_err(|ValueError(why)| ValueError(format!("member {name}: {why}")))
    }
}

/// The key of an object: a text, unless the type that is read into asks for something else.
struct Key<'a>(Value<'a>);

macro_rules! forward_key {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
            self.0.$method(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Key<'_> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.0.deserialize_str(visitor)
    }
    fn deserialize_enum<V: Visitor<'de>>(self, name: &'static str, variants: &'static [&'static str], visitor: V) -> Outcome<V::Value> {
        self.0.deserialize_enum(name, variants, visitor)
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Outcome<V::Value> {
        visitor.visit_newtype_struct(self)
    }
    forward_key! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128 deserialize_u8 deserialize_u16
        deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char deserialize_str deserialize_string
        deserialize_bytes deserialize_byte_buf deserialize_option deserialize_identifier
    }
    serde::forward_to_deserialize_any! { unit unit_struct seq tuple tuple_struct map struct ignored_any }
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
            (Content::Object(_), _) => self.visit_object(visitor),
            (_, SqlType::Boolean) => self.deserialize_bool(visitor),
            (_, SqlType::Integer) => self.deserialize_i64(visitor),
            (_, SqlType::Float) => self.deserialize_f64(visitor),
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
        self.visit_object(visitor)
    }
    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Outcome<V::Value> {
        self.visit_object(visitor)
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Outcome<V::Value> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_enum<V: Visitor<'de>>(self, name: &'static str, variants: &'static [&'static str], visitor: V) -> Outcome<V::Value> {
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
        deserialize_f32 visit_f64 f64, "a number";
        deserialize_f64 visit_f64 f64, "a number";
    }
}
