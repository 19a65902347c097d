//! Code that runs on a cluster: execution contexts and commands (API 1.2).

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use databricks_core::{Error, ErrorKind, Result};
use databricks_models::compute::{Language, command_execution as operations};

use crate::client::Client;

mod dbutils;
mod error_text;
mod result;
mod run;

pub use dbutils::RemoteDbutils;
pub use result::{CommandResult, TableColumn, TableResult};
pub use run::{Command, CommandUpdate, RunCommand};

/// An execution context to be opened: await it for the [`Context`].
#[must_use = "a context is opened by awaiting this"]
#[derive(Debug)]
pub struct OpenContext {
    client: Client,
    cluster_id: String,
    language: Language,
    timeout: Option<Duration>,
}

impl OpenContext {
    pub(crate) fn new(client: Client, cluster_id: String, language: Language) -> Self {
        Self { client, cluster_id, language, timeout: Some(Duration::from_secs(20 * 60)) }
    }

    /// Sets the timeout of the wait until the context runs; when it has passed, the context is destroyed. Default: 20
    /// minutes.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    async fn open(self) -> Result<Context> {
        let mut create = operations::Create::new();
        create.cluster_id = Some(self.cluster_id.clone());
        create.language = Some(self.language.clone());
        let started = self.client.call(create).wait().quick(self.timeout).start().await?;
        let id = started
            .response()
            .id
            .clone()
            .ok_or_else(|| Error::new(ErrorKind::Decode, "the response has no context id"))?;
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
/// Works on all-purpose clusters. A cluster allows about 150 contexts, so each is destroyed: by
/// [`shutdown`](Self::shutdown), or in the background when the last clone is dropped; only a context whose command
/// could no longer be polled is kept, for the command's sake. If the cluster restarts, the context is gone with its
/// state; commands then fail, and a new one must be opened.
#[must_use = "dropping the last clone of a context destroys it"]
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
    /// A context that is there already, by its ids. Dropping it leaves the context in place.
    pub(crate) fn attach(client: Client, cluster_id: String, id: String, language: Language) -> Self {
        let shared = Shared { client, cluster_id, language, id, open: AtomicBool::new(false) };
        Self { shared: Arc::new(shared) }
    }

    /// The id of the context.
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// The id of the cluster.
    pub fn cluster_id(&self) -> &str {
        &self.shared.cluster_id
    }

    /// Code to run in this context: await it for the [`CommandResult`]. White space that all lines begin with is taken
    /// away.
    pub fn run(&self, code: &str) -> RunCommand {
        RunCommand::new(self.clone(), dedent(code))
    }

    /// Destroys the context now, and everything that runs in it.
    ///
    /// # Errors
    /// When the service cannot be asked or refuses.
    pub async fn shutdown(self) -> Result<()> {
        self.shared.keep();
        let destroy = operations::Destroy::new(self.shared.cluster_id.clone(), self.shared.id.clone());
        self.shared.client.call(destroy).await.map(drop)
    }
}

impl Shared {
    /// Leaves the context in place when it is dropped.
    fn keep(&self) {
        self.open.store(false, Ordering::Relaxed);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if !self.open.load(Ordering::Relaxed) {
            return;
        }
        let destroy = operations::Destroy::new(self.cluster_id.clone(), self.id.clone());
        self.client.call_in_background(destroy, "an execution context that was dropped could not be destroyed");
    }
}

/// Takes away the white space that all lines begin with, so that code can be indented where it stands in the program.
///
/// ```
/// assert_eq!(databricks_sdk::commands::dedent("\n    if a:\n        b()\n"), "if a:\n    b()");
/// ```
pub fn dedent(code: &str) -> String {
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
}
