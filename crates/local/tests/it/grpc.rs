//! A bare client of gRPC over HTTP/2 without encryption, and an engine that does what a test states.

use std::future::Future;

use bytes::Bytes;
use databricks_local::{LocalWorkspace, LocalWorkspaceBuilder};
use h2::client::SendRequest;
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub(crate) const EXECUTE: &str = "/spark.connect.SparkConnectService/ExecutePlan";

/// A connection to the workspace, and the task that ends with it.
pub(crate) struct Channel {
    pub(crate) requests: SendRequest<Bytes>,
    pub(crate) pings: h2::PingPong,
    pub(crate) connection: JoinHandle<Result<(), h2::Error>>,
    authority: String,
}

/// How a call ended: the code, the message, and all trailers.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: u16,
    pub(crate) message: String,
    pub(crate) trailers: HeaderMap,
}

impl Channel {
    pub(crate) async fn open(w: &LocalWorkspace) -> Self {
        let authority = w.url().trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&authority).await.unwrap();
        let (requests, mut connection) = h2::client::handshake(stream).await.unwrap();
        let pings = connection.ping_pong().unwrap();
        Self { requests, pings, connection: tokio::spawn(connection), authority }
    }

    /// Begins a call whose request goes on.
    pub(crate) async fn begin(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> (SendStream<Bytes>, h2::client::ResponseFuture) {
        let mut request = Request::post(format!("http://{}{path}", self.authority))
            .header("te", "trailers")
            .header("content-type", "application/grpc");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.requests = self.requests.clone().ready().await.unwrap();
        let (response, stream) = self.requests.send_request(request.body(()).unwrap(), false).unwrap();
        (stream, response)
    }

    /// A call with a message and how it ended.
    pub(crate) async fn call(&mut self, headers: &[(&str, &str)]) -> (Vec<u8>, Ended) {
        let (mut stream, response) = self.begin(EXECUTE, headers).await;
        stream.send_data(Bytes::from_static(b"message"), true).unwrap();
        let response = response.await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"application/grpc".parse().unwrap())
        );
        let (parts, mut body) = response.into_parts();
        let mut all = Vec::new();
        while let Some(data) = body.data().await {
            all.extend_from_slice(&data.unwrap());
        }
        // Without a body, the headers are the trailers.
        let trailers = body.trailers().await.unwrap().unwrap_or(parts.headers);
        (all, Ended::read(trailers))
    }
}

impl Ended {
    pub(crate) fn read(trailers: HeaderMap) -> Self {
        let text = |name| trailers.get(name).map_or("", |v| v.to_str().unwrap());
        let code = text("grpc-status").parse().unwrap_or_else(|_| panic!("{trailers:?}"));
        let message = percent_decoded(text("grpc-message"));
        Self { code, message, trailers }
    }
}

fn percent_decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        out.push(u8::from_str_radix(&part[..2], 16).unwrap());
        out.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(out).unwrap()
}

/// An engine that serves each call with `serve`; gives its URL.
pub(crate) async fn engine<F, Fut>(serve: F) -> String
where
    F: Fn(Request<RecvStream>, SendResponse<Bytes>) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("sc://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let serve = serve.clone();
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((request, respond))) = connection.accept().await {
                    tokio::spawn(serve(request, respond));
                }
            });
        }
    });
    url
}

/// The head of a response.
pub(crate) fn head() -> Response<()> {
    Response::builder().header("content-type", "application/grpc").body(()).unwrap()
}

/// A workspace with a cluster, to which the engine is attached.
pub(crate) async fn attached(url: &str) -> LocalWorkspace {
    builder().spark_connect(url).start().await.unwrap()
}

pub(crate) fn builder() -> LocalWorkspaceBuilder {
    LocalWorkspace::builder().speed(1e6).starter_cluster(true)
}
