//! What the stack costs per call, next to the bare client that it is made of.
//!
//! `cargo bench -p databricks-transport` prints time and allocations of the same small request and response:
//!
//! - `wire::bare`: hyper-util's pooled client alone, over a socket of this machine;
//! - `wire::stack`: [`Client`] with credentials, retry, rate limit, log layer and the rest, over the same socket;
//! - `no_io::inner`: a service that responds at once, called by itself;
//! - `no_io::stack`: the stack around that service, so the difference is what all layers together cost.
//!
//! Server, client and connection run on one thread, so that the figures are those of the whole call.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use databricks_core::{AuthHeaders, Body, Credentials, Error, Result, Secret, SharedCredentials};
use databricks_transport::{Client, Environment, HttpService, ProxyOptions};
use divan::{AllocProfiler, Bencher};
use http::{Request, Response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

const RESPONSE: &str = "{\"cluster_id\":\"0923-164208-meows279\",\"state\":\"RUNNING\"}";

#[derive(Debug)]
struct Token(AuthHeaders);

impl Credentials for Token {
    fn auth_type(&self) -> &str {
        "pat"
    }
    async fn headers(&self) -> Result<AuthHeaders> {
        Ok(self.0.clone())
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// A server that responds to every request alike, on the given runtime.
fn server(runtime: &Runtime) -> String {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let url = format!(
        "http://{}/api/2.1/clusters/get?cluster_id=0923-164208-meows279",
        listener.local_addr().expect("an address")
    );
    runtime.spawn(async move {
        let response = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{RESPONSE}",
            RESPONSE.len()
        );
        let response: Arc<str> = response.into();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let response = Arc::clone(&response);
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                // One read per request: they are small and come one at a time.
                while matches!(stream.read(&mut buffer).await, Ok(n) if n > 0) {
                    if stream.write_all(response.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    url
}

fn client(connection: Option<HttpService>) -> Client {
    let headers = AuthHeaders::bearer(&Secret::from("dapi0123456789")).expect("a token");
    let builder = Client::builder()
        .environment(Environment::empty())
        .proxy(ProxyOptions::none())
        .rate_limit(Some(1_000_000))
        .credentials(SharedCredentials::new(Token(headers)));
    let builder = match connection {
        Some(connection) => builder.connection(connection),
        None => builder,
    };
    builder.build().expect("a client")
}

fn request(url: &str) -> Request<Body> {
    Request::get(url).header("accept", "application/json").body(Body::empty()).expect("a request")
}

/// Calls once outside of the measurement, so that the connection is there, then over and over.
fn measure<F: Future<Output = Bytes>>(bencher: Bencher<'_, '_>, runtime: &Runtime, call: impl Fn() -> F) {
    assert_eq!(runtime.block_on(call()), RESPONSE);
    bencher.bench_local(|| runtime.block_on(call()));
}

async fn through(client: &Client, url: &str) -> Bytes {
    let response = client.send(request(url)).await.expect("a response");
    databricks_transport::read_body(response.into_body(), 1 << 20).await.expect("a body")
}

#[divan::bench_group(sample_count = 200, sample_size = 50)]
mod wire {
    use super::{Bencher, Body, client, measure, request, runtime, server, through};
    use http_body_util::BodyExt as _;
    use hyper_util::client::legacy::Client as Bare;
    use hyper_util::rt::TokioExecutor;

    #[divan::bench]
    fn bare(bencher: Bencher<'_, '_>) {
        let runtime = runtime();
        let url = server(&runtime);
        let bare = Bare::builder(TokioExecutor::new()).build_http::<Body>();
        measure(bencher, &runtime, || async {
            let response = bare.request(request(&url)).await.expect("a response");
            response.into_body().collect().await.expect("a body").to_bytes()
        });
    }

    #[divan::bench]
    fn stack(bencher: Bencher<'_, '_>) {
        let runtime = runtime();
        let url = server(&runtime);
        let client = client(None);
        measure(bencher, &runtime, || through(&client, &url));
    }
}

#[divan::bench_group(sample_count = 200, sample_size = 200)]
mod no_io {
    use super::{
        Bencher, Body, Error, HttpService, RESPONSE, Request, Response, client, measure, request, runtime, through,
    };
    use tower::ServiceExt as _;

    const URL: &str = "http://127.0.0.1:1/api/2.1/clusters/get?cluster_id=0923-164208-meows279";

    fn service() -> HttpService {
        HttpService::new(tower::service_fn(|_: Request<Body>| async {
            let mut response = Response::new(Body::from(RESPONSE));
            response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
            Ok::<_, Error>(response)
        }))
    }

    #[divan::bench]
    fn inner(bencher: Bencher<'_, '_>) {
        let runtime = runtime();
        let service = service();
        measure(bencher, &runtime, || async {
            let response = service.clone().oneshot(request(URL)).await.expect("a response");
            databricks_transport::read_body(response.into_body(), 1 << 20).await.expect("a body")
        });
    }

    #[divan::bench]
    fn stack(bencher: Bencher<'_, '_>) {
        let runtime = runtime();
        let client = client(Some(service()));
        measure(bencher, &runtime, || through(&client, URL));
    }
}
