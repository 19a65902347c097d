//! ID tokens of GitHub Actions, for `github-oidc` and `github-oidc-azure`.

use databricks_core::Secret;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::provider::need;
use crate::allowed_hosts;
use crate::config::ResolvedConfig;
use crate::config::attributes::Key;
use crate::context::Context;
use crate::error::AuthError;
use crate::http::Outgoing;
use crate::oauth::not_configured;
use crate::sanitize::trimmed;

/// Checks that this is a job that may request ID tokens.
pub(crate) fn inputs(config: &ResolvedConfig) -> Result<(), String> {
    need(config, &[Key::ActionsIdTokenRequestUrl, Key::ActionsIdTokenRequestToken]).map_err(|missing| {
        format!("{missing}: not running in GitHub Actions, or the job lacks the permission id-token: write")
    })
}

impl Context {
    /// Requests an ID token for an audience from GitHub.
    pub(crate) async fn github_id_token(&self, provider: &str, audience: &str) -> Result<Secret, AuthError> {
        let (Some(url), Some(token)) =
            (self.config.text(Key::ActionsIdTokenRequestUrl), self.config.secret_of(Key::ActionsIdTokenRequestToken))
        else {
            return Err(not_configured(provider, "not running in GitHub Actions"));
        };
        allowed_hosts::check_scheme(url, "actions_id_token_request_url")?;
        let separator = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{separator}audience={}", utf8_percent_encode(audience, NON_ALPHANUMERIC));
        let response = self.http.send(Outgoing::get(url).bearer(token.expose()).operation("GitHub ID token")).await;
        let response = response.map_err(|error| {
            AuthError::failed(provider, "the request for GitHub's ID token got no response").with_cause(error)
        })?;
        if !response.is_success() {
            let why = response.explanation(&[token.expose()]);
            return Err(AuthError::failed(provider, format!("GitHub refused an ID token with {why}"))
                .with_status(Some(response.status), None));
        }
        let value = response.json();
        let value = value
            .as_ref()
            .and_then(|value| value.get("value"))
            .and_then(Value::as_str)
            .map(trimmed)
            .filter(|text| !text.is_empty());
        value.map(Secret::from).ok_or_else(|| not_configured(provider, "GitHub's response has no ID token"))
    }
}
