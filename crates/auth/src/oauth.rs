//! OAuth with the platform: finding its endpoints, and reading their responses.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use databricks_core::{Origin, Secret};
use http::{StatusCode, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::allowed_hosts;
use crate::config::attributes::Key;
use crate::config::cloud::HostType;
use crate::context::Context;
use crate::error::{AuthError, AuthErrorKind};
use crate::http::{HttpResponse, Outgoing, oauth_code};
use crate::oauth_endpoints::OAuthEndpoints;
use crate::timestamps::seconds;
use crate::token::Token;

/// The lifetime of a token whose issuer does not state it.
pub(crate) const UNSTATED_LIFE: Duration = Duration::from_secs(300);

impl Context {
    /// The endpoints for this host: given, discovered, or fixed. Found once.
    pub(crate) async fn endpoints(&self, provider: &str) -> Result<&OAuthEndpoints, AuthError> {
        self.endpoints.get_or_try_init(|| self.find_endpoints(provider)).await
    }

    async fn find_endpoints(&self, provider: &str) -> Result<OAuthEndpoints, AuthError> {
        if let Some(token) = self.config.text(Key::TokenEndpoint) {
            allowed_hosts::check_scheme(token, "token_endpoint")?;
            return Ok(OAuthEndpoints { authorize: None, token: token.to_owned() });
        }
        let mut own: Vec<Origin> = self.origin().into_iter().collect();
        if let Some(url) = self.config.text(Key::DiscoveryUrl) {
            own.push(allowed_hosts::check_scheme(url, "discovery_url")?);
            return self.discover(provider, url, &own).await;
        }
        if let Some(url) = self.metadata().await.and_then(|metadata| metadata.discovery_url.as_deref()) {
            allowed_hosts::check(url, "the host's metadata", &own)?;
            return self.discover(provider, url, &own).await;
        }
        let host = self.host_url(provider)?;
        let kind = self.host_type().await;
        if kind == HostType::Workspace {
            return self.discover(provider, &format!("{host}/oidc/.well-known/oauth-authorization-server"), &own).await;
        }
        let Some(account) = self.account_id().await else {
            return Err(AuthError::failed(
                provider,
                format!("{host} needs account_id (DATABRICKS_ACCOUNT_ID) for OAuth"),
            ));
        };
        let base = format!("{host}/oidc/accounts/{account}");
        match kind {
            HostType::Account => Ok(OAuthEndpoints {
                authorize: Some(format!("{base}/v1/authorize")),
                token: format!("{base}/v1/token"),
            }),
            _ => self.discover(provider, &format!("{base}/.well-known/oauth-authorization-server"), &own).await,
        }
    }

    /// Reads an OAuth server's document (RFC 8414).
    async fn discover(&self, provider: &str, url: &str, own: &[Origin]) -> Result<OAuthEndpoints, AuthError> {
        let failed = |why: String| {
            AuthError::failed(provider, format!("cannot find the OAuth endpoints at {}: {why}", shown(url)))
        };
        let response = self.http.send(Outgoing::get(url).few().operation("OAuth discovery")).await;
        let response = response.map_err(|error| failed("no response".to_owned()).with_cause(error))?;
        if response.status == StatusCode::NOT_FOUND {
            return Err(failed("OAuth is not supported for this host".to_owned())
                .with_status(Some(response.status), response.request_id()));
        }
        if !response.is_success() {
            return Err(failed(response.explanation(&[])).with_status(Some(response.status), response.request_id()));
        }
        let document =
            response.json().ok_or_else(|| failed("the response is not JSON, perhaps a login page".to_owned()))?;
        let endpoint =
            |name: &str| document.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        let token =
            endpoint("token_endpoint").ok_or_else(|| failed("the document has no token_endpoint".to_owned()))?;
        let authorize = endpoint("authorization_endpoint");
        let named_by = format!("the OAuth document {}", shown(url));
        for endpoint in [Some(&token), authorize.as_ref()].into_iter().flatten() {
            allowed_hosts::check(endpoint, &named_by, own)?;
        }
        Ok(OAuthEndpoints { authorize, token })
    }

    /// Sends a grant to the token endpoint and reads the token.
    ///
    /// * `fields`: the form.
    /// * `client`: id and secret for HTTP Basic, if the client has a secret.
    /// * `secrets`: strings of the form that must be redacted in messages.
    pub(crate) async fn grant(
        &self,
        provider: &str,
        fields: &[(&str, &str)],
        client: Option<(&str, &Secret)>,
        secrets: &[&str],
    ) -> Result<(Token, Value), AuthError> {
        let endpoint = self.endpoints(provider).await?.token.clone();
        self.grant_at(&endpoint, provider, fields, client, secrets).await
    }

    /// As [`grant`](Self::grant), at another token endpoint.
    pub(crate) async fn grant_at(
        &self,
        endpoint: &str,
        provider: &str,
        fields: &[(&str, &str)],
        client: Option<(&str, &Secret)>,
        secrets: &[&str],
    ) -> Result<(Token, Value), AuthError> {
        let mut request = Outgoing::post(endpoint).form(fields).operation("OAuth token");
        let single_use = single_use(fields);
        if single_use.is_some() {
            request = request.not_twice();
        }
        let mut secrets = secrets.to_vec();
        if let Some((id, secret)) = client {
            request = request.header(http::header::AUTHORIZATION, &basic(id, secret));
            secrets.push(secret.expose());
        }
        let response = self.http.send(request).await;
        let response = response.map_err(|error| {
            let spent = single_use.filter(|_| error.maybe_executed());
            let failed =
                AuthError::failed(provider, format!("the token request to {} got no response", shown(endpoint)))
                    .with_cause(error);
            match spent {
                Some(what) => failed.with_hint(spent_hint(what)),
                None => failed,
            }
        })?;
        match (read_token(provider, &response, self.now(), &secrets), single_use) {
            // Without a clear response it is not known whether the grant was consumed.
            (Err(error), Some(what)) if response.is_success() || response.status.is_server_error() => {
                Err(error.with_hint(spent_hint(what)))
            }
            (outcome, _) => outcome,
        }
    }

    /// Which identity was used and where its settings came from: what to check when a client is refused.
    pub(crate) fn check_client(&self, id: Key, secret: Key) -> String {
        let settings = self.config.settings();
        let source = |key: Key| settings.source(key).map(|source| format!(" ({source})")).unwrap_or_default();
        format!(
            "check {} {:?}{} and {}{}, which may be wrong, expired or of another account",
            id.name(),
            self.config.text(id).unwrap_or_default(),
            source(id),
            secret.name(),
            source(secret)
        )
    }

    /// The optional fields that several grants have in common.
    pub(crate) fn narrowing(&self) -> Vec<(&'static str, &str)> {
        [("assume_group", Key::GroupId), ("authorization_details", Key::AuthorizationDetails)]
            .into_iter()
            .filter_map(|(field, key)| Some((field, self.config.text(key)?)))
            .collect()
    }
}

/// What a grant consumes, where it can be used only once: sending it again may end the login that it belongs to.
fn single_use(fields: &[(&str, &str)]) -> Option<&'static str> {
    fields.iter().find_map(|field| match field {
        ("grant_type", "refresh_token") => Some("the refresh token"),
        ("grant_type", "authorization_code") => Some("the code of the login"),
        _ => None,
    })
}

fn spent_hint(what: &str) -> String {
    format!(
        "{what} may have been used up by this request, which was not retried; if the next call is refused, log in again"
    )
}

/// Whether the server refuses the client, rather than its request.
pub(crate) fn is_client_refused(error: &AuthError) -> bool {
    error.oauth_error().is_some_and(|code| matches!(code, "invalid_client" | "unauthorized_client"))
        || error.status() == Some(StatusCode::UNAUTHORIZED)
}

/// `Basic`, with id and secret encoded as RFC 6749 (section 2.3.1) requires.
fn basic(id: &str, secret: &Secret) -> String {
    // What `application/x-www-form-urlencoded` leaves as it is.
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');
    let encode = |text: &str| utf8_percent_encode(text, KEPT).to_string().replace("%20", "+");
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(id), encode(secret.expose()))))
}

/// A URL without query, for messages.
pub(crate) fn shown(url: &str) -> String {
    match url.parse::<Uri>() {
        Ok(uri) => match Origin::of(&uri) {
            Some(origin) => format!("{origin}{}", uri.path()),
            None => uri.path().to_owned(),
        },
        Err(_) => "an address that is not a URL".to_owned(),
    }
}

/// Reads the response of a token endpoint.
pub(crate) fn read_token(
    provider: &str,
    response: &HttpResponse,
    now: SystemTime,
    secrets: &[&str],
) -> Result<(Token, Value), AuthError> {
    if !response.is_success() {
        return Err(AuthError::failed(
            provider,
            format!("the token was refused with {}", response.explanation(secrets)),
        )
        .with_status(Some(response.status), response.request_id())
        .with_oauth_error(oauth_code(response)));
    }
    let Some(body) = response.json() else {
        let what = if response.is_html() { "a web page" } else { "something else" };
        return Err(AuthError::failed(provider, format!("the token endpoint returned {what} instead of JSON")));
    };
    let value = body.get("access_token").and_then(Value::as_str).filter(|text| !text.is_empty());
    let Some(value) = value else {
        return Err(AuthError::failed(provider, "the response of the token endpoint has no access_token"));
    };
    warn_of_skew(provider, response, now);
    let token = Token::new(value)
        .token_type(body.get("token_type").and_then(Value::as_str).unwrap_or_default())
        .expires_in(life(provider, body.get("expires_in")));
    Ok((token, body))
}

/// A lifetime in seconds, as a number or a string. What is missing or zero counts as five minutes.
pub(crate) fn life(provider: &str, value: Option<&Value>) -> Duration {
    let seconds = value.and_then(seconds).filter(|seconds| *seconds > 0.0);
    match seconds {
        Some(seconds) => Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX),
        None => {
            tracing::debug!(target: "databricks_auth", provider, "the token's lifetime is not stated; using {} s", UNSTATED_LIFE.as_secs());
            UNSTATED_LIFE
        }
    }
}

fn warn_of_skew(provider: &str, response: &HttpResponse, now: SystemTime) {
    let Some(server) = response.date() else { return };
    let skew = server.duration_since(now).or_else(|_| now.duration_since(server)).unwrap_or_default();
    if skew > Duration::from_secs(60) {
        tracing::warn!(target: "databricks_auth", provider, "the clock of this machine differs from the server's by {} s", skew.as_secs());
    }
}

/// The error for a provider that was named and is not configured.
pub(crate) fn not_configured(provider: &str, reason: impl Into<String>) -> AuthError {
    AuthError::new(AuthErrorKind::AuthNotConfigured, format!("{provider}: {}", reason.into())).with_provider(provider)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn basic_encodes_unusual_characters() {
        assert_eq!(basic("sp-1", &"sec-1".into()), "Basic c3AtMTpzZWMtMQ==");
        assert_eq!(basic("a:b", &"c d+é".into()), format!("Basic {}", STANDARD.encode("a%3Ab:c+d%2B%C3%A9")));
    }

    #[test]
    fn lives() {
        assert_eq!(life("t", Some(&json!(3600))), Duration::from_secs(3600));
        assert_eq!(life("t", Some(&json!("3599"))), Duration::from_secs(3599));
        for odd in [json!(0), json!(null), json!("x"), json!(-5), json!("inf")] {
            assert_eq!(life("t", Some(&odd)), UNSTATED_LIFE, "{odd}");
        }
        assert_eq!(life("t", None), UNSTATED_LIFE);
    }

    #[test]
    fn addresses_in_messages_have_no_query() {
        assert_eq!(shown("https://h/oidc/v1/token?secret=1"), "https://h/oidc/v1/token");
    }
}
