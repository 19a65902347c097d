//! Field masks: which members an update touches.
//!
//! Updates of the API that have a mask change what the mask names, and nothing else. Unless the caller sets one, it is
//! computed from what is set in the message that is sent.

mod rule;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) use rule::{MaskPlace, MaskRule, PendingMask, resource};

/// The members that an update touches: comma-separated paths in one string on the wire.
///
/// ```
/// use databricks_core::FieldMask;
///
/// let mask = FieldMask::from_iter(["name", "spec.size"]);
/// assert_eq!(mask.to_string(), "name,spec.size");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FieldMask(Vec<String>);

impl FieldMask {
    /// The paths, in order.
    pub fn paths(&self) -> &[String] {
        &self.0
    }

    /// Names what is set in a message that is sent as an update: each of its members, as on the wire, without `name`,
    /// which identifies what is updated.
    ///
    /// Objects within are named as a whole, and so replaced as a whole. A member that is to be cleared is not in the
    /// message: add it with [`with`](Self::with).
    ///
    /// ```
    /// # use databricks_core::FieldMask;
    /// databricks_core::model! {
    ///     /// A branch.
    ///     Branch { optional {
    ///         /// What it is called.
    ///         name: String = "name",
    ///         /// Since when.
    ///         create_time: String = "createTime",
    ///         /// How large.
    ///         size: i64 = "size",
    ///     } }
    /// }
    /// let branch = Branch::new().name("b").size(3);
    /// assert_eq!(FieldMask::of(&branch).with("ttl").to_string(), "size,ttl");
    /// ```
    pub fn of<T: crate::model::Message + Serialize>(message: &T) -> Self {
        match serde_json::to_value(message) {
            Ok(serde_json::Value::Object(members)) => {
                members.into_iter().map(|(name, _)| name).filter(|it| it != "name").collect()
            }
            // A message is an object, and all that it holds can be written.
            _ => Self::default(),
        }
    }

    /// The same with one more path.
    #[must_use]
    pub fn with(mut self, path: impl Into<String>) -> Self {
        let path = path.into();
        if !self.0.contains(&path) {
            self.0.push(path);
        }
        self
    }
}

impl<T: Into<String>> FromIterator<T> for FieldMask {
    fn from_iter<I: IntoIterator<Item = T>>(paths: I) -> Self {
        Self(paths.into_iter().map(Into::into).collect())
    }
}

impl From<&str> for FieldMask {
    fn from(text: &str) -> Self {
        text.split(',').map(str::trim).filter(|path| !path.is_empty()).collect()
    }
}

impl From<String> for FieldMask {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl fmt::Display for FieldMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

impl Serialize for FieldMask {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FieldMask {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Ok(Self::from(&*text))
    }
}
