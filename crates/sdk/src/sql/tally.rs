//! What the service states about a result, compared with what arrives: no row goes missing without an error.

use std::collections::BTreeMap;
use std::sync::Arc;

use databricks_core::{Error, ErrorKind, Result};

use super::wire::{ChunkInfo as Listed, Link, Manifest, ResultData};
use super::{Column, Disposition, Format};

/// The shape of a result.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) statement_id: Arc<str>,
    pub(super) columns: Arc<[Column]>,
    pub(super) format: Format,
    pub(super) disposition: Disposition,
    pub(super) truncated: bool,
    /// Whether the caller set a limit, so that a result that was cut is not a surprise.
    pub(super) limited: bool,
    pub(super) total_rows: Option<u64>,
}

/// What the service states about one chunk, as far as it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    /// Rows of the result before the chunk.
    pub(super) offset: Option<u64>,
    pub(super) rows: Option<u64>,
    pub(super) bytes: Option<u64>,
}

impl Size {
    fn new(offset: Option<i64>, rows: Option<i64>, bytes: Option<i64>) -> Result<Self> {
        Ok(Self {
            offset: count("row_offset", offset)?,
            rows: count("row_count", rows)?,
            bytes: count("byte_count", bytes)?,
        })
    }

    pub(super) fn of_data(data: &ResultData) -> Result<Self> {
        Self::new(data.row_offset, data.row_count, None)
    }

    pub(super) fn of_link(link: &Link) -> Result<Self> {
        Self::new(link.row_offset, link.row_count, link.byte_count)
    }

    /// Joins two statements about one chunk. They must not contradict each other.
    pub(super) fn and(self, other: Self) -> Result<Self> {
        let same = |what, a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) if a != b => Err(broken(format!("its {what} is stated as {a} and as {b}"))),
            _ => Ok(a.or(b)),
        };
        // Bytes only limit what is fetched. Here the manifest counts before the storage does.
        let bytes = self.bytes.or(other.bytes);
        Ok(Self {
            offset: same("row_offset", self.offset, other.offset)?,
            rows: same("row_count", self.rows, other.rows)?,
            bytes,
        })
    }
}

fn broken(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Decode, message)
}

/// A number that counts something.
fn count(what: &str, stated: Option<i64>) -> Result<Option<u64>> {
    stated.map(|n| u64::try_from(n).map_err(|_| broken(format!("its {what} is {n}")))).transpose()
}

/// The chunks that the service states.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) total_rows: Option<u64>,
    pub(super) total_chunks: Option<i64>,
    sizes: BTreeMap<i64, Size>,
}

impl Plan {
    pub(super) fn new(manifest: &Manifest) -> Result<Self> {
        let total_rows = count("total_row_count", manifest.total_row_count)?;
        count("total_chunk_count", manifest.total_chunk_count)?;
        let mut sizes = BTreeMap::new();
        for (position, Listed { chunk_index, row_offset, row_count, byte_count, .. }) in
            manifest.chunks.iter().flatten().enumerate()
        {
            let index = chunk_index.unwrap_or(i64::try_from(position).unwrap_or(i64::MAX));
            if sizes.insert(index, Size::new(*row_offset, *row_count, *byte_count)?).is_some() {
                return Err(broken(format!("its manifest lists chunk {index} twice")));
            }
        }
        let listed = i64::try_from(sizes.len()).ok().filter(|count| *count > 0);
        Ok(Self { total_rows, total_chunks: manifest.total_chunk_count.or(listed), sizes })
    }

    /// Whether the service states that there are no rows, and nothing else that it states states otherwise.
    ///
    /// Whether such a result has no chunk or an empty one is all the same.
    pub(super) fn is_empty(&self) -> bool {
        let chunks = self.total_chunks.unwrap_or_default();
        let agrees = match self.total_rows {
            Some(rows) => rows == 0 && chunks <= 1,
            None => self.total_chunks == Some(0),
        };
        agrees && self.sizes.len() <= 1 && self.sizes.values().all(|size| size.rows.unwrap_or_default() == 0)
    }

    pub(super) fn size(&self, index: i64) -> Size {
        self.sizes.get(&index).copied().unwrap_or_default()
    }

    /// The chunk after this one, as the chunk itself names it or as the number of chunks has it.
    pub(super) fn after(&self, index: i64, named: Option<i64>) -> Result<Option<i64>> {
        let next = index.saturating_add(1);
        let known = self.total_chunks.map(|total| next < total);
        match named {
            Some(named) if named != next => Err(broken(format!("chunk {index} names chunk {named} as the next one"))),
            Some(named) if known == Some(false) => {
                let total = self.total_chunks.unwrap_or_default();
                Err(broken(format!("chunk {index} names chunk {named} as the next one, but {total} chunks are stated")))
            }
            Some(named) => Ok(Some(named)),
            None => Ok(Some(next).filter(|_| known == Some(true))),
        }
    }

    /// Checks that no chunk is left when `delivered` of them have come.
    pub(super) fn finish(&self, delivered: i64) -> Result<()> {
        if self.is_empty() && delivered <= 1 {
            return Ok(());
        }
        if let Some(total) = self.total_chunks.filter(|total| *total != delivered) {
            return Err(broken(format!("it ends after {delivered} chunks, but {total} are stated")));
        }
        match self.sizes.keys().find(|index| !(0..delivered).contains(*index)) {
            Some(index) => {
                Err(broken(format!("it ends after {delivered} chunks, but its manifest lists chunk {index}")))
            }
            None => Ok(()),
        }
    }
}

/// A chunk of a result, as the service describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChunkInfo {
    /// Its position among the chunks of the result, from 0.
    pub index: i64,
    /// The number of rows before it in the result, if the service states it.
    pub row_offset: Option<u64>,
    /// The number of its rows, if the service states it.
    pub row_count: Option<u64>,
}

/// Counts the rows that were delivered.
#[derive(Debug)]
pub(super) struct Tally {
    /// `None` once a chunk came whose rows are neither counted nor stated.
    rows: Option<u64>,
}

impl Default for Tally {
    fn default() -> Self {
        Self { rows: Some(0) }
    }
}

impl Tally {
    /// The rows before the chunk that comes next, as far as they were counted.
    pub(super) fn rows(&self) -> u64 {
        self.rows.unwrap_or_default()
    }

    /// Takes in a chunk.
    ///
    /// * `found`: the rows that are in it; `None` if they were not counted.
    pub(super) fn chunk(&mut self, shape: &Shape, chunk: &ChunkInfo, found: Option<u64>) -> Result<()> {
        let id = &shape.statement_id;
        let index = chunk.index;
        if let (Some(stated), Some(found)) = (chunk.row_count, found)
            && stated != found
        {
            return Err(broken(format!(
                "chunk {index} of statement {id} has {found} rows, but the service states {stated}"
            )));
        }
        if let (Some(stated), Some(before)) = (chunk.row_offset, self.rows)
            && stated != before
        {
            let message =
                format!("chunk {index} of statement {id} begins after {before} rows, but the service states {stated}");
            return Err(broken(message));
        }
        self.rows = self.rows.zip(found.or(chunk.row_count)).map(|(before, rows)| before.saturating_add(rows));
        match (self.rows, shape.total_rows) {
            (Some(rows), Some(total)) if rows > total => {
                let message = format!(
                    "statement {id} has {rows} rows up to chunk {index}, but the service states {total} in all"
                );
                Err(broken(message))
            }
            _ => Ok(()),
        }
    }

    /// Compares the rows of all chunks with their stated number.
    pub(super) fn finish(&self, shape: &Shape) -> Result<()> {
        match (self.rows, shape.total_rows) {
            (Some(rows), Some(total)) if rows != total => {
                let message = format!(
                    "the result of statement {} ends after {rows} rows, but the service states {total}",
                    shape.statement_id
                );
                Err(broken(message))
            }
            _ => Ok(()),
        }
    }
}
