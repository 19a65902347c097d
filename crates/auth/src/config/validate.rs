//! Rules that hold between attributes.

use std::collections::BTreeMap;

use super::attributes::{ATTRIBUTES, AUTH_TYPES, Key};
use super::cloud::AzureEnvironment;
use super::host::Host;
use super::resolved::Settings;
use super::value::Value;
use crate::error::{AuthError, AuthErrorKind};

pub(crate) fn check(settings: &Settings, host: Option<&Host>) -> Result<(), AuthError> {
    match settings.text(Key::AuthType) {
        Some(name) => known_auth_type(settings, &name)?,
        None => one_family(settings)?,
    }
    if host.is_none() && settings.is_set(Key::AzureWorkspaceResourceId) {
        azure_environment(settings)?;
    }
    Ok(())
}

fn known_auth_type(settings: &Settings, name: &str) -> Result<(), AuthError> {
    if AUTH_TYPES.contains(&name) {
        return Ok(());
    }
    let source = settings.source(Key::AuthType).map(|source| format!(" ({source})")).unwrap_or_default();
    Err(AuthError::new(
        AuthErrorKind::UnknownAuthType,
        format!("auth_type is {name:?}{source}, which does not exist; the auth types are: {}", AUTH_TYPES.join(", ")),
    ))
}

/// At most one family of credentials, or else `auth_type` must decide.
fn one_family(settings: &Settings) -> Result<(), AuthError> {
    let mut families: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for attribute in ATTRIBUTES {
        let (Some(family), Some(value), Some(source)) =
            (attribute.family, settings.value(attribute.key), settings.source(attribute.key))
        else {
            continue;
        };
        if !matches!(value, Value::Bool(false)) {
            families.entry(family).or_default().push(format!("{} ({source})", attribute.name()));
        }
    }
    if families.len() < 2 {
        return Ok(());
    }
    let names: Vec<_> = families.keys().copied().collect();
    let list: Vec<_> =
        families.iter().map(|(family, attributes)| format!("{} for {family}", attributes.join(", "))).collect();
    Err(AuthError::new(
        AuthErrorKind::ConflictingAuth,
        format!("more than one authorization method configured: {}. Set are {}", names.join(" and "), list.join("; ")),
    )
    .with_hint(format!("remove one of them, or set auth_type to the one to use: {}", suggestions(&names).join(", "))))
}

/// The values of `auth_type` that would resolve a conflict between families, best first.
fn suggestions(families: &[&str]) -> Vec<&'static str> {
    let mut names = Vec::new();
    // An application id together with an ID token means token exchange for that service principal.
    for family in ["env-oidc", "file-oidc", "metadata-service", "pat", "basic"] {
        if let Some(name) = families.contains(&family).then_some(family) {
            names.push(name);
        }
    }
    for (family, more) in [
        ("oauth", &["oauth-m2m"][..]),
        ("azure", &["azure-client-secret", "azure-msi", "azure-cli"][..]),
        ("google", &["google-credentials", "google-id"][..]),
    ] {
        if families.contains(&family) {
            names.extend(more);
        }
    }
    names
}

fn azure_environment(settings: &Settings) -> Result<(), AuthError> {
    match (settings.text(Key::AzureEnvironment), settings.source(Key::AzureEnvironment)) {
        (Some(text), Some(source)) if AzureEnvironment::named(&text).is_none() => {
            Err(super::value::invalid_value(Key::AzureEnvironment.attribute(), source, AzureEnvironment::EXPECTED))
        }
        _ => Ok(()),
    }
}

/// Warns where a secret and the host come from different sources.
pub(crate) fn mixed_sources(settings: &Settings) -> Vec<String> {
    let Some(host) = settings.source(Key::Host) else { return Vec::new() };
    [Key::Token, Key::Password, Key::ClientSecret]
        .into_iter()
        .filter_map(|key| {
            let source = settings.source(key)?;
            let differs = !source.is_same_place(host) && !source.is_code() && !host.is_code();
            differs.then(|| {
                format!(
                    "host ({host}) and {} ({source}) come from different sources; make sure that they belong together",
                    key.name()
                )
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use databricks_transport::Environment;

    use crate::{AuthErrorKind, Config, error_kind};

    fn config(vars: &[(&str, &str)]) -> Config {
        Config::new().environment(Environment::from_iter(vars.iter().copied()))
    }

    #[test]
    fn conflicts_name_what_is_set_and_what_to_do() {
        let error = config(&[("DATABRICKS_OIDC_TOKEN_ENV", "JWT")]).host("h").client_id("id").resolve().unwrap_err();
        assert_eq!(error_kind(&error), Some(AuthErrorKind::ConflictingAuth));
        let text = error.to_string();
        for part in [
            "env-oidc and oauth",
            "client_id (set in code)",
            "environment variable DATABRICKS_OIDC_TOKEN_ENV",
            "auth_type",
            "env-oidc, oauth-m2m",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_false_switch_is_not_a_family() {
        config(&[("ARM_USE_MSI", "false")]).host("h").token("t").resolve().unwrap();
        config(&[("ARM_USE_MSI", "true")]).host("h").token("t").resolve().unwrap_err();
    }

    #[test]
    fn own_credentials_resolve_every_conflict() {
        let token = crate::StaticToken::new("x");
        config(&[("ARM_CLIENT_ID", "a")]).host("h").client_id("id").credentials(token).resolve().unwrap();
    }

    #[test]
    fn mixed_sources_are_a_warning() {
        let resolved = config(&[("DATABRICKS_HOST", "h"), ("DATABRICKS_TOKEN", "t")]).resolve().unwrap();
        assert!(resolved.warnings().is_empty());
    }
}
