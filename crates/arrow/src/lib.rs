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

use std::collections::VecDeque;
use std::fmt;
use std::io::Cursor;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use arrow_schema::ArrowError;
use bytes::Bytes;
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
pub struct BatchStream {
    chunks: ChunkStream,
    batches: VecDeque<RecordBatch>,
}

impl BatchStream {
    fn new(chunks: ChunkStream) -> Self {
        Self { chunks, batches: VecDeque::new() }
    }

    /// The next batch, or `None` after the last.
    ///
    /// # Errors
    /// Those of the statement and of fetching its result; [`ErrorKind::Decode`] when a chunk is not an Arrow stream.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await.transpose()
    }
}

impl Stream for BatchStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(batch) = self.batches.pop_front() {
                return Poll::Ready(Some(Ok(batch)));
            }
            match ready!(Pin::new(&mut self.chunks).poll_next(cx)) {
                Some(Ok(chunk)) if chunk.is_empty() => {}
                Some(Ok(chunk)) => match decode(chunk) {
                    Ok(batches) => self.batches = batches,
                    Err(error) => return Poll::Ready(Some(Err(error))),
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl fmt::Debug for BatchStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchStream").field("decoded", &self.batches.len()).finish_non_exhaustive()
    }
}

/// Reads one chunk: an Arrow IPC stream, complete in itself.
fn decode(chunk: Bytes) -> Result<VecDeque<RecordBatch>> {
    let broken = |error: ArrowError| Error::new(ErrorKind::Decode, "a chunk of the result is not an Arrow stream").with_source(error);
    StreamReader::try_new(Cursor::new(chunk), None).map_err(broken)?.collect::<Result<_, _>>().map_err(broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_arrow_stream_is_an_error() {
        assert_eq!(decode(Bytes::from_static(b"id,twice\n1,2\n")).unwrap_err().kind(), ErrorKind::Decode);
    }
}
