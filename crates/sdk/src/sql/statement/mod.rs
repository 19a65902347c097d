//! A statement that runs or has run.

mod failure;
mod report;
mod start;
mod target;

use std::sync::Arc;
use std::time::Duration;

use databricks_core::{Error, ErrorKind, Operation, Result, StatementFailure};
use databricks_models::sql::{StatementState, statement_execution as operations};
use futures_util::stream;

use self::failure::name_warehouse;
pub(super) use self::report::Report;
use self::start::execute;
use self::target::{Target, is_final};
use super::progress::OnProgress;
use super::settings::{Disposition, Settings};
use super::source::Deadline;
use super::wire::StatementResponse;
use super::{ChunkStream, Format, RowStream, Rows, StatementProgress};
use crate::client::Client;
use crate::options::Options;
use crate::poll::{Pace, PollOptions, Pollable as _, Poller, Updates};

/// A statement at the service, by its id.
///
/// Dropping it before it has ended cancels it at the service, unless it was [detached](Self::detach). So does a timeout
/// of its query that has passed. A statement that can no longer be polled is left to run: the error has its id, under
/// which it can be found again.
#[must_use = "dropping a statement cancels it: keep it, wait for it or detach it"]
#[derive(Debug)]
pub struct Statement {
    guard: CancelGuard,
    response: StatementResponse,
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

/// How long the cancellation of a statement may take whose timeout has passed.
const CANCELLING: Duration = Duration::from_secs(10);
/// How long the service is asked to hold the response back until the result is complete.
pub(super) const WAIT: Duration = Duration::from_secs(10);
/// What is fetched ahead unless the query sets another: chunks, and bytes in all.
pub(super) const PREFETCH: (usize, i64) = (4, 64 << 20);

impl Statement {
    pub(super) async fn start(client: Client, settings: Settings, wait: Duration) -> Result<Self> {
        let wait = settings.timeout.map_or(wait, |limit| wait.min(limit));
        Self::run(client, settings, wait, None).await
    }

    async fn run(
        client: Client,
        mut settings: Settings,
        wait: Duration,
        started: Option<std::time::Instant>,
    ) -> Result<Self> {
        let started = started.unwrap_or_else(|| client.clock().now());
        let request = settings.request(&client, settings.disposition, wait)?;
        let mut response = execute(&client, request)
            .await
            .map_err(|error| name_warehouse(error, &client, settings.warehouse.as_deref()))?;
        let id = response
            .statement_id
            .take()
            .ok_or_else(|| Error::new(ErrorKind::Decode, "the response has no statement_id"))?;
        let on_progress = settings.on_progress.take();
        let (format, timeout, prefetch) =
            (settings.format, settings.timeout, (settings.prefetch, settings.prefetch_bytes));
        let limited = settings.row_limit.is_some() || settings.byte_limit.is_some();
        let again = settings.disposition == Disposition::Auto && settings.only_reads();
        let fallback = again.then(|| Box::new(settings));
        let guard = CancelGuard { client, id, armed: true };
        let mut statement =
            Self { guard, response, format, timeout, started, prefetch, on_progress, fallback, limited };
        statement.complete();
        Ok(statement)
    }

    pub(crate) fn attach(client: Client, id: String) -> Self {
        let started = client.clock().now();
        let guard = CancelGuard { client, id, armed: false };
        Self {
            guard,
            response: StatementResponse::default(),
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

    /// The state at the last poll; `None` before the first.
    pub fn state(&self) -> Option<StatementState> {
        self.response.status.as_ref().and_then(|status| status.state.as_deref()).map(StatementState::from)
    }

    /// Polls once and returns the state.
    ///
    /// # Errors
    /// When the statement cannot be polled. A statement that failed is not an error here.
    pub async fn status(&mut self) -> Result<StatementState> {
        self.response = self.target().poll(None).await?;
        self.complete();
        Ok(self.state().unwrap_or_default())
    }

    /// Waits until the statement has ended well.
    ///
    /// # Errors
    /// [`ErrorKind::StatementFailed`], [`ErrorKind::StatementCanceled`], [`ErrorKind::StatementClosed`] (the result has
    /// been discarded); [`ErrorKind::WaitTimeout`] when the timeout of the query has passed, after which the statement
    /// is cancelled; or the error of a poll, after which it is left to run.
    pub async fn wait(self) -> Result<Self> {
        if self.on_progress.is_none() && self.state() == Some(StatementState::Succeeded) {
            return Ok(self);
        }
        // In an allocation of its own: most statements have ended when their first response comes.
        Box::pin(self.wait_for_end()).await
    }

    async fn wait_for_end(mut self) -> Result<Self> {
        let (mut target, mut poller) = (self.target(), self.poller());
        loop {
            if self.response.status.is_none() {
                self.poll(&target, &mut poller).await?;
            }
            self.tell(poller.elapsed());
            match self.state() {
                Some(StatementState::Succeeded) => return Ok(self),
                // A closed statement whose result came along has done its work.
                Some(StatementState::Closed) if self.response.result.is_some() => return Ok(self),
                Some(StatementState::Failed) if self.is_too_large() => {
                    let Some(mut settings) = self.fallback.take() else { return Err(self.failure()) };
                    settings.disposition = Disposition::ExternalLinks;
                    settings.on_progress = self.on_progress.take();
                    let client = self.guard.client.clone();
                    self = Self::run(client, *settings, WAIT, Some(self.started)).await?;
                    (target, poller) = (self.target(), self.poller());
                    continue;
                }
                Some(StatementState::Failed | StatementState::Canceled | StatementState::Closed) => {
                    return Err(self.failure());
                }
                _ => {}
            }
            self.poll(&target, &mut poller).await?;
        }
    }

    fn target(&self) -> Target {
        Target { client: self.guard.client.clone(), id: self.guard.id.clone() }
    }

    fn poller(&self) -> Poller<StatementResponse> {
        let options = PollOptions::default().pace(Pace::QUICK).timeout(self.timeout);
        let poller = Poller::new(&self.guard.client, options).started(self.started);
        if self.response.status.is_none() { poller } else { poller.after_first() }
    }

    /// Polls until a poll succeeds. Cancels the statement when the timeout has passed, and for no other reason.
    async fn poll(&mut self, target: &Target, poller: &mut Poller<StatementResponse>) -> Result<()> {
        let error = match poller.next(target).await {
            Ok(response) => {
                self.response = response;
                self.complete();
                return Ok(());
            }
            Err(error) => error,
        };
        self.guard.armed = false;
        let failure = StatementFailure::new(self.guard.id.clone(), None, None);
        if error.kind() != ErrorKind::WaitTimeout {
            return Err(error.with_statement(failure));
        }
        let mut options = Options::default();
        options.timeout(CANCELLING);
        let cancel = operations::CancelExecution::new(self.guard.id.clone());
        let what = match crate::Call::send_ref(&self.guard.client, &cancel, &options).await {
            Ok(_) => "it was cancelled",
            Err(error) => {
                tracing::warn!(statement_id = self.guard.id, %error, "a statement whose timeout has passed could not be cancelled");
                "it could not be cancelled"
            }
        };
        Err(error.with_hint(format!("{what}; raise the timeout of the query, or set none")).with_statement(failure))
    }

    /// The states that the statement goes through from now on, each once, up to the last one.
    ///
    /// Failing is a state here and no error. The statement can be waited for or read afterwards.
    pub fn updates(&mut self) -> Updates<'_, StatementState> {
        let (target, poller) = (self.target(), self.poller());
        let known = (self.response.status.is_some()).then(|| self.state().unwrap_or_default());
        let updates =
            stream::unfold((Some((self, target, poller)), known, None), |(state, mut known, last)| async move {
                let (statement, target, mut poller) = state?;
                loop {
                    let now = match known.take() {
                        Some(now) => now,
                        None => match statement.poll(&target, &mut poller).await {
                            Ok(()) => statement.state().unwrap_or_default(),
                            Err(error) => return Some((Err(error), (None, None, last))),
                        },
                    };
                    if last.as_ref() != Some(&now) {
                        let go_on = (!is_final(&now)).then_some((statement, target, poller));
                        return Some((Ok(now.clone()), (go_on, None, Some(now))));
                    }
                }
            });
        Updates::of(updates)
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

    pub(super) fn response(&mut self) -> &mut StatementResponse {
        &mut self.response
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
    pub(super) fn report(&mut self, id: Arc<str>) -> Report {
        Report::new(id, self.guard.client.clock().clone(), self.started, self.on_progress.take())
    }

    /// The format in which the service returned the result.
    pub fn format(&self) -> Format {
        match self.response.manifest.as_ref().and_then(|manifest| manifest.format.as_deref()) {
            Some("ARROW_STREAM") => Format::ArrowStream,
            Some("CSV") => Format::Csv,
            Some("JSON_ARRAY") => Format::JsonArray,
            _ => self.format,
        }
    }

    /// A statement that has ended needs no cancelling.
    fn complete(&mut self) {
        if self.state().is_some_and(|state| is_final(&state)) {
            self.guard.armed = false;
        }
    }

    fn tell(&mut self, elapsed: Duration) {
        let state = self.state().unwrap_or_default();
        if let Some(OnProgress(report)) = &mut self.on_progress {
            report(StatementProgress {
                statement_id: &self.guard.id,
                state: &state,
                elapsed,
                chunks: 0,
                total_chunks: None,
                rows: 0,
                total_rows: None,
                bytes: 0,
            });
        }
    }
}

/// Sends an operation of the statement API and reads its response with the rows left as they are.
async fn send<O: Operation>(client: &Client, operation: &O, options: &Options) -> Result<StatementResponse> {
    let request = operation.request(client.context().await?)?;
    super::wire::read(client.execute(request, options).await?)
}

/// Cancels a statement whose caller has gone.
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
