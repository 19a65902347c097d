//! `netrc`: an entry of `.netrc` for the host. The last of the chain, and never beside another credential.

use std::fs;
use std::path::PathBuf;

use databricks_core::Secret;

use super::basic;
use super::headers::Headers;
use super::provider::{Outcome, Provider, need};
use crate::config::ResolvedConfig;
use crate::config::attributes::Key;
use crate::config::netrc;
use crate::error::AuthError;
use crate::sanitize::trimmed;

const NAME: &str = "netrc";

pub(crate) static PROVIDER: Provider = Provider {
    name: NAME,
    ambient: true,
    honours_group: false,
    inputs: |config| {
        need(config, &[Key::Host])?;
        match file(config) {
            Some(_) => Ok(()),
            None => Err("no .netrc file was found".to_owned()),
        }
    },
    configure: |cx| {
        Box::pin(async {
            let (Some(path), Some(host)) = (file(&cx.config), cx.config.parsed_host()) else {
                return Outcome::declined("no .netrc file was found");
            };
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) => return Outcome::declined(format!("{} cannot be read: {error}", path.display())),
            };
            let name = host.name.trim_matches(['[', ']']);
            let found = netrc::find(&text, name).map_err(|error| {
                AuthError::failed(
                    NAME,
                    format!("{} cannot be parsed: line {}: {}", path.display(), error.line, error.problem),
                )
            })?;
            let Some(entry) = found else {
                return Outcome::declined(format!("{} has no entry for {name}", path.display()));
            };
            if crate::platform::is_readable_by_others(&path) {
                tracing::warn!(target: "databricks_auth", "{} can be read by other users; restrict it, for example with chmod 600", path.display());
            }
            tracing::debug!(target: "databricks_auth", "authenticating with the entry at line {} of {}", entry.line, path.display());
            let value = match trimmed(&entry.login) {
                "token" => Secret::new(format!("Bearer {}", entry.password().expose())),
                login => basic::value(login, &entry.password()),
            };
            Ok(Outcome::Ready(Headers::fixed(&value)))
        })
    },
};

/// The path of the file: as `NETRC` states, else in the home directory.
fn file(config: &ResolvedConfig) -> Option<PathBuf> {
    if let Some(path) = config.environment().get("NETRC").map(trimmed).filter(|path| !path.is_empty()) {
        return Some(crate::config::expand_home(path, config.home())).filter(|path| path.is_file());
    }
    let names: &[&str] = if cfg!(windows) { &[".netrc", "_netrc"] } else { &[".netrc"] };
    let home = config.home()?;
    names.iter().map(|name| home.join(name)).find(|path| path.is_file())
}
