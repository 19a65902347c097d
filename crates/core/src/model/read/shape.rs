//! Lists, maps and messages.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{At, BOOLEAN, Key, LIST, Message, NUMBER, OBJECT, STRING, Seed, Wire, drain_list, drain_object, no_item};
use crate::model::{Mark, show};

/// What is read as one thing or not at all, and is odd in all other shapes.
trait Shape<'de>: Sized {
    const EXPECTED: &'static str;
    fn list<A: SeqAccess<'de>>(seq: A, at: At) -> Result<Option<Self>, A::Error> {
        drain_list(seq)?;
        at.odd(Self::EXPECTED, LIST)
    }
    fn object<A: MapAccess<'de>>(map: A, at: At) -> Result<Option<Self>, A::Error> {
        drain_object(map)?;
        at.odd(Self::EXPECTED, OBJECT)
    }
}

struct ShapeVisitor<T>(At, PhantomData<T>);

/// What everything but a list or an object comes to, in a visitor whose value is an `Option` and whose first field is the
/// place.
macro_rules! odd_scalars {
    ($expected:expr) => {
        fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Self::Value, E> {
            self.0.odd($expected, BOOLEAN)
        }
        fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Self::Value, E> {
            self.0.odd($expected, NUMBER)
        }
        fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Self::Value, E> {
            self.0.odd($expected, NUMBER)
        }
        fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Self::Value, E> {
            self.0.odd($expected, NUMBER)
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
            self.0.odd($expected, if text.is_empty() { "an empty string" } else { STRING })
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_none<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
            d.deserialize_any(self)
        }
    };
}

impl<'de, T: Shape<'de>> Visitor<'de> for ShapeVisitor<T> {
    type Value = Option<T>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }
    odd_scalars!(T::EXPECTED);
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Option<T>, A::Error> {
        T::list(seq, self.0)
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<T>, A::Error> {
        T::object(map, self.0)
    }
}

fn shape<'de, T: Shape<'de>, D: Deserializer<'de>>(d: D, at: At) -> Result<Option<T>, D::Error> {
    d.deserialize_any(ShapeVisitor(at, PhantomData))
}

/// Reads the members of a message in place: large ones would be moved at every step of the way.
struct MessageVisitor<'m, T>(At, &'m mut T);

impl<'de, T: Message> Visitor<'de> for MessageVisitor<'_, T> {
    type Value = Option<()>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(OBJECT)
    }
    odd_scalars!(OBJECT);
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Option<()>, A::Error> {
        drain_list(seq)?;
        self.0.odd(OBJECT, LIST)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<()>, A::Error> {
        while let Some(key) = map.next_key_seed(Key)? {
            self.1.member(&key, &mut map, self.0.mode)?;
        }
        Ok(Some(()))
    }
}

/// Reads a message.
#[doc(hidden)]
pub fn message<'de, T: Message, D: Deserializer<'de>>(d: D, at: At) -> Result<Option<T>, D::Error> {
    let mut message = T::default();
    let read = d.deserialize_any(MessageVisitor(at, &mut message))?;
    Ok(read.map(|()| message))
}

/// Reads a message into its place.
#[doc(hidden)]
pub fn message_into<'de, T: Message, D: Deserializer<'de>>(
    place: &mut Option<T>,
    d: D,
    at: At,
) -> Result<(), D::Error> {
    if place.is_some() {
        // Set before: what is there stays until the new one is whole.
        *place = message(d, at)?;
        return Ok(());
    }
    let read = d.deserialize_any(MessageVisitor(at, place.insert(T::default())));
    if !matches!(read, Ok(Some(()))) {
        *place = None;
    }
    read.map(drop)
}

/// Reads a message as a further item of a list.
#[doc(hidden)]
pub fn message_item<'de, T: Message, D: Deserializer<'de>>(list: &mut Vec<T>, d: D, at: At) -> Result<(), D::Error> {
    let items = list.len();
    // Unlike `push`, this makes the message where it stays.
    list.resize_with(items + 1, T::default);
    let Some(item) = list.last_mut() else { return Ok(()) };
    let read = d.deserialize_any(MessageVisitor(at, item));
    if !matches!(read, Ok(Some(()))) {
        list.truncate(items);
    }
    match read? {
        Some(()) => Ok(()),
        None => no_item(at),
    }
}

impl<'de> Shape<'de> for Map<String, Value> {
    const EXPECTED: &'static str = OBJECT;
    fn object<A: MapAccess<'de>>(mut map: A, _: At) -> Result<Option<Self>, A::Error> {
        let mut members = Self::new();
        while let Some((name, value)) = map.next_entry()? {
            members.insert(name, value);
        }
        Ok(Some(members))
    }
}

impl<'de> Wire<'de> for Map<String, Value> {
    fn read<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Deserialize::deserialize(d)
    }
    fn read_at<D: Deserializer<'de>>(d: D, at: At) -> Result<Option<Self>, D::Error> {
        shape(d, at)
    }
    fn show(&self, mark: Mark, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show::json(Value::Object(self.clone()), mark, f)
    }
}

impl<'de, T: Wire<'de>> Wire<'de> for Box<T> {
    fn read<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        T::read(d).map(Box::new)
    }
    fn read_at<D: Deserializer<'de>>(d: D, at: At) -> Result<Option<Self>, D::Error> {
        Ok(T::read_at(d, at)?.map(Box::new))
    }
    fn show(&self, mark: Mark, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::show(self, mark, f)
    }
}

/// An item that cannot be read is left out, also where the list itself is essential.
impl<'de, T: Wire<'de>> Shape<'de> for Vec<T> {
    const EXPECTED: &'static str = LIST;
    fn list<A: SeqAccess<'de>>(mut seq: A, at: At) -> Result<Option<Self>, A::Error> {
        // What is odd within an item is warned of there; nothing at all is `null`, which is odd too, or was warned of.
        let at = At { essential: false, ..at };
        let mut list = Self::new();
        while seq.next_element_seed(Item(at, &mut list))?.is_some() {}
        Ok(Some(list))
    }
}

/// An item of a list.
struct Item<'l, T>(At, &'l mut Vec<T>);

impl<'de, T: Wire<'de>> DeserializeSeed<'de> for Item<'_, T> {
    type Value = ();
    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        T::read_item(self.1, d, self.0)
    }
}

impl<'de, T: Wire<'de>> Wire<'de> for Vec<T> {
    const NAME: &'static str = LIST;
    fn read_at<D: Deserializer<'de>>(d: D, at: At) -> Result<Option<Self>, D::Error> {
        shape(d, at)
    }
    fn show(&self, mark: Mark, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show::list(self, mark, f)
    }
}

impl<'de, T: Wire<'de>> Shape<'de> for BTreeMap<String, T> {
    const EXPECTED: &'static str = OBJECT;
    fn object<A: MapAccess<'de>>(mut map: A, at: At) -> Result<Option<Self>, A::Error> {
        let mut entries = Self::new();
        while let Some(key) = map.next_key()? {
            // An entry without a value states no more than an absent one.
            if let Some(value) = map.next_value_seed(Seed(at, PhantomData))? {
                entries.insert(key, value);
            }
        }
        Ok(Some(entries))
    }
}

impl<'de, T: Wire<'de>> Wire<'de> for BTreeMap<String, T> {
    const NAME: &'static str = OBJECT;
    fn read_at<D: Deserializer<'de>>(d: D, at: At) -> Result<Option<Self>, D::Error> {
        shape(d, at)
    }
    fn show(&self, mark: Mark, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show::map(self, mark, f)
    }
}
