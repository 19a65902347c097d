//! The client of a workspace.

#[cfg(feature = "compute")]
use databricks_models::compute::Language;

use crate::client::Client;
use crate::client_methods::client_methods;
#[cfg(feature = "compute")]
use crate::commands::{Context, OpenContext};
#[cfg(feature = "sql")]
use crate::sql::{Query, Statement};

/// A client for a workspace: clusters, jobs, SQL, files, identities and all the rest.
///
/// Cheap to clone and to share between tasks; all clones use one connection pool and one token. Building it sends
/// nothing.
///
/// ```no_run
/// # async fn example() -> databricks_sdk::Result<()> {
/// use databricks_sdk::{Config, WorkspaceClient};
///
/// let w = WorkspaceClient::from_env()?;
/// let staging = WorkspaceClient::new(Config::new().profile("staging"))?;
/// println!("{}", w.current_user().me().await?.user_name.unwrap_or_default());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct WorkspaceClient {
    pub(crate) client: Client,
}

client_methods!(WorkspaceClient);

impl WorkspaceClient {
    /// An SQL statement to run on a warehouse; see [`sql`](crate::sql).
    #[cfg(feature = "sql")]
    pub fn sql(&self, statement: impl Into<String>) -> Query {
        Query::new(self.client.clone(), statement)
    }

    /// A statement that runs or has run, by its id. Dropping it leaves the statement alone.
    #[cfg(feature = "sql")]
    pub fn sql_statement(&self, id: impl Into<String>) -> Statement {
        Statement::attach(self.client.clone(), id.into())
    }

    /// An execution context on a running cluster, to run code in; see [`Context`](crate::commands::Context).
    ///
    /// ```no_run
    /// # async fn example(w: &databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
    /// use databricks_sdk::models::compute::Language;
    ///
    /// let context = w.context("0923-164208-meows279", Language::Python).await?;
    /// let result = context.run("print(1 + 1)").await?;
    /// assert_eq!(result.text()?, "2");
    /// context.shutdown().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "compute")]
    pub fn context(&self, cluster_id: impl Into<String>, language: Language) -> OpenContext {
        OpenContext::new(self.client.clone(), cluster_id.into(), language)
    }

    /// An execution context that was opened before, by its ids: here or in another process. Dropping it leaves the
    /// context in place. Nothing is sent; a context that is gone shows in the first command.
    ///
    /// * `language`: the one that the context was opened for.
    #[cfg(feature = "compute")]
    pub fn attach_context(
        &self,
        cluster_id: impl Into<String>,
        context_id: impl Into<String>,
        language: Language,
    ) -> Context {
        Context::attach(self.client.clone(), cluster_id.into(), context_id.into(), language)
    }
}
