//! Waiting until a resource has reached a state.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use databricks_core::{Operation, Result, WaitStatus, Waitable};

use crate::client::Client;
#[allow(unused_imports)] // For the generated services; few packages have long-running operations.
pub(crate) use crate::lro::OperationWaiter;
use crate::options::Options;
use crate::poll::{self, Assessment, PollOptions, Pollable, Poller, Updates, poll_setters};
use crate::{Call, failure_reason};

type Output<O> = <<O as Waitable>::Poll as Operation>::Output;

/// A call and the wait for what it starts.
///
/// Await it for the resource in its final state. The state is polled at once, then after pauses that grow by a second
/// each, up to ten. Polls that fail are retried for five minutes, or the client's retry budget if that is longer.
/// However the wait ends, and also if the future is dropped, what was started goes on at the service.
#[must_use = "a wait does nothing until it is awaited"]
pub struct Waiter<O: Waitable> {
    call: Call<O>,
    poll: PollOptions<Output<O>, O::State>,
}

impl<O: Waitable> Waiter<O> {
    /// A wait for what this call starts; the `wait` of the operations of the API is short for it.
    pub fn new(call: Call<O>) -> Self {
        Self { call, poll: PollOptions::default().timeout(O::TIMEOUT) }
    }

    poll_setters! {
        /// Sets the timeout of the wait. Default: 20 minutes for most operations.
        Output<O>, O::State
    }

    /// Polls soon and often at first: for what takes milliseconds or minutes.
    #[cfg(feature = "compute")]
    pub(crate) fn quick(mut self, timeout: Option<Duration>) -> Self {
        self.poll = self.poll.pace(poll::Pace::QUICK).timeout(timeout);
        self
    }

    /// Makes the call and returns its response with the wait still to do.
    ///
    /// # Errors
    /// As the call.
    pub async fn start(self) -> Result<Started<O>> {
        let Self { call: Call { client, mut operation, options }, poll } = self;
        operation.prepare();
        let response = Call::send_ref(&client, &operation, &options).await?;
        let target = Target { client, options, poll: operation.poll(&response)? };
        Ok(Started { response, target, poll })
    }
}

impl<O: Waitable> IntoFuture for Waiter<O> {
    type Output = Result<Output<O>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.start().await?.wait().await })
    }
}

impl<O: Waitable> fmt::Debug for Waiter<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiter")
            .field("operation", &O::INFO.id)
            .field("timeout", &self.poll.timeout)
            .finish_non_exhaustive()
    }
}

/// A call that was made, and the wait for what it started.
///
/// Dropping it leaves what was started alone.
pub struct Started<O: Waitable> {
    response: O::Output,
    target: Target<O>,
    poll: PollOptions<Output<O>, O::State>,
}

impl<O: Waitable> Started<O> {
    /// The response to the call, with the ids of what it started.
    pub fn response(&self) -> &O::Output {
        &self.response
    }

    /// The id of what is waited for; ids of several parts are joined by slashes.
    pub fn id(&self) -> String {
        poll::id_of(&self.target.poll)
    }

    poll_setters! {
        /// Sets the timeout of the wait. Default: that of the [`Waiter`].
        Output<O>, O::State
    }

    /// Polls once and returns the resource.
    ///
    /// # Errors
    /// When it cannot be polled. A failure of the resource is not an error here.
    pub async fn status(&self) -> Result<Output<O>>
    where
        O::Output: Sync,
    {
        self.target.poll(None).await
    }

    /// The states that the resource goes through from now on.
    pub fn updates(&self) -> Updates<'_, Output<O>> {
        let options = PollOptions { pace: self.poll.pace, timeout: self.poll.timeout, on_progress: None };
        Updates::new(&self.target, options, |resource| O::status(resource).state)
    }

    /// Returns the id of what was started, which goes on, and consumes the handle.
    pub fn detach(self) -> String {
        self.id()
    }

    /// Waits until the resource has reached the state that is waited for.
    ///
    /// # Errors
    /// [`OperationFailed`](crate::ErrorKind::OperationFailed) when it reached a state of failure,
    /// [`WaitTimeout`](crate::ErrorKind::WaitTimeout) when it did not get there in time, or the error of a poll.
    pub async fn wait(self) -> Result<Output<O>> {
        Poller::new(&self.target.client, self.poll).until(&self.target).await
    }
}

impl<O: Waitable> fmt::Debug for Started<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Started").field("operation", &O::INFO.id).finish_non_exhaustive()
    }
}

/// What a waiter polls.
struct Target<O: Waitable> {
    client: Client,
    options: Options,
    poll: O::Poll,
}

impl<O: Waitable> Pollable for Target<O> {
    type Resource = Output<O>;
    type State = O::State;

    fn client(&self) -> &Client {
        &self.client
    }

    fn operation(&self) -> &'static str {
        O::INFO.id
    }

    fn name(&self) -> String {
        poll::id_of(&self.poll)
    }

    fn goal(&self) -> String {
        format!("reach {}", O::SUCCESS.join(" or "))
    }

    async fn poll(&self, timeout: Option<Duration>) -> Result<Output<O>> {
        Call::send_ref(&self.client, &self.poll, &self.options.for_poll(timeout)).await
    }

    fn assess(&self, resource: &Output<O>) -> Assessment {
        let status = O::status(resource);
        let existed = poll::acts_on_existing(O::INFO.id);
        let reason = failure_reason::of_resource(resource);
        let verdict = poll::judge(&self.name(), O::INFO.id, (O::SUCCESS, O::FAILURE), &status, existed, reason);
        Assessment::new(status, verdict)
    }

    fn state<'a>(&self, resource: &'a Output<O>, _status: &'a WaitStatus) -> Option<&'a O::State> {
        O::state(resource)
    }
}
