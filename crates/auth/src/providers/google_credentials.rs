//! `google-credentials`: a Google service account key.

use std::sync::Arc;

use databricks_core::Result;
use serde_json::Value;

use super::google::id_token;
use super::google_key::{Grant, ServiceAccountKey};
use super::provider::{Outcome, Provider, need};
use crate::config::attributes::Key;
use crate::context::Context;
use crate::error::AuthError;
use crate::token::{Token, TokenSource};

const NAME: &str = "google-credentials";

pub(crate) static PROVIDER: Provider = Provider {
    name: NAME,
    ambient: false,
    honours_group: false,
    inputs: |config| need(config, &[Key::Host, Key::GoogleCredentials]),
    configure: |cx| {
        Box::pin(async {
            // A broken key is worth an error before it is known which cloud this is.
            let Some(text) = cx.config.secret_of(Key::GoogleCredentials) else {
                return Outcome::declined("google_credentials is not set");
            };
            let key = ServiceAccountKey::load(text.expose(), cx.config.home());
            if let Err(reason) = cx.require_google().await {
                return if key.is_err() && cx.config.stated_auth_type() == Some(NAME) {
                    broken(key)
                } else {
                    Outcome::declined(reason)
                };
            }
            let key = match key {
                Ok(key) => Arc::new(key),
                Err(why) => return broken(Err(why)),
            };
            let ids = Ids { cx: Arc::clone(cx), key: Arc::clone(&key) };
            Ok(Outcome::Ready(cx.google_headers(NAME, ids, Access { cx: Arc::clone(cx), key })))
        })
    },
};

fn broken(key: Result<ServiceAccountKey, String>) -> Result<Outcome, AuthError> {
    match key {
        Ok(_) => Outcome::declined("the key cannot be used here"),
        Err(why) => Err(AuthError::failed(NAME, format!("google_credentials cannot be used: {why}"))),
    }
}

#[derive(Debug)]
struct Ids {
    cx: Arc<Context>,
    key: Arc<ServiceAccountKey>,
}

impl TokenSource for Ids {
    async fn token(&self) -> Result<Token> {
        let audience = self.cx.host_url(NAME)?;
        let response = self.key.ask(&self.cx, NAME, Grant::Id(&audience)).await?;
        let body = response.json();
        let value =
            body.as_ref().and_then(|body| body.get("id_token")).and_then(Value::as_str).filter(|text| !text.is_empty());
        let value = value.ok_or_else(|| AuthError::failed(NAME, "Google's response has no id_token"))?;
        Ok(id_token(value, self.cx.now()))
    }
}

#[derive(Debug)]
struct Access {
    cx: Arc<Context>,
    key: Arc<ServiceAccountKey>,
}

impl TokenSource for Access {
    async fn token(&self) -> Result<Token> {
        Ok(self.key.access_token(&self.cx, NAME).await?)
    }
}
