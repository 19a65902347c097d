//! `azure-cli`: the user or principal that is logged in with `az`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use databricks_core::Result;
use serde_json::Value;

use super::azure::{Identity, Management};
use super::provider::{Outcome, Provider, need};
use crate::config::ResolvedConfig;
use crate::config::attributes::Key;
use crate::context::Context;
use crate::error::AuthError;
use crate::oauth::UNSTATED_LIFE;
use crate::process::{self, ProcessRequest, search};
use crate::sanitize::{snippet, trimmed};
use crate::timestamps;
use crate::token::{BoxFuture, Token};

pub(crate) const NAME: &str = "azure-cli";

/// The timeout of `az`, which is slow to start and uses the network.
const LIMIT: Duration = Duration::from_secs(30);

pub(crate) static PROVIDER: Provider = Provider {
    name: NAME,
    ambient: true,
    honours_group: false,
    inputs,
    configure: |cx| {
        Box::pin(async {
            match identity(cx, NAME).await? {
                Ok(session) => {
                    let management = if session.is_principal { Management::Optional } else { Management::None };
                    let headers = cx.azure_headers(NAME, &Arc::new(session), management).at_once();
                    // Without a management token, the resource id still names the workspace.
                    Ok(Outcome::Ready(if management == Management::None {
                        cx.with_resource_id(headers)
                    } else {
                        headers
                    }))
                }
                Err(reason) => Outcome::declined(reason),
            }
        })
    },
};

pub(crate) fn inputs(config: &ResolvedConfig) -> Result<(), String> {
    if config.is_set(Key::AzureWorkspaceResourceId) { Ok(()) } else { need(config, &[Key::Host]) }
}

/// The session of `az`, and the host found; the inner error is the reason why it does not apply.
pub(crate) async fn identity(cx: &Arc<Context>, provider: &'static str) -> Result<Result<Session, String>, AuthError> {
    if let Err(reason) = cx.require_azure().await {
        return Ok(Err(reason));
    }
    let Some(program) = search::find("az", cx.config.environment()) else {
        return Ok(Err("the program az is not found in PATH; install the Azure CLI and run az login".to_owned()));
    };
    let mut session = Session { cx: Arc::clone(cx), provider, program, is_principal: false, is_managed: false };
    let account = session.run(&["account", "show", "--output", "json"]).await?;
    let user =
        |name: &str| account.get("user").and_then(|user| user.get(name)).and_then(Value::as_str).unwrap_or_default();
    session.is_principal = user("type") == "servicePrincipal";
    session.is_managed =
        session.is_principal && matches!(user("name"), "systemAssignedIdentity" | "userAssignedIdentity");
    cx.require_azure_host(provider, &session).await?;
    cx.find_tenant(provider).await;
    Ok(Ok(session))
}

/// The account that is logged in.
#[derive(Debug)]
pub(crate) struct Session {
    cx: Arc<Context>,
    provider: &'static str,
    program: PathBuf,
    pub(crate) is_principal: bool,
    /// A managed identity, which refuses to be given a tenant.
    is_managed: bool,
}

impl Session {
    /// Runs `az` and reads its JSON.
    async fn run(&self, arguments: &[&str]) -> Result<Value, AuthError> {
        let request = ProcessRequest::new(&self.program, arguments, self.cx.config.program_environment(), LIMIT);
        let failed = |why: String| {
            AuthError::failed(self.provider, format!("az {}: {why}", arguments[..2.min(arguments.len())].join(" ")))
        };
        let output = process::run(&self.cx.config.platform().runner, request).await;
        let output = output.map_err(|error| failed(format!("cannot be run: {error}")))?;
        if !output.success {
            return Err(failed(snippet(&output.stderr)));
        }
        serde_json::from_str(trimmed(output.stdout.expose())).map_err(|_| failed("its output is not JSON".to_owned()))
    }

    async fn ask(&self, resource: &str) -> Result<Value, AuthError> {
        let base = ["account", "get-access-token", "--resource", resource, "--output", "json"];
        let with = |more: [&'static str; 1], value: String| {
            let mut arguments: Vec<String> = base.iter().map(|&argument| argument.to_owned()).collect();
            arguments.extend(more.map(str::to_owned));
            arguments.push(value);
            arguments
        };
        // az refuses both at once; a known tenant is more specific.
        let (arguments, may_go_without) = match (self.cx.tenant().filter(|_| !self.is_managed), self.subscription()) {
            (Some(tenant), _) => (with(["--tenant"], tenant), self.is_principal),
            (None, Some(subscription)) => (with(["--subscription"], subscription), true),
            (None, None) => return self.run(&base).await,
        };
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match self.run(&arguments).await {
            Err(_) if may_go_without => self.run(&base).await,
            outcome => outcome,
        }
    }

    /// The subscription in the resource id, its third part.
    fn subscription(&self) -> Option<String> {
        let id = self.cx.config.text(Key::AzureWorkspaceResourceId)?;
        let mut parts = id.trim_start_matches('/').split('/');
        let is_subscription = parts.next().is_some_and(|word| word.eq_ignore_ascii_case("subscriptions"));
        parts.next().filter(|id| is_subscription && !id.is_empty() && !id.starts_with('-')).map(str::to_owned)
    }
}

impl Identity for Session {
    fn token<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<Token, AuthError>> {
        Box::pin(async move {
            let response = self.ask(resource).await?;
            let zone = self.cx.config.environment().get("TZ");
            read(&response, self.cx.now(), zone).map_err(|why| AuthError::failed(self.provider, why))
        })
    }
}

/// Reads the output of `az account get-access-token`. Its versions state the expiry in many ways, and for some
/// identities not at all: then the token itself may state it, else it counts as short-lived.
fn read(response: &Value, now: SystemTime, zone: Option<&str>) -> Result<Token, String> {
    let text = |name: &str| response.get(name).and_then(Value::as_str).map(trimmed).filter(|text| !text.is_empty());
    let value = text("accessToken").ok_or("the output of az has no accessToken")?;
    let stated = ["expires_on", "expiresOn"].iter().find_map(|name| timestamps::any(response.get(name)?, zone, now));
    let left = stated.or_else(|| timestamps::of_jwt(value, now)).unwrap_or(UNSTATED_LIFE);
    Ok(Token::new(value).token_type(text("tokenType").unwrap_or_default()).expires_in(left))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn output() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let life = |mut response: Value, zone| {
            response["accessToken"] = json!("t\n");
            read(&response, now, Some(zone))
                .map(|token| (token.value.expose().to_owned(), token.expires_in.unwrap().as_secs()))
        };
        let good = |seconds| Ok(("t".to_owned(), seconds));
        assert_eq!(life(json!({"expires_on": 1_700_000_100, "expiresOn": "2000-01-01 00:00:00"}), "UTC"), good(100));
        assert_eq!(life(json!({"expires_on": "1700000100", "expiresOn": null}), "UTC"), good(100));
        assert_eq!(life(json!({"expires_on": null, "expiresOn": "2023-11-14 22:13:40.000000"}), "UTC"), good(20));
        assert_eq!(life(json!({"expires_on": "", "expiresOn": "2023-11-14 22:13:40"}), "UTC"), good(20));
        assert_eq!(life(json!({"expiresOn": "2023-11-14 23:13:40.5"}), "Etc/GMT-1"), good(20));
        assert_eq!(life(json!({"expiresOn": "2023-11-14T22:13:40Z"}), "Etc/GMT-1"), good(20));
        assert_eq!(life(json!({"expiresOn": 1_700_000_020}), "UTC"), good(20));
        assert_eq!(life(json!({"expiresOn": "2023-11-14 22:00:00"}), "UTC"), good(0));
        for unstated in [
            json!({}),
            json!({"expiresOn": null}),
            json!({"expiresOn": ""}),
            json!({"expiresOn": "soon"}),
            json!({"expires_on": 0}),
        ] {
            assert_eq!(life(unstated, "UTC"), good(300));
        }
        // The claims are {"exp":1700000100}.
        let jwt = json!({"accessToken": "h.eyJleHAiOjE3MDAwMDAxMDB9.s", "expiresOn": null});
        assert_eq!(read(&jwt, now, None).unwrap().expires_in, Some(Duration::from_secs(100)));
        assert!(read(&json!({}), now, None).is_err());
    }
}
