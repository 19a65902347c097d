//! The chunks of a result, in order.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use databricks_core::{Error, ErrorKind, Result};
use futures_core::Stream;
use futures_util::stream::TryStreamExt;

use super::prefetch::{self, Prefetch};
use super::source::Fetched;
use super::statement::{self, Statement};
use super::tally::{ChunkInfo, Shape, Tally};
use super::{Column, Format, Query, cells, csv};

/// The bytes of a result, chunk by chunk in order.
///
/// A stream of chunks: a JSON list of rows, an Arrow IPC stream, or CSV, each complete in itself. Chunks are fetched
/// ahead, so that memory holds a window of them and never the result.
///
/// The rows of JSON and CSV are counted and compared with what the service states; the rows of Arrow are those that the
/// service states until a reader [confirms](Self::confirm_rows) them.
#[must_use = "a stream does nothing until it is polled"]
pub struct ChunkStream {
    state: State,
    shape: Option<Arc<Shape>>,
    /// The chunk that was returned last.
    last: Option<ChunkInfo>,
    /// Its cells, if they are known.
    cells: Option<cells::Known>,
    /// Its rows are yet to be taken into the tally.
    uncounted: bool,
    tally: Tally,
    /// Whether rows are counted here.
    counts: bool,
    ended: bool,
}

type Opening = Pin<Box<dyn Future<Output = Result<(Arc<Shape>, Box<Prefetch>)>> + Send>>;

/// What reads the chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    /// What takes them as they are.
    Any,
    /// What takes JSON alone, and confirms the rows itself.
    Rows,
}

async fn start(query: Query, reader: Reader) -> Result<(Arc<Shape>, Box<Prefetch>)> {
    let statement = Statement::start(query.client, query.settings, statement::WAIT).await?;
    open(statement, reader).await
}

async fn open(statement: Statement, reader: Reader) -> Result<(Arc<Shape>, Box<Prefetch>)> {
    if reader == Reader::Rows && statement.format() != Format::JsonArray {
        let message = format!("the result of statement {} is not JSON; read it with chunks()", statement.id());
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    prefetch::open(statement).await
}

enum State {
    /// The statement is started or waited for.
    Opening(Opening),
    Open(Box<Prefetch>),
}

impl ChunkStream {
    pub(super) fn of_query(query: Query) -> Self {
        Self::new(Box::pin(start(query, Reader::Any)), Reader::Any)
    }

    pub(super) fn of_statement(statement: Statement) -> Self {
        Self::new(Box::pin(open(statement, Reader::Any)), Reader::Any)
    }

    /// The chunks of a query for a reader of rows.
    pub(super) fn rows_of_query(query: Query) -> Self {
        Self::new(Box::pin(start(query, Reader::Rows)), Reader::Rows)
    }

    /// The chunks of a statement for a reader of rows.
    pub(super) fn rows_of_statement(statement: Statement) -> Self {
        Self::new(Box::pin(open(statement, Reader::Rows)), Reader::Rows)
    }

    fn new(opening: Opening, reader: Reader) -> Self {
        Self {
            state: State::Opening(opening),
            shape: None,
            last: None,
            cells: None,
            uncounted: false,
            tally: Tally::default(),
            counts: reader == Reader::Any,
            ended: false,
        }
    }

    /// The next chunk, or `None` after the last.
    ///
    /// # Errors
    /// Those of the statement and of fetching its result; [`ErrorKind::Decode`] when a chunk or the result has other
    /// rows than the service states.
    pub async fn try_next(&mut self) -> Result<Option<Bytes>> {
        TryStreamExt::try_next(self).await
    }

    /// All chunks.
    ///
    /// # Errors
    /// As [`try_next`](Self::try_next), and when the result was truncated although the query sets no limit.
    pub async fn try_collect(mut self) -> Result<Vec<Bytes>> {
        let chunks = crate::stream::try_collect(&mut self).await?;
        self.check_truncated()?;
        Ok(chunks)
    }

    /// The id of the statement; `None` before the first chunk or the end was returned.
    pub fn statement_id(&self) -> Option<&str> {
        self.shape.as_deref().map(|shape| &*shape.statement_id)
    }

    /// The columns, in order; none before the first chunk or the end was returned.
    pub fn columns(&self) -> &[Column] {
        self.shape.as_deref().map_or(&[], |shape| &*shape.columns)
    }

    /// Whether a limit cut the result, be it one of the query or of the service; `false` before the first chunk or the
    /// end was returned.
    pub fn truncated(&self) -> bool {
        self.shape.as_deref().is_some_and(|shape| shape.truncated)
    }

    /// The chunk that was returned last.
    pub fn last_chunk(&self) -> Option<ChunkInfo> {
        self.last
    }

    /// Compares the rows that a reader found in the last chunk with what the service states. They also count for the
    /// result as a whole, which is compared when it ends.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] when the service states another number.
    pub fn confirm_rows(&mut self, rows: u64) -> Result<()> {
        let counted = self.count(Some(rows));
        self.ended |= counted.is_err();
        counted
    }

    /// Takes the rows of the last chunk into the tally, unless that was done.
    fn count(&mut self, found: Option<u64>) -> Result<()> {
        match (&self.shape, &self.last) {
            (Some(shape), Some(chunk)) if std::mem::take(&mut self.uncounted) => self.tally.chunk(shape, chunk, found),
            _ => Ok(()),
        }
    }

    /// The cells of the last chunk, if they are known already.
    pub(super) fn take_cells(&mut self) -> Option<cells::Known> {
        self.cells.take()
    }

    pub(super) fn shape(&self) -> Option<&Arc<Shape>> {
        self.shape.as_ref()
    }

    /// The number of rows before the next chunk.
    pub(super) fn rows_before(&self) -> u64 {
        self.tally.rows()
    }

    /// Checks that the service did not truncate the result, unless the query sets a limit: for ways of reading that
    /// return nothing but rows.
    ///
    /// # Errors
    /// When the result was truncated although the query sets no limit.
    pub fn check_truncated(&self) -> Result<()> {
        let Some(shape) = self.shape.as_deref().filter(|shape| shape.truncated && !shape.limited) else {
            return Ok(());
        };
        let message =
            format!("the result of statement {} was truncated after {} rows", shape.statement_id, self.tally.rows());
        Err(Error::new(ErrorKind::Other, message).with_hint(
            "read it as a stream, whose truncated() says so, or set row_limit or byte_limit if a part of the result is what you want",
        ))
    }

    fn arrived(&mut self, fetched: Fetched) -> Result<Bytes> {
        let Fetched { index, mut bytes, cells: known, size, absent, .. } = fetched;
        self.cells = known;
        let Some(shape) = self.shape.clone() else { return Ok(bytes) };
        let broken = |what: &str| {
            let rows = size.rows.map_or_else(String::new, |rows| format!(" of {rows} rows"));
            Err(Error::new(
                ErrorKind::Decode,
                format!("chunk {index}{rows} of statement {} {what}", shape.statement_id),
            ))
        };
        if absent && shape.format == Format::JsonArray {
            bytes = Bytes::from_static(b"[]");
        }
        let found = match shape.format {
            Format::JsonArray if self.counts => Some(cells::count(&shape.statement_id, &bytes, self.tally.rows())?),
            Format::Csv if !absent && index == 0 && bytes.is_empty() => return broken("has no heading"),
            Format::Csv => Some(csv::records(&bytes).saturating_sub(u64::from(index == 0))),
            Format::ArrowStream if !absent && bytes.is_empty() => return broken("is empty, which no Arrow stream is"),
            Format::ArrowStream if is_cut_off(&bytes) => return broken("is an Arrow stream without its end mark"),
            Format::ArrowStream | Format::JsonArray => None,
        };
        self.last = Some(ChunkInfo { index, row_offset: size.offset, row_count: size.rows });
        self.uncounted = true;
        if found.is_some() {
            self.count(found)?;
        }
        Ok(bytes)
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>>> {
        loop {
            match &mut self.state {
                State::Opening(open) => {
                    let (shape, chunks) = ready!(open.as_mut().poll(cx))?;
                    self.shape = Some(shape);
                    self.state = State::Open(chunks);
                }
                State::Open(chunks) => {
                    let next = ready!(chunks.poll_next(cx))?;
                    self.count(None)?;
                    if let Some(fetched) = next {
                        return Poll::Ready(self.arrived(fetched).map(Some));
                    }
                    if let Some(shape) = &self.shape {
                        self.tally.finish(shape)?;
                    }
                    return Poll::Ready(Ok(None));
                }
            }
        }
    }
}

/// Whether this is probably an Arrow stream that lacks its last eight bytes. The reader finds out what is not an Arrow
/// stream at all.
fn is_cut_off(bytes: &[u8]) -> bool {
    const CONTINUATION: &[u8] = &[0xff; 4];
    const END: &[u8] = &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
    bytes.starts_with(CONTINUATION) && !bytes.ends_with(END)
}

impl Stream for ChunkStream {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let next = ready!(self.poll_chunk(cx)).transpose();
        // After an error there is nothing more: what would come then has a hole.
        self.ended = !matches!(next, Some(Ok(_)));
        Poll::Ready(next)
    }
}

impl fmt::Debug for ChunkStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkStream").field("shape", &self.shape).field("last", &self.last).finish_non_exhaustive()
    }
}
