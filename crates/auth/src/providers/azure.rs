//! What all providers of Entra share: the host behind a resource id, the tenant of a workspace, the two tokens.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use databricks_core::Result;
use http::{HeaderName, Uri};
use serde_json::Value;

use super::headers::{Headers, Optional};
use crate::config::attributes::Key;
use crate::config::cloud::{AzureEnvironment, Cloud};
use crate::config::host::Host;
use crate::context::Context;
use crate::error::AuthError;
use crate::http::Outgoing;
use crate::token::{BoxFuture, Token, TokenSource};

const MANAGEMENT_TOKEN: HeaderName = HeaderName::from_static("x-databricks-azure-sp-management-token");
const RESOURCE_ID: HeaderName = HeaderName::from_static("x-databricks-azure-workspace-resource-id");

/// The timeout of the request for the tenant.
const TENANT_LIMIT: Duration = Duration::from_secs(10);

/// Something that gets Entra tokens for resources.
pub(crate) trait Identity: fmt::Debug + Send + Sync + 'static {
    /// A new token for a resource, such as an application id.
    fn token<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<Token, AuthError>>;
}

/// What becomes of the management token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Management {
    /// It is required: without it there is an error.
    Required,
    /// Requests are sent without it if it cannot be fetched.
    Optional,
    /// It is not requested.
    None,
}

/// The tokens of an identity for one resource.
#[derive(Debug)]
struct For<I: ?Sized> {
    identity: Arc<I>,
    resource: String,
}

impl<I: Identity + ?Sized> TokenSource for For<I> {
    async fn token(&self) -> Result<Token> {
        Ok(self.identity.token(&self.resource).await?)
    }
}

impl Context {
    /// Checks that the host is on Azure; the error is the reason in words.
    pub(crate) async fn require_azure(&self) -> Result<(), String> {
        match self.cloud().await {
            Cloud::Azure => Ok(()),
            other => Err(format!("the host is not on Azure but on {other}")),
        }
    }

    /// The headers of an identity: its token for the workspace, and what a service principal needs besides.
    pub(crate) fn azure_headers(
        &self,
        provider: &'static str,
        identity: &Arc<impl Identity>,
        management: Management,
    ) -> Headers {
        let tokens = |resource: &str| For { identity: Arc::clone(identity), resource: resource.to_owned() };
        let mut headers = Headers::token(self.cache(provider, tokens(self.azure_application())));
        let resource = self.azure_environment().service_management();
        headers = match management {
            Management::Required => headers.with_token(MANAGEMENT_TOKEN, self.cache(provider, tokens(resource))),
            Management::Optional => {
                let source = Optional { provider, what: "management token", source: tokens(resource) };
                headers.with_token(MANAGEMENT_TOKEN, self.cache(provider, source))
            }
            Management::None => return headers,
        };
        self.with_resource_id(headers)
    }

    /// Adds the workspace's resource id, if it is known.
    pub(crate) fn with_resource_id(&self, headers: Headers) -> Headers {
        match self.config.text(Key::AzureWorkspaceResourceId) {
            Some(id) => headers.with_fixed(RESOURCE_ID, id),
            None => headers,
        }
    }

    /// Makes sure that there is a host: the one of the resource id, as Azure Resource Manager names it.
    pub(crate) async fn require_azure_host(
        &self,
        provider: &'static str,
        identity: &impl Identity,
    ) -> Result<(), AuthError> {
        if self.host().is_some() {
            return Ok(());
        }
        let Some(id) = self.config.text(Key::AzureWorkspaceResourceId) else {
            return Err(AuthError::failed(provider, "neither host nor azure_workspace_resource_id is set"));
        };
        let manager = self.azure_environment().resource_manager();
        let token = identity.token(manager).await?;
        let url = format!("{}/{}?api-version=2018-04-01", manager.trim_end_matches('/'), id.trim_start_matches('/'));
        let request = Outgoing::get(url).bearer(token.value.expose()).operation("Azure workspace");
        let failed = |why: String| AuthError::failed(provider, format!("cannot find the host of {id}: {why}"));
        let response = self
            .http
            .send(request)
            .await
            .map_err(|error| failed("Azure Resource Manager did not respond".to_owned()).with_cause(error))?;
        if !response.is_success() {
            return Err(failed(response.explanation(&[token.value.expose()]))
                .with_status(Some(response.status), response.request_id()));
        }
        let body = response.json();
        let name = body.as_ref().and_then(|body| body.pointer("/properties/workspaceUrl")).and_then(Value::as_str);
        let host = name.and_then(|name| Host::parse(name, false).ok());
        let host = host.ok_or_else(|| failed("the response names no workspaceUrl".to_owned()))?;
        self.found_host(host, provider);
        Ok(())
    }

    /// The tenant: as configured, else as the workspace's login page names it. Requested once.
    pub(crate) async fn find_tenant(&self, provider: &'static str) -> Option<String> {
        if let Some(tenant) = self.tenant() {
            return Some(tenant);
        }
        let host = self.host()?;
        let ask = || async {
            let request = Outgoing::get(format!("{}/aad/auth", host.url)).once(TENANT_LIMIT).operation("Azure tenant");
            let response = self.http.send(request).await.ok()?;
            let location = response.headers.get(http::header::LOCATION).filter(|_| response.status.is_redirection())?;
            tenant_of(location.to_str().ok()?)
        };
        let tenant = self.login_page_tenant.get_or_init(ask).await.clone()?;
        self.found_tenant(tenant.clone(), provider);
        Some(tenant)
    }

    /// Entra's token endpoint for a tenant.
    pub(crate) fn entra_endpoint(&self, tenant: &str) -> String {
        format!("{}{tenant}/oauth2/token", self.azure_environment().authority())
    }
}

/// The tenant in the URL of Entra's login page.
fn tenant_of(location: &str) -> Option<String> {
    let uri: Uri = location.parse().ok()?;
    AzureEnvironment::of_authority(uri.host().filter(|_| uri.scheme_str() == Some("https"))?)?;
    let tenant = uri.path().split('/').nth(1)?;
    let is_plain = tenant.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    (!tenant.is_empty() && is_plain).then(|| tenant.to_owned())
}

/// The reason of a provider that has no tenant.
pub(crate) fn no_tenant() -> String {
    format!("{} is not set, and the workspace does not name it", Key::AzureTenantId.described())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_come_from_entra_only() {
        assert_eq!(tenant_of("https://login.microsoftonline.com/t-1/oauth2/authorize?x=y").as_deref(), Some("t-1"));
        for location in [
            "https://login.example.com/t-1/x",
            "http://login.microsoftonline.com/t-1/x",
            "/t-1",
            "https://login.microsoftonline.com/",
            "https://login.microsoftonline.com/a%2Fb/",
        ] {
            assert_eq!(tenant_of(location), None, "{location}");
        }
    }
}
