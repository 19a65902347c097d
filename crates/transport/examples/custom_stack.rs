//! A stack of one's own: some of the layers of this crate, one of ours, around a client of another origin.
//!
//! `cargo run -p databricks-transport --example custom_stack`

use databricks_core::{Body, Error, Result};
use databricks_transport::layers::{RateLimitLayer, ResponseLayer, RetryLayer, UserAgentLayer};
use databricks_transport::{Environment, RetryPolicy, SharedClock, UserAgent, read_body};
use http::{Request, Response, StatusCode};
use tower::{ServiceBuilder, ServiceExt as _};

#[tokio::main(flavor = "current_thread")]
#[allow(clippy::print_stdout)]
async fn main() -> Result<()> {
    // In place of a connection: a service that is overloaded at the first request.
    let attempts = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let backend = tower::service_fn(move |request: Request<Body>| {
        let attempt = attempts.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async move {
            println!("attempt {}: {} {}", attempt + 1, request.method(), request.uri());
            let status = if attempt == 0 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
            Response::builder()
                .status(status)
                .body(Body::from(format!("{{\"agent\":{:?}}}", request.headers()[http::header::USER_AGENT])))
                .map_err(|e| Error::new(databricks_core::ErrorKind::Other, "no response").with_source(e))
        }
    });

    let clock = SharedClock::default();
    let agent = UserAgent::new(&Environment::process()).product("custom-stack", "1.0.0")?;
    let service = ServiceBuilder::new()
        .layer(RetryLayer::new(RetryPolicy::default().max_attempts(3), clock.clone()))
        .layer(RateLimitLayer::new(Some(5), clock))
        .layer(UserAgentLayer::new(agent))
        // Ours: every request names a team.
        .map_request(|mut request: Request<Body>| {
            request.headers_mut().insert("x-team", http::HeaderValue::from_static("blue"));
            request
        })
        .layer(ResponseLayer::default())
        .service(backend);

    let mut request = Request::new(Body::empty());
    *request.uri_mut() = http::Uri::from_static("https://example.com/api/2.0/clusters/list");
    let response = service.oneshot(request).await?;
    println!("{}", String::from_utf8_lossy(&read_body(response.into_body(), 1 << 20).await?));
    Ok(())
}
