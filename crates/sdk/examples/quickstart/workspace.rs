//! Which workspace an example works on: the configured one, or an embedded one.

// Each example uses a part of this.
#![allow(dead_code)]

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

    /// The warehouse to run statements on: that of the embedded workspace, or the configured one.
    pub(crate) async fn warehouse(&self) -> Result<String> {
        if let Some(local) = &self.local {
            return Ok(local.warehouse_id().to_owned());
        }
        let configured = self.client.client().config().warehouse_id().map(str::to_owned);
        configured
            .ok_or_else(|| Error::new(ErrorKind::Config, "no SQL warehouse is configured; set DATABRICKS_WAREHOUSE_ID"))
    }

    /// A cluster that runs: one that is made in the embedded workspace, or the configured one.
    pub(crate) async fn cluster(&self) -> Result<String> {
        let clusters = self.client.clusters();
        let cluster = match (&self.local, self.client.client().config().cluster_id()) {
            (Some(_), _) => {
                clusters.get_or_create_running("notebook").poll_interval(std::time::Duration::from_millis(250)).await?
            }
            (None, Some(id)) => clusters.ensure_running(id).await?,
            (None, None) => {
                return Err(Error::new(ErrorKind::Config, "no cluster is configured; set DATABRICKS_CLUSTER_ID"));
            }
        };
        cluster.cluster_id.ok_or_else(|| Error::new(ErrorKind::Decode, "the cluster has no id"))
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
