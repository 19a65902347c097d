//! The scripted network: responds to every request of the code under test, whatever its host.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use databricks_core::{Body, Error, ErrorKind};
use databricks_transport::{HttpService, read_body};
use http::{Request, Response};
use serde_json::Value;

use super::matcher::{check, check_all, contains_json};
use super::text;

/// The exchanges of a case, and what happened to them.
#[derive(Clone)]
pub(crate) struct Network(Arc<Mutex<State>>);

struct State {
    exchanges: Vec<(Value, u64)>,
    unexpected: Vec<String>,
    in_flight: usize,
    challenge: Option<String>,
}

/// A request in a form that is easy to compare.
struct Seen {
    method: String,
    url: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Network {
    pub(crate) fn new(exchanges: Option<&Value>) -> Self {
        let exchanges =
            exchanges.and_then(Value::as_array).into_iter().flatten().map(|exchange| (exchange.clone(), 0)).collect();
        Self(Arc::new(Mutex::new(State { exchanges, unexpected: Vec::new(), in_flight: 0, challenge: None })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Notes the code challenge that the browser saw.
    pub(crate) fn saw_challenge(&self, challenge: String) {
        self.state().challenge = Some(challenge);
    }

    /// Notes something that fails the case.
    pub(crate) fn unexpected(&self, what: String) {
        self.state().unexpected.push(what);
    }

    /// The service in place of connections.
    pub(crate) fn service(&self) -> HttpService {
        let network = self.clone();
        HttpService::new(tower::service_fn(move |request| network.clone().response(request)))
    }

    async fn response(self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let (parts, body) = request.into_parts();
        let seen = Seen {
            method: parts.method.to_string(),
            url: format!(
                "{}://{}{}",
                parts.uri.scheme_str().unwrap_or_default(),
                parts.uri.authority().map_or("", |a| a.as_str()),
                parts.uri.path()
            ),
            query: form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect(),
            headers: parts
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
                .collect(),
            body: read_body(body, 1 << 20).await?.to_vec(),
        };
        let response = self.choose(&seen)?;
        self.state().in_flight += 1;
        if let Some(delay) = response.get("delay_s").and_then(Value::as_f64) {
            tokio::time::sleep(Duration::from_secs_f64(delay)).await;
        }
        self.state().in_flight -= 1;
        Ok(build(&response))
    }

    /// The response of the first exchange that fits and is not used up.
    fn choose(&self, seen: &Seen) -> Result<Value, Error> {
        let mut state = self.state();
        let challenge = state.challenge.clone();
        let mut reasons = Vec::new();
        for (exchange, used) in &mut state.exchanges {
            match fits(&exchange["request"], seen, challenge.as_deref()) {
                Ok(()) => {
                    let most = exchange.pointer("/times/max").and_then(Value::as_u64).unwrap_or(u64::MAX);
                    if *used < most {
                        *used += 1;
                        return Ok(exchange["response"].clone());
                    }
                    reasons.push(format!("{}: used up ({most})", text(exchange, "id")));
                }
                Err(why) => reasons.push(format!("{}: {why}", text(exchange, "id"))),
            }
        }
        if seen.url.ends_with("/.well-known/databricks-config") && seen.method == "GET" {
            return Ok(serde_json::json!({ "status": 404, "json": {} }));
        }
        let Seen { method, url, query, body, .. } = seen;
        let line = format!("unscripted request {method} {url} {query:?} {}", String::from_utf8_lossy(body));
        state.unexpected.push(format!("{line}\n  {}", reasons.join("\n  ")));
        Err(Error::new(ErrorKind::InvalidInput, "the case has no response to this request"))
    }

    /// Whether requests get responses now.
    pub(crate) fn is_busy(&self) -> bool {
        self.state().in_flight > 0
    }

    /// Whether everything that was to happen did, and nothing else.
    pub(crate) fn verify(&self, success: bool) -> Result<(), String> {
        let state = self.state();
        if let Some(first) = state.unexpected.first() {
            return Err(first.clone());
        }
        for (exchange, used) in &state.exchanges {
            let times = |name: &str| exchange.pointer(&format!("/times/{name}")).and_then(Value::as_u64);
            let least = times("min").unwrap_or(if success && times("max") != Some(0) { 1 } else { 0 });
            if *used < least {
                return Err(format!(
                    "the exchange {} was used {used} times, wanted are at least {least}",
                    text(exchange, "id")
                ));
            }
        }
        Ok(())
    }
}

fn fits(wanted: &Value, seen: &Seen, challenge: Option<&str>) -> Result<(), String> {
    if text(wanted, "method") != seen.method || text(wanted, "url") != seen.url {
        return Err("another method or URL".to_owned());
    }
    check_all(wanted.get("query"), &seen.query, challenge)?;
    for (name, wanted) in wanted.get("headers").and_then(Value::as_object).into_iter().flatten() {
        check(name, wanted, seen.headers.get(&name.to_ascii_lowercase()).map(String::as_str), challenge)?;
    }
    if let Some(form) = wanted.get("form") {
        check_all(Some(form), &form_urlencoded::parse(&seen.body).into_owned().collect(), challenge)?;
    }
    if let Some(wanted) = wanted.get("json") {
        let have: Value = serde_json::from_slice(&seen.body).map_err(|_| "the body is not valid JSON".to_owned())?;
        if !contains_json(wanted, &have) {
            return Err(format!("the body is {have}"));
        }
    }
    Ok(())
}

fn build(response: &Value) -> Response<Body> {
    let status = response.get("status").and_then(Value::as_u64).unwrap_or(200) as u16;
    let mut builder = Response::builder().status(status);
    let headers: Vec<_> = response.get("headers").and_then(Value::as_object).into_iter().flatten().collect();
    for (name, value) in &headers {
        builder = builder.header(name.as_str(), value.as_str().unwrap_or_default());
    }
    let body = match response.get("json") {
        Some(json) => {
            if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                builder = builder.header("content-type", "application/json");
            }
            json.to_string()
        }
        None => text(response, "text").to_owned(),
    };
    builder.body(Body::from(body)).unwrap()
}
