//! Describing where a configuration comes from and how it authenticates.

use std::fmt;

use databricks_core::redact::{self, REDACTED};

use crate::choose::{Chosen, inputs, notebook_only};
use crate::config::ResolvedConfig;
use crate::config::value::Value;
use crate::error::AuthError;
use crate::providers::{CHAIN, ON_REQUEST};

/// Where a configuration comes from and how it authenticates; see [`ResolvedConfig::describe`] and
/// [`CredentialChain::describe`](crate::CredentialChain::describe). `Display` shows it on several lines, without
/// secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Description {
    /// The attributes that are set.
    pub attributes: Vec<DescribedAttribute>,
    /// The provider that authenticates, if it is known.
    pub auth_type: Option<String>,
    /// The providers in the order of the chain, with the state of each.
    pub providers: Vec<DescribedProvider>,
    /// Warnings about the configuration.
    pub warnings: Vec<String>,
}

/// An attribute in a [`Description`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DescribedAttribute {
    /// Its name.
    pub name: &'static str,
    /// Its value; `**REDACTED**` for a secret.
    pub value: String,
    /// Where it came from.
    pub source: String,
}

/// A provider in a [`Description`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DescribedProvider {
    /// Its name.
    pub name: &'static str,
    /// Its state: chosen, configured, or why it is not used.
    pub state: String,
}

impl ResolvedConfig {
    /// Describes where each attribute came from, and which credentials providers are configured. Secrets are not shown.
    /// Sends nothing.
    pub fn describe(&self) -> Description {
        describe(self, None, None)
    }
}

/// Describes it with the result of the chain, if it ran.
pub(crate) fn of_chain(config: &ResolvedConfig, chosen: Option<&Chosen>, failure: Option<&AuthError>) -> Description {
    describe(config, chosen, failure)
}

fn describe(config: &ResolvedConfig, chosen: Option<&Chosen>, failure: Option<&AuthError>) -> Description {
    let attributes = config
        .settings()
        .iter()
        .map(|(key, value, source)| DescribedAttribute {
            name: key.name(),
            value: shown(value),
            source: source.to_string(),
        })
        .collect();
    let forced = if chosen.is_some() { None } else { config.stated_auth_type() };
    let mut providers = Vec::new();
    let mut is_decided = false;
    for (provider, on_request) in CHAIN.iter().map(|p| (p, false)).chain(ON_REQUEST.iter().map(|p| (p, true))) {
        let declined = chosen.map_or(failure.map(AuthError::declined), |chosen| Some(chosen.declined.as_slice()));
        let declined = declined.and_then(|list| list.iter().find(|one| one.provider == provider.name));
        let state = if let Some(one) = declined {
            one.reason.clone()
        } else if chosen.is_some_and(|chosen| chosen.name == provider.name) {
            is_decided = true;
            "authenticates".to_owned()
        } else if failure.is_some_and(|failure| failure.provider() == Some(provider.name)) {
            is_decided = true;
            format!("failed: {}", failure.map(AuthError::explained).unwrap_or_default())
        } else if forced.is_some_and(|forced| forced != provider.name) {
            "not named by auth_type".to_owned()
        } else if on_request && forced.is_none() {
            "used only if auth_type names it".to_owned()
        } else {
            match inputs(provider, config) {
                Err(reason) => reason,
                Ok(()) if is_decided => "not tried, since an earlier one is configured".to_owned(),
                Ok(()) if provider.ambient => "will be tried".to_owned(),
                Ok(()) => {
                    is_decided = true;
                    "is configured and will authenticate".to_owned()
                }
            }
        };
        providers.push(DescribedProvider { name: provider.name, state });
    }
    if let Some(reason) = notebook_only("runtime") {
        providers.push(DescribedProvider { name: "runtime", state: reason.to_owned() });
    }
    let own = config.custom_credentials().map(|own| databricks_core::Credentials::auth_type(own).to_owned());
    if own.is_some() {
        for provider in &mut providers {
            "not used: the program sets its own credentials".clone_into(&mut provider.state);
        }
    }
    Description {
        attributes,
        auth_type: own.or_else(|| chosen.map(|chosen| chosen.name.to_owned())).or_else(|| forced.map(str::to_owned)),
        providers,
        warnings: config.warnings().to_vec(),
    }
}

/// A value without secrets: also not one that was put into another attribute by mistake.
fn shown(value: &Value) -> String {
    match value {
        Value::Secret(_) => REDACTED.to_owned(),
        value => redact::text(&value.text()).into_owned(),
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Authenticates with: {}",
            self.auth_type.as_deref().unwrap_or("not known before the first request")
        )?;
        writeln!(f, "\nAttributes")?;
        if self.attributes.is_empty() {
            writeln!(f, "  none is set")?;
        }
        let width = self.attributes.iter().map(|attribute| attribute.name.len()).max().unwrap_or(0);
        for DescribedAttribute { name, value, source } in &self.attributes {
            writeln!(f, "  {name:width$}  {value}  ({source})")?;
        }
        writeln!(f, "\nProviders")?;
        let width = self.providers.iter().map(|provider| provider.name.len()).max().unwrap_or(0);
        for DescribedProvider { name, state } in &self.providers {
            writeln!(f, "  {name:width$}  {state}")?;
        }
        for warning in &self.warnings {
            writeln!(f, "\nWarning: {warning}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use databricks_transport::Environment;

    use crate::Config;

    #[test]
    fn shows_sources_and_reasons_but_no_secret() {
        let env =
            Environment::from_iter([("DATABRICKS_HOST", "ws.example.com"), ("DATABRICKS_CLIENT_SECRET", "cs-secret")]);
        let config = Config::new().environment(env).client_id("id").resolve().unwrap();
        let description = config.describe();
        let state =
            |name: &str| description.providers.iter().find(|provider| provider.name == name).unwrap().state.clone();
        assert_eq!(state("pat"), "token (DATABRICKS_TOKEN) is not set");
        assert_eq!(state("oauth-m2m"), "is configured and will authenticate");
        assert_eq!(state("databricks-cli"), "not tried, since an earlier one is configured");
        assert_eq!(state("external-browser"), "used only if auth_type names it");
        assert!(state("runtime").contains("notebook"));
        let text = description.to_string();
        assert!(
            text.contains("client_secret  **REDACTED**  (environment variable DATABRICKS_CLIENT_SECRET)"),
            "{text}"
        );
        assert!(!text.contains("cs-secret"), "{text}");
    }

    #[test]
    fn a_forced_auth_type_excludes_the_others() {
        let config = Config::hermetic().host("h").token("t").auth_type("basic").resolve().unwrap();
        let description = config.describe();
        assert_eq!(description.auth_type.as_deref(), Some("basic"));
        assert!(
            description
                .providers
                .iter()
                .any(|provider| provider.name == "pat" && provider.state == "not named by auth_type")
        );
    }
}
