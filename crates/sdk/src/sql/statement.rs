//! A statement that runs or has run.

use std::fmt;
use std::time::Duration;

use databricks_core::{Error, ErrorKind, Operation, Result, StatementFailure};
use databricks_models::sql::statement_execution as operations;
use databricks_transport::SharedClock;
use futures_core::Stream;
use futures_util::future::{Either, select};
use futures_util::stream;
use tokio::sync::oneshot;
use tracing::Instrument as _;

use super::query::{Disposition, Settings};
use super::source::Deadline;
use super::wire::{Answer, Status};
use super::{ChunkStream, Format, Query, RowStream, Rows};
use crate::client::Client;
use crate::options::Options;

/// One look at a statement that runs, or one more chunk of its result.
#[derive(Debug)]
#[non_exhaustive]
pub struct StatementProgress<'a> {
    /// Its id.
    pub statement_id: &'a str,
    /// Its state: `PENDING`, `RUNNING` and so on.
    pub state: &'a str,
    /// The time since it was started, or since it was first looked at.
    pub elapsed: Duration,
    /// The chunks of the result that were delivered.
    pub chunks: i64,
    /// All chunks of the result, once known.
    pub total_chunks: Option<i64>,
    /// The rows in the chunks that were delivered.
    pub rows: i64,
    /// All rows of the result, once known.
    pub total_rows: Option<i64>,
    /// The bytes of the chunks that were delivered, as they came.
    pub bytes: i64,
}

/// What is told of looks at a statement.
pub(super) struct OnProgress(pub(super) Box<dyn FnMut(StatementProgress<'_>) + Send>);

impl fmt::Debug for OnProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnProgress")
    }
}

/// Tells of the result's way to the reader.
pub(super) struct Report {
    id: String,
    clock: SharedClock,
    started: std::time::Instant,
    on_progress: Option<OnProgress>,
    chunks: i64,
    rows: i64,
    bytes: i64,
    pub(super) total_chunks: Option<i64>,
    pub(super) total_rows: Option<i64>,
}

impl Report {
    /// Counts a chunk.
    pub(super) fn delivered(&mut self, rows: i64, bytes: usize) {
        self.chunks += 1;
        self.rows = self.rows.saturating_add(rows);
        self.bytes = self.bytes.saturating_add(i64::try_from(bytes).unwrap_or(i64::MAX));
        let elapsed = self.clock.now().saturating_duration_since(self.started);
        if let Some(OnProgress(told)) = &mut self.on_progress {
            told(StatementProgress {
                statement_id: &self.id,
                state: "SUCCEEDED",
                elapsed,
                chunks: self.chunks,
                total_chunks: self.total_chunks,
                rows: self.rows,
                total_rows: self.total_rows,
                bytes: self.bytes,
            });
        }
    }
}

/// A statement at the service, by its id.
///
/// Dropping it before it has ended cancels it at the service, unless it was [detached](Self::detach).
#[derive(Debug)]
pub struct Statement {
    guard: CancelGuard,
    answer: Answer,
    format: Format,
    timeout: Option<Duration>,
    started: std::time::Instant,
    /// Chunks and bytes that are fetched ahead.
    prefetch: (usize, i64),
    on_progress: Option<OnProgress>,
    /// What is run anew with links if the result turns out too large to come inline.
    fallback: Option<Box<Settings>>,
    /// Whether the query limits the rows or bytes of its result.
    limited: bool,
}

/// The first pause between two looks, and the longest. The service gives up on statements that nobody looks at for 15 minutes.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// How long the service is asked to hold the answer back until the result is there.
pub(super) const WAIT: Duration = Duration::from_secs(10);
/// What is fetched ahead unless the query says otherwise: chunks, and bytes in all.
pub(super) const PREFETCH: (usize, i64) = (4, 64 << 20);

impl Statement {
    pub(super) async fn start(query: Query, wait: Duration) -> Result<Self> {
        let Query { client, settings } = query;
        let wait = settings.timeout.map_or(wait, |limit| wait.min(limit));
        Self::run(client, settings, wait, None).await
    }

    async fn run(client: Client, mut settings: Settings, wait: Duration, started: Option<std::time::Instant>) -> Result<Self> {
        let started = started.unwrap_or_else(|| client.clock().now());
        let request = settings.request(&client, settings.disposition, wait)?;
        let answer = execute(&client, request).await?;
        let id = answer.statement_id.clone().ok_or_else(|| Error::new(ErrorKind::Decode, "the answer has no statement_id"))?;
        let on_progress = settings.on_progress.take();
        let (format, timeout, prefetch) = (settings.format, settings.timeout, (settings.prefetch, settings.prefetch_bytes));
        let limited = settings.row_limit.is_some() || settings.byte_limit.is_some();
        let again = settings.disposition == Disposition::Auto && settings.only_reads();
        let fallback = again.then(|| Box::new(settings));
        let guard = CancelGuard { client, id, armed: true };
        let mut statement = Self { guard, answer, format, timeout, started, prefetch, on_progress, fallback, limited };
        statement.settle();
        Ok(statement)
    }

    pub(crate) fn attach(client: Client, id: String) -> Self {
        let started = client.clock().now();
        let guard = CancelGuard { client, id, armed: false };
        Self {
            guard,
            answer: Answer::default(),
            format: Format::JsonArray,
            timeout: None,
            started,
            prefetch: PREFETCH,
            on_progress: None,
            fallback: None,
            limited: false,
        }
    }

    /// The id under which the statement can be found again for twelve hours.
    pub fn id(&self) -> &str {
        &self.guard.id
    }

    /// The state at the last look: `PENDING`, `RUNNING`, `SUCCEEDED`, `FAILED`, `CANCELED`, `CLOSED`; empty before the first look.
    pub fn state(&self) -> &str {
        self.answer.status.as_ref().and_then(|status| status.state.as_deref()).unwrap_or_default()
    }

    /// Looks at the statement and returns its state.
    ///
    /// # Errors
    /// When the service cannot be asked. A statement that failed is not an error here.
    pub async fn status(&mut self) -> Result<&str> {
        let look = operations::GetStatement::new(self.guard.id.clone());
        self.answer = send(&self.guard.client, &look).await?;
        self.settle();
        Ok(self.state())
    }

    /// Waits until the statement has ended well.
    ///
    /// # Errors
    /// [`ErrorKind::StatementFailed`], [`ErrorKind::StatementCanceled`], [`ErrorKind::StatementClosed`] (the result is no longer there) or
    /// [`ErrorKind::WaitTimeout`], after the statement was cancelled.
    pub async fn wait(mut self) -> Result<Self> {
        let clock = self.guard.client.clock().clone();
        let mut pause = PAUSES.0;
        if self.state().is_empty() {
            self.status().await?;
        }
        loop {
            let elapsed = clock.now().saturating_duration_since(self.started);
            self.tell(elapsed);
            match self.state() {
                "SUCCEEDED" => return Ok(self),
                // A closed statement whose result came along has done its work.
                "CLOSED" if self.answer.result.is_some() => return Ok(self),
                "FAILED" if self.is_too_large() => {
                    let Some(mut settings) = self.fallback.take() else { return Err(self.failure()) };
                    settings.disposition = Disposition::ExternalLinks;
                    settings.on_progress = self.on_progress.take();
                    let client = self.guard.client.clone();
                    self = Self::run(client, *settings, WAIT, Some(self.started)).await?;
                    continue;
                }
                "FAILED" | "CANCELED" | "CLOSED" => return Err(self.failure()),
                _ => {}
            }
            let left = self.timeout.map_or(pause, |limit| limit.saturating_sub(elapsed));
            if left.is_zero() {
                let id = self.guard.id.clone();
                if let Err(error) = self.cancel().await {
                    tracing::warn!(statement_id = id, %error, "a statement that took too long could not be cancelled");
                }
                let message = format!("statement {id} did not end within {elapsed:.1?} and was cancelled");
                return Err(Error::new(ErrorKind::WaitTimeout, message)
                    .with_hint("raise the timeout of the query")
                    .with_statement(StatementFailure::new(id, None, None)));
            }
            clock.sleep(pause.min(left)).await;
            pause = (pause * 2).min(PAUSES.1);
            self.status().await?;
        }
    }

    /// The states that the statement goes through from now on, each once, up to the last one: a stream.
    ///
    /// Failing is a state here and no error. The statement can be waited for or read afterwards.
    pub fn states(&mut self) -> impl Stream<Item = Result<String>> + Send + '_ {
        stream::unfold((Some(self), String::new(), PAUSES.0), |(statement, last, mut pause)| async move {
            let statement = statement?;
            if last.is_empty() && !statement.state().is_empty() {
                let state = statement.state().to_owned();
                return Some((Ok(state.clone()), ((!is_final(&state)).then_some(statement), state, pause)));
            }
            loop {
                if !last.is_empty() {
                    let clock = statement.guard.client.clock().clone();
                    clock.sleep(pause).await;
                    pause = (pause * 2).min(PAUSES.1);
                }
                let state = match statement.status().await {
                    Ok(state) => state.to_owned(),
                    Err(error) => return Some((Err(error), (None, last, pause))),
                };
                if state != last {
                    return Some((Ok(state.clone()), ((!is_final(&state)).then_some(statement), state, pause)));
                }
            }
        })
    }

    /// Asks the service to cancel the statement. It ends in the state `CANCELED`, unless it was quicker.
    ///
    /// # Errors
    /// When the service cannot be asked.
    pub async fn cancel(&mut self) -> Result<()> {
        self.guard.armed = false;
        let cancel = operations::CancelExecution::new(self.guard.id.clone());
        crate::Call::send_ref(&self.guard.client, &cancel, &Options::default()).await.map(drop)
    }

    /// Lets the statement go on when this handle is dropped.
    #[must_use]
    pub fn detach(mut self) -> Self {
        self.guard.armed = false;
        self
    }

    /// The rows, once the statement has ended: a stream, or await it for all of them.
    pub fn rows<T: serde::de::DeserializeOwned>(self) -> Rows<T> {
        Rows::new(self.row_stream())
    }

    /// The rows untyped, once the statement has ended.
    pub fn row_stream(self) -> RowStream {
        RowStream::of_statement(self)
    }

    /// The bytes of the result, chunk by chunk in order, once the statement has ended.
    pub fn chunks(self) -> ChunkStream {
        ChunkStream::of_statement(self)
    }

    pub(super) fn client(&self) -> &Client {
        &self.guard.client
    }

    pub(super) fn answer(&mut self) -> &mut Answer {
        &mut self.answer
    }

    /// How many chunks are fetched ahead, and how many bytes in all.
    pub(super) fn prefetch(&self) -> (usize, i64) {
        self.prefetch
    }

    /// Whether the query limits the rows or bytes of its result.
    pub(super) fn is_limited(&self) -> bool {
        self.limited
    }

    /// Until when the result must have arrived.
    pub(super) fn deadline(&self) -> Option<Deadline> {
        let timeout = self.timeout?;
        self.started.checked_add(timeout).map(|at| Deadline { at, timeout })
    }

    /// Hands over to the one that delivers the result.
    pub(super) fn report(&mut self) -> Report {
        Report {
            id: self.guard.id.clone(),
            clock: self.guard.client.clock().clone(),
            started: self.started,
            on_progress: self.on_progress.take(),
            chunks: 0,
            rows: 0,
            bytes: 0,
            total_chunks: None,
            total_rows: None,
        }
    }

    /// The format that the service gave the result in.
    pub fn format(&self) -> Format {
        match self.answer.manifest.as_ref().and_then(|manifest| manifest.format.as_deref()) {
            Some("ARROW_STREAM") => Format::ArrowStream,
            Some("CSV") => Format::Csv,
            Some("JSON_ARRAY") => Format::JsonArray,
            _ => self.format,
        }
    }

    /// A statement that has ended needs no cancelling.
    fn settle(&mut self) {
        if is_final(self.state()) {
            self.guard.armed = false;
        }
    }

    fn tell(&mut self, elapsed: Duration) {
        let state = self.answer.status.as_ref().and_then(|status| status.state.as_deref()).unwrap_or_default();
        if let Some(OnProgress(told)) = &mut self.on_progress {
            told(StatementProgress {
                statement_id: &self.guard.id,
                state,
                elapsed,
                chunks: 0,
                total_chunks: None,
                rows: 0,
                total_rows: None,
                bytes: 0,
            });
        }
    }

    /// Whether it failed for no other reason than that the result does not fit into answers of the API.
    fn is_too_large(&self) -> bool {
        let message = self.answer.status.as_ref().and_then(|status| status.error.as_ref()).and_then(|error| error.message.as_deref());
        message.is_some_and(|text| text.contains("INLINE") && (text.contains("limit") || text.contains("exceed")))
    }

    fn failure(&self) -> Error {
        let empty = Status::default();
        let status = self.answer.status.as_ref().unwrap_or(&empty);
        let error = status.error.clone().unwrap_or_default();
        let (code, message) = (error.error_code.unwrap_or_default(), error.message.unwrap_or_default());
        let (kind, what) = match self.state() {
            "CANCELED" => (ErrorKind::StatementCanceled, "was cancelled"),
            "CLOSED" => (ErrorKind::StatementClosed, "is closed, its result is no longer there"),
            _ => (ErrorKind::StatementFailed, "failed"),
        };
        let sql_state = status.sql_state.clone().filter(|state| !state.is_empty()).or_else(|| sql_state_in(&message));
        let mut text = format!("statement {} {what}", self.guard.id);
        for part in [&code, &message] {
            if !part.is_empty() {
                text.push_str(": ");
                text.push_str(part);
            }
        }
        let failure = StatementFailure::new(self.guard.id.clone(), (!code.is_empty()).then_some(code), sql_state);
        Error::new(kind, text).with_statement(failure)
    }
}

/// The SQLSTATE that some messages end with: `… SQLSTATE: 42703`.
fn sql_state_in(message: &str) -> Option<String> {
    let (_, rest) = message.rsplit_once("SQLSTATE:")?;
    let state: String = rest.trim_start().chars().take_while(char::is_ascii_alphanumeric).collect();
    (state.len() == 5).then_some(state)
}

fn is_final(state: &str) -> bool {
    matches!(state, "SUCCEEDED" | "FAILED" | "CANCELED" | "CLOSED")
}

/// Starts a statement.
///
/// The service holds its answer back while the statement runs, and the id is not known before: whoever stops waiting could not cancel
/// what was started. So a task of its own waits for the answer, and cancels the statement if nobody wants it any more.
async fn execute(client: &Client, request: operations::ExecuteStatement) -> Result<Answer> {
    let (mut tell, told) = oneshot::channel();
    let abandoned = client.clone();
    let task = async move {
        let mut sending = std::pin::pin!(send(&abandoned, &request));
        let answer = match select(&mut sending, std::pin::pin!(tell.closed())).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => match select(&mut sending, abandoned.clock().sleep(WAIT * 2)).await {
                Either::Left((answer, _)) => answer,
                Either::Right(_) => {
                    tracing::warn!("a statement that was dropped while it was being started may run on: the service did not answer");
                    return;
                }
            },
        };
        if let Err(Ok(Answer { statement_id: Some(id), status, .. })) = tell.send(answer)
            && !status.and_then(|status| status.state).is_some_and(|state| is_final(&state))
        {
            let cancel = operations::CancelExecution::new(id);
            abandoned.call_in_background(cancel, "a statement that was dropped could not be cancelled");
        }
    };
    client.background().spawn(task.instrument(tracing::Span::current()));
    told.await.map_err(|e| Error::new(ErrorKind::Other, "the runtime ended before the statement was started").with_source(e))?
}

/// Sends an operation of the statement API and reads its answer with the rows left as they are.
async fn send<O: Operation>(client: &Client, operation: &O) -> Result<Answer> {
    let request = operation.request(&client.context().await?)?;
    client.execute(request, &Options::default()).await?.json()
}

/// Cancels a statement that nobody waits for any more.
#[derive(Debug)]
struct CancelGuard {
    client: Client,
    id: String,
    armed: bool,
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        let cancel = operations::CancelExecution::new(std::mem::take(&mut self.id));
        self.client.call_in_background(cancel, "a statement that was dropped could not be cancelled");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_sqlstate_in_a_message() {
        assert_eq!(sql_state_in("[UNRESOLVED_COLUMN] x. SQLSTATE: 42703; line 1").as_deref(), Some("42703"));
        assert_eq!(sql_state_in("nothing here"), None);
    }
}
