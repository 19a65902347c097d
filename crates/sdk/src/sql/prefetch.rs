//! Chunks fetched ahead of their reader, limited by number and bytes, and delivered in order.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use databricks_core::{Error, ErrorKind, Result};
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use super::source::{Described, Fetched, Here, Source};
use super::statement::{Report, Statement};
use super::tally::{Plan, Shape};
use super::wire::StatementResponse;
use super::{Column, Disposition};

/// Waits for the statement and opens its result.
pub(super) async fn open(statement: Statement) -> Result<(Arc<Shape>, Box<Prefetch>)> {
    let mut statement = statement.wait().await?;
    let format = statement.format();
    let StatementResponse { manifest, result, .. } = std::mem::take(statement.response());
    let stated = manifest.is_some();
    let manifest = manifest.unwrap_or_default();
    let id: Arc<str> = statement.id().into();
    let plan = Plan::new(&manifest).map_err(|error| about(&id, &error))?;
    let columns = manifest.schema.unwrap_or_default().columns.unwrap_or_default();
    let columns = columns.into_iter().map(|c| {
        Column::new(c.name.unwrap_or_default(), c.type_name.unwrap_or_default(), c.type_text.unwrap_or_default())
    });
    let linked = result.as_ref().is_some_and(|data| data.external_links.is_some());
    let shape = Shape {
        statement_id: Arc::clone(&id),
        columns: columns.collect(),
        format,
        disposition: if linked { Disposition::ExternalLinks } else { Disposition::Inline },
        truncated: manifest.truncated.unwrap_or_default(),
        limited: statement.is_limited(),
        total_rows: if plan.is_empty() { Some(0) } else { plan.total_rows },
    };
    let (ahead, window) = statement.prefetch();
    let source = Arc::new(Source::new(statement.client().clone(), Arc::clone(&id), statement.deadline()));
    let mut report = statement.report(Arc::clone(&id));
    report.total_chunks = manifest.total_chunk_count;
    report.total_rows = manifest.total_row_count;
    let first = match result.map(|data| source.take_in(0, data)).transpose()? {
        // What did not come along is asked for, unless there is nothing to come.
        Some(Described::Here(Here::Nothing(..))) | None => None,
        described => described,
    };
    let empty = first.is_none() && stated && plan.is_empty();
    // Rows that come inline lead from each chunk to the one after it.
    let in_turn = plan.total_chunks.is_none()
        || matches!(&first, Some(Described::Here(Here::Rows(_, _, next))) if next.is_some());
    let chunks = Box::new(Prefetch {
        next: Some(0).filter(|_| !empty),
        first,
        in_turn,
        plan,
        source,
        id,
        span: tracing::Span::current(),
        queue: VecDeque::new(),
        awaited: None,
        delivered: 0,
        held: 0,
        ahead,
        window: u64::try_from(window).unwrap_or_default(),
        typical: 0,
        report,
    });
    Ok((Arc::new(shape), chunks))
}

/// The same error, as one about the result of a statement.
fn about(id: &str, error: &Error) -> Error {
    Error::new(ErrorKind::Decode, format!("the result of statement {id} cannot be read: {}", error.message()))
}

/// The chunks of a result, in order.
pub(super) struct Prefetch {
    source: Arc<Source>,
    /// The chunk that came with the statement's response.
    first: Option<Described>,
    /// The index of the next chunk to ask for; `None` when there is none, or when only the chunk before it can tell.
    next: Option<i64>,
    /// Whether each chunk names the one after it, so that they are fetched one by one: while one is read, the next is
    /// on its way.
    in_turn: bool,
    plan: Plan,
    id: Arc<str>,
    span: tracing::Span,
    queue: VecDeque<Pending>,
    /// The chunk that is to be delivered next, if it has to be waited for.
    awaited: Option<Awaited>,
    /// The number of chunks that were delivered.
    delivered: i64,
    /// The bytes of what is in the queue.
    held: u64,
    ahead: usize,
    window: u64,
    /// The largest chunk so far, as a guess for those of unknown size.
    typical: u64,
    report: Report,
}

/// A chunk that is waited for.
struct Awaited {
    index: i64,
    bytes: u64,
    fetched: Pin<Box<dyn Future<Output = Result<Fetched>> + Send>>,
}

/// A chunk in the queue.
struct Pending {
    index: i64,
    bytes: u64,
    fetch: Fetch,
}

enum Fetch {
    /// It came with the response to the statement.
    Here(Result<Fetched>),
    /// It is fetched by a task of its own, so that it goes on while the reader is busy with the one before.
    Task(Task),
}

/// A task that ends when its result is no longer wanted.
struct Task(JoinHandle<Result<Fetched>>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Prefetch {
    /// The next chunk. After an error there is nothing more to ask for.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Fetched>>> {
        if let Some(awaited) = &mut self.awaited {
            let fetched = ready!(awaited.fetched.as_mut().poll(cx));
            let (index, bytes) = (awaited.index, awaited.bytes);
            self.awaited = None;
            return Poll::Ready(self.deliver(index, bytes, fetched).map(Some));
        }
        self.fill();
        let Some(Pending { index, bytes, fetch }) = self.queue.pop_front() else {
            let finished = self.plan.finish(self.delivered).map_err(|error| about(&self.id, &error));
            return Poll::Ready(finished.map(|()| None));
        };
        match fetch {
            Fetch::Here(fetched) => Poll::Ready(self.deliver(index, bytes, fetched).map(Some)),
            Fetch::Task(task) => {
                let source = Arc::clone(&self.source);
                let fetched = Box::pin(async move { join(&source, index, task).await });
                self.awaited = Some(Awaited { index, bytes, fetched });
                self.poll_next(cx)
            }
        }
    }

    fn deliver(&mut self, index: i64, bytes: u64, fetched: Result<Fetched>) -> Result<Fetched> {
        let fetched = fetched?;
        self.held = self.held.saturating_sub(bytes);
        self.delivered += 1;
        self.typical = self.typical.max(fetched.bytes.len() as u64);
        let next = self.plan.after(index, fetched.next).map_err(|error| about(&self.id, &error))?;
        if self.in_turn {
            self.next = next;
        }
        // What comes next is fetched while the reader works on this one.
        self.fill();
        self.report
            .delivered(i64::try_from(fetched.size.rows.unwrap_or_default()).unwrap_or(i64::MAX), fetched.bytes.len());
        Ok(fetched)
    }

    /// Starts as many chunks as the window has room for, at least one.
    fn fill(&mut self) {
        while let Some(index) = self.next {
            let size = self.plan.size(index);
            let stated = size.bytes.unwrap_or_default();
            // Nothing is known of the sizes before the first chunk is there, so that it comes alone.
            let unknown = stated == 0 && self.typical == 0;
            let bytes = if stated > 0 { stated } else { self.typical };
            let room = self.queue.len() < self.ahead && self.held.saturating_add(bytes) <= self.window && !unknown;
            if !(room || self.queue.is_empty()) {
                return;
            }
            let fetch = match self.first.take() {
                Some(Described::Here(here)) => Fetch::Here(self.source.here(index, here, size)),
                described => {
                    let source = self.source.clone();
                    let work = async move { source.chunk(index, described, size).await };
                    Fetch::Task(Task(tokio::spawn(work.instrument(self.span.clone()))))
                }
            };
            self.queue.push_back(Pending { index, bytes, fetch });
            // What one chunk is stated to hold may be any number.
            self.held = self.held.saturating_add(bytes);
            self.next = if self.in_turn { None } else { self.plan.after(index, None).unwrap_or_default() };
        }
    }
}

/// What a task has fetched.
async fn join(source: &Source, index: i64, mut task: Task) -> Result<Fetched> {
    let fetched = match source.left() {
        // A chunk that is there is delivered, however late its reader asks for it.
        Some(left) => {
            let fetched = tokio::time::timeout(left, &mut task.0).await;
            fetched.map_err(|_| source.timed_out(index))?
        }
        None => (&mut task.0).await,
    };
    fetched.map_err(|e| Error::new(ErrorKind::Other, "the task that fetches a chunk ended").with_source(e))?
}
