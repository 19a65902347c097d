//! The client of a workspace.

use databricks_auth::{Config, LoginOutcome};
use databricks_core::{Operation, Result};
#[cfg(feature = "compute")]
use databricks_models::compute::Language;

use crate::Call;
use crate::builder::ClientBuilder;
use crate::client::Client;
#[cfg(feature = "compute")]
use crate::commands::OpenContext;
use crate::raw::RawRequest;
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

impl WorkspaceClient {
    /// A client with settings from the environment and the profile file.
    ///
    /// # Errors
    /// When a setting is wrong; the message names it and where it came from. Nothing is sent.
    pub fn from_env() -> Result<Self> {
        Self::new(Config::from_env())
    }

    /// A client with these settings; what they leave open comes from the environment and the profile file.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn new(config: Config) -> Result<Self> {
        Ok(Self { client: Client::from_config(config)? })
    }

    /// A builder, for settings that no profile has: user agent, TLS, proxy, retries.
    pub fn builder() -> ClientBuilder<Self> {
        ClientBuilder::new(Config::from_env())
    }

    /// Calls an operation that is described in code: by [`models`](crate::models), or by a type of your own.
    pub fn call<O: Operation>(&self, operation: O) -> Call<O> {
        self.client.call(operation)
    }

    /// Authenticates a person through a browser and stores the login; see [`Client::login`].
    ///
    /// # Errors
    /// As there.
    pub async fn login(&self) -> Result<LoginOutcome> {
        self.client.login().await
    }

    /// The connection, credentials and settings below.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A request to an endpoint that has no method of its own; see [`RawRequest`].
    pub fn raw(&self, method: http::Method, url: &str) -> RawRequest {
        RawRequest::new(self.client.clone(), method, url)
    }

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

    /// An execution context on a running cluster, to run code in; see [`Context`](crate::Context).
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
}

impl From<Client> for WorkspaceClient {
    fn from(client: Client) -> Self {
        Self { client }
    }
}
