//! `external-browser`: a person signs in in a browser, for this program alone. Only on request.

use std::sync::{Arc, Mutex, PoisonError};

use databricks_core::{Result, Secret};

use super::headers::Headers;
use super::{Outcome, Provider, need};
use crate::config::attributes::Key;
use crate::context::Context;
use crate::error::AuthError;
use crate::login::{Flow, Granted};
use crate::token::{Token, TokenSource};

const NAME: &str = "external-browser";

pub(crate) static PROVIDER: Provider = Provider {
    name: NAME,
    ambient: false,
    honours_group: true,
    inputs: |config| need(config, &[Key::Host]),
    configure: |cx| {
        Box::pin(async {
            let source = Person { flow: Flow::configured(cx, NAME), refresh_token: Mutex::default(), cx: Arc::clone(cx) };
            Ok(Outcome::Ready(Headers::token(cx.cache(NAME, source))))
        })
    },
};

#[derive(Debug)]
struct Person {
    cx: Arc<Context>,
    flow: Flow,
    refresh_token: Mutex<Option<Secret>>,
}

impl TokenSource for Person {
    async fn token(&self) -> Result<Token> {
        let granted = match self.refresh_token() {
            Some(refresh_token) => match self.flow.refresh(&refresh_token).await {
                Ok(granted) => granted,
                // The server says that this login is over; anything else may pass.
                Err(error) if error.oauth_error().is_some() => {
                    tracing::info!(target: "databricks_auth", error = error.explained(), "the login is over, asking the person again");
                    self.sign_in().await?
                }
                Err(error) => return Err(error.into()),
            },
            None => self.sign_in().await?,
        };
        *self.refresh_token.lock().unwrap_or_else(PoisonError::into_inner) = granted.refresh_token;
        Ok(granted.token)
    }
}

impl Person {
    fn refresh_token(&self) -> Option<Secret> {
        self.refresh_token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn sign_in(&self) -> Result<Granted, AuthError> {
        tracing::info!(target: "databricks_auth", host = self.cx.host().map(|host| host.url), "signing in through a browser");
        self.flow.run().await
    }
}
