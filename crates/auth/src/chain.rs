//! Choosing a provider: the one that `auth_type` names, or the first of the chain that has what it needs.

use std::sync::Arc;

use crate::config::ResolvedConfig;
use crate::config::attributes::{ATTRIBUTES, Key};
use crate::context::Context;
use crate::error::{AuthError, AuthErrorKind, Declined};
use crate::oauth::not_configured;
use crate::providers::headers::Headers;
use crate::providers::{CHAIN, ON_REQUEST, Outcome, Provider};

/// The provider that signs in, and why those before it do not.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) name: &'static str,
    pub(crate) headers: Headers,
    pub(crate) declined: Vec<Declined>,
}

/// Chooses.
pub(crate) async fn choose(cx: &Arc<Context>) -> Result<Chosen, AuthError> {
    match cx.config.auth_type() {
        Some(name) => forced(cx, name).await,
        None => first(cx).await,
    }
}

async fn forced(cx: &Arc<Context>, name: &str) -> Result<Chosen, AuthError> {
    if let Some(reason) = notebook_only(name) {
        return Err(not_configured(name, reason));
    }
    let provider = CHAIN.iter().chain(ON_REQUEST).find(|provider| provider.name == name).copied();
    let Some(provider) = provider else {
        return Err(not_configured(name, "this build has no such provider; see the features of databricks-auth"));
    };
    if let Err(reason) = inputs(provider, &cx.config) {
        return Err(not_configured(name, reason));
    }
    match (provider.configure)(cx).await? {
        Outcome::Ready(headers) => Ok(Chosen { name: provider.name, headers, declined: Vec::new() }),
        Outcome::Declined(reason) => Err(not_configured(name, reason)),
    }
}

async fn first(cx: &Arc<Context>) -> Result<Chosen, AuthError> {
    let mut declined = Vec::new();
    for provider in CHAIN {
        if let Err(reason) = inputs(provider, &cx.config) {
            declined.push(Declined::new(provider.name, reason));
            continue;
        }
        match attempt(cx, provider).await {
            Ok(Outcome::Ready(headers)) => {
                tracing::debug!(target: "databricks_auth", auth_type = provider.name, "signing in");
                return Ok(Chosen { name: provider.name, headers, declined });
            }
            Ok(Outcome::Declined(reason)) => declined.push(Declined::new(provider.name, reason)),
            Err(error) if provider.ambient => {
                tracing::debug!(target: "databricks_auth", auth_type = provider.name, error = error.explained(), "the provider failed, trying the next");
                declined.push(Declined::new(provider.name, error.explained()));
            }
            Err(error) => return Err(error),
        }
    }
    Err(exhausted(&cx.config, declined))
}

/// Sets a provider up. One that nobody asked for must show that it works: it keeps the token that it gets for that.
async fn attempt(cx: &Arc<Context>, provider: &Provider) -> Result<Outcome, AuthError> {
    let outcome = (provider.configure)(cx).await?;
    if let (true, Outcome::Ready(headers)) = (provider.ambient, &outcome)
        && let Err(error) = headers.get().await
    {
        return Err(AuthError::of(&error).cloned().unwrap_or_else(|| AuthError::failed(provider.name, error.report())));
    }
    Ok(outcome)
}

/// Whether a provider has its inputs, and if not, why.
pub(crate) fn inputs(provider: &Provider, config: &ResolvedConfig) -> Result<(), String> {
    (provider.inputs)(config)?;
    if config.is_set(Key::GroupId) && !provider.honours_group {
        return Err("group_id is set, and this way to sign in cannot take on a group's rights".to_owned());
    }
    Ok(())
}

/// Why the provider of the official Python SDK for notebooks is not here.
pub(crate) fn notebook_only(name: &str) -> Option<&'static str> {
    matches!(name, "runtime" | "runtime-oauth").then_some("works only inside of a notebook's Python interpreter")
}

fn exhausted(config: &ResolvedConfig, declined: Vec<Declined>) -> AuthError {
    let advice = match config.host() {
        None => "set host, for example through DATABRICKS_HOST, and the credentials of one way to sign in",
        Some(_) => {
            "set the credentials of one way to sign in, for example token through DATABRICKS_TOKEN, or sign in with `databricks auth login`"
        }
    };
    let mut text = format!("cannot sign in, since no way to sign in has what it needs; {advice}.");
    for (key, label) in [(Key::Host, "host"), (Key::Profile, "profile"), (Key::ConfigFile, "config_file")] {
        if let Some(value) = config.text(key) {
            text.push_str(&format!("\n  {label} is {value}"));
        }
    }
    if let Some(path) = crate::config::profile_path(config)
        && !path.exists()
    {
        text.push_str(&format!("\n  there is no profile file {}", path.display()));
    }
    let set: Vec<_> = ATTRIBUTES
        .iter()
        .filter_map(|attribute| config.settings().source(attribute.key).map(|source| format!("{} ({source})", attribute.name())))
        .collect();
    if !set.is_empty() {
        text.push_str(&format!("\n  set are: {}", set.join(", ")));
    }
    let seen = config.variables_seen();
    if !seen.is_empty() {
        text.push_str(&format!("\n  variables seen: {}", seen.join(", ")));
    }
    text.push_str("\nNot used:");
    for one in &declined {
        text.push_str(&format!("\n  {}: {}", one.provider, one.reason));
    }
    AuthError::new(AuthErrorKind::NoCredentials, text).with_declined(declined)
}
