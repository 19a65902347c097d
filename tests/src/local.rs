//! An embedded workspace and clients of it.

use databricks_local::{LocalWorkspace, LocalWorkspaceBuilder};
use databricks_sdk::{AccountClient, Config, WorkspaceClient};

use crate::JumpClock;

/// Life cycles in tests go by this many times as fast as those of a real workspace: a cluster starts in milliseconds.
const SPEED: f64 = 10_000.0;

/// A fresh embedded workspace and a client that is authenticated to it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Fixture {
    /// The server.
    pub local: LocalWorkspace,
    /// A client with the server's token.
    pub w: WorkspaceClient,
}

impl Fixture {
    /// Starts one.
    pub async fn start() -> Self {
        Self::start_with(|builder| builder).await
    }

    /// Starts one with other settings.
    pub async fn start_with(settings: impl FnOnce(LocalWorkspaceBuilder) -> LocalWorkspaceBuilder) -> Self {
        let local =
            settings(LocalWorkspace::builder().speed(SPEED)).start().await.expect("loopback is there to listen on");
        let w = WorkspaceClient::new(config(&local).token(local.token())).expect("the settings are complete");
        Self { local, w }
    }

    /// Settings that lead to the server, without credentials, and untouched by the environment of the test run.
    pub fn config(&self) -> Config {
        config(&self.local)
    }

    /// A client with the server's token whose pauses take no time: see [`JumpClock`].
    pub fn jumping(&self) -> WorkspaceClient {
        let config = self.config().token(self.local.token()).clock(JumpClock::new());
        WorkspaceClient::new(config).expect("the settings are complete")
    }

    /// A client of the account, authenticated by client credentials.
    pub fn account(&self) -> AccountClient {
        let config = self
            .config()
            .account_id(self.local.account_id())
            .client_id(self.local.client_id())
            .client_secret(self.local.client_secret());
        AccountClient::new(config).expect("the settings are complete")
    }
}

fn config(local: &LocalWorkspace) -> Config {
    Config::hermetic().host(local.url())
}
