//! The listener that the browser is sent back to.
//!
//! It listens on this machine only, serves one path, accepts one callback, and checks that the callback belongs to the
//! login.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use databricks_core::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::page::{page, response};

/// The ports that the platform's public client may use.
const PORTS: std::ops::RangeInclusive<u16> = 8020..=8040;
/// The limit of a request in bytes.
const MAX_REQUEST: usize = 16 << 10;
/// The timeout of one connection's request.
const PATIENCE: Duration = Duration::from_secs(5);

/// Listens on a port of both loopback addresses.
#[derive(Debug)]
pub(crate) struct Listener {
    v4: TcpListener,
    /// Missing on machines without IPv6.
    v6: Option<TcpListener>,
    port: u16,
}

/// The result of the callback.
#[derive(Debug)]
pub(crate) enum Callback {
    Code(Secret),
    /// The server refused: `error` and `error_description`.
    Refused(String),
    /// The callback is not of this login.
    Foreign(&'static str),
}

impl Listener {
    /// Listens on the given port, or else on the first free one of the usual ports.
    pub(crate) async fn bind(port: Option<u16>) -> io::Result<Self> {
        if let Some(port) = port {
            return Self::on(port).await;
        }
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for port in PORTS {
            match Self::on(port).await {
                Ok(listener) => return Ok(listener),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn on(port: u16) -> io::Result<Self> {
        let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let port = v4.local_addr()?.port();
        let v6 = match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
            Ok(listener) => Some(listener),
            // Another program has it, and the browser may try that address first.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
            Err(_) => None,
        };
        Ok(Self { v4, v6, port })
    }

    /// Where the browser is sent back to.
    pub(crate) fn redirect_uri(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Waits for the callback of a login. Other requests get a response and are ignored.
    ///
    /// * `state`: what the callback must contain.
    /// * `issuer`: the origin that an `iss` must name.
    pub(crate) async fn callback(self, state: &Secret, issuer: &str) -> io::Result<Callback> {
        loop {
            let (mut stream, peer) = self.accept().await?;
            if !peer.ip().is_loopback() {
                continue;
            }
            let Ok(Ok(request)) = tokio::time::timeout(PATIENCE, read(&mut stream)).await else { continue };
            let (status, body, callback) = match self.judge(&request, state, issuer) {
                Ok(callback) => {
                    let (title, text) = match &callback {
                        Callback::Code(_) => ("Logged in", "You can close this window and go back to your program."),
                        Callback::Refused(why) => ("Not logged in", why.as_str()),
                        Callback::Foreign(why) => ("Not logged in", *why),
                    };
                    let status = if matches!(callback, Callback::Code(_)) { "200 OK" } else { "400 Bad Request" };
                    (status, page(title, text), Some(callback))
                }
                Err(status) => (status, page(status, "There is nothing here."), None),
            };
            // The browser may be closed already; the login is valid all the same.
            let _ = tokio::time::timeout(PATIENCE, async {
                stream.write_all(&response(status, &body)).await?;
                stream.shutdown().await
            })
            .await;
            if let Some(callback) = callback {
                return Ok(callback);
            }
        }
    }

    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        match &self.v6 {
            None => self.v4.accept().await,
            Some(v6) => {
                let (a, b) = (std::pin::pin!(self.v4.accept()), std::pin::pin!(v6.accept()));
                futures_util::future::select(a, b).await.factor_first().0
            }
        }
    }

    /// What a request is: a callback, or the status it gets.
    fn judge(&self, request: &str, state: &Secret, issuer: &str) -> Result<Callback, &'static str> {
        let mut lines = request.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if method != "GET" {
            return Err("405 Method Not Allowed");
        }
        let host = lines
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("host"))
            .map(|(_, host)| host.trim());
        let ours = ["localhost", "127.0.0.1", "[::1]"].map(|name| format!("{name}:{}", self.port));
        if !host.is_some_and(|host| ours.iter().any(|ours| ours.eq_ignore_ascii_case(host))) {
            return Err("421 Misdirected Request");
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if path != "/" {
            return Err("404 Not Found");
        }
        let value = |name: &str| {
            form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let came_back = value("state");
        if came_back.is_none() && value("code").is_none() && value("error").is_none() {
            // A request that only checks whether the port is open.
            return Err("400 Bad Request");
        }
        if !came_back.is_some_and(|came_back| state.matches(&came_back)) {
            return Ok(Callback::Foreign("the state of the callback is not that of this login"));
        }
        if value("iss").is_some_and(|iss| !is_of(&iss, issuer)) {
            return Ok(Callback::Foreign("the callback comes from another server (iss)"));
        }
        if let Some(error) = value("error") {
            return Ok(Callback::Refused(match value("error_description") {
                Some(description) => format!("{error}: {description}"),
                None => error,
            }));
        }
        match value("code").filter(|code| !code.is_empty()) {
            Some(code) => Ok(Callback::Code(code.into())),
            None => Ok(Callback::Refused("the callback has no code".to_owned())),
        }
    }
}

/// Whether an issuer has an origin.
fn is_of(issuer: &str, origin: &str) -> bool {
    let of = |text: &str| text.parse::<http::Uri>().ok().as_ref().and_then(databricks_core::Origin::of);
    of(issuer).is_some_and(|issuer| of(origin) == Some(issuer))
}

/// The head of a request.
async fn read(stream: &mut TcpStream) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut piece = [0; 2048];
    while !bytes.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut piece).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => bytes.extend_from_slice(&piece[..count]),
        }
        if bytes.len() > MAX_REQUEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn send(port: u16, request: String) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        response
    }

    fn get(port: u16, target: &str) -> String {
        format!("GET {target} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n")
    }

    async fn listen() -> (u16, tokio::task::JoinHandle<io::Result<Callback>>) {
        let listener = Listener::bind(Some(0)).await.unwrap();
        let port = listener.port;
        let waiting = tokio::spawn(async move { listener.callback(&"st".into(), "https://h.example.com").await });
        (port, waiting)
    }

    #[tokio::test]
    async fn waits_for_a_callback_of_its_own() {
        let (port, waiting) = listen().await;
        for (request, status) in [
            (get(port, "/favicon.ico"), "404"),
            (get(port, "/"), "400"),
            (get(port, "/?code=c&state=st").replace("GET", "POST"), "405"),
            (get(port, "/?code=c&state=st").replace("localhost", "evil.example.com"), "421"),
            (get(port, "/callback?code=c&state=st"), "404"),
        ] {
            let response = send(port, request).await;
            assert!(response.starts_with(&format!("HTTP/1.1 {status}")), "{response}");
        }
        let response = send(port, get(port, "/?code=the-code&state=st&iss=https%3A%2F%2Fh.example.com%2Foidc")).await;
        assert!(response.starts_with("HTTP/1.1 200") && !response.contains("the-code"), "{response}");
        assert!(matches!(waiting.await.unwrap().unwrap(), Callback::Code(code) if code.matches("the-code")));
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err(), "it must be closed");
    }

    #[tokio::test]
    async fn refuses_what_is_not_of_this_login() {
        for target in [
            "/?code=c&state=forged",
            "/?code=c",
            "/?error=access_denied",
            "/?code=c&state=st&iss=https%3A%2F%2Fevil.example.com",
        ] {
            let (port, waiting) = listen().await;
            assert!(send(port, get(port, target)).await.starts_with("HTTP/1.1 400"));
            assert!(matches!(waiting.await.unwrap().unwrap(), Callback::Foreign(_)), "{target}");
        }
    }

    #[tokio::test]
    async fn explains_the_error_of_the_server() {
        let (port, waiting) = listen().await;
        let response = send(port, get(port, "/?error=access_denied&error_description=%3Cb%3Eno&state=st")).await;
        assert!(response.contains("access_denied: &lt;b&gt;no"), "{response}");
        assert!(matches!(waiting.await.unwrap().unwrap(), Callback::Refused(why) if why == "access_denied: <b>no"));
    }

    #[tokio::test]
    async fn takes_the_next_port_when_one_is_taken() {
        let first = Listener::bind(None).await.unwrap();
        let second = Listener::bind(None).await.unwrap();
        assert_ne!(first.port, second.port);
        assert!(PORTS.contains(&second.port));
        assert_eq!(Listener::bind(Some(first.port)).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}
