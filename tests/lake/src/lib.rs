//! What the tests and examples of this package share: a workspace to talk to.

use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use databricks_object_store::VolumeStore;
use databricks_sdk::{Config, WorkspaceClient};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// A running `databricks-local`, which ends when this is dropped.
///
/// It runs as a program, and not as a part of this package, since its SQL engine would be compiled a second time here.
#[derive(Debug)]
pub struct Local {
    url: String,
    token: String,
    _child: Child,
}

impl Local {
    /// Starts the program that `DATABRICKS_LOCAL` names, or else the one that `cargo build --workspace` has made.
    pub async fn start() -> Result<Self> {
        let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/debug/databricks-local");
        let program = std::env::var("DATABRICKS_LOCAL").unwrap_or_else(|_| built.to_owned());
        let mut command = Command::new(&program);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn().with_context(|| {
                format!("cannot start {program}; build it with `cargo build --workspace --bin databricks-local`")
            })?;
        let mut lines = BufReader::new(child.stdout.take().context("the program has no output")?).lines();
        while let Some(line) = lines.next_line().await? {
            // The first line with exports is the one with a personal access token.
            let exports = line.trim().strip_prefix("export ").unwrap_or_default();
            let value = |name: &str| {
                let mut all = exports.split(' ').filter_map(|export| export.split_once('='));
                all.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
            };
            if let Some((url, token)) = value("DATABRICKS_HOST").zip(value("DATABRICKS_TOKEN")) {
                // Its further output must not block it.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Ok(Self { url, token, _child: child });
            }
        }
        bail!("{program} ended before it stated its address")
    }

    /// A client of it.
    pub fn client(&self) -> Result<WorkspaceClient> {
        Ok(WorkspaceClient::new(Config::hermetic().host(&self.url).token(self.token.as_str()))?)
    }

    /// A directory of a volume of it as a store.
    pub fn store(&self, path: &str) -> Result<VolumeStore> {
        Ok(VolumeStore::new(self.client()?.volume(path)?))
    }
}
