//! Token exchange (RFC 8693), shared by the providers that hold an ID token of another issuer.

use std::fmt;
use std::sync::Arc;

use databricks_core::{Result, Secret};

use super::headers::Headers;
use super::provider::Outcome;
use crate::config::HostType;
use crate::config::attributes::Key;
use crate::context::Context;
use crate::error::AuthError;
use crate::token::{BoxFuture, Token, TokenSource};

/// The kind of token that is exchanged.
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// A source of ID tokens. Called for every exchange, since issuers rotate them.
pub(crate) trait IdTokens: fmt::Debug + Send + Sync + 'static {
    fn id_token<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Secret, AuthError>>;
}

/// Headers with the tokens that a provider exchanges its ID tokens for.
pub(super) fn exchanged(provider: &'static str, cx: &Arc<Context>, ids: impl IdTokens) -> Outcome {
    Outcome::Ready(Headers::token(cx.cache(provider, Exchange { provider, cx: Arc::clone(cx), ids })))
}

/// Exchanges ID tokens for tokens of the platform.
#[derive(Debug)]
struct Exchange<I> {
    provider: &'static str,
    cx: Arc<Context>,
    ids: I,
}

impl<I: IdTokens> TokenSource for Exchange<I> {
    async fn token(&self) -> Result<Token> {
        let id_token = self.ids.id_token(&self.cx).await?;
        Ok(self.cx.exchange(self.provider, &id_token, JWT).await?)
    }
}

impl Context {
    /// Exchanges a token for one of the platform.
    ///
    /// * `subject_type`: the type of the given token, as RFC 8693 names it.
    pub(crate) async fn exchange(
        &self,
        provider: &str,
        subject: &Secret,
        subject_type: &str,
    ) -> Result<Token, AuthError> {
        let scope = self.scope();
        let mut fields = vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", subject.expose()),
            ("subject_token_type", subject_type),
            ("scope", scope.as_str()),
        ];
        if let Some(id) = self.config.text(Key::ClientId) {
            fields.push(("client_id", id));
        }
        fields.extend(self.narrowing());
        let (token, _) = self.grant(provider, &fields, None, &[subject.expose()]).await?;
        Ok(token)
    }

    /// The audience to request: as configured or as the host states, else the account, else the token endpoint.
    pub(crate) async fn audience(&self, provider: &str) -> Result<String, AuthError> {
        if let Some(audience) = self.config.text(Key::TokenAudience) {
            return Ok(audience.to_owned());
        }
        if let Some(audience) = self.metadata().await.and_then(|metadata| metadata.token_audience.clone()) {
            return Ok(audience);
        }
        if self.host_type().await != HostType::Workspace
            && let Some(account) = self.account_id().await
        {
            return Ok(account);
        }
        Ok(self.endpoints(provider).await?.token.clone())
    }
}
