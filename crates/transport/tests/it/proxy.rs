//! Proxies: one of our own that shows what it was asked, and tinyproxy, which is not ours.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use databricks_core::ErrorKind;
use databricks_transport::{Environment, ProxyOptions, RetryPolicy};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::server::{Seen, client, get, listen, read_head, respond_all};

/// A name that only the proxies here know: what is at a loopback address is never asked through a proxy.
const NAME: &str = "workspace.invalid";

/// A proxy for both ways: absolute-form requests and tunnels, which lead to this port of this machine whatever they are
/// for. Wants this `Proxy-Authorization` if there is one.
async fn proxy(wanted: Option<&'static str>, port: u16) -> (String, Seen) {
    let seen = Seen::default();
    let seen_too = seen.clone();
    let address = listen(move |mut stream: TcpStream| {
        let seen = seen_too.clone();
        async move {
            let head = read_head(&mut stream).await;
            seen.add(head.clone());
            let given = header(&head, "proxy-authorization");
            if wanted.is_some() && given.as_deref() != wanted {
                let _ =
                    stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n").await;
                return;
            }
            let mut words = head.split(' ');
            let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default().to_owned());
            if method == "CONNECT" {
                let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else {
                    let _ = stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await;
                    return;
                };
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
            } else {
                let body = format!("{{\"target\":\"{target}\"}}");
                let response = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(response.as_bytes()).await;
            }
        }
    })
    .await;
    (format!("127.0.0.1:{}", address.port()), seen)
}

fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        line.split_once(':')
            .filter(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
    })
}

#[tokio::test]
async fn plain_requests_name_the_whole_url_and_sign_in() {
    let (address, seen) = proxy(Some("Basic dTpw"), 9).await;
    let env = Environment::from_iter([("HTTP_PROXY", format!("http://u:p@{address}"))]);
    let client = client().environment(env).build().unwrap();
    let body = get(&client, "http://workspace.invalid/api/2.0/x?a=1").await.unwrap();
    assert_eq!(body, r#"{"target":"http://workspace.invalid/api/2.0/x?a=1"}"#);
    assert_eq!(header(&seen.all()[0], "host").as_deref(), Some("workspace.invalid"));
}

#[tokio::test]
async fn tunnels_authenticate_and_what_passes_them_does_not() {
    let (authority, port, server) = crate::tls::https_server(NAME).await;
    let (address, seen) = proxy(Some("Basic dTpw"), port).await;
    let options = ProxyOptions::new(format!("http://{address}")).basic_auth("u", "p".into());
    let client = client().proxy(options).tls(authority).build().unwrap();
    assert_eq!(get(&client, &format!("https://{NAME}/api/2.0/x")).await.unwrap(), r#"{"ok":true}"#);
    let head = seen.all().remove(0);
    assert!(head.starts_with(&format!("CONNECT {NAME}:443 HTTP/1.1")), "{head}");
    assert!(
        header(&server.all()[0], "proxy-authorization").is_none(),
        "what is for the proxy must not reach the server"
    );
}

#[tokio::test]
async fn refused_authentication_is_final_and_says_what_to_do() {
    let (address, seen) = proxy(Some("Basic dTpw"), 9).await;
    let client = client()
        .retry(RetryPolicy::default())
        .proxy(ProxyOptions::new(format!("http://u:pa55@{address}")))
        .build()
        .unwrap();
    let error = get(&client, "https://workspace.invalid/").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect, "{error:?}");
    assert!(error.is_permanent() && error.to_string().contains("proxy"), "{error}");
    assert!(!format!("{error:?} {}", error.report()).contains("pa55"));
    assert_eq!(seen.all().len(), 1);
}

#[tokio::test]
async fn no_proxy_and_code_beat_the_environment() {
    let (address, seen) = proxy(None, 9).await;
    let url = format!("http://{NAME}/");
    let proxy = ("HTTP_PROXY", address.as_str());
    get(&client().environment([proxy].into_iter().collect()).build().unwrap(), &url).await.unwrap();
    assert_eq!(seen.all().len(), 1);
    let exempt = client().environment([proxy, ("NO_PROXY", ".invalid")].into_iter().collect());
    let direct = client().environment([proxy].into_iter().collect()).proxy(ProxyOptions::none());
    for client in [exempt, direct] {
        let error = get(&client.build().unwrap(), &url).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect);
        assert!(error.to_string().contains("cannot be resolved"), "{error}");
    }
    assert_eq!(seen.all().len(), 1);
}

#[tokio::test]
async fn this_machine_is_never_asked_through_a_proxy() {
    let seen = Seen::default();
    let direct = seen.clone();
    let target = listen(move |stream| respond_all(stream, direct.clone())).await;
    let (address, proxied) = proxy(None, 9).await;
    let env: Environment =
        ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].map(|name| (name, address.clone())).into_iter().collect();
    for client in [client().environment(env), client().proxy(ProxyOptions::new(format!("http://{address}")))] {
        let client = client.build().unwrap();
        for host in ["127.0.0.1", "localhost"] {
            get(&client, &format!("http://{host}:{}/", target.port())).await.unwrap();
        }
    }
    assert_eq!(seen.all().len(), 4);
    assert!(proxied.all().is_empty());
}

/// tinyproxy with this configuration, ended when dropped.
struct Tinyproxy {
    child: Child,
    port: u16,
    _config: tempfile::NamedTempFile,
}

impl Drop for Tinyproxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts tinyproxy. Without the program the test is skipped, unless `DATABRICKS_TEST_TINYPROXY` is set: then it fails.
async fn tinyproxy(more: &str) -> Option<Tinyproxy> {
    for _ in 0..20 {
        // Below the ports that systems hand out, so that no server of another test gets it meanwhile.
        let port = fastrand::u16(15_000..30_000);
        let config = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            config.path(),
            format!("Port {port}\nListen 127.0.0.1\nTimeout 30\nAllow 127.0.0.1\nMaxClients 20\n{more}"),
        )
        .unwrap();
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_err() {
            continue;
        }
        let started = Command::new("tinyproxy")
            .arg("-d")
            .arg("-c")
            .arg(config.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = match started {
            Ok(child) => child,
            Err(error) => {
                assert!(
                    std::env::var_os("DATABRICKS_TEST_TINYPROXY").is_none(),
                    "tinyproxy cannot be started: {error}"
                );
                eprintln!("skipped: tinyproxy is not installed");
                return None;
            }
        };
        let mut proxy = Tinyproxy { child, port, _config: config };
        // It ends if it cannot have the port, and listens some time else.
        while proxy.child.try_wait().unwrap().is_none() {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Some(proxy);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    panic!("tinyproxy ends at once");
}

/// The environment of a client behind tinyproxy.
fn through(port: u16, user: &str) -> Environment {
    let url = format!("http://{user}127.0.0.1:{port}");
    Environment::from_iter([("HTTP_PROXY", url.clone()), ("HTTPS_PROXY", url)])
}

/// A client that repeats a GET whose connection is lost, as programs do: now and then tinyproxy resets one under load.
fn patient() -> databricks_transport::ClientBuilder {
    client().retry(RetryPolicy::default())
}

#[tokio::test]
async fn tinyproxy_passes_plain_requests() {
    let (next, seen) = proxy(None, 9).await;
    let Some(proxy) = tinyproxy(&format!("Upstream http {next}\n")).await else { return };
    let client = patient().environment(through(proxy.port, "")).build().unwrap();
    assert_eq!(
        get(&client, &format!("http://{NAME}/api/2.0/x")).await.unwrap(),
        format!(r#"{{"target":"http://{NAME}:80/api/2.0/x"}}"#)
    );
    let head = seen.all().remove(0);
    assert!(header(&head, "via").is_some(), "the request did not pass the proxy: {head}");
}

#[tokio::test]
async fn tinyproxy_passes_tunnels() {
    let (authority, port, seen) = crate::tls::https_server(NAME).await;
    let (next, _) = proxy(None, port).await;
    let Some(proxy) = tinyproxy(&format!("Upstream http {next}\nConnectPort 443\nBasicAuth user pass\n")).await else {
        return;
    };
    let url = format!("https://{NAME}/api/2.0/x");
    let known = patient().tls(authority.clone()).environment(through(proxy.port, "user:pass@")).build().unwrap();
    assert_eq!(get(&known, &url).await.unwrap(), r#"{"ok":true}"#);
    let before = seen.all().len();
    assert!(header(&seen.all()[0], "proxy-authorization").is_none(), "what is for the proxy must not reach the server");

    let stranger = patient().tls(authority).environment(through(proxy.port, "user:wrong@")).build().unwrap();
    let error = get(&stranger, &url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect, "{error:?}");
    assert!(error.is_permanent() && error.to_string().contains("user and password"), "{error}");
    assert_eq!(seen.all().len(), before);

    // Another port than the one it may connect to.
    let other = patient().environment(through(proxy.port, "user:pass@")).build().unwrap();
    let error = get(&other, &format!("https://{NAME}:1/")).await.unwrap_err();
    assert!(error.is_permanent() && error.to_string().contains("refuses to connect"), "{error}");
}

#[tokio::test]
async fn tinyproxy_refuses_plain_requests_of_strangers() {
    let (next, seen) = proxy(None, 9).await;
    let Some(proxy) = tinyproxy(&format!("Upstream http {next}\nBasicAuth user pass\n")).await else { return };
    let url = format!("http://{NAME}/");
    let client_of = |user: &str| patient().environment(through(proxy.port, user)).build().unwrap();
    get(&client_of("user:pass@"), &url).await.unwrap();
    let before = seen.all().len();
    let error = get(&client_of("user:wrong@"), &url).await.unwrap_err();
    // tinyproxy responses 407 to who gives no password and 401 to who gives a wrong one.
    assert!(matches!(error.status().map(|status| status.as_u16()), Some(401 | 407)), "{error:?}");
    assert_eq!(seen.all().len(), before);
}
