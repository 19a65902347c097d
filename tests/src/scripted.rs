//! Clients of scripted servers.

use databricks_sdk::{Config, WorkspaceClient};

use crate::JumpClock;

/// A client with the token `tok` of a server at this URL. It sees nothing of the machine, and its waits take no time.
pub fn scripted_client(url: impl Into<String>) -> WorkspaceClient {
    let config = Config::hermetic().host(url).token("tok").clock(JumpClock::new());
    WorkspaceClient::new(config).expect("the settings are complete")
}
