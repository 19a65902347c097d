//! Tokens in exchange for other tokens: for the token of a notebook, and for endpoints on a host of their own.

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
    /// Creates credentials that exchange a personal access token, such as the one that a notebook receives, for OAuth
    /// tokens with the configured scopes (token exchange, RFC 8693).
    ///
    /// * `http`: sends the token requests, for example [`http_service`](Self::http_service).
    /// * `token`: the token to exchange.
    ///
    /// ```no_run
    /// # fn example(http: databricks_auth::HttpService, received: &str) -> databricks_core::Result<()> {
    /// use databricks_auth::Config;
    ///
    /// let config = Config::new().host("ws.cloud.databricks.com").scopes(["sql"]).resolve()?;
    /// let credentials = config.exchange_token(http, received);
    /// let program = Config::new().host("ws.cloud.databricks.com").credentials(credentials);
    /// # Ok(()) }
    /// ```
    pub fn exchange_token(&self, http: HttpService, token: impl Into<Secret>) -> TokenCache {
        let cx = Arc::new(Context::new(self.clone(), Http::new(http)));
        cx.cache(NOTEBOOK, ReceivedToken { cx: Arc::clone(&cx), token: token.into() })
    }
}

/// A token that this program received.
#[derive(Debug)]
struct ReceivedToken {
    cx: Arc<Context>,
    token: Secret,
}

impl TokenSource for ReceivedToken {
    async fn token(&self) -> Result<Token> {
        const PERSONAL: &str = "urn:databricks:params:oauth:token-type:personal-access-token";
        Ok(self.cx.exchange(NOTEBOOK, &self.token, PERSONAL).await?)
    }
}

impl CredentialChain {
    /// Creates credentials for an endpoint on a host of its own, such as a serving endpoint with direct access. Their
    /// tokens are issued in exchange for the token of these credentials (RFC 7523), which is never sent to that host.
    ///
    /// Clones share these tokens too.
    ///
    /// * `authorization_details`: JSON from the description of the endpoint, which states what the token permits.
    pub fn data_plane(&self, authorization_details: impl Into<String>) -> TokenCache {
        let details = authorization_details.into();
        let mut caches = self.0.data_plane.lock().unwrap_or_else(PoisonError::into_inner);
        let cache = caches.entry(details).or_insert_with_key(|details| {
            // Weak, since the chain keeps the cache.
            let source = DataPlaneSource { of: Arc::downgrade(&self.0), details: details.clone() };
            self.0.cx.cache(DATA_PLANE, source)
        });
        cache.clone()
    }
}

/// Data plane tokens in exchange for the token of the chain.
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
        let chain = CredentialChain(self.of.upgrade().ok_or_else(|| {
            Error::new(
                ErrorKind::Auth,
                "the credentials behind this data plane token were dropped; keep a clone of them",
            )
        })?);
        let headers = chain.headers().await?;
        let own = headers
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        let own = own.ok_or_else(|| {
            AuthError::failed(
                DATA_PLANE,
                "a data plane token needs a bearer token to exchange, and these credentials have none",
            )
        })?;
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("authorization_details", self.details.as_str()),
            ("assertion", own),
        ];
        Ok(chain.0.cx.grant(DATA_PLANE, &fields, None, &[own]).await?.0)
    }
}
