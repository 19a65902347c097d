//! Rows of a result, as a stream or all at once.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use databricks_core::{Error, ErrorKind, Result};
use futures_core::Stream;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::de::DeserializeOwned;

use super::cells::Chunk;
use super::chunks::{self, Shape};
use super::statement::{self, Statement};
use super::{Column, Disposition, Format, Query, Row};
use crate::Table;

/// What a result looks like, with a chunk of it but for the first time.
type Chunks = Pin<Box<dyn Stream<Item = Result<(Shape, Option<Arc<Chunk>>)>> + Send>>;

/// The rows of a result, untyped, as they arrive.
pub struct RowStream {
    chunks: Chunks,
    shape: Option<Shape>,
    chunk: Option<Arc<Chunk>>,
    at: usize,
}

impl RowStream {
    pub(super) fn of_query(query: Query) -> Self {
        Self::new(async move { Statement::start(query, statement::WAIT).await })
    }

    pub(super) fn of_statement(statement: Statement) -> Self {
        Self::new(std::future::ready(Ok(statement)))
    }

    fn new(statement: impl Future<Output = Result<Statement>> + Send + 'static) -> Self {
        let open = async move {
            let statement = statement.await?;
            let (id, format) = (statement.id().to_owned(), statement.format());
            if format != Format::JsonArray {
                return Err(Error::new(
                    ErrorKind::InvalidInput,
                    format!("the result of statement {id} is not JSON; read it with chunks()"),
                ));
            }
            let (shape, chunks) = chunks::open(statement).await?;
            let head = stream::once(std::future::ready(Ok((shape.clone(), None))));
            let mut before = 0;
            let rows = chunks.map(move |chunk| {
                let json = chunk?.bytes;
                let json = if json.is_empty() { Bytes::from_static(b"[]") } else { json };
                let chunk = Chunk::read(shape.columns.clone(), json, before)?;
                before += chunk.len() as u64;
                Ok((shape.clone(), Some(Arc::new(chunk))))
            });
            Ok(head.chain(rows))
        };
        Self { chunks: Box::pin(stream::once(open).try_flatten()), shape: None, chunk: None, at: 0 }
    }

    /// The next row, or `None` after the last.
    ///
    /// # Errors
    /// Those of the statement and of fetching its result.
    pub async fn next(&mut self) -> Result<Option<Row>> {
        self.try_next().await
    }

    /// All rows, with what else is known of the result.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn collect(mut self) -> Result<ResultSet> {
        let mut rows = Vec::new();
        while let Some(row) = self.next().await? {
            rows.push(row);
        }
        let shape = self.shape.ok_or_else(|| Error::new(ErrorKind::Other, "the statement ended without a result"))?;
        Ok(ResultSet {
            statement_id: shape.statement_id,
            columns: shape.columns.to_vec(),
            truncated: shape.truncated,
            total_rows: shape.total_rows,
            disposition: shape.disposition,
            rows,
        })
    }
}

impl Stream for RowStream {
    type Item = Result<Row>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(chunk) = &self.chunk
                && self.at < chunk.len()
            {
                let row = Row::new(chunk.clone(), self.at);
                self.at += 1;
                return Poll::Ready(Some(Ok(row)));
            }
            match ready!(self.chunks.as_mut().poll_next(cx)) {
                Some(Ok((shape, chunk))) => {
                    self.shape = Some(shape);
                    self.chunk = chunk;
                    self.at = 0;
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl fmt::Debug for RowStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream").field("shape", &self.shape).finish_non_exhaustive()
    }
}

/// The rows of a result as values of a type: a stream, or await it for all of them.
///
/// [`Row::read`] says which SQL type reads into which Rust type.
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
    pub async fn next(&mut self) -> Result<Option<T>> {
        self.try_next().await
    }
}

impl<T: DeserializeOwned> Stream for Rows<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.rows.poll_next_unpin(cx).map(|row| row.map(|row| row?.read()))
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
