//! `azure-client-secret`: a service principal of Entra with a secret.

use std::sync::Arc;

use databricks_core::Result;

use super::azure::{Identity, Management, no_tenant};
use super::provider::{Outcome, Provider, need};
use crate::config::ResolvedConfig;
use crate::config::attributes::Key;
use crate::context::Context;
use crate::error::AuthError;
use crate::http::Outgoing;
use crate::oauth::{is_client_refused, not_configured, read_token};
use crate::token::{BoxFuture, Token};

pub(crate) const NAME: &str = "azure-client-secret";

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
    need(config, &[Key::AzureClientId, Key::AzureClientSecret])?;
    if config.is_set(Key::AzureWorkspaceResourceId) { Ok(()) } else { need(config, &[Key::Host]) }
}

/// The principal with its tenant, once the host is known; the inner error is the reason why it does not apply.
pub(crate) async fn identity(
    cx: &Arc<Context>,
    provider: &'static str,
) -> Result<Result<Principal, String>, AuthError> {
    if let Err(reason) = cx.require_azure().await {
        return Ok(Err(reason));
    }
    let Some(tenant) = cx.find_tenant(provider).await else { return Ok(Err(no_tenant())) };
    let identity = Principal { cx: Arc::clone(cx), provider, tenant };
    cx.require_azure_host(provider, &identity).await?;
    Ok(Ok(identity))
}

/// A service principal that shows its secret.
#[derive(Debug)]
pub(crate) struct Principal {
    cx: Arc<Context>,
    provider: &'static str,
    tenant: String,
}

impl Identity for Principal {
    fn token<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<Token, AuthError>> {
        Box::pin(async move {
            let config = &self.cx.config;
            let (Some(id), Some(secret)) = (config.text(Key::AzureClientId), config.secret_of(Key::AzureClientSecret))
            else {
                return Err(not_configured(self.provider, "azure_client_id or azure_client_secret is not set"));
            };
            let fields = [
                ("grant_type", "client_credentials"),
                ("client_id", id),
                ("client_secret", secret.expose()),
                ("resource", resource),
            ];
            let request = Outgoing::post(self.cx.entra_endpoint(&self.tenant)).form(&fields).operation("Entra token");
            let response = self.cx.http.send(request).await;
            let response = response
                .map_err(|error| AuthError::failed(self.provider, "Entra did not respond").with_cause(error))?;
            match read_token(self.provider, &response, self.cx.now(), &[secret.expose()]) {
                Ok((token, _)) => Ok(token),
                Err(error) if is_client_refused(&error) => {
                    Err(error.with_hint(self.cx.check_client(Key::AzureClientId, Key::AzureClientSecret)))
                }
                Err(error) => Err(error),
            }
        })
    }
}
