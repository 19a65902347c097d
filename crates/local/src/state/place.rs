//! Where the workspace is, and what it is called by.

use super::credentials::Secrets;

/// Where the workspace is, and what it is called by. Fixed from its start.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) port: u16,
    /// How clients may name it in `Host`.
    pub(crate) own_hosts: Vec<String>,
    pub(crate) account_id: String,
    pub(crate) workspace_id: u64,
    /// The warehouse that is there from the start.
    pub(crate) starter_warehouse: String,
}

impl Place {
    pub(super) fn new(port: u16, host_names: &[String], secrets: &Secrets, starter_warehouse: String) -> Self {
        Self {
            url: format!("http://127.0.0.1:{port}"),
            port,
            own_hosts: own_hosts(port, host_names),
            account_id: secrets.account_id.clone(),
            workspace_id: secrets.workspace_id,
            starter_warehouse,
        }
    }
}

/// How clients may name the workspace. They leave the port out where it is the scheme's own.
fn own_hosts(port: u16, others: &[String]) -> Vec<String> {
    let names: Vec<&str> = ["127.0.0.1", "localhost"].into_iter().chain(others.iter().map(String::as_str)).collect();
    let bare = names.iter().filter(|_| port == 80).map(|&name| name.to_owned());
    names.iter().map(|name| format!("{name}:{port}")).chain(bare).collect()
}
