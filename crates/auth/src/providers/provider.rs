//! What a credentials provider is.

use std::sync::Arc;

use super::headers::Headers;
use crate::config::ResolvedConfig;
use crate::config::attributes::Key;
use crate::context::Context;
use crate::error::AuthError;
use crate::token::BoxFuture;

/// A credentials provider.
pub(crate) struct Provider {
    /// The name in `auth_type`.
    pub(crate) name: &'static str,
    /// Whether it may apply without being configured. If such a provider fails, the chain continues.
    pub(crate) ambient: bool,
    /// Whether it supports `group_id`. One that does not must not be used with it: its token would have more
    /// permissions.
    pub(crate) honours_group: bool,
    /// Checks that the inputs are there, without network IO; the error is the reason in words.
    pub(crate) inputs: fn(&ResolvedConfig) -> Result<(), String>,
    /// Sets it up.
    pub(crate) configure: for<'a> fn(&'a Arc<Context>) -> BoxFuture<'a, Result<Outcome, AuthError>>,
}

/// The outcome of setting up a provider.
pub(crate) enum Outcome {
    /// It returns these headers.
    Ready(Headers),
    /// It does not apply, for this reason.
    Declined(String),
}

impl Outcome {
    pub(crate) fn declined<T>(reason: impl Into<String>) -> Result<Self, T> {
        Ok(Self::Declined(reason.into()))
    }
}

/// Requires that all of the keys are set; the error names those that are not.
pub(crate) fn need(config: &ResolvedConfig, keys: &[Key]) -> Result<(), String> {
    let missing: Vec<_> = keys.iter().filter(|key| !config.is_set(**key)).map(|key| key.described()).collect();
    match missing.as_slice() {
        [] => Ok(()),
        [one] => Err(format!("{one} is not set")),
        [init @ .., last] => Err(format!("{} and {last} are not set", init.join(", "))),
    }
}

/// Refuses to exchange a CI system's ID token for a token of the platform where the configuration names an Entra
/// identity instead.
pub(crate) fn meant_for_entra(config: &ResolvedConfig, name: &str) -> Result<(), String> {
    let is_entra =
        config.is_set(Key::AzureClientId) && !config.is_set(Key::ClientId) && config.stated_auth_type() != Some(name);
    if is_entra {
        Err("azure_client_id is set and client_id is not, so an Entra identity is meant".to_owned())
    } else {
        Ok(())
    }
}
