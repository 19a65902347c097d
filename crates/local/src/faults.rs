//! Failures on demand, to test how a client copes.
//!
//! A [`Rule`] states which requests it is for and what happens to them; [`Faults::add`] puts it in force. The first
//! rule that matches a request and is not used up decides. `POST /local/faults` does the same for programs in other
//! languages; it takes the token of the workspace and the members `method`, `path`, `skip`, `times`, `status`,
//! `headers`, `body`, `delay_ms`, `cut_after` and `after_handler`.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), databricks_local::StartError> {
//! use databricks_local::{LocalWorkspace, faults::Rule};
//!
//! let workspace = LocalWorkspace::start().await?;
//! // The second and third listing are refused with a `Retry-After` of a second.
//! let busy = workspace.faults().add(
//!     Rule::new("GET", "/api/*/clusters/list").skip(1).times(2).status(429).header("retry-after", "1"),
//! );
//! assert_eq!(busy.hits(), 0);
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use crate::extract::Fields;
use crate::reply::ApiError;

/// Which requests fail, and how.
///
/// Without a failure ([`status`](Self::status), [`delay`](Self::delay), [`drop_connection`](Self::drop_connection),
/// [`cut_after`](Self::cut_after)) a rule only counts.
#[derive(Clone, Debug)]
#[must_use = "a rule is in force once it is added"]
pub struct Rule {
    method: String,
    path: String,
    skip: u64,
    times: u64,
    action: Action,
}

/// What happens to a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Action {
    pub(crate) status: Option<StatusCode>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    pub(crate) delay: Duration,
    pub(crate) cut_after: Option<usize>,
    pub(crate) after_handler: bool,
}

impl Rule {
    /// A rule for requests with that method (`*` for any) and a path that fits the pattern, in which `*` stands for any
    /// run of characters, slashes too.
    pub fn new(method: impl Into<String>, path: impl Into<String>) -> Self {
        Self { method: method.into(), path: path.into(), skip: 0, times: u64::MAX, action: Action::default() }
    }

    /// Lets the first `n` matching requests pass. Default 0.
    pub fn skip(mut self, n: u64) -> Self {
        self.skip = n;
        self
    }

    /// Applies to at most `n` requests, then no more. Default: every one.
    pub fn times(mut self, n: u64) -> Self {
        self.times = n;
        self
    }

    /// Responds with this status; numbers that are no HTTP status count as 500. The body, unless set, is the platform's
    /// JSON error with a code that fits the status.
    pub fn status(mut self, status: u16) -> Self {
        self.action.status = Some(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
        self
    }

    /// Adds a header to the response; one that HTTP does not allow is left out.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            self.action.headers.append(name, value);
        }
        self
    }

    /// Responds with this body, whose type is `application/json` unless a header states otherwise.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.action.body = Some(body.into());
        self
    }

    /// Waits before anything else happens, on Tokio's clock.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.action.delay = delay;
        self
    }

    /// Closes the connection without a response. With HTTP/2 the other requests on it are lost too.
    pub fn drop_connection(self) -> Self {
        self.cut_after(0)
    }

    /// Closes the connection once this many bytes of the response, head included, are out. With HTTP/2 bytes of other
    /// responses on the connection count, and these are lost too.
    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.action.cut_after = Some(bytes);
        self
    }

    /// Lets the handler run first, so that the request has its effect and only the response is lost.
    pub fn after_handler(mut self) -> Self {
        self.action.after_handler = true;
        self
    }

    /// Reads a rule from the body of `POST /local/faults`.
    pub(crate) fn from_fields(fields: &Fields) -> Result<Self, ApiError> {
        let count = |name: &str| -> Result<Option<u64>, ApiError> {
            fields
                .opt_i64(name)?
                .map(|n| {
                    u64::try_from(n).map_err(|_| ApiError::invalid_parameter(format!("'{name}' must not be negative")))
                })
                .transpose()
        };
        let mut rule = Self::new(fields.opt_str("method")?.unwrap_or("*"), fields.str("path")?);
        rule.skip = count("skip")?.unwrap_or(0);
        rule.times = count("times")?.unwrap_or(u64::MAX);
        if let Some(status) = count("status")? {
            rule.action.status = Some(
                u16::try_from(status)
                    .ok()
                    .and_then(|s| StatusCode::from_u16(s).ok())
                    .ok_or_else(|| ApiError::invalid_parameter("'status' is not an HTTP status"))?,
            );
        }
        if let Some(headers) = fields.opt_object("headers")? {
            for name in headers.0.keys() {
                rule = rule.header(name, headers.str(name)?);
            }
        }
        rule.action.body = match fields.0.get("body") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(Bytes::from(text.clone())),
            Some(other) => Some(Bytes::from(other.to_string())),
        };
        rule.action.delay = Duration::from_millis(count("delay_ms")?.unwrap_or(0));
        rule.action.cut_after = count("cut_after")?.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
        rule.action.after_handler = fields.opt_bool("after_handler")?.unwrap_or(false);
        Ok(rule)
    }

    fn matches(&self, method: &Method, path: &str) -> bool {
        (self.method == "*" || self.method.eq_ignore_ascii_case(method.as_str())) && fits(&self.path, path)
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for any run of characters.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    true
}

/// The rules in force.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Vec<Entry>>>);

struct Entry {
    rule: Rule,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    id: u64,
    seen: AtomicU64,
    hits: AtomicU64,
}

impl Faults {
    /// Puts a rule in force, behind those that are already there.
    pub fn add(&self, rule: Rule) -> Fault {
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counters = Arc::new(Counters { id: rules.last().map_or(1, |e| e.counters.id + 1), ..Counters::default() });
        rules.push(Entry { rule, counters: Arc::clone(&counters) });
        Fault { counters }
    }

    /// Takes all rules back.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What is to happen to this request, if anything.
    pub(crate) fn decide(&self, method: &Method, path: &str) -> Option<Action> {
        let rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for Entry { rule, counters } in rules.iter() {
            if !rule.matches(method, path) {
                continue;
            }
            let seen = counters.seen.fetch_add(1, Ordering::SeqCst);
            if seen < rule.skip || seen - rule.skip >= rule.times {
                continue;
            }
            counters.hits.fetch_add(1, Ordering::SeqCst);
            return Some(rule.action.clone());
        }
        None
    }

    /// The rules and their counters as JSON.
    pub(crate) fn to_json(&self) -> Value {
        let rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let list: Vec<_> = rules
            .iter()
            .map(|e| {
                json!({
                    "id": e.counters.id,
                    "method": e.rule.method,
                    "path": e.rule.path,
                    "seen": e.counters.seen.load(Ordering::SeqCst),
                    "hits": e.counters.hits.load(Ordering::SeqCst),
                })
            })
            .collect();
        json!({"faults": list})
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_list().entries(rules.iter().map(|e| &e.rule)).finish()
    }
}

/// The counters of a rule in force. They go on working after [`Faults::clear`].
#[derive(Clone, Debug)]
pub struct Fault {
    counters: Arc<Counters>,
}

impl Fault {
    /// The number of the rule, as `GET /local/faults` gives it.
    pub fn id(&self) -> u64 {
        self.counters.id
    }

    /// How many requests matched method and path, failed or not.
    pub fn seen(&self) -> u64 {
        self.counters.seen.load(Ordering::SeqCst)
    }

    /// How many requests it was applied to.
    pub fn hits(&self) -> u64 {
        self.counters.hits.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_paths() {
        assert!(fits("/api/*/clusters/list", "/api/2.1/clusters/list"));
        assert!(fits("*", "/x"));
        assert!(fits("/a*", "/a/b/c"));
        assert!(fits("/a*b*c", "/a/b/b/c"));
        assert!(!fits("/a", "/ab"));
        assert!(!fits("/a*b", "/a/c"));
        assert!(!fits("/a*b*c", "/a/c"));
    }

    #[test]
    fn rules_apply_in_their_window() {
        let faults = Faults::default();
        let fault = faults.add(Rule::new("get", "/x").skip(1).times(2).status(503));
        let decided: Vec<_> = (0..5).map(|_| faults.decide(&Method::GET, "/x").is_some()).collect();
        assert_eq!(decided, [false, true, true, false, false]);
        assert_eq!((fault.seen(), fault.hits()), (5, 2));
        assert!(faults.decide(&Method::POST, "/x").is_none());
    }

    #[test]
    fn a_used_up_rule_leaves_the_request_to_the_next() {
        let faults = Faults::default();
        faults.add(Rule::new("*", "/x").times(1).status(429));
        faults.add(Rule::new("*", "/x").status(503));
        let status = || faults.decide(&Method::GET, "/x").unwrap().status.unwrap();
        assert_eq!(status(), 429);
        assert_eq!(status(), 503);
    }
}
