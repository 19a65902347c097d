//! A `python3` process that runs the commands of one execution context.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::scratch;

const DRIVER: &str = include_str!("driver.py");
/// What code finds besides Python; the driver runs it.
const SESSION: &str = include_str!("session.py");

/// Environment variables that code on a cluster sees: what programs need to run, and none that holds a credential.
const PASSED_ON: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TERM",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "TMP",
    "TEMP",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "JAVA_HOME",
    "SPARK_HOME",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "OMP_NUM_THREADS",
    // Windows
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
    "USERPROFILE",
    "USERNAME",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "NUMBER_OF_PROCESSORS",
];
const PASSED_ON_PREFIXES: &[&str] = &["LC_", "PYTHON", "SAIL_", "XDG_"];

/// Whether commands of contexts get the variable of this name.
pub fn is_passed_on(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let exact = if cfg!(windows) { upper.as_str() } else { name };
    let secret = ["TOKEN", "SECRET", "PASSWORD", "KEY", "CREDENTIAL"].iter().any(|word| upper.contains(word));
    !secret && (PASSED_ON.contains(&exact) || PASSED_ON_PREFIXES.iter().any(|prefix| exact.starts_with(prefix)))
}

/// What interpreters are started with.
pub(crate) struct PythonSetup {
    /// Path or name of the program.
    pub(crate) program: PathBuf,
    /// Where code finds the workspace, and what it authenticates with.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The file with the certificate to trust, if connections are encrypted.
    pub(crate) authority: Option<PathBuf>,
    pub(crate) token: String,
    /// The URL of Spark Connect, if an engine is attached; the session is to be added.
    pub(crate) spark: Option<String>,
    /// The name of the user whom code runs for.
    pub(crate) user: String,
}

/// Leaves out the token.
impl std::fmt::Debug for PythonSetup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PythonSetup").field("program", &self.program).finish_non_exhaustive()
    }
}

/// What an interpreter is to run.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// One command, in the names that earlier ones have left.
    Code(String),
    /// All of a notebook or file, with the values of its widgets and the arguments of its command line.
    Notebook { source: String, path: String, arguments: BTreeMap<String, String>, argv: Vec<String> },
}

/// What a command gave.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Output {
    Ready,
    Text { data: String, truncated: bool },
    Notebook { printed: String, truncated: bool, exit: String },
    Table { data: Value, schema: Value, truncated: bool },
    Error { summary: String, cause: String },
    Cancelled,
}

/// The process itself, which others than its user may interrupt and end.
#[derive(Clone, Debug)]
pub(crate) struct Process(Arc<Mutex<Child>>);

impl Process {
    /// Takes charge of a process that [`in_own_group`] started.
    pub(crate) fn new(child: Child) -> Self {
        Self(Arc::new(Mutex::new(child)))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Child) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Interrupts what runs, as Ctrl-C does. A process that has ended is left alone.
    pub(crate) fn interrupt(&self) {
        self.with(|child| {
            if matches!(child.try_wait(), Ok(None)) {
                signal(child, false);
            }
        });
    }

    /// Ends the process and its children.
    pub(crate) fn kill(&self) {
        self.with(|child| {
            if matches!(child.try_wait(), Ok(None)) {
                signal(child, true);
                // It cannot outlive this signal, so the wait is short; a failure means that it is gone already.
                let _ = child.wait();
            }
        });
    }
}

#[cfg(unix)]
fn signal(child: &mut Child, kill: bool) {
    use rustix::process::{Pid, Signal, kill_process_group};

    let signal = if kill { Signal::KILL } else { Signal::INT };
    // The process leads a group of its own. An error means that no process is left in it.
    let _ = kill_process_group(Pid::from_child(child), signal);
}

#[cfg(not(unix))]
fn signal(child: &mut Child, kill: bool) {
    // There is no gentle way here: a cancelled command ends when the grace period does.
    if kill {
        let _ = child.kill();
    }
}

/// A Python program in a directory and a group of its own, with the variables that are passed on.
pub(crate) fn in_own_group(program: &Path, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(directory)
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_passed_on)))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        // A group of its own: Ctrl-C in the terminal is for the workspace, and its commands' children go with them.
        command.process_group(0);
    }
    command
}

/// The user's side of the process. Its calls block.
#[derive(Debug)]
pub(crate) struct Interpreter {
    process: Process,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// The directory that commands find themselves in.
    _directory: TempDir,
}

impl Interpreter {
    /// Starts `program` with a directory of its own under `parent` and further environment variables; `workspace` is what
    /// its code reaches the workspace by.
    pub(crate) fn start(
        program: &Path,
        parent: &Path,
        variables: &[(&str, String)],
        workspace: &Value,
    ) -> io::Result<Self> {
        let directory = scratch::subdirectory(parent, "context-")?;
        let driver = directory.path().join(".driver.py");
        scratch::create_file(&driver)?.write_all(DRIVER.as_bytes())?;
        scratch::create_file(&directory.path().join(".session.py"))?.write_all(SESSION.as_bytes())?;
        let mut command = in_own_group(program, directory.path());
        command
            .arg("-u")
            .arg(&driver)
            // The watchdog of the driver knows by it what belongs to this context.
            .env("DATABRICKS_LOCAL_CONTEXT", directory.path())
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn()?;
        let missing = || io::Error::from(io::ErrorKind::BrokenPipe);
        let mut input = child.stdin.take().ok_or_else(missing)?;
        writeln!(input, "{workspace}")?;
        let output = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        Ok(Self { process: Process::new(child), input, output, _directory: directory })
    }

    pub(crate) fn process(&self) -> Process {
        self.process.clone()
    }

    /// Waits until the interpreter is up.
    pub(crate) fn ready(&mut self) -> io::Result<()> {
        match self.output()? {
            Output::Ready => Ok(()),
            _ => Err(io::Error::from(io::ErrorKind::InvalidData)),
        }
    }

    /// Runs one command. An error means that the process is gone or talks nonsense, so that its state is lost.
    pub(crate) fn run(&mut self, work: &Work) -> io::Result<Output> {
        let request = match work {
            Work::Code(code) => json!({"code": code}),
            Work::Notebook { source, path, arguments, argv } => {
                json!({"notebook": source, "path": path, "arguments": arguments, "argv": argv})
            }
        };
        writeln!(self.input, "{request}")?;
        self.input.flush()?;
        self.output()
    }

    fn output(&mut self) -> io::Result<Output> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        serde_json::from_str(&line).map_err(io::Error::other)
    }
}

impl Drop for Interpreter {
    fn drop(&mut self) {
        self.process.kill();
    }
}

#[cfg(test)]
mod tests {
    use super::is_passed_on;

    #[test]
    fn only_what_programs_need_is_passed_on() {
        for name in ["PATH", "HOME", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV"] {
            assert!(is_passed_on(name), "{name}");
        }
        for name in [
            "DATABRICKS_TOKEN",
            "databricks_token",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_PROFILE",
            "ARM_CLIENT_SECRET",
            "GITHUB_TOKEN",
            "OPENAI_API_KEY",
            "HTTPS_PROXY",
            "PYTHON_KEYRING_PASSWORD",
            "PYTHON_API_TOKEN",
            "SSH_AUTH_SOCK",
            "PIP_INDEX_URL",
            "path_x",
        ] {
            assert!(!is_passed_on(name), "{name}");
        }
    }
}
