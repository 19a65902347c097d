//! Requests that are too large, are never sent to their end, or name several hosts.

use std::time::Duration;

use databricks_local::LocalWorkspace;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{fast, send};

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_after_it_was_sent() {
    let w = fast().await;
    let bearer = format!("Bearer {}", w.token());
    let body = vec![b' '; 34 * 1024 * 1024];
    let response = send(&w, "POST", "/api/2.0/sql/statements", &[("authorization", &bearer)], &body).await.unwrap();
    response.refused(413, "MAX_REQUEST_SIZE_EXCEEDED");
}

#[tokio::test]
async fn a_request_that_stays_half_sent_is_closed() {
    let w = LocalWorkspace::builder().idle_limit(Duration::from_millis(200)).start().await.unwrap();
    let address = w.url().trim_start_matches("http://").to_owned();
    for half in [
        "GET / HTTP/1.1\r\nhost: x".to_owned(),
        format!("POST /oidc/v1/token HTTP/1.1\r\nhost: {address}\r\ncontent-length: 9\r\n\r\nabc"),
    ] {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(half.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        // Returns when the server closes; it would wait forever otherwise.
        let _ = stream.read_to_end(&mut rest).await;
    }
    assert_eq!(send(&w, "GET", "/healthz", &[], b"").await.unwrap().status, 200);
}

#[tokio::test]
async fn two_host_headers_are_refused() {
    let w = fast().await;
    let host = w.url().trim_start_matches("http://").to_owned();
    let headers = [("host", host.as_str()), ("host", host.as_str())];
    assert_eq!(send(&w, "GET", "/healthz", &headers, b"").await.unwrap().status, 400);
}
