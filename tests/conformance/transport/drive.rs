//! One case from start to end.

use std::sync::Arc;
use std::time::Duration;

use databricks_auth::Config;
use databricks_core::{AuthHeaders, Credentials, Error, Result, Secret};
use databricks_transport::Environment;
use serde_json::Value;
use tokio::net::TcpListener;

use super::script::Script;
use super::{api_op, codec, helper_op, http_op, lro_op, outcome, raw_op, server, text};
use crate::report::Outcome;
use databricks_tests::{JumpClock, Log};

/// What an operation came to: a value to compare, or the client's error.
pub(crate) type Came = std::result::Result<Value, Error>;

/// What a driver needs to know about the case and its server.
pub(crate) struct Case<'a> {
    pub(crate) request: &'a Value,
    pub(crate) config: &'a Value,
    pub(crate) base: &'a str,
    pub(crate) clock: JumpClock,
}

/// Runs a case on a runtime and a server of its own.
pub(crate) fn run_case(case: &Value) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let log = Log::default();
    let guard = log.catch();
    let limit = Duration::from_secs(30);
    let outcome = runtime.block_on(async { tokio::time::timeout(limit, run(case, &log)).await });
    drop(guard);
    outcome.unwrap_or_else(|_| Outcome::Failed(format!("not over after {limit:?}")))
}

async fn run(case: &Value, log: &Log) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let base = format!("http://127.0.0.1:{port}");
    let case = placeholders(case, port);
    let script = Arc::new(Script::new(&case));
    let serving = tokio::spawn(server::serve(listener, Arc::clone(&script)));
    let clock = JumpClock::new();
    let request = &case["request"];
    let driven = Case { request, config: &request["config"], base: &base, clock: clock.clone() };
    let came = match text(request, "op") {
        "http" => Some(http_op::run(&driven).await),
        "burst" => Some(http_op::burst(&driven).await),
        "raw" => Some(raw_op::run(&driven).await),
        "codec" => Some(codec::run(request)),
        "api" => api_op::api(&driven).await,
        "list" => api_op::list(&driven).await,
        "wait" => api_op::wait(&driven).await,
        "lro" => Some(lro_op::run(&driven).await),
        "helper" => helper_op::run(&driven, &case["expect"]["result"]).await,
        _ => None,
    };
    let Some(came) = came else { return Outcome::NotBuilt };
    serving.abort();
    outcome::judge(&case["expect"], came, &script, &clock, &log.text())
}

/// The case with every placeholder replaced.
fn placeholders(case: &Value, port: u16) -> Value {
    match case {
        Value::String(text) if text.contains("${") => Value::from(replace(text, port)),
        Value::Array(items) => items.iter().map(|item| placeholders(item, port)).collect(),
        Value::Object(members) => {
            members.iter().map(|(key, member)| (replace(key, port), placeholders(member, port))).collect()
        }
        other => other.clone(),
    }
}

fn replace(text: &str, port: u16) -> String {
    let mut done = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${")
        && let Some((name, after)) = after.split_once('}')
    {
        done.push_str(before);
        let seconds = |prefix: &str| name.strip_prefix(prefix)?.strip_suffix('s')?.parse::<i64>().ok();
        match name {
            "BASE" => done += &format!("http://127.0.0.1:{port}"),
            "BASE_OTHER_NAME" => done += &format!("http://localhost:{port}"),
            "PROXY_WITH_USER" => done += &format!("http://u:p@127.0.0.1:{port}"),
            _ => {
                let now = jiff::Timestamp::now();
                if let Some(n) = seconds("TIME").or_else(|| seconds("TIME+")) {
                    done += &(now + Duration::from_secs(n.unsigned_abs())).to_string();
                } else if let Some(n) = seconds("HTTP_DATE").or_else(|| seconds("HTTP_DATE+")) {
                    let at = now + Duration::from_secs(n.unsigned_abs());
                    done += &at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
                } else {
                    done += &format!("${{{name}}}");
                }
            }
        }
        rest = after;
    }
    done + rest
}

impl Case<'_> {
    /// The configuration of the case: its own settings, its own environment, no profile file.
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new()
            .environment(self.environment())
            .home("/nonexistent")
            .clock(self.clock.clone())
            .allow_insecure_host(true);
        config = config.set("host", self.config["host"].as_str().unwrap_or(self.base));
        for name in [
            "auth_type",
            "account_id",
            "workspace_id",
            "cluster_id",
            "http_timeout_seconds",
            "retry_timeout_seconds",
            "rate_limit",
            "debug_headers",
            "debug_truncate_bytes",
        ] {
            match self.config.get(name) {
                Some(Value::String(value)) => config = config.set(name, value),
                Some(value) if !value.is_f64() => config = config.set(name, value.to_string()),
                _ => {}
            }
        }
        match self.config["token_sequence"].as_array() {
            Some(tokens) => config.credentials(Sequence::new(tokens)),
            None => config.set("token", self.config["token"].as_str().unwrap_or("tok")),
        }
    }

    pub(crate) fn environment(&self) -> Environment {
        let variables = self.config["env"].as_object().cloned().unwrap_or_default();
        variables.into_iter().map(|(name, value)| (name, value.as_str().unwrap_or_default().to_owned())).collect()
    }
}

/// Hands out the next token at each call, the last one for ever.
#[derive(Debug)]
struct Sequence(std::sync::Mutex<Vec<Secret>>);

impl Sequence {
    fn new(tokens: &[Value]) -> Self {
        Self(std::sync::Mutex::new(tokens.iter().rev().filter_map(Value::as_str).map(Secret::from).collect()))
    }
}

impl Credentials for Sequence {
    fn auth_type(&self) -> &str {
        "pat"
    }

    async fn headers(&self) -> Result<AuthHeaders> {
        let token = {
            let mut left = self.0.lock().unwrap();
            if left.len() > 1 { left.pop() } else { left.last().cloned() }
        };
        AuthHeaders::bearer(&token.unwrap_or_default())
    }
}
