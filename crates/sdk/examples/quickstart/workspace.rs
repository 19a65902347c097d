//! Which workspace the walk goes through.

use databricks_local::LocalWorkspace;
use databricks_sdk::{Config, Error, ErrorKind, Result, WorkspaceClient};

/// A client, and the embedded workspace where there is no other.
pub(crate) struct Session {
    client: WorkspaceClient,
    local: Option<LocalWorkspace>,
    yes: bool,
}

/// Life cycles of the embedded workspace go by this many times as fast as those of a real one.
const SPEED: f64 = 200.0;

pub(crate) async fn open(yes: bool) -> Result<Session> {
    let configured = Config::from_env().resolve()?;
    if let Some(host) = configured.host() {
        println!("Workspace {host}, as configured.");
        return Ok(Session { client: WorkspaceClient::from_env()?, local: None, yes });
    }
    let local = LocalWorkspace::builder()
        .speed(SPEED)
        .start()
        .await
        .map_err(|e| Error::new(ErrorKind::Other, "the embedded workspace could not be started").with_source(e))?;
    println!("No workspace is configured, so here is an embedded one: {}", local.url());
    let config = Config::new().host(local.url()).token(local.token());
    Ok(Session { client: WorkspaceClient::new(config)?, local: Some(local), yes })
}

impl Session {
    pub(crate) fn client(&self) -> &WorkspaceClient {
        &self.client
    }

    /// Whether things may be created and removed: always on the embedded workspace, elsewhere if asked to.
    pub(crate) fn may_change(&self) -> bool {
        self.yes || self.local.is_some()
    }

    pub(crate) async fn close(self) {
        if let Some(local) = self.local {
            local.shutdown().await;
        }
    }
}
