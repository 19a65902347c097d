//! All routes, and the response to those that are not there.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware;
use http::StatusCode;

use crate::gate::gate;
use crate::reply::ApiError;
use crate::state::App;
use crate::{api, oidc};

pub(crate) fn build(app: Arc<App>) -> Router {
    Router::new()
        .merge(oidc::routes())
        .merge(api::routes())
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_route)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), gate))
        .with_state(app)
}

/// Not 404 for an operation of the API: clients would take that for an object that does not exist.
async fn no_such_route(request: Request) -> ApiError {
    let (method, path) = (request.method(), request.uri().path());
    if path.starts_with("/api/") {
        return ApiError::new(
            StatusCode::NOT_IMPLEMENTED,
            "NOT_IMPLEMENTED",
            format!(
                "The embedded workspace does not have the operation '{method} {path}'; a Databricks workspace may have it."
            ),
        );
    }
    ApiError::new(StatusCode::NOT_FOUND, "ENDPOINT_NOT_FOUND", format!("No API found for '{method} {path}'"))
}
