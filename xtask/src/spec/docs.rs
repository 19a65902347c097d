//! Our own texts for the facts.

use std::path::Path;

use anyhow::{Context, Result};
use indexmap::IndexMap;
use serde::Deserialize;

/// The texts of one package.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Texts {
    #[serde(default)]
    pub(crate) services: IndexMap<String, String>,
    #[serde(default)]
    pub(crate) operations: IndexMap<String, Entry>,
    #[serde(default)]
    pub(crate) schemas: IndexMap<String, Entry>,
}

/// The text of an item, under the empty key, and of its members; or the item's alone.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Entry {
    Alone(String),
    Members(IndexMap<String, String>),
}

impl Entry {
    pub(crate) fn get(&self, member: &str) -> Option<&str> {
        let text = match self {
            Self::Alone(text) => member.is_empty().then_some(text),
            Self::Members(texts) => texts.get(member),
        };
        text.map(String::as_str).filter(|text| !text.trim().is_empty())
    }
}

impl Entry {
    /// What it has texts of; the item itself is the empty name.
    pub(crate) fn members(&self) -> impl Iterator<Item = &str> {
        let members = match self {
            Self::Alone(_) => None,
            Self::Members(texts) => Some(texts.keys().map(String::as_str)),
        };
        members.into_iter().flatten()
    }
}

impl Texts {
    /// Reads the texts of a package; a package without a file has none.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is not as expected", path.display()))
    }

    /// The text of an operation (`member` empty) or of one of its inputs.
    pub(crate) fn operation(&self, id: &str, member: &str) -> Option<&str> {
        self.operations.get(id)?.get(member).filter(|text| !is_made_of(text, member))
    }

    /// The text of a schema (`member` empty), of a property or of an enum value.
    pub(crate) fn schema(&self, name: &str, member: &str) -> Option<&str> {
        self.schemas.get(name)?.get(member).filter(|text| !is_made_of(text, member))
    }
}

/// Whether a text states no more than the name does: "The page token." of `page_token`.
fn is_made_of(text: &str, name: &str) -> bool {
    let letters =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let text = text.trim();
    let bare = text.strip_prefix("The ").or_else(|| text.strip_prefix("Whether to ")).unwrap_or(text);
    !name.is_empty() && letters(bare) == letters(name)
}

#[cfg(test)]
mod tests {
    use super::is_made_of;

    #[test]
    fn a_text_that_repeats_the_name_is_none() {
        for (text, name) in [
            ("Include deleted.", "include_deleted"),
            ("The Page token.", "pageToken"),
            ("Whether to show all.", "show_all"),
        ] {
            assert!(is_made_of(text, name), "{text}");
        }
        for (text, name) in [("Id of the run.", "id"), ("The state it is in.", "state"), ("Gets it.", "")] {
            assert!(!is_made_of(text, name), "{text}");
        }
    }
}
