//! Tokens made of other tokens: for a notebook's token, and for endpoints that response on a host of their own.

use std::fmt;
use std::sync::{Arc, PoisonError, Weak};

use databricks_core::{Error, ErrorKind, Result, Secret};
use databricks_transport::HttpService;
use http::header::AUTHORIZATION;

use crate::cache::TokenCache;
use crate::config::ResolvedConfig;
use crate::context::Context;
use crate::credential_chain::{CredentialChain, Inner};
use crate::error::AuthError;
use crate::http::Http;
use crate::token::{Token, TokenSource};

const NOTEBOOK: &str = "runtime-oauth";
const DATA_PLANE: &str = "data-plane";

impl ResolvedConfig {
    /// Credentials that swap a personal access token, such as the one a notebook is handed, for OAuth tokens with the configured
    /// scopes (token exchange, RFC 8693).
    ///
    /// ```no_run
    /// # fn example(http: databricks_auth::HttpService, handed: &str) -> databricks_core::Result<()> {
    /// use databricks_auth::Config;
    ///
    /// let config = Config::new().host("ws.cloud.databricks.com").scopes(["sql"]).resolve()?;
    /// let credentials = config.exchange_token(http, handed);
    /// let program = Config::new().host("ws.cloud.databricks.com").credentials(credentials);
    /// # Ok(()) }
    /// ```
    pub fn exchange_token(&self, http: HttpService, token: impl Into<Secret>) -> TokenCache {
        let cx = Arc::new(Context::new(self.clone(), Http::new(http)));
        cx.cache(NOTEBOOK, Handed { cx: Arc::clone(&cx), token: token.into() })
    }
}

/// A token that was handed to this program.
#[derive(Debug)]
struct Handed {
    cx: Arc<Context>,
    token: Secret,
}

impl TokenSource for Handed {
    async fn token(&self) -> Result<Token> {
        const PERSONAL: &str = "urn:databricks:params:oauth:token-type:personal-access-token";
        Ok(self.cx.exchange(NOTEBOOK, &self.token, PERSONAL).await?)
    }
}

impl CredentialChain {
    /// Credentials for an endpoint that responses on a host of its own, such as a serving endpoint with direct access. They are made of
    /// this sign-in's own token (RFC 7523), which never goes to that host.
    ///
    /// Clones of a sign-in share these tokens too.
    ///
    /// * `authorization_details`: the JSON that the endpoint's description gives, which says what the token may do.
    pub fn data_plane(&self, authorization_details: impl Into<String>) -> TokenCache {
        let details = authorization_details.into();
        let mut caches = self.0.data_plane.lock().unwrap_or_else(PoisonError::into_inner);
        let cache = caches.entry(details).or_insert_with_key(|details| {
            // Weak, since the sign-in keeps the cache.
            let source = DataPlaneSource { of: Arc::downgrade(&self.0), details: details.clone() };
            self.0.cx.cache(DATA_PLANE, source)
        });
        cache.clone()
    }
}

/// A token made of the sign-in's own.
struct DataPlaneSource {
    of: Weak<Inner>,
    details: String,
}

impl fmt::Debug for DataPlaneSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataPlaneSource").field("details", &self.details).finish_non_exhaustive()
    }
}

impl TokenSource for DataPlaneSource {
    async fn token(&self) -> Result<Token> {
        use databricks_core::Credentials as _;
        let chain = CredentialChain(self.of.upgrade().ok_or_else(|| Error::new(ErrorKind::Auth, "the sign-in of this token is gone"))?);
        let headers = chain.headers().await?;
        let own = headers.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
        let own = own.ok_or_else(|| {
            AuthError::failed(DATA_PLANE, "a token for the data plane is made of a bearer token, and this sign-in has none")
        })?;
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("authorization_details", self.details.as_str()),
            ("assertion", own),
        ];
        Ok(chain.0.cx.grant(DATA_PLANE, &fields, None, &[own]).await?.0)
    }
}
