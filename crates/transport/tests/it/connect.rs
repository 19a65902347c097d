//! Connections that cannot be made, and their errors.

use databricks_core::{Error, ErrorKind};
use databricks_transport::{ClientBuilder, Environment, TlsOptions};
use tokio::io::AsyncWriteExt as _;

use crate::server::{get, listen, persistent, read_head};
use crate::tls::https_server;

const NAME: &str = "workspace.invalid";

/// The error of a call that would go on for five attempts, and makes one.
async fn ends_at_once(client: ClientBuilder, url: &str) -> Error {
    let error = get(&client.build().unwrap(), url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect, "{error:?}");
    assert!(error.is_permanent() && !error.maybe_executed() && error.attempts() == 1, "{error:?}");
    error
}

fn mentions(error: &Error, parts: &[&str]) {
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing: {text}");
    }
    assert!(!text.contains('\n'), "{text}");
}

/// A port that nothing listens on: discard, which systems have not served for decades.
const CLOSED: u16 = 9;

/// A server that states something of its own accord and closes.
async fn talkative(words: &'static str) -> u16 {
    let talk = move |mut stream: tokio::net::TcpStream| async move {
        let _ = stream.write_all(words.as_bytes()).await;
        // Until the other side has gone: an unread request would reset the connection.
        read_head(&mut stream).await;
    };
    listen(talk).await.port()
}

#[tokio::test]
async fn refused_connections_and_unknown_names_say_so() {
    let error = get(&persistent().build().unwrap(), &format!("http://127.0.0.1:{}/", CLOSED)).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Connect, 5));
    mentions(&error, &["refused", "reachable"]);
    let error = get(&persistent().build().unwrap(), "http://no-such-name.invalid/").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    mentions(&error, &["cannot be resolved"]);
}

#[tokio::test]
async fn urls_of_other_schemes_are_refused() {
    for url in ["s3://bucket/x", "ftp://localhost/x", "/api/2.0/x"] {
        let error = get(&persistent().build().unwrap(), url).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::InvalidInput, 1), "{url}");
        mentions(&error, &["https://"]);
    }
}

#[tokio::test]
async fn tls_against_a_plain_port_ends_at_once() {
    for words in [
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        "SSH-2.0-OpenSSH_9.6\r\n",
        "220 smtp ready\r\n",
        "{}\n",
    ] {
        let port = talkative(words).await;
        let client = persistent().tls(TlsOptions::new().skip_verify(true));
        let error = ends_at_once(client, &format!("https://localhost:{port}/")).await;
        mentions(&error, &["https://localhost", "does not speak TLS", "http://"]);
    }
}

#[tokio::test]
async fn plain_http_against_a_tls_port_ends_at_once() {
    let (_, port, seen) = https_server("localhost").await;
    let error = ends_at_once(persistent(), &format!("http://localhost:{port}/")).await;
    mentions(&error, &["http://localhost", "speaks TLS", "https://"]);
    assert!(seen.all().is_empty());
    // Servers that explain themselves.
    let body = "<html>The plain HTTP request was sent to HTTPS port</html>";
    let response =
        format!("HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let address = listen(move |mut stream| {
        let response = response.clone();
        async move {
            read_head(&mut stream).await;
            let _ = stream.write_all(response.as_bytes()).await;
        }
    })
    .await;
    let error = get(&persistent().build().unwrap(), &format!("http://{address}/")).await.unwrap_err();
    mentions(&error, &["https://"]);
    assert_eq!(error.attempts(), 1);
}

#[tokio::test]
async fn a_proxy_of_another_scheme_ends_at_once() {
    let plain = talkative("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
    let (_, encrypted, _) = https_server("localhost").await;
    for (variable, scheme, port, says, write) in [
        ("HTTPS_PROXY", "https", plain, "does not speak TLS", "write http:// in HTTPS_PROXY"),
        ("http_proxy", "https", plain, "does not speak TLS", "write http:// in http_proxy"),
        ("HTTPS_PROXY", "http", encrypted, "speaks TLS", "write https:// in HTTPS_PROXY"),
        ("HTTP_PROXY", "http", encrypted, "speaks TLS", "write https:// in HTTP_PROXY"),
        ("ALL_PROXY", "http", encrypted, "speaks TLS", "write https:// in ALL_PROXY"),
    ] {
        let target = if variable.eq_ignore_ascii_case("http_proxy") { "http" } else { "https" };
        let env = Environment::from_iter([(variable, format!("{scheme}://u:pa55@127.0.0.1:{port}"))]);
        let error = ends_at_once(persistent().environment(env), &format!("{target}://{NAME}/")).await;
        mentions(&error, &["proxy", &port.to_string(), variable, says, write]);
        assert!(!format!("{error:?} {}", error.report()).contains("pa55"));
    }
}

#[tokio::test]
async fn a_proxy_that_is_down_is_named_with_its_variable() {
    let port = CLOSED;
    for (variable, target) in [("HTTPS_PROXY", "https"), ("HTTP_PROXY", "http"), ("all_proxy", "https")] {
        let env = Environment::from_iter([(variable, format!("http://u:pa55@127.0.0.1:{port}"))]);
        let error =
            get(&persistent().environment(env).build().unwrap(), &format!("{target}://{NAME}/")).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Connect, 5));
        mentions(&error, &["proxy", &format!("127.0.0.1:{port}"), variable, "refused"]);
        assert!(!format!("{error:?} {}", error.report()).contains("pa55"));
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_trusted_is_not_mistaken_for_the_server() {
    let (_, port, _) = https_server("localhost").await;
    let env = Environment::from_iter([("HTTPS_PROXY", format!("https://localhost:{port}"))]);
    let error = ends_at_once(persistent().environment(env), &format!("https://{NAME}/")).await;
    mentions(&error, &["the certificate of the proxy https://localhost", "HTTPS_PROXY"]);
}

#[tokio::test]
async fn a_proxy_that_is_no_proxy_is_told() {
    let port = talkative("SSH-2.0-OpenSSH_9.6\r\n").await;
    let env = Environment::from_iter([("HTTPS_PROXY", format!("127.0.0.1:{port}"))]);
    let error = ends_at_once(persistent().environment(env), &format!("https://{NAME}/")).await;
    mentions(&error, &["is not HTTP", "HTTPS_PROXY"]);
    // A web server in place of a proxy.
    let port = talkative("HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n").await;
    let env = Environment::from_iter([("HTTPS_PROXY", format!("127.0.0.1:{port}"))]);
    let error = ends_at_once(persistent().environment(env), &format!("https://{NAME}/")).await;
    mentions(&error, &["refuses to connect", "405", "HTTPS_PROXY", "NO_PROXY"]);
}
