//! Members that an update can leave alone, set, or set to `null`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::{At, Mark, Wire};

/// A value, or an explicit `null`: the type of optional inputs where the service tells `null` from an absent member.
///
/// An optional input of this type has three states: unset (not sent), [`Null`](Self::Null) (sent as `null`, which clears
/// what was set) and [`Value`](Self::Value).
///
/// ```
/// use databricks_core::Nullable;
///
/// databricks_core::model! {
///     /// Changes to a lamp.
///     Change {
///         optional {
///             /// When it goes off, in minutes; never if `null`.
///             off: Nullable<i64> = "off",
///         }
///     }
/// }
///
/// assert_eq!(serde_json::to_string(&Change::new()).unwrap(), "{}");
/// assert_eq!(serde_json::to_string(&Change::new().off(5)).unwrap(), r#"{"off":5}"#);
/// assert_eq!(serde_json::to_string(&Change::new().off(Nullable::Null)).unwrap(), r#"{"off":null}"#);
/// ```
#[allow(clippy::exhaustive_enums)] // There is no fourth state.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Nullable<T> {
    /// Sent as `null`.
    Null,
    /// Sent as it is.
    Value(T),
}

impl<T> Nullable<T> {
    /// Returns the value, if it is one.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Null => None,
            Self::Value(value) => Some(value),
        }
    }

    /// Returns the value, if it is one, without taking it.
    pub const fn as_value(&self) -> Option<&T> {
        match self {
            Self::Null => None,
            Self::Value(value) => Some(value),
        }
    }

    /// Whether it is `null`.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

impl<T> From<T> for Nullable<T> {
    fn from(value: T) -> Self {
        Self::Value(value)
    }
}

impl<T> From<Option<T>> for Nullable<T> {
    /// `None` is `null`.
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Value)
    }
}

impl From<&str> for Nullable<String> {
    fn from(value: &str) -> Self {
        Self::Value(value.to_owned())
    }
}

impl<T: Serialize> Serialize for Nullable<T> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.as_value().serialize(s)
    }
}

impl<'de, T: Wire<'de>> Deserialize<'de> for Nullable<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::read(d)
    }
}

impl<'de, T: Wire<'de>> Wire<'de> for Nullable<T> {
    fn read<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        T::read(d).map(Self::Value)
    }

    /// A `null` of a response states no more than an absent member.
    fn read_at<D: Deserializer<'de>>(d: D, at: At) -> Result<Option<Self>, D::Error> {
        Ok(T::read_at(d, at)?.map(Self::Value))
    }

    fn show(&self, mark: Mark, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Value(value) => value.show(mark, f),
        }
    }
}

#[cfg(test)]
#[allow(dead_code, unreachable_pub)]
mod tests {
    use super::*;

    crate::model! {
        /// A message with one such member.
        Change { optional {
            /// Text.
            text: Nullable<String> = "text",
            /// A secret.
            key: Nullable<String> = "key" (secret),
        } }
    }

    #[test]
    fn three_states_are_sent_and_two_are_read() {
        for (change, sent) in [
            (Change::new(), "{}"),
            (Change::new().text("a"), r#"{"text":"a"}"#),
            (Change::new().text(Nullable::Null), r#"{"text":null}"#),
            (Change::new().text(None::<String>), r#"{"text":null}"#),
            (Change::new().text(Some("b".to_owned())), r#"{"text":"b"}"#),
        ] {
            assert_eq!(serde_json::to_string(&change).unwrap(), sent);
        }
        let read: Change = crate::model::from_json(br#"{"text":null}"#).unwrap();
        assert_eq!(read, Change::new());
        let read: Change = crate::model::from_json(br#"{"text":3,"key":"hunter2"}"#).unwrap();
        assert_eq!(read.text.clone().and_then(Nullable::value).as_deref(), Some("3"));
        assert!(!format!("{read:?}").contains("hunter2"));
    }
}
