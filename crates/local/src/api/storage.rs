//! Result files behind signed links: the part that cloud storage plays for the real platform.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderMap, header};

use super::ranges::{self, Version};
use super::signed::{StorageError, check};
use crate::extract::Query;
use crate::sql::store::Status;
use crate::state::handles::ResultsHandle;

const BLOCK: usize = 256 * 1024;

pub(super) fn routes(state: ResultsHandle) -> Router {
    Router::new().route("/local/storage/{statement}/{chunk}", get(download)).with_state(state)
}

async fn download(
    State(state): State<ResultsHandle>,
    Path((statement, chunk)): Path<(String, String)>,
    query: Query,
    request: Request,
) -> Response {
    match open(&state, &statement, &chunk, &query, request.headers()).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn open(
    state: &ResultsHandle,
    id: &str,
    chunk: &str,
    query: &Query,
    headers: &HeaderMap,
) -> Result<Response, StorageError> {
    if headers.contains_key(header::AUTHORIZATION) {
        return Err(StorageError::two_credentials());
    }
    let chunk: usize = chunk.parse().map_err(|_| StorageError::no_file())?;
    check(&state.links, state.clock.now_ms(), id, chunk, query, headers)?;
    let Ok(Status::Succeeded(result)) = state.statements.get(id, state.clock.now_ms()).map(|s| s.status()) else {
        return Err(StorageError::no_file());
    };
    let size = result.chunks.get(chunk).ok_or_else(StorageError::no_file)?.byte_count;
    let version = Version::Tag(format!("\"{id}-{chunk}\""));
    let range = ranges::select(headers, size, &version)?;
    let body = read(&result.file(chunk), range.start, range.end).map_err(|_| StorageError::no_file())?;
    Ok(range.respond(body, result.format.content_type(), &version))
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
