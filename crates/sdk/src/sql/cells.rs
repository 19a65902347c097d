//! The rows of one chunk: cells as ranges of the string they came in, so that neither a row nor a cell costs an
//! allocation.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use databricks_core::{Error, ErrorKind, Result};
use serde::de::{self, DeserializeSeed, Deserializer, SeqAccess, Visitor};

use super::{Column, scan};

/// Rows of a result that came together.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// The id of the statement.
    pub(crate) statement: Arc<str>,
    pub(crate) columns: Arc<[Column]>,
    /// The number of rows of the result before these.
    pub(crate) first_row: u64,
    /// The JSON text as it came. Cells without escapes are ranges of it.
    json: String,
    /// Cells with escapes, resolved. Their ranges go on where those of `json` end.
    resolved: String,
    /// Row by row.
    cells: Vec<Slot>,
    /// The number of rows, which the cells do not tell where there are no columns.
    rows: usize,
}

/// Where a cell's string is.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// `u32::MAX` for NULL.
    start: u32,
    length: u32,
}

const NULL: Slot = Slot { start: u32::MAX, length: 0 };

impl Chunk {
    /// Reads a JSON array of arrays of strings and nulls.
    pub(crate) fn read(statement: Arc<str>, columns: Arc<[Column]>, json: Bytes, first_row: u64) -> Result<Self> {
        let broken = |source| broken(&statement, first_row, source);
        let json = String::from_utf8(Vec::from(json)).map_err(|e| broken(e.into()))?;
        if let Some(Reader { resolved, cells, rows, .. }) = Reader::scan(&json, columns.len()) {
            return Ok(Self { statement, columns, first_row, json, resolved, cells, rows });
        }
        let mut reader = Reader::new(&json, columns.len());
        let mut source = serde_json::Deserializer::from_str(&json);
        (&mut reader).deserialize(&mut source).and_then(|()| source.end()).map_err(|e| broken(e.into()))?;
        let Reader { resolved, cells, rows, .. } = reader;
        Ok(Self { statement, columns, first_row, json, resolved, cells, rows })
    }

    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    /// A cell as a string; `None` for NULL and for what is missing.
    pub(crate) fn cell(&self, row: usize, column: usize) -> Option<&str> {
        if column >= self.columns.len() {
            return None;
        }
        let slot = self.cells.get(row * self.columns.len() + column)?;
        let (start, length) = (slot.start as usize, slot.length as usize);
        match start.checked_sub(self.json.len()) {
            _ if slot.start == NULL.start => None,
            None => self.json.get(start..start + length),
            Some(start) => self.resolved.get(start..start + length),
        }
    }
}

fn broken(statement: &str, first_row: u64, source: Box<dyn std::error::Error + Send + Sync>) -> Error {
    let message =
        format!("the rows of statement {statement} from row {first_row} on are not a list of lists of strings");
    Error::new(ErrorKind::Decode, message).with_source(source)
}

/// Counts the rows of a JSON array of arrays, without reading their cells.
pub(crate) fn count(statement: &str, json: &[u8], first_row: u64) -> Result<u64> {
    let rows: Vec<Row> = serde_json::from_slice(json).map_err(|error| broken(statement, first_row, error.into()))?;
    return Ok(rows.len() as u64);

    /// A list, whatever is in it. Takes no space.
    struct Row;

    impl<'de> de::Deserialize<'de> for Row {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            d.deserialize_seq(Row)
        }
    }

    impl<'de> Visitor<'de> for Row {
        type Value = Self;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a row")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self, A::Error> {
            while seq.next_element::<de::IgnoredAny>()?.is_some() {}
            Ok(self)
        }
    }
}

struct Reader<'a> {
    json: &'a str,
    resolved: String,
    cells: Vec<Slot>,
    width: usize,
    rows: usize,
}

impl<'a> Reader<'a> {
    fn new(json: &'a str, width: usize) -> Self {
        Self { json, resolved: String::new(), cells: Vec::new(), width, rows: 0 }
    }

    /// Reads rows that have the usual form.
    fn scan(json: &'a str, width: usize) -> Option<Self> {
        // So that every place is one that a slot can state.
        if u32::try_from(json.len()).ok()? > NULL.start / 2 {
            return None;
        }
        let (mut resolved, mut cells, mut rows, mut broken) = (String::new(), Vec::new(), 0, false);
        let found = std::cell::Cell::new(0);
        let cell = |cell: scan::Cell| {
            found.set(found.get() + 1);
            let Some((range, escaped)) = cell else { return cells.push(NULL) };
            let slot = |start: usize, length: usize| Slot { start: start as u32, length: length as u32 };
            if !escaped {
                return cells.push(slot(range.start, range.len()));
            }
            // With its quotes. What it stands for is shorter than what is written.
            match serde_json::from_str::<String>(&json[range.start - 1..range.end + 1]) {
                Ok(text) => {
                    cells.push(slot(json.len() + resolved.len(), text.len()));
                    resolved.push_str(&text);
                }
                Err(_) => broken = true,
            }
        };
        let row = || {
            rows += 1;
            found.replace(0) == width
        };
        scan::cells(json, cell, row)?;
        (!broken).then_some(Self { json, resolved, cells, width, rows })
    }
}

impl<'de> DeserializeSeed<'de> for &mut Reader<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for &mut Reader<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(RowSeed(self))?.is_some() {}
        Ok(())
    }
}

struct RowSeed<'r, 'a>(&'r mut Reader<'a>);

impl<'de> DeserializeSeed<'de> for RowSeed<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let before = self.0.cells.len();
        while seq.next_element_seed(CellSeed(self.0))?.is_some() {}
        let found = self.0.cells.len() - before;
        if found != self.0.width {
            return Err(de::Error::custom(format_args!(
                "row {} has {found} cells, but there are {} columns",
                self.0.rows, self.0.width
            )));
        }
        self.0.rows += 1;
        Ok(())
    }
}

struct CellSeed<'r, 'a>(&'r mut Reader<'a>);

impl<'de> DeserializeSeed<'de> for CellSeed<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl CellSeed<'_, '_> {
    fn push<E: de::Error>(self, start: usize, length: usize) -> Result<(), E> {
        match (u32::try_from(start), u32::try_from(length)) {
            (Ok(start), Ok(length)) if start < NULL.start => {
                self.0.cells.push(Slot { start, length });
                Ok(())
            }
            _ => Err(E::custom("a chunk of more than 4 GiB")),
        }
    }

    fn resolve<E: de::Error>(self, text: &str) -> Result<(), E> {
        let start = self.0.json.len() + self.0.resolved.len();
        self.0.resolved.push_str(text);
        self.push(start, text.len())
    }
}

impl<'de> Visitor<'de> for CellSeed<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a cell: a string or null")
    }
    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<(), E> {
        // The string is a piece of the JSON, so the distance of the two is its place.
        let start = (text.as_ptr() as usize).wrapping_sub(self.0.json.as_ptr() as usize);
        if start > self.0.json.len() { self.resolve(text) } else { self.push(start, text.len()) }
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        self.resolve(text)
    }
    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.0.cells.push(NULL);
        Ok(())
    }
    // The API promises strings; what an emulator sends bare reads the same.
    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.resolve(if value { "true" } else { "false" })
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.resolve(&value.to_string())
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.resolve(&value.to_string())
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        self.resolve(&value.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(width: usize, json: &'static str) -> Result<Chunk> {
        let columns: Vec<_> = (0..width).map(|i| Column::new(format!("c{i}"), "STRING", "STRING")).collect();
        Chunk::read("s".into(), columns.into(), json.into(), 0)
    }

    #[test]
    fn cells_are_pieces_of_the_text_unless_they_have_escapes() {
        let chunk = read(3, r#" [["ab", null, ""], ["c\"d", "é", 7]] "#).unwrap();
        let row = |i| (0..4).map(|c| chunk.cell(i, c).map(str::to_owned)).collect::<Vec<_>>();
        assert_eq!(row(0), [Some("ab".to_owned()), None, Some(String::new()), None]);
        assert_eq!(row(1), [Some("c\"d".to_owned()), Some("é".to_owned()), Some("7".to_owned()), None]);
        assert_eq!(chunk.resolved, "c\"d7");
        assert_eq!(chunk.len(), 2);
    }

    #[test]
    fn ragged_rows_and_other_json_are_errors() {
        assert!(read(1, r#"[["1","2"]]"#).unwrap_err().report().contains("2 cells"));
        assert!(read(1, "[[1]").is_err());
        assert!(read(1, "{}").is_err());
        assert!(read(1, "[[[]]]").is_err());
        assert_eq!(read(0, "[[],[]]").unwrap().len(), 2);
        assert_eq!(count("s", br#" [["a", null], [[1]], []] "#, 0).unwrap(), 3);
        for broken in ["", "[", "[[]", "[[],", "{}", "[1]", "[[]] x"] {
            assert!(count("s", broken.as_bytes(), 0).is_err(), "{broken}");
        }
    }
}
