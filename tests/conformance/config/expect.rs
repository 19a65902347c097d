//! Comparing with what a case expects.

use databricks_auth::{Endpoint, HostType, ResolvedConfig};
use databricks_core::{AuthHeaders, Error};
use serde_json::Value;

use super::machine::Machine;
use super::{failure, text};

/// What a case came to.
pub(crate) struct Came {
    pub(crate) config: ResolvedConfig,
    pub(crate) endpoint: Endpoint,
    pub(crate) auth_type: String,
    /// One set per authentication.
    pub(crate) headers: Vec<AuthHeaders>,
    /// Every rendering of the configuration.
    pub(crate) rendered: String,
}

/// Compares a success.
pub(crate) fn success(expect: &Value, came: &Came, parallel: bool) -> Result<(), String> {
    for (name, wanted) in expect.as_object().into_iter().flatten() {
        let have = match name.as_str() {
            "auth_type" => Value::from(came.auth_type.as_str()),
            "host" => came.config.host().into(),
            "account_id" => came.endpoint.account_id.clone().into(),
            "workspace_id" => came.endpoint.workspace_id.clone().into(),
            "profile" | "discovery_url" | "token_audience" | "azure_tenant_id" => came.config.get(name).into(),
            "cloud" => came.endpoint.cloud.as_str().into(),
            "is_account" => (came.endpoint.host_type == HostType::Account).into(),
            "host_type" => came.endpoint.host_type.as_str().into(),
            "scopes" => came.config.scopes().into(),
            "attributes" => {
                attributes(&came.config, wanted)?;
                continue;
            }
            "headers" => {
                let sets = if parallel {
                    &came.headers[..]
                } else {
                    came.headers.last().map_or(&[][..], std::slice::from_ref)
                };
                if sets.is_empty() {
                    return Err("no authentication took place".to_owned());
                }
                for set in sets {
                    headers(wanted, set)?;
                }
                continue;
            }
            "headers_sequence" => {
                let wanted = wanted.as_array().cloned().unwrap_or_default();
                if wanted.len() != came.headers.len() {
                    return Err(format!("{} authentications, wanted are {}", came.headers.len(), wanted.len()));
                }
                for (number, (wanted, have)) in wanted.iter().zip(&came.headers).enumerate() {
                    headers(wanted, have).map_err(|why| format!("authentication {}: {why}", number + 1))?;
                }
                continue;
            }
            "absent_headers" => {
                for name in wanted.as_array().into_iter().flatten().filter_map(Value::as_str) {
                    if came.headers.iter().any(|set| set.headers.contains_key(name)) {
                        return Err(format!("the header {name} should not be there"));
                    }
                }
                continue;
            }
            "debug_excludes" => {
                excludes("a rendering or the log", wanted, &came.rendered)?;
                continue;
            }
            // Compared by `aftermath`.
            "exec" | "files" | "keyring" => continue,
            other => return Err(format!("the expectation {other} is not known")),
        };
        if have != *wanted {
            return Err(format!("{name} is {have}, wanted is {wanted}"));
        }
    }
    Ok(())
}

fn attributes(config: &ResolvedConfig, wanted: &Value) -> Result<(), String> {
    for (name, wanted) in wanted.as_object().into_iter().flatten() {
        let wanted = match wanted {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            Value::Array(items) => Some(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")),
            other => Some(other.to_string()),
        };
        let have = config.secret(name).map(|secret| secret.expose().to_owned()).or_else(|| config.get(name));
        // A switch that is not set is off.
        if have != wanted && !(have.is_none() && wanted.as_deref() == Some("false")) {
            return Err(format!("{name} is {have:?}, wanted is {wanted:?}"));
        }
    }
    Ok(())
}

fn headers(wanted: &Value, have: &AuthHeaders) -> Result<(), String> {
    for (name, wanted) in wanted.as_object().into_iter().flatten() {
        let value = have.headers.get(name.as_str()).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        if value.as_deref() != wanted.as_str() {
            return Err(format!("the header {name} is {value:?}, wanted is {wanted}"));
        }
    }
    Ok(())
}

fn excludes(place: &str, texts: &Value, shown: &str) -> Result<(), String> {
    match texts.as_array().into_iter().flatten().filter_map(Value::as_str).find(|text| shown.contains(text)) {
        Some(text) => Err(format!("{text:?} is in {place}:\n{shown}")),
        None => Ok(()),
    }
}

/// Compares an error.
pub(crate) fn error(expect: &Value, error: &Error, log: &str) -> Result<(), String> {
    let shown = failure::shown(error);
    let Some(wanted) = expect.get("error_kind").and_then(Value::as_str) else {
        return Err(format!("unexpected error: {shown}"));
    };
    let kind = failure::kind(error);
    if kind != wanted {
        return Err(format!("the error is {kind}, wanted is {wanted}: {shown}"));
    }
    let report = error.report();
    for mention in
        expect.get("error_mentions").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    {
        if !report.to_lowercase().contains(&mention.to_lowercase()) {
            return Err(format!("the error does not mention {mention:?}: {report}"));
        }
    }
    if let Some(texts) = expect.get("error_excludes") {
        excludes("the error", texts, &shown)?;
        excludes("the log", texts, log)?;
    }
    Ok(())
}

/// Compares what is left on the machine.
pub(crate) fn aftermath(expect: &Value, machine: &Machine) -> Result<(), String> {
    let texts = |value: &Value, name: &str| -> Vec<String> {
        value
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    if let Some(exec) = expect.get("exec") {
        let lines = machine.executed();
        if let Some(line) = texts(exec, "contains").iter().find(|line| !lines.contains(line)) {
            return Err(format!("{line:?} was not run, but {lines:?}"));
        }
        for word in texts(exec, "excludes_word") {
            if lines.iter().any(|line| line.split_whitespace().any(|have| have == word)) {
                return Err(format!("{word:?} was used: {lines:?}"));
            }
        }
        if exec.get("max_calls").and_then(Value::as_u64).is_some_and(|most| lines.len() as u64 > most) {
            return Err(format!("too many programs were run: {lines:?}"));
        }
    }
    for (name, wanted) in expect.get("files").and_then(Value::as_object).into_iter().flatten() {
        let path = machine.home().join(name);
        let content = std::fs::read_to_string(&path).ok();
        if wanted.get("absent") == Some(&true.into()) {
            if content.is_some() {
                return Err(format!("the file {name} should not be there"));
            }
            continue;
        }
        let content = content.ok_or_else(|| format!("the file {name} is not there"))?;
        if let Some(part) = texts(wanted, "contains").iter().find(|part| !content.contains(part.as_str())) {
            return Err(format!("the file {name} does not hold {part:?}: {content}"));
        }
        #[cfg(unix)]
        if let Some(mode) = wanted.get("mode").and_then(Value::as_str) {
            use std::os::unix::fs::PermissionsExt as _;
            let have = std::fs::metadata(&path).map_err(|error| error.to_string())?.permissions().mode() & 0o777;
            if u32::from_str_radix(mode, 8).ok() != Some(have) {
                return Err(format!("the mode of {name} is {have:o}, wanted is {mode}"));
            }
        }
    }
    for (service, accounts) in expect.get("keyring").and_then(Value::as_object).into_iter().flatten() {
        for (account, wanted) in accounts.as_object().into_iter().flatten() {
            let secret = machine
                .keys
                .secret(service, account)
                .ok_or_else(|| format!("the key store has no {service}/{account}"))?;
            if let Some(part) = texts(wanted, "contains").iter().find(|part| !secret.contains(part.as_str())) {
                return Err(format!("the entry {service}/{account} does not hold {part:?}"));
            }
        }
    }
    Ok(())
}

/// Whether the case expects an error.
pub(crate) fn is_error(expect: &Value) -> bool {
    !text(expect, "error_kind").is_empty()
}
