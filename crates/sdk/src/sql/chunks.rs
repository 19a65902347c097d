//! The chunks of a result, fetched ahead and delivered in order.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use databricks_core::operation::OperationInfo;
use databricks_core::{Error, ErrorKind, Operation, Result, Timestamp};
use databricks_models::sql::statement_execution as operations;
use futures_core::Stream;
use futures_util::stream::{self, TryStreamExt as _};
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use super::statement::{self, Report, Statement};
use super::storage::{Download, Next};
use super::wire::{Answer, Link, ResultData};
use super::{Column, Disposition, Query};
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
        Ok(chunks.map_ok(|chunk| chunk.bytes))
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
    pub(super) disposition: Disposition,
}

/// A chunk that has arrived.
pub(super) struct Fetched {
    pub(super) bytes: Bytes,
    /// How many rows the service says it has.
    rows: i64,
    /// The index of the chunk after it, as the service said.
    next: Option<i64>,
}

/// Waits for the statement and opens its result.
pub(super) async fn open(statement: Statement) -> Result<(Shape, impl Stream<Item = Result<Fetched>>)> {
    let mut statement = statement.wait().await?;
    let Answer { manifest, result, .. } = std::mem::take(statement.answer());
    let manifest = manifest.unwrap_or_default();
    let columns = manifest.schema.unwrap_or_default().columns.unwrap_or_default();
    let columns = columns
        .into_iter()
        .map(|c| Column::new(c.name.unwrap_or_default(), c.type_name.unwrap_or_default(), c.type_text.unwrap_or_default()));
    let linked = result.as_ref().is_some_and(|data| data.external_links.is_some());
    let shape = Shape {
        statement_id: statement.id().to_owned(),
        columns: columns.collect(),
        truncated: manifest.truncated.unwrap_or_default(),
        total_rows: manifest.total_row_count,
        disposition: if linked { Disposition::ExternalLinks } else { Disposition::Inline },
    };
    let mut sizes = BTreeMap::new();
    for (position, chunk) in manifest.chunks.into_iter().flatten().enumerate() {
        let index = chunk.chunk_index.unwrap_or(i64::try_from(position).unwrap_or(i64::MAX));
        sizes.insert(index, (chunk.byte_count.unwrap_or(0), chunk.row_count));
    }
    let (ahead, window) = statement.prefetch();
    let source = Arc::new(Source {
        client: statement.client().clone(),
        statement: statement.id().to_owned(),
        known: Mutex::default(),
        base: tracing::Span::current(),
    });
    let mut report = statement.report();
    report.total_chunks = manifest.total_chunk_count;
    report.total_rows = manifest.total_row_count;
    let first = result.map(|data| source.take_in(0, data));
    let in_turn = match &first {
        // Rows that come inline lead from each chunk to the one after it.
        Some(Described::Rows(_, _, next)) => next.is_some(),
        _ => false,
    };
    let chunks = Prefetch {
        next: Some(0).filter(|_| first.is_some()),
        first,
        total: manifest.total_chunk_count,
        in_turn: in_turn || manifest.total_chunk_count.is_none(),
        source,
        sizes,
        queue: VecDeque::new(),
        held: 0,
        ahead,
        window,
        typical: 0,
        report,
    };
    Ok((shape, stream::try_unfold(chunks, Prefetch::advance)))
}

/// Fetches chunks ahead of the reader, within bounds of number and bytes, and hands them out in order.
struct Prefetch {
    source: Arc<Source>,
    /// The chunk that came with the statement's answer.
    first: Option<Described>,
    /// The index of the next chunk to ask for; `None` when there is none, or when only the chunk before it can tell.
    next: Option<i64>,
    /// The number of chunks, if the service stated it.
    total: Option<i64>,
    /// Whether each chunk tells where the one after it is, so that they are fetched one by one: while one is read, the next is on its way.
    in_turn: bool,
    /// Bytes and rows by chunk, as far as the service stated them.
    sizes: BTreeMap<i64, (i64, Option<i64>)>,
    queue: VecDeque<Pending>,
    /// The bytes of what is in the queue.
    held: i64,
    ahead: usize,
    window: i64,
    /// The largest chunk so far, as a guess for those of unknown size.
    typical: i64,
    report: Report,
}

/// A chunk on its way, fetched by a task of its own so that it goes on while the reader is busy with the one before.
struct Pending {
    index: i64,
    bytes: i64,
    task: JoinHandle<Result<Fetched>>,
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Prefetch {
    /// The next chunk.
    async fn advance(mut self) -> Result<Option<(Fetched, Self)>> {
        self.fill();
        let Some(mut pending) = self.queue.pop_front() else { return Ok(None) };
        let fetched = (&mut pending.task).await;
        let fetched = fetched.map_err(|e| Error::new(ErrorKind::Other, "the task that fetches a chunk ended").with_source(e))??;
        self.held -= pending.bytes;
        self.typical = self.typical.max(i64::try_from(fetched.bytes.len()).unwrap_or(i64::MAX));
        if self.in_turn {
            self.next = fetched.next.or(self.after(pending.index));
        }
        // What comes next is fetched while the reader works on this one.
        self.fill();
        let rows = self.sizes.get(&pending.index).and_then(|(_, rows)| *rows).unwrap_or(fetched.rows);
        self.report.delivered(rows, fetched.bytes.len());
        Ok(Some((fetched, self)))
    }

    /// Starts as many chunks as the window has room for, at least one.
    fn fill(&mut self) {
        while let Some(index) = self.next {
            let stated = self.sizes.get(&index).map_or(0, |(bytes, _)| *bytes);
            // Nothing is known of the sizes before the first chunk is there, so that it comes alone.
            let unknown = stated == 0 && self.typical == 0;
            let bytes = if stated > 0 { stated } else { self.typical };
            let room = self.queue.len() < self.ahead && self.held.saturating_add(bytes) <= self.window && !unknown;
            if !(room || self.queue.is_empty()) {
                return;
            }
            let (source, described) = (self.source.clone(), self.first.take());
            let span = self.source.base.clone();
            let task = tokio::spawn(async move { source.chunk(index, described).await }.instrument(span));
            self.queue.push_back(Pending { index, bytes, task });
            self.held += bytes;
            self.next = if self.in_turn { None } else { self.after(index) };
        }
    }

    /// The index of the chunk after this one, as far as the number of chunks tells.
    fn after(&self, index: i64) -> Option<i64> {
        self.total.filter(|total| index + 1 < *total).map(|_| index + 1)
    }
}

/// What the service said about a chunk.
enum Described {
    Rows(Bytes, i64, Option<i64>),
    Link(Link),
    /// Nothing: an empty chunk.
    Empty(Option<i64>),
}

/// Where the chunks of a statement come from.
struct Source {
    client: Client,
    statement: String,
    known: Mutex<Known>,
    base: tracing::Span,
}

/// What answers said about chunks other than the one asked for.
#[derive(Default)]
struct Known {
    links: BTreeMap<i64, Link>,
    /// Paths that describe chunks.
    paths: BTreeMap<i64, String>,
}

impl Source {
    /// One chunk.
    async fn chunk(&self, index: i64, described: Option<Described>) -> Result<Fetched> {
        let described = match described {
            Some(described) => described,
            None => match self.known(|known| known.links.remove(&index)) {
                Some(link) => Described::Link(link),
                None => self.describe(index).await?,
            },
        };
        match described {
            Described::Rows(bytes, rows, next) => Ok(Fetched { bytes, rows, next }),
            Described::Empty(next) => Ok(Fetched { bytes: Bytes::new(), rows: 0, next }),
            Described::Link(link) => {
                let (rows, next) = (link.row_count.unwrap_or(0), link.next_chunk_index);
                Ok(Fetched { bytes: self.download(index, link).await?, rows, next })
            }
        }
    }

    fn known<T>(&self, use_it: impl FnOnce(&mut Known) -> T) -> T {
        use_it(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps what an answer says about other chunks and returns what it says about this one.
    fn take_in(&self, index: i64, data: ResultData) -> Described {
        let links = data.external_links.unwrap_or_default();
        let mut own = None;
        self.known(|known| {
            let mut path = |next: Option<i64>, path: Option<String>| {
                if let (Some(next), Some(path)) = (next, path) {
                    known.paths.insert(next, path);
                }
            };
            path(data.next_chunk_index, data.next_chunk_internal_link);
            for mut link in links {
                path(link.next_chunk_index, link.next_chunk_internal_link.take());
                match link.chunk_index {
                    Some(other) if other != index => drop(known.links.insert(other, link)),
                    _ => own = own.take().or(Some(link)),
                }
            }
        });
        match (data.data_array, own) {
            (Some(rows), _) => Described::Rows(rows.into_bytes(), data.row_count.unwrap_or(0), data.next_chunk_index),
            (None, Some(mut link)) => {
                link.next_chunk_index = link.next_chunk_index.or(data.next_chunk_index);
                Described::Link(link)
            }
            (None, None) => Described::Empty(data.next_chunk_index),
        }
    }

    /// Asks for the rows of a chunk, or for fresh links to it.
    async fn describe(&self, index: i64) -> Result<Described> {
        let operation = operations::GetStatementResultChunkN::new(self.statement.clone(), index);
        let info: &'static OperationInfo = operations::GetStatementResultChunkN::INFO;
        let data = match self.known(|known| known.paths.get(&index).cloned()) {
            Some(path) => self.client.get_path(info, &path).await?.json()?,
            None => {
                let request = operation.request(&self.client.context().await?)?;
                self.client.execute(request, &Options::default()).await?.json()?
            }
        };
        Ok(self.take_in(index, data))
    }

    async fn renew(&self, index: i64) -> Result<Link> {
        match self.describe(index).await? {
            Described::Link(link) => Ok(link),
            _ => {
                let message = format!("the service gave no link to chunk {index} of statement {}", self.statement);
                Err(Error::new(ErrorKind::Decode, message))
            }
        }
    }

    /// Fetches a chunk from storage, with a fresh link where the old one has run out.
    async fn download(&self, index: i64, mut link: Link) -> Result<Bytes> {
        let mut download = Download::default();
        // A link that was just asked for is used, however soon it ends by this machine's clock.
        let mut fresh = false;
        loop {
            if !fresh && self.is_stale(&link) {
                link = self.renew(index).await?;
            }
            fresh = false;
            match download.attempt(&self.client, &link).await {
                Ok(()) => return Ok(download.finish()),
                Err(Next::Renew) => {
                    link = self.renew(index).await?;
                    fresh = true;
                }
                Err(Next::Pause(pause)) => self.client.clock().sleep(pause).await,
                Err(Next::Fail(error)) => return Err(error),
            }
        }
    }

    /// Whether the link ends within half a minute: too soon to start on it.
    fn is_stale(&self, link: &Link) -> bool {
        let Some(end) = link.expiration else { return false };
        let Ok(now) = Timestamp::try_from(self.client.clock().wall()) else { return false };
        end.as_unix_seconds() - now.as_unix_seconds() < 30
    }
}
