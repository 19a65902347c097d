//! Results part by part, from files or from a table in memory.

use std::sync::Arc;

use super::reply::Row;
use super::request::{Limits, MOST_BYTES};
use crate::sql::Failure;
use crate::sql::column::Column;
#[cfg(feature = "engine")]
use crate::sql::request::Format;
use crate::sql::spill::StoredResult;

#[cfg(feature = "engine")]
use super::arrow;

/// A result that is made of a few rows, such as a list of catalogs.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
}

/// Where the rows are.
#[derive(Clone, Debug)]
pub(super) enum Data {
    Stored(Arc<StoredResult>),
    Table(Arc<Table>),
}

impl Data {
    pub(super) fn columns(&self) -> &[Column] {
        match self {
            Self::Stored(stored) => &stored.columns,
            Self::Table(table) => &table.columns,
        }
    }

    fn count(&self) -> u64 {
        match self {
            Self::Stored(stored) => stored.chunks.iter().map(|c| c.row_count).sum(),
            Self::Table(table) => table.rows.len() as u64,
        }
    }

    /// Rows that a statement changed, which such statements give as their result.
    pub(super) fn modified(&self) -> Option<i64> {
        let first = self.columns().first()?;
        if first.name != "num_affected_rows" || self.count() != 1 {
            return None;
        }
        let part = Cursor::new(self.clone()).take(Limits::new(Some(1), None)).ok()?;
        match part.set {
            Set::Rows(rows) => rows.first()?.first()?.as_deref()?.parse().ok(),
            #[cfg(feature = "engine")]
            Set::Batches(batches) => arrow::first_number(&batches),
        }
    }
}

/// The rows of one response.
#[derive(Debug)]
pub(super) enum Set {
    Rows(Vec<Row>),
    #[cfg(feature = "engine")]
    Batches(Vec<arrow::Batch>),
}

#[derive(Debug)]
pub(super) struct Part {
    /// Rows of the result before these.
    pub(super) start: u64,
    pub(super) set: Set,
    /// Whether rows follow.
    pub(super) more: bool,
}

/// Gives the rows of a result one after the other; memory holds one chunk.
#[derive(Debug)]
pub(super) struct Cursor {
    data: Data,
    /// Rows that were given.
    given: u64,
    /// The chunk that is opened next.
    chunk: usize,
    open: Open,
}

#[derive(Debug)]
enum Open {
    Nothing,
    Rows(std::vec::IntoIter<Row>),
    #[cfg(feature = "engine")]
    Batches(Box<arrow::Reader>),
}

impl Cursor {
    pub(super) fn new(data: Data) -> Self {
        Self { data, given: 0, chunk: 0, open: Open::Nothing }
    }

    /// Goes to a row, counted from 0; one beyond the end is the end.
    ///
    /// # Errors
    ///
    /// A file of the result cannot be read.
    pub(super) fn seek(&mut self, row: u64) -> Result<(), Failure> {
        if row < self.given {
            *self = Self::new(self.data.clone());
        }
        while self.given < row {
            let wanted = Limits { rows: row - self.given, bytes: MOST_BYTES };
            let before = self.given;
            self.take(wanted)?;
            if self.given == before {
                break;
            }
        }
        Ok(())
    }

    /// The next rows, at least one if there are any, else as many as the limits let in.
    ///
    /// # Errors
    ///
    /// A file of the result cannot be read.
    pub(super) fn take(&mut self, limits: Limits) -> Result<Part, Failure> {
        let start = self.given;
        let mut set = self.empty_set();
        let (mut rows_left, mut bytes_left) = (limits.rows, limits.bytes);
        while rows_left > 0 && bytes_left > 0 {
            let (rows, bytes) = match (&mut self.open, &mut set) {
                (Open::Rows(open), Set::Rows(out)) => take_rows(open, out, rows_left, bytes_left),
                #[cfg(feature = "engine")]
                (Open::Batches(open), Set::Batches(out)) => open.take(out, rows_left, bytes_left)?,
                _ => (0, 0),
            };
            if rows == 0 && !self.open_next()? {
                break;
            }
            self.given += rows;
            rows_left -= rows;
            bytes_left = bytes_left.saturating_sub(bytes);
        }
        Ok(Part { start, set, more: self.given < self.data.count() })
    }

    fn empty_set(&self) -> Set {
        match &self.data {
            #[cfg(feature = "engine")]
            Data::Stored(stored) if stored.format == Format::ArrowStream => Set::Batches(Vec::new()),
            _ => Set::Rows(Vec::new()),
        }
    }

    /// Opens the next chunk, if there is one.
    fn open_next(&mut self) -> Result<bool, Failure> {
        let stored = match &self.data {
            Data::Stored(stored) => stored,
            Data::Table(table) => {
                let first = self.chunk == 0;
                if first {
                    self.open = Open::Rows(table.rows.clone().into_iter());
                    self.chunk = 1;
                }
                return Ok(first);
            }
        };
        if self.chunk >= stored.chunks.len() {
            return Ok(false);
        }
        let file = stored.file(self.chunk);
        self.open = match stored.format {
            #[cfg(feature = "engine")]
            Format::ArrowStream => Open::Batches(Box::new(arrow::Reader::open(&file)?)),
            _ => {
                let bytes = std::fs::read(file).map_err(|e| Failure::io(&e))?;
                let rows: Vec<Row> =
                    serde_json::from_slice(&bytes).map_err(|e| Failure::io(&std::io::Error::other(e)))?;
                Open::Rows(rows.into_iter())
            }
        };
        self.chunk += 1;
        Ok(true)
    }
}

/// Moves rows over; gives how many and how many bytes they have.
fn take_rows(open: &mut std::vec::IntoIter<Row>, out: &mut Vec<Row>, most: u64, bytes: u64) -> (u64, u64) {
    let (mut rows, mut size) = (0, 0);
    while rows < most && size < bytes {
        let Some(row) = open.next() else { break };
        size += row.iter().map(|cell| cell.as_ref().map_or(1, |c| c.len() as u64 + 8)).sum::<u64>();
        rows += 1;
        out.push(row);
    }
    (rows, size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::column::ColumnType;

    fn cursor(rows: usize) -> Cursor {
        let columns = vec![Column { name: "a".into(), kind: ColumnType::new("STRING", "STRING") }];
        let rows = (0..rows).map(|n| vec![Some(n.to_string())]).collect();
        Cursor::new(Data::Table(Arc::new(Table { columns, rows })))
    }

    fn take(cursor: &mut Cursor, rows: u64, bytes: u64) -> (u64, Vec<String>, bool) {
        let part = cursor.take(Limits { rows, bytes }).unwrap();
        let Set::Rows(rows) = part.set else { panic!("a table gives rows") };
        (part.start, rows.into_iter().map(|r| r[0].clone().unwrap()).collect(), part.more)
    }

    #[test]
    fn parts_follow_each_other_and_can_be_gone_back_to() {
        let mut c = cursor(5);
        assert_eq!(take(&mut c, 2, 1000), (0, vec!["0".into(), "1".into()], true));
        assert_eq!(take(&mut c, 9, 1000).1.len(), 3);
        assert_eq!(take(&mut c, 9, 1000), (5, Vec::new(), false));
        c.seek(1).unwrap();
        assert_eq!(take(&mut c, 1, 1000), (1, vec!["1".into()], true));
        c.seek(99).unwrap();
        assert_eq!(take(&mut c, 1, 1000).0, 5);
    }

    #[test]
    fn a_row_larger_than_the_limit_still_comes() {
        assert_eq!(take(&mut cursor(3), 9, 1).1, ["0"]);
        assert_eq!(take(&mut cursor(0), 9, 1), (0, Vec::new(), false));
    }
}
