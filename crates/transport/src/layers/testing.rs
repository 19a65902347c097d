//! A service that responds by script, for tests of layers without a socket.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use databricks_core::{ApiError, Body, Error, Result};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use tower::Service;

type Reply = Result<Response<Body>>;
type Responder = Arc<dyn Fn(usize) -> Reply + Send + Sync>;

/// A request as it arrived.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// What arrived so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls(Arc<Mutex<Vec<Seen>>>);

impl Calls {
    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[derive(Clone)]
pub(crate) struct Script {
    responder: Responder,
    delay: Duration,
    calls: Calls,
}

impl Script {
    /// Responds in this order; more requests than responses fail the test.
    pub(crate) fn new(replies: Vec<Reply>) -> (Self, Calls) {
        let replies = Mutex::new(VecDeque::from(replies));
        Self::forever(move |_| replies.lock().unwrap().pop_front().expect("more requests than scripted responses"))
    }

    /// Responds by a function of how many requests came before.
    pub(crate) fn forever(responder: impl Fn(usize) -> Reply + Send + Sync + 'static) -> (Self, Calls) {
        let calls = Calls::default();
        (Self { responder: Arc::new(responder), delay: Duration::ZERO, calls: calls.clone() }, calls)
    }

    /// Takes this long to respond.
    pub(crate) fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

impl Service<Request<Body>> for Script {
    type Response = Response<Body>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Reply> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = crate::read_body(body, 64 << 20).await?.to_vec();
            let before = this.calls.count();
            this.calls.0.lock().unwrap().push(Seen { method: parts.method, headers: parts.headers, body });
            tokio::time::sleep(this.delay).await;
            (this.responder)(before)
        })
    }
}

pub(crate) fn get() -> Request<Body> {
    Request::get("https://h.example/api/2.0/x").body(Body::empty()).unwrap()
}

pub(crate) fn post(body: impl Into<Body>) -> Request<Body> {
    Request::post("https://h.example/api/2.0/x").body(body.into()).unwrap()
}

pub(crate) fn ok() -> Reply {
    Ok(Response::new(Body::from("{}")))
}

/// A response of the service that the layers below have turned into an error.
pub(crate) fn refused(status: u16) -> Reply {
    Err(Error::from_api(ApiError::new(StatusCode::from_u16(status).unwrap(), None, "no")))
}

pub(crate) fn refused_for(status: u16, retry_after: &str) -> Reply {
    let mut headers = HeaderMap::new();
    headers.insert(http::header::RETRY_AFTER, retry_after.parse().unwrap());
    Err(Error::from_api(ApiError::read(StatusCode::from_u16(status).unwrap(), &headers, b"", &Method::GET, "/")))
}
