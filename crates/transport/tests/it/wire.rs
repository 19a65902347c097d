//! What goes over the wire, seen by a mock server.

use databricks_core::body::Part;
use databricks_core::{AuthHeaders, Body, Credentials, ErrorKind, Result, Secret, SharedCredentials};
use databricks_transport::{CallOptions, Client, RetryPolicy, UserAgent, multipart, read_body};
use http::Request;
use httpmock::MockServer;
use tokio::io::AsyncWriteExt as _;

use crate::server::{client, get, listen, persistent, read_head};

#[derive(Debug)]
struct Token;

impl Credentials for Token {
    fn auth_type(&self) -> &str {
        "pat"
    }
    async fn headers(&self) -> Result<AuthHeaders> {
        AuthHeaders::bearer(&Secret::from("dapi123"))
    }
}

#[tokio::test]
async fn a_request_says_who_it_is_from() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.method("GET")
                .path("/api/2.0/x")
                .header("authorization", "Bearer dapi123")
                .header_includes("accept-encoding", "gzip")
                .header("x-team", "blue")
                .header_matches("user-agent", "^app/1.0.0 databricks-sdk-rust/.* auth/pat sdk-feature/pagination$")
                .header_matches("traceparent", "^00-[0-9a-f]{32}-[0-9a-f]{16}-01$");
            then.status(200).body("{}");
        })
        .await;
    let agent = UserAgent::new(&databricks_transport::Environment::empty()).product("app", "1.0.0").unwrap();
    let client =
        client().user_agent(agent).header("X-Team", "blue").credentials(SharedCredentials::new(Token)).build().unwrap();
    let mut request = Request::get(server.url("/api/2.0/x")).body(Body::empty()).unwrap();
    request.extensions_mut().insert(CallOptions::new().user_agent_extra("sdk-feature", "pagination"));
    client.send(request).await.unwrap();
    mock.assert_async().await;
}

#[tokio::test]
async fn siblings_share_everything_but_credentials() {
    let server = MockServer::start_async().await;
    let anonymous = server
        .mock_async(|when, then| {
            when.path("/a").header_missing("authorization");
            then.status(200).body("1");
        })
        .await;
    let signed_in = client().credentials(SharedCredentials::new(Token)).build().unwrap();
    get(&signed_in.without_credentials(), &server.url("/a")).await.unwrap();
    anonymous.assert_async().await;
    let own = databricks_core::Origin::of(&server.url("/").parse().unwrap()).unwrap();
    let elsewhere = databricks_core::Origin::of(&"https://other.example/".parse().unwrap()).unwrap();
    get(&signed_in.for_origin(elsewhere), &server.url("/a")).await.unwrap();
    assert_eq!(anonymous.calls_async().await, 2);
    assert!(get(&signed_in.for_origin(own), &server.url("/a")).await.is_err(), "its own host gets the credentials");
}

#[tokio::test]
async fn a_form_is_sent_whole_a_second_time() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.method("POST").body_includes("name=\"content\"; filename=\"a.csv\"").body_includes("payload");
            then.status(503).header("retry-after", "0");
        })
        .await;
    let parts = vec![
        Part::field("path", "/x"),
        Part::file("content", "a.csv", Body::from_factory(Some(7), || Body::from("payload").into_stream())),
    ];
    let (content_type, body) = multipart(parts).unwrap();
    let request = Request::post(server.url("/")).header("content-type", content_type).body(body).unwrap();
    let client = persistent().retry(RetryPolicy::default().max_attempts(3)).build().unwrap();
    let error = client.send(request).await.unwrap_err();
    assert_eq!((error.attempts(), error.retries_exhausted()), (3, true));
    assert_eq!(mock.calls_async().await, 3);
}

#[tokio::test]
async fn building_and_dropping_a_client_needs_no_runtime() {
    std::thread::spawn(|| drop(Client::builder().build().unwrap().service())).join().unwrap();
}

/// Sends the start of a response to a server that then states no more, and lets the time of the test run once it was
/// sent.
async fn silent_after(start: &'static str, stream: bool) -> Result<http::Response<Body>> {
    let (sent, mut was_sent) = tokio::sync::mpsc::unbounded_channel();
    let address = listen(move |mut stream| {
        let sent = sent.clone();
        async move {
            read_head(&mut stream).await;
            stream.write_all(start.as_bytes()).await.unwrap();
            sent.send(()).unwrap();
            std::future::pending::<()>().await;
        }
    })
    .await;
    let mut request = Request::get(format!("http://{address}/")).body(Body::empty()).unwrap();
    request.extensions_mut().insert(CallOptions::new().stream_response(stream));
    let client = client().build().unwrap();
    let call = tokio::spawn(async move { client.send(request).await });
    was_sent.recv().await.unwrap();
    if !stream {
        tokio::time::pause();
    }
    call.await.unwrap()
}

#[tokio::test]
async fn silence_ends_an_attempt() {
    for start in ["", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na"] {
        let error = silent_after(start, false).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
        assert!(error.to_string().contains("60s"), "{error}");
        tokio::time::resume();
    }
    // As a stream the response begins; its reader gets the error.
    let response = silent_after("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na", true).await.unwrap();
    tokio::time::pause();
    let error = read_body(response.into_body(), 100).await.unwrap_err();
    assert_eq!((error.kind(), error.status().map(|status| status.as_u16())), (ErrorKind::Timeout, Some(200)));
}

#[tokio::test]
async fn bodies_of_any_size_pass_in_constant_memory() {
    // 256 MiB down: more than is ever read at once by default would be refused, a stream is not.
    const PIECE: usize = 1 << 20;
    const PIECES: usize = 256;
    let address = listen(|mut stream| async move {
        read_head(&mut stream).await;
        let piece = vec![7u8; PIECE];
        let _ =
            stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", PIECE * PIECES).as_bytes()).await;
        for _ in 0..PIECES {
            if stream.write_all(&piece).await.is_err() {
                return;
            }
        }
    })
    .await;
    let mut request = Request::get(format!("http://{address}/")).body(Body::empty()).unwrap();
    request.extensions_mut().insert(CallOptions::new().stream_response(true));
    let mut stream = client().build().unwrap().send(request).await.unwrap().into_body().into_stream();
    let (mut total, mut largest) = (0, 0);
    while let Some(piece) = futures_util::StreamExt::next(&mut stream).await {
        let piece = piece.unwrap();
        total += piece.len();
        largest = largest.max(piece.len());
    }
    assert_eq!(total, PIECE * PIECES);
    assert!(largest <= PIECE, "{largest}");
}

#[tokio::test]
async fn a_body_that_fails_while_it_is_sent_keeps_its_own_error() {
    let server = MockServer::start_async().await;
    let pieces = futures_util::stream::iter([
        Ok("x".into()),
        Err(databricks_core::Error::new(ErrorKind::Io, "the disk is gone")),
    ]);
    let request = Request::post(server.url("/")).body(Body::from_stream(Some(10), Box::pin(pieces))).unwrap();
    let error = client().retry(RetryPolicy::default()).build().unwrap().send(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error:?}");
    assert!(error.to_string().contains("the disk is gone"));
    assert_eq!(error.attempts(), 1);
}

#[tokio::test]
async fn header_values_with_line_breaks_are_refused_before_anything_is_sent() {
    let error = Client::builder().header("x-a", "b\r\nx-c: d").build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("x-a"));
}
