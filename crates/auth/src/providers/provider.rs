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
    /// Whether it may be there without anybody having asked for it. If such a provider fails, the chain goes on.
    pub(crate) ambient: bool,
    /// Whether it passes `group_id` on. One that does not must not be used with it: its token would have wider rights.
    pub(crate) honours_group: bool,
    /// Looks for the inputs, without any IO over the network; the error is the reason for people.
    pub(crate) inputs: fn(&ResolvedConfig) -> Result<(), String>,
    /// Sets it up.
    pub(crate) configure: for<'a> fn(&'a Arc<Context>) -> BoxFuture<'a, Result<Outcome, AuthError>>,
}

/// What became of setting a provider up.
pub(crate) enum Outcome {
    /// It hands out these headers.
    Ready(Headers),
    /// It does not apply, for this reason.
    Declined(String),
}

impl Outcome {
    pub(crate) fn declined<T>(reason: impl Into<String>) -> Result<Self, T> {
        Ok(Self::Declined(reason.into()))
    }
}

/// Those of the keys that are unset, as a reason.
pub(crate) fn need(config: &ResolvedConfig, keys: &[Key]) -> Result<(), String> {
    let missing: Vec<_> = keys.iter().filter(|key| !config.is_set(**key)).map(|key| key.described()).collect();
    match missing.as_slice() {
        [] => Ok(()),
        [one] => Err(format!("{one} is not set")),
        [init @ .., last] => Err(format!("{} and {last} are not set", init.join(", "))),
    }
}

/// A CI system's identity is not swapped for a token of the platform where the configuration names an identity of Entra instead.
pub(crate) fn meant_for_entra(config: &ResolvedConfig, name: &str) -> Result<(), String> {
    let is_entra = config.is_set(Key::AzureClientId) && !config.is_set(Key::ClientId) && config.stated_auth_type() != Some(name);
    if is_entra { Err("azure_client_id is set and client_id is not, so an identity of Entra is meant".to_owned()) } else { Ok(()) }
}
