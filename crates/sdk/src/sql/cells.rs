//! The rows of one chunk: cells as ranges of the string they came in, so that neither a row nor a cell costs an
//! allocation.

use std::fmt;
use std::ops::Range;
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
    /// The JSON text as it came, which may be the whole response. Cells without escapes are ranges of it.
    json: Text,
    cells: Cells,
}

/// A text of which one part or all is used.
#[derive(Debug)]
enum Text {
    Own(String),
    Shared(Arc<String>),
}

impl Text {
    #[inline]
    fn as_str(&self) -> &str {
        match self {
            Self::Own(text) => text,
            Self::Shared(text) => text,
        }
    }
}

/// Cells that were found before their rows are read, and the text that they are pieces of.
pub(crate) type Known = (Arc<String>, Cells);

/// Where the cells of a list of rows are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cells {
    /// Where the ranges of resolved cells begin: behind those of the text.
    end: usize,
    /// Cells with escapes, resolved.
    resolved: String,
    /// Row by row.
    slots: Vec<Slot>,
    /// The number of rows, which the cells do not tell where there are no columns.
    rows: usize,
    /// The number of cells of each row.
    width: usize,
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
    ///
    /// * `known`: its cells, if they were found before.
    pub(crate) fn read(
        statement: Arc<str>,
        columns: Arc<[Column]>,
        json: Bytes,
        known: Option<Known>,
        first_row: u64,
    ) -> Result<Self> {
        let broken = |source| broken(&statement, first_row, source);
        let fits = |cells: &Cells| cells.width == columns.len() || cells.rows == 0;
        if let Some((text, cells)) = known.filter(|(_, cells)| fits(cells)) {
            return Ok(Self { statement, columns, first_row, json: Text::Shared(text), cells });
        }
        let json = String::from_utf8(Vec::from(json)).map_err(|e| broken(e.into()))?;
        if let Some(cells) = Cells::scan(&json).filter(fits) {
            return Ok(Self { statement, columns, first_row, json: Text::Own(json), cells });
        }
        let mut reader = Reader { json: &json, cells: Cells::new(json.len()), width: columns.len() };
        let mut source = serde_json::Deserializer::from_str(&json);
        (&mut reader).deserialize(&mut source).and_then(|()| source.end()).map_err(|e| broken(e.into()))?;
        let cells = reader.cells;
        Ok(Self { statement, columns, first_row, json: Text::Own(json), cells })
    }

    pub(crate) fn len(&self) -> usize {
        self.cells.rows
    }

    /// A cell as a string; `None` for NULL and for what is missing.
    #[inline]
    pub(crate) fn cell(&self, row: usize, column: usize) -> Option<&str> {
        if column >= self.columns.len() {
            return None;
        }
        let Cells { end, resolved, slots, .. } = &self.cells;
        let slot = slots.get(row * self.columns.len() + column)?;
        let (start, length) = (slot.start as usize, slot.length as usize);
        if slot.start == NULL.start {
            return None;
        }
        match start.checked_sub(*end) {
            None => self.json.as_str().get(start..start + length),
            Some(start) => resolved.get(start..start + length),
        }
    }
}

/// Texts of this size and above are left to the general reader, since a slot cannot state every place in them.
const LARGEST: usize = (NULL.start / 2) as usize;

impl Cells {
    /// No cells of a text of this length.
    fn new(end: usize) -> Self {
        Self { end, ..Self::default() }
    }

    /// The cells of a list of rows that has the usual form.
    fn scan(json: &str) -> Option<Self> {
        let mut builder = Builder::new(json)?;
        scan::cells(json, &mut builder)?;
        Some(builder.cells)
    }

    /// The list of rows in a response, and where it stands.
    pub(crate) fn in_response(text: &str) -> Option<(Self, Range<usize>)> {
        let mut builder = Builder::new(text)?;
        let place = scan::rows(text, &mut builder)?;
        Some((builder.cells, place))
    }
}

/// Notes the cells that a scanner finds.
struct Builder<'a> {
    text: &'a str,
    cells: Cells,
    /// The cells before the row at hand.
    before: usize,
}

impl<'a> Builder<'a> {
    fn new(text: &'a str) -> Option<Self> {
        (text.len() < LARGEST).then(|| Self { text, cells: Cells::new(text.len()), before: 0 })
    }
}

/// A place in a text of less than [`LARGEST`] bytes, or behind it, where what escapes stand for is shorter than the text.
#[inline]
fn slot(start: usize, length: usize) -> Slot {
    Slot { start: start as u32, length: length as u32 }
}

impl scan::Sink for Builder<'_> {
    #[inline]
    fn plain(&mut self, start: usize, end: usize) {
        self.cells.slots.push(slot(start, end - start));
    }

    fn escaped(&mut self, start: usize, end: usize) -> bool {
        let resolved = &mut self.cells.resolved;
        let before = resolved.len();
        let known = self.text.get(start..end).and_then(|inner| scan::resolve(inner, resolved)).is_some();
        self.cells.slots.push(slot(self.text.len() + before, self.cells.resolved.len() - before));
        known
    }

    #[inline]
    fn null(&mut self) {
        self.cells.slots.push(NULL);
    }

    #[inline]
    fn row(&mut self) -> bool {
        let all = self.cells.slots.len();
        let found = all - std::mem::replace(&mut self.before, all);
        if self.cells.rows == 0 {
            self.cells.width = found;
        }
        self.cells.rows += 1;
        found == self.cells.width
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
    cells: Cells,
    width: usize,
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
        let before = self.0.cells.slots.len();
        while seq.next_element_seed(CellSeed(self.0))?.is_some() {}
        let found = self.0.cells.slots.len() - before;
        if found != self.0.width {
            return Err(de::Error::custom(format_args!(
                "row {} has {found} cells, but there are {} columns",
                self.0.cells.rows, self.0.width
            )));
        }
        self.0.cells.rows += 1;
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
                self.0.cells.slots.push(Slot { start, length });
                Ok(())
            }
            _ => Err(E::custom("a chunk of more than 4 GiB")),
        }
    }

    fn resolve<E: de::Error>(self, text: &str) -> Result<(), E> {
        let start = self.0.json.len() + self.0.cells.resolved.len();
        self.0.cells.resolved.push_str(text);
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
        self.0.cells.slots.push(NULL);
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
        Chunk::read("s".into(), columns.into(), json.into(), None, 0)
    }

    #[test]
    fn cells_are_pieces_of_the_text_unless_they_have_escapes() {
        let chunk = read(3, r#" [["ab", null, ""], ["c\"d", "é", 7]] "#).unwrap();
        let row = |i| (0..4).map(|c| chunk.cell(i, c).map(str::to_owned)).collect::<Vec<_>>();
        assert_eq!(row(0), [Some("ab".to_owned()), None, Some(String::new()), None]);
        assert_eq!(row(1), [Some("c\"d".to_owned()), Some("é".to_owned()), Some("7".to_owned()), None]);
        assert_eq!(chunk.cells.resolved, "c\"d7");
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
