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

#[cfg(feature = "provisioning")]
impl AccountClient {
    /// The client of a workspace of this account, with the connections, the settings and the credentials of this one.
    ///
    /// Where one host serves the account and its workspaces, all share one token. Otherwise the workspace has a host of
    /// its own, with a token of its own from the same credentials provider. Asked twice for a workspace, this returns
    /// the same client.
    ///
    /// * `workspace`: as [`workspaces().list()`](crate::services::provisioning::Workspaces::list) returns it.
    ///
    /// ```no_run
    /// # async fn example() -> databricks_sdk::Result<()> {
    /// let a = databricks_sdk::AccountClient::from_env()?;
    /// for workspace in a.workspaces().list().await? {
    ///     let w = a.workspace_client(&workspace).await?;
    ///     println!("{}: {:?}", workspace.workspace_name.unwrap_or_default(), w.current_user().me().await?.user_name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Auth`](crate::ErrorKind::Auth) when the credentials are bound to the account's host, such as a token
    /// that was given, which is never sent to another; [`ErrorKind::Config`](crate::ErrorKind::Config) when the host
    /// does not follow from the workspace and the account; else those of authenticating with the account.
    pub async fn workspace_client(
        &self,
        workspace: &databricks_models::provisioning::Workspace,
    ) -> crate::Result<crate::WorkspaceClient> {
        let mut address = databricks_auth::WorkspaceAddress::new();
        if let Some(name) = &workspace.deployment_name {
            address = address.deployment_name(name);
        }
        if let Some(id) = workspace.workspace_id {
            address = address.workspace_id(id);
        }
        let azure = workspace.azure_workspace_info.as_ref();
        let placed = azure.and_then(|azure| azure.subscription_id.as_deref().zip(azure.resource_group.as_deref()));
        if let Some(((subscription, group), name)) = placed.zip(workspace.workspace_name.as_deref()) {
            address = address.azure_resource_id(format!(
                "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Databricks/workspaces/{name}"
            ));
        }
        Ok(self.client.of_workspace(address).await?.into())
    }
}
