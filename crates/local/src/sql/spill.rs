//! Results on disk, chunk by chunk: memory holds one row or record batch at a time, whatever the size of the result.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::Failure;
use super::column::{Column, schema};
use super::request::{Disposition, Format, StatementRequest};
use super::row_text::csv_cell;
use crate::scratch;

/// The largest inline result in bytes; a larger one fails its statement.
const INLINE_LIMIT: u64 = 25 * 1024 * 1024;
/// Bytes after which a new chunk begins.
const INLINE_CHUNK: u64 = 4 * 1024 * 1024;
const LINK_CHUNK: u64 = 20 * 1024 * 1024;
/// The largest result by links; a larger one is truncated.
const LINK_LIMIT: u64 = 100 * 1024 * 1024 * 1024;

/// Where a chunk lies in the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChunkInfo {
    pub(crate) row_offset: u64,
    pub(crate) row_count: u64,
    pub(crate) byte_count: u64,
}

/// A result that is complete.
#[derive(Debug)]
pub(crate) struct StoredResult {
    pub(crate) disposition: Disposition,
    pub(crate) format: Format,
    pub(crate) columns: Vec<Column>,
    pub(crate) chunks: Vec<ChunkInfo>,
    pub(crate) truncated: bool,
    /// Of Arrow results, which may have no chunk to read it from.
    #[cfg(feature = "engine")]
    pub(crate) schema: Option<datafusion::arrow::datatypes::SchemaRef>,
    directory: TempDir,
}

impl StoredResult {
    /// The file of a chunk.
    pub(crate) fn file(&self, index: usize) -> PathBuf {
        self.directory.path().join(index.to_string())
    }

    pub(crate) fn manifest(&self) -> Value {
        let rows: u64 = self.chunks.iter().map(|c| c.row_count).sum();
        let bytes: u64 = self.chunks.iter().map(|c| c.byte_count).sum();
        let mut out = json!({
            "format": self.format.name(),
            "schema": schema(&self.columns),
            "total_chunk_count": self.chunks.len(),
            "total_row_count": rows,
            "total_byte_count": bytes,
            "truncated": self.truncated,
        });
        if !self.chunks.is_empty() {
            out["chunks"] = self
                .chunks
                .iter()
                .enumerate()
                .map(|(index, c)| {
                    json!({
                        "chunk_index": index,
                        "row_offset": c.row_offset,
                        "row_count": c.row_count,
                        "byte_count": c.byte_count,
                    })
                })
                .collect();
        }
        out
    }
}

/// Whether more rows are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    More,
    /// A limit of the request is reached.
    Full,
}

/// Sizes of chunks that the builder sets.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ChunkSizes {
    pub(crate) rows: Option<u64>,
    pub(crate) bytes: Option<u64>,
}

/// Writes a result of rows as text, in JSON or CSV. Arrow results are written by the engine on top of the same files.
#[derive(Debug)]
pub(crate) struct Spill {
    directory: TempDir,
    disposition: Disposition,
    format: Format,
    row_limit: u64,
    byte_limit: u64,
    chunk_rows: u64,
    chunk_bytes: u64,
    header: Vec<u8>,
    chunks: Vec<ChunkInfo>,
    open: Option<(BufWriter<File>, ChunkInfo)>,
    rows: u64,
    bytes: u64,
    truncated: bool,
    #[cfg(feature = "engine")]
    schema: Option<datafusion::arrow::datatypes::SchemaRef>,
}

impl Spill {
    pub(crate) fn new(
        request: &StatementRequest,
        sizes: ChunkSizes,
        parent: &std::path::Path,
    ) -> Result<Self, Failure> {
        let directory = scratch::subdirectory(parent, "result-").map_err(|e| Failure::io(&e))?;
        let usual = match request.disposition {
            Disposition::Inline => INLINE_CHUNK,
            Disposition::ExternalLinks => LINK_CHUNK,
        };
        Ok(Self {
            directory,
            disposition: request.disposition,
            format: request.format,
            row_limit: request.row_limit.unwrap_or(u64::MAX),
            byte_limit: request.byte_limit.unwrap_or(LINK_LIMIT).min(LINK_LIMIT),
            chunk_rows: sizes.rows.unwrap_or(u64::MAX).max(1),
            chunk_bytes: sizes.bytes.unwrap_or(usual).max(1),
            header: Vec::new(),
            chunks: Vec::new(),
            open: None,
            rows: 0,
            bytes: 0,
            truncated: false,
            #[cfg(feature = "engine")]
            schema: None,
        })
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// The columns; CSV begins with their names. Has to come before the first row.
    pub(crate) fn begin(&mut self, columns: &[Column]) {
        if self.format == Format::Csv {
            for (i, column) in columns.iter().enumerate() {
                if i > 0 {
                    self.header.push(b',');
                }
                csv_cell(&mut self.header, &column.name);
            }
            self.header.extend_from_slice(b"\r\n");
        }
    }

    /// Adds a row that is already in the result's format: a JSON array, or a line of CSV with its end.
    pub(crate) fn row(&mut self, encoded: &[u8]) -> Result<Flow, Failure> {
        let size = encoded.len() as u64 + 1;
        if self.admit(1, size)? == 0 {
            return Ok(Flow::Full);
        }
        self.rotate(size)?;
        let (file, chunk) = match &mut self.open {
            Some(open) => open,
            None => {
                let mut file = create(&self.directory, self.chunks.len())?;
                let mut bytes = 0;
                if self.format == Format::JsonArray {
                    write(&mut file, b"[", &mut bytes)?;
                } else if self.rows == 0 {
                    write(&mut file, &self.header, &mut bytes)?;
                }
                let chunk = ChunkInfo { row_offset: self.rows, row_count: 0, byte_count: bytes };
                self.open.insert((file, chunk))
            }
        };
        if self.format == Format::JsonArray && chunk.row_count > 0 {
            write(file, b",", &mut chunk.byte_count)?;
        }
        write(file, encoded, &mut chunk.byte_count)?;
        chunk.row_count += 1;
        self.rows += 1;
        self.bytes += size;
        Ok(Flow::More)
    }

    /// How many of `rows` more rows of `bytes` bytes in all the limits let in; fewer than all sets `truncated`.
    pub(crate) fn admit(&mut self, rows: u64, bytes: u64) -> Result<u64, Failure> {
        let by_rows = rows.min(self.row_limit.saturating_sub(self.rows));
        let fits = self.bytes.saturating_add(bytes) <= self.byte_limit;
        let admitted = if fits { by_rows } else { 0 };
        if admitted < rows {
            self.truncated = true;
        }
        let inline = self.disposition == Disposition::Inline;
        if inline && admitted > 0 && self.bytes.saturating_add(bytes) > INLINE_LIMIT {
            return Err(Failure::bad_request(format!(
                "Inline byte limit exceeded: results with disposition INLINE can have at most {INLINE_LIMIT} bytes. \
                 Use disposition EXTERNAL_LINKS for this statement."
            )));
        }
        Ok(admitted)
    }

    /// Closes the open chunk if it is full or would grow too large.
    fn rotate(&mut self, coming: u64) -> Result<(), Failure> {
        let full = self
            .open
            .as_ref()
            .is_some_and(|(_, c)| c.row_count >= self.chunk_rows || c.byte_count + coming > self.chunk_bytes);
        if full { self.close() } else { Ok(()) }
    }

    fn close(&mut self) -> Result<(), Failure> {
        if let Some((mut file, mut chunk)) = self.open.take() {
            if self.format == Format::JsonArray {
                write(&mut file, b"]", &mut chunk.byte_count)?;
            }
            file.flush().map_err(|e| Failure::io(&e))?;
            self.chunks.push(chunk);
        }
        Ok(())
    }

    pub(crate) fn finish(mut self, columns: Vec<Column>) -> Result<StoredResult, Failure> {
        self.close()?;
        Ok(StoredResult {
            disposition: self.disposition,
            format: self.format,
            columns,
            chunks: self.chunks,
            truncated: self.truncated,
            #[cfg(feature = "engine")]
            schema: self.schema,
            directory: self.directory,
        })
    }
}

/// What the engine needs to write Arrow chunks, which it encodes itself.
#[cfg(feature = "engine")]
impl Spill {
    /// Notes the schema of all chunks.
    pub(crate) fn note_schema(&mut self, schema: &datafusion::arrow::datatypes::SchemaRef) {
        self.schema = Some(std::sync::Arc::clone(schema));
    }

    /// The file of the next chunk.
    pub(crate) fn create_chunk(&self) -> Result<BufWriter<File>, Failure> {
        create(&self.directory, self.chunks.len())
    }

    /// Notes that the next chunk is complete, with so many rows and bytes.
    pub(crate) fn chunk_done(&mut self, row_count: u64, byte_count: u64) {
        self.chunks.push(ChunkInfo { row_offset: self.rows, row_count, byte_count });
        self.rows += row_count;
        self.bytes += byte_count;
    }

    /// Rows that a chunk may have and bytes from which on it is full.
    pub(crate) fn chunk_sizes(&self) -> (u64, u64) {
        (self.chunk_rows, self.chunk_bytes)
    }

    /// Rows that may still come.
    pub(crate) fn rows_left(&self) -> u64 {
        self.row_limit.saturating_sub(self.rows)
    }

    pub(crate) fn set_truncated(&mut self) {
        self.truncated = true;
    }
}

fn create(directory: &TempDir, index: usize) -> Result<BufWriter<File>, Failure> {
    scratch::create_file(&directory.path().join(index.to_string()))
        .map(|f| BufWriter::with_capacity(256 * 1024, f))
        .map_err(|e| Failure::io(&e))
}

fn write(file: &mut impl Write, bytes: &[u8], count: &mut u64) -> Result<(), Failure> {
    *count += bytes.len() as u64;
    file.write_all(bytes).map_err(|e| Failure::io(&e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::Fields;
    use crate::sql::row_text::encode_row;

    fn request(extra: &str) -> StatementRequest {
        let body = format!(r#"{{"warehouse_id": "w", "statement": "s" {extra}}}"#);
        StatementRequest::parse(&Fields::parse(body.as_bytes()).unwrap()).unwrap()
    }

    fn store(extra: &str, rows: &[&str], sizes: ChunkSizes) -> (StoredResult, Vec<String>) {
        let parent = std::env::temp_dir();
        let mut spill = Spill::new(&request(extra), sizes, &parent).unwrap();
        let columns =
            vec![Column { name: "a,b".into(), kind: super::super::column::ColumnType::new("STRING", "STRING") }];
        spill.begin(&columns);
        let mut line = Vec::new();
        for row in rows {
            encode_row(&mut line, spill.format(), [Some(*row), None].into_iter());
            if spill.row(&line).unwrap() == Flow::Full {
                break;
            }
        }
        let stored = spill.finish(columns).unwrap();
        let files = (0..stored.chunks.len()).map(|i| std::fs::read_to_string(stored.file(i)).unwrap()).collect();
        (stored, files)
    }

    #[test]
    fn chunks_are_whole_documents_and_add_up() {
        let sizes = ChunkSizes { rows: Some(2), bytes: None };
        let (stored, files) = store("", &["1", "\"\\\n\u{1}é", "3"], sizes);
        assert_eq!(files, [r#"[["1",null],["\"\\\n\u0001é",null]]"#, r#"[["3",null]]"#]);
        assert_eq!(stored.chunks[1].row_offset, 2);
        for (chunk, file) in stored.chunks.iter().zip(&files) {
            assert_eq!(chunk.byte_count, file.len() as u64);
        }
        assert_eq!(stored.manifest()["total_row_count"], 3);
        assert!(!stored.truncated);
    }

    #[test]
    fn csv_has_its_header_once() {
        let sizes = ChunkSizes { rows: Some(1), bytes: None };
        let extra = r#", "format": "CSV", "disposition": "EXTERNAL_LINKS""#;
        let (_, files) = store(extra, &["x", "y\"z"], sizes);
        assert_eq!(files, ["\"a,b\"\r\nx,null\r\n", "\"y\"\"z\",null\r\n"]);
    }

    #[test]
    fn limits_truncate_only_when_rows_are_left() {
        let none = ChunkSizes::default();
        assert!(!store(r#", "row_limit": 2"#, &["1", "2"], none).0.truncated);
        let (stored, _) = store(r#", "row_limit": 2"#, &["1", "2", "3"], none);
        assert!(stored.truncated);
        assert_eq!(stored.chunks[0].row_count, 2);
        let (stored, _) = store(r#", "byte_limit": 30"#, &["1", "2", "3", "4"], none);
        assert!(stored.truncated);
        assert_eq!(stored.chunks[0].row_count, 2);
    }

    #[test]
    fn an_empty_result_has_no_chunk() {
        let (stored, files) = store("", &[], ChunkSizes::default());
        assert!(files.is_empty());
        assert_eq!(stored.manifest()["total_chunk_count"], 0);
    }

    #[test]
    fn a_large_inline_result_fails() {
        let parent = std::env::temp_dir();
        let mut spill = Spill::new(&request(""), ChunkSizes::default(), &parent).unwrap();
        let row = vec![b'x'; 1024 * 1024];
        let failed = (0..26).find_map(|_| spill.row(&row).err()).unwrap();
        assert!(failed.message.contains("EXTERNAL_LINKS"), "{}", failed.message);
    }
}
