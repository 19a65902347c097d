//! Long-running operations: work that goes on at the service under a name.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use databricks_core::lro::LroState;
use databricks_core::{Error, ErrorKind, LongRunning, Result};

use crate::Call;
use crate::client::Client;
use crate::options::Options;
use crate::waiter::pause;

type OnProgress<M> = Box<dyn FnMut(Option<M>, Duration) + Send>;

/// A call and the wait for the work that it starts: await it for the work's result.
///
/// The work is looked at at once, then after pauses that grow by a second each, up to ten. It may take as long as it needs unless a
/// timeout is set. Dropping the future ends the wait and nothing else.
#[must_use = "a wait does nothing until it is awaited"]
pub struct OperationWaiter<O: LongRunning> {
    call: Call<O>,
    settings: Settings<O>,
}

struct Settings<O: LongRunning> {
    timeout: Option<Duration>,
    interval: Option<Duration>,
    on_progress: Option<OnProgress<O::Metadata>>,
}

impl<O: LongRunning> OperationWaiter<O> {
    pub(crate) fn new(call: Call<O>) -> Self {
        Self { call, settings: Settings { timeout: None, interval: None, on_progress: None } }
    }

    /// Bounds the wait. Default: none.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.settings.timeout = Some(limit);
        self
    }

    /// Looks at the work at this interval, instead of pauses that grow to ten seconds.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.settings.interval = Some(interval);
        self
    }

    /// Is told of every look: what the service says of the work, if anything, and how long the wait has taken.
    pub fn on_progress(mut self, told: impl FnMut(Option<O::Metadata>, Duration) + Send + 'static) -> Self {
        self.settings.on_progress = Some(Box::new(told));
        self
    }

    /// Makes the call and hands out the work under way.
    ///
    /// # Errors
    /// As the call.
    pub async fn start(self) -> Result<OperationHandle<O>> {
        let Call { client, mut operation, options } = self.call;
        operation.prepare();
        let answer = Call::send_ref(&client, &operation, &options).await?;
        Ok(OperationHandle { name: O::name(&answer)?, client, answer: Some(answer), settings: self.settings })
    }
}

impl<O: LongRunning> IntoFuture for OperationWaiter<O>
where
    O::Output: Sync,
    O::Metadata: Send,
{
    type Output = Result<O::Result>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<O::Result>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.start().await?.wait().await })
    }
}

impl<O: LongRunning> fmt::Debug for OperationWaiter<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationWaiter").field("operation", &O::INFO.id).field("timeout", &self.settings.timeout).finish_non_exhaustive()
    }
}

/// Work under way at the service, known by its [`name`](Self::name): also in another process, through [`Client::resume_operation`].
pub struct OperationHandle<O: LongRunning> {
    client: Client,
    name: String,
    answer: Option<O::Output>,
    settings: Settings<O>,
}

impl Client {
    /// Takes up work that an operation of type `O` started, by its name.
    pub fn resume_operation<O: LongRunning>(&self, name: impl Into<String>) -> OperationHandle<O> {
        let settings = Settings { timeout: None, interval: None, on_progress: None };
        OperationHandle { client: self.clone(), name: name.into(), answer: None, settings }
    }
}

impl<O: LongRunning> OperationHandle<O> {
    /// The name of the work.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the service said of the work at the last look, without asking again. `None` if it said nothing, or was not asked yet.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] when what it said is not what the API describes.
    pub fn metadata(&self) -> Result<Option<O::Metadata>> {
        self.answer.as_ref().map_or(Ok(None), O::metadata)
    }

    /// Bounds [`wait`](Self::wait). Default: none.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.settings.timeout = Some(limit);
        self
    }

    /// Asks whether the work is done, well or not.
    ///
    /// # Errors
    /// When the service cannot be asked.
    pub async fn done(&mut self) -> Result<bool> {
        Ok(!matches!(self.look().await?, LroState::Running))
    }

    /// Asks the service to cancel the work. Its [`wait`](Self::wait) then ends with an error, unless the work was quicker.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the API offers no way to cancel this kind of work; else when the service cannot be asked or refuses.
    pub async fn cancel(&self) -> Result<()> {
        match O::cancel(&self.name) {
            Some(cancel) => Call::send_ref(&self.client, &cancel, &Options::default()).await.map(drop),
            None => Err(Error::new(ErrorKind::InvalidInput, "the API offers no way to cancel this work").with_operation(O::INFO.id)),
        }
    }

    /// Waits until the work is done.
    ///
    /// # Errors
    /// [`ErrorKind::OperationFailed`] when it failed, [`ErrorKind::WaitTimeout`] when it was not done in time, or the error of a look.
    pub async fn wait(mut self) -> Result<O::Result> {
        let clock = self.client.clock().clone();
        let started = clock.now();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let state = self.look().await?;
            let elapsed = clock.now().saturating_duration_since(started);
            if self.settings.on_progress.is_some() {
                let metadata = self.metadata()?;
                if let Some(told) = &mut self.settings.on_progress {
                    told(metadata, elapsed);
                }
            }
            match state {
                LroState::Done(result) => return Ok(result),
                LroState::Failed { code, message } => return Err(self.failure(code, message)),
                _ => {}
            }
            let pause = self.settings.interval.unwrap_or_else(|| pause(attempt));
            if self.settings.timeout.is_some_and(|limit| elapsed + pause > limit) {
                return Err(Error::new(ErrorKind::WaitTimeout, format!("operation {} was not done after {elapsed:.0?}", self.name))
                    .with_operation(O::INFO.id)
                    .with_hint("it goes on at the service; take it up again by its name or raise the timeout"));
            }
            clock.sleep(pause).await;
        }
    }

    async fn look(&mut self) -> Result<LroState<O::Result>> {
        let answer = Call::send_ref(&self.client, &O::poll(&self.name), &Options::default()).await?;
        let state = O::state(&answer);
        self.answer = Some(answer);
        state
    }

    fn failure(&self, code: Option<String>, message: Option<String>) -> Error {
        let message = message.filter(|text| !text.is_empty()).unwrap_or_else(|| "unknown error".to_owned());
        let code = code.filter(|code| !code.is_empty()).map(|code| format!("[{code}] ")).unwrap_or_default();
        Error::new(ErrorKind::OperationFailed, format!("operation failed: {code}{message}")).with_operation(O::INFO.id)
    }
}

impl<O: LongRunning> fmt::Debug for OperationHandle<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationHandle").field("operation", &O::INFO.id).field("name", &self.name).finish_non_exhaustive()
    }
}
