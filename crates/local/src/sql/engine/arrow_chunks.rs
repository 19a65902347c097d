//! Results as Arrow streams, one complete stream per chunk.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::writer::StreamWriter;
use datafusion::arrow::record_batch::RecordBatch;

use crate::sql::Failure;
use crate::sql::spill::{Flow, Spill};

pub(super) struct ArrowChunks<'a> {
    spill: &'a mut Spill,
    schema: SchemaRef,
    open: Option<Box<Open>>,
}

struct Open {
    writer: StreamWriter<Counted>,
    rows: u64,
}

/// Counts what is written.
struct Counted {
    file: BufWriter<File>,
    bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.file.write(buf)?;
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl<'a> ArrowChunks<'a> {
    pub(super) fn new(spill: &'a mut Spill, schema: &SchemaRef) -> Self {
        spill.note_schema(schema);
        Self { spill, schema: SchemaRef::clone(schema), open: None }
    }

    /// Writes as many rows as the limits let in.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<Flow, Failure> {
        let (chunk_rows, chunk_bytes) = self.spill.chunk_sizes();
        let mut at = 0;
        while at < batch.num_rows() {
            let open_rows = self.open.as_ref().map_or(0, |o| o.rows);
            let left = self.spill.rows_left() - open_rows;
            let space = chunk_rows - open_rows;
            let wanted = (batch.num_rows() - at) as u64;
            if left == 0 {
                self.spill.set_truncated();
                return Ok(Flow::Full);
            }
            let take = usize::try_from(wanted.min(left).min(space)).unwrap_or(usize::MAX);
            let part = batch.slice(at, take);
            let open_bytes = self.open.as_ref().map_or(0, |o| o.writer.get_ref().bytes);
            let size = part.get_array_memory_size() as u64 * take as u64 / batch.num_rows() as u64;
            if self.spill.admit(1, open_bytes + size)? == 0 {
                return Ok(Flow::Full);
            }
            self.append(&part)?;
            at += take;
            let full =
                self.open.as_ref().is_some_and(|o| o.rows >= chunk_rows || o.writer.get_ref().bytes >= chunk_bytes);
            if full {
                self.close()?;
            }
        }
        Ok(Flow::More)
    }

    fn append(&mut self, part: &RecordBatch) -> Result<(), Failure> {
        let open = match &mut self.open {
            Some(open) => open,
            None => {
                let file = Counted { file: self.spill.create_chunk()?, bytes: 0 };
                let writer = StreamWriter::try_new(file, &self.schema).map_err(|e| failed(&e))?;
                self.open.insert(Box::new(Open { writer, rows: 0 }))
            }
        };
        open.writer.write(part).map_err(|e| failed(&e))?;
        open.rows += part.num_rows() as u64;
        Ok(())
    }

    pub(super) fn close(&mut self) -> Result<(), Failure> {
        let Some(mut open) = self.open.take() else {
            return Ok(());
        };
        open.writer.finish().map_err(|e| failed(&e))?;
        let rows = open.rows;
        let mut file = open.writer.into_inner().map_err(|e| failed(&e))?;
        file.flush().map_err(|e| Failure::io(&e))?;
        self.spill.chunk_done(rows, file.bytes);
        Ok(())
    }
}

fn failed(error: &ArrowError) -> Failure {
    Failure::io(&io::Error::other(error.to_string()))
}
