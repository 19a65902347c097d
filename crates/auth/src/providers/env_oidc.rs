//! `env-oidc`: an ID token in an environment variable.

use databricks_core::Secret;

use super::exchange::{IdTokens, exchanged};
use super::provider::{Provider, need};
use crate::config::ResolvedConfig;
use crate::config::attributes::Key;
use crate::context::Context;
use crate::error::AuthError;
use crate::oauth::not_configured;
use crate::sanitize::trimmed;
use crate::token::BoxFuture;

const NAME: &str = "env-oidc";

pub(crate) static PROVIDER: Provider = Provider {
    name: NAME,
    ambient: false,
    honours_group: true,
    inputs: |config| {
        need(config, &[Key::Host])?;
        match read(config) {
            Some(_) => Ok(()),
            None => Err(format!("the environment variable {} is not set", variable(config))),
        }
    },
    configure: |cx| Box::pin(async { Ok(exchanged(NAME, cx, Variable)) }),
};

#[derive(Debug)]
struct Variable;

fn variable(config: &ResolvedConfig) -> &str {
    config.text(Key::OidcTokenEnv).unwrap_or("DATABRICKS_OIDC_TOKEN")
}

fn read(config: &ResolvedConfig) -> Option<Secret> {
    config.environment().get(variable(config)).map(trimmed).filter(|token| !token.is_empty()).map(Secret::from)
}

impl IdTokens for Variable {
    fn id_token<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Secret, AuthError>> {
        Box::pin(async { read(&cx.config).ok_or_else(|| not_configured(NAME, "the environment variable is not set")) })
    }
}
