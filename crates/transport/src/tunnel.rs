//! A tunnel through a proxy: the method `CONNECT` (RFC 9110, section 9.3.6).

use databricks_core::{Error, ErrorKind, Result};
use http::{HeaderValue, StatusCode, Uri};
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::connect_error::{self, Peer};

/// The longest head of a response that is read.
const HEAD_LIMIT: usize = 16 << 10;

/// Asks the proxy at the other end of a stream to pass everything on to the host of this URL.
///
/// # Errors
/// [`ErrorKind::Connect`]; permanent if the proxy refuses us rather than fails, or speaks another protocol.
pub(crate) async fn connect<S: Read + Write + Unpin>(
    stream: S,
    target: &Uri,
    auth: Option<&HeaderValue>,
    peer: &Peer,
) -> Result<S> {
    let mut stream = TokioIo::new(stream);
    let host = target.host().unwrap_or_default();
    let port = target.port_u16().unwrap_or(443);
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n").into_bytes();
    if let Some(auth) = auth {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(auth.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    let scheme = || format!("if the proxy speaks TLS, write https:// in {}", source(peer));
    let broken = |error: std::io::Error| {
        failed(format!("the connection to {peer} broke")).with_hint(scheme()).with_source(error)
    };
    stream.write_all(&request).await.map_err(broken)?;
    stream.flush().await.map_err(broken)?;

    // The server behind the tunnel waits for us to speak first, so nothing comes after the head.
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        if head.len() > HEAD_LIMIT {
            return Err(failed(format!("the response of {peer} has no end")));
        }
        if stream.read_buf(&mut head).await.map_err(broken)? == 0 {
            return Err(failed(format!("{peer} closed the connection before it responded")).with_hint(scheme()));
        }
        if connect_error::is_tls(head[0]) {
            return Err(connect_error::speaks_tls(peer));
        }
        if !b"HTTP/1.".starts_with(&head[..head.len().min(7)]) {
            return Err(failed(format!("the response of {peer} is not HTTP")).with_permanent());
        }
    }
    match status(&head) {
        Some(status) if status.is_success() => Ok(stream.into_inner()),
        Some(status) => Err(refused(status, auth.is_some(), peer, host)),
        None => Err(failed(format!("the response of {peer} is not HTTP")).with_permanent()),
    }
}

fn status(head: &[u8]) -> Option<StatusCode> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let mut words = line.split(|byte| *byte == b' ');
    words.next().filter(|version| version.starts_with(b"HTTP/1."))?;
    StatusCode::from_bytes(words.next()?).ok()
}

fn refused(status: StatusCode, authenticated: bool, peer: &Peer, host: &str) -> Error {
    match status {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED | StatusCode::UNAUTHORIZED => {
            let why = if authenticated { "refuses the user and password given" } else { "wants a user and password" };
            failed(format!("{peer} {why} ({status})"))
                .with_hint(format!("put user:password@ into {}", source(peer)))
                .with_permanent()
        }
        status if status.is_client_error() => failed(format!("{peer} refuses to connect to {host} ({status})"))
            .with_hint("ask who runs the proxy to allow this host, or list it in NO_PROXY to connect without a proxy")
            .with_permanent(),
        status => failed(format!("{peer} cannot reach {host} ({status})")),
    }
}

/// Where the proxy is set.
fn source(peer: &Peer) -> &str {
    match peer {
        Peer::Proxy(proxy) => proxy.source(),
        Peer::Server(_) => "the proxy's URL",
    }
}

fn failed(why: String) -> Error {
    Error::new(ErrorKind::Connect, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refusals_are_permanent() {
        let peer = Peer::Server("the proxy".to_owned());
        let of = |head: &str| {
            status(head.as_bytes()).map(|status| (status.as_u16(), refused(status, true, &peer, "h").is_permanent()))
        };
        assert_eq!(of("HTTP/1.0 407 Proxy\r\n\r\n"), Some((407, true)));
        assert_eq!(of("HTTP/1.1 401 No\r\n\r\n"), Some((401, true)));
        assert_eq!(of("HTTP/1.1 403 No\r\n\r\n"), Some((403, true)));
        assert_eq!(of("HTTP/1.1 502 Bad\r\n\r\n"), Some((502, false)));
        assert_eq!(of("SSH-2.0-x\r\n\r\n"), None);
    }
}
