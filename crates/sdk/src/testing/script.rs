//! Expected requests, and those that came.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use databricks_auth::Config;
use databricks_core::{Body, Error, ErrorKind, Result};
use databricks_transport::{HttpService, read_body};
use http::{HeaderMap, Method, Request, Response};
use serde::de::DeserializeOwned;
use tower::util::BoxCloneSyncService;

use super::clock::JumpingClock;
use super::reply::Reply;
use crate::WorkspaceClient;
use crate::client::Client;

/// The most bytes of a request's body that are recorded.
const BODY: usize = 64 << 20;

/// A script of requests and replies; clones share it. See the [module](super).
///
/// The first expectation that fits a request and is not used up replies. A request that fits none fails with
/// [`ErrorKind::Other`], and [`verify`](Self::verify) reports it.
#[derive(Clone, Debug, Default)]
pub struct Script {
    inner: Arc<Mutex<Inner>>,
    clock: JumpingClock,
}

#[derive(Debug, Default)]
struct Inner {
    expectations: Vec<Expected>,
    requests: Vec<Recorded>,
    unexpected: Vec<String>,
}

type Predicate = Box<dyn Fn(&Recorded) -> bool + Send + Sync>;

struct Expected {
    method: Method,
    path: String,
    query: Option<String>,
    matches: Option<Predicate>,
    replies: Vec<Reply>,
    used: usize,
    forever: bool,
}

impl fmt::Debug for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({} of {} replies used)", self.method, self.path, self.used, self.replies.len())
    }
}

/// A request that came.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Recorded {
    /// The method.
    pub method: Method,
    /// The host that it was sent to, with a port if the URL had one.
    pub host: String,
    /// The path, escaped as it was sent.
    pub path: String,
    /// The query as it was sent, without the question mark; empty if there was none.
    pub query: String,
    /// The headers, credentials included.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Recorded {
    /// Reads the body as JSON.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] when it is not JSON or does not fit the type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        databricks_core::operation::deserialize(&self.body)
    }
}

impl Script {
    /// An empty script.
    pub fn new() -> Self {
        Self::default()
    }

    /// Expects a request. Without a reply it gets status 200 and an empty JSON object, once.
    ///
    /// * `path`: the path, escaped as it is sent, without the query.
    pub fn expect(&self, method: Method, path: impl Into<String>) -> Expectation {
        let mut inner = self.lock();
        inner.expectations.push(Expected {
            method,
            path: path.into(),
            query: None,
            matches: None,
            replies: Vec::new(),
            used: 0,
            forever: false,
        });
        Expectation { script: self.clone(), index: inner.expectations.len() - 1 }
    }

    /// A workspace client that sends into the script. It knows nothing of this machine's environment and files.
    ///
    /// # Errors
    /// Never for a reason that a test would meet; those of building a client.
    pub fn workspace(&self) -> Result<WorkspaceClient> {
        Ok(WorkspaceClient::from(self.client(Config::hermetic().host("https://workspace.test").token("token"))?))
    }

    /// A client with these settings that sends into the script, its token requests too.
    ///
    /// # Errors
    /// When a setting is wrong.
    pub fn client(&self, config: Config) -> Result<Client> {
        Client::builder(config.clock(self.clock.clone())).connection(self.service()).build()
    }

    /// The script as a service, for clients that are built in another way.
    pub fn service(&self) -> HttpService {
        let script = self.clone();
        BoxCloneSyncService::new(tower::service_fn(move |request| script.clone().respond(request)))
    }

    /// The clock of its clients: waits jump ahead.
    pub fn clock(&self) -> &JumpingClock {
        &self.clock
    }

    /// How long clients have waited, on that clock.
    pub fn slept(&self) -> Duration {
        self.clock.slept()
    }

    /// The requests that came, in order. Those for metadata of the host get a 404 and are left out, unless they
    /// are expected.
    pub fn requests(&self) -> Vec<Recorded> {
        self.lock().requests.clone()
    }

    /// Checks that all that was expected came, and nothing else.
    ///
    /// # Errors
    /// [`ErrorKind::Other`], naming what came without being expected, or else what did not come.
    pub fn verify(&self) -> Result<()> {
        let inner = self.lock();
        let missing = inner.expectations.iter().filter(|it| it.used < it.wanted() && !(it.forever && it.used > 0));
        let missing: Vec<_> = missing.map(|it| format!("{} {}", it.method, it.path)).collect();
        if !inner.unexpected.is_empty() {
            return Err(Error::new(ErrorKind::Other, format!("not expected: {}", inner.unexpected.join(", "))));
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Other, format!("expected, and never sent: {}", missing.join(", "))))
    }

    async fn respond(self, request: Request<Body>) -> Result<Response<Body>> {
        let (parts, body) = request.into_parts();
        let body = read_body(body, BODY).await?;
        let recorded = Recorded {
            method: parts.method,
            host: parts.uri.authority().map(|authority| authority.as_str().to_owned()).unwrap_or_default(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers,
            body,
        };
        let mut inner = self.lock();
        let found = inner.expectations.iter_mut().find(|expected| expected.fits(&recorded));
        let reply = found.map(Expected::next);
        match reply {
            Some(reply) => {
                inner.requests.push(recorded);
                drop(inner);
                reply.response()
            }
            None if recorded.path == METADATA => Reply::status(404).response(),
            None => {
                let line = format!("{} {}", recorded.method, recorded.path);
                let message = format!("the script does not expect {line}");
                inner.unexpected.push(line);
                inner.requests.push(recorded);
                Err(Error::new(ErrorKind::Other, message).with_permanent())
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where hosts state what they are; clients ask for it on their own.
const METADATA: &str = "/.well-known/databricks-config";

impl Expected {
    fn wanted(&self) -> usize {
        self.replies.len().max(1)
    }

    fn fits(&self, request: &Recorded) -> bool {
        (self.forever || self.used < self.wanted())
            && self.method == request.method
            && self.path == request.path
            && self.query.as_ref().is_none_or(|query| *query == request.query)
            && self.matches.as_ref().is_none_or(|matches| matches(request))
    }

    fn next(&mut self) -> Reply {
        let reply = self.replies.get(self.used).or(self.replies.last()).cloned();
        self.used += 1;
        reply.unwrap_or_else(|| Reply::json(&serde_json::json!({})))
    }
}

/// A request that is expected; made by [`Script::expect`].
#[derive(Debug)]
pub struct Expectation {
    script: Script,
    index: usize,
}

impl Expectation {
    fn change(self, change: impl FnOnce(&mut Expected)) -> Self {
        if let Some(expected) = self.script.lock().expectations.get_mut(self.index) {
            change(expected);
        }
        self
    }

    /// Sets the query that the request must have, as it is sent. Default: any.
    pub fn query(self, query: impl Into<String>) -> Self {
        self.change(|expected| expected.query = Some(query.into()))
    }

    /// Sets what else must hold for the request. Default: nothing.
    pub fn matching(self, matches: impl Fn(&Recorded) -> bool + Send + Sync + 'static) -> Self {
        self.change(|expected| expected.matches = Some(Box::new(matches)))
    }

    /// Adds a reply: the first such request gets the first, the next one the second.
    pub fn reply(self, reply: Reply) -> Self {
        self.change(|expected| expected.replies.push(reply))
    }

    /// Gives all further such requests the last reply.
    pub fn forever(self) -> Self {
        self.change(|expected| expected.forever = true)
    }

    /// How many such requests came.
    pub fn hits(&self) -> usize {
        self.script.lock().expectations.get(self.index).map_or(0, |expected| expected.used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_not_expected_fails_and_is_reported() {
        let script = Script::new();
        let expected = script.expect(Method::GET, "/api/2.0/a").query("x=1").reply(Reply::bytes("one"));
        let w = script.workspace().unwrap();
        let get = |url: &str| w.raw(Method::GET, url).max_retries(3);
        assert!(script.verify().unwrap_err().to_string().contains("never sent: GET /api/2.0/a"));
        assert_eq!(get("/2.0/a?x=1").text().await.unwrap(), "one");
        script.verify().unwrap();
        let failed = get("/2.0/a?x=1").text().await.unwrap_err();
        assert!(failed.to_string().contains("does not expect GET /api/2.0/a"), "{failed}");
        assert!(script.verify().unwrap_err().to_string().contains("not expected: GET /api/2.0/a"));
        assert_eq!((expected.hits(), script.requests().len()), (1, 2));
        assert_eq!(script.requests()[0].headers["authorization"], "Bearer token");
    }

    #[tokio::test]
    async fn failures_are_scripted_too() {
        let script = Script::new();
        let url = "/api/2.0/b";
        let replies = [Reply::refused(), Reply::connection_lost(), Reply::status(429).header("retry-after", "30")];
        let expected = replies.into_iter().fold(script.expect(Method::GET, url), Expectation::reply);
        expected.reply(Reply::json(&serde_json::json!({"done": true}))).forever();
        let w = script.workspace().unwrap();
        let read: serde_json::Value =
            w.raw(Method::GET, url).retry(crate::RetryPolicy::default()).json().await.unwrap();
        assert_eq!(read["done"], true);
        assert!(script.slept() >= Duration::from_secs(30));
        let posted = script.expect(Method::POST, url).matching(|request| request.body == "{\"a\":1}");
        w.raw(Method::POST, url).json_body(&serde_json::json!({"a": 1})).send().await.unwrap();
        assert_eq!(posted.hits(), 1);
        script.verify().unwrap();
    }
}
