//! A bare HTTP/1.1 client: the tests see exactly what is on the wire, and no client library's opinion of it.

use std::io;
use std::time::Duration;

use base64::Engine as _;
use databricks_local::LocalWorkspace;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A response, read to its end.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (n, v) = line.split_once(':')?;
            n.eq_ignore_ascii_case(name).then(|| v.trim())
        })
    }

    /// The JSON body, after a check that the call succeeded.
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }

    /// The message, after a check of status and code.
    pub(crate) fn refused(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        let json = self.json();
        assert_eq!(json["error_code"], code, "{json}");
        json["message"].as_str().unwrap().to_owned()
    }
}

/// Sends one request on a connection of its own.
pub(crate) async fn send(
    w: &LocalWorkspace,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Response> {
    let address = w.url().trim_start_matches("http://");
    let mut head = format!("{method} {target} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|(n, _)| n.eq_ignore_ascii_case("host")) {
        head.push_str(&format!("host: {address}\r\n"));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await?;
    parse(&all, method == "HEAD")
}

/// `bodiless`: the head states the length of a body that is not sent.
fn parse(all: &[u8], bodiless: bool) -> io::Result<Response> {
    let short = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let end = all.windows(4).position(|w| w == b"\r\n\r\n").ok_or_else(short)?;
    let head = String::from_utf8_lossy(&all[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or_else(short)?;
    let mut response = Response { status, head, body: all[end + 4..].to_vec() };
    if response.header("transfer-encoding") == Some("chunked") {
        response.body = dechunk(&response.body).ok_or_else(short)?;
    } else if let Some(length) = response.header("content-length").filter(|_| !bodiless)
        && response.body.len() != length.parse().unwrap_or(usize::MAX)
    {
        return Err(short());
    }
    Ok(response)
}

fn dechunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        let line = rest.windows(2).position(|w| w == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?.trim(), 16).ok()?;
        rest = &rest[line + 2..];
        if size == 0 {
            return Some(out);
        }
        out.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}

/// A request with the workspace's token.
pub(crate) async fn call(w: &LocalWorkspace, method: &str, target: &str, body: Option<Value>) -> Response {
    let bearer = format!("Bearer {}", w.token());
    let body = body.map(|b| b.to_string()).unwrap_or_default();
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    send(w, method, target, &headers, body.as_bytes()).await.unwrap()
}

pub(crate) async fn get(w: &LocalWorkspace, target: &str) -> Response {
    call(w, "GET", target, None).await
}

pub(crate) async fn post(w: &LocalWorkspace, target: &str, body: Value) -> Response {
    call(w, "POST", target, Some(body)).await
}

/// The value of a header of basic authentication.
pub(crate) fn basic(user: &str, password: &str) -> String {
    let pair = format!("{user}:{password}");
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

/// A workspace whose life cycles take no time to speak of.
pub(crate) async fn fast() -> LocalWorkspace {
    LocalWorkspace::builder().speed(1e6).start().await.unwrap()
}

/// Polls until `done`, however long a busy machine takes.
pub(crate) async fn until(w: &LocalWorkspace, target: &str, done: impl Fn(&Value) -> bool) -> Value {
    loop {
        let value = get(w, target).await.ok();
        if done(&value) {
            return value;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
