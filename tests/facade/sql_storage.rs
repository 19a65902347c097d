//! Storage that is slow, down, or sends what is too large to hold.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use databricks_arrow::ArrowExt as _;
use databricks_sdk::sql::Query;
use databricks_sdk::{Config, ErrorKind, Timestamp, WorkspaceClient};
use databricks_tests::JumpClock;
use httpmock::{Method::GET, Method::POST, MockServer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

fn client(server: &MockServer, clock: &JumpClock) -> WorkspaceClient {
    let config = Config::hermetic().host(server.base_url()).token("tok");
    WorkspaceClient::new(config.clock(clock.clone())).unwrap()
}

/// A service whose statement has one chunk, at this URL.
async fn service(format: &str, bytes: Option<i64>, url: impl Fn(&MockServer) -> String) -> MockServer {
    let server = MockServer::start_async().await;
    let mut link = json!({"chunk_index": 0, "row_count": 1, "external_link": url(&server)});
    if let Some(bytes) = bytes {
        link["byte_count"] = bytes.into();
    }
    let schema = json!({"columns": [{"name": "a", "position": 0, "type_name": "INT", "type_text": "INT"}]});
    let manifest = json!({"format": format, "schema": schema, "total_chunk_count": 1, "total_row_count": 1});
    let body = json!({"statement_id": "s-1", "status": {"state": "SUCCEEDED"}, "manifest": manifest, "result": {"external_links": [link]}});
    server.mock(|when, then| {
        when.method(POST).path("/api/2.0/sql/statements");
        then.status(200).json_body(body);
    });
    server
}

fn at_storage(server: &MockServer) -> String {
    server.url("/storage/0?sig=SECRET")
}

fn query(w: &WorkspaceClient) -> Query {
    w.sql("SELECT a").warehouse("w")
}

#[tokio::test]
async fn a_pause_that_the_storage_asks_for_ends_with_the_timeout_or_with_patience() {
    let clock = JumpClock::default();
    let down = async |seconds: &str| {
        let server = service("JSON_ARRAY", Some(3), at_storage).await;
        server.mock(|when, then| {
            when.method(GET).path("/storage/0");
            then.status(503).header("retry-after", seconds);
        });
        server
    };
    let server = down("60").await;
    let error = query(&client(&server, &clock)).timeout(Duration::from_secs(50)).rows::<i32>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WaitTimeout, "{error}");
    assert_eq!(error.statement().unwrap().statement_id(), "s-1");
    assert!(error.to_string().contains("query's timeout of 50.0s"), "{error}");
    let server = down("86400").await;
    for timeout in [None, Some(Duration::from_secs(50))] {
        let w = client(&server, &clock);
        let query = timeout.into_iter().fold(query(&w), Query::timeout);
        let error = query.rows::<i32>().await.unwrap_err();
        assert_eq!(error.status().map(|status| status.as_u16()), Some(503));
        assert!(error.to_string().contains("86400s") && !error.report().contains("SECRET"), "{error}");
    }
    assert!(clock.sleeps().is_empty(), "nothing is waited for in vain");
}

#[tokio::test]
async fn no_pause_asked_for_is_still_a_pause() {
    for retry_after in [None, Some("0"), Some("7")] {
        let server = service("JSON_ARRAY", Some(3), at_storage).await;
        let storage = server.mock(|when, then| {
            when.method(GET).path("/storage/0");
            let then = then.status(500);
            if let Some(seconds) = retry_after {
                then.header("retry-after", seconds);
            }
        });
        let clock = JumpClock::default();
        query(&client(&server, &clock)).rows::<i32>().await.unwrap_err();
        assert_eq!(storage.calls_async().await, 4);
        let least = if retry_after == Some("7") { Duration::from_secs(7) } else { Duration::from_millis(100) };
        let sleeps = clock.sleeps();
        assert!(
            sleeps.len() == 3 && sleeps.iter().all(|sleep| (least..=Duration::from_secs(8)).contains(sleep)),
            "{sleeps:?}"
        );
    }
}

/// A storage that accepts connections and then does this with each.
async fn storage<F: Future<Output = ()> + Send>(serve: impl Fn(tokio::net::TcpStream) -> F + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).await.is_ok_and(|n| n == 1) {
                request.push(byte[0]);
            }
            serve(stream).await;
        }
    });
    format!("http://{address}/0")
}

#[tokio::test]
async fn the_timeout_covers_a_storage_that_says_nothing() {
    let url = storage(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let server = service("JSON_ARRAY", Some(3), |_| url.clone()).await;
    let error = query(&client(&server, &JumpClock::default()))
        .timeout(Duration::from_millis(200))
        .rows::<i32>()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WaitTimeout, "{error}");
}

#[tokio::test]
async fn more_bytes_than_a_chunk_of_its_size_has_are_not_taken() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = sent.clone();
    // An endless body, plain and of a claimed length.
    let url = storage(move |mut stream| {
        let counted = counted.clone();
        async move {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
            let mut piece = b"100000\r\n".to_vec();
            piece.resize(piece.len() + 0x10_0000, b' ');
            piece.extend(b"\r\n");
            while stream.write_all(&piece).await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await;
    let server = service("JSON_ARRAY", Some(3), |_| url.clone()).await;
    let error = query(&client(&server, &JumpClock::default())).rows::<i32>().await.unwrap_err();
    assert!(error.kind() == ErrorKind::Decode && error.to_string().contains("storage sends more than"), "{error}");
    assert!(sent.load(Ordering::SeqCst) < 100, "an endless body is left after 64 MiB");

    let long = storage(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1099511627776\r\n\r\n").await;
    })
    .await;
    let server = service("JSON_ARRAY", None, |_| long.clone()).await;
    let error = query(&client(&server, &JumpClock::default())).rows::<i32>().await.unwrap_err();
    assert!(error.kind() == ErrorKind::Decode && error.to_string().contains("storage sends more than"), "{error}");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn what_comes_compressed_is_unpacked_up_to_the_bound() {
    let mut bomb = b"[[\"1\"]".to_vec();
    bomb.resize(80 << 20, b' ');
    bomb.push(b']');
    let members = [gzip(b"[[\"1\""), gzip(b"]]")].concat();
    for (body, coding, read) in [
        (gzip(b"[[\"1\"]]"), "gzip", Some(vec![1])),
        (gzip(b"[[\"1\"]]"), "X-GZIP", Some(vec![1])),
        (members, "gzip", Some(vec![1])),
        (gzip(&bomb), "gzip", None),
        (gzip(b"[[\"1\"]]")[..20].to_vec(), "gzip", None),
        (b"[[\"1\"]]".to_vec(), "br", None),
    ] {
        let server = service("JSON_ARRAY", Some(3), at_storage).await;
        let storage = server.mock(|when, then| {
            when.method(GET).path("/storage/0").header("accept-encoding", "gzip");
            then.status(200).header("content-encoding", coding).body(body);
        });
        let outcome = query(&client(&server, &JumpClock::default())).rows::<i32>().await;
        match read {
            Some(rows) => assert_eq!(outcome.unwrap(), rows),
            None => assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Decode, "{coding}"),
        }
        assert_eq!(storage.calls_async().await, 1, "what cannot be read now cannot be read later");
    }
}

#[tokio::test]
async fn harmful_arrow_streams_are_errors() {
    let inputs = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/arrow/tests/inputs");
    let mut names: Vec<_> = std::fs::read_dir(inputs).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| !path.ends_with("schema_only.arrow"));
    assert_eq!(names.len(), 8);
    for path in names {
        let server = service("ARROW_STREAM", Some(3), at_storage).await;
        let bytes = std::fs::read(&path).unwrap();
        server.mock(|when, then| {
            when.method(GET).path("/storage/0");
            then.status(200).body(bytes);
        });
        let mut batches = query(&client(&server, &JumpClock::default())).batches();
        let error = batches.try_next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{path:?}: {error}");
        assert!(error.to_string().contains("chunk 0") && error.to_string().contains("s-1"), "{error}");
        assert!(batches.try_next().await.unwrap().is_none(), "after an error there is nothing");
    }
}

/// A service whose statement gives these rows of these columns.
async fn rows_of(columns: Value, rows: Value) -> MockServer {
    let server = MockServer::start_async().await;
    let manifest =
        json!({"format": "JSON_ARRAY", "schema": {"columns": columns}, "total_chunk_count": 1, "truncated": false});
    let result = json!({"chunk_index": 0, "data_array": rows});
    let body = json!({"statement_id": "s-1", "status": {"state": "SUCCEEDED"}, "manifest": manifest, "result": result});
    server.mock(|when, then| {
        when.method(POST).path("/api/2.0/sql/statements");
        then.status(200).json_body(body);
    });
    server
}

fn column(name: &str, kind: &str) -> Value {
    json!({"name": name, "type_name": kind, "type_text": kind})
}

#[tokio::test]
async fn timestamps_read_to_the_last_moment_of_the_calendar() {
    let rows = json!([
        ["1", "2024-01-01T00:00:00.000Z"],
        ["2", "9999-12-31T00:00:00.000Z"],
        ["3", "9999-12-31T23:59:59.999999Z"],
        ["4", "0001-01-01T00:00:00.000Z"],
    ]);
    let server = rows_of(json!([column("id", "INT"), column("valid_to", "TIMESTAMP")]), rows).await;
    let read: Vec<(i64, Timestamp)> = query(&client(&server, &JumpClock::default())).rows().await.unwrap();
    let shown: Vec<_> = read.iter().map(|(_, at)| at.to_string()).collect();
    assert_eq!(
        shown,
        ["2024-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z"]
    );
}

#[tokio::test]
async fn values_that_json_cannot_hold_are_not_changed() {
    let columns = json!([column("d", "DOUBLE"), column("v", "VARIANT"), column("l", "ARRAY<DOUBLE>")]);
    let variant = r#"{"id":12345678901234567890123,"p":0.1234567890123456789,"n":1.5}"#;
    let server = rows_of(columns, json!([["NaN", variant, "[\"-Infinity\",1.5]"]])).await;
    let read = query(&client(&server, &JumpClock::default())).collect_json().await.unwrap();
    let variant = json!({"id": "12345678901234567890123", "p": "0.1234567890123456789", "n": 1.5});
    assert_eq!(read, [json!({"d": "NaN", "v": variant, "l": ["-Infinity", 1.5]})]);

    let server = rows_of(json!([column("a", "DOUBLE"), column("a", "STRING")]), json!([["1.5", "x"]])).await;
    let w = client(&server, &JumpClock::default());
    let error = query(&w).collect_json().await.unwrap_err();
    assert!(error.kind() == ErrorKind::Decode && error.to_string().contains("two columns are named a"), "{error}");
    assert_eq!(query(&w).rows::<(f64, String)>().await.unwrap(), [(1.5, "x".to_owned())]);
}
