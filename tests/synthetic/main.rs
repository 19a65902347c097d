//! Every shape that the generator knows, generated from a made-up API and exercised over a socket.

#![allow(clippy::unwrap_used)] // A test may stop at the first thing that is not as it should be.

// Generated source for a program that uses a part of it.
#[allow(dead_code, unreachable_pub)]
#[rustfmt::skip]
#[path = "generated/models/mod.rs"]
mod models;
#[allow(dead_code, unreachable_pub)]
#[rustfmt::skip]
#[path = "generated/services/mod.rs"]
mod services;

mod bodies;
mod facade;
mod lists;
mod long;
mod values;

use databricks_sdk::{Config, WorkspaceClient as Workspace};
use httpmock::MockServer;

// What the generated services expect around them.
/// The facade's macros, and its modules as far as what is generated names them.
#[path = "../../crates/sdk/src/handle.rs"]
mod handle;
pub(crate) mod account {
    pub(crate) use crate::facade::AccountClient;
}
pub(crate) mod call {
    pub(crate) use crate::facade::Call;
}
pub(crate) mod client {
    pub(crate) use databricks_sdk::Client;
}
pub(crate) mod waiter {
    pub(crate) use crate::facade::{OperationWaiter, Waiter};
}
pub(crate) mod workspace {
    pub(crate) use crate::facade::WorkspaceClient;
}

/// A client of this server, with an account and a workspace id.
fn client(server: &MockServer) -> client::Client {
    let config = Config::hermetic().host(server.base_url()).token("tok");
    Workspace::new(config.account_id("acc").workspace_id("42")).unwrap().client().clone()
}
