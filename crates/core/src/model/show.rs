//! Showing values in `Debug`, without secrets.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::Wire;
use crate::redact::{self, REDACTED};

/// What a member needs beside its type; decided per member in the API's description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mark {
    /// Nothing.
    Plain,
    /// It is a secret.
    Secret,
    /// Its entries are settings, of which some may be secrets.
    Settings,
    /// The response is worth nothing without it.
    Essential,
}

/// The marks by the words of a declaration.
#[doc(hidden)]
#[allow(non_upper_case_globals, missing_docs)] // Written in lower case there.
pub mod marks {
    use super::Mark;

    pub const secret: Mark = Mark::Secret;
    pub const settings: Mark = Mark::Settings;
    pub const essential: Mark = Mark::Essential;
}

/// Shows a member in `Debug`.
///
/// * `marks`: one at the most.
#[doc(hidden)]
pub fn debug_field<T: for<'de> Wire<'de>>(s: &mut fmt::DebugStruct<'_, '_>, field: &str, marks: &[Mark], value: &T) {
    s.field(field, &Shown(value, marks.first().copied().unwrap_or(Mark::Plain)));
}

struct Shown<'a, T>(&'a T, Mark);

impl<'de, T: Wire<'de>> fmt::Debug for Shown<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show(self.1, f)
    }
}

/// Any value that has no rule of its own.
pub(super) fn plain(value: &impl fmt::Debug, mark: Mark, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if mark == Mark::Secret { f.write_str(REDACTED) } else { value.fmt(f) }
}

pub(super) fn text(value: &str, mark: Mark, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let hidden = match mark {
        Mark::Secret => true,
        Mark::Settings => !redact::is_harmless_setting(value),
        Mark::Plain | Mark::Essential => false,
    };
    if hidden { f.write_str(REDACTED) } else { fmt::Debug::fmt(&*redact::text(value), f) }
}

pub(super) fn list<'de, T: Wire<'de>>(list: &[T], mark: Mark, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.debug_list().entries(list.iter().map(|item| Shown(item, mark))).finish()
}

/// A map: hidden by its marks, or by its keys.
pub(super) fn map<'de, T: Wire<'de>>(map: &BTreeMap<String, T>, mark: Mark, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mark_of = |key: &str| if redact::is_secret_member(key) { Mark::Secret } else { mark };
    f.debug_map().entries(map.iter().map(|(key, value)| (redact::text(key), Shown(value, mark_of(key))))).finish()
}

pub(super) fn json(mut value: Value, mark: Mark, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match mark {
        Mark::Secret => return f.write_str(REDACTED),
        Mark::Settings => redact::settings(&mut value),
        Mark::Plain | Mark::Essential => redact::json(&mut value),
    }
    fmt::Debug::fmt(&value, f)
}
