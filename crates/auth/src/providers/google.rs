//! What both providers of Google share: the two headers, and the expiry of an ID token.

use std::time::{Duration, SystemTime};

use http::HeaderName;

use super::headers::{Headers, Optional};
use crate::config::Cloud;
use crate::context::Context;
use crate::timestamps;
use crate::token::{DynTokenSource, Token};

const ACCESS_TOKEN: HeaderName = HeaderName::from_static("x-databricks-gcp-sa-access-token");

/// The lifetime of an ID token that does not state it.
const USUAL_LIFE: Duration = Duration::from_secs(3600);

/// What the access token is for.
pub(crate) const SCOPES: [&str; 2] =
    ["https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/compute"];

impl Context {
    /// Checks that the host is on Google Cloud; the error is the reason in words.
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

/// An ID token with the expiry that it states.
pub(crate) fn id_token(value: &str, now: SystemTime) -> Token {
    Token::new(value).expires_in(timestamps::of_jwt(value, now).unwrap_or(USUAL_LIFE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_id_tokens() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        // The claims are {"exp":1600}.
        assert_eq!(id_token("h.eyJleHAiOjE2MDB9.s", now).expires_in, Some(Duration::from_secs(600)));
        assert_eq!(id_token("nonsense", now).expires_in, Some(USUAL_LIFE));
    }
}
