//! What every request passes, from outside in: record, `Host` and `Origin`, faults, authentication; and the headers of
//! responses.

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};

use crate::faults::Action;
use crate::reply::{ApiError, json_response};
use crate::server::Connection;
use crate::state::handles::GateHandle;
use crate::{auth, body, grpc, origin, spark, thrift};

pub(crate) async fn gate(
    State(state): State<GateHandle>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
    next: Next,
) -> Response {
    let request_id = state.ids.uuid();
    let (parts, body) = request.into_parts();
    let speaks = Speaks::of(parts.uri.path());
    let reading = connection.reading(parts.version);
    // Files are received as they come, whatever their size; their bytes are not recorded.
    let is_file = parts.method == http::Method::PUT && parts.uri.path().starts_with("/api/2.0/fs/files/");
    let (body, recorded, reading) = if speaks == Speaks::Grpc && parts.version == http::Version::HTTP_2 {
        // A call is a stream in both directions, on which either side may be silent for long.
        drop(reading);
        (body, Bytes::new(), None)
    } else if is_file {
        (body, Bytes::new(), Some(reading))
    } else {
        match body::read(body).await {
            Ok(bytes) => {
                drop(reading);
                (Body::from(bytes.clone()), bytes, None)
            }
            Err(e) => return finish(&state, e.into_response(), &request_id, speaks),
        }
    };
    let entry = state.record.begin(&parts, &recorded);
    let response = respond(&state, &connection, entry, parts, body, next).await;
    drop(reading);
    connection.request_is_complete();
    let response = finish(&state, response.unwrap_or_else(IntoResponse::into_response), &request_id, speaks);
    if response.extensions().get::<Dropped>().is_none() {
        state.record.responded(entry, response.status());
    }
    tracing::debug!(request_id, status = response.status().as_u16(), "responded");
    response
}

/// In whose form a refusal is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Speaks {
    Rest,
    Thrift,
    Grpc,
}

impl Speaks {
    /// What clients of `path` speak.
    fn of(path: &str) -> Self {
        match path {
            _ if thrift::serves(path) => Self::Thrift,
            _ if spark::serves(path) => Self::Grpc,
            _ => Self::Rest,
        }
    }
}

async fn respond(
    state: &GateHandle,
    connection: &Connection,
    entry: u64,
    parts: Parts,
    body: Body,
    next: Next,
) -> Result<Response, ApiError> {
    own_host_only(state, &parts)?;
    let fault = if parts.uri.path().starts_with("/local/faults") {
        None
    } else {
        state.faults.decide(&parts.method, parts.uri.path())
    };
    let mut lost = false;
    if let Some(action) = &fault {
        if !action.delay.is_zero() {
            tokio::time::sleep(action.delay).await;
        }
        if !action.after_handler
            && let Some(response) = apply(action, connection)
        {
            return Ok(response);
        }
        lost = action.after_handler;
    }
    let mut parts = parts;
    if let Some(caller) = auth::check(&state.identity, &parts)? {
        parts.extensions.insert(caller);
    }
    state.record.handled(entry);
    let name = origin::name(&parts).to_owned();
    let response = origin::reached_by(name, next.run(Request::from_parts(parts, body))).await;
    match fault.filter(|_| lost).and_then(|a| apply(&a, connection)) {
        Some(replaced) => Ok(replaced),
        None => Ok(response),
    }
}

/// Marks a response of which nothing gets out.
#[derive(Clone, Copy)]
struct Dropped;

/// Breaks the connection or makes the response that the fault asks for. A cut without a status cuts the true response.
pub(crate) fn apply(action: &Action, connection: &Connection) -> Option<Response> {
    if let Some(bytes) = action.cut_after {
        connection.cut_after(bytes);
        if bytes == 0 {
            let mut response = Response::new(Body::empty());
            response.extensions_mut().insert(Dropped);
            return Some(response);
        }
    }
    let status = action.status?;
    let mut response = match &action.body {
        Some(body) => json_response(status, body.clone()),
        None => ApiError::new(status, code_for(status), "The request failed on demand").into_response(),
    };
    for (name, value) in &action.headers {
        response.headers_mut().insert(name, value.clone());
    }
    Some(response)
}

fn code_for(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "BAD_REQUEST",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "RESOURCE_CONFLICT",
        429 => "REQUEST_LIMIT_EXCEEDED",
        501 => "NOT_IMPLEMENTED",
        503 => "TEMPORARILY_UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL_ERROR",
    }
}

/// Refuses what a browser could be made to send: another site's `Origin`, or a name that was rebound to loopback.
fn own_host_only(state: &GateHandle, parts: &Parts) -> Result<(), ApiError> {
    let text = |name| parts.headers.get(name).map(HeaderValue::to_str);
    // Every one of them, in case that something between reads another than the first.
    let hosts = parts.headers.get_all(header::HOST).iter().map(HeaderValue::to_str);
    let hosts = hosts.chain(parts.uri.authority().map(|a| Ok(a.as_str())));
    let own_host = |host: &str| state.place.own_hosts.iter().any(|own| own.eq_ignore_ascii_case(host));
    let mut named = false;
    let mut count = 0;
    for host in hosts {
        named = true;
        count += 1;
        if !host.is_ok_and(own_host) {
            return Err(forbidden("The Host header names another server; use the URL that the workspace printed"));
        }
    }
    // HTTP/1.1 has one: what stands between might read another than this server does.
    if count > 1 && parts.headers.get_all(header::HOST).iter().count() > 1 {
        return Err(ApiError::malformed("The request has more than one Host header"));
    }
    if !named {
        return Err(forbidden("The request has no Host header"));
    }
    match text(header::ORIGIN) {
        None => Ok(()),
        Some(Ok(origin))
            if origin
                .split_once("://")
                .is_some_and(|(scheme, host)| scheme == state.place.scheme && own_host(host)) =>
        {
            Ok(())
        }
        Some(_) => Err(forbidden("Requests from web pages of other origins are refused")),
    }
}

fn forbidden(message: &str) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, "PERMISSION_DENIED", message)
}

/// Writes the body of an error and the headers that every response has.
fn finish(state: &GateHandle, mut response: Response, request_id: &str, speaks: Speaks) -> Response {
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        let kept = std::mem::take(response.headers_mut());
        response = match speaks {
            Speaks::Rest => error.into_reply(request_id),
            Speaks::Thrift => {
                let message = error.message().to_owned();
                thrift::with_message(error.into_reply(request_id), &message)
            }
            Speaks::Grpc => grpc::refusal(&error),
        };
        response.headers_mut().extend(kept);
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-request-id", id);
    }
    headers.insert("x-databricks-org-id", HeaderValue::from(state.place.workspace_id));
    response
}
