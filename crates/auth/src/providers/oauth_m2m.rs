//! `oauth-m2m`: a service principal with an OAuth secret (client credentials, RFC 6749 section 4.4).

use std::sync::Arc;

use databricks_core::Result;

use super::headers::Headers;
use super::provider::{Outcome, Provider, need};
use crate::config::attributes::Key;
use crate::context::Context;
use crate::oauth::is_client_refused;
use crate::token::{Token, TokenSource};

const NAME: &str = "oauth-m2m";

pub(crate) static PROVIDER: Provider = Provider {
    name: NAME,
    ambient: false,
    honours_group: true,
    inputs: |config| need(config, &[Key::Host, Key::ClientId, Key::ClientSecret]),
    configure: |cx| {
        Box::pin(async {
            let source = ClientCredentials { cx: Arc::clone(cx) };
            Ok(Outcome::Ready(Headers::token(cx.cache(NAME, source))))
        })
    },
};

#[derive(Debug)]
struct ClientCredentials {
    cx: Arc<Context>,
}

impl TokenSource for ClientCredentials {
    async fn token(&self) -> Result<Token> {
        let config = &self.cx.config;
        let (Some(id), Some(secret)) = (config.text(Key::ClientId), config.secret_of(Key::ClientSecret)) else {
            return Err(crate::oauth::not_configured(NAME, "client_id or client_secret is not set").into());
        };
        let scope = self.cx.scope();
        let mut fields = vec![("grant_type", "client_credentials"), ("scope", scope.as_str())];
        fields.extend(self.cx.narrowing());
        match self.cx.grant(NAME, &fields, Some((id, secret)), &[]).await {
            Ok((token, _)) => Ok(token),
            Err(error) if is_client_refused(&error) => {
                Err(error.with_hint(self.cx.check_client(Key::ClientId, Key::ClientSecret)).into())
            }
            Err(error) => Err(error.into()),
        }
    }
}
