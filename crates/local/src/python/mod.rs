//! A `python3` process that runs the commands of one execution context.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

const DRIVER: &str = include_str!("driver.py");

/// What a command gave.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Answer {
    Ready,
    Text { data: String, truncated: bool },
    Table { data: Value, schema: Value, truncated: bool },
    Error { summary: String, cause: String },
    Cancelled,
}

/// The process itself, which others than its user may interrupt and end.
#[derive(Clone, Debug)]
pub(crate) struct Process(Arc<Mutex<Child>>);

impl Process {
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
    // The process leads a group of its own. An error means that nobody is left in it.
    let _ = kill_process_group(Pid::from_child(child), signal);
}

#[cfg(not(unix))]
fn signal(child: &mut Child, kill: bool) {
    // There is no gentle way here: a cancelled command ends when the grace period does.
    if kill {
        let _ = child.kill();
    }
}

/// The user's side of the process. Its calls block.
#[derive(Debug)]
pub(crate) struct Interpreter {
    process: Process,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// The directory that commands find themselves in.
    _folder: TempDir,
}

impl Interpreter {
    /// Starts `program` with a folder of its own under `parent`.
    pub(crate) fn start(program: &Path, parent: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("context-").tempdir_in(parent)?;
        let driver = folder.path().join(".driver.py");
        std::fs::write(&driver, DRIVER)?;
        let mut command = Command::new(program);
        command
            .arg("-u")
            .arg(&driver)
            .current_dir(folder.path())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        // Code on a cluster does not see the credentials of whoever started the workspace.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("DATABRICKS_") {
                command.env_remove(name);
            }
        }
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt as _;
            // A group of its own: Ctrl-C in the terminal is for the workspace, and its commands' children go with them.
            command.process_group(0);
        }
        let mut child = command.spawn()?;
        let missing = || io::Error::from(io::ErrorKind::BrokenPipe);
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        Ok(Self { process: Process(Arc::new(Mutex::new(child))), input, output, _folder: folder })
    }

    pub(crate) fn process(&self) -> Process {
        self.process.clone()
    }

    /// Waits until the interpreter is up.
    pub(crate) fn ready(&mut self) -> io::Result<()> {
        match self.answer()? {
            Answer::Ready => Ok(()),
            _ => Err(io::Error::from(io::ErrorKind::InvalidData)),
        }
    }

    /// Runs one command. An error means that the process is gone or talks nonsense, so that its state is lost.
    pub(crate) fn run(&mut self, code: &str) -> io::Result<Answer> {
        writeln!(self.input, "{}", json!({"code": code}))?;
        self.input.flush()?;
        self.answer()
    }

    fn answer(&mut self) -> io::Result<Answer> {
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
