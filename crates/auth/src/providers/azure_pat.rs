//! `azure-pat`: short-lived personal access tokens, created with an Entra identity. Used only when `auth_type` names
//! it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use databricks_core::{Result, Secret};
use serde_json::{Value, json};

use super::azure::Management;
use super::headers::Headers;
use super::provider::{Outcome, Provider};
use super::{azure_cli, azure_client_secret, azure_msi};
use crate::config::attributes::Key;
use crate::context::Context;
use crate::error::AuthError;
use crate::http::Outgoing;
use crate::token::{BoxFuture, Token, TokenSource};

const NAME: &str = "azure-pat";

pub(crate) static PROVIDER: Provider = Provider {
    name: NAME,
    ambient: false,
    honours_group: false,
    inputs: azure_cli::inputs,
    configure: |cx| {
        Box::pin(async {
            let outcome = if azure_client_secret::inputs(&cx.config).is_ok() {
                azure_client_secret::identity(cx, NAME)
                    .await?
                    .map(|identity| cx.azure_headers(NAME, &Arc::new(identity), Management::Required))
            } else if azure_msi::inputs(&cx.config).is_ok() {
                azure_msi::identity(cx, NAME)
                    .await?
                    .map(|identity| cx.azure_headers(NAME, &Arc::new(identity), Management::Required))
            } else {
                let session = azure_cli::identity(cx, NAME).await?;
                session.map(|session| {
                    let management = if session.is_principal { Management::Optional } else { Management::None };
                    cx.azure_headers(NAME, &Arc::new(session), management).at_once()
                })
            };
            let identity = match outcome {
                Ok(headers) => headers,
                Err(reason) => return Outcome::declined(reason),
            };
            let minter = Arc::new(Minter { cx: Arc::clone(cx), identity, made: Mutex::default() });
            let source = Source(Arc::clone(&minter));
            Ok(Outcome::Ready(Headers::token(cx.cache(NAME, source)).on_close(minter)))
        })
    },
};

/// Creates personal access tokens, and remembers which.
#[derive(Debug)]
struct Minter {
    cx: Arc<Context>,
    identity: Headers,
    made: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct Source(Arc<Minter>);

impl TokenSource for Source {
    async fn token(&self) -> Result<Token> {
        self.0.make().await
    }
}

impl Minter {
    async fn make(&self) -> Result<Token> {
        let config = &self.cx.config;
        let seconds = config.int(Key::AzurePatLifetimeSeconds).unwrap_or(3600);
        let mut body = json!({ "lifetime_seconds": seconds });
        if let Some(comment) = config.text(Key::AzurePatComment) {
            body["comment"] = comment.into();
        }
        // Never retried: each request that arrives creates a token, and a user has at most 600.
        let response = self.post("create", &body).await?;
        let text = |pointer: &str| response.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
        let value = text("/token_value").ok_or_else(|| AuthError::failed(NAME, "the response has no token_value"))?;
        if let Some(id) = text("/token_info/token_id") {
            self.made.lock().unwrap_or_else(PoisonError::into_inner).push(id.to_owned());
        }
        Ok(Token::new(Secret::from(value)).expires_in(Duration::from_secs(u64::try_from(seconds).unwrap_or(3600))))
    }

    async fn post(&self, action: &str, body: &Value) -> Result<Value> {
        let host = self.cx.host_url(NAME)?;
        let headers = self.identity.get().await?;
        let request =
            Outgoing::post(format!("{host}/api/2.0/token/{action}")).json(body).headers(headers.headers).not_twice();
        let response = self.cx.http.send(request.operation("personal access token")).await;
        let response = response.map_err(|error| {
            AuthError::failed(NAME, format!("the request to {action} a token got no response")).with_cause(error)
        })?;
        if !response.is_success() {
            let why = response.explanation(&[]);
            return Err(AuthError::failed(NAME, format!("the request to {action} a token was refused with {why}"))
                .with_status(Some(response.status), response.request_id())
                .into());
        }
        Ok(response.json().unwrap_or_default())
    }
}

impl super::headers::Close for Minter {
    /// Deletes the tokens that were created. Best effort.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let made = std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner));
            for id in made {
                if let Err(error) = self.post("delete", &json!({ "token_id": id })).await {
                    tracing::warn!(target: "databricks_auth", error = error.report(), "cannot delete a personal access token; it expires");
                }
            }
        })
    }
}
