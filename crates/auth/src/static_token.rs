//! Credentials with one fixed token.

use databricks_core::{AuthHeaders, Credentials, Result, Secret};

use crate::sanitize::trimmed_secret;

/// Credentials with one fixed token, such as a personal access token.
///
/// ```
/// use databricks_auth::{Config, StaticToken};
///
/// let config = Config::new().host("ws.cloud.databricks.com").credentials(StaticToken::new("dapi123"));
/// ```
#[derive(Clone, Debug)]
pub struct StaticToken(Secret);

impl StaticToken {
    /// Creates credentials from a bearer token.
    pub fn new(token: impl Into<Secret>) -> Self {
        Self(trimmed_secret(token.into()))
    }
}

impl Credentials for StaticToken {
    fn auth_type(&self) -> &str {
        "pat"
    }

    async fn headers(&self) -> Result<AuthHeaders> {
        AuthHeaders::bearer(&self.0)
    }
}
