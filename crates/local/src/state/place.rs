//! Where the workspace is, and what it is called by.

use std::net::SocketAddr;

use super::credentials::Secrets;
use super::settings::Settings;
use crate::origin;

/// Where the workspace is, and what it is called by. Fixed from its start.
#[derive(Debug)]
pub(crate) struct Place {
    /// As it was printed at the start.
    pub(crate) url: String,
    /// `http` or `https`.
    pub(crate) scheme: &'static str,
    /// The name or address in the URL.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// How clients may name it in `Host`.
    pub(crate) own_hosts: Vec<String>,
    pub(crate) account_id: String,
    pub(crate) workspace_id: u64,
    /// The warehouse that is there from the start.
    pub(crate) starter_warehouse: String,
}

impl Place {
    pub(super) fn new(address: SocketAddr, settings: &Settings, secrets: &Secrets, starter_warehouse: String) -> Self {
        let (scheme, host, port) = (settings.scheme(), origin::own_name(address.ip()), address.port());
        Self {
            url: format!("{scheme}://{host}:{port}"),
            scheme,
            host,
            port,
            own_hosts: own_hosts(scheme, port, &settings.host_names),
            account_id: secrets.account_id.clone(),
            workspace_id: secrets.workspace_id,
            starter_warehouse,
        }
    }

    /// The URL of Spark Connect with a token, for clients on this machine.
    pub(crate) fn spark_remote(&self, token: &str) -> String {
        // PySpark sends tokens without TLS to this name alone.
        let host = if self.host == "127.0.0.1" { "localhost" } else { &self.host };
        let encrypted = if self.scheme == "https" { ";use_ssl=true" } else { "" };
        format!("sc://{host}:{}/;token={token}{encrypted}", self.port)
    }

    /// The base URL for the client that is served, without a slash at its end. Beyond this machine that is not the one
    /// that was printed at the start.
    pub(crate) fn base_url(&self) -> String {
        origin::for_client(&self.url)
    }
}

/// How clients may name the workspace. They leave the port out where it is the scheme's own.
fn own_hosts(scheme: &str, port: u16, others: &[String]) -> Vec<String> {
    let names: Vec<&str> = ["127.0.0.1", "localhost"].into_iter().chain(others.iter().map(String::as_str)).collect();
    let bare = names.iter().filter(|_| port == if scheme == "https" { 443 } else { 80 }).map(|&name| name.to_owned());
    names.iter().map(|name| format!("{name}:{port}")).chain(bare).collect()
}
