//! Rows of a result, as serde sees them.

use std::sync::Arc;

use databricks_core::{Error, ErrorKind, Result};
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::cells::Chunk;
use super::scalar::Cell;
use super::types::SqlType;
use super::value::{ValueError, repeated};

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Column {
    /// Its name; results may have several of the same name.
    pub name: String,
    /// Its type in short, such as `DECIMAL` or `ARRAY`.
    pub type_name: String,
    /// Its type in full, such as `DECIMAL(10,2)` or `ARRAY<INT>`.
    pub type_text: String,
    kind: SqlType,
}

impl Column {
    /// A column.
    pub fn new(name: impl Into<String>, type_name: impl Into<String>, type_text: impl Into<String>) -> Self {
        let (type_name, type_text) = (type_name.into(), type_text.into());
        let kind = SqlType::of_column(&type_name, &type_text);
        Self { name: name.into(), type_name, type_text, kind }
    }

    /// Its type, taken apart.
    pub fn sql_type(&self) -> &SqlType {
        &self.kind
    }
}

/// One row of a result, untyped: strings and NULLs with their columns.
///
/// A row is an index into the chunk that it came in: cloning it copies no text.
#[derive(Clone, Debug)]
pub struct Row {
    chunk: Arc<Chunk>,
    index: usize,
}

impl Row {
    pub(super) fn new(chunk: Arc<Chunk>, index: usize) -> Self {
        Self { chunk, index }
    }

    /// The columns, in order.
    pub fn columns(&self) -> &[Column] {
        &self.chunk.columns
    }

    /// A cell as a string, by position; `None` for NULL and beyond the last column.
    pub fn get(&self, column: usize) -> Option<&str> {
        self.chunk.cell(self.index, column)
    }

    /// A cell as a string, by the name of its column, in any case of letters if no name is exactly the same; `None` for
    /// NULL and unknown names. Of several columns with that name it is the first.
    pub fn get_by_name(&self, name: &str) -> Option<&str> {
        let columns = &self.chunk.columns;
        let found = columns
            .iter()
            .position(|c| c.name == name)
            .or_else(|| columns.iter().position(|c| c.name.eq_ignore_ascii_case(name)))?;
        self.get(found)
    }

    /// Turns the row into a value: a struct or map by column name, a tuple or list by position, anything else from a
    /// single column.
    ///
    /// | SQL | reads into |
    /// |---|---|
    /// | `BOOLEAN` | `bool` |
    /// | `TINYINT` to `BIGINT` | any integer that is wide enough, or a float |
    /// | `FLOAT`, `DOUBLE` | floats; in [`serde_json::Value`] `NaN`, `Infinity` and `-Infinity` are strings, since JSON has no such numbers |
    /// | `DECIMAL` | a string, exact; a float; any type that reads itself from a string |
    /// | `STRING`, `DATE`, `TIMESTAMP`, `INTERVAL` | a string, [`Timestamp`](crate::Timestamp) for `TIMESTAMP`, any type that reads itself from a string |
    /// | `BINARY` | the bytes, for types that ask for bytes or a list of them; otherwise a base64 string |
    /// | `ARRAY`, `MAP`, `STRUCT` | lists, maps, structs, with members by these same rules; [`serde_json::Value`] |
    /// | `VARIANT` | any type that fits its JSON; [`serde_json::Value`], where numbers with more digits than `i64`, `u64` or `f64` hold are strings |
    /// | `NULL` | `Option` alone |
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] naming the column and the row, also when two columns have one name and a map or
    /// [`serde_json::Value`] could hold only one of them.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        read(&self.chunk, self.index)
    }
}

/// Reads a row of a chunk; see [`Row::read`].
pub(super) fn read<T: DeserializeOwned>(chunk: &Chunk, index: usize) -> Result<T> {
    let row = RowDeserializer { chunk, index };
    T::deserialize(row).map_err(|error| describe(row, error))
}

#[cold]
fn describe(row: RowDeserializer<'_>, error: ValueError) -> Error {
    let ValueError { message, missing, placed } = error;
    let mut text = format!("statement {}: ", row.chunk.statement);
    if !placed {
        text.push_str(&format!("row {}: ", row.number()));
    }
    text.push_str(&message);
    if missing {
        let names: Vec<_> = row.columns().iter().map(|column| column.name.as_str()).collect();
        text.push_str("; the columns are ");
        text.push_str(&names.join(", "));
    }
    Error::new(ErrorKind::Decode, text)
}

#[derive(Clone, Copy)]
struct RowDeserializer<'a> {
    chunk: &'a Chunk,
    index: usize,
}

impl<'a> RowDeserializer<'a> {
    /// The number of rows before this one in the result.
    fn number(self) -> u64 {
        self.chunk.first_row + self.index as u64
    }

    fn columns(self) -> &'a [Column] {
        &self.chunk.columns
    }

    /// Reads a cell; errors name column and row.
    #[inline]
    fn cell<T>(&self, column: usize, read: impl FnOnce(Cell<'a>) -> Result<T, ValueError>) -> Result<T, ValueError> {
        let stated = &self.chunk.columns[column];
        read(Cell::new(self.chunk.cell(self.index, column), &stated.kind)).map_err(|error| self.within(stated, error))
    }

    #[cold]
    fn within(&self, column: &Column, error: ValueError) -> ValueError {
        error.within(format_args!("column {} ({}), row {}", column.name, column.type_text, self.number()))
    }

    /// Reads the only cell of a row, for values that are no collection.
    fn single<T>(&self, read: impl FnOnce(Cell<'a>) -> Result<T, ValueError>) -> Result<T, ValueError> {
        match self.columns().len() {
            1 => self.cell(0, read),
            n => Err(ValueError::new(format!("the result has {n} columns; read it into a struct, a map or a tuple"))),
        }
    }
}

macro_rules! single {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            self.single(|cell| cell.$method(visitor))
        }
    )*};
}

impl<'de> Deserializer<'de> for RowDeserializer<'_> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_map(visitor)
    }
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        // A struct finds out by itself, as far as it reads the columns at all; in a map the second value would replace
        // the first.
        if let Some(name) = repeated(self.columns().iter().map(|column| column.name.as_str())) {
            let message =
                format!("two columns are named {name}; give them distinct names with AS, or read the row into a tuple");
            return Err(ValueError::new(message));
        }
        visitor.visit_map(RowAccess { row: self, at: 0 })
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_map(RowAccess { row: self, at: 0 })
    }
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_seq(RowAccess { row: self, at: 0 })
    }
    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, ValueError> {
        let columns = self.columns().len();
        if columns != len {
            return Err(ValueError::new(format!("the result has {columns} columns, the tuple {len}")));
        }
        self.deserialize_seq(visitor)
    }
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.deserialize_tuple(len, visitor)
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.single(|cell| cell.deserialize_enum(name, variants, visitor))
    }
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_unit()
    }
    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_unit()
    }
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_unit()
    }

    single! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128 deserialize_u8 deserialize_u16
        deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char deserialize_str deserialize_string
        deserialize_bytes deserialize_byte_buf deserialize_option deserialize_identifier
    }
}

struct RowAccess<'a> {
    row: RowDeserializer<'a>,
    at: usize,
}

impl<'de> MapAccess<'de> for RowAccess<'_> {
    type Error = ValueError;
    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ValueError> {
        let Some(column) = self.row.columns().get(self.at) else { return Ok(None) };
        let name: StrDeserializer<'_, ValueError> = column.name.as_str().into_deserializer();
        seed.deserialize(name).map(Some)
    }
    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ValueError> {
        self.at += 1;
        self.row.cell(self.at - 1, |cell| seed.deserialize(cell))
    }
}

impl<'de> SeqAccess<'de> for RowAccess<'_> {
    type Error = ValueError;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ValueError> {
        if self.at >= self.row.columns().len() {
            return Ok(None);
        }
        self.at += 1;
        self.row.cell(self.at - 1, |cell| seed.deserialize(cell)).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use serde::Deserialize;

    fn chunk(columns: &[(&str, &str)], json: &'static str) -> Arc<Chunk> {
        let columns: Vec<_> = columns.iter().map(|(name, kind)| Column::new(*name, *kind, *kind)).collect();
        Arc::new(Chunk::read("s-1".into(), columns.into(), json.into(), None, 0).unwrap())
    }

    fn row(chunk: &Arc<Chunk>, index: usize) -> Row {
        Row::new(chunk.clone(), index)
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Trip {
        id: i64,
        fare: Option<f64>,
        city: String,
        tags: Vec<i32>,
        origin: Point,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Point {
        x: i32,
        y: Option<f64>,
    }

    #[test]
    fn structs_by_name_whatever_the_order() {
        let chunk = chunk(
            &[("city", "STRING"), ("tags", "ARRAY"), ("fare", "DOUBLE"), ("origin", "STRUCT"), ("id", "LONG")],
            r#"[["Os\"lo", "[\"1\",2]", null, "{\"x\":\"3\",\"y\":null}", "9007199254740993"]]"#,
        );
        let trip: Trip = row(&chunk, 0).read().unwrap();
        let origin = Point { x: 3, y: None };
        assert_eq!(
            trip,
            Trip { id: 9_007_199_254_740_993, fare: None, city: "Os\"lo".into(), tags: vec![1, 2], origin }
        );
    }

    #[test]
    fn tuples_scalars_maps_and_values() {
        let two = chunk(&[("a", "INT"), ("b", "STRING")], r#"[["1",""],["2",null]]"#);
        assert_eq!(row(&two, 0).read::<(i32, Option<String>)>().unwrap(), (1, Some(String::new())));
        assert_eq!(row(&two, 1).read::<(i32, Option<String>)>().unwrap(), (2, None));
        let map: BTreeMap<String, serde_json::Value> = row(&two, 1).read().unwrap();
        assert_eq!(serde_json::to_value(map).unwrap(), serde_json::json!({"a": 2, "b": null}));
        let one = chunk(&[("n", "LONG")], r#"[["7"]]"#);
        assert_eq!(row(&one, 0).read::<i64>().unwrap(), 7);
        assert!(row(&two, 0).read::<i64>().unwrap_err().to_string().contains("2 columns"));
    }

    #[test]
    fn errors_name_column_and_row() {
        let chunk = chunk(&[("n", "INT")], r#"[["1"],[null],["300"]]"#);
        let error = row(&chunk, 1).read::<i64>().unwrap_err().to_string();
        assert_eq!(error, "statement s-1: column n (INT), row 1: the value is NULL; read it into an Option");
        let error = row(&chunk, 2).read::<u8>().unwrap_err().to_string();
        assert!(error.contains("column n"), "{error}");
    }

    #[test]
    fn a_missing_column_names_the_columns_that_there_are() {
        #[derive(Debug, Deserialize)]
        #[allow(dead_code)]
        struct Outer {
            id: i64,
            point: Point,
        }
        let columns = chunk(&[("id", "INT"), ("pickup_zip", "INT")], r#"[["1","2"]]"#);
        let error = row(&columns, 0).read::<Outer>().unwrap_err().to_string();
        assert_eq!(error, "statement s-1: row 0: missing field `point`; the columns are id, pickup_zip");
        // What is missing inside of a column is no matter of columns.
        let nested = chunk(&[("id", "INT"), ("point", "STRUCT<y: DOUBLE>")], r#"[["1","{\"y\":1.0}"]]"#);
        let error = row(&nested, 0).read::<Outer>().unwrap_err().to_string();
        assert_eq!(error, "statement s-1: column point (STRUCT<y: DOUBLE>), row 0: missing field `x`");
    }

    #[test]
    fn two_columns_of_one_name_are_never_one_value() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct B {
            b: i64,
        }
        #[derive(Debug, Deserialize)]
        #[allow(dead_code)]
        struct A {
            a: String,
        }
        let chunk = chunk(&[("a", "DOUBLE"), ("b", "INT"), ("a", "STRING")], r#"[["1.5","7","x"]]"#);
        let row = row(&chunk, 0);
        let value = row.read::<serde_json::Value>().unwrap_err().to_string();
        assert!(value.contains("two columns are named a;"), "{value}");
        assert!(row.read::<BTreeMap<String, String>>().is_err());
        assert!(row.read::<A>().is_err());
        assert_eq!(row.read::<B>().unwrap(), B { b: 7 });
        assert_eq!(row.read::<(f64, i64, String)>().unwrap(), (1.5, 7, "x".into()));
    }

    #[test]
    fn nested_values_are_exact_and_typed() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct All {
            amounts: Vec<String>,
            by_id: BTreeMap<i64, Option<f64>>,
            blob: Vec<u8>,
            any: serde_json::Value,
            s: Inner,
        }
        #[derive(Debug, PartialEq, Deserialize)]
        struct Inner {
            when: String,
            blob: Vec<u8>,
            kind: Kind,
        }
        #[derive(Debug, PartialEq, Deserialize)]
        enum Kind {
            One,
            Two(i32),
        }
        let chunk = chunk(
            &[
                ("amounts", "ARRAY<DECIMAL(38,18)>"),
                ("by_id", "MAP<BIGINT, DOUBLE>"),
                ("blob", "BINARY"),
                ("any", "ARRAY<STRUCT<n: INT, t: STRING>>"),
                ("s", "STRUCT<when: TIMESTAMP, blob: BINARY, kind: VARIANT>"),
            ],
            r#"[["[12345678901234567890.123456789012345678, \"0.10\"]", "{\"7\":null,\"8\":\"1.5\"}", "aGk=",
                 "[{\"n\":\"1\",\"t\":\"1\"},null]", "{\"when\":\"2024-01-01\",\"blob\":\"aGk=\",\"kind\":{\"Two\":2}}"]]"#,
        );
        let all: All = row(&chunk, 0).read().unwrap();
        let inner = Inner { when: "2024-01-01".into(), blob: b"hi".to_vec(), kind: Kind::Two(2) };
        assert_eq!(all.amounts, ["12345678901234567890.123456789012345678", "0.10"]);
        assert_eq!(all.by_id, BTreeMap::from([(7, None), (8, Some(1.5))]));
        assert_eq!(all.blob, b"hi");
        assert_eq!(all.any, serde_json::json!([{"n": 1, "t": "1"}, null]));
        assert_eq!(all.s, inner);
        assert_ne!(Kind::One, Kind::Two(1));
    }

    #[test]
    fn what_is_nested_without_end_is_refused() {
        let json = format!("[[\"{}1{}\"]]", "[".repeat(5000), "]".repeat(5000));
        let columns = vec![Column::new("v", "STRING", "VARIANT")];
        let chunk = Arc::new(Chunk::read("s-1".into(), columns.into(), json.into(), None, 0).unwrap());
        assert!(row(&chunk, 0).read::<serde_json::Value>().is_err());
    }
}
