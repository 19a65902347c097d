//! `google-id`: a Google service account that the default credentials, or `gcloud`, may act for.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use databricks_core::Result;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::google::{SCOPES, id_token};
use super::google_default::{Default, DefaultTokens};
use super::headers::Headers;
use super::provider::{Outcome, Provider, need};
use crate::cache::TokenCache;
use crate::config::attributes::Key;
use crate::context::Context;
use crate::error::AuthError;
use crate::http::Outgoing;
use crate::process::{self, ProcessRequest, search};
use crate::sanitize::snippet;
use crate::timestamps;
use crate::token::{Token, TokenSource};

const NAME: &str = "google-id";
const GCLOUD_LIMIT: Duration = Duration::from_secs(30);

pub(crate) static PROVIDER: Provider = Provider {
    name: NAME,
    ambient: false,
    honours_group: false,
    inputs: |config| need(config, &[Key::Host, Key::GoogleServiceAccount]),
    configure: |cx| {
        Box::pin(async {
            if let Err(reason) = cx.require_google().await {
                return Outcome::declined(reason);
            }
            if let Some(credentials) = Default::find(cx, NAME).await? {
                let source = cx.cache(NAME, DefaultTokens { cx: Arc::clone(cx), provider: NAME, credentials });
                let account = |grant| Impersonation { cx: Arc::clone(cx), source: source.clone(), grant };
                return Ok(Outcome::Ready(cx.google_headers(NAME, account(Grant::Id), account(Grant::Access))));
            }
            match search::find("gcloud", cx.config.environment()) {
                Some(program) => {
                    Ok(Outcome::Ready(Headers::token(cx.cache(NAME, Gcloud { cx: Arc::clone(cx), program }))))
                }
                None => Err(AuthError::failed(
                    NAME,
                    "there are neither default credentials of Google nor the program gcloud; run gcloud auth application-default login",
                )),
            }
        })
    },
};

fn account(cx: &Context) -> &str {
    cx.config.text(Key::GoogleServiceAccount).unwrap_or_default()
}

#[derive(Clone, Copy, Debug)]
enum Grant {
    Id,
    Access,
}

/// Tokens of the service account, in exchange for those of the default credentials.
#[derive(Debug)]
struct Impersonation {
    cx: Arc<Context>,
    source: TokenCache,
    grant: Grant,
}

impl TokenSource for Impersonation {
    async fn token(&self) -> Result<Token> {
        Ok(self.ask().await?)
    }
}

impl Impersonation {
    async fn ask(&self) -> Result<Token, AuthError> {
        // Keeps the characters of an e-mail address.
        const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'@').remove(b'.').remove(b'-').remove(b'_').remove(b'+');
        let email = utf8_percent_encode(account(&self.cx), KEPT);
        let (action, body) = match self.grant {
            Grant::Id => ("generateIdToken", json!({ "audience": self.cx.host_url(NAME)?, "includeEmail": true })),
            Grant::Access => ("generateAccessToken", json!({ "scope": SCOPES, "lifetime": "3600s" })),
        };
        let source = self.source.fetch().await?;
        let url = format!("https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{email}:{action}");
        let request =
            Outgoing::post(url).bearer(source.token().value.expose()).json(&body).operation("Google impersonation");
        let response = self.cx.http.send(request).await;
        let response = response.map_err(|error| AuthError::failed(NAME, "Google did not respond").with_cause(error))?;
        if !response.is_success() {
            let why = response.explanation(&[source.token().value.expose()]);
            return Err(AuthError::failed(NAME, format!("{action} for {} was refused with {why}", account(&self.cx)))
                .with_status(Some(response.status), response.request_id())
                .with_hint("grant the roles Service Account Token Creator and OpenID Connect Identity Token Creator on that account"));
        }
        let body = response.json().unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        match self.grant {
            Grant::Id => text("token")
                .map(|token| id_token(token, self.cx.now()))
                .ok_or_else(|| AuthError::failed(NAME, "Google's response has no token")),
            Grant::Access => {
                let token = text("accessToken")
                    .ok_or_else(|| AuthError::failed(NAME, "Google's response has no accessToken"))?;
                let left = text("expireTime").and_then(|at| timestamps::utc(at, self.cx.now()));
                Ok(Token::new(token).expires_in(left.unwrap_or(Duration::from_secs(3600))))
            }
        }
    }
}

/// ID tokens from the program `gcloud`, which returns no access token with them.
#[derive(Debug)]
struct Gcloud {
    cx: Arc<Context>,
    program: PathBuf,
}

impl TokenSource for Gcloud {
    async fn token(&self) -> Result<Token> {
        let host = self.cx.host_url(NAME)?;
        let (account, audience) =
            (format!("--impersonate-service-account={}", account(&self.cx)), format!("--audiences={host}"));
        let arguments = ["auth", "print-identity-token", account.as_str(), audience.as_str(), "--include-email"];
        let request =
            ProcessRequest::new(&self.program, &arguments, self.cx.config.program_environment(), GCLOUD_LIMIT);
        let failed = |why: String| AuthError::failed(NAME, format!("gcloud auth print-identity-token: {why}"));
        let output = process::run(&self.cx.config.platform().runner, request).await;
        let output = output.map_err(|error| failed(format!("cannot be run: {error}")))?;
        if !output.success {
            return Err(failed(snippet(&output.stderr)).into());
        }
        match output.stdout.expose().trim() {
            "" => Err(failed("its output is empty".to_owned()).into()),
            token => Ok(id_token(token, self.cx.now())),
        }
    }
}
