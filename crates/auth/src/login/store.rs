//! Stored logins: what `databricks auth login` of the official CLI does.

use std::sync::Arc;

use databricks_core::Result;
use databricks_transport::HttpService;

use super::flow::Flow;
use crate::config::{ResolvedConfig, profile_path};
use crate::context::Context;
use crate::error::AuthError;
use crate::http::Http;
use crate::store::{Entry, Logins, Storage};

const NAME: &str = "databricks-cli";

/// The result of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoginOutcome {
    /// The host of the login.
    pub host: String,
    /// Where the login is stored.
    pub storage: Storage,
}

impl ResolvedConfig {
    /// Logs a user in through a browser and stores the login as the official CLI does: `databricks-cli` finds it from
    /// then on, in this crate and in the official tools.
    ///
    /// Starts a new login even if one is stored. Times out after 5 minutes.
    ///
    /// * `http`: sends the token requests, for example [`http_service`](Self::http_service).
    ///
    /// # Errors
    /// When no host is configured, the login is not completed, or it cannot be stored.
    pub async fn login(&self, http: HttpService) -> Result<LoginOutcome> {
        let cx = Arc::new(Context::new(self.clone(), Http::new(http)));
        let host = cx.host_url(NAME)?;
        let logins = Logins::open(&cx, NAME).await?;
        let granted = Flow::public(&cx, NAME).run().await?;
        let mut entry = Entry::default();
        entry.renew(&granted.token, granted.refresh_token.as_ref().map(databricks_core::Secret::expose), cx.now());
        let storage =
            logins.put_new(&entry, profile_path(self).as_deref()).await.map_err(|why| AuthError::failed(NAME, why))?;
        Ok(LoginOutcome { host, storage })
    }

    /// Removes the stored login of this host or profile. Does nothing if there is none.
    ///
    /// * `http`: requests the host's metadata, for example [`http_service`](Self::http_service).
    ///
    /// # Errors
    /// When no host is configured, or the storage cannot be changed.
    pub async fn logout(&self, http: HttpService) -> Result<()> {
        let cx = Context::new(self.clone(), Http::new(http));
        let logins = Logins::open(&cx, NAME).await?;
        Ok(logins.delete().await.map_err(|why| AuthError::failed(NAME, why))?)
    }
}
