//! A service that responds by a script, with a clock that jumps instead of waiting.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use databricks_sdk::{Body, Config, Error, ErrorKind, HttpService, WorkspaceClient};
use databricks_tests::JumpClock;
use serde_json::Value;

/// One response, or none.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Json(u16, Value),
    /// A body that is not what it should be.
    Text(u16, &'static str),
    /// The connection breaks.
    Lost,
}

#[derive(Debug)]
struct Route {
    method: &'static str,
    path: &'static str,
    replies: VecDeque<Reply>,
}

/// The service. Its last reply on a route is repeated for ever.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    routes: Arc<Mutex<Vec<Route>>>,
    seen: Arc<Mutex<Vec<String>>>,
    pub(crate) clock: JumpClock,
}

impl Default for Script {
    fn default() -> Self {
        Self { routes: Arc::default(), seen: Arc::default(), clock: JumpClock::still() }
    }
}

impl Script {
    pub(crate) fn on(self, method: &'static str, path: &'static str, replies: impl IntoIterator<Item = Reply>) -> Self {
        self.routes.lock().unwrap().push(Route { method, path, replies: replies.into_iter().collect() });
        self
    }

    /// How many requests were made with this method and a path that ends so.
    pub(crate) fn count(&self, method: &str, path: &str) -> usize {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .filter(|line| {
                line.starts_with(method) && line.split(['?', ' ']).nth(1).is_some_and(|it| it.ends_with(path))
            })
            .count()
    }

    /// The requests with this method and path, with query and body.
    pub(crate) fn requests(&self, method: &str, path: &str) -> Vec<String> {
        self.seen.lock().unwrap().iter().filter(|line| line.starts_with(&format!("{method} {path}"))).cloned().collect()
    }

    pub(crate) fn config(&self) -> Config {
        Config::hermetic().host("https://ws.example.com").token("tok").clock(self.clock.clone())
    }

    pub(crate) fn client(&self) -> WorkspaceClient {
        WorkspaceClient::builder().config(self.config()).connection(self.service()).build().unwrap()
    }

    pub(crate) fn service(&self) -> HttpService {
        let script = self.clone();
        HttpService::new(tower::service_fn(move |request: http::Request<Body>| {
            let response = script.response(&request);
            async move { response }
        }))
    }

    fn response(&self, request: &http::Request<Body>) -> Result<http::Response<Body>, Error> {
        let body =
            request.body().as_bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
        let target = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        self.seen.lock().unwrap().push(format!("{} {target} {body}", request.method()));
        let mut routes = self.routes.lock().unwrap();
        let route = routes.iter_mut().find(|route| {
            request.method() == route.method && (request.uri().path() == route.path || target == route.path)
        });
        let reply = match route {
            Some(route) if route.replies.len() > 1 => route.replies.pop_front().unwrap(),
            Some(route) => route.replies.front().cloned().unwrap(),
            None => Reply::Json(404, serde_json::json!({"error_code": "ENDPOINT_NOT_FOUND", "message": target})),
        };
        let (status, text) = match reply {
            Reply::Json(status, value) => (status, value.to_string()),
            Reply::Text(status, text) => (status, text.to_owned()),
            Reply::Lost => return Err(Error::new(ErrorKind::ConnectionLost, "the connection broke")),
        };
        let response = http::Response::builder().status(status).header("content-type", "application/json");
        Ok(response.body(Body::from(text)).unwrap())
    }
}
