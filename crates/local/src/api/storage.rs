//! Result files behind signed links: the part that cloud storage plays for the real platform.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::auth::same_text;
use crate::extract::Query;
use crate::sql::links::Refused;
use crate::sql::store::Status;
use crate::state::App;

/// The header that links want when the workspace was built to ask for one.
pub(super) const KEY_HEADER: &str = "x-local-storage-key";
const BLOCK: usize = 256 * 1024;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/local/storage/{statement}/{chunk}", get(download))
}

async fn download(
    State(app): State<Arc<App>>,
    Path((statement, chunk)): Path<(String, String)>,
    query: Query,
    request: Request,
) -> Response {
    match open(&app, &statement, &chunk, &query, request.headers()).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

/// A refusal in the XML of object stores.
struct StorageError {
    status: StatusCode,
    code: &'static str,
    message: &'static str,
}

impl StorageError {
    fn new(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message }
    }

    fn into_response(self) -> Response {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message></Error>",
            self.code, self.message
        );
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        response
    }
}

async fn open(app: &App, id: &str, chunk: &str, query: &Query, headers: &HeaderMap) -> Result<Response, StorageError> {
    let gone = || StorageError::new(StatusCode::NOT_FOUND, "NoSuchKey", "The file does not exist");
    if headers.contains_key(header::AUTHORIZATION) {
        return Err(StorageError::new(
            StatusCode::BAD_REQUEST,
            "InvalidArgument",
            "Only one auth mechanism allowed: the link is signed, do not send Authorization",
        ));
    }
    let forbidden = |code, message| StorageError::new(StatusCode::FORBIDDEN, code, message);
    let chunk: usize = chunk.parse().map_err(|_| gone())?;
    let expires = query.get("expires").and_then(|e| e.parse().ok()).unwrap_or(0);
    let signature = query.get("signature").unwrap_or_default();
    let now = app.clock.now_ms();
    app.signer.check(id, chunk, expires, signature, now).map_err(|refused| match refused {
        Refused::Signature => forbidden("SignatureDoesNotMatch", "The signature is not right"),
        Refused::Expired => forbidden("AccessDenied", "Request has expired"),
    })?;
    if let Some(key) = &app.link_key {
        let given = headers.get(KEY_HEADER).and_then(|v| v.to_str().ok());
        if !same_text(given.unwrap_or_default(), key) {
            return Err(forbidden("AccessDenied", "A header of http_headers is missing"));
        }
    }
    let Ok(Status::Succeeded(result)) = app.statements.get(id, now).map(|s| s.status()) else {
        return Err(gone());
    };
    let info = result.chunks.get(chunk).ok_or_else(gone)?;
    let tag = format!("\"{id}-{chunk}\"");
    let Ok((start, end)) = range(headers, &tag, info.byte_count) else {
        let (code, message) = ("InvalidRange", "The requested range is not satisfiable");
        return Err(StorageError::new(StatusCode::RANGE_NOT_SATISFIABLE, code, message));
    };
    let body = read(&result.file(chunk), start, end).map_err(|_| gone())?;
    let mut response = Response::new(body);
    if end - start < info.byte_count {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let span = format!("bytes {start}-{}/{}", end - 1, info.byte_count);
        set(response.headers_mut(), header::CONTENT_RANGE, &span);
    }
    let headers = response.headers_mut();
    set(headers, header::CONTENT_TYPE, result.format.content_type());
    set(headers, header::CONTENT_LENGTH, &(end - start).to_string());
    set(headers, header::ETAG, &tag);
    set(headers, header::ACCEPT_RANGES, "bytes");
    Ok(response)
}

fn set(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The bytes asked for, start and end: RFC 9110 section 14, one range, honoured if `If-Range` allows it.
fn range(headers: &HeaderMap, tag: &str, size: u64) -> Result<(u64, u64), ()> {
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok());
    let whole = Ok((0, size));
    if text(header::IF_RANGE).is_some_and(|t| t != tag) {
        return whole;
    }
    let Some((from, to)) = text(header::RANGE).and_then(|r| r.strip_prefix("bytes=")).and_then(|r| r.split_once('-'))
    else {
        return whole;
    };
    match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), _) if from >= size => Err(()),
        (Ok(from), Ok(to)) if to >= from => Ok((from, (to + 1).min(size))),
        (Ok(from), Err(_)) if to.is_empty() => Ok((from, size)),
        (Err(_), Ok(last)) if from.is_empty() && last > 0 => Ok((size.saturating_sub(last), size)),
        _ => whole,
    }
}

/// Reads the file block by block, as the client takes them. The file stays readable after its result is let go.
fn read(path: &std::path::Path, start: u64, end: u64) -> io::Result<Body> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    let blocks = futures_util::stream::try_unfold((file, end - start), |(mut file, left)| async move {
        if left == 0 {
            return Ok::<_, io::Error>(None);
        }
        let block = tokio::task::spawn_blocking(move || {
            let size = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
            let mut block = vec![0; size];
            file.read_exact(&mut block)?;
            Ok::<_, io::Error>((Bytes::from(block), file))
        });
        let (block, file) = block.await.map_err(io::Error::other)??;
        let left = left - block.len() as u64;
        Ok(Some((block, (file, left))))
    });
    Ok(Body::from_stream(blocks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        let ask = |value: &str| {
            let mut headers = HeaderMap::new();
            set(&mut headers, header::RANGE, value);
            range(&headers, "\"t\"", 10)
        };
        assert_eq!(ask("bytes=2-4"), Ok((2, 5)));
        assert_eq!(ask("bytes=2-"), Ok((2, 10)));
        assert_eq!(ask("bytes=-3"), Ok((7, 10)));
        assert_eq!(ask("bytes=5-99"), Ok((5, 10)));
        assert_eq!(ask("bytes=10-"), Err(()));
        assert_eq!(ask("lines=1-2"), Ok((0, 10)));
        let mut headers = HeaderMap::new();
        set(&mut headers, header::RANGE, "bytes=2-4");
        set(&mut headers, header::IF_RANGE, "\"other\"");
        assert_eq!(range(&headers, "\"t\"", 10), Ok((0, 10)));
    }
}
