//! Parsing strings into values.

use std::fmt;

use databricks_core::Secret;
use databricks_core::redact::REDACTED;

use super::attributes::{Attribute, Kind};
use super::raw::Raw;
use super::source::Source;
use crate::error::{AuthError, AuthErrorKind};
use crate::sanitize::{trimmed, trimmed_secret};

/// The value of an attribute.
#[derive(Clone)]
pub(crate) enum Value {
    Text(String),
    Secret(Secret),
    Bool(bool),
    Int(i64),
    List(Vec<String>),
}

impl Value {
    /// Parses a given value for an attribute; the error states what was expected and never shows the value.
    pub(crate) fn read(attribute: &Attribute, raw: &Raw) -> Result<Self, String> {
        match (attribute.kind, raw) {
            (Kind::Text | Kind::Path, Raw::Text(text)) if attribute.sensitive => {
                Ok(Self::Secret(trimmed_secret(text.clone())))
            }
            (Kind::Text | Kind::Path, Raw::Text(text)) => Ok(Self::Text(trimmed(text.expose()).to_owned())),
            (Kind::Bool, Raw::Text(text)) => {
                boolean(trimmed(text.expose())).map(Self::Bool).ok_or_else(|| "true or false".to_owned())
            }
            (Kind::Bool, Raw::Bool(value)) => Ok(Self::Bool(*value)),
            (Kind::Int(min, max), Raw::Text(text)) => integer(trimmed(text.expose()), min, max).map(Self::Int),
            (Kind::Int(min, max), Raw::Int(value)) => bounded(*value, min, max).map(Self::Int),
            (Kind::List, Raw::Text(text)) => Ok(Self::List(words([text.expose()]))),
            (Kind::List, Raw::List(items)) => Ok(Self::List(words(items.iter().map(String::as_str)))),
            (Kind::Text | Kind::Path, _) => Err("a string".to_owned()),
            (Kind::Bool, _) => Err("true or false".to_owned()),
            (Kind::Int(..), _) => Err("a whole number".to_owned()),
            (Kind::List, _) => Err("a list of strings".to_owned()),
        }
    }

    /// The value as a string; it shows secrets, so it is not `Display`.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Secret(secret) => secret.expose().to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::List(items) => items.join(" "),
        }
    }
}

/// Shows the value, or for a secret only that there is one.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Secret(_) => f.write_str(REDACTED),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::List(items) => write!(f, "{items:?}"),
        }
    }
}

/// The error for a value that cannot be parsed. Does not show the value: it may be a secret that was put in the wrong
/// place.
pub(crate) fn invalid_value(attribute: &Attribute, source: &Source, expected: &str) -> AuthError {
    AuthError::new(
        AuthErrorKind::InvalidValue,
        format!("{} must be {expected} ({source})", source.spelled(attribute.name())),
    )
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

fn integer(text: &str, min: i64, max: i64) -> Result<i64, String> {
    let value = text.parse().map_err(|_| "a whole number in decimal digits".to_owned())?;
    bounded(value, min, max)
}

fn bounded(value: i64, min: i64, max: i64) -> Result<i64, String> {
    if (min..=max).contains(&value) { Ok(value) } else { Err(format!("a whole number from {min} to {max}")) }
}

/// Splits at commas and white space, drops empty items, sorts, removes duplicates.
fn words<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut words: Vec<String> = texts
        .into_iter()
        .flat_map(|text| text.split(|c: char| c == ',' || c.is_whitespace()))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    words.sort();
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use super::super::attributes::Key;
    use super::*;

    fn read(key: Key, text: &str) -> Result<String, String> {
        Value::read(key.attribute(), &Raw::Text(text.into())).map(|value| value.text())
    }

    #[test]
    fn booleans_are_parsed_not_guessed() {
        assert_eq!(read(Key::DebugHeaders, "False").unwrap(), "false");
        assert_eq!(read(Key::DebugHeaders, "1").unwrap(), "true");
        assert_eq!(read(Key::DebugHeaders, "yes").unwrap_err(), "true or false");
    }

    #[test]
    fn integers_have_limits() {
        assert_eq!(read(Key::RateLimit, "34").unwrap(), "34");
        assert_eq!(read(Key::RetryTimeoutSeconds, "-1").unwrap(), "-1");
        assert!(read(Key::OauthCallbackPort, "70000").is_err());
        assert!(read(Key::RateLimit, "many").is_err());
    }

    #[test]
    fn lists_are_split_sorted_and_unique() {
        assert_eq!(read(Key::Scopes, "sql, jobs  clusters,sql,").unwrap(), "clusters jobs sql");
    }

    #[test]
    fn white_space_around_a_value_is_removed() {
        for key in [
            Key::Token,
            Key::ClientSecret,
            Key::Password,
            Key::ClientId,
            Key::Host,
            Key::Username,
            Key::AzureClientSecret,
        ] {
            for text in ["v\n", "v\r\n", "\u{feff}v", " v\t", "v\0"] {
                assert_eq!(read(key, text).unwrap(), "v", "{key:?} {text:?}");
            }
        }
        assert_eq!(read(Key::DebugHeaders, "true\r\n").unwrap(), "true");
    }

    #[test]
    fn no_secret_in_debug() {
        let value = Value::read(Key::Token.attribute(), &Raw::Text("dapi-x".into())).unwrap();
        assert_eq!(format!("{value:?}"), REDACTED);
    }
}
