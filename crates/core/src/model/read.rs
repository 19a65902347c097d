//! Reading, leniently.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::Mark;
use crate::{Duration, Error, FieldMask, Result as CallResult, Timestamp};

/// A member of a message, or a message as a whole.
///
/// The fields are public for the macros: a value that is written out lies in static memory.
#[doc(hidden)]
#[allow(clippy::exhaustive_structs, missing_docs)] // Macros write it out.
#[derive(Debug)]
pub struct Place {
    pub message: &'static str,
    /// Empty for the message as a whole.
    pub member: &'static str,
    pub mark: Mark,
}

/// Where a value stands, and what happens if it cannot be read. Two words, since it is passed along with every value.
#[derive(Clone, Copy, Debug)]
pub struct At {
    place: &'static Place,
    strict: bool,
    essential: bool,
}

impl At {
    /// A member of a message.
    ///
    /// * `strict`: whether an odd value is an error; it is one too where the member is marked [`Mark::Essential`].
    #[doc(hidden)]
    #[inline]
    pub const fn new(place: &'static Place, strict: bool) -> Self {
        Self { place, strict, essential: matches!(place.mark, Mark::Essential) }
    }

    /// What was found is not what was expected: nothing and a warning, or an error.
    fn odd<T, E: serde::de::Error>(self, expected: &str, found: &str) -> Result<Option<T>, E> {
        if self.strict || self.essential {
            let place = if self.place.message.is_empty() { String::new() } else { format!("{self}: ") };
            return Err(E::custom(format_args!("{place}expected {expected}, found {found}")));
        }
        if first_time(self) {
            tracing::warn!(
                target: "databricks_core::model",
                member = %self, expected, found,
                "left out a value of the response that is not of the described type"
            );
        }
        Ok(None)
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.member {
            "" => f.write_str(self.place.message),
            member => write!(f, "{}.{member}", self.place.message),
        }
    }
}

/// Whether this member has not been warned of before.
fn first_time(at: At) -> bool {
    static WARNED: Mutex<BTreeSet<(&str, &str)>> = Mutex::new(BTreeSet::new());
    WARNED.lock().unwrap_or_else(PoisonError::into_inner).insert((at.place.message, at.place.member))
}

/// What can stand in a member of a message; reading only, since writing is plain `Serialize`.
///
/// It differs from `Deserialize` in being lenient; see the [module](super).
pub trait Wire<'de>: Sized + fmt::Debug {
    /// Reads a value that is not `null`.
    ///
    /// # Errors
    /// When the input is of another type.
    fn read<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error>;

    /// Reads a value; `None` if it is `null`, or of another type where that is not an error.
    ///
    /// # Errors
    /// When the input ends early, or is of another type where that is an error.
    fn read_at<D: Deserializer<'de>>(d: D, at: At) -> Result<Option<Self>, D::Error> {
        let _ = at;
        Self::read(d).map(Some)
    }

    /// What a `null` stands for as an item of a list: nothing, but for values of any JSON type.
    #[doc(hidden)]
    fn null() -> Option<Self> {
        None
    }

    /// Shows the value in `Debug`.
    ///
    /// # Errors
    /// Those of the formatter.
    fn show(&self, mark: Mark, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::show::plain(self, mark, f)
    }
}

/// A message that [`model!`](crate::model!) declares.
pub trait Message: Default {
    /// Its name.
    const NAME: &'static str;

    /// Reads the value of this member from a map, or skips it.
    ///
    /// # Errors
    /// Those of the member.
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A, strict: bool) -> Result<(), A::Error>;
}

/// Reads a value that must be there and of the right type.
///
/// * `place`: names the type, for the error.
#[doc(hidden)]
pub fn require<'de, T: Wire<'de>, D: Deserializer<'de>>(d: D, place: &'static Place) -> Result<T, D::Error> {
    let at = At::new(place, false);
    T::read_at(d, at)?.ok_or_else(|| D::Error::custom(format_args!("{at}: expected a value, found null")))
}

/// Reads the value of a member.
#[doc(hidden)]
#[inline]
pub fn member<'de, T: Wire<'de>, A: MapAccess<'de>>(map: &mut A, at: At) -> Result<Option<T>, A::Error> {
    map.next_value_seed(Seed(at, PhantomData))
}

/// Skips the value of a member that is not known.
#[doc(hidden)]
#[inline]
pub fn skip<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(drop)
}

struct Seed<T>(At, PhantomData<T>);

impl<'de, T: Wire<'de>> DeserializeSeed<'de> for Seed<T> {
    type Value = Option<T>;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Option<T>, D::Error> {
        T::read_at(d, self.0)
    }
}

/// Reads a member's name, borrowed where the format allows it.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Cow<'de, str>, D::Error> {
        d.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }
    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

fn drain_list<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

fn drain_object<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

const STRING: &str = "a string";
const NUMBER: &str = "a number";
const BOOLEAN: &str = "a boolean";
const LIST: &str = "a list";
const OBJECT: &str = "an object";

/// The largest integer up to which every integer is a float: beyond it digits may be lost.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A value that is one JSON scalar; each function states what a scalar of that type means, `None` for nothing certain.
#[doc(hidden)]
pub trait Scalar: Sized {
    const EXPECTED: &'static str;

    fn from_text(text: &str) -> Option<Self>;
    fn from_owned(text: String) -> Option<Self> {
        Self::from_text(&text)
    }
    fn from_bool(_: bool) -> Option<Self> {
        None
    }
    fn from_integer(_: i128) -> Option<Self> {
        None
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
    const EXPECTED: &'static str = STRING;
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

impl Scalar for Duration {
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
            fn read<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                require(d, &Place { message: stringify!($t), member: "", mark: Mark::Essential })
            }
            fn read_at<D: Deserializer<'de>>(d: D, at: At) -> Result<Option<Self>, D::Error> {
                scalar(d, at)
            }
        }
    )*};
}
scalars!(bool, i64, f64, Timestamp, Duration, FieldMask);

impl<'de> Wire<'de> for String {
    fn read<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        require(d, &Place { message: "a string", member: "", mark: Mark::Essential })
    }
    fn read_at<D: Deserializer<'de>>(d: D, at: At) -> Result<Option<Self>, D::Error> {
        scalar(d, at)
    }
    fn show(&self, mark: Mark, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::show::text(self, mark, f)
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
        super::show::json(self.clone(), mark, f)
    }
}

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
            self.1.member(&key, &mut map, self.0.strict)?;
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
        super::show::json(Value::Object(self.clone()), mark, f)
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
        let mut list = Self::new();
        while let Some(item) = seq.next_element_seed(Item(at, PhantomData))? {
            list.extend(item);
        }
        Ok(Some(list))
    }
}

/// An item of a list: `null` is odd too.
struct Item<T>(At, PhantomData<T>);

impl<'de, T: Wire<'de>> DeserializeSeed<'de> for Item<T> {
    type Value = Option<T>;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Option<T>, D::Error> {
        // What is odd within the item is warned of there; nothing at all is `null`, or was warned of.
        let at = At { essential: false, ..self.0 };
        match T::read_at(d, at)? {
            None => match T::null() {
                None => at.odd("an item", "null"),
                null => Ok(null),
            },
            item => Ok(item),
        }
    }
}

impl<'de, T: Wire<'de>> Wire<'de> for Vec<T> {
    fn read<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        require(d, &Place { message: "a list", member: "", mark: Mark::Essential })
    }
    fn read_at<D: Deserializer<'de>>(d: D, at: At) -> Result<Option<Self>, D::Error> {
        shape(d, at)
    }
    fn show(&self, mark: Mark, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::show::list(self, mark, f)
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
    fn read<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        require(d, &Place { message: "an object", member: "", mark: Mark::Essential })
    }
    fn read_at<D: Deserializer<'de>>(d: D, at: At) -> Result<Option<Self>, D::Error> {
        shape(d, at)
    }
    fn show(&self, mark: Mark, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::show::map(self, mark, f)
    }
}

/// Decodes a JSON response; nothing at all and `null` give the default.
///
/// # Errors
/// [`ErrorKind::Decode`](crate::ErrorKind::Decode) when it is not JSON or of another type as a whole; the message names
/// what was expected, and never a value.
pub fn from_json<'de, T: Wire<'de> + Default>(bytes: &'de [u8]) -> CallResult<T> {
    decode(bytes, false)
}

/// As [`from_json`], but every value that is not of the described type is an error, for tests.
///
/// Scalars of another type whose meaning is certain are read all the same.
///
/// # Errors
/// As [`from_json`], and for each odd value, with the name of the member.
pub fn from_json_strict<'de, T: Wire<'de> + Default>(bytes: &'de [u8]) -> CallResult<T> {
    decode(bytes, true)
}

/// A response as a whole, which has no name.
const WHOLE: &Place = &Place { message: "", member: "", mark: Mark::Essential };

fn decode<'de, T: Wire<'de> + Default>(bytes: &'de [u8], strict: bool) -> CallResult<T> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(T::default());
    }
    // UTF-8 is checked in one go, which takes a fraction of a check of each string.
    let Ok(text) = std::str::from_utf8(bytes) else { return Err(Error::decode("", bytes, not_utf8(bytes))) };
    let mut json = serde_json::Deserializer::from_str(text);
    let read = T::read_at(&mut json, At::new(WHOLE, strict)).and_then(|value| json.end().map(|()| value));
    read.map(Option::unwrap_or_default).map_err(|error| Error::decode("", bytes, error))
}

/// What is wrong with JSON that is not UTF-8, with its place.
#[cold]
fn not_utf8(bytes: &[u8]) -> serde_json::Error {
    match serde_json::from_slice::<Value>(bytes) {
        Err(error) => error,
        // A reader that lets it pass is none that this crate was written for.
        Ok(_) => serde_json::Error::custom("invalid unicode code point"),
    }
}
