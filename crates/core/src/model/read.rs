//! Reading, leniently.

mod scalar;
mod shape;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::Mark;
use crate::{Error, Result as CallResult};
pub use scalar::{Scalar, scalar};
pub use shape::{message, message_into, message_item};

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
    /// One at the most.
    pub marks: &'static [Mark],
}

impl Place {
    /// A value as a whole, which is worth nothing if it is of another type.
    const fn whole(message: &'static str) -> Self {
        Self { message, member: "", marks: &[Mark::Essential] }
    }
}

/// Where a value stands, and what happens if it cannot be read. Two words, since it is passed along with every value.
#[derive(Clone, Copy, Debug)]
pub struct At {
    place: &'static Place,
    mode: Mode,
    essential: bool,
}

/// How a response is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mode {
    /// Whether an odd value is an error.
    strict: bool,
    /// Whether it is JSON text, so that what is not known can be kept as it is written.
    pub(crate) text: bool,
}

impl At {
    /// A member of a message.
    ///
    /// An odd value is an error where the member is marked [`Mark::Essential`], whatever the mode.
    #[doc(hidden)]
    #[inline]
    pub const fn new(place: &'static Place, mode: Mode) -> Self {
        Self { place, mode, essential: matches!(place.marks, [Mark::Essential]) }
    }

    /// What was found is not what was expected: nothing and a warning, or an error.
    fn odd<T, E: serde::de::Error>(self, expected: &str, found: &str) -> Result<Option<T>, E> {
        if self.mode.strict || self.essential {
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
    /// What it is called in errors.
    #[doc(hidden)]
    const NAME: &'static str = "a value";

    /// Reads a value that is not `null`.
    ///
    /// # Errors
    /// When the input is of another type.
    fn read<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let at = At::new(const { &Place::whole(Self::NAME) }, Mode::default());
        Self::read_at(d, at)?.ok_or_else(|| D::Error::custom(format_args!("{at}: expected a value, found null")))
    }

    /// Reads a value; `None` if it is `null`, or of another type where that is not an error.
    ///
    /// # Errors
    /// When the input ends early, or is of another type where that is an error.
    fn read_at<D: Deserializer<'de>>(d: D, at: At) -> Result<Option<Self>, D::Error>;

    /// What a `null` stands for as an item of a list: nothing, but for values of any JSON type.
    #[doc(hidden)]
    fn null() -> Option<Self> {
        None
    }

    /// Reads the value of an optional member into its place.
    ///
    /// # Errors
    /// As [`read_at`](Self::read_at); the place is as it was then.
    #[doc(hidden)]
    #[inline]
    fn read_into<D: Deserializer<'de>>(place: &mut Option<Self>, d: D, at: At) -> Result<(), D::Error> {
        *place = Self::read_at(d, at)?;
        Ok(())
    }

    /// Reads a further item of a list.
    ///
    /// # Errors
    /// As [`read_at`](Self::read_at).
    #[doc(hidden)]
    #[inline]
    fn read_item<D: Deserializer<'de>>(list: &mut Vec<Self>, d: D, at: At) -> Result<(), D::Error> {
        match Self::read_at(d, at)?.or_else(Self::null) {
            Some(item) => list.push(item),
            None => no_item(at)?,
        }
        Ok(())
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
    /// Reads the value of this member from a map, or skips it.
    ///
    /// # Errors
    /// Those of the member.
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A, mode: Mode) -> Result<(), A::Error>;
}

/// Reads the value of a member.
#[doc(hidden)]
#[inline]
pub fn member<'de, T: Wire<'de>, A: MapAccess<'de>>(map: &mut A, at: At) -> Result<Option<T>, A::Error> {
    map.next_value_seed(Seed(at, PhantomData))
}

/// Reads the value of an optional member into its place.
#[doc(hidden)]
#[inline]
pub fn member_into<'de, T: Wire<'de>, A: MapAccess<'de>>(
    map: &mut A,
    at: At,
    place: &mut Option<T>,
) -> Result<(), A::Error> {
    map.next_value_seed(Placed(at, place))
}

struct Placed<'m, T>(At, &'m mut Option<T>);

impl<'de, T: Wire<'de>> DeserializeSeed<'de> for Placed<'_, T> {
    type Value = ();
    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        T::read_into(self.1, d, self.0)
    }
}

/// An item of a list that is not there: `null`, or what was warned of before.
#[cold]
fn no_item<E: serde::de::Error>(at: At) -> Result<(), E> {
    at.odd::<(), E>("an item", "null").map(drop)
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
const WHOLE: &Place = &Place::whole("");

fn decode<'de, T: Wire<'de> + Default>(bytes: &'de [u8], strict: bool) -> CallResult<T> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(T::default());
    }
    // UTF-8 is checked in one go, which takes a fraction of a check of each string.
    let Ok(text) = std::str::from_utf8(bytes) else { return Err(Error::decode("", bytes, not_utf8(bytes))) };
    let mut json = serde_json::Deserializer::from_str(text);
    let mut value = None;
    let read =
        T::read_into(&mut value, &mut json, At::new(WHOLE, Mode { strict, text: true })).and_then(|()| json.end());
    match read {
        Ok(()) => Ok(value.unwrap_or_default()),
        Err(error) => Err(Error::decode("", bytes, error)),
    }
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
