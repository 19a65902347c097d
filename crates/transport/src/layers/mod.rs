//! The layers of the stack, each usable by itself.
//!
//! Every layer here is a [`tower::Layer`] for any service from `http::Request<Body>` to `http::Response<Body>` with our
//! [`Error`]. From outside in, [`Client`](crate::Client) puts them together like this:
//!
//! | layer | does |
//! |---|---|
//! | [`SpanLayer`] | a span per call, named after the operation |
//! | [`DeadlineLayer`] | the longest time for a call with all its attempts |
//! | [`RetryLayer`] | sends again what failed and may be sent again |
//! | [`RateLimitLayer`] | at most so many attempts per second |
//! | [`AttemptLayer`] | a span per attempt, `traceparent`, the longest time for an attempt |
//! | [`AuthLayer`] | headers that sign in, fresh for every attempt |
//! | [`HeadersLayer`] | headers of the configuration |
//! | [`UserAgentLayer`] | who is calling |
//! | [`AnswerLayer`] | an error status becomes an [`Error`]; reads the body of a success whole unless it is to be streamed |
//! | [`DebugLogLayer`] | request and answer in the log, redacted |
//! | [`InactivityLayer`] | ends what has fallen silent |
//! | [`RedirectLayer`] | follows redirects, without carrying secrets elsewhere |
//! | [`DecompressLayer`] | asks for compressed answers and unpacks them |
//!
//! A layer by itself costs one allocation per request; inside of [`Client`](crate::Client) all of them together
//! cost three.
//!
//! ```
//! use databricks_core::{Body, Error};
//! use databricks_transport::layers::{AnswerLayer, RetryLayer};
//! use tower::{ServiceBuilder, ServiceExt as _};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
//! let canned = tower::service_fn(|_: http::Request<Body>| async { Ok::<_, Error>(http::Response::new(Body::from("{}"))) });
//! let service = ServiceBuilder::new().layer(RetryLayer::default()).layer(AnswerLayer::default()).service(canned);
//! let answer = service.oneshot(http::Request::get("https://example.com/").body(Body::empty()).unwrap()).await?;
//! assert_eq!(answer.status(), 200);
//! # Ok(()) }
//! ```

mod answer;
mod attempt;
mod auth;
mod deadline;
mod debug_log;
mod decompress;
mod headers;
mod rate_limit;
mod redirect;
mod retry;
mod span;
mod timeout;
mod user_agent;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use databricks_core::{Body, Error, Result, SharedCredentials};
use http::{Request, Response};
use tower::Service;

pub use answer::AnswerLayer;
pub use attempt::AttemptLayer;
pub use auth::AuthLayer;
pub use deadline::DeadlineLayer;
pub use debug_log::DebugLogLayer;
pub use decompress::DecompressLayer;
pub use headers::HeadersLayer;
pub use rate_limit::RateLimitLayer;
pub use redirect::{FinalUri, RedirectLayer};
pub use retry::{CallInfo, RetryLayer};
pub use span::SpanLayer;
pub use timeout::InactivityLayer;
pub use user_agent::UserAgentLayer;

/// What the layers tell one another about a call, in the extensions of its request: one value for all of them.
#[derive(Clone, Default)]
pub(crate) struct CallState {
    /// The moment at which the call must be over.
    deadline: Option<Instant>,
    /// The trace id that all attempts share.
    trace_id: Option<u128>,
    /// Which attempt this is, from 1.
    attempt: u32,
    /// How the request is signed in.
    signed_in: Option<SharedCredentials>,
}

impl CallState {
    fn of(request: &Request<Body>) -> Option<&Self> {
        request.extensions().get()
    }

    fn of_mut(request: &mut Request<Body>) -> &mut Self {
        request.extensions_mut().get_or_insert_default()
    }
}

/// What a request comes to.
pub(crate) type Answer = Result<Response<Body>>;

/// What one layer does with a request, given the layers below it.
///
/// An `async fn` per layer instead of a hand-written `Service`: the futures of a whole stack become one value and one allocation.
pub(crate) trait Middleware: Send + Sync + 'static {
    fn handle<N: Next>(&self, request: Request<Body>, next: &N) -> impl Future<Output = Answer> + Send;
}

/// The layers below.
pub(crate) trait Next: Clone + Send + Sync + 'static {
    fn send(&self, request: Request<Body>) -> impl Future<Output = Answer> + Send;
}

/// A layer and those below it.
#[derive(Debug)]
pub struct With<M, N> {
    middleware: Arc<M>,
    next: N,
}

impl<M, N: Clone> Clone for With<M, N> {
    fn clone(&self) -> Self {
        Self { middleware: Arc::clone(&self.middleware), next: self.next.clone() }
    }
}

impl<M, N> With<M, N> {
    pub(crate) fn new(middleware: M, next: N) -> Self {
        Self { middleware: Arc::new(middleware), next }
    }
}

impl<M: Middleware, N: Next> Next for With<M, N> {
    fn send(&self, request: Request<Body>) -> impl Future<Output = Answer> + Send {
        self.middleware.handle(request, &self.next)
    }
}

impl<M: Middleware, N: Next> Service<Request<Body>> for With<M, N> {
    type Response = Response<Body>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

    /// Always ready: whatever is below is waited for in the future of the call.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { this.send(request).await })
    }
}

/// The end of a stack: somebody else's service.
#[derive(Clone, Debug)]
pub struct Inner<S>(pub(crate) S);

impl<S> Next for Inner<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Error> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    async fn send(&self, request: Request<Body>) -> Answer {
        let mut service = self.0.clone();
        poll_fn(|cx| service.poll_ready(cx)).await?;
        service.call(request).await
    }
}

/// The layers below, whose future has an allocation of its own: the layers above stay small.
#[derive(Clone, Debug)]
pub struct Boxed<N>(pub(crate) N);

impl<N: Next> Next for Boxed<N> {
    fn send(&self, request: Request<Body>) -> impl Future<Output = Answer> + Send {
        let sending: Pin<Box<dyn Future<Output = Answer> + Send + '_>> = Box::pin(self.0.send(request));
        sending
    }
}

/// Makes a middleware a [`tower::Layer`].
macro_rules! tower_layer {
    ($layer:ident) => {
        impl<S> tower::Layer<S> for $layer {
            type Service = $crate::layers::With<$layer, $crate::layers::Inner<S>>;

            fn layer(&self, inner: S) -> Self::Service {
                $crate::layers::With::new(self.clone(), $crate::layers::Inner(inner))
            }
        }
    };
}
use tower_layer;

/// The same request once more; `None` if its body can be sent only once.
pub(crate) fn try_clone(request: &Request<Body>) -> Option<Request<Body>> {
    let mut clone = Request::new(request.body().try_clone()?);
    *clone.method_mut() = request.method().clone();
    *clone.uri_mut() = request.uri().clone();
    *clone.version_mut() = request.version();
    *clone.headers_mut() = request.headers().clone();
    *clone.extensions_mut() = request.extensions().clone();
    Some(clone)
}

/// A request without its body.
pub(crate) fn head(request: &Request<Body>) -> Request<Body> {
    let mut head = Request::new(Body::empty());
    *head.method_mut() = request.method().clone();
    *head.uri_mut() = request.uri().clone();
    *head.headers_mut() = request.headers().clone();
    *head.extensions_mut() = request.extensions().clone();
    head
}

/// Method and URL without the query, for errors: the path alone where the host goes without saying.
pub(crate) fn request_line(method: &http::Method, uri: &http::Uri) -> String {
    let path = databricks_core::redact::text(uri.path());
    match databricks_core::Origin::of(uri) {
        Some(origin) if !uri.path().starts_with("/api/") => format!("{method} {origin}{path}"),
        _ => format!("{method} {path}"),
    }
}

#[cfg(test)]
pub(crate) mod testing;
