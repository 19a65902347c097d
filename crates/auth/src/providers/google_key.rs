//! A Google service account key: its file, and assertions signed with it (RFC 7523).

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use databricks_core::Secret;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::RSA_PKCS1_SHA256;
use serde_json::{Value, json};

use super::google::SCOPES;
use crate::allowed_hosts;
use crate::context::Context;
use crate::error::{AuthError, AuthErrorKind};
use crate::http::{HttpResponse, Outgoing};
use crate::oauth::read_token;
use crate::sanitize::trimmed;
use crate::token::Token;

/// The audience of every assertion.
const AUDIENCE: &str = "https://oauth2.googleapis.com/token";
/// Against clocks that are a little behind.
const BACKDATED: u64 = 10;

/// Google's token endpoint. Keys name the one that was usual when they were created, such as
/// `https://accounts.google.com/o/oauth2/token` or `https://www.googleapis.com/oauth2/v4/token`. All of them are one
/// service, whose current address is used.
fn endpoint(token_uri: &str) -> &str {
    let is_google = token_uri.parse::<http::Uri>().is_ok_and(|uri| {
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        uri.scheme_str() == Some("https")
            && uri.port_u16().is_none_or(|port| port == 443)
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
            && (host == "accounts.google.com" || host == "googleapis.com" || host.ends_with(".googleapis.com"))
    });
    if is_google { AUDIENCE } else { token_uri }
}

/// A parsed key.
pub(crate) struct ServiceAccountKey {
    email: String,
    key_id: String,
    token_uri: String,
    pair: KeyPair,
}

impl fmt::Debug for ServiceAccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccountKey").field("email", &self.email).finish_non_exhaustive()
    }
}

/// What an assertion requests.
pub(crate) enum Grant<'a> {
    /// An ID token for an audience.
    Id(&'a str),
    /// An access token for Google's API.
    Access,
}

impl ServiceAccountKey {
    /// Parses the JSON of a key. The error is the reason in words, without any part of the key.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let json: Value =
            serde_json::from_str(trimmed(text)).map_err(|_| "it is neither the path of a file nor JSON".to_owned())?;
        let field = |name: &str| json.get(name).and_then(Value::as_str).map(trimmed).filter(|text| !text.is_empty());
        match field("type") {
            Some("service_account") => {}
            Some(other) => return Err(format!("its type is {other:?}, and only service_account can be used here")),
            None => return Err("it states no type".to_owned()),
        }
        let required = |name: &str| field(name).ok_or_else(|| format!("it has no {name}"));
        let token_uri = field("token_uri").unwrap_or(AUDIENCE);
        let key = EncodingKey::from_rsa_pem(required("private_key")?.as_bytes())
            .map_err(|_| "its private_key is not an RSA key in PEM".to_owned())?;
        // jsonwebtoken reads the PEM and returns PKCS#1. It would sign by a backend chosen for the whole process; ring
        // needs no choice.
        let pair =
            KeyPair::from_der(key.as_bytes()).map_err(|error| format!("its private_key cannot be used: {error}"))?;
        Ok(Self {
            email: required("client_email")?.to_owned(),
            key_id: required("private_key_id")?.to_owned(),
            token_uri: endpoint(token_uri).to_owned(),
            pair,
        })
    }

    /// Reads the key from a file or, if there is no such file, from the string itself.
    pub(crate) fn load(path_or_json: &str, home: Option<&Path>) -> Result<Self, String> {
        let path = crate::config::expand_home(trimmed(path_or_json), home);
        if !path_or_json.trim_start().starts_with('{') && path.is_file() {
            let text = std::fs::read_to_string(&path)
                .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
            if crate::platform::is_readable_by_others(&path) {
                tracing::warn!(target: "databricks_auth", "{} contains a key and other users can read it; restrict it, for example with chmod 600", path.display());
            }
            return Self::parse(&text);
        }
        Self::parse(path_or_json)
    }

    /// A signed assertion.
    fn assertion(&self, grant: &Grant<'_>, now: u64) -> Result<Secret, String> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.key_id.clone());
        let issued = now.saturating_sub(BACKDATED);
        let mut claims =
            json!({ "iss": self.email, "sub": self.email, "aud": AUDIENCE, "iat": issued, "exp": issued + 3600 });
        match grant {
            Grant::Id(audience) => claims["target_audience"] = (*audience).into(),
            Grant::Access => claims["scope"] = SCOPES.join(" ").into(),
        }
        let header = serde_json::to_string(&header).map_err(|error| error.to_string())?;
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .map_err(|_| "the assertion cannot be signed".to_owned())?;
        Ok(Secret::new(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }

    /// Exchanges an assertion for a token and returns Google's response.
    pub(crate) async fn ask(
        &self,
        cx: &Arc<Context>,
        provider: &'static str,
        grant: Grant<'_>,
    ) -> Result<HttpResponse, AuthError> {
        allowed_hosts::check(&self.token_uri, "the Google key", &[]).and_then(|()| self.check_google())?;
        let now = cx.now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let assertion = self.assertion(&grant, now).map_err(|why| AuthError::failed(provider, why))?;
        let fields = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", assertion.expose())];
        let response = cx.http.send(Outgoing::post(&self.token_uri).form(&fields).operation("Google token")).await;
        let response =
            response.map_err(|error| AuthError::failed(provider, "Google did not respond").with_cause(error))?;
        if response.is_success() {
            return Ok(response);
        }
        let why = response.explanation(&[assertion.expose()]);
        Err(AuthError::failed(provider, format!("Google refused a token with {why}"))
            .with_status(Some(response.status), response.request_id()))
    }

    /// A key is for Google only, not for every host that may receive credentials of the platform.
    fn check_google(&self) -> Result<(), AuthError> {
        let host = self
            .token_uri
            .parse::<http::Uri>()
            .ok()
            .and_then(|uri| uri.host().map(str::to_ascii_lowercase))
            .unwrap_or_default();
        if host == "oauth2.googleapis.com" || crate::config::host::is_loopback(&host) {
            return Ok(());
        }
        Err(AuthError::new(
            AuthErrorKind::UntrustedEndpoint,
            format!("the Google key names {host} as its token_uri, which is not Google's"),
        ))
    }

    /// An access token for Google's API.
    pub(crate) async fn access_token(&self, cx: &Arc<Context>, provider: &'static str) -> Result<Token, AuthError> {
        let response = self.ask(cx, provider, Grant::Access).await?;
        Ok(read_token(provider, &response, cx.now(), &[])?.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_any_age_are_for_the_present_endpoint() {
        for uri in [
            "https://oauth2.googleapis.com/token",
            "https://accounts.google.com/o/oauth2/token",
            "https://Accounts.Google.com:443/o/oauth2/v2/token",
            "https://www.googleapis.com/oauth2/v3/token",
            "https://www.googleapis.com/oauth2/v4/token",
            "https://oauth2.mtls.googleapis.com/token",
        ] {
            assert_eq!(endpoint(uri), AUDIENCE, "{uri}");
        }
        for uri in [
            "http://accounts.google.com/o/oauth2/token",
            "https://accounts.google.com.evil.example.com/o/oauth2/token",
            "https://accounts.google.com@evil.example.com/token",
            "https://evilgoogleapis.com/token",
            "https://oauth2.googleapis.com:8443/token",
            "http://127.0.0.1:9/token",
            "token",
        ] {
            assert_eq!(endpoint(uri), uri);
        }
    }
}
