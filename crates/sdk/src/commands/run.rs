//! Commands in a context: started, polled, waited for, cancelled.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::{Duration, Instant};

use databricks_core::{Error, ErrorKind, Operation as _, Result, WaitStatus};
use databricks_models::compute::{CommandStatus, CommandStatusResponse, command_execution as operations};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::{CommandResult, Context};
use crate::Call;
use crate::client::Client;
use crate::options::Options;
use crate::poll::{Assessment, Pace, PollOptions, Pollable, Poller, Updates, Verdict, poll_setters};

/// Code to run in a [`Context`]: await it for the result, or [`start`](Self::start) it and poll it from time to time.
///
/// A command may take as long as it needs. Dropping the future before the command has ended cancels the command in the
/// background; a command that can no longer be polled is left to run, and the context with it.
#[must_use = "a command runs by awaiting this"]
pub struct RunCommand {
    context: Context,
    code: String,
    poll: PollOptions<CommandStatusResponse, CommandStatus>,
    user_agent: Option<(&'static str, &'static str)>,
}

impl RunCommand {
    pub(super) fn new(context: Context, code: String) -> Self {
        Self { context, code, poll: PollOptions::default().pace(Pace::QUICK), user_agent: None }
    }

    poll_setters! {
        /// Sets the timeout of the command; when it has passed, the command is cancelled. Default: none.
        CommandStatusResponse, CommandStatus
    }

    /// Adds a part to the user agent of the call that starts the command.
    pub(super) fn user_agent(mut self, name: &'static str, value: &'static str) -> Self {
        self.user_agent = Some((name, value));
        self
    }

    /// Starts the command and returns a handle to it.
    ///
    /// # Errors
    /// When the service refuses, or the context is no longer there: it is gone with its variables when the cluster
    /// restarts, so it is never opened anew without being asked for.
    pub async fn start(self) -> Result<Command> {
        let Self { context, code, poll, user_agent } = self;
        let shared = &context.shared;
        let mut execute = operations::Execute::new();
        execute.cluster_id = Some(shared.cluster_id.clone());
        execute.context_id = Some(shared.id.clone());
        execute.language = Some(shared.language.clone());
        execute.command = Some(code);
        let mut call = shared.client.call(execute);
        if let Some((name, value)) = user_agent {
            call = call.with_user_agent_extra(name, value);
        }
        let id = call.await?.id.ok_or_else(|| Error::new(ErrorKind::Decode, "the response has no command id"))?;
        let started = shared.client.clock().now();
        Ok(Command { target: Target { context, id }, poll, started, armed: true })
    }

    /// Runs the command and returns its states, then its result, as a stream. Dropping the stream before the end
    /// cancels the command.
    pub fn stream(self) -> Updates<'static, CommandUpdate> {
        let updates = stream::once(self.start()).map_ok(|mut command| {
            let poller = command.poller();
            stream::unfold(Some((command, poller, None)), |state| async move {
                let (mut command, mut poller, last) = state?;
                loop {
                    let response = match command.next(&mut poller).await {
                        Ok(response) => response,
                        Err(error) => return Some((Err(error), None)),
                    };
                    if is_final(&response) {
                        return Some((command.target.result(response).map(CommandUpdate::Result), None));
                    }
                    if response.status != last {
                        let update = CommandUpdate::Status(response.status.clone().unwrap_or_default());
                        return Some((Ok(update), Some((command, poller, response.status))));
                    }
                }
            })
        });
        Updates::of(updates.try_flatten())
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
        f.debug_struct("RunCommand")
            .field("context", &self.context.id())
            .field("timeout", &self.poll.timeout)
            .finish_non_exhaustive()
    }
}

/// A command that runs.
///
/// Dropping it before it was seen to end cancels it in the background, unless it was [detached](Self::detach). Its
/// context must be kept: a command ends with its context.
#[must_use = "dropping a command cancels it: keep it, wait for it or detach it"]
pub struct Command {
    target: Target,
    poll: PollOptions<CommandStatusResponse, CommandStatus>,
    started: Instant,
    armed: bool,
}

impl Command {
    /// The id of the command.
    pub fn id(&self) -> &str {
        &self.target.id
    }

    /// Polls once and returns the state of the command.
    ///
    /// # Errors
    /// When the command cannot be polled. A command that failed is not an error here.
    pub async fn status(&mut self) -> Result<CommandStatus> {
        let response = self.target.poll(None).await?;
        if is_final(&response) {
            self.armed = false;
        }
        Ok(response.status.unwrap_or_default())
    }

    /// The states that the command goes through from now on. It can be waited for afterwards.
    pub fn updates(&mut self) -> Updates<'_, CommandStatus> {
        let options = PollOptions { pace: self.poll.pace, timeout: None, on_progress: None };
        let updates = Updates::new(&self.target, options, |response| format!("{:?}", response.status));
        let armed = &mut self.armed;
        Updates::of(updates.map(move |update| {
            if update.as_ref().map_or(true, is_final) {
                *armed = false;
            }
            update.map(|response| response.status.unwrap_or_default())
        }))
    }

    /// Waits until the command has ended and returns its result. An exception is a result too: see
    /// [`CommandResult::into_result`].
    ///
    /// # Errors
    /// [`ErrorKind::OperationFailed`] when the command was cancelled; [`ErrorKind::WaitTimeout`] when the timeout has
    /// passed, after which the command is cancelled; or the error of a poll, after which it is left to run.
    pub async fn wait(mut self) -> Result<CommandResult> {
        let mut poller = self.poller();
        loop {
            let response = self.next(&mut poller).await?;
            if is_final(&response) {
                return self.target.result(response);
            }
        }
    }

    fn poller(&mut self) -> Poller<CommandStatusResponse, CommandStatus> {
        let options = std::mem::take(&mut self.poll);
        Poller::new(&self.target.context.shared.client, options).started(self.started)
    }

    /// Polls, and lets go of a command that has ended or that cannot be polled.
    async fn next(
        &mut self,
        poller: &mut Poller<CommandStatusResponse, CommandStatus>,
    ) -> Result<CommandStatusResponse> {
        match poller.next(&self.target).await {
            Ok(response) => {
                self.armed &= !is_final(&response);
                Ok(response)
            }
            Err(error) if error.kind() == ErrorKind::WaitTimeout => {
                Err(error.with_hint("the command is being cancelled; raise its timeout, or set none"))
            }
            Err(error) => {
                self.armed = false;
                // A command ends with its context.
                self.target.context.shared.keep();
                Err(error)
            }
        }
    }

    /// Cancels the command and waits until it has ended.
    ///
    /// # Errors
    /// When the service cannot be asked; [`ErrorKind::OperationFailed`] when the command came to an error instead.
    pub async fn cancel(mut self) -> Result<()> {
        self.armed = false;
        let wait = self.target.context.shared.client.call(self.target.cancel()).wait().quick(self.poll.timeout);
        wait.await.map(drop)
    }

    /// Lets the command go on when the handle is dropped. It still ends with its context.
    pub fn detach(mut self) -> Self {
        self.armed = false;
        self
    }
}

/// A command by its ids.
struct Target {
    context: Context,
    id: String,
}

impl Target {
    fn cancel(&self) -> operations::Cancel {
        let mut cancel = operations::Cancel::new();
        cancel.cluster_id = Some(self.context.shared.cluster_id.clone());
        cancel.context_id = Some(self.context.shared.id.clone());
        cancel.command_id = Some(self.id.clone());
        cancel
    }

    /// What the command came to.
    fn result(&self, response: CommandStatusResponse) -> Result<CommandResult> {
        let status = response.status.unwrap_or_default();
        match status {
            CommandStatus::Finished | CommandStatus::Error => {
                Ok(match CommandResult::from_model(response.results.unwrap_or_default()) {
                    // An end in error without a word of explanation is still an error.
                    CommandResult::Text(text) if status == CommandStatus::Error => {
                        CommandResult::Error { message: text, cause: String::new() }
                    }
                    result => result,
                })
            }
            status => {
                let message = format!("command {} was cancelled; its state is {status}", self.id);
                Err(Error::new(ErrorKind::OperationFailed, message).with_operation(operations::Execute::INFO.id))
            }
        }
    }
}

impl Pollable for Target {
    type Resource = CommandStatusResponse;
    type State = CommandStatus;

    fn client(&self) -> &Client {
        &self.context.shared.client
    }

    fn operation(&self) -> &'static str {
        operations::Execute::INFO.id
    }

    fn name(&self) -> String {
        format!("command {} of context {} on cluster {}", self.id, self.context.id(), self.context.cluster_id())
    }

    fn goal(&self) -> String {
        "end".to_owned()
    }

    async fn poll(&self, timeout: Option<Duration>) -> Result<CommandStatusResponse> {
        let shared = &self.context.shared;
        let status = operations::CommandStatus::new(shared.cluster_id.clone(), shared.id.clone(), self.id.clone());
        Call::send_ref(&shared.client, &status, &Options::default().for_poll(timeout)).await
    }

    fn assess(&self, response: &CommandStatusResponse) -> Assessment {
        let state = response.status.as_ref().map(CommandStatus::as_str).unwrap_or_default();
        Assessment::new(WaitStatus::new(state, None), if is_final(response) { Verdict::Done } else { Verdict::Pending })
    }

    fn state<'a>(&self, response: &'a CommandStatusResponse, _status: &'a WaitStatus) -> Option<&'a CommandStatus> {
        response.status.as_ref()
    }
}

/// Whether a command has ended, or is about to by being cancelled.
fn is_final(response: &CommandStatusResponse) -> bool {
    use CommandStatus::{Cancelled, Cancelling, Error, Finished};
    matches!(response.status, Some(Finished | Error | Cancelled | Cancelling))
}

impl Drop for Command {
    fn drop(&mut self) {
        if self.armed {
            let cancel = self.target.cancel();
            self.target
                .context
                .shared
                .client
                .call_in_background(cancel, "a command that was dropped could not be cancelled");
        }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("id", &self.target.id)
            .field("context", &self.target.context.id())
            .finish_non_exhaustive()
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
