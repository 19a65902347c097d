//! How layers are put together: an `async fn` each, with the futures of a stack in one value.
//!
//! The types are public where [`tower::Layer`] needs them to be, and cannot be named outside.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use databricks_core::{Body, Error, Result};
use http::{Request, Response};
use tower::Service;

use super::exchange::Exchange;

/// What a request comes to.
pub(crate) type HttpResult = Result<Response<Body>>;

/// What one layer does with a call, given the layers below it.
///
/// An `async fn` per layer instead of a hand-written `Service`: the futures of a whole stack become one value and one
/// allocation. The call is borrowed, since moving requests from layer to layer costs more than most layers do.
pub(crate) trait Middleware: Send + Sync + 'static {
    fn handle<N: Next>(&self, exchange: &mut Exchange, next: &N) -> impl Future<Output = HttpResult> + Send;
}

/// The layers below.
pub(crate) trait Next: Clone + Send + Sync + 'static {
    fn send(&self, exchange: &mut Exchange) -> impl Future<Output = HttpResult> + Send;
}

/// A layer and those below it.
#[derive(Debug)]
pub struct Layered<M, N> {
    middleware: Arc<M>,
    next: N,
}

impl<M, N: Clone> Clone for Layered<M, N> {
    fn clone(&self) -> Self {
        Self { middleware: Arc::clone(&self.middleware), next: self.next.clone() }
    }
}

impl<M, N> Layered<M, N> {
    pub(crate) fn new(middleware: M, next: N) -> Self {
        Self { middleware: Arc::new(middleware), next }
    }
}

impl<M: Middleware, N: Next> Next for Layered<M, N> {
    #[inline]
    fn send(&self, exchange: &mut Exchange) -> impl Future<Output = HttpResult> + Send {
        self.middleware.handle(exchange, &self.next)
    }
}

impl<M: Middleware, N: Next> Service<Request<Body>> for Layered<M, N> {
    type Response = Response<Body>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = HttpResult> + Send>>;

    /// Always ready: whatever is below is waited for in the future of the call.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let mut exchange = Exchange::of(request);
            let mut response = this.send(&mut exchange).await?;
            exchange.annotate(&mut response);
            Ok(response)
        })
    }
}

/// The end of a stack: a service of any kind.
#[derive(Clone, Debug)]
pub struct Inner<S>(pub(crate) S);

impl<S> Next for Inner<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Error> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    async fn send(&self, exchange: &mut Exchange) -> HttpResult {
        let mut service = self.0.clone();
        poll_fn(|cx| service.poll_ready(cx)).await?;
        service.call(exchange.outgoing_with_extensions()).await
    }
}

/// Makes a middleware a [`tower::Layer`].
macro_rules! tower_layer {
    ($layer:ident) => {
        impl<S> tower::Layer<S> for $layer {
            type Service = $crate::layers::stack::Layered<$layer, $crate::layers::stack::Inner<S>>;

            fn layer(&self, inner: S) -> Self::Service {
                $crate::layers::stack::Layered::new(self.clone(), $crate::layers::stack::Inner(inner))
            }
        }
    };
}
pub(super) use tower_layer;
