//! The client of an account.

use databricks_auth::{Config, LoginOutcome};
use databricks_core::{Operation, Result};

use crate::Call;
use crate::builder::ClientBuilder;
use crate::client::Client;
use crate::raw::RawRequest;

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

impl AccountClient {
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
}

impl From<Client> for AccountClient {
    fn from(client: Client) -> Self {
        Self { client }
    }
}
