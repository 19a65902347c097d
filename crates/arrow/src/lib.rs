//! Arrow record batches from Databricks SQL statements.
//!
//! A crate of its own because the Arrow crates make a breaking release every quarter: it follows them, so that
//! [`databricks_sdk`] need not. The types of this crate's signatures are those of the `arrow-array` it is built with.
//!
//! ```no_run
//! # async fn example(w: &databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
//! use databricks_arrow::ArrowExt as _;
//!
//! let mut batches = w.sql("SELECT * FROM samples.nyctaxi.trips").warehouse("1234567890abcdef").batches();
//! while let Some(batch) = batches.next().await? {
//!     println!("{} rows of {} columns", batch.num_rows(), batch.num_columns());
//! }
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_schema::{ArrowError, SchemaRef};
use databricks_sdk::sql::{ChunkStream, Format, Query, Statement};
use databricks_sdk::{Error, ErrorKind, Result};
use futures_core::Stream;

/// Record batches from what [`databricks_sdk::sql`] runs.
pub trait ArrowExt {
    /// Runs the statement, or waits for it, and hands out its result as record batches, in order.
    ///
    /// The chunks of the result come by links in Arrow's IPC stream format and are fetched ahead within a window, so memory does not
    /// grow with the result. Dropping the stream before the statement has ended cancels the statement.
    fn batches(self) -> BatchStream;
}

impl ArrowExt for Query {
    fn batches(self) -> BatchStream {
        BatchStream::new(self.chunks(Format::ArrowStream))
    }
}

/// The statement must have been started with Arrow as its format; one that was not gives an error.
impl ArrowExt for Statement {
    fn batches(self) -> BatchStream {
        BatchStream::new(self.chunks())
    }
}

/// A result as record batches: a stream.
///
/// Batches share the memory of the chunk that they came in, without a copy: a chunk stays in memory as long as one of its batches does.
pub struct BatchStream {
    chunks: ChunkStream,
    chunk: Chunk,
    schema: Option<SchemaRef>,
}

/// What is left of a chunk, and the reader of it.
#[derive(Default)]
struct Chunk {
    decoder: StreamDecoder,
    rest: Buffer,
}

impl BatchStream {
    fn new(chunks: ChunkStream) -> Self {
        Self { chunks, chunk: Chunk::default(), schema: None }
    }

    /// The next batch, or `None` after the last.
    ///
    /// # Errors
    /// Those of the statement and of fetching its result; [`ErrorKind::Decode`] when a chunk is not an Arrow stream.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await.transpose()
    }

    /// The columns, known once the first batch was handed out.
    pub fn schema(&self) -> Option<SchemaRef> {
        self.schema.clone()
    }
}

impl Stream for BatchStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            match this.chunk.next() {
                Ok(Some(batch)) => {
                    this.schema.get_or_insert_with(|| batch.schema());
                    return Poll::Ready(Some(Ok(batch)));
                }
                Ok(None) => {}
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
            match ready!(Pin::new(&mut this.chunks).poll_next(cx)) {
                // Each chunk is a stream of its own, with its own schema and dictionaries.
                Some(Ok(bytes)) => this.chunk = Chunk { decoder: StreamDecoder::new(), rest: Buffer::from(bytes) },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl Chunk {
    /// The next batch of this chunk. After an error there is none.
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let broken = |error: ArrowError| Error::new(ErrorKind::Decode, "a chunk of the result is not an Arrow stream").with_source(error);
        let batch = match self.decoder.decode(&mut self.rest) {
            Ok(Some(batch)) => return Ok(Some(batch)),
            Ok(None) => self.decoder.finish().map(|()| None),
            Err(error) => Err(error),
        };
        self.rest = Buffer::default();
        batch.map_err(broken)
    }
}

impl fmt::Debug for BatchStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchStream").field("schema", &self.schema).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::Int64Array;
    use arrow_ipc::writer::StreamWriter;
    use arrow_schema::{DataType, Field, Schema};

    use super::*;

    fn stream(batches: &[&[i64]]) -> Vec<u8> {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
        let mut writer = StreamWriter::try_new(Vec::new(), &schema).unwrap();
        for batch in batches {
            let column = Arc::new(Int64Array::from(batch.to_vec()));
            writer.write(&RecordBatch::try_new(schema.clone(), vec![column]).unwrap()).unwrap();
        }
        writer.into_inner().unwrap()
    }

    fn chunk(bytes: Vec<u8>) -> Chunk {
        Chunk { decoder: StreamDecoder::new(), rest: Buffer::from(bytes) }
    }

    #[test]
    fn batches_come_one_by_one() {
        let mut chunk = chunk(stream(&[&[1, 2], &[], &[3]]));
        let mut rows = Vec::new();
        while let Some(batch) = chunk.next().unwrap() {
            rows.push(batch.num_rows());
        }
        assert_eq!(rows, [2, 0, 1]);
    }

    #[test]
    fn what_is_no_arrow_stream_is_an_error_once() {
        let whole = stream(&[&[1, 2, 3]]);
        for bytes in [b"id,twice\n1,2\n".to_vec(), whole[..whole.len() - 20].to_vec()] {
            let mut chunk = chunk(bytes);
            assert_eq!(chunk.next().unwrap_err().kind(), ErrorKind::Decode);
            assert!(chunk.next().unwrap().is_none());
        }
    }
}
