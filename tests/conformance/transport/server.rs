//! A server that responds by the script of a case, with all the faults that the cases ask for.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize as _;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use super::script::Script;
use super::text;
use super::wire;

/// Serves connections until the runtime ends.
pub(crate) async fn serve(listener: TcpListener, script: Arc<Script>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        tokio::spawn(connection(stream, Arc::clone(&script)));
    }
}

async fn connection(mut stream: TcpStream, script: Arc<Script>) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    while let Some(request) = wire::read(&mut stream, &mut buffer).await? {
        if request.path() == "/.well-known/databricks-config" {
            stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await?;
            continue;
        }
        let Some(respond) = script.response(&request) else {
            stream.write_all(b"HTTP/1.1 418 Unscripted\r\nContent-Length: 0\r\n\r\n").await?;
            continue;
        };
        if !response(&mut stream, &respond, request.method == "HEAD").await? {
            return Ok(());
        }
    }
    Ok(())
}

/// Responds; `false` if the connection is to be dropped.
async fn response(stream: &mut TcpStream, respond: &Value, head: bool) -> std::io::Result<bool> {
    let pause = |name: &str| respond[name].as_u64().map(Duration::from_millis);
    if let Some(delay) = pause("delay_ms") {
        tokio::time::sleep(delay).await;
    }
    if respond["close"].as_bool().unwrap_or(false) {
        return Ok(false);
    }
    let (mut body, media_type) = body(&respond["body"]);
    let headers = respond["headers"].as_object().cloned().unwrap_or_default();
    let given = |name: &str| headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    if given("content-encoding").is_some_and(|value| value == "gzip") {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&body)?;
        body = encoder.finish()?;
    }
    let status = respond["status"].as_u64().unwrap_or(200);
    let reason = match respond["reason"].as_str() {
        Some(reason) => reason.to_owned(),
        None => http::StatusCode::from_u16(status as u16)
            .ok()
            .and_then(|s| s.canonical_reason())
            .unwrap_or("Status")
            .to_owned(),
    };
    let chunked = respond["chunked"].as_bool().unwrap_or(false);
    let mut start = format!("HTTP/1.1 {status} {reason}\r\n");
    for (name, value) in &headers {
        for value in value.as_array().unwrap_or(&vec![value.clone()]) {
            start += &format!("{name}: {}\r\n", value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
    }
    if given("content-type").is_none()
        && let Some(media_type) = media_type
    {
        start += &format!("Content-Type: {media_type}\r\n");
    }
    if chunked {
        start += "Transfer-Encoding: chunked\r\n";
    } else if given("content-length").is_none() && status != 204 {
        start += &format!("Content-Length: {}\r\n", body.len());
    }
    stream.write_all(format!("{start}\r\n").as_bytes()).await?;
    if head || status == 204 {
        return Ok(true);
    }
    if let Some(bytes) = respond["close_after_bytes"].as_u64() {
        stream.write_all(&body[..(bytes as usize).min(body.len())]).await?;
        stream.flush().await?;
        return Ok(false);
    }
    if let Some(bytes) = respond["stall_after_bytes"].as_u64() {
        stream.write_all(&body[..(bytes as usize).min(body.len())]).await?;
        stream.flush().await?;
        tokio::time::sleep(pause("stall_ms").unwrap_or_default()).await;
        return Ok(false);
    }
    let (piece, every) = match respond.get("drip") {
        Some(drip) => (
            drip["chunk_bytes"].as_u64().unwrap_or(1) as usize,
            Duration::from_millis(drip["every_ms"].as_u64().unwrap_or(0)),
        ),
        None => (body.len().max(1), Duration::ZERO),
    };
    for (i, piece) in body.chunks(piece).enumerate() {
        if i > 0 {
            tokio::time::sleep(every).await;
        }
        if chunked {
            stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
        }
        stream.write_all(piece).await?;
        if chunked {
            stream.write_all(b"\r\n").await?;
        }
    }
    if chunked {
        stream.write_all(b"0\r\n\r\n").await?;
    }
    Ok(true)
}

/// The bytes of a scripted body, and the media type that fits.
fn body(body: &Value) -> (Vec<u8>, Option<&'static str>) {
    if let Some(json) = body.get("json") {
        return (spaced(json), Some("application/json"));
    }
    if let Some(html) = body.get("html") {
        return (html.as_str().unwrap_or_default().into(), Some("text/html"));
    }
    if body.get("text").is_some() {
        return (text(body, "text").into(), Some("text/plain"));
    }
    if body.get("base64").is_some() {
        return (STANDARD.decode(text(body, "base64")).expect("base64 of a case"), Some("application/octet-stream"));
    }
    if let Some(bytes) = body.get("bytes") {
        return (generated(bytes), Some("application/octet-stream"));
    }
    (Vec::new(), None)
}

/// Generated bytes: byte *i* has the value *i mod 251*.
pub(crate) fn generated(bytes: &Value) -> Vec<u8> {
    let offset = bytes["offset"].as_u64().unwrap_or(0);
    let length = bytes["length"].as_u64().unwrap_or(0);
    (offset..offset + length).map(|i| (i % 251) as u8).collect()
}

/// JSON with a blank after each comma and colon, as the cases were recorded.
fn spaced(value: &Value) -> Vec<u8> {
    struct Spaced;
    impl serde_json::ser::Formatter for Spaced {
        fn begin_array_value<W: ?Sized + std::io::Write>(&mut self, w: &mut W, first: bool) -> std::io::Result<()> {
            if first { Ok(()) } else { w.write_all(b", ") }
        }
        fn begin_object_key<W: ?Sized + std::io::Write>(&mut self, w: &mut W, first: bool) -> std::io::Result<()> {
            if first { Ok(()) } else { w.write_all(b", ") }
        }
        fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, w: &mut W) -> std::io::Result<()> {
            w.write_all(b": ")
        }
    }
    let mut bytes = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Spaced)).expect("JSON of a case");
    bytes
}
