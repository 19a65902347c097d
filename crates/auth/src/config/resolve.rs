//! Merging all sources into one configuration.

use std::path::Path;
use std::sync::Arc;

use databricks_transport::Environment;

use super::attributes::{ATTRIBUTES, Key};
use super::builder::Config;
use super::cloud::Cloud;
use super::entry;
use super::host::{Host, HostError};
use super::paths::expand_home;
use super::raw::Raw;
use super::resolved::{Parts, ResolvedConfig, Settings};
use super::source::Source;
use super::value::{Value, invalid_value};
use super::{profile, serving, validate};
use crate::error::{AuthError, AuthErrorKind};
use crate::sanitize::trimmed;

impl Config {
    /// Reads the environment and the profile file, and validates the result. Sends nothing.
    ///
    /// # Errors
    /// Fails with the kind [`Config`](databricks_core::ErrorKind::Config), naming the setting and where it came from;
    /// see [`AuthErrorKind`] for the possible reasons.
    pub fn resolve(self) -> databricks_core::Result<ResolvedConfig> {
        Ok(resolve(self)?)
    }
}

fn resolve(config: Config) -> Result<ResolvedConfig, AuthError> {
    let environment = config.read_variables();
    let home = config.find_home(&environment);
    let mut settings = given(&config, &environment)?;
    let mut warnings = Vec::new();
    let profile_host = profile::apply(&mut settings, home.as_deref(), &mut warnings)?;
    // A mistake in the file that was only a warning may be the cause of this error.
    let host = complete(&config, &mut settings, &environment).map_err(|error| error.with_warnings(&warnings))?;
    expand_paths(&mut settings, home.as_deref());
    if let Some(cloud) = settings.text(Key::Cloud).filter(|cloud| Cloud::named(cloud).is_none()) {
        warnings.push(format!("cloud is {cloud:?}, which is not AWS, AZURE or GCP; it is ignored"));
    }
    warnings.extend(validate::mixed_sources(&settings));
    for warning in &warnings {
        tracing::warn!(target: "databricks_auth", "{warning}");
    }
    Ok(ResolvedConfig::new(Parts {
        settings,
        host,
        host_type: None,
        profile_host: profile_host.and_then(|host| Host::parse(&host, true).ok()).map(|host| host.url),
        environment,
        home,
        warnings,
        credentials: config.credentials,
        platform: Arc::new(config.platform),
        chosen: Arc::default(),
    }))
}

/// Fills in what follows from other values, and validates the whole.
fn complete(config: &Config, settings: &mut Settings, environment: &Environment) -> Result<Option<Host>, AuthError> {
    if settings.text(Key::WorkspaceId).is_some_and(|id| id.eq_ignore_ascii_case("none")) {
        settings.remove(Key::WorkspaceId);
    }
    serving::fill_host(settings, environment);
    fill_from_token_endpoint(settings);
    let host = read_host(settings, config.allow_insecure_host)?;
    if config.credentials.is_none() {
        validate::check(settings, host.as_ref())?;
    }
    Ok(host)
}

/// The settings from code and environment.
pub(crate) fn given(config: &Config, environment: &Environment) -> Result<Settings, AuthError> {
    if let Some(name) = config.unknown.first() {
        return Err(AuthError::new(
            AuthErrorKind::InvalidValue,
            format!("no attribute is named {name}; the setters of Config list all attributes"),
        ));
    }
    let mut settings = Settings::default();
    for (key, raw) in config.explicit.iter().filter(|(_, raw)| !raw.is_empty()) {
        let (raw, source) = match raw {
            Raw::Entry { service, account } => {
                let secret = entry::read(config.platform.key_store.clone(), *key, service, account)?;
                let source = Source::KeyStore { service: service.clone(), account: account.clone() };
                (&Raw::Text(secret), source)
            }
            raw => (raw, Source::Explicit),
        };
        let value =
            Value::read(key.attribute(), raw).map_err(|expected| invalid_value(key.attribute(), &source, &expected))?;
        settings.fill(*key, value, source);
    }
    for attribute in ATTRIBUTES {
        let set = attribute.variables.iter().find_map(|name| {
            let value = environment.get(name).filter(|value| !trimmed(value).is_empty())?;
            Some((*name, value))
        });
        let Some((name, text)) = set else { continue };
        let source = Source::variable(name);
        let value = Value::read(attribute, &Raw::Text(text.into()))
            .map_err(|expected| invalid_value(attribute, &source, &expected))?;
        settings.fill(attribute.key, value, source);
    }
    Ok(settings)
}

/// The host, normalised; the ids of its query fill gaps.
fn read_host(settings: &mut Settings, allow_insecure: bool) -> Result<Option<Host>, AuthError> {
    let Some(text) = settings.text(Key::Host) else { return Ok(None) };
    let source = settings.source(Key::Host).cloned().unwrap_or(Source::Explicit);
    let host = Host::parse(&text, allow_insecure).map_err(|error| match error {
        HostError::Invalid { shown, problem } => AuthError::new(
            AuthErrorKind::InvalidHost,
            format!("{shown:?} is not a host: {problem} ({source}); expected a host such as https://<workspace>.cloud.databricks.com"),
        ),
        HostError::Insecure { shown } => AuthError::new(
            AuthErrorKind::InsecureHost,
            format!("{shown} would receive credentials over plain http ({source}); use https, or set allow_insecure_host in code"),
        ),
    })?;
    settings.replace(Key::Host, Value::Text(host.url.clone()), source);
    let from_host = Source::Attribute { name: "host" };
    for (key, id) in [(Key::WorkspaceId, &host.workspace_id), (Key::AccountId, &host.account_id)] {
        if let Some(id) = id {
            settings.fill(key, Value::Text(id.clone()), from_host.clone());
        }
    }
    Ok(Some(host))
}

/// A token endpoint of the usual form contains the host, and for an account the account's id too.
fn fill_from_token_endpoint(settings: &mut Settings) {
    if settings.is_set(Key::Host) {
        return;
    }
    let Some(endpoint) = settings.text(Key::TokenEndpoint) else { return };
    let Some(path_at) = endpoint.find("://").and_then(|at| endpoint[at + 3..].find('/').map(|slash| at + 3 + slash))
    else {
        return;
    };
    let (origin, path) = endpoint.split_at(path_at);
    let source = Source::Attribute { name: "token_endpoint" };
    let account = path.strip_prefix("/oidc/accounts/").and_then(|rest| rest.strip_suffix("/v1/token"));
    match account {
        Some(id) if !id.is_empty() && !id.contains('/') => {
            settings.fill(Key::AccountId, Value::Text(id.to_owned()), source.clone());
        }
        _ if path == "/oidc/v1/token" => {}
        _ => return,
    }
    settings.fill(Key::Host, Value::Text(origin.to_owned()), source);
}

/// Replaces a leading `~` in paths.
fn expand_paths(settings: &mut Settings, home: Option<&Path>) {
    for key in [Key::OidcTokenFilepath, Key::ConfigFile, Key::DatabricksCliPath] {
        if let (Some(text), Some(source)) = (settings.text(key), settings.source(key).cloned()) {
            let path = expand_home(&text, home);
            settings.replace(key, Value::Text(path.to_string_lossy().into_owned()), source);
        }
    }
}
