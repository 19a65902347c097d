//! A statement that runs or has run.

use std::fmt;
use std::time::Duration;

use databricks_core::{Error, ErrorKind, Operation, Result, StatementFailure};
use databricks_models::sql::statement_execution as operations;

use super::query::{Disposition, Settings};
use super::wire::{Answer, Status};
use super::{ChunkStream, Format, Query, RowStream, Rows};
use crate::client::Client;
use crate::options::Options;

/// One look at a statement that runs.
#[derive(Debug)]
#[non_exhaustive]
pub struct StatementProgress<'a> {
    /// Its id.
    pub statement_id: &'a str,
    /// Its state: `PENDING`, `RUNNING` and so on.
    pub state: &'a str,
    /// The time since it was started, or since it was first looked at.
    pub elapsed: Duration,
}

/// What is told of looks at a statement.
pub(super) struct OnProgress(pub(super) Box<dyn FnMut(StatementProgress<'_>) + Send>);

impl fmt::Debug for OnProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnProgress")
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
    prefetch: usize,
    on_progress: Option<OnProgress>,
    /// What is run anew with links if the result turns out too large to come inline.
    fallback: Option<Box<Settings>>,
}

/// The first pause between two looks, and the longest. The service gives up on statements that nobody looks at for 15 minutes.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// How long the service is asked to hold the answer back until the result is there.
pub(super) const WAIT: Duration = Duration::from_secs(10);

impl Statement {
    pub(super) async fn start(query: Query, wait: Duration) -> Result<Self> {
        let Query { client, settings } = query;
        let wait = settings.timeout.map_or(wait, |limit| wait.min(limit));
        Self::run(client, settings, wait, None).await
    }

    async fn run(client: Client, mut settings: Settings, wait: Duration, started: Option<std::time::Instant>) -> Result<Self> {
        let started = started.unwrap_or_else(|| client.clock().now());
        let request = settings.request(&client, settings.disposition, wait)?;
        let answer = send(&client, &request).await?;
        let id = answer.statement_id.clone().ok_or_else(|| Error::new(ErrorKind::Decode, "the answer has no statement_id"))?;
        let on_progress = settings.on_progress.take();
        let (format, timeout, prefetch) = (settings.format, settings.timeout, settings.prefetch);
        let again = settings.disposition == Disposition::Auto && settings.only_reads();
        let fallback = again.then(|| Box::new(settings));
        let guard = CancelGuard { client, id, armed: true };
        let mut statement = Self { guard, answer, format, timeout, started, prefetch, on_progress, fallback };
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
            prefetch: 4,
            on_progress: None,
            fallback: None,
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
            if self.timeout.is_some_and(|limit| elapsed + pause > limit) {
                let id = self.guard.id.clone();
                self.cancel().await?;
                return Err(Error::new(
                    ErrorKind::WaitTimeout,
                    format!("statement {id} did not end within {elapsed:.1?} and was cancelled"),
                )
                .with_hint("raise the timeout of the query"));
            }
            clock.sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
            self.status().await?;
        }
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

    pub(super) fn prefetch(&self) -> usize {
        self.prefetch
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
        if matches!(self.state(), "SUCCEEDED" | "FAILED" | "CANCELED" | "CLOSED") {
            self.guard.armed = false;
        }
    }

    fn tell(&mut self, elapsed: Duration) {
        let state = self.answer.status.as_ref().and_then(|status| status.state.as_deref()).unwrap_or_default();
        if let Some(OnProgress(told)) = &mut self.on_progress {
            told(StatementProgress { statement_id: &self.guard.id, state, elapsed });
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
        // Best effort: outside of a runtime nothing can be sent any more.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (client, id) = (self.client.clone(), std::mem::take(&mut self.id));
        runtime.spawn(async move {
            let mut options = Options::default();
            options.timeout(Duration::from_secs(10));
            let cancel = operations::CancelExecution::new(id.clone());
            if let Err(error) = crate::Call::send_ref(&client, &cancel, &options).await {
                tracing::warn!(statement_id = id, %error, "a statement that was dropped could not be cancelled");
            }
        });
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
