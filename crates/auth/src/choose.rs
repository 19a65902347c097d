//! Choosing a provider: the one that `auth_type` names, or the first of the chain that is configured.

use std::sync::Arc;

use crate::config::ResolvedConfig;
use crate::config::attributes::{ATTRIBUTES, Key};
use crate::context::Context;
use crate::error::{AuthError, AuthErrorKind, Declined};
use crate::oauth::not_configured;
use crate::providers::headers::Headers;
use crate::providers::provider::{Outcome, Provider};
use crate::providers::{CHAIN, ON_REQUEST};

/// The provider that authenticates, and why those before it do not.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) name: &'static str,
    pub(crate) headers: Headers,
    pub(crate) declined: Vec<Declined>,
}

/// Chooses a provider and sets it up.
pub(crate) async fn choose(cx: &Arc<Context>) -> Result<Chosen, AuthError> {
    match cx.config.stated_auth_type() {
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
        return Err(not_configured(name, "no such credentials provider exists"));
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
                tracing::debug!(target: "databricks_auth", auth_type = provider.name, "authenticating");
                return Ok(Chosen { name: provider.name, headers, declined });
            }
            Ok(Outcome::Declined(reason)) => declined.push(Declined::new(provider.name, reason)),
            Err(error) if provider.ambient && crate::runtime::is_missing(&error).is_none() => {
                tracing::debug!(target: "databricks_auth", auth_type = provider.name, error = error.explained(), "the provider failed, trying the next");
                declined.push(Declined::new(provider.name, error.explained()));
            }
            Err(error) => return Err(error),
        }
    }
    // Providers that need a runtime were skipped without one, which a list of reasons would hide.
    crate::runtime::check()?;
    Err(exhausted(&cx.config, declined))
}

/// Sets up a provider. One that is not configured explicitly must prove that it works; the token that it gets for that
/// is cached.
async fn attempt(cx: &Arc<Context>, provider: &Provider) -> Result<Outcome, AuthError> {
    let outcome = (provider.configure)(cx).await?;
    if let (true, Outcome::Ready(headers)) = (provider.ambient, &outcome)
        && let Err(error) = headers.get().await
    {
        return Err(AuthError::of(&error).cloned().unwrap_or_else(|| AuthError::failed(provider.name, error.report())));
    }
    Ok(outcome)
}

/// Checks that a provider is configured; the error is the reason why it is not.
pub(crate) fn inputs(provider: &Provider, config: &ResolvedConfig) -> Result<(), String> {
    (provider.inputs)(config)?;
    if config.is_set(Key::GroupId) && !provider.honours_group {
        return Err("group_id is set, and this provider does not support it".to_owned());
    }
    Ok(())
}

/// Why a provider of the official Python SDK for notebooks is not supported.
pub(crate) fn notebook_only(name: &str) -> Option<&'static str> {
    matches!(name, "runtime" | "runtime-oauth").then_some("works only in the Python interpreter of a notebook")
}

fn exhausted(config: &ResolvedConfig, declined: Vec<Declined>) -> AuthError {
    let facts: Vec<_> = [Key::Host, Key::Profile, Key::ConfigFile, Key::AzureWorkspaceResourceId]
        .into_iter()
        .filter_map(|key| Some(format!("{} is {} ({})", key.name(), config.text(key)?, config.settings().source(key)?)))
        .collect();
    let mut text = "no credentials found".to_owned();
    if !facts.is_empty() {
        text.push_str(&format!(": {}", facts.join(", ")));
    }
    let others: Vec<_> = ATTRIBUTES
        .iter()
        .filter(|attribute| attribute.family.is_some())
        .filter_map(|attribute| {
            config.settings().source(attribute.key).map(|source| format!("{} ({source})", attribute.name()))
        })
        .collect();
    if !others.is_empty() {
        text.push_str(&format!("; set are {}", others.join(", ")));
    }
    if let Some(path) = crate::config::profile_path(config).filter(|path| !path.exists()) {
        text.push_str(&format!("; the profile file {} does not exist", path.display()));
    }
    let advice = if config.host().is_none() && !config.is_set(Key::AzureWorkspaceResourceId) {
        "set host (DATABRICKS_HOST) and credentials, for example token (DATABRICKS_TOKEN), or choose a profile (DATABRICKS_CONFIG_PROFILE)"
    } else {
        "set credentials, for example token (DATABRICKS_TOKEN), or log in with `databricks auth login`"
    };
    AuthError::new(AuthErrorKind::NoCredentials, text)
        .with_hint(advice)
        .with_warnings(config.warnings())
        .with_declined(declined)
}

#[cfg(test)]
mod tests {
    use databricks_transport::Environment;

    use super::*;
    use crate::Config;

    #[test]
    fn one_line_states_what_to_do_and_the_report_lists_the_providers() {
        let environment =
            Environment::from_iter([("DATABRICKS_HOST", "ws.example.com"), ("DATABRICKS_CLIENT_ID", "sp-1")]);
        let config = Config::new().environment(environment).resolve().unwrap();
        let declined = vec![Declined::new("pat", "token (DATABRICKS_TOKEN) is not set")];
        let error: databricks_core::Error = exhausted(&config, declined).into();
        assert_eq!(
            error.to_string(),
            "no credentials found: host is https://ws.example.com (environment variable DATABRICKS_HOST); set are client_id (environment \
             variable DATABRICKS_CLIENT_ID); set credentials, for example token (DATABRICKS_TOKEN), or log in with `databricks auth login`"
        );
        assert!(
            error
                .report()
                .ends_with("credentials providers that were not used:\n  pat: token (DATABRICKS_TOKEN) is not set"),
            "{}",
            error.report()
        );
        assert!(AuthError::of(&error).unwrap().report().contains("\n  pat: token"));
        assert!(!error.report().contains("no_credentials"));
    }
}
