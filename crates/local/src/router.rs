//! All routes, and the response to those that are not there.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use http::uri::PathAndQuery;
use http::{StatusCode, Uri};

use crate::caller::Caller;
use crate::extract::{BODY_LIMIT, Fields, Query};
use crate::gate::gate;
use crate::operations::{self, Operation};
use crate::records::{self, call::Call};
use crate::reply::{ApiError, Reply};
use crate::state::Parts;
use crate::state::handles::{GateHandle, RecordsHandle};
use crate::{api, oidc, spark, thrift};

pub(crate) fn build(parts: &Parts) -> Router {
    let routes = routes(parts)
        .layer(middleware::from_fn_with_state(GateHandle::from(parts), gate))
        .with_state(RecordsHandle::from(parts));
    // A path is rewritten before it is routed, so this lies around the routes.
    Router::new().fallback_service(routes).layer(middleware::from_fn(with_plain_slashes))
}

/// What is behind the gate.
pub(crate) fn routes(parts: &Parts) -> Router<RecordsHandle> {
    Router::new()
        .merge(oidc::routes(parts.into()))
        .merge(api::routes(parts))
        .merge(thrift::routes(parts.into()))
        .merge(spark::routes(parts.into()))
        .with_state(())
        .fallback(other)
        .method_not_allowed_fallback(other)
}

/// The service takes `/statements/` for `/statements`, and `/repos//1` for `/repos/1`.
async fn with_plain_slashes(mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if let Some(plain) = plain_slashes(path) {
        let target = match request.uri().query() {
            Some(query) => format!("{plain}?{query}"),
            None => plain,
        };
        let mut parts = request.uri().clone().into_parts();
        if let Ok(target) = target.parse::<PathAndQuery>() {
            parts.path_and_query = Some(target);
            if let Ok(uri) = Uri::from_parts(parts) {
                *request.uri_mut() = uri;
            }
        }
    }
    next.run(request).await
}

/// The path without slashes at its end and without empty segments, if it has such. Names of files stay as they are.
fn plain_slashes(path: &str) -> Option<String> {
    let is_file = ["/api/2.0/fs/", "/api/2.0/workspace-files/", "/storage/"].iter().any(|p| path.starts_with(p));
    let trimmed = path.trim_end_matches('/');
    let plain = match trimmed {
        "" => "/".to_owned(),
        _ if is_file || !trimmed.contains("//") => trimmed.to_owned(),
        _ => trimmed.split('/').filter(|segment| !segment.is_empty()).fold(String::new(), |all, s| all + "/" + s),
    };
    (plain != path).then_some(plain)
}

/// Operations on records, and the refusal of those that the workspace does not have.
async fn other(State(state): State<RecordsHandle>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let found = operations::find(&parts.method, path).or_else(|| {
        // HEAD is GET without a body, which the server leaves out.
        (parts.method == http::Method::HEAD).then(|| operations::find(&http::Method::GET, path)).flatten()
    });
    let Some(found) = found else {
        return no_such_route(&parts.method, path);
    };
    let served = found.operations.iter().find_map(|o| Some((*o, records::service_of(o)?)));
    let (Some((operation, service)), Some(caller)) = (served, parts.extensions.get::<Caller>()) else {
        return not_covered(&found.operations).into_response();
    };
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return ApiError::malformed("The request body could not be read").into_response();
    };
    let run = || -> Reply {
        let account = found.parameters.iter().find(|(name, _)| *name == "account_id");
        if account.is_some_and(|(_, id)| *id != state.place.account_id) {
            return Err(ApiError::not_found("The account does not exist; the workspace printed the one that does"));
        }
        // A zero byte ends a collection's name in the store.
        if found.parameters.iter().any(|(_, value)| value.contains('\0')) {
            return Err(ApiError::invalid_parameter("The path must not contain a zero byte"));
        }
        let mut body = Fields::parse(&body)?;
        operations::check(&[operation], &found.parameters, &mut body.0)?;
        let call = Call {
            desk: state.desk(),
            caller,
            operation,
            target: path,
            path: found.parameters.clone(),
            query: Query::parse(parts.uri.query().unwrap_or_default()),
            body,
        };
        records::serve(service, &call)
    };
    run().into_response()
}

/// Not 404 for an operation of the API: clients would take that for an object that does not exist.
fn not_covered(operations: &[&Operation]) -> ApiError {
    let names: Vec<&str> = operations.iter().map(|o| o.id).collect();
    ApiError::new(
        StatusCode::NOT_IMPLEMENTED,
        "NOT_IMPLEMENTED",
        format!(
            "The embedded workspace does not cover the operation {}; a Databricks workspace has it.",
            names.join(" or ")
        ),
    )
}

fn no_such_route(method: &http::Method, path: &str) -> Response {
    if !path.starts_with("/api/") {
        let message = format!("No API found for '{method} {path}'");
        return ApiError::new(StatusCode::NOT_FOUND, "ENDPOINT_NOT_FOUND", message).into_response();
    }
    let others = operations::methods(path);
    if !others.is_empty() {
        let allowed = others.into_iter().collect::<Vec<_>>().join(", ");
        let message = format!("The API has no '{method} {path}'; the methods of this path are {allowed}");
        let mut response = ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message).into_response();
        if let Ok(value) = allowed.parse() {
            response.headers_mut().insert(http::header::ALLOW, value);
        }
        return response;
    }
    // The operation may be younger than the description of the API.
    ApiError::new(
        StatusCode::NOT_IMPLEMENTED,
        "NOT_IMPLEMENTED",
        format!(
            "The embedded workspace does not have the operation '{method} {path}'; a Databricks workspace may have it."
        ),
    )
    .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_too_many_are_taken_out_but_not_of_files() {
        for (path, plain) in [
            ("/", None),
            ("//", Some("/")),
            ("/api/2.0/repos//1", Some("/api/2.0/repos/1")),
            ("/api/2.0/sql/statements/", Some("/api/2.0/sql/statements")),
            ("/api/2.0/sql/statements", None),
            ("/api/2.0/fs/files/Volumes/a//b", None),
        ] {
            assert_eq!(plain_slashes(path).as_deref(), plain, "{path}");
        }
    }
}
