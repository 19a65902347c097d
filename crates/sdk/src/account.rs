//! The client of an account.

use crate::client::Client;
use crate::client_methods::client_methods;

/// A client for an account: workspaces, identities, budgets, app integrations, networks.
///
/// Needs an account id and the account console as host (`https://accounts.cloud.databricks.com` on AWS).
///
/// ```no_run
/// # async fn example() -> databricks_sdk::Result<()> {
/// let a = databricks_sdk::AccountClient::from_env()?;
/// let mut integrations = a.custom_app_integration().list().items();
/// while let Some(integration) = integrations.try_next().await? {
///     println!("{}", integration.name.unwrap_or_default());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AccountClient {
    pub(crate) client: Client,
}

client_methods!(AccountClient);
