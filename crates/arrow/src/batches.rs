//! The stream of record batches.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use databricks_sdk::sql::{ChunkStream, Format, Query, Statement};
use databricks_sdk::{Error, ErrorKind, Result};
use futures_core::Stream;

use crate::chunk::Chunk;
use crate::columns;
use crate::frames::Invalid;

/// Record batches from what [`databricks_sdk::sql`] runs.
pub trait ArrowExt {
    /// Runs the statement, or waits for it, and returns its result as record batches, in order.
    ///
    /// The chunks of the result come by links in Arrow's IPC stream format and are fetched ahead within a window, so
    /// memory does not grow with the result. Dropping the stream before the statement has ended cancels the statement.
    fn batches(self) -> BatchStream;
}

impl ArrowExt for Query {
    fn batches(self) -> BatchStream {
        BatchStream::new(self.chunks(Format::ArrowStream))
    }
}

/// The statement must have been started with Arrow as its format; another one is an error.
impl ArrowExt for Statement {
    fn batches(self) -> BatchStream {
        BatchStream::new(self.chunks())
    }
}

/// A result as record batches: a stream.
///
/// Batches share the memory of the chunk that they came in, without a copy: a chunk stays in memory as long as one of
/// its batches does.
#[must_use = "a stream does nothing until it is polled"]
pub struct BatchStream {
    chunks: ChunkStream,
    chunk: Option<Chunk>,
    schema: Option<SchemaRef>,
    ended: bool,
}

impl BatchStream {
    fn new(chunks: ChunkStream) -> Self {
        Self { chunks, chunk: None, schema: None, ended: false }
    }

    /// The next batch, or `None` after the last.
    ///
    /// # Errors
    /// Those of the statement and of fetching its result; [`ErrorKind::Decode`] when a chunk is not a complete Arrow
    /// stream, or has other rows than the service states.
    pub async fn try_next(&mut self) -> Result<Option<RecordBatch>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await.transpose()
    }

    /// All batches.
    ///
    /// # Errors
    /// As [`try_next`](Self::try_next), and when the service truncated the result although the query sets no limit.
    pub async fn try_collect(mut self) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        while let Some(batch) = self.try_next().await? {
            batches.push(batch);
        }
        self.chunks.check_truncated()?;
        Ok(batches)
    }

    /// The columns; `None` before the first batch or the end was returned. A result without rows has columns, too.
    pub fn schema(&self) -> Option<SchemaRef> {
        self.schema.clone()
    }

    /// Whether a limit cut the result, be it one of the query or of the service; `false` before the first batch or the
    /// end was returned.
    pub fn truncated(&self) -> bool {
        self.chunks.truncated()
    }

    /// The id of the statement; `None` before the first batch or the end was returned.
    pub fn statement_id(&self) -> Option<&str> {
        self.chunks.statement_id()
    }

    /// Takes in a chunk: each is a stream of its own, with its own schema and dictionaries.
    fn open(&mut self, bytes: bytes::Bytes) -> Result<()> {
        if bytes.is_empty() {
            // The service states that the chunk has no rows, and sent nothing for it.
            return self.chunks.confirm_rows(0);
        }
        let chunk = Chunk::open(bytes).map_err(|why| self.broken(why))?;
        self.chunks.confirm_rows(chunk.rows())?;
        match &self.schema {
            Some(first) if !columns::same(first, chunk.schema()) => {
                return Err(self.broken("it has other columns than the chunk before it".into()));
            }
            Some(_) => {}
            None => self.schema = Some(chunk.schema().clone()),
        }
        self.chunk = Some(chunk);
        Ok(())
    }

    fn broken(&self, Invalid(why): Invalid) -> Error {
        let id = self.chunks.statement_id().unwrap_or_default();
        let chunk = self.chunks.last_chunk();
        let index = chunk.map_or(0, |chunk| chunk.index);
        let rows = chunk.and_then(|chunk| chunk.row_count).map_or_else(String::new, |rows| format!(" of {rows} rows"));
        let message = format!("chunk {index}{rows} of statement {id} is not a valid Arrow stream: {why}");
        Error::new(ErrorKind::Decode, message)
    }

    fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<RecordBatch>>> {
        loop {
            if let Some(chunk) = &mut self.chunk {
                match chunk.next() {
                    Ok(Some(batch)) => return Poll::Ready(Ok(Some(batch))),
                    Ok(None) => self.chunk = None,
                    Err(why) => return Poll::Ready(Err(self.broken(why))),
                }
            }
            match ready!(Pin::new(&mut self.chunks).poll_next(cx)).transpose()? {
                Some(bytes) => self.open(bytes)?,
                None => {
                    self.schema.get_or_insert_with(|| columns::schema(self.chunks.columns()));
                    return Poll::Ready(Ok(None));
                }
            }
        }
    }
}

impl Stream for BatchStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let next = ready!(self.poll_batch(cx)).transpose();
        // After an error there is nothing more: what would come then has a hole.
        self.ended = !matches!(next, Some(Ok(_)));
        Poll::Ready(next)
    }
}

impl fmt::Debug for BatchStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchStream").field("schema", &self.schema).finish_non_exhaustive()
    }
}
