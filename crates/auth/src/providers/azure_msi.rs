//! `azure-msi`: the managed identity of the Azure machine this runs on.

use std::sync::Arc;
use std::time::Duration;

use databricks_core::Result;
use http::{HeaderName, HeaderValue};
use serde_json::Value;

use super::azure::{Identity, Management};
use super::provider::{Outcome, Provider, need};
use crate::config::ResolvedConfig;
use crate::config::attributes::Key;
use crate::context::Context;
use crate::error::AuthError;
use crate::http::Outgoing;
use crate::oauth::{life, read_token};
use crate::timestamps::{seconds, until_epoch};
use crate::token::{BoxFuture, Token};

pub(crate) const NAME: &str = "azure-msi";

/// The instance metadata service, on an address that never leaves the machine.
const ENDPOINT: &str = "http://169.254.169.254/metadata/identity/oauth2/token";
const LIMIT: Duration = Duration::from_secs(10);

pub(crate) static PROVIDER: Provider = Provider {
    name: NAME,
    ambient: false,
    honours_group: false,
    inputs,
    configure: |cx| {
        Box::pin(async {
            match identity(cx, NAME).await? {
                Ok(identity) => Ok(Outcome::Ready(cx.azure_headers(NAME, &Arc::new(identity), Management::Required))),
                Err(reason) => Outcome::declined(reason),
            }
        })
    },
};

pub(crate) fn inputs(config: &ResolvedConfig) -> Result<(), String> {
    if !config.flag(Key::AzureUseMsi) {
        return Err(format!("{} is not true", Key::AzureUseMsi.described()));
    }
    if config.is_set(Key::AzureWorkspaceResourceId) { Ok(()) } else { need(config, &[Key::Host]) }
}

/// The machine's identity, and the host found; the inner error is the reason why it does not apply.
pub(crate) async fn identity(
    cx: &Arc<Context>,
    provider: &'static str,
) -> Result<Result<ManagedIdentity, String>, AuthError> {
    if let Err(reason) = cx.require_azure().await {
        return Ok(Err(reason));
    }
    let identity = ManagedIdentity { cx: Arc::clone(cx), provider };
    cx.require_azure_host(provider, &identity).await?;
    Ok(Ok(identity))
}

/// The identity of this machine.
#[derive(Debug)]
pub(crate) struct ManagedIdentity {
    cx: Arc<Context>,
    provider: &'static str,
}

impl Identity for ManagedIdentity {
    fn token<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<Token, AuthError>> {
        Box::pin(async move {
            let pairs = [("api-version", "2018-02-01"), ("resource", resource)];
            let client = self.cx.config.text(Key::AzureClientId).map(|id| ("client_id", id));
            let query =
                form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs.into_iter().chain(client)).finish();
            let request = Outgoing::get(format!("{ENDPOINT}?{query}"))
                .plain_header(HeaderName::from_static("metadata"), HeaderValue::from_static("true"))
                .attempt_timeout(LIMIT)
                .few()
                .operation("managed identity");
            let response = self.cx.http.send(request).await;
            let response = response.map_err(|error| {
                AuthError::failed(
                    self.provider,
                    format!("the instance metadata service at {ENDPOINT} returned no token for {resource}"),
                )
                .with_cause(error)
                .with_hint("is this an Azure machine with a managed identity?")
            })?;
            let (token, body) = read_token(self.provider, &response, self.cx.now(), &[]).map_err(|error| {
                error.prefixed(format!("the instance metadata service at {ENDPOINT} returned no token for {resource}"))
            })?;
            let left = match body.get("expires_on").and_then(seconds) {
                Some(epoch) => until_epoch(epoch, self.cx.now()),
                None => life(self.provider, body.get("expires_in").filter(|value| !value.is_null())),
            };
            let kind = body.get("token_type").and_then(Value::as_str).unwrap_or_default();
            Ok(Token::new(token.value).token_type(kind).expires_in(left))
        })
    }
}
