//! The Thrift door: the service `TCLIService` over HTTP, which the SQL connectors, dbt, JDBC and ODBC use.
//!
//! Statements run on the engine of the statements API, in its sessions and its query history; their handles are their
//! identifiers there. `adapter` is the only part that knows that engine.
//!
//! What a client may state and what comes of it:
//!
//! - `canReadArrowResult`: Arrow results, else columns. `useArrowNativeTypes` is followed, except that intervals are
//!   strings always.
//! - `canDownloadResult` and `maxBytesPerFile`: results come inline, which a client that can download reads too.
//! - `canDecompressLZ4Result`: results are not compressed, which `lz4Compressed` states.
//! - `maxRows`, `maxBytes`, `resultRowLimit`, `queryTimeout`: followed; no response has more than 32 MiB of rows. A batch
//!   may be as large as its response, whatever `maxBytesPerBatch` states.
//! - `enforceEmbeddedSchemaCorrectness`: the schema is that of the rows always.
//! - `getProgressUpdate`: there is no progress to report.
//! - `username` and `password` of `OpenSession`: the `Authorization` header alone states who calls.
//! - Logs (`fetchType` 1), orientations other than next and first, delegation tokens, parameters that are structs,
//!   sessionless statements and settings that would change results are refused by name.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, Path, Request, State};
use axum::response::Response;
use axum::routing::post;
use http::{HeaderValue, header};

use crate::auth::Caller;
use crate::extract::BODY_LIMIT;
use crate::reply::ApiError;
use crate::state::App;
use crate::state::handles::ThriftHandle;
use door::{Door, Fault};
#[cfg(feature = "engine")]
pub(crate) use info::VERSION as SPARK_VERSION;
use wire::{Call, Struct};

mod adapter;
#[cfg(feature = "engine")]
mod arrow;
mod columns;
mod door;
mod info;
mod markers;
mod metadata;
mod names;
mod operations;
mod parameters;
mod reply;
mod request;
mod result;
mod sessions;
mod statements;
mod types;
mod wire;

/// Where clients look for the reason of a refusal.
pub(crate) const MESSAGE_HEADER: &str = "x-thriftserver-error-message";

pub(crate) fn routes(state: ThriftHandle) -> Router {
    Router::new()
        .route("/sql/1.0/warehouses/{id}", post(warehouse))
        .route("/sql/1.0/endpoints/{id}", post(warehouse))
        .route("/sql/protocolv1/o/{workspace}/{cluster}", post(cluster))
        .layer(Extension(Arc::new(Door::default())))
        .with_state(state)
}

/// Whether refusals of `path` go to a Thrift client.
pub(crate) fn serves(path: &str) -> bool {
    path.starts_with("/sql/1.0/") || path.starts_with("/sql/protocolv1/")
}

/// A call and where it came in.
struct Context {
    /// What statements run with.
    app: Arc<App>,
    door: Arc<Door>,
    caller: Caller,
    /// The warehouse or cluster of the path.
    compute: String,
}

async fn warehouse(
    State(ThriftHandle { sql: app, .. }): State<ThriftHandle>,
    Extension(door): Extension<Arc<Door>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    adapter::known_warehouse(&app, &id)?;
    serve(Context { app, door, caller, compute: id }, request).await
}

async fn cluster(
    State(ThriftHandle { sql: app, place }): State<ThriftHandle>,
    Extension(door): Extension<Arc<Door>>,
    Extension(caller): Extension<Caller>,
    Path((workspace, id)): Path<(String, String)>,
    request: Request,
) -> Result<Response, ApiError> {
    // Clients write 0 where the host alone states the workspace.
    if workspace != "0" && workspace != place.workspace_id.to_string() {
        return Err(ApiError::not_found(format!("The workspace {workspace} does not exist.")));
    }
    adapter::known_cluster(&app, &id)?;
    serve(Context { app, door, caller, compute: id }, request).await
}

async fn serve(context: Context, request: Request) -> Result<Response, ApiError> {
    let body = axum::body::to_bytes(request.into_body(), BODY_LIMIT).await;
    let body = body.map_err(|e| ApiError::malformed(format!("The request body could not be read: {e}")))?;
    let call = wire::read_call(&body).map_err(malformed)?;
    drop(body);
    tracing::debug!(method = call.method, "thrift call");
    let response = match dispatch(&context, &call).await {
        None => wire::unknown_method(&call),
        Some(Ok(response)) => wire::reply(&call, response),
        Some(Err(Fault::Refused(refusal))) => wire::reply(&call, refusal.to_struct()),
        Some(Err(Fault::Malformed(why))) => return Err(malformed(why)),
    };
    let mut response = Response::new(axum::body::Body::from(response.map_err(ApiError::internal)?));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-thrift"));
    Ok(response)
}

fn malformed(why: String) -> ApiError {
    ApiError::malformed(format!("The Thrift request cannot be read: {why}"))
}

/// The response of the method; `None` if there is no such method.
async fn dispatch(context: &Context, call: &Call) -> Option<Result<Struct, Fault>> {
    let request = &call.request;
    Some(match call.method.as_str() {
        "OpenSession" => sessions::open(context, request).await,
        "CloseSession" => sessions::close(context, request),
        "GetInfo" => info::get(context, request),
        "ExecuteStatement" => statements::execute(context, request).await,
        "GetOperationStatus" => operations::status(context, request).await,
        "GetResultSetMetadata" => operations::metadata(context, request).await,
        "FetchResults" => operations::fetch(context, request).await,
        "CancelOperation" => operations::cancel(context, request),
        "CloseOperation" => operations::close(context, request),
        "GetDelegationToken" | "CancelDelegationToken" | "RenewDelegationToken" => context
            .door
            .session(&context.app, &context.caller, request)
            .map(drop)
            .and_then(|()| Err(reply::Refusal::not_supported("delegation tokens").into())),
        method => return metadata::dispatch(context, method, request).await,
    })
}

/// A refusal before the door, with its reason where Thrift clients look for it.
pub(crate) fn with_message(mut response: Response, message: &str) -> Response {
    let plain: String = message.chars().map(|c| if c.is_ascii() && !c.is_ascii_control() { c } else { ' ' }).collect();
    if let Ok(value) = HeaderValue::from_str(&plain) {
        response.headers_mut().insert(MESSAGE_HEADER, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use http::StatusCode;

    use super::*;

    #[test]
    fn refusals_state_their_reason_in_a_header() {
        let response = with_message(StatusCode::NOT_FOUND.into_response(), "no such\nthing é");
        assert_eq!(response.headers()[MESSAGE_HEADER], "no such thing  ");
        assert!(serves("/sql/1.0/warehouses/x") && !serves("/api/2.0/sql/statements"));
    }
}
