//! What JSON nests inside of a value: the items of lists, the members of objects and their keys.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Content, Outcome, Value, ValueError};

/// What a JSON text holds, one level of it.
pub(super) fn parse(json: &str) -> Outcome<Content<'_>> {
    let json = json.trim();
    let broken = |error: serde_json::Error| ValueError::new(format!("the value is not JSON: {error}"));
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

pub(super) struct Items<'a, 'i> {
    pub(super) list: &'i Value<'a>,
    pub(super) items: std::slice::Iter<'i, &'a RawValue>,
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

pub(super) struct Members<'a, 'i> {
    pub(super) object: &'i Value<'a>,
    pub(super) members: std::slice::Iter<'i, (String, &'a RawValue)>,
    pub(super) value: Option<&'i (String, &'a RawValue)>,
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
        let (name, raw) = self.value.take().ok_or_else(|| ValueError::new("a value is read before its key"))?;
        let (_, kind) = self.object.kind.member(name);
        let value = self.object.nested(raw, kind).and_then(|value| seed.deserialize(value));
        value.map_err(|error| error.within(format_args!("member {name}")))
    }
}

/// The key of an object: a string, unless the type that is read into asks for something else.
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
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Outcome<V::Value> {
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
