//! The chunks of a result, fetched ahead and delivered in order.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use databricks_core::{Body, Error, ErrorKind, Operation, Result, Timestamp};
use databricks_models::sql::statement_execution as operations;
use databricks_transport::{CallOptions, read_body};
use futures_core::Stream;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use http::{HeaderName, HeaderValue, Request, StatusCode, Uri};

use super::statement::{self, Statement};
use super::wire::{Answer, Link, ResultData};
use super::{Column, Query};
use crate::client::Client;
use crate::options::Options;

/// The bytes of a result, chunk by chunk in order.
///
/// A stream of chunks: a JSON list of rows, an Arrow IPC stream, or CSV, each complete in itself. Chunks are fetched ahead, so that
/// memory holds a window of them and never the result.
pub struct ChunkStream {
    inner: Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>,
}

impl ChunkStream {
    pub(super) fn of_query(query: Query) -> Self {
        let start = async move { Self::open(Statement::start(query, statement::WAIT).await?).await };
        Self { inner: Box::pin(stream::once(start).try_flatten()) }
    }

    pub(super) fn of_statement(statement: Statement) -> Self {
        Self { inner: Box::pin(stream::once(Self::open(statement)).try_flatten()) }
    }

    async fn open(statement: Statement) -> Result<impl Stream<Item = Result<Bytes>>> {
        let (_, chunks) = open(statement).await?;
        Ok(chunks)
    }

    /// The next chunk, or `None` after the last.
    ///
    /// # Errors
    /// Those of the statement and of fetching its result.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        self.inner.try_next().await
    }
}

impl Stream for ChunkStream {
    type Item = Result<Bytes>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inner.as_mut().poll_next(cx)
    }
}

impl std::fmt::Debug for ChunkStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ChunkStream")
    }
}

/// What a result looks like.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) statement_id: String,
    pub(super) columns: Arc<[Column]>,
    pub(super) truncated: bool,
    pub(super) total_rows: Option<i64>,
}

/// All that is fetched ahead together, in bytes.
const WINDOW: i64 = 64 << 20;

/// Waits for the statement and opens its result.
pub(super) async fn open(statement: Statement) -> Result<(Shape, impl Stream<Item = Result<Bytes>>)> {
    let mut statement = statement.wait().await?;
    let Answer { manifest, result, .. } = std::mem::take(statement.answer());
    let manifest = manifest.unwrap_or_default();
    let columns = manifest.schema.unwrap_or_default().columns.unwrap_or_default();
    let columns = columns
        .into_iter()
        .map(|c| Column::new(c.name.unwrap_or_default(), c.type_name.unwrap_or_default(), c.type_text.unwrap_or_default()));
    let shape = Shape {
        statement_id: statement.id().to_owned(),
        columns: columns.collect(),
        truncated: manifest.truncated.unwrap_or_default(),
        total_rows: manifest.total_row_count,
    };
    let largest = manifest.chunks.iter().flatten().filter_map(|chunk| chunk.byte_count).max().unwrap_or(0).max(1);
    let ahead = usize::try_from(WINDOW / largest).unwrap_or(1).clamp(1, statement.prefetch());
    let source = Source { client: statement.client().clone(), statement: Arc::from(statement.id()) };
    let count = manifest.total_chunk_count;
    let chunks = source.chunks(result, count, ahead);
    Ok((shape, chunks))
}

#[derive(Clone)]
struct Source {
    client: Client,
    statement: Arc<str>,
}

impl Source {
    /// All chunks. Their number is known from the manifest; where it is not, each chunk tells whether there is another.
    fn chunks(self, first: Option<ResultData>, count: Option<i64>, ahead: usize) -> impl Stream<Item = Result<Bytes>> {
        let source = self.clone();
        let known = stream::iter(first.is_some().then_some(0).into_iter().chain(1..count.unwrap_or(1))).map({
            let mut first = first;
            let follow = count.is_none();
            move |index| {
                let source = self.clone();
                let data = first.take();
                async move {
                    let (bytes, next) = source.chunk(index, data).await?;
                    Ok((bytes, next.filter(|_| follow)))
                }
            }
        });
        known.buffered(ahead).flat_map(move |chunk: Result<(Bytes, Option<i64>)>| match chunk {
            Err(error) => stream::once(std::future::ready(Err(error))).boxed(),
            Ok((bytes, next)) => {
                let first = stream::once(std::future::ready(Ok(bytes)));
                first.chain(source.clone().following(next)).boxed()
            }
        })
    }

    /// The chunks from `next` on, one after the other.
    fn following(self, next: Option<i64>) -> impl Stream<Item = Result<Bytes>> {
        stream::try_unfold((self, next), |(source, next)| async move {
            let Some(index) = next else { return Ok(None) };
            let (bytes, next) = source.chunk(index, None).await?;
            Ok(Some((bytes, (source, next))))
        })
    }

    /// One chunk, and the index of the one after it.
    async fn chunk(&self, index: i64, data: Option<ResultData>) -> Result<(Bytes, Option<i64>)> {
        let data = match data {
            Some(data) => data,
            None => self.describe(index).await?,
        };
        if let Some(rows) = data.data_array {
            return Ok((Bytes::copy_from_slice(rows.as_bytes()), data.next_chunk_index));
        }
        match data.external_links.unwrap_or_default().into_iter().next() {
            Some(link) => {
                let next = link.next_chunk_index.or(data.next_chunk_index);
                Ok((self.download(index, link).await?, next))
            }
            None => Ok((Bytes::new(), data.next_chunk_index)),
        }
    }

    /// Asks for the rows of a chunk, or for fresh links to it.
    async fn describe(&self, index: i64) -> Result<ResultData> {
        let operation = operations::GetStatementResultChunkN::new(&*self.statement, index);
        let request = operation.request(&self.client.context().await?)?;
        self.client.execute(request, &Options::default()).await?.json()
    }

    async fn renew(&self, index: i64) -> Result<Link> {
        let links = self.describe(index).await?.external_links.unwrap_or_default();
        links.into_iter().next().ok_or_else(|| {
            Error::new(ErrorKind::Decode, format!("the service gave no link to chunk {index} of statement {}", self.statement))
        })
    }

    /// Fetches a chunk from storage, with a fresh link where the old one has run out, and from its start where the storage failed.
    async fn download(&self, index: i64, mut link: Link) -> Result<Bytes> {
        let mut failures = 0;
        loop {
            if self.is_stale(&link) {
                link = self.renew(index).await?;
            }
            let error = match self.fetch(&link).await {
                Ok(bytes) => return Ok(bytes),
                Err(error) => error,
            };
            failures += 1;
            let refused = matches!(error.status(), Some(StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND));
            let passing = error.status().is_none_or(|status| status.is_server_error() || matches!(status.as_u16(), 408 | 429));
            if failures > 3 || !(refused || passing) {
                return Err(error);
            }
            if refused {
                link = self.renew(index).await?;
            } else {
                self.client.clock().sleep(Duration::from_secs(1 << failures.min(3))).await;
            }
        }
    }

    /// Whether the link ends within half a minute: too soon to start on it.
    fn is_stale(&self, link: &Link) -> bool {
        let Some(end) = link.expiration else { return false };
        let Ok(now) = Timestamp::try_from(self.client.clock().wall()) else { return false };
        end.as_unix_seconds() - now.as_unix_seconds() < 30
    }

    /// One attempt to fetch a chunk. Storage sees no credentials and no header of ours, only those that came with the link.
    async fn fetch(&self, link: &Link) -> Result<Bytes> {
        // The link is as good as a credential: no message may hold it.
        let broken =
            || Error::new(ErrorKind::Decode, format!("the service gave a link to a chunk of statement {} that is no URL", self.statement));
        let uri: Uri = link.external_link.as_deref().unwrap_or_default().parse().map_err(|_| broken())?;
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = uri;
        for (name, value) in link.http_headers.iter().flatten() {
            let name: HeaderName = name.parse().map_err(|_| broken())?;
            let mut value = HeaderValue::from_str(value).map_err(|_| broken())?;
            value.set_sensitive(true);
            request.headers_mut().insert(name, value);
        }
        request.extensions_mut().insert(CallOptions::default().operation("statement_execution.download").max_attempts(1));
        let response = self.client.send_anonymous(request).await?;
        read_body(response.into_body(), usize::MAX).await
    }
}
