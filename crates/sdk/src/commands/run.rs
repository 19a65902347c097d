//! Commands in a context: started, looked at, waited for, cancelled.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};

use databricks_core::{Error, ErrorKind, Result};
use databricks_models::compute::{CommandStatus, CommandStatusResponse, command_execution as operations};
use futures_core::Stream;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::{CommandResult, Context};

type OnStatus = Box<dyn FnMut(&CommandStatus) + Send>;

/// Code to run in a [`Context`]: await it for the result, or [`start`](Self::start) it and look at it from time to time.
///
/// Dropping the future before the command has ended cancels the command in the background.
#[must_use = "a command runs by awaiting this"]
pub struct RunCommand {
    context: Context,
    code: String,
    timeout: Duration,
    on_status: Option<OnStatus>,
    user_agent: Option<(&'static str, &'static str)>,
}

impl RunCommand {
    pub(super) fn new(context: Context, code: String) -> Self {
        Self { context, code, timeout: Duration::from_secs(20 * 60), on_status: None, user_agent: None }
    }

    /// Bounds the wait for the result; past it the command is cancelled. Default: 20 minutes.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Is told of every look at the command: queued, running and so on.
    pub fn on_status(mut self, told: impl FnMut(&CommandStatus) + Send + 'static) -> Self {
        self.on_status = Some(Box::new(told));
        self
    }

    /// Adds a part to the user agent of the call that starts the command.
    pub(super) fn user_agent(mut self, name: &'static str, value: &'static str) -> Self {
        self.user_agent = Some((name, value));
        self
    }

    /// Starts the command and returns a handle to it.
    ///
    /// # Errors
    /// When the service refuses, or the context is no longer there: it is gone with its variables when the cluster restarts, so it is never
    /// opened anew without being asked for.
    pub async fn start(self) -> Result<Command> {
        let Self { context, code, timeout, on_status, user_agent } = self;
        let shared = &context.shared;
        let mut execute = operations::Execute::new();
        execute.cluster_id = Some(shared.cluster_id.clone());
        execute.context_id = Some(shared.id.clone());
        execute.language = Some(shared.language.clone());
        execute.command = Some(code);
        let mut call = shared.client.call(execute);
        if let Some((name, value)) = user_agent {
            call = call.user_agent_extra(name, value);
        }
        let id = call.await?.id.ok_or_else(|| Error::new(ErrorKind::Decode, "the answer has no command id"))?;
        let started = shared.client.clock().now();
        Ok(Command { context, id, timeout, started, on_status, armed: true })
    }

    /// Runs the command and hands out its states, then its result: a stream.
    pub fn stream(self) -> CommandStream {
        let updates = stream::once(self.start()).map_ok(|command| {
            stream::unfold(Some((command, None, 0)), |state| async move {
                let (mut command, last, mut attempt) = state?;
                loop {
                    if attempt > 0
                        && let Err(error) = command.pause(attempt).await
                    {
                        return Some((Err(error), None));
                    }
                    attempt += 1;
                    let look = match command.look().await {
                        Ok(look) => look,
                        Err(error) => return Some((Err(error), None)),
                    };
                    if let Some(end) = command.end(&look) {
                        return Some((end.map(CommandUpdate::Result), None));
                    }
                    if look.status != last {
                        let update = CommandUpdate::Status(look.status.clone().unwrap_or_default());
                        return Some((Ok(update), Some((command, look.status, attempt))));
                    }
                }
            })
        });
        CommandStream { inner: updates.try_flatten().boxed() }
    }
}

impl IntoFuture for RunCommand {
    type Output = Result<CommandResult>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<CommandResult>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.start().await?.wait().await })
    }
}

impl fmt::Debug for RunCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunCommand").field("context", &self.context.id()).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// A command that runs.
///
/// Dropping it before it was seen to end cancels it in the background, unless it was [detached](Self::detach).
pub struct Command {
    context: Context,
    id: String,
    timeout: Duration,
    started: Instant,
    on_status: Option<OnStatus>,
    armed: bool,
}

impl Command {
    /// The id of the command.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Looks at the command.
    ///
    /// # Errors
    /// When the service cannot be asked.
    pub async fn status(&mut self) -> Result<CommandStatus> {
        let look = self.look().await?;
        if is_final(&look) {
            self.armed = false;
        }
        Ok(look.status.unwrap_or_default())
    }

    /// Waits until the command has ended and returns what it gave. An exception is a result too: see [`CommandResult::into_result`].
    ///
    /// # Errors
    /// [`ErrorKind::OperationFailed`] when the command was cancelled, [`ErrorKind::WaitTimeout`] after which the command is cancelled, or the
    /// error of a look at it.
    pub async fn wait(mut self) -> Result<CommandResult> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let look = self.look().await?;
            if let Some(end) = self.end(&look) {
                return end;
            }
            self.pause(attempt).await?;
        }
    }

    /// Cancels the command and waits until it has ended.
    ///
    /// # Errors
    /// When the service cannot be asked; [`ErrorKind::OperationFailed`] when the command came to an error instead.
    pub async fn cancel(mut self) -> Result<()> {
        self.armed = false;
        let wait = self.context.shared.client.call(self.cancel_call()).wait().eager().timeout(self.timeout);
        wait.await.map(drop)
    }

    /// Lets the command go on when the handle is dropped.
    #[must_use]
    pub fn detach(mut self) -> Self {
        self.armed = false;
        self
    }

    fn cancel_call(&self) -> operations::Cancel {
        let mut cancel = operations::Cancel::new();
        cancel.cluster_id = Some(self.context.shared.cluster_id.clone());
        cancel.context_id = Some(self.context.shared.id.clone());
        cancel.command_id = Some(self.id.clone());
        cancel
    }

    async fn look(&mut self) -> Result<CommandStatusResponse> {
        let shared = &self.context.shared;
        let look = operations::CommandStatus::new(shared.cluster_id.clone(), shared.id.clone(), self.id.clone());
        let look = shared.client.call(look).await?;
        if let (Some(told), Some(status)) = (&mut self.on_status, &look.status) {
            told(status);
        }
        Ok(look)
    }

    /// What the command came to, if it has ended.
    fn end(&mut self, look: &CommandStatusResponse) -> Option<Result<CommandResult>> {
        let status = look.status.as_ref()?;
        let results = look.results.clone().unwrap_or_default();
        match status {
            CommandStatus::Finished | CommandStatus::Error => {
                self.armed = false;
                Some(Ok(match CommandResult::from_model(results) {
                    // An end in error without a word of explanation is still an error.
                    CommandResult::Text(text) if *status == CommandStatus::Error => {
                        CommandResult::Error { message: text, cause: String::new() }
                    }
                    result => result,
                }))
            }
            CommandStatus::Cancelled | CommandStatus::Cancelling => {
                self.armed = false;
                let message = format!("failed to reach Finished or Error, got {status}: command {} was cancelled", self.id);
                Some(Err(Error::new(ErrorKind::OperationFailed, message).with_operation("command_execution.execute")))
            }
            _ => None,
        }
    }

    /// Waits before the next look: briefly at first, for most commands are quick.
    async fn pause(&mut self, attempt: u32) -> Result<()> {
        let clock = self.context.shared.client.clock().clone();
        let pause = Duration::from_millis(100 << attempt.saturating_sub(1).min(6)).min(Duration::from_secs(5));
        let elapsed = clock.now().saturating_duration_since(self.started);
        let left = self.timeout.saturating_sub(elapsed);
        if left.is_zero() {
            let message = format!("command {} did not end within {elapsed:.1?} and is being cancelled", self.id);
            return Err(Error::new(ErrorKind::WaitTimeout, message).with_hint("raise the timeout of the command"));
        }
        clock.sleep(pause.min(left)).await;
        Ok(())
    }
}

fn is_final(look: &CommandStatusResponse) -> bool {
    matches!(look.status, Some(CommandStatus::Finished | CommandStatus::Error | CommandStatus::Cancelled))
}

impl Drop for Command {
    fn drop(&mut self) {
        if self.armed {
            let cancel = self.cancel_call();
            self.context.shared.client.call_in_background(cancel, "a command that was dropped could not be cancelled");
        }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command").field("id", &self.id).field("context", &self.context.id()).finish_non_exhaustive()
    }
}

/// What happens to a command.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CommandUpdate {
    /// It has come to this state.
    Status(CommandStatus),
    /// It has ended with this result: the last update.
    Result(CommandResult),
}

/// The course of a command: a stream; see [`RunCommand::stream`]. Dropping it before the end cancels the command.
pub struct CommandStream {
    inner: Pin<Box<dyn Stream<Item = Result<CommandUpdate>> + Send>>,
}

impl CommandStream {
    /// What happens next, or `None` after the result.
    ///
    /// # Errors
    /// As awaiting the command.
    pub async fn next(&mut self) -> Result<Option<CommandUpdate>> {
        self.inner.try_next().await
    }
}

impl Stream for CommandStream {
    type Item = Result<CommandUpdate>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        self.inner.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for CommandStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CommandStream")
    }
}
