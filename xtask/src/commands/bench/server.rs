//! The server in a process of its own.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::aims::Kind;

/// A running server; ends when this is dropped.
pub(super) struct Server {
    child: Child,
    pub(super) url: String,
    /// The file with its certificate, if it speaks TLS.
    pub(super) certificate: Option<PathBuf>,
}

impl Server {
    /// Starts the server, on this core if there are two.
    pub(super) fn start(program: &Path, kind: Kind, core: Option<usize>) -> Result<Self> {
        let certificate = program.with_file_name(format!("{}.pem", kind.name()));
        let mut child = pinned(program, core)
            .args(["serve", kind.name()])
            .arg(&certificate)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the server")?;
        let output = child.stdout.take().context("the server has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        ensure!(line.starts_with("http"), "the server printed {line:?} in place of its URL");
        Ok(Self {
            child,
            url: line.trim().to_owned(),
            certificate: Some(certificate).filter(|_| matches!(kind, Kind::Tls1 | Kind::Tls2)),
        })
    }

    /// What a contender needs to know of the server.
    pub(super) fn arguments(&self) -> Vec<std::ffi::OsString> {
        let certificate = self.certificate.iter().map(|path| path.clone().into_os_string());
        std::iter::once(self.url.clone().into()).chain(certificate).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The end of its input is the end of the server.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// The servers, each started when it is first asked for.
pub(super) struct Servers<'a> {
    program: &'a Path,
    core: Option<usize>,
    running: BTreeMap<Kind, Server>,
}

impl<'a> Servers<'a> {
    /// Servers on this core, if there are two.
    pub(super) fn new(program: &'a Path, core: Option<usize>) -> Self {
        Self { program, core, running: BTreeMap::new() }
    }

    pub(super) fn of(&mut self, kind: Kind) -> Result<&Server> {
        use std::collections::btree_map::Entry;
        Ok(match self.running.entry(kind) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Server::start(self.program, kind, self.core)?),
        })
    }
}

/// The command of a program that stays on one core.
pub(super) fn pinned(program: &Path, core: Option<usize>) -> Command {
    let Some(core) = core else { return Command::new(program) };
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &core.to_string()]).arg(program);
    command
}
