//! `metadata-service`: a token service on this machine, such as the one of the editor extension.

use std::sync::Arc;
use std::time::Duration;

use databricks_core::Result;
use http::{HeaderName, Uri};
use serde_json::Value;

use super::headers::Headers;
use super::provider::{Outcome, Provider, need};
use crate::config::attributes::Key;
use crate::config::host::is_loopback;
use crate::context::Context;
use crate::error::{AuthError, AuthErrorKind};
use crate::http::Outgoing;
use crate::timestamps::{seconds, until_epoch};
use crate::token::{Token, TokenSource};

const NAME: &str = "metadata-service";
const LIMIT: Duration = Duration::from_secs(10);
const VERSION: HeaderName = HeaderName::from_static("x-databricks-metadata-version");
const HOST: HeaderName = HeaderName::from_static("x-databricks-host");

pub(crate) static PROVIDER: Provider = Provider {
    name: NAME,
    ambient: false,
    honours_group: false,
    inputs: |config| need(config, &[Key::Host, Key::MetadataServiceUrl]),
    configure: |cx| {
        Box::pin(async {
            let Some(url) = cx.config.secret_of(Key::MetadataServiceUrl) else {
                return Outcome::declined("metadata_service_url is not set");
            };
            let is_local = url.expose().parse::<Uri>().is_ok_and(|uri| uri.host().is_some_and(is_loopback));
            if !is_local {
                let text =
                    "metadata-service: metadata_service_url must be on this machine: localhost, 127.0.0.1 or [::1]";
                return Err(AuthError::new(AuthErrorKind::UntrustedEndpoint, text).with_provider(NAME));
            }
            Ok(Outcome::Ready(Headers::token(cx.cache(NAME, Service { cx: Arc::clone(cx) }))))
        })
    },
};

#[derive(Debug)]
struct Service {
    cx: Arc<Context>,
}

impl TokenSource for Service {
    async fn token(&self) -> Result<Token> {
        Ok(self.ask().await?)
    }
}

impl Service {
    /// The URL is a secret, so nothing here may show it.
    async fn ask(&self) -> Result<Token, AuthError> {
        let url =
            self.cx.config.secret_of(Key::MetadataServiceUrl).map(|url| url.expose().to_owned()).unwrap_or_default();
        let host = self.cx.host_url(NAME)?;
        let request = Outgoing::get(url.as_str()).header(VERSION, "1").header(HOST, &host).once(LIMIT).secret_url();
        let response = self.cx.http.send(request.operation("metadata service")).await;
        let response = response.map_err(|error| {
            AuthError::failed(NAME, "the metadata service did not respond; is it still running?").with_cause(error)
        })?;
        if !response.is_success() {
            let why = response.explanation(&[&url]);
            return Err(AuthError::failed(NAME, format!("the metadata service refused with {why}"))
                .with_status(Some(response.status), None));
        }
        let body =
            response.json().ok_or_else(|| AuthError::failed(NAME, "the metadata service did not return JSON"))?;
        let value = body.get("access_token").and_then(Value::as_str).filter(|text| !text.is_empty());
        let value =
            value.ok_or_else(|| AuthError::failed(NAME, "the metadata service's response has no access_token"))?;
        let expiry = body.get("expires_on").and_then(seconds);
        let expiry = expiry.ok_or_else(|| {
            AuthError::failed(NAME, "the metadata service's response has no readable expiry (expires_on)")
        })?;
        Ok(Token::new(value)
            .token_type(body.get("token_type").and_then(Value::as_str).unwrap_or_default())
            .expires_in(until_epoch(expiry, self.cx.now())))
    }
}
