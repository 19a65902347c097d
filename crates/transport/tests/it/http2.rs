//! Failures of HTTP/2 that state whether a request was processed (RFC 9113, sections 6.8 and 8.7).

use std::sync::{Arc, Mutex};

use databricks_core::ErrorKind;
use databricks_transport::{ClientBuilder, TlsOptions};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::server::{Seen, client, get, listen, persistent, post, respond_all};
use crate::tls::server_config;

const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;
const CANCEL: u32 = 8;
const ENHANCE_YOUR_CALM: u32 = 11;
const HTTP_1_1_REQUIRED: u32 = 13;

/// What a server does with a request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Respond,
    Reset(u32),
    /// GOAWAY with a last stream below that of the request, then the end of the connection.
    GoAwayBelow(u32),
    /// GOAWAY that includes the request, then the end of the connection.
    GoAwayAt(u32),
    /// GOAWAY that includes the request, then its response.
    GoAwayGracefully,
    /// The head of a success and a part of its body.
    Cut,
    Close,
}

/// The connections, from 0, that requests came on.
#[derive(Clone, Default)]
struct Came(Arc<Mutex<Vec<usize>>>);

/// A server that does this with its first requests and responds to all others.
async fn serve(acts: Vec<Act>) -> (TlsOptions, String, Came, Seen) {
    let (tls, config) = server_config("localhost", &[b"h2", b"http/1.1"]);
    let (came, old) = (Came::default(), Seen::default());
    let (came_too, old_too) = (came.clone(), old.clone());
    let acts = Arc::new(Mutex::new(acts.into_iter()));
    let connections = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let address = listen(move |stream| {
        let (config, came, old, acts) = (Arc::clone(&config), came_too.clone(), old_too.clone(), Arc::clone(&acts));
        let number = connections.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async move {
            let Ok(stream) = tokio_rustls::TlsAcceptor::from(config).accept(stream).await else { return };
            if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
                return respond_all(stream, old).await;
            }
            let next = move || {
                came.0.lock().unwrap().push(number);
                acts.lock().unwrap().next().unwrap_or(Act::Respond)
            };
            let _ = speak(stream, next).await;
        }
    })
    .await;
    (tls, format!("https://localhost:{}/api/2.0/x", address.port()), came, old)
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

fn go_away(last: u32, code: u32) -> Vec<u8> {
    frame(7, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat())
}

/// Speaks just enough HTTP/2.
async fn speak(mut stream: impl AsyncRead + AsyncWrite + Unpin, mut next: impl FnMut() -> Act) -> std::io::Result<()> {
    const END_STREAM: u8 = 1;
    const ACK: u8 = 1;
    const END_HEADERS: u8 = 4;
    let status_200 = [0x88];
    stream.read_exact(&mut [0; 24]).await?;
    stream.write_all(&frame(4, 0, 0, &[])).await?;
    let mut act = Act::Respond;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        stream.read_exact(&mut payload).await?;
        let (kind, flags, id) = (head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]));
        match kind {
            4 if flags & ACK == 0 => stream.write_all(&frame(4, ACK, 0, &[])).await?,
            6 if flags & ACK == 0 => stream.write_all(&frame(6, ACK, 0, &payload)).await?,
            1 => act = next(),
            _ => {}
        }
        if !matches!(kind, 0 | 1) {
            continue;
        }
        match act {
            Act::Reset(code) => {
                if kind == 1 {
                    stream.write_all(&frame(3, 0, id, &code.to_be_bytes())).await?;
                }
            }
            Act::GoAwayBelow(code) => {
                stream.write_all(&go_away(id - 1, code)).await?;
                return stream.shutdown().await;
            }
            Act::GoAwayAt(code) => {
                stream.write_all(&go_away(id, code)).await?;
                return stream.shutdown().await;
            }
            Act::Cut => {
                stream.write_all(&frame(1, END_HEADERS, id, &status_200)).await?;
                stream.write_all(&frame(0, 0, id, b"{\"ok\"")).await?;
                return stream.shutdown().await;
            }
            Act::Close => return stream.shutdown().await,
            Act::Respond | Act::GoAwayGracefully if flags & END_STREAM != 0 => {
                if act == Act::GoAwayGracefully {
                    stream.write_all(&go_away(id, NO_ERROR)).await?;
                }
                stream.write_all(&frame(1, END_HEADERS, id, &status_200)).await?;
                stream.write_all(&frame(0, END_STREAM, id, b"{\"ok\":true}")).await?;
            }
            Act::Respond | Act::GoAwayGracefully => {}
        }
        stream.flush().await?;
    }
}

/// A request of this method to a server that does this with the first; what came of it.
async fn run(
    client: ClientBuilder,
    acts: Vec<Act>,
    is_post: bool,
) -> (databricks_core::Result<String>, Vec<usize>, usize) {
    let (tls, url, came, old) = serve(acts).await;
    let client = client.tls(tls).build().unwrap();
    let result = if is_post { post(&client, &url).await } else { get(&client, &url).await };
    let came = came.0.lock().unwrap().clone();
    (result, came, old.all().len())
}

const UNPROCESSED: [Act; 5] = [
    Act::Reset(REFUSED_STREAM),
    Act::GoAwayBelow(NO_ERROR),
    Act::GoAwayBelow(INTERNAL_ERROR),
    Act::GoAwayBelow(ENHANCE_YOUR_CALM),
    Act::Reset(HTTP_1_1_REQUIRED),
];

const UNCERTAIN: [Act; 5] = [
    Act::Reset(CANCEL),
    Act::Reset(INTERNAL_ERROR),
    Act::GoAwayAt(NO_ERROR),
    Act::GoAwayAt(INTERNAL_ERROR),
    Act::Close,
];

#[tokio::test]
async fn what_was_not_processed_is_sent_again_whatever_it_is() {
    for act in UNPROCESSED {
        for is_post in [true, false] {
            let (result, came, old) = run(persistent(), vec![act], is_post).await;
            assert_eq!(result.unwrap(), r#"{"ok":true}"#, "{act:?}");
            match act {
                Act::GoAwayBelow(_) => assert_eq!(came, [0, 1], "on a new connection: {act:?}"),
                Act::Reset(HTTP_1_1_REQUIRED) => assert_eq!((came.as_slice(), old), (&[0][..], 1), "over HTTP/1.1"),
                _ => assert_eq!(came.len(), 2, "{act:?}"),
            }
        }
    }
}

#[tokio::test]
async fn what_was_not_processed_did_not_run() {
    for act in UNPROCESSED {
        let (result, came, _) = run(client(), vec![act], true).await;
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect, "{act:?}: {error:?}");
        assert!(!error.maybe_executed() && !error.to_string().contains("may have"), "{act:?}: {error}");
        assert!(error.to_string().contains("did not process"), "{act:?}: {error}");
        assert_eq!(came.len(), 1);
    }
}

#[tokio::test]
async fn what_may_have_been_processed_is_not_sent_twice() {
    for act in UNCERTAIN {
        let (result, came, _) = run(persistent(), vec![act], true).await;
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{act:?}: {error:?}");
        assert!(error.maybe_executed(), "{act:?}: {error}");
        assert_eq!(came.len(), 1, "{act:?}");
        // A request that changes nothing is sent again.
        let (result, came, _) = run(persistent(), vec![act], false).await;
        result.unwrap();
        assert_eq!(came.len(), 2, "{act:?}");
    }
    let (result, came, _) = run(persistent(), vec![Act::Cut], true).await;
    let error = result.unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(200));
    assert!(error.maybe_executed(), "{error}");
    assert_eq!(came.len(), 1);
}

#[tokio::test]
async fn a_graceful_end_of_a_connection_is_not_noticed() {
    let (tls, url, came, _) = serve(vec![Act::GoAwayGracefully]).await;
    let client = client().tls(tls).build().unwrap();
    for _ in 0..3 {
        post(&client, &url).await.unwrap();
    }
    assert_eq!(*came.0.lock().unwrap(), [0, 1, 1]);
}

#[tokio::test]
async fn a_server_that_wants_http1_is_asked_so_from_then_on() {
    let (tls, url, came, old) = serve(vec![Act::Reset(HTTP_1_1_REQUIRED)]).await;
    let client = persistent().tls(tls).build().unwrap();
    for _ in 0..3 {
        post(&client, &url).await.unwrap();
    }
    assert_eq!((came.0.lock().unwrap().len(), old.all().len()), (1, 3));
}
