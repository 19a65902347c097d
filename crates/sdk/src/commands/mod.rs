//! Code that runs on a cluster: execution contexts and commands (API 1.2).

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use databricks_core::{Error, ErrorKind, Result};
use databricks_models::compute::{self as model, CommandStatus, Language, ResultType, command_execution as operations};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::client::Client;
use crate::options::Options;
use crate::{Call, Table};

mod error_text;

/// An execution context to be opened: await it for the [`Context`].
#[must_use = "a context is opened by awaiting this"]
#[derive(Debug)]
pub struct OpenContext {
    client: Client,
    cluster_id: String,
    language: Language,
    timeout: Duration,
}

impl OpenContext {
    pub(crate) fn new(client: Client, cluster_id: String, language: Language) -> Self {
        Self { client, cluster_id, language, timeout: Duration::from_secs(20 * 60) }
    }

    /// Bounds the wait until the context runs. Default: 20 minutes.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    async fn open(self) -> Result<Context> {
        let mut create = operations::Create::new();
        create.cluster_id = Some(self.cluster_id.clone());
        create.language = Some(self.language.clone());
        let started = self.client.call(create).wait().eager().timeout(self.timeout).start().await?;
        let id = started.answer().id.clone().ok_or_else(|| Error::new(ErrorKind::Decode, "the answer has no context id"))?;
        // From here on the context exists, so it is destroyed even if it never comes to run.
        let context = Context {
            shared: Arc::new(Shared {
                client: self.client,
                cluster_id: self.cluster_id,
                language: self.language,
                id,
                open: AtomicBool::new(true),
            }),
        };
        started.wait().await?;
        Ok(context)
    }
}

impl IntoFuture for OpenContext {
    type Output = Result<Context>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<Context>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

/// An execution context: a session on a cluster that keeps its variables from one command to the next.
///
/// Works on all-purpose clusters. A cluster allows about 150 contexts, so each is destroyed: by [`shutdown`](Self::shutdown), or in the background when the
/// last clone is dropped. If the cluster restarts, the context is gone with its state; commands then fail, and a new one must be opened.
#[derive(Clone, Debug)]
pub struct Context {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    client: Client,
    cluster_id: String,
    language: Language,
    id: String,
    open: AtomicBool,
}

impl Context {
    /// The id of the context.
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// The id of the cluster.
    pub fn cluster_id(&self) -> &str {
        &self.shared.cluster_id
    }

    /// Code to run in this context: await it for the [`CommandResult`]. White space that all lines begin with is taken away.
    pub fn run(&self, code: &str) -> RunCommand {
        RunCommand { context: self.clone(), code: dedent(code), timeout: Duration::from_secs(20 * 60), on_status: None }
    }

    /// Destroys the context now, and with it whatever runs in it.
    ///
    /// # Errors
    /// When the service cannot be asked or refuses.
    pub async fn shutdown(self) -> Result<()> {
        self.shared.open.store(false, Ordering::Relaxed);
        let destroy = operations::Destroy::new(self.shared.cluster_id.clone(), self.shared.id.clone());
        self.shared.client.call(destroy).await.map(drop)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if !self.open.load(Ordering::Relaxed) {
            return;
        }
        let destroy = operations::Destroy::new(self.cluster_id.clone(), self.id.clone());
        in_background(self.client.clone(), destroy, "an execution context that was dropped could not be destroyed");
    }
}

/// Makes a call that nobody waits for, if a runtime is there to make it.
fn in_background<O: databricks_core::Operation>(client: Client, operation: O, complaint: &'static str) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(async move {
        let mut options = Options::default();
        options.timeout(Duration::from_secs(10));
        if let Err(error) = Call::send_ref(&client, &operation, &options).await {
            tracing::warn!(%error, "{complaint}");
        }
    });
}

type OnStatus = Box<dyn FnMut(&CommandStatus) + Send>;

/// Code to run in a [`Context`]: await it for the result.
///
/// Dropping the future before the command has ended cancels the command in the background.
#[must_use = "a command runs by awaiting this"]
pub struct RunCommand {
    context: Context,
    code: String,
    timeout: Duration,
    on_status: Option<OnStatus>,
}

impl RunCommand {
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

    async fn run(self) -> Result<CommandResult> {
        let Self { context, code, timeout, mut on_status } = self;
        let shared = &context.shared;
        let mut execute = operations::Execute::new();
        execute.cluster_id = Some(shared.cluster_id.clone());
        execute.context_id = Some(shared.id.clone());
        execute.language = Some(shared.language.clone());
        execute.command = Some(code);
        let wait = shared.client.call(execute).wait().eager().timeout(timeout).on_progress(move |look| {
            if let (Some(told), Some(status)) = (&mut on_status, &look.resource.status) {
                told(status);
            }
        });
        let started = wait.start().await?;
        let id = started.answer().id.clone().ok_or_else(|| Error::new(ErrorKind::Decode, "the answer has no command id"))?;
        let mut guard = CancelGuard { context: context.clone(), id, armed: true };
        let ended = started.wait().await;
        guard.armed = matches!(&ended, Err(error) if error.kind() == ErrorKind::WaitTimeout);
        let ended = ended?;
        Ok(CommandResult::from_model(ended.results.unwrap_or_default()))
    }
}

impl IntoFuture for RunCommand {
    type Output = Result<CommandResult>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<CommandResult>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for RunCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunCommand").field("context", &self.context.id()).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// Cancels a command that nobody waits for any more.
struct CancelGuard {
    context: Context,
    id: String,
    armed: bool,
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        let shared = &self.context.shared;
        let mut cancel = operations::Cancel::new();
        cancel.cluster_id = Some(shared.cluster_id.clone());
        cancel.context_id = Some(shared.id.clone());
        cancel.command_id = Some(std::mem::take(&mut self.id));
        in_background(shared.client.clone(), cancel, "a command that was dropped could not be cancelled");
    }
}

/// What a command gave. A command that raised an exception gives [`CommandResult::Error`]: use [`into_result`](Self::into_result) to turn that into
/// an error of the call.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CommandResult {
    /// What it printed, and the value of its last expression.
    Text(String),
    /// Rows.
    Table(TableResult),
    /// Pictures: data URLs or names of files.
    Images(Vec<String>),
    /// It failed.
    Error {
        /// The exception in a line.
        message: String,
        /// The whole trace.
        cause: String,
    },
}

impl CommandResult {
    fn from_model(results: model::Results) -> Self {
        let kind = results.result_type.clone().unwrap_or_default();
        match kind {
            ResultType::Error => {
                let (summary, cause) = (results.summary.unwrap_or_default(), results.cause.unwrap_or_default());
                Self::Error { message: error_text::extract(&summary, &cause), cause }
            }
            ResultType::Table => Self::Table(TableResult::from_model(results)),
            ResultType::Image => Self::Images(results.file_name.into_iter().collect()),
            ResultType::Images => Self::Images(results.file_names.unwrap_or_default()),
            _ => Self::Text(results.data.map(|data| plain(&data)).unwrap_or_default()),
        }
    }

    /// The text it gave, without the marker `Out[n]: ` that Python puts before values.
    ///
    /// # Errors
    /// [`ErrorKind::OperationFailed`] when the command failed, [`ErrorKind::Decode`] when it gave something else.
    pub fn text(&self) -> Result<&str> {
        match self {
            Self::Text(text) => Ok(strip_marker(text)),
            Self::Error { .. } => Err(self.failure()),
            other => Err(unexpected("text", other)),
        }
    }

    /// The rows it gave, as values of a type.
    ///
    /// # Errors
    /// As [`text`](Self::text); [`ErrorKind::Decode`] also when a row does not fit the type.
    pub fn rows<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        match self {
            Self::Table(table) => table.rows(),
            Self::Error { .. } => Err(self.failure()),
            other => Err(unexpected("a table", other)),
        }
    }

    /// The result, with a failed command as an error.
    ///
    /// # Errors
    /// [`ErrorKind::OperationFailed`] with the exception's text.
    pub fn into_result(self) -> Result<Self> {
        if matches!(self, Self::Error { .. }) { Err(self.failure()) } else { Ok(self) }
    }

    fn failure(&self) -> Error {
        let message = if let Self::Error { message, .. } = self { message.as_str() } else { "" };
        Error::new(ErrorKind::OperationFailed, format!("the command failed: {message}"))
    }
}

fn unexpected(wanted: &str, got: &CommandResult) -> Error {
    let kind = match got {
        CommandResult::Text(_) => "text",
        CommandResult::Table(_) => "a table",
        CommandResult::Images(_) => "images",
        CommandResult::Error { .. } => "an error",
    };
    Error::new(ErrorKind::Decode, format!("expected {wanted} from the command and got {kind}"))
}

impl fmt::Display for CommandResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(strip_marker(text)),
            Self::Table(table) => table.fmt(f),
            Self::Images(names) => f.write_str(&names.join("\n")),
            Self::Error { message, .. } => write!(f, "error: {message}"),
        }
    }
}

/// Rows that a command gave. Prints as a table.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TableResult {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows: JSON values in the order of the columns.
    pub data: Vec<Vec<Value>>,
    /// Whether rows were left out.
    pub truncated: bool,
}

impl TableResult {
    fn from_model(results: model::Results) -> Self {
        let name = |column: &serde_json::Map<String, Value>| column.get("name").map(plain).unwrap_or_default();
        let columns = results.schema.iter().flatten().filter_map(as_object).map(|column| name(&column)).collect();
        let cells = |row: Value| if let Value::Array(cells) = row { cells } else { vec![row] };
        let data = match results.data {
            Some(Value::Array(rows)) => rows.into_iter().map(cells).collect(),
            _ => Vec::new(),
        };
        Self { columns, data, truncated: results.truncated.unwrap_or_default() }
    }

    /// The rows as values of a type: a struct or map by column name.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] naming the row and the member at fault.
    pub fn rows<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        let row = |(index, cells): (usize, &Vec<Value>)| {
            let members: serde_json::Map<_, _> = self.columns.iter().cloned().zip(cells.iter().cloned()).collect();
            T::deserialize(Value::Object(members))
                .map_err(|e| Error::new(ErrorKind::Decode, format!("row {index} of the table does not fit the type")).with_source(e))
        };
        self.data.iter().enumerate().map(row).collect()
    }
}

impl fmt::Display for TableResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(self.columns.iter().map(String::as_str));
        for row in &self.data {
            table.push(row.iter().map(|cell| if cell.is_null() { "null".to_owned() } else { plain(cell) }));
        }
        table.fmt(f)
    }
}

fn as_object(column: impl serde::Serialize) -> Option<serde_json::Map<String, Value>> {
    if let Ok(Value::Object(members)) = serde_json::to_value(column) { Some(members) } else { None }
}

/// A JSON value as people read it: a text without its quotes.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Takes away the marker `Out[12]: ` in front of the value of a Python expression.
fn strip_marker(text: &str) -> &str {
    let Some(rest) = text.strip_prefix("Out[") else { return text };
    match rest.split_once("]: ") {
        Some((number, value)) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => value,
        _ => text,
    }
}

/// Takes away the white space that all lines begin with, so that code can be indented where it stands in the program.
fn dedent(code: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let common = code.lines().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    let lines: Vec<_> = code.lines().map(|line| line.get(common..).unwrap_or_else(|| line.trim_start())).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_moved_to_the_margin() {
        assert_eq!(dedent("\n    a = 1\n    if a:\n        b = 2\n\n    c"), "a = 1\nif a:\n    b = 2\n\nc");
        assert_eq!(dedent("x\n  y"), "x\n  y");
    }

    #[test]
    fn the_marker_of_python_goes_away() {
        assert_eq!(strip_marker("Out[12]: 2"), "2");
        assert_eq!(strip_marker("Out[x]: 2"), "Out[x]: 2");
        assert_eq!(strip_marker("Output"), "Output");
    }
}
