//! `databricks-cli`: a user who is logged in with the official CLI. Runs the CLI or, where it is missing, reads the
//! stored login.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use databricks_core::Result;
use serde_json::Value;

use super::headers::Headers;
use super::provider::{Outcome, Provider, need};
use super::stored_login::StoredLogin;
use crate::config::attributes::Key;
use crate::config::{HostType, ResolvedConfig};
use crate::context::Context;
use crate::error::AuthError;
use crate::oauth::{UNSTATED_LIFE, not_configured};
use crate::process::{self, ProcessOutput, ProcessRequest, search};
use crate::sanitize::{snippet, trimmed};
use crate::store::Lock;
use crate::timestamps::{self, claims};
use crate::token::{Token, TokenSource};

const NAME: &str = "databricks-cli";
const VERSION_LIMIT: Duration = Duration::from_secs(5);
const TOKEN_LIMIT: Duration = Duration::from_secs(30);

/// The first versions that know the option.
const PROFILE_OPTION: Version = Version(0, 207, 1);
const FRESH_OPTION: Version = Version(0, 296, 0);

/// What the CLI prints when there is no login, kept for older programs.
const NO_LOGIN: &str = "databricks OAuth is not";

pub(crate) static PROVIDER: Provider = Provider {
    name: NAME,
    ambient: true,
    honours_group: false,
    inputs: |config| need(config, &[Key::Host]),
    configure: |cx| {
        Box::pin(async {
            if let Some(program) = find(&cx.config)? {
                let arguments = arguments(cx, &program).await;
                let source = Cli { cx: Arc::clone(cx), program, arguments };
                return Ok(Outcome::Ready(Headers::token(cx.cache(NAME, source))));
            }
            match StoredLogin::find(cx, NAME).await? {
                Some(login) => Ok(Outcome::Ready(Headers::token(cx.cache(NAME, Scoped { cx: Arc::clone(cx), login })))),
                None => Outcome::declined(
                    "the Databricks CLI is not found in PATH, and no login is stored; log in with databricks auth login",
                ),
            }
        })
    },
};

/// The program, unless it is the old one of the same name.
fn find(config: &ResolvedConfig) -> Result<Option<PathBuf>, AuthError> {
    let found = match config.text(Key::DatabricksCliPath) {
        Some(path) if path.contains(['/', std::path::MAIN_SEPARATOR]) => {
            let path = PathBuf::from(path);
            if !search::is_program(&path) {
                return Err(not_configured(
                    NAME,
                    format!("databricks_cli_path is {}, which is not a program", path.display()),
                ));
            }
            Some(path)
        }
        Some(name) => search::find(name, config.environment()),
        None => search::find("databricks", config.environment()),
    };
    Ok(found.filter(|path| {
        let legacy = is_legacy(path);
        if legacy {
            tracing::debug!(target: "databricks_auth", "{} is the legacy CLI, which cannot return tokens", path.display());
        }
        !legacy
    }))
}

/// The legacy CLI is a small Python script that imports its package.
fn is_legacy(program: &Path) -> bool {
    let small = std::fs::metadata(program).is_ok_and(|metadata| metadata.len() < 1 << 20);
    small
        && std::fs::read(program)
            .is_ok_and(|text| String::from_utf8_lossy(&text).contains("from databricks_cli.cli import "))
}

/// A version of the CLI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u64, u64, u64);

impl Version {
    /// Parses the output of `databricks version --output json`, or the plain form that older versions print anyway.
    fn parse(output: &str) -> Option<Self> {
        if let Ok(json) = serde_json::from_str::<Value>(output) {
            let is_development = json.get("Version").and_then(Value::as_str).is_some_and(|text| text.contains("-dev"));
            let part = |name: &str| json.get(name).and_then(Value::as_u64);
            let version = Self(part("Major")?, part("Minor")?, part("Patch")?);
            return Some(version).filter(|version| !is_development && *version != Self(0, 0, 0));
        }
        let text = output.trim().strip_prefix("Databricks CLI v")?;
        let mut parts = text.split('.').map(|part| part.parse::<u64>().ok());
        let version = Self(parts.next()??, parts.next()??, parts.next()??);
        Some(version).filter(|version| *version != Self(0, 0, 0))
    }
}

/// The arguments that this version understands.
async fn arguments(cx: &Arc<Context>, program: &Path) -> Vec<String> {
    let request =
        ProcessRequest::new(program, &["version", "--output", "json"], cx.config.program_environment(), VERSION_LIMIT);
    let version = match process::run(&cx.config.platform().runner, request).await {
        Ok(output) if output.success => Version::parse(output.stdout.expose()),
        _ => None,
    };
    let knows = |since| version.is_some_and(|version| version >= since);
    let mut arguments = vec!["auth".to_owned(), "token".to_owned()];
    match cx.config.profile() {
        // A profile for another host would return a token that is not for this one.
        Some(profile) if knows(PROFILE_OPTION) && cx.config.is_host_of_profile() => {
            arguments.extend(["--profile".to_owned(), profile.to_owned()]);
        }
        _ => {
            arguments.extend(["--host".to_owned(), cx.host().map(|host| host.url).unwrap_or_default()]);
            let is_account = cx.host_type().await == HostType::Account;
            if let Some(id) = cx.account_id().await.filter(|_| is_account) {
                arguments.extend(["--account-id".to_owned(), id]);
            }
        }
    }
    if knows(FRESH_OPTION) {
        arguments.push("--force-refresh".to_owned());
    }
    arguments
}

/// Tokens by the program.
#[derive(Debug)]
struct Cli {
    cx: Arc<Context>,
    program: PathBuf,
    arguments: Vec<String>,
}

impl TokenSource for Cli {
    async fn token(&self) -> Result<Token> {
        let token = self.ask().await?;
        check_scopes(&self.cx, &token)?;
        Ok(token)
    }
}

impl Cli {
    async fn ask(&self) -> Result<Token, AuthError> {
        // Two programs must not refresh at the same time.
        let directory = self.cx.config.home().map(|home| home.join(".databricks"));
        let _lock = match directory.filter(|directory| directory.is_dir()) {
            Some(directory) => Some(Lock::beside(&directory.join("token-cache.json")).await),
            None => None,
        };
        let mut output = self.run().await?;
        if !output.success && output.stderr.contains("token cache") {
            output = self.run().await?;
        }
        if !output.success {
            return Err(refusal(&output));
        }
        let body: Value =
            serde_json::from_str(trimmed(output.stdout.expose())).map_err(|_| failed("its output is not JSON"))?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(trimmed).filter(|text| !text.is_empty());
        let value = text("access_token").ok_or_else(|| failed("its output has no access_token"))?;
        let now = self.cx.now();
        // UTC where it has no zone. An expiry that is not stated may be in the token itself.
        let stated = text("expiry")
            .filter(|expiry| !expiry.starts_with("0001-01-01"))
            .and_then(|expiry| timestamps::utc(expiry, now));
        let stated = stated.or_else(|| body.get("expiry").and_then(|expiry| timestamps::any(expiry, Some("UTC"), now)));
        let left = stated.or_else(|| timestamps::of_jwt(value, now)).unwrap_or(UNSTATED_LIFE);
        Ok(Token::new(value).token_type(text("token_type").unwrap_or_default()).expires_in(left))
    }

    async fn run(&self) -> Result<ProcessOutput, AuthError> {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let request = ProcessRequest::new(&self.program, &arguments, self.cx.config.program_environment(), TOKEN_LIMIT);
        process::run(&self.cx.config.platform().runner, request)
            .await
            .map_err(|error| failed(&format!("cannot be run: {error}")))
    }
}

fn failed(why: &str) -> AuthError {
    AuthError::failed(NAME, format!("databricks auth token: {why}"))
}

/// The error that the program printed instead of a token.
fn refusal(output: &ProcessOutput) -> AuthError {
    let said = snippet(&output.stderr);
    if output.stderr.contains(NO_LOGIN) {
        return not_configured(NAME, said);
    }
    let is_invalid = [output.stdout.expose(), &output.stderr].iter().any(|text| text.contains("INVALID_REFRESH_TOKEN"));
    let error = failed(&said);
    if is_invalid { error.with_hint("log in again: databricks auth login") } else { error }
}

/// Stored logins with the check of scopes.
#[derive(Debug)]
struct Scoped {
    cx: Arc<Context>,
    login: StoredLogin,
}

impl TokenSource for Scoped {
    async fn token(&self) -> Result<Token> {
        let token = self.login.token().await?;
        check_scopes(&self.cx, &token)?;
        Ok(token)
    }
}

/// Refuses a token with other scopes than the requested ones. Tokens that do not state their scopes pass.
fn check_scopes(cx: &Context, token: &Token) -> Result<(), AuthError> {
    if !cx.config.is_set(Key::Scopes) {
        return Ok(());
    }
    let Some(claim) = claims(token.value.expose()).and_then(|claims| claims.get("scope").cloned()) else {
        return Ok(());
    };
    let mut have: Vec<String> = match &claim {
        Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => return Ok(()),
    };
    have.retain(|scope| scope != "offline_access");
    have.sort();
    have.dedup();
    let mut want = cx.config.scopes();
    want.retain(|scope| scope != "offline_access");
    if have == want {
        return Ok(());
    }
    let text =
        format!("the login has the scopes {:?}, and the configuration requests {:?}", have.join(" "), want.join(" "));
    Err(AuthError::failed(NAME, text).with_hint("log in again with these scopes: databricks auth login"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (output, version) in [
            (r#"{"Version":"0.300.1","Major":0,"Minor":300,"Patch":1}"#, Some(Version(0, 300, 1))),
            ("Databricks CLI v0.205.2\n", Some(Version(0, 205, 2))),
            (r#"{"Version":"0.0.0-dev+1","Major":0,"Minor":0,"Patch":0}"#, None),
            (r#"{"Version":"0.299.0-dev","Major":0,"Minor":299,"Patch":0}"#, None),
            ("Databricks CLI v0.0.0-dev", None),
            ("Version 0.18.0", None),
        ] {
            assert_eq!(Version::parse(output), version, "{output}");
        }
        assert!(Version(0, 207, 0) < PROFILE_OPTION && Version(1, 0, 0) > FRESH_OPTION);
    }
}
