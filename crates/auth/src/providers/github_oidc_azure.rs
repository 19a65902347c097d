//! `github-oidc-azure`: a GitHub Actions job whose identity Entra trusts in place of a secret.

use std::sync::Arc;

use databricks_core::Result;

use super::azure::{Identity, Management, no_tenant};
use super::github;
use super::provider::{Outcome, Provider, need};
use crate::config::attributes::Key;
use crate::context::Context;
use crate::error::AuthError;
use crate::http::Outgoing;
use crate::oauth::{not_configured, read_token};
use crate::token::{BoxFuture, Token};

const NAME: &str = "github-oidc-azure";

/// The audience that Entra requires.
const AUDIENCE: &str = "api://AzureADTokenExchange";

pub(crate) static PROVIDER: Provider = Provider {
    name: NAME,
    ambient: false,
    honours_group: false,
    inputs: |config| {
        need(config, &[Key::AzureClientId])?;
        github::inputs(config)?;
        if config.is_set(Key::AzureWorkspaceResourceId) { Ok(()) } else { need(config, &[Key::Host]) }
    },
    configure: |cx| {
        Box::pin(async {
            if let Err(reason) = cx.require_azure().await {
                return Outcome::declined(reason);
            }
            let Some(tenant) = cx.find_tenant(NAME).await else { return Outcome::declined(no_tenant()) };
            let identity = Job { cx: Arc::clone(cx), tenant };
            cx.require_azure_host(NAME, &identity).await?;
            Ok(Outcome::Ready(cx.azure_headers(NAME, &Arc::new(identity), Management::None)))
        })
    },
};

#[derive(Debug)]
struct Job {
    cx: Arc<Context>,
    tenant: String,
}

impl Identity for Job {
    fn token<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<Token, AuthError>> {
        Box::pin(async move {
            let id = self
                .cx
                .config
                .text(Key::AzureClientId)
                .ok_or_else(|| not_configured(NAME, "azure_client_id is not set"))?;
            // The ID token lives for minutes, so each renewal needs its own.
            let assertion = self.cx.github_id_token(NAME, AUDIENCE).await?;
            let fields = [
                ("grant_type", "client_credentials"),
                ("client_id", id),
                ("resource", resource),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", assertion.expose()),
            ];
            let request = Outgoing::post(self.cx.entra_endpoint(&self.tenant)).form(&fields).operation("Entra token");
            let response = self.cx.http.send(request).await;
            let response =
                response.map_err(|error| AuthError::failed(NAME, "Entra did not respond").with_cause(error))?;
            Ok(read_token(NAME, &response, self.cx.now(), &[assertion.expose()])?.0)
        })
    }
}
