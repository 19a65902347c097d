//! Waiting until something has settled.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use databricks_core::wait::{ByName, ByState};
use databricks_core::{Error, ErrorKind, LongRunning, Operation, Result, WaitStatus, Waitable};

use crate::client::Client;
use crate::options::Options;
use crate::{Call, OperationWaiter};

type Output<O> = <<O as Waitable>::Poll as Operation>::Output;
type OnProgress<T> = Box<dyn FnMut(Progress<'_, T>) + Send>;

/// What [`Call::wait`] returns, by the way in which an operation settles. Implemented for both ways; not to be implemented elsewhere.
pub trait WaitBy<O: Operation> {
    /// [`Waiter`] or [`OperationWaiter`](crate::OperationWaiter).
    type Wait;

    #[doc(hidden)]
    fn wait(call: Call<O>) -> Self::Wait;
}

impl<O: Waitable> WaitBy<O> for ByState {
    type Wait = Waiter<O>;
    fn wait(call: Call<O>) -> Waiter<O> {
        Waiter::new(call)
    }
}

impl<O: LongRunning> WaitBy<O> for ByName {
    type Wait = OperationWaiter<O>;
    fn wait(call: Call<O>) -> OperationWaiter<O> {
        OperationWaiter::new(call)
    }
}

/// One look at what is waited for.
#[derive(Debug)]
#[non_exhaustive]
pub struct Progress<'a, T> {
    /// Its state.
    pub status: &'a WaitStatus,
    /// All of it.
    pub resource: &'a T,
    /// How long the wait has taken so far.
    pub elapsed: Duration,
}

/// A call and the wait for what it starts.
///
/// Await it for the resource in its final state. The state is looked at once right away, then after pauses that grow by a second
/// each, up to ten. Dropping the future ends the wait and nothing else.
#[must_use = "a wait does nothing until it is awaited"]
pub struct Waiter<O: Waitable> {
    call: Call<O>,
    timeout: Duration,
    pace: Pace,
    on_progress: Option<OnProgress<Output<O>>>,
}

impl<O: Waitable> Waiter<O> {
    pub(crate) fn new(call: Call<O>) -> Self {
        Self { call, timeout: O::TIMEOUT, pace: Pace::Patient, on_progress: None }
    }

    /// Bounds the wait. Default: 20 minutes for most operations.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Looks at the state at this interval, instead of pauses that grow to ten seconds.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.pace = Pace::Every(interval);
        self
    }

    /// Looks soon and often at first: for what takes milliseconds or minutes.
    #[cfg(feature = "compute")]
    pub(crate) fn eager(mut self) -> Self {
        self.pace = Pace::Eager;
        self
    }

    /// Is told of every look at the state.
    pub fn on_progress(mut self, told: impl FnMut(Progress<'_, Output<O>>) + Send + 'static) -> Self {
        self.on_progress = Some(Box::new(told));
        self
    }

    /// Makes the call and hands out its answer with the wait still to do.
    ///
    /// # Errors
    /// As the call.
    pub async fn start(self) -> Result<Started<O>> {
        let Self { call: Call { client, mut operation, options }, timeout, pace, on_progress } = self;
        operation.prepare();
        let answer = Call::send_ref(&client, &operation, &options).await?;
        let poll = operation.poll(&answer)?;
        Ok(Started { answer, wait: Wait { client, options, poll, timeout, pace, on_progress } })
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
        f.debug_struct("Waiter").field("operation", &O::INFO.id).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// A call that was made, and the wait for what it started.
pub struct Started<O: Waitable> {
    answer: O::Output,
    wait: Wait<O>,
}

impl<O: Waitable> Started<O> {
    /// The answer to the call, with the ids of what it started.
    pub fn answer(&self) -> &O::Output {
        &self.answer
    }

    /// Waits until it has settled.
    ///
    /// # Errors
    /// [`ErrorKind::OperationFailed`] when it came to a state of failure, [`ErrorKind::WaitTimeout`] when it did not settle in time, or
    /// the error of a look at the state.
    pub async fn wait(self) -> Result<Output<O>> {
        self.wait.run().await
    }
}

impl<O: Waitable> fmt::Debug for Started<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Started").field("operation", &O::INFO.id).finish_non_exhaustive()
    }
}

struct Wait<O: Waitable> {
    client: Client,
    options: Options,
    poll: O::Poll,
    timeout: Duration,
    pace: Pace,
    on_progress: Option<OnProgress<Output<O>>>,
}

impl<O: Waitable> Wait<O> {
    async fn run(mut self) -> Result<Output<O>> {
        let clock = self.client.clock().clone();
        let started = clock.now();
        let mut options = self.options.clone();
        // The first call's bound is not the wait's; looks at the state may always be repeated.
        options.transport = databricks_transport::CallOptions::default();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let resource = Call::send_ref(&self.client, &self.poll, &options).await?;
            let status = O::status(&resource);
            let elapsed = clock.now().saturating_duration_since(started);
            if let Some(told) = &mut self.on_progress {
                told(Progress { status: &status, resource: &resource, elapsed });
            }
            if O::SUCCESS.contains(&status.state.as_str()) {
                return Ok(resource);
            }
            let said =
                status.message.as_deref().filter(|message| !message.is_empty()).map(|message| format!(": {message}")).unwrap_or_default();
            if O::FAILURE.contains(&status.state.as_str()) {
                let message = format!("failed to reach {}, got {}{said}", O::SUCCESS.join(" or "), status.state);
                return Err(Error::new(ErrorKind::OperationFailed, message).with_operation(O::INFO.id));
            }
            let pause = self.pace.pause(attempt);
            if elapsed + pause > self.timeout {
                let message =
                    format!("timed out after {:.0?} waiting for {}; last state {}{said}", elapsed, O::SUCCESS.join(" or "), status.state);
                return Err(Error::new(ErrorKind::WaitTimeout, message)
                    .with_operation(O::INFO.id)
                    .with_hint("it goes on at the service; wait again or raise the timeout"));
            }
            clock.sleep(pause).await;
        }
    }
}

/// How the pauses between looks grow.
#[derive(Clone, Copy, Debug)]
enum Pace {
    /// As [`pause`].
    Patient,
    /// A tenth of a second, doubling up to five seconds.
    #[cfg(feature = "compute")]
    Eager,
    Every(Duration),
}

impl Pace {
    fn pause(self, attempt: u64) -> Duration {
        match self {
            Self::Patient => pause(attempt),
            #[cfg(feature = "compute")]
            Self::Eager => Duration::from_millis(100 << attempt.saturating_sub(1).min(6)).min(Duration::from_secs(5)),
            Self::Every(interval) => interval,
        }
    }
}

/// The pause after look `n`: a second longer each time, at most ten, plus up to a second at random.
pub(crate) fn pause(n: u64) -> Duration {
    Duration::from_secs(n.min(10)) + Duration::from_millis(fastrand::u64(0..1000))
}
