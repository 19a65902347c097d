//! What both ways to sign in through Google share: the two headers, and reading the end of an ID token.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderName;
use serde_json::Value;

use super::headers::{Headers, Optional};
use crate::config::Cloud;
use crate::context::Context;
use crate::oauth::{seconds, until_epoch};
use crate::token::{DynTokenSource, Token};

const ACCESS_TOKEN: HeaderName = HeaderName::from_static("x-databricks-gcp-sa-access-token");

/// The life of an ID token that does not tell it.
const USUAL_LIFE: Duration = Duration::from_secs(3600);

/// What the access token is for.
pub(crate) const SCOPES: [&str; 2] = ["https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/compute"];

impl Context {
    /// Whether this host is on Google Cloud; the error is the reason for people.
    pub(crate) async fn require_google(&self) -> Result<(), String> {
        match self.cloud().await {
            Cloud::Gcp => Ok(()),
            other => Err(format!("the host is not on Google Cloud but on {other}")),
        }
    }

    /// The ID token, and beside it the access token that some account operations need.
    pub(crate) fn google_headers(
        &self,
        provider: &'static str,
        id_tokens: impl DynTokenSource + 'static,
        access_tokens: impl DynTokenSource + 'static,
    ) -> Headers {
        let access_tokens = Optional { provider, what: "Google access token", source: access_tokens };
        Headers::token(self.cache(provider, id_tokens)).with_token(ACCESS_TOKEN, self.cache(provider, access_tokens))
    }
}

/// An ID token with its end as it states it.
pub(crate) fn id_token(value: &str, now: SystemTime) -> Token {
    let left = claims(value).and_then(|claims| claims.get("exp").and_then(seconds)).map(|exp| until_epoch(exp, now));
    Token::new(value).expires_in(left.unwrap_or(USUAL_LIFE))
}

/// The claims of a JWT, unverified.
pub(crate) fn claims(jwt: &str) -> Option<Value> {
    let payload = jwt.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_id_tokens() {
        let jwt = |payload: &str| format!("h.{}.s", URL_SAFE_NO_PAD.encode(payload));
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        assert_eq!(id_token(&jwt(r#"{"exp":1600}"#), now).expires_in, Some(Duration::from_secs(600)));
        assert_eq!(id_token(&jwt("{}"), now).expires_in, Some(USUAL_LIFE));
        assert_eq!(id_token("nonsense", now).expires_in, Some(USUAL_LIFE));
        assert_eq!(claims("a.%%%.c"), None);
    }
}
