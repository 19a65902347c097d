//! Google's default credentials: a file, or the metadata server of a machine on Google Cloud.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use databricks_core::{Result, Secret};
use http::{HeaderName, HeaderValue};
use serde_json::Value;

#[cfg(feature = "google")]
use super::google_key::ServiceAccountKey;
use crate::config::ResolvedConfig;
use crate::context::Context;
use crate::error::AuthError;
use crate::http::Outgoing;
use crate::oauth::read_token;
use crate::sanitize::trimmed;
use crate::token::{Token, TokenSource};

const TOKEN_ENDPOINT: &str = "https://oauth2.googleapis.com/token";
const METADATA: &str = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token";
/// On Google Cloud the metadata server responses at once; elsewhere its name is not known.
const METADATA_LIMIT: Duration = Duration::from_secs(3);

/// Default credentials of some kind.
#[derive(Debug)]
pub(crate) enum Default {
    /// A user's, as `gcloud auth application-default login` stores them.
    User { client_id: String, client_secret: Secret, refresh_token: Secret },
    /// A service account key.
    #[cfg(feature = "google")]
    Key(Box<ServiceAccountKey>),
    /// The machine's.
    Machine,
}

impl Default {
    /// Finds them; `None` where there are none.
    pub(crate) async fn find(cx: &Arc<Context>, provider: &'static str) -> Result<Option<Self>, AuthError> {
        if let Some(path) = file(&cx.config) {
            let failed = |why: String| {
                AuthError::failed(provider, format!("the default credentials in {}: {why}", path.display()))
            };
            let text = std::fs::read_to_string(&path).map_err(|error| failed(format!("cannot be read: {error}")))?;
            return Self::parse(&text).map(Some).map_err(failed);
        }
        if cx.config.environment().get("NO_GCE_CHECK").is_some_and(|value| trimmed(value).eq_ignore_ascii_case("true"))
        {
            return Ok(None);
        }
        Ok(machine_token(cx, provider).await.ok().map(|_| Self::Machine))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let json: Value = serde_json::from_str(trimmed(text)).map_err(|_| "it is not JSON".to_owned())?;
        let field = |name: &str| {
            json.get(name).and_then(Value::as_str).map(trimmed).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let required = |name: &str| field(name).ok_or_else(|| format!("it has no {name}"));
        match field("type").as_deref() {
            Some("authorized_user") => Ok(Self::User {
                client_id: required("client_id")?,
                client_secret: required("client_secret")?.into(),
                refresh_token: required("refresh_token")?.into(),
            }),
            #[cfg(feature = "google")]
            Some("service_account") => Ok(Self::Key(Box::new(ServiceAccountKey::parse(text)?))),
            #[cfg(not(feature = "google"))]
            Some("service_account") => {
                Err(format!("it is a service account key, and {}", crate::error::feature_off("google")))
            }
            Some(other) => Err(format!("its type {other:?} is not supported; use authorized_user or service_account")),
            None => Err("it states no type".to_owned()),
        }
    }
}

/// A source of access tokens for Google's API.
#[derive(Debug)]
pub(crate) struct DefaultTokens {
    pub(crate) cx: Arc<Context>,
    pub(crate) provider: &'static str,
    pub(crate) credentials: Default,
}

impl TokenSource for DefaultTokens {
    async fn token(&self) -> Result<Token> {
        Ok(match &self.credentials {
            Default::User { client_id, client_secret, refresh_token } => {
                let fields = [
                    ("grant_type", "refresh_token"),
                    ("client_id", client_id.as_str()),
                    ("client_secret", client_secret.expose()),
                    ("refresh_token", refresh_token.expose()),
                ];
                let response =
                    self.cx.http.send(Outgoing::post(TOKEN_ENDPOINT).form(&fields).operation("Google token")).await;
                let response = response
                    .map_err(|error| AuthError::failed(self.provider, "Google did not respond").with_cause(error))?;
                read_token(self.provider, &response, self.cx.now(), &[client_secret.expose(), refresh_token.expose()])?
                    .0
            }
            #[cfg(feature = "google")]
            Default::Key(key) => key.access_token(&self.cx, self.provider).await?,
            Default::Machine => machine_token(&self.cx, self.provider).await?,
        })
    }
}

async fn machine_token(cx: &Arc<Context>, provider: &'static str) -> Result<Token, AuthError> {
    let request = Outgoing::get(METADATA)
        .plain_header(HeaderName::from_static("metadata-flavor"), HeaderValue::from_static("Google"))
        .once(METADATA_LIMIT)
        .operation("Google metadata server");
    let response = cx.http.send(request).await;
    let response = response.map_err(|error| {
        AuthError::failed(provider, format!("Google's metadata server at {METADATA} returned no token"))
            .with_cause(error)
    })?;
    let token = read_token(provider, &response, cx.now(), &[]);
    Ok(token.map_err(|error| error.prefixed(format!("Google's metadata server at {METADATA} returned no token")))?.0)
}

/// The file of default credentials.
fn file(config: &ResolvedConfig) -> Option<PathBuf> {
    if let Some(path) =
        config.environment().get("GOOGLE_APPLICATION_CREDENTIALS").map(trimmed).filter(|path| !path.is_empty())
    {
        return Some(crate::config::expand_home(path, config.home()));
    }
    let directory = match config.environment().get("APPDATA") {
        Some(directory) if cfg!(windows) => PathBuf::from(directory).join("gcloud"),
        _ => config.home()?.join(".config").join("gcloud"),
    };
    Some(directory.join("application_default_credentials.json")).filter(|path| path.is_file())
}
