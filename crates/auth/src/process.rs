//! Running programs that return tokens: without a shell, with a timeout and a limit of their output.

pub(crate) mod search;
pub(crate) mod system;
#[cfg(all(test, unix))]
mod tests;

use std::fmt;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use databricks_core::Secret;

use crate::runtime;
use crate::token::BoxFuture;

/// A program to run.
#[derive(Clone)]
#[non_exhaustive]
pub struct ProcessRequest {
    /// The file to run, as an absolute path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its complete environment, without the secrets of other credentials.
    pub environment: Vec<(String, String)>,
    /// The timeout after which it is killed.
    pub timeout: Duration,
}

impl ProcessRequest {
    /// * `environment`: without the secrets of other credentials.
    pub(crate) fn new(
        program: &Path,
        arguments: &[&str],
        environment: Vec<(String, String)>,
        timeout: Duration,
    ) -> Self {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Self { program: program.to_owned(), arguments, environment, timeout }
    }
}

impl fmt::Debug for ProcessRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessRequest")
            .field("program", &self.program)
            .field("arguments", &self.arguments)
            .finish_non_exhaustive()
    }
}

/// The output of a program.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProcessOutput {
    /// Whether its exit code was 0.
    pub success: bool,
    /// Standard output, at most 1 MiB. May contain a token.
    pub stdout: Secret,
    /// Standard error, at most 1 MiB. Messages show it, with tokens redacted.
    pub stderr: String,
}

impl ProcessOutput {
    /// Creates an output.
    pub fn new(success: bool, stdout: impl Into<Secret>, stderr: impl Into<String>) -> Self {
        Self { success, stdout: stdout.into(), stderr: stderr.into() }
    }
}

/// Runs programs such as `az`. Implement it to run them elsewhere, or not at all; see
/// [`Config::process_runner`](crate::Config::process_runner).
///
/// ```
/// use databricks_auth::{Config, ProcessOutput, ProcessRequest, ProcessRunner};
///
/// #[derive(Debug)]
/// struct NoPrograms;
///
/// impl ProcessRunner for NoPrograms {
///     async fn run(&self, request: &ProcessRequest) -> std::io::Result<ProcessOutput> {
///         Err(std::io::Error::other(format!("{} may not be run here", request.program.display())))
///     }
/// }
///
/// let config = Config::new().process_runner(NoPrograms);
/// ```
pub trait ProcessRunner: fmt::Debug + Send + Sync + 'static {
    /// Runs a program until it exits. Must not block the thread.
    ///
    /// The future is dropped once [`ProcessRequest::timeout`] has passed; dropping it should kill the program.
    ///
    /// # Errors
    /// When the program cannot be run.
    fn run(&self, request: &ProcessRequest) -> impl Future<Output = io::Result<ProcessOutput>> + Send;
}

/// The object-safe form of [`ProcessRunner`].
pub(crate) trait DynProcessRunner: fmt::Debug + Send + Sync {
    fn run<'a>(&'a self, request: &'a ProcessRequest) -> BoxFuture<'a, io::Result<ProcessOutput>>;
}

impl<T: ProcessRunner> DynProcessRunner for T {
    fn run<'a>(&'a self, request: &'a ProcessRequest) -> BoxFuture<'a, io::Result<ProcessOutput>> {
        Box::pin(ProcessRunner::run(self, request))
    }
}

/// Runs a program with its timeout, whatever the runner does.
pub(crate) async fn run(runner: &Arc<dyn DynProcessRunner>, request: ProcessRequest) -> io::Result<ProcessOutput> {
    runtime::check().map_err(io::Error::other)?;
    match runtime::guard(tokio::time::timeout(request.timeout, runner.run(&request))).await {
        Ok(Ok(output)) => output,
        Ok(Err(_)) => {
            Err(io::Error::new(io::ErrorKind::TimedOut, format!("timed out after {} s", request.timeout.as_secs())))
        }
        Err(missing) => Err(io::Error::other(missing)),
    }
}
