//! The description's members.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::{MessageFormatter as _, Spanned, UserMessageFormatter};

use super::SeedError;

/// The members of an object as REST takes them.
pub(super) type Body = Map<String, Value>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Document {
    pub(super) users: Vec<Spanned<User>>,
    /// Names of groups, and of the users in them.
    pub(super) groups: Pairs<Spanned<Vec<String>>>,
    /// Scopes, their keys and values.
    pub(super) secrets: Pairs<Pairs<Spanned<String>>>,
    pub(super) catalogs: Vec<Spanned<Catalog>>,
    pub(super) workspace: Vec<Spanned<Import>>,
    pub(super) clusters: Vec<Spanned<Body>>,
    pub(super) warehouses: Vec<Spanned<Body>>,
    pub(super) jobs: Vec<Spanned<Body>>,
    /// Statements that run when the objects but jobs are there.
    pub(super) sql: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Catalog {
    pub(super) name: String,
    pub(super) comment: Option<String>,
    #[serde(default)]
    pub(super) properties: Pairs<String>,
    #[serde(default)]
    pub(super) schemas: Vec<Spanned<Schema>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Schema {
    pub(super) name: String,
    pub(super) comment: Option<String>,
    #[serde(default)]
    pub(super) properties: Pairs<String>,
    #[serde(default)]
    pub(super) tables: Vec<Spanned<Table>>,
    #[serde(default)]
    pub(super) volumes: Vec<Spanned<Volume>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) comment: Option<String>,
    /// Names of columns and what SQL states behind them, such as `BIGINT NOT NULL`.
    pub(super) columns: Pairs<String>,
    #[serde(default)]
    pub(super) rows: Vec<Spanned<Row>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Volume {
    pub(super) name: String,
    pub(super) comment: Option<String>,
    /// The directory of the files that are put there.
    pub(super) files: Option<String>,
}

/// A directory whose files become notebooks and files of the workspace.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Import {
    pub(super) path: String,
    pub(super) files: String,
}

/// Reads a description.
pub(super) fn read(text: &str) -> Result<Document, SeedError> {
    // Nothing at all describes nothing.
    if text.lines().all(|line| line.trim_start().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Document::default());
    }
    // `no` and `on` are words; where they are to be truth values, there is `false` and `true`.
    let options = serde_saphyr::options! { with_snippet: false, strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let line = error.location().map(|location| location.line());
        SeedError::at(line, UserMessageFormatter.format_message(&error))
    })
}

/// The members of a mapping in the order in which they are written.
#[derive(Clone, Debug)]
pub(super) struct Pairs<T>(pub(super) Vec<(String, T)>);

impl<T> Default for Pairs<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = Pairs<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    all.push(pair);
                }
                Ok(Pairs(all))
            }
        }

        deserializer.deserialize_map(Reader(std::marker::PhantomData))
    }
}

/// A name, or what SCIM states of a user.
#[derive(Clone, Debug)]
pub(super) struct User(pub(super) Body);

impl<'de> Deserialize<'de> for User {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = User;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a user, or a mapping with userName")
            }

            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(User(Body::from_iter([("userName".to_owned(), Value::from(name))])))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Body::new();
                while let Some((name, value)) = map.next_entry()? {
                    members.insert(name, value);
                }
                Ok(User(members))
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

/// A cell as it is written, so that `007` stays that in a string and `0.10` loses nothing in a decimal; `None` is NULL.
pub(super) type Cell = Option<String>;

/// The cells of a row: one for each column, or those that are named.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Row {
    All(Vec<Cell>),
    Named(Vec<(String, Cell)>),
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Row;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a row: a list of cells, or a mapping from columns to cells")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(cell) = list.next_element()? {
                    all.push(cell);
                }
                Ok(Row::All(all))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    all.push(pair);
                }
                Ok(Row::Named(all))
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &str = "catalogs:\n- name: c\n  schemas:\n  - name: s\n    tables:\n    - name: t\n      columns: {z: INT, a: STRING}\n";

    fn rows(text: &str) -> Result<Vec<(u64, Row)>, SeedError> {
        let document = read(&format!("{COLUMNS}      rows:\n{text}"))?;
        let rows = &document.catalogs[0].value.schemas[0].value.tables[0].value.rows;
        Ok(rows.iter().map(|row| (row.referenced.line(), row.value.clone())).collect())
    }

    #[test]
    fn cells_are_what_is_written() {
        let some = |text: &str| Some(text.to_owned());
        let read = rows("      - [007, 0.10]\n      - [~, 'null']\n      - {a: true, z: }\n").unwrap();
        assert_eq!(read[0], (9, Row::All(vec![some("007"), some("0.10")])));
        assert_eq!(read[1], (10, Row::All(vec![None, some("null")])));
        assert_eq!(read[2], (11, Row::Named(vec![("a".to_owned(), some("true")), ("z".to_owned(), None)])));
    }

    #[test]
    fn errors_have_their_line() {
        for (text, line, part) in [
            ("catalogs:\n- name: c\n  schema: []\n", 3, "schema"),
            ("users: 1\n", 1, "seq"),
            ("users:\n- ann@example.com\n- [b]\n", 3, "userName"),
            ("secrets:\n  s: {k: v}\n  s: {l: w}\n", 3, "duplicate"),
            ("catalogs:\n- comment: c\n", 2, "name"),
            ("users: [\n", 1, "bracket"),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.line, Some(line), "{text}: {error}");
            assert!(error.message.contains(part), "{text}: {error}");
            assert!(!error.message.contains('\n'), "{error}");
        }
        assert_eq!(rows("      - [1, [2]]\n").unwrap_err().line, Some(9));
    }

    #[test]
    fn columns_keep_their_order_and_nothing_describes_nothing() {
        let document = read(COLUMNS).unwrap();
        let columns = &document.catalogs[0].value.schemas[0].value.tables[0].value.columns;
        assert_eq!(columns.0, [("z".to_owned(), "INT".to_owned()), ("a".to_owned(), "STRING".to_owned())]);
        assert!(read("# nothing\n\n").unwrap().catalogs.is_empty());
    }
}
