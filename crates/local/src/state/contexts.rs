//! Execution contexts and their commands.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use crate::python::{Process, Work};
use crate::reply::ApiError;
use crate::state::lock;

/// How many contexts a cluster takes.
const PER_CLUSTER: usize = 150;
/// How many commands of a context are remembered: the last that have ended, and all that have not.
const COMMANDS: usize = 1_000;
/// What the cluster of a job's task is called: its run id follows.
pub(crate) const TASK_CLUSTER: &str = "job-task-";
/// How long a cancelled command may take to notice before its interpreter is ended.
const GRACE: Duration = Duration::from_secs(5);
/// How often it is interrupted until then.
const AGAIN: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Python,
    Sql,
}

impl Language {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Python => "Python",
            Self::Sql => "SQL",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContextStatus {
    Pending,
    Running,
    Error,
}

impl ContextStatus {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Error => "Error",
        }
    }
}

/// Where a command is; results come with the end.
#[derive(Clone, Debug)]
pub(crate) enum CommandStatus {
    Queued,
    Running,
    Cancelling,
    Finished(Value),
    Cancelled,
    Error(Value),
}

impl CommandStatus {
    fn name(&self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::Running => "Running",
            Self::Cancelling => "Cancelling",
            Self::Finished(_) => "Finished",
            Self::Cancelled => "Cancelled",
            Self::Error(_) => "Error",
        }
    }

    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Finished(_) | Self::Cancelled | Self::Error(_))
    }
}

#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) work: Work,
    pub(crate) status: watch::Sender<CommandStatus>,
}

impl Command {
    /// Moves from a status that `from` accepts to `to`; states whether it did.
    fn advance(&self, from: impl FnOnce(&CommandStatus) -> bool, to: CommandStatus) -> bool {
        self.status.send_if_modified(|status| {
            let moves = from(status);
            if moves {
                *status = to;
            }
            moves
        })
    }

    /// Begins what still waits; states whether it did.
    pub(crate) fn begin(&self) -> bool {
        self.advance(|s| matches!(s, CommandStatus::Queued), CommandStatus::Running)
    }

    pub(crate) fn end(&self, status: CommandStatus) {
        self.advance(|s| !s.is_final(), status);
    }
}

/// The commands of a context.
#[derive(Debug, Default)]
struct Commands {
    by_id: BTreeMap<String, Arc<Command>>,
    /// Oldest first.
    order: VecDeque<String>,
}

impl Commands {
    fn add(&mut self, id: String, command: Arc<Command>) {
        self.by_id.insert(id.clone(), command);
        self.order.push_back(id);
        while self.order.len() > COMMANDS {
            let ended = |id: &String| self.by_id.get(id).is_none_or(|command| command.status.borrow().is_final());
            // They end in the order in which they came.
            let Some(oldest) = self.order.front().filter(|id| ended(id)).cloned() else { return };
            self.order.pop_front();
            self.by_id.remove(&oldest);
        }
    }
}

#[derive(Debug)]
pub(crate) struct Context {
    cluster_id: String,
    /// The cluster's run that it belongs to: it does not survive a restart.
    spark_context_id: i64,
    pub(crate) language: Language,
    status: watch::Sender<ContextStatus>,
    commands: Mutex<Commands>,
    queue: mpsc::UnboundedSender<Arc<Command>>,
    process: Option<Process>,
}

impl Context {
    pub(crate) fn status(&self) -> ContextStatus {
        *self.status.borrow()
    }

    /// Puts a command behind those that wait.
    pub(crate) fn submit(&self, id: String, work: Work) {
        let command = Arc::new(Command { work, status: watch::Sender::new(CommandStatus::Queued) });
        lock(&self.commands).add(id, Arc::clone(&command));
        if let Err(mpsc::error::SendError(command)) = self.queue.send(command) {
            command.end(CommandStatus::Error(lost()));
        }
    }

    fn command(&self, id: &str) -> Result<Arc<Command>, ApiError> {
        lock(&self.commands)
            .by_id
            .get(id)
            .cloned()
            .ok_or_else(|| not_found("CommandNotFound", format!("no command with id {id}")))
    }

    /// The response of `commands/status`.
    pub(crate) fn command_json(&self, id: &str) -> Result<Value, ApiError> {
        let status = self.command(id)?.status.borrow().clone();
        let results = match &status {
            CommandStatus::Finished(results) | CommandStatus::Error(results) => results.clone(),
            _ => Value::Null,
        };
        Ok(json!({"id": id, "status": status.name(), "results": results}))
    }

    /// Waits until a command has ended; gives what `commands/status` would.
    pub(crate) async fn finished(&self, id: &str) -> Result<Value, ApiError> {
        let mut status = self.command(id)?.status.subscribe();
        ended(&mut status).await;
        self.command_json(id)
    }

    /// Asks a command to stop: at once if it waits, by an interrupt if it runs.
    pub(crate) fn cancel(&self, id: &str) -> Result<(), ApiError> {
        let command = self.command(id)?;
        let waits = |s: &CommandStatus| matches!(s, CommandStatus::Queued);
        let runs = |s: &CommandStatus| matches!(s, CommandStatus::Running);
        if command.advance(waits, CommandStatus::Cancelled) || !command.advance(runs, CommandStatus::Cancelling) {
            return Ok(());
        }
        if let Some(process) = self.process.clone() {
            tokio::spawn(interrupt(command, process));
        }
        Ok(())
    }

    /// Where its interpreter's state is told.
    pub(crate) fn status_sender(&self) -> watch::Sender<ContextStatus> {
        self.status.clone()
    }

    fn kill(&self) {
        if let Some(process) = &self.process {
            process.kill();
        }
        for command in lock(&self.commands).by_id.values() {
            command.end(CommandStatus::Cancelled);
        }
    }
}

/// Ends the interpreter with the context, when the last handle to it is dropped.
impl Drop for Context {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Interrupts a command until it ends, and ends its interpreter when it does not.
async fn interrupt(command: Arc<Command>, process: Process) {
    let mut status = command.status.subscribe();
    for _ in 0..GRACE.as_millis() / AGAIN.as_millis() {
        {
            // Holding the status keeps the next command from starting meanwhile, which the signal is not meant for.
            let status = command.status.borrow();
            if status.is_final() {
                return;
            }
            process.interrupt();
        }
        // Again, since a command that has only just begun, or catches the first, does not see it.
        if tokio::time::timeout(AGAIN, ended(&mut status)).await.is_ok() {
            return;
        }
    }
    process.kill();
}

async fn ended(status: &mut watch::Receiver<CommandStatus>) {
    // The value is let go of at once: it locks the status. An error means that the command is gone.
    let _ = status.wait_for(CommandStatus::is_final).await;
}

/// All contexts of the workspace.
#[derive(Debug, Default)]
pub(crate) struct Contexts(Mutex<BTreeMap<String, Arc<Context>>>);

impl Contexts {
    /// The context, if it belongs to the present run of that cluster.
    pub(crate) fn get(&self, id: &str, cluster_id: &str, spark: i64) -> Result<Arc<Context>, ApiError> {
        lock(&self.0)
            .get(id)
            .filter(|c| c.cluster_id == cluster_id && c.spark_context_id == spark)
            .cloned()
            .ok_or_else(|| not_found("ContextNotFound", format!("no context with id {id}")))
    }

    /// All contexts, by identifier.
    pub(crate) fn all(&self) -> Vec<(String, Arc<Context>)> {
        lock(&self.0).iter().map(|(id, context)| (id.clone(), Arc::clone(context))).collect()
    }

    /// Refuses a context more than a cluster takes.
    pub(crate) fn check_room(&self, cluster_id: &str) -> Result<(), ApiError> {
        let taken = lock(&self.0).values().filter(|c| c.cluster_id == cluster_id).count();
        if taken < PER_CLUSTER {
            return Ok(());
        }
        Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "ContextLimitExceeded",
            format!("cluster {cluster_id} has {PER_CLUSTER} execution contexts already; destroy some of them"),
        ))
    }

    /// Adds a context, which is up at once where it has no interpreter. Gives it, and the commands that arrive.
    pub(crate) fn add(
        &self,
        id: &str,
        cluster_id: &str,
        spark: i64,
        language: Language,
        process: Option<Process>,
    ) -> (Arc<Context>, mpsc::UnboundedReceiver<Arc<Command>>) {
        let (queue, commands) = mpsc::unbounded_channel();
        let status = if process.is_some() { ContextStatus::Pending } else { ContextStatus::Running };
        let context = Arc::new(Context {
            cluster_id: cluster_id.to_owned(),
            spark_context_id: spark,
            language,
            status: watch::Sender::new(status),
            commands: Mutex::default(),
            queue,
            process,
        });
        lock(&self.0).insert(id.to_owned(), Arc::clone(&context));
        (context, commands)
    }

    pub(crate) fn remove(&self, id: &str) {
        let removed = lock(&self.0).remove(id);
        if let Some(context) = removed {
            context.kill();
        }
    }

    /// Ends the contexts of a cluster whose run has ended.
    pub(crate) fn remove_cluster(&self, cluster_id: &str) {
        self.remove_where(|c| c.cluster_id == cluster_id);
    }

    pub(crate) fn remove_all(&self) {
        self.remove_where(|_| true);
    }

    fn remove_where(&self, gone: impl Fn(&Context) -> bool) {
        let mut removed = Vec::new();
        lock(&self.0).retain(|_, c| {
            let keep = !gone(c);
            if !keep {
                removed.push(Arc::clone(c));
            }
            keep
        });
        for context in removed {
            context.kill();
        }
    }
}

/// The result of a command whose interpreter is gone.
pub(crate) fn lost() -> Value {
    json!({
        "resultType": "error",
        "summary": "The execution context is lost: its interpreter ended. Create a new context.",
        "cause": "The Python process of this context ended while or before the command ran.",
    })
}

fn not_found(code: &'static str, message: String) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, code, message)
}
