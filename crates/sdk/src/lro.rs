//! Long-running operations: work that goes on at the service under a name.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::time::Duration;

use databricks_core::lro::LroState;
use databricks_core::{Error, ErrorKind, LongRunning, Result, WaitStatus};

use crate::Call;
use crate::client::Client;
use crate::options::Options;
use crate::poll::{Assessment, PollOptions, Pollable, Poller, Updates, Verdict, poll_setters};

/// A call and the wait for the work that it starts: await it for the work's result.
///
/// The work is polled at once, then after pauses that grow by a second each, up to ten. It may take as long as it needs
/// unless a timeout is set. Polls that fail are retried for five minutes, or the client's retry budget if that is
/// longer. However the wait ends, and also if the future is dropped, the work goes on at the service.
#[must_use = "a wait does nothing until it is awaited"]
pub struct OperationWaiter<O: LongRunning> {
    call: Call<O>,
    poll: PollOptions<O::Output, LroState<O::Result>>,
}

impl<O: LongRunning> OperationWaiter<O> {
    /// A wait for the work that this call starts; the `wait` of the operations of the API is short for it.
    pub fn new(call: Call<O>) -> Self {
        Self { call, poll: PollOptions::default() }
    }

    poll_setters! {
        /// Sets the timeout of the wait. Default: none.
        O::Output, LroState<O::Result>
    }

    /// Makes the call and returns a handle to the work.
    ///
    /// # Errors
    /// As the call.
    pub async fn start(self) -> Result<OperationHandle<O>> {
        let Call { client, mut operation, options } = self.call;
        operation.prepare();
        let response = Call::send_ref(&client, &operation, &options).await?;
        let work = Work { client, name: O::name(&response)?, of: PhantomData };
        Ok(OperationHandle { work, response: Some(response), poll: self.poll })
    }
}

impl<O: LongRunning> IntoFuture for OperationWaiter<O> {
    type Output = Result<O::Result>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<O::Result>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.start().await?.wait().await })
    }
}

impl<O: LongRunning> fmt::Debug for OperationWaiter<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationWaiter")
            .field("operation", &O::INFO.id)
            .field("timeout", &self.poll.timeout)
            .finish_non_exhaustive()
    }
}

/// Work under way at the service, known by its [`name`](Self::name): also in another process, through
/// [`Client::resume_operation`].
///
/// Dropping it leaves the work alone.
pub struct OperationHandle<O: LongRunning> {
    work: Work<O>,
    response: Option<O::Output>,
    poll: PollOptions<O::Output, LroState<O::Result>>,
}

impl Client {
    /// Takes up work that an operation of type `O` started, by its name.
    pub fn resume_operation<O: LongRunning>(&self, name: impl Into<String>) -> OperationHandle<O> {
        let work = Work { client: self.clone(), name: name.into(), of: PhantomData };
        OperationHandle { work, response: None, poll: PollOptions::default() }
    }
}

impl<O: LongRunning> OperationHandle<O> {
    /// The name of the work, which is its id.
    pub fn name(&self) -> &str {
        &self.work.name
    }

    /// The same as [`name`](Self::name), as every handle has it.
    pub fn id(&self) -> &str {
        &self.work.name
    }

    /// What the service stated of the work at the last poll, without asking again. `None` if it stated nothing, or was
    /// not polled yet.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] when what it stated is not what the API describes.
    pub fn metadata(&self) -> Result<Option<O::Metadata>> {
        self.response.as_ref().map_or(Ok(None), O::metadata)
    }

    poll_setters! {
        /// Sets the timeout of [`wait`](Self::wait). Default: none. The work goes on when it has passed.
        O::Output, LroState<O::Result>
    }

    /// Polls once and returns the state of the work.
    ///
    /// # Errors
    /// When the work cannot be polled, or its result is not what the API describes.
    pub async fn status(&mut self) -> Result<LroState<O::Result>> {
        let response = self.work.poll(None).await?;
        let state = O::state(&response);
        self.response = Some(response);
        state
    }

    /// Polls once and returns whether the work is done, well or not.
    ///
    /// # Errors
    /// As [`status`](Self::status).
    pub async fn done(&mut self) -> Result<bool> {
        Ok(!matches!(self.status().await?, LroState::Running))
    }

    /// The course of the work from now on: a response whenever what the service states of the work has changed.
    pub fn updates(&self) -> Updates<'_, O::Output>
    where
        O::Output: fmt::Debug,
    {
        let options = PollOptions { pace: self.poll.pace, timeout: self.poll.timeout, on_progress: None };
        Updates::new(&self.work, options, |response| format!("{response:?}"))
    }

    /// Asks the service to cancel the work. Its [`wait`](Self::wait) then ends with an error, unless the work was
    /// quicker.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the API offers no way to cancel this kind of work; else when the service cannot
    /// be asked or refuses.
    pub async fn cancel(&self) -> Result<()> {
        match O::cancel(&self.work.name) {
            Some(cancel) => Call::send_ref(&self.work.client, &cancel, &Options::default()).await.map(drop),
            None => Err(Error::new(ErrorKind::InvalidInput, "the API offers no way to cancel this work")
                .with_operation(O::INFO.id)),
        }
    }

    /// Returns the name of the work, which goes on, and consumes the handle: take it up again with
    /// [`Client::resume_operation`].
    pub fn detach(self) -> String {
        self.work.name
    }

    /// Waits until the work is done.
    ///
    /// # Errors
    /// [`ErrorKind::OperationFailed`] when it failed, [`ErrorKind::WaitTimeout`] when it was not done in time, or the
    /// error of a poll.
    pub async fn wait(self) -> Result<O::Result> {
        let Self { work, poll, response: _ } = self;
        let response = Poller::new(&work.client, poll).until(&work).await?;
        match O::state(&response)? {
            LroState::Done(result) => Ok(result),
            _ => Err(Error::new(ErrorKind::Decode, format!("operation {} is done and is not", work.name))
                .with_operation(O::INFO.id)),
        }
    }
}

/// The error of work that failed.
pub(crate) fn failure(name: &str, code: Option<String>, message: Option<String>) -> Error {
    let message = message.filter(|text| !text.is_empty()).unwrap_or_else(|| "unknown error".to_owned());
    let code = code.filter(|code| !code.is_empty()).map(|code| format!("[{code}] ")).unwrap_or_default();
    Error::new(ErrorKind::OperationFailed, format!("operation {name} failed: {code}{message}"))
}

impl<O: LongRunning> fmt::Debug for OperationHandle<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationHandle")
            .field("operation", &O::INFO.id)
            .field("name", &self.work.name)
            .finish_non_exhaustive()
    }
}

/// What a handle polls.
struct Work<O> {
    client: Client,
    name: String,
    of: PhantomData<fn() -> O>,
}

impl<O: LongRunning> Pollable for Work<O> {
    type Resource = O::Output;
    type State = LroState<O::Result>;

    fn client(&self) -> &Client {
        &self.client
    }

    fn operation(&self) -> &'static str {
        O::INFO.id
    }

    fn name(&self) -> String {
        format!("operation {}", self.name)
    }

    fn goal(&self) -> String {
        "finish".to_owned()
    }

    async fn poll(&self, timeout: Option<Duration>) -> Result<O::Output> {
        let poll = O::poll(&self.name);
        Call::send_ref(&self.client, &poll, &Options::default().for_poll(timeout)).await
    }

    fn assess(&self, response: &O::Output) -> Assessment {
        let (state, verdict) = match O::state(response) {
            Ok(LroState::Done(_)) => ("DONE", Verdict::Done),
            Ok(LroState::Failed { code, message }) => {
                ("FAILED", Verdict::Failed(failure(&self.name, code, message).with_operation(O::INFO.id)))
            }
            Ok(_) => ("RUNNING", Verdict::Pending),
            Err(error) => ("DONE", Verdict::Failed(error)),
        };
        Assessment::new(WaitStatus::new(state, None), verdict)
    }

    fn report(&self, response: &O::Output, _status: &WaitStatus, f: &mut dyn FnMut(&LroState<O::Result>)) {
        // What cannot be decoded is the error of the wait.
        if let Ok(state) = O::state(response) {
            f(&state);
        }
    }
}
