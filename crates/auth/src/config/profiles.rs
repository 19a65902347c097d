//! Listing the profiles of the profile file.

use super::builder::Config;
use super::host::Host;
use super::profile::{path, read};
use super::resolve::given;
use crate::error::AuthError;

/// A profile of the profile file, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProfileSummary {
    /// The name of the section.
    pub name: String,
    /// The host, without user information; `None` if it is missing or not valid.
    pub host: Option<String>,
    /// The account's id.
    pub account_id: Option<String>,
    /// The auth type, if the profile states one.
    pub auth_type: Option<String>,
    /// Whether `default_profile` names this profile.
    pub is_default: bool,
}

impl Config {
    /// Returns the profiles of the profile file, in the order of the file, without secrets.
    ///
    /// # Errors
    /// When the file exists but cannot be read or parsed.
    pub fn profiles(&self) -> databricks_core::Result<Vec<ProfileSummary>> {
        Ok(list(self)?)
    }
}

/// The profiles of the file that a configuration would read.
fn list(config: &Config) -> Result<Vec<ProfileSummary>, AuthError> {
    let environment = config.read_variables();
    let home = config.find_home(&environment);
    let settings = given(config, &environment)?;
    let Some(path) = path(&settings, home.as_deref()) else { return Ok(Vec::new()) };
    let Some(file) = read(&path)? else { return Ok(Vec::new()) };
    let text = |value: Option<&str>| value.filter(|value| !value.is_empty()).map(str::to_owned);
    Ok(file
        .profiles()
        .map(|section| ProfileSummary {
            name: section.name.clone(),
            host: section.get("host").and_then(|host| Host::parse(host, true).ok()).map(|host| host.url),
            account_id: text(section.get("account_id")),
            auth_type: text(section.get("auth_type")),
            is_default: file.setting("default_profile") == Some(section.name.as_str()),
        })
        .collect())
}
