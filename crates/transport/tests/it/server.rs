//! Small servers, on top of any stream.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use databricks_core::{Body, Result};
use databricks_transport::{Client, ClientBuilder, Clock, Environment, RetryPolicy, SharedClock, Sleep, read_body};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The heads of the requests that a server saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    pub(crate) fn add(&self, head: String) {
        self.0.lock().unwrap().push(head);
    }
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// Serves each connection with a function, on a free port of this machine, until the runtime ends.
pub(crate) async fn listen<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// Reads the head of a request; empty when the connection is closed.
pub(crate) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return String::new(),
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// Responds every request of a connection with `{"ok":true}`.
pub(crate) async fn respond_all(mut stream: impl AsyncRead + AsyncWrite + Unpin, seen: Seen) {
    loop {
        let head = read_head(&mut stream).await;
        if head.is_empty() {
            return;
        }
        seen.add(head);
        let response = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}";
        if stream.write_all(response.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A clock whose waits are over at once.
#[derive(Debug)]
struct NoWait;

impl Clock for NoWait {
    fn now(&self) -> Instant {
        Instant::now()
    }
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
    fn sleep(&self, _: Duration) -> Sleep {
        Box::pin(std::future::ready(()))
    }
}

/// A client that goes on for up to five attempts, without waiting between them.
pub(crate) fn persistent() -> ClientBuilder {
    client().retry(RetryPolicy::default().max_attempts(5)).clock(SharedClock::new(NoWait))
}

/// A client that tries once and sees no environment.
pub(crate) fn client() -> ClientBuilder {
    Client::builder().environment(Environment::empty()).retry(RetryPolicy::none())
}

pub(crate) async fn get(client: &Client, url: &str) -> Result<String> {
    let request = http::Request::get(url).header("accept", "application/json").body(Body::empty()).unwrap();
    let body = read_body(client.send(request).await?.into_body(), 1 << 20).await?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}

pub(crate) async fn post(client: &Client, url: &str) -> Result<String> {
    let request = http::Request::post(url).header("accept", "application/json").body(Body::from("{}")).unwrap();
    let body = read_body(client.send(request).await?.into_body(), 1 << 20).await?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}
