//! A workspace and its storage that have every response ready: parts are taken and forgotten, ranges lie in memory.

use std::convert::Infallible;
use std::io::Write as _;
use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::{PART, PARTS};

pub(crate) const PATH: &str = "/Volumes/main/default/data/bench";

/// The file.
pub(crate) fn content() -> Vec<u8> {
    (0..PART * PARTS).map(|at| (at % 251) as u8).collect()
}

pub(crate) fn run() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let state = Arc::new((url.clone(), Bytes::from(content())));
        let mut output = std::io::stdout();
        writeln!(output, "{url}")?;
        output.flush()?;
        loop {
            let (stream, _) = listener.accept().await?;
            let state = Arc::clone(&state);
            let service = service_fn(move |request| respond(Arc::clone(&state), request));
            let http = hyper::server::conn::http1::Builder::new();
            tokio::spawn(async move {
                // A client that goes away is none of the server's business.
                let _ = http.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    })
}

type State = Arc<(String, Bytes)>;

async fn respond(state: State, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, mut body) = request.into_parts();
    let (url, content) = &*state;
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    let mut response = Response::new(Full::default());
    if head.method == Method::PUT {
        while let Some(frame) = body.frame().await {
            if frame.is_err() {
                break;
            }
        }
        response.headers_mut().insert(header::ETAG, header::HeaderValue::from_static("tag"));
        return Ok(response);
    }
    let json = match path {
        "/api/2.0/fs/create-upload-part-urls" => {
            let asked = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            let asked: serde_json::Value = serde_json::from_slice(&asked).unwrap_or_default();
            let first = asked["start_part_number"].as_u64().unwrap_or(1);
            let links = (first..first + asked["count"].as_u64().unwrap_or(1)).map(
                |number| serde_json::json!({"part_number": number, "url": format!("{url}/parts/{number}"), "headers": []}),
            );
            Some(serde_json::json!({"upload_part_urls": links.collect::<Vec<_>>()}))
        }
        "/api/2.0/fs/create-download-url" => Some(serde_json::json!({"url": format!("{url}/content"), "headers": []})),
        _ if query.contains("action=initiate-upload") => {
            Some(serde_json::json!({"multipart_upload": {"session_token": "session"}}))
        }
        _ if query.contains("action=complete-upload") => Some(serde_json::json!({})),
        _ => None,
    };
    if let Some(json) = json {
        *response.body_mut() = Full::from(json.to_string());
        return Ok(response);
    }
    let is_content = path == "/content" || path.ends_with(PATH);
    if !is_content {
        *response.status_mut() = StatusCode::NOT_FOUND;
        return Ok(response);
    }
    let headers = response.headers_mut();
    headers.insert(header::LAST_MODIFIED, header::HeaderValue::from_static("Tue, 01 Jul 2025 10:00:00 GMT"));
    if head.method == Method::HEAD {
        headers.insert(header::CONTENT_LENGTH, header::HeaderValue::from(content.len()));
        return Ok(response);
    }
    let range = head.headers.get(header::RANGE).and_then(|range| range.to_str().ok()?.strip_prefix("bytes="));
    let range = range.and_then(|range| range.split_once('-'));
    let (first, end) = range.map_or((0, content.len()), |(first, last)| {
        let last = last.parse::<usize>().map_or(content.len(), |last| (last + 1).min(content.len()));
        (first.parse().unwrap_or(0).min(last), last)
    });
    if range.is_some() {
        let stated = format!("bytes {first}-{}/{}", end.saturating_sub(1), content.len());
        if let Ok(stated) = header::HeaderValue::from_str(&stated) {
            headers.insert(header::CONTENT_RANGE, stated);
        }
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    *response.body_mut() = Full::new(content.slice(first..end));
    Ok(response)
}
