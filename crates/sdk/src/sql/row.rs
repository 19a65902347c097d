//! Rows of a result, as serde sees them.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use databricks_core::{Error, ErrorKind, Result};
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

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
}

impl Column {
    /// A column.
    pub fn new(name: impl Into<String>, type_name: impl Into<String>, type_text: impl Into<String>) -> Self {
        Self { name: name.into(), type_name: type_name.into(), type_text: type_text.into() }
    }
}

/// The rows of one chunk: cells as ranges into one buffer, so that a row costs no allocation of its own.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    pub(crate) columns: Arc<[Column]>,
    text: Arc<str>,
    /// Row by row; `None` is NULL.
    cells: Arc<[Option<Range<u32>>]>,
    /// The number of rows, which the cells do not tell where there are no columns.
    rows: usize,
}

impl Chunk {
    /// Reads a JSON array of arrays of texts and nulls.
    pub(crate) fn read(columns: Arc<[Column]>, json: &[u8]) -> Result<Self> {
        let mut reader = CellReader { text: String::with_capacity(json.len()), cells: Vec::new(), width: columns.len(), rows: 0 };
        let mut source = serde_json::Deserializer::from_slice(json);
        (&mut reader)
            .deserialize(&mut source)
            .and_then(|()| source.end())
            .map_err(|e| Error::new(ErrorKind::Decode, "the rows of the result are not a list of lists of texts").with_source(e))?;
        Ok(Self { columns, text: reader.text.into(), cells: reader.cells.into(), rows: reader.rows })
    }

    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    pub(crate) fn row(&self, index: usize) -> Option<Row> {
        (index < self.rows).then(|| Row { chunk: self.clone(), index })
    }

    fn cell(&self, row: usize, column: usize) -> Option<&str> {
        let range = self.cells.get(row * self.columns.len() + column)?.as_ref()?;
        self.text.get(range.start as usize..range.end as usize)
    }
}

/// Collects the cells of all rows into one text.
struct CellReader {
    text: String,
    cells: Vec<Option<Range<u32>>>,
    width: usize,
    rows: usize,
}

impl<'de> DeserializeSeed<'de> for &mut CellReader {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        struct Rows<'a>(&'a mut CellReader);
        impl<'de> Visitor<'de> for Rows<'_> {
            type Value = ();
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of rows")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
                while seq.next_element_seed(RowSeed(self.0))?.is_some() {}
                Ok(())
            }
        }
        d.deserialize_seq(Rows(self))
    }
}

struct RowSeed<'a>(&'a mut CellReader);

impl<'de> DeserializeSeed<'de> for RowSeed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let before = self.0.cells.len();
        while seq.next_element_seed(CellSeed(self.0))?.is_some() {}
        let found = self.0.cells.len() - before;
        if found != self.0.width {
            return Err(de::Error::custom(format_args!("row {} has {found} cells, but there are {} columns", self.0.rows, self.0.width)));
        }
        self.0.rows += 1;
        Ok(())
    }
}

struct CellSeed<'a>(&'a mut CellReader);

impl<'de> DeserializeSeed<'de> for CellSeed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl CellSeed<'_> {
    fn push<E: de::Error>(self, text: &str) -> Result<(), E> {
        let start = self.0.text.len();
        self.0.text.push_str(text);
        let bounds = u32::try_from(start).and_then(|start| u32::try_from(self.0.text.len()).map(|end| start..end));
        let range = bounds.map_err(|_| E::custom("a chunk of more than 4 GiB"))?;
        self.0.cells.push(Some(range));
        Ok(())
    }
}

impl<'de> Visitor<'de> for CellSeed<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a cell: a text or null")
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        self.push(text)
    }
    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.0.cells.push(None);
        Ok(())
    }
    // The API promises texts; what an emulator sends bare reads the same.
    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.push(if value { "true" } else { "false" })
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.push(&value.to_string())
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.push(&value.to_string())
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        self.push(&value.to_string())
    }
}

/// One row of a result, untyped: texts and NULLs with their columns.
#[derive(Clone, Debug)]
pub struct Row {
    chunk: Chunk,
    index: usize,
}

impl Row {
    /// The columns, in order.
    pub fn columns(&self) -> &[Column] {
        &self.chunk.columns
    }

    /// The text of a cell by position; `None` for NULL and beyond the last column.
    pub fn get(&self, column: usize) -> Option<&str> {
        if column >= self.chunk.columns.len() {
            return None;
        }
        self.chunk.cell(self.index, column)
    }

    /// The text of a cell by the name of its column, in any case of letters if no name is exactly the same; `None` for NULL and unknown names.
    pub fn get_by_name(&self, name: &str) -> Option<&str> {
        let columns = &self.chunk.columns;
        let found =
            columns.iter().position(|c| c.name == name).or_else(|| columns.iter().position(|c| c.name.eq_ignore_ascii_case(name)))?;
        self.get(found)
    }

    /// Turns the row into a value: a struct or map by column name, a tuple or list by position, anything else from a single column.
    ///
    /// | SQL | reads into |
    /// |---|---|
    /// | `BOOLEAN` | `bool` |
    /// | `TINYINT` to `BIGINT` | any integer that is wide enough, or a float |
    /// | `FLOAT`, `DOUBLE` | floats |
    /// | `DECIMAL` | a text, exact; a float; whatever reads itself from a text |
    /// | `STRING`, `DATE`, `TIMESTAMP`, `INTERVAL` | a text, [`Timestamp`](crate::Timestamp) for `TIMESTAMP`, whatever reads itself from a text |
    /// | `BINARY` | the bytes, for types that ask for bytes; otherwise base64 text |
    /// | `ARRAY`, `MAP`, `STRUCT`, `VARIANT` | lists, maps, structs, [`serde_json::Value`] |
    /// | `NULL` | `Option` alone |
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] naming the column.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        T::deserialize(RowDeserializer(self)).map_err(|CellError(message)| Error::new(ErrorKind::Decode, message))
    }
}

/// Why a row cannot be read; turned into the SDK's error at once.
#[derive(Debug)]
struct CellError(String);

impl fmt::Display for CellError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CellError {}

impl de::Error for CellError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

struct RowDeserializer<'a>(&'a Row);

impl<'a> RowDeserializer<'a> {
    fn cell(&self, column: usize) -> Cell<'a> {
        Cell { column: &self.0.chunk.columns[column], text: self.0.get(column), row: self.0.index }
    }

    /// The only cell of a row, for values that are no collection.
    fn single(&self) -> Result<Cell<'a>, CellError> {
        match self.0.columns().len() {
            1 => Ok(self.cell(0)),
            n => Err(CellError(format!("the result has {n} columns; read it into a struct, a map or a tuple"))),
        }
    }
}

macro_rules! single {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CellError> {
            self.single()?.$method(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for RowDeserializer<'_> {
    type Error = CellError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CellError> {
        self.deserialize_map(visitor)
    }
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CellError> {
        visitor.visit_map(RowAccess { row: self, at: 0 })
    }
    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, CellError> {
        self.deserialize_map(visitor)
    }
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CellError> {
        visitor.visit_seq(RowAccess { row: self, at: 0 })
    }
    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, CellError> {
        let columns = self.0.columns().len();
        if columns != len {
            return Err(CellError(format!("the result has {columns} columns, the tuple {len}")));
        }
        self.deserialize_seq(visitor)
    }
    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, len: usize, visitor: V) -> Result<V::Value, CellError> {
        self.deserialize_tuple(len, visitor)
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, CellError> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CellError> {
        self.single()?.deserialize_enum(name, variants, visitor)
    }
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CellError> {
        visitor.visit_unit()
    }
    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, CellError> {
        visitor.visit_unit()
    }
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CellError> {
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
    type Error = CellError;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, CellError> {
        let Some(column) = self.row.0.columns().get(self.at) else { return Ok(None) };
        let name: StrDeserializer<'_, CellError> = column.name.as_str().into_deserializer();
        seed.deserialize(name).map(Some)
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, CellError> {
        self.at += 1;
        seed.deserialize(self.row.cell(self.at - 1))
    }
}

impl<'de> SeqAccess<'de> for RowAccess<'_> {
    type Error = CellError;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, CellError> {
        if self.at >= self.row.0.columns().len() {
            return Ok(None);
        }
        self.at += 1;
        seed.deserialize(self.row.cell(self.at - 1)).map(Some)
    }
}

/// One cell: a text with its SQL type.
struct Cell<'a> {
    column: &'a Column,
    text: Option<&'a str>,
    row: usize,
}

impl Cell<'_> {
    fn fail(&self, why: impl fmt::Display) -> CellError {
        CellError(format!("column {} ({}), row {}: {why}", self.column.name, self.column.type_text, self.row))
    }

    fn text(&self) -> Result<&str, CellError> {
        self.text.ok_or_else(|| self.fail("the value is NULL; read it into an Option"))
    }

    fn parse<T: std::str::FromStr>(&self, what: &str) -> Result<T, CellError> {
        self.text()?.trim().parse().map_err(|_| self.fail(format_args!("the value is not {what}")))
    }

    fn is_nested(&self) -> bool {
        matches!(self.column.type_name.as_str(), "ARRAY" | "MAP" | "STRUCT" | "VARIANT")
            || self.column.type_text.eq_ignore_ascii_case("VARIANT")
    }

    fn json(&self) -> Result<serde_json::Value, CellError> {
        serde_json::from_str(self.text()?).map_err(|e| self.fail(format_args!("the value is not JSON: {e}")))
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident $t:ty, $what:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CellError> {
            let value: $t = self.parse($what)?;
            visitor.$visit(value).map_err(|CellError(why)| self.fail(why))
        }
    )*};
}

macro_rules! nested {
    ($($method:ident($($arg:ident: $t:ty),*);)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($arg: $t,)* visitor: V) -> Result<V::Value, CellError> {
            let value = super::nested::Nested(self.json()?);
            value.$method($($arg,)* visitor).map_err(|why| self.fail(why))
        }
    )*};
}

impl<'de> Deserializer<'de> for Cell<'_> {
    type Error = CellError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CellError> {
        let Some(text) = self.text else { return visitor.visit_unit() };
        match self.column.type_name.as_str() {
            "BOOLEAN" => self.deserialize_bool(visitor),
            "BYTE" | "SHORT" | "INT" | "LONG" => self.deserialize_i64(visitor),
            "FLOAT" | "DOUBLE" => self.deserialize_f64(visitor),
            _ if self.is_nested() => super::nested::Nested(self.json()?).deserialize_any(visitor).map_err(|why| self.fail(why)),
            _ => visitor.visit_str(text),
        }
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CellError> {
        if self.text.is_none() { visitor.visit_none() } else { visitor.visit_some(self) }
    }
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CellError> {
        let read = visitor.visit_str(self.text()?);
        read.map_err(|CellError(why)| self.fail(why))
    }
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CellError> {
        self.deserialize_str(visitor)
    }
    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CellError> {
        self.deserialize_str(visitor)
    }
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CellError> {
        self.deserialize_str(visitor)
    }
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CellError> {
        self.deserialize_byte_buf(visitor)
    }
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CellError> {
        use base64::Engine as _;
        let text = self.text()?;
        if self.column.type_name != "BINARY" {
            return visitor.visit_bytes(text.as_bytes());
        }
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).map_err(|_| self.fail("the value is not base64"))?;
        visitor.visit_byte_buf(bytes)
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, CellError> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CellError> {
        let text: StrDeserializer<'_, CellError> = self.text()?.into_deserializer();
        text.deserialize_enum(name, variants, visitor).map_err(|CellError(why)| self.fail(why))
    }

    parsed! {
        deserialize_bool visit_bool bool, "true or false";
        deserialize_i8 visit_i64 i64, "an integer";
        deserialize_i16 visit_i64 i64, "an integer";
        deserialize_i32 visit_i64 i64, "an integer";
        deserialize_i64 visit_i64 i64, "an integer of 64 bits";
        deserialize_i128 visit_i128 i128, "an integer of 128 bits";
        deserialize_u8 visit_u64 u64, "an integer of zero or more";
        deserialize_u16 visit_u64 u64, "an integer of zero or more";
        deserialize_u32 visit_u64 u64, "an integer of zero or more";
        deserialize_u64 visit_u64 u64, "an integer of zero or more";
        deserialize_u128 visit_u128 u128, "an integer of zero or more";
        deserialize_f32 visit_f64 f64, "a number";
        deserialize_f64 visit_f64 f64, "a number";
    }
    nested! {
        deserialize_seq();
        deserialize_map();
        deserialize_tuple(len: usize);
        deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
    }
    forward_to_deserialize_any! { unit unit_struct ignored_any }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use serde::Deserialize;

    fn chunk(columns: &[(&str, &str)], json: &str) -> Chunk {
        let columns: Vec<_> = columns.iter().map(|(name, kind)| Column::new(*name, *kind, *kind)).collect();
        Chunk::read(columns.into(), json.as_bytes()).unwrap()
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
        let trip: Trip = chunk.row(0).unwrap().read().unwrap();
        let origin = Point { x: 3, y: None };
        assert_eq!(trip, Trip { id: 9_007_199_254_740_993, fare: None, city: "Os\"lo".into(), tags: vec![1, 2], origin });
        assert!(chunk.row(1).is_none());
    }

    #[test]
    fn tuples_scalars_maps_and_values() {
        let two = chunk(&[("a", "INT"), ("b", "STRING")], r#"[["1",""],["2",null]]"#);
        assert_eq!(two.row(0).unwrap().read::<(i32, Option<String>)>().unwrap(), (1, Some(String::new())));
        assert_eq!(two.row(1).unwrap().read::<(i32, Option<String>)>().unwrap(), (2, None));
        let map: BTreeMap<String, serde_json::Value> = two.row(1).unwrap().read().unwrap();
        assert_eq!(serde_json::to_value(map).unwrap(), serde_json::json!({"a": 2, "b": null}));
        let one = chunk(&[("n", "LONG")], r#"[["7"]]"#);
        assert_eq!(one.row(0).unwrap().read::<i64>().unwrap(), 7);
        assert!(two.row(0).unwrap().read::<i64>().unwrap_err().to_string().contains("2 columns"));
    }

    #[test]
    fn errors_name_column_and_row() {
        let chunk = chunk(&[("n", "INT")], r#"[["1"],[null],["300"]]"#);
        let error = chunk.row(1).unwrap().read::<i64>().unwrap_err().to_string();
        assert!(error.contains("column n (INT), row 1") && error.contains("Option"), "{error}");
        let error = chunk.row(2).unwrap().read::<u8>().unwrap_err().to_string();
        assert!(error.contains("column n"), "{error}");
    }

    #[test]
    fn a_ragged_row_is_an_error() {
        let columns: Arc<[Column]> = vec![Column::new("a", "INT", "INT")].into();
        assert!(Chunk::read(columns, b"[[\"1\",\"2\"]]").unwrap_err().report().contains("2 cells"));
    }
}
