//! Cloud storage behind the links of volumes: an origin of its own that knows no credentials.

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, put};
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{HeaderMap, StatusCode, header};

use super::signed::{self, StorageError};
use super::{files, ranges};
use crate::extract::Query;
use crate::gate;
use crate::server::Connection;
use crate::state::content::receive;
use crate::state::handles::StorageHandle;
use crate::state::lock;

/// All routes of the origin.
pub(crate) fn build(state: StorageHandle) -> Router {
    Router::new()
        .route("/storage/parts/{token}", put(put_part))
        .route("/storage/resumable/{token}", put(put_chunk).delete(cancel))
        .route("/storage/files/{*path}", get(download))
        .fallback(|| async { StorageError::new(StatusCode::NOT_FOUND, "NoSuchKey", "There is nothing here") })
        .layer(middleware::from_fn_with_state(state.clone(), pass))
        .with_state(state)
}

/// What every request passes: record, faults, and the refusal of credentials.
async fn pass(
    State(state): State<StorageHandle>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let entry = state.record.begin(&parts, &Bytes::new());
    if let Some(action) = state.faults.decide(&parts.method, parts.uri.path()) {
        if !action.delay.is_zero() {
            tokio::time::sleep(action.delay).await;
        }
        if action.after_handler {
            state.record.handled(entry);
            let true_response = next.run(Request::from_parts(parts, body)).await;
            return gate::apply(&action, &connection).unwrap_or(true_response);
        }
        // A response before the request was read would come to a client that does not listen yet.
        if action.cut_after.is_none() {
            drain(body).await;
            if let Some(response) = gate::apply(&action, &connection) {
                let response = storage_form(response, action.body.is_none());
                state.record.responded(entry, response.status());
                return response;
            }
            return StorageError::new(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please try again").into_response();
        }
        if let Some(response) = gate::apply(&action, &connection) {
            drain(body).await;
            return response;
        }
        state.record.handled(entry);
        return next.run(Request::from_parts(parts, body)).await;
    }
    let response = if parts.headers.contains_key(header::AUTHORIZATION) {
        drain(body).await;
        StorageError::two_credentials().into_response()
    } else {
        state.record.handled(entry);
        next.run(Request::from_parts(parts, body)).await
    };
    state.record.responded(entry, response.status());
    response
}

async fn drain(body: Body) {
    let mut pieces = body.into_data_stream();
    while let Some(Ok(_)) = pieces.next().await {}
}

/// A fault without a body of its own is put as storage does.
fn storage_form(response: Response, plain: bool) -> Response {
    if !plain {
        return response;
    }
    let mut in_xml =
        StorageError::new(response.status(), "FaultOnDemand", "The request failed on demand").into_response();
    for (name, value) in response.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            in_xml.headers_mut().insert(name.clone(), value.clone());
        }
    }
    in_xml
}

/// Checks a link to storage; the part that it is for stands in its query.
fn check(state: &StorageHandle, signed: &str, query: &Query, headers: &HeaderMap) -> Result<(), StorageError> {
    let number = query.get("number").and_then(|n| n.parse().ok()).unwrap_or(usize::MAX);
    signed::check(&state.links, state.clock.now_ms(), signed, number, query, headers)
}

fn no_upload() -> StorageError {
    StorageError::new(StatusCode::NOT_FOUND, "NoSuchUpload", "The upload is complete or was given up")
}

async fn put_part(
    State(state): State<StorageHandle>,
    Path(token): Path<String>,
    query: Query,
    request: Request,
) -> Result<Response, StorageError> {
    check(&state, &format!("parts/{token}"), &query, request.headers())?;
    let number = query.get("number").and_then(|n| n.parse().ok()).unwrap_or(0);
    let segment = receive_all(&state, request).await?;
    let tag = format!("\"{}\"", state.ids.hex32());
    state.volumes.add_part(&token, number, segment, &tag).map_err(|_| no_upload())?;
    let mut response = Response::new(Body::empty());
    ranges::set(&mut response, header::ETAG, &tag);
    Ok(response)
}

async fn receive_all(state: &StorageHandle, request: Request) -> Result<crate::state::content::Segment, StorageError> {
    receive(&state.shelf, &state.ids, request.into_body())
        .await
        .map_err(|_| StorageError::new(StatusCode::BAD_REQUEST, "IncompleteBody", "The body ended too early"))
}

/// A chunk of the resumable protocol of Google Cloud.
async fn put_chunk(
    State(state): State<StorageHandle>,
    Path(token): Path<String>,
    query: Query,
    request: Request,
) -> Result<Response, StorageError> {
    check(&state, &format!("resumable/{token}"), &query, request.headers())?;
    let arrived = state.volumes.arrived(&token).map_err(|_| no_upload())?;
    let range = request.headers().get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
    let invalid = || StorageError::new(StatusCode::BAD_REQUEST, "InvalidRange", "The Content-Range is not right");
    let (span, total) = range.and_then(|range| range.strip_prefix("bytes ")?.split_once('/')).ok_or_else(invalid)?;
    if span == "*" {
        return Ok(so_far(arrived));
    }
    let bounds = span.split_once('-').and_then(|(a, b)| Some((a.parse::<u64>().ok()?, b.parse::<u64>().ok()?)));
    let (first, last) = bounds.filter(|(a, b)| a <= b).ok_or_else(invalid)?;
    let total = if total == "*" { None } else { Some(total.parse::<u64>().map_err(|_| invalid())?) };
    if first != arrived {
        drain(request.into_body()).await;
        return Ok(so_far(arrived));
    }
    let segment = receive_all(&state, request).await?;
    if segment.length != last - first + 1 {
        return Err(invalid());
    }
    let done = total == Some(last + 1);
    state.volumes.append(&token, segment, done, state.clock.now_ms()).map_err(|_| {
        StorageError::new(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", "The file exists already")
    })?;
    if done { Ok(Response::new(Body::empty())) } else { Ok(so_far(last + 1)) }
}

/// 308, with how much has arrived.
fn so_far(arrived: u64) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    if arrived > 0 {
        ranges::set(&mut response, header::RANGE, &format!("bytes=0-{}", arrived - 1));
    }
    response
}

async fn cancel(
    State(state): State<StorageHandle>,
    Path(token): Path<String>,
    query: Query,
    request: Request,
) -> Result<StatusCode, StorageError> {
    check(&state, &format!("resumable/{token}"), &query, request.headers())?;
    state.volumes.abort(&token, None).map_err(|_| no_upload())?;
    // How the service confirms it.
    Ok(StatusCode::from_u16(499).unwrap_or(StatusCode::NO_CONTENT))
}

async fn download(
    State(state): State<StorageHandle>,
    Path(path): Path<String>,
    query: Query,
    request: Request,
) -> Result<Response, StorageError> {
    let path = format!("/{path}");
    check(&state, &format!("files{path}"), &query, request.headers())?;
    let entry = lock(&state.volumes.tree).get(&path).map_err(|_| StorageError::no_file())?;
    Ok(files::serve(&entry, request.headers())?)
}
