//! Rows of a result, as a stream or all at once.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use databricks_core::{Error, ErrorKind, Result};
use futures_core::Stream;
use futures_util::stream::{StreamExt as _, TryStreamExt};
use serde::de::DeserializeOwned;

use super::cells::Chunk;
use super::row;
use super::statement::Statement;
use super::{ChunkStream, Column, Disposition, Query, Row};
use crate::Table;

/// The rows of a result, untyped, as they arrive.
#[must_use = "a stream does nothing until it is polled"]
pub struct RowStream {
    chunks: ChunkStream,
    chunk: Option<Arc<Chunk>>,
    at: usize,
    ended: bool,
}

impl RowStream {
    pub(super) fn of_query(query: Query) -> Self {
        Self::new(ChunkStream::rows_of_query(query))
    }

    pub(super) fn of_statement(statement: Statement) -> Self {
        Self::new(ChunkStream::rows_of_statement(statement))
    }

    fn new(chunks: ChunkStream) -> Self {
        Self { chunks, chunk: None, at: 0, ended: false }
    }

    /// The next row, or `None` after the last.
    ///
    /// # Errors
    /// Those of the statement and of fetching its result; [`ErrorKind::Decode`] when a chunk or the result has other
    /// rows than the service states.
    pub async fn try_next(&mut self) -> Result<Option<Row>> {
        TryStreamExt::try_next(self).await
    }

    /// All rows.
    ///
    /// # Errors
    /// As [`try_next`](Self::try_next), and when the service truncated the result although the query sets no limit.
    pub async fn try_collect(mut self) -> Result<Vec<Row>> {
        let rows = crate::stream::try_collect(&mut self).await?;
        self.check_truncated()?;
        Ok(rows)
    }

    /// All rows, with what else is known of the result, such as whether it was truncated.
    ///
    /// # Errors
    /// As [`try_next`](Self::try_next).
    pub async fn result_set(mut self) -> Result<ResultSet> {
        let rows = crate::stream::try_collect(&mut self).await?;
        let shape =
            self.chunks.shape().ok_or_else(|| Error::new(ErrorKind::Other, "the statement ended without a result"))?;
        Ok(ResultSet {
            statement_id: (*shape.statement_id).to_owned(),
            columns: shape.columns.to_vec(),
            truncated: shape.truncated,
            total_rows: shape.total_rows.and_then(|rows| i64::try_from(rows).ok()),
            disposition: shape.disposition,
            rows,
        })
    }

    /// The columns, in order; none before the first row or the end was returned.
    pub fn columns(&self) -> &[Column] {
        self.chunks.columns()
    }

    /// Whether a limit cut the result, be it one of the query or of the service; `false` before the first row or the
    /// end was returned.
    pub fn truncated(&self) -> bool {
        self.chunks.truncated()
    }

    pub(super) fn check_truncated(&self) -> Result<()> {
        self.chunks.check_truncated()
    }

    /// The rows that are there and not delivered: the chunk, and which of it is the next one.
    fn here(&self) -> Option<(&Arc<Chunk>, usize)> {
        self.chunk.as_ref().map(|chunk| (chunk, self.at)).filter(|(chunk, at)| *at < chunk.len())
    }

    /// Waits until there are rows; `false` after the last.
    fn poll_here(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool>> {
        loop {
            if self.here().is_some() {
                return Poll::Ready(Ok(true));
            }
            let Some(json) = ready!(self.chunks.poll_next_unpin(cx)).transpose()? else {
                return Poll::Ready(Ok(false));
            };
            let known = self.chunks.take_cells();
            let Some(shape) = self.chunks.shape() else { return Poll::Ready(Ok(false)) };
            let chunk =
                Chunk::read(shape.statement_id.clone(), shape.columns.clone(), json, known, self.chunks.rows_before())?;
            self.chunks.confirm_rows(chunk.len() as u64)?;
            self.chunk = Some(Arc::new(chunk));
            self.at = 0;
        }
    }

    /// The next row, as a function makes it of its chunk.
    fn poll_row<T>(
        &mut self,
        cx: &mut Context<'_>,
        make: impl FnOnce(&Arc<Chunk>, usize) -> T,
    ) -> Poll<Option<Result<T>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let polled = ready!(self.poll_here(cx));
        // After an error there is nothing more: what would come then has a hole.
        self.ended = !matches!(polled, Ok(true));
        if let Err(error) = polled {
            return Poll::Ready(Some(Err(error)));
        }
        let row = self.here().map(|(chunk, at)| make(chunk, at));
        self.at += 1;
        Poll::Ready(row.map(Ok))
    }
}

impl Stream for RowStream {
    type Item = Result<Row>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_row(cx, |chunk, at| Row::new(Arc::clone(chunk), at))
    }
}

impl fmt::Debug for RowStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream").field("chunks", &self.chunks).finish_non_exhaustive()
    }
}

/// The rows of a result as values of a type: a stream, or await it for all of them.
///
/// [`Row::read`] states which SQL type reads into which Rust type. Awaiting it fails when the service truncated the
/// result although the query sets no limit; as a stream it ends, and [`truncated`](Self::truncated) states so.
#[must_use = "a stream does nothing until it is polled"]
pub struct Rows<T> {
    rows: RowStream,
    read: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Rows<T> {
    pub(super) fn new(rows: RowStream) -> Self {
        Self { rows, read: PhantomData }
    }

    /// The next row, or `None` after the last.
    ///
    /// # Errors
    /// Those of the statement and of fetching its result; [`ErrorKind::Decode`] when a row does not fit the type.
    pub async fn try_next(&mut self) -> Result<Option<T>> {
        TryStreamExt::try_next(self).await
    }

    /// All rows.
    ///
    /// # Errors
    /// As [`try_next`](Self::try_next), and when the service truncated the result although the query sets no limit.
    pub async fn try_collect(mut self) -> Result<Vec<T>> {
        let mut all = Vec::new();
        while !self.rows.ended && std::future::poll_fn(|cx| self.rows.poll_here(cx)).await? {
            let Some((chunk, at)) = self.rows.here() else { break };
            all.reserve(chunk.len() - at);
            for index in at..chunk.len() {
                all.push(row::read(chunk, index)?);
            }
            self.rows.at = chunk.len();
        }
        self.rows.check_truncated()?;
        Ok(all)
    }

    /// The columns, in order; none before the first row or the end was returned.
    pub fn columns(&self) -> &[Column] {
        self.rows.columns()
    }

    /// Whether a limit cut the result, be it one of the query or of the service; `false` before the first row or the
    /// end was returned.
    pub fn truncated(&self) -> bool {
        self.rows.truncated()
    }

    pub(super) fn statement_id(&self) -> Option<&str> {
        self.rows.chunks.statement_id()
    }

    pub(super) fn check_truncated(&self) -> Result<()> {
        self.rows.check_truncated()
    }
}

impl<T: DeserializeOwned> Stream for Rows<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.rows.poll_row(cx, |chunk, at| row::read(chunk, at)).map(|row| row.map(|row| row?))
    }
}

impl<T: DeserializeOwned + Send + 'static> IntoFuture for Rows<T> {
    type Output = Result<Vec<T>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<Vec<T>>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.try_collect())
    }
}

impl<T> fmt::Debug for Rows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rows").field(&self.rows).finish()
    }
}

/// A whole result. Prints as a table.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ResultSet {
    /// The id of the statement.
    pub statement_id: String,
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// The rows, in order.
    pub rows: Vec<Row>,
    /// Whether a limit cut the result.
    pub truncated: bool,
    /// How many rows the service counted.
    pub total_rows: Option<i64>,
    /// How the result came: [`Disposition::Inline`] or [`Disposition::ExternalLinks`].
    pub disposition: Disposition,
}

impl ResultSet {
    /// The rows as values of a type; see [`Row::read`].
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] naming the column.
    pub fn read<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        self.rows.iter().map(Row::read).collect()
    }
}

impl fmt::Display for ResultSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(self.columns.iter().map(|column| column.name.as_str()));
        for row in &self.rows {
            table.push((0..self.columns.len()).map(|i| row.get(i).unwrap_or("NULL")));
        }
        table.fmt(f)
    }
}
