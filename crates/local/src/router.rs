//! All routes, and the answer to those that are not there.

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

async fn no_such_route(request: Request) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "ENDPOINT_NOT_FOUND", format!("No API found for '{} {}'", request.method(), request.uri().path()))
}
