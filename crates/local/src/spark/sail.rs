//! Sail as the workspace's own engine: a Spark Connect server in a Python process.

use std::io::{self, BufRead as _, BufReader};
use std::path::Path;
use std::process::{ChildStdin, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde::Deserialize;
use tempfile::TempDir;

use crate::python::{Process, in_own_group};
use crate::scratch;

const LAUNCHER: &str = include_str!("sail.py");
/// How long it may take to start, on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the launcher states.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Stated {
    Port(u16),
    Missing(String),
    Failed(String),
}

/// A running Sail, which ends with this value, and with the process that holds it however that ends.
#[derive(Debug)]
pub(crate) struct Sail {
    process: Process,
    /// The launcher ends when this closes.
    _input: ChildStdin,
    _directory: TempDir,
}

impl Sail {
    /// Starts it, and waits until it listens; gives its port on loopback.
    pub(super) async fn start(python: &Path, parent: &Path) -> Result<(Self, u16), String> {
        let (python, parent) = (python.to_owned(), parent.to_owned());
        let started = tokio::task::spawn_blocking(move || Self::start_blocking(&python, &parent));
        started.await.map_err(|e| format!("Sail could not be started: {e}"))?
    }

    fn start_blocking(python: &Path, parent: &Path) -> Result<(Self, u16), String> {
        let shown = python.display();
        let failed = |e: io::Error| match e.kind() {
            io::ErrorKind::NotFound => format!(
                "Sail needs the program '{shown}', which was not found: install Python 3, and Sail with `{shown} -m pip \
                 install pysail`"
            ),
            _ => format!("Sail could not be started with '{shown}': {e}"),
        };
        let directory = scratch::subdirectory(parent, "sail-").map_err(failed)?;
        let mut command = in_own_group(python, directory.path());
        // What it logs is for the user to see.
        command.args(["-u", "-c", LAUNCHER]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().map_err(failed)?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let process = Process::new(child);
        let (Some(input), Some(output)) = (input, output) else {
            process.kill();
            return Err(failed(io::ErrorKind::BrokenPipe.into()));
        };
        let sail = Self { process, _input: input, _directory: directory };
        let (sender, line) = mpsc::channel();
        // It ends with the line, or with the process.
        std::thread::spawn(move || {
            let mut line = String::new();
            let read = BufReader::new(output).read_line(&mut line);
            let _ = sender.send(read.map(|_| line));
        });
        let line = line.recv_timeout(PATIENCE).map_err(|_| {
            format!("Sail did not listen within {} s after it was started with '{shown}'", PATIENCE.as_secs())
        })?;
        match serde_json::from_str(&line.map_err(failed)?) {
            Ok(Stated::Port(port)) => Ok((sail, port)),
            Ok(Stated::Missing(why)) => Err(format!(
                "Sail is not installed for '{shown}' ({why}): install it with `{shown} -m pip install pysail`, or activate \
                 the environment that has it"
            )),
            Ok(Stated::Failed(why)) => Err(format!("Sail could not be started with '{shown}': {why}")),
            Err(_) => Err(format!("Sail ended before it listened; '{shown}' stated why on standard error")),
        }
    }

    pub(super) fn stop(&self) {
        self.process.kill();
    }
}

impl Drop for Sail {
    fn drop(&mut self) {
        self.stop();
    }
}
