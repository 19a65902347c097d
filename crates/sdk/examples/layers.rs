//! Tower layers of one's own: one around each call, which sees it once, whatever it takes; one around each attempt, which
//! sees what goes out and what comes back.
//!
//! The workspace is played by a script that refuses the first request, so that there is a second attempt; it waits on a
//! clock that jumps. A real program leaves out the script, its clock and its connection.
//!
//! ```text
//! cargo run -p databricks-sdk --example layers
//! ```

#![allow(clippy::print_stdout)] // A program's output.

use databricks_sdk::testing::{Reply, Script};
use databricks_sdk::{Body, Config, HttpService, Method, Result, WorkspaceClient};
use http::{HeaderValue, Request};
use tower::layer::layer_fn;
use tower::{ServiceExt as _, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let script = Script::new();
    let me = || script.expect(Method::GET, "/api/2.0/preview/scim/v2/Me");
    me().reply(Reply::error(503, "TEMPORARILY_UNAVAILABLE", "come back later"));
    me().reply(Reply::json(&serde_json::json!({"userName": "ada@example.com"})));
    let config = Config::hermetic().host("https://workspace.test").token("made-up").clock(script.clock().clone());

    let calls = layer_fn(|inner: HttpService| {
        service_fn(move |request: Request<Body>| {
            let inner = inner.clone();
            async move {
                let what = format!("{} {}", request.method(), request.uri().path());
                let result = inner.oneshot(request).await;
                match &result {
                    Ok(response) => println!("call {what}: {}", response.status()),
                    Err(error) => println!("call {what}: {error}"),
                }
                result
            }
        })
    });
    let attempts = layer_fn(|inner: HttpService| {
        service_fn(move |mut request: Request<Body>| {
            let inner = inner.clone();
            async move {
                request.headers_mut().insert("x-cost-center", HeaderValue::from_static("4711"));
                let result = inner.oneshot(request).await;
                match &result {
                    // Of any status: the stack above makes errors of them, and retries.
                    Ok(response) => println!("  attempt: {}", response.status()),
                    Err(error) => println!("  attempt: {error}"),
                }
                result
            }
        })
    });
    let w = WorkspaceClient::builder()
        .config(config)
        .connection(script.service())
        .call_layer(calls)
        .attempt_layer(attempts)
        .build()?;

    println!("This is {}.", w.current_user().me().await?.user_name.unwrap_or_default());
    assert!(script.requests().iter().all(|request| request.headers["x-cost-center"] == "4711"));
    script.verify()
}
