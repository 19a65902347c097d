//! The layers of the stack, each usable by itself.
//!
//! Every layer here is a [`tower::Layer`] for any service from `http::Request<Body>` to `http::Response<Body>` with our
//! [`Error`](databricks_core::Error). From outside in, [`Client`](crate::Client) puts them together like this:
//!
//! | layer | does |
//! |---|---|
//! | [`SpanLayer`] | a span per call, named after the operation |
//! | [`DeadlineLayer`] | the timeout of a call with all its attempts |
//! | [`RetryLayer`] | retries what failed and may be sent again |
//! | [`RateLimitLayer`] | at most so many attempts per second |
//! | [`AttemptLayer`] | a span per attempt, `traceparent`, the timeout of an attempt |
//! | [`AuthLayer`] | headers that authenticate, fresh for every attempt |
//! | [`HeadersLayer`] | headers of the configuration |
//! | [`UserAgentLayer`] | who is calling |
//! | [`ResponseLayer`] | an error status becomes an [`Error`](databricks_core::Error); reads the body of a success whole unless it is to be streamed |
//! | [`DebugLogLayer`] | request and response in the log, redacted |
//! | [`InactivityLayer`] | the timeout of inactivity |
//! | [`RedirectLayer`] | follows redirects, without carrying secrets elsewhere |
//! | [`DecompressLayer`] | asks for compressed responses and unpacks them |
//!
//! A layer by itself costs one allocation per request and passes the request on as a copy of what it was given;
//! inside of [`Client`](crate::Client) all of them together share one allocation and one request.
//!
//! ```
//! use databricks_core::{Body, Error};
//! use databricks_transport::layers::{ResponseLayer, RetryLayer};
//! use tower::{ServiceBuilder, ServiceExt as _};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
//! let canned = tower::service_fn(|_: http::Request<Body>| async { Ok::<_, Error>(http::Response::new(Body::from("{}"))) });
//! let service = ServiceBuilder::new().layer(RetryLayer::default()).layer(ResponseLayer::default()).service(canned);
//! let response = service.oneshot(http::Request::get("https://example.com/").body(Body::empty()).unwrap()).await?;
//! assert_eq!(response.status(), 200);
//! # Ok(()) }
//! ```

mod attempt;
mod auth;
mod deadline;
mod debug_log;
mod decompress;
mod exchange;
mod headers;
mod once;
mod rate_limit;
mod redirect;
mod response;
mod retry;
mod span;
mod stack;
mod timeout;
mod user_agent;

pub use attempt::AttemptLayer;
pub use auth::AuthLayer;
pub use deadline::DeadlineLayer;
pub use debug_log::DebugLogLayer;
pub use decompress::DecompressLayer;
pub(crate) use exchange::Exchange;
pub use headers::HeadersLayer;
pub use rate_limit::RateLimitLayer;
pub use redirect::{FinalUri, RedirectLayer};
pub use response::ResponseLayer;
pub use retry::{CallInfo, RetryLayer};
pub use span::SpanLayer;
use stack::tower_layer;
pub(crate) use stack::{HttpResult, Layered, Middleware, Next};
pub use timeout::InactivityLayer;
pub(crate) use timeout::Received;
pub use user_agent::UserAgentLayer;

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
