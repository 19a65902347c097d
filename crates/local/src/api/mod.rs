//! HTTP handlers, one module per service.

use std::sync::Arc;

use axum::Router;

use crate::state::App;

mod clusters;
mod commands;
mod current_user;
mod faults;
mod integrations;
mod jobs;
mod statements;
mod storage;
mod tokens;
mod warehouses;
mod workspace;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .merge(clusters::routes())
        .merge(commands::routes())
        .merge(current_user::routes())
        .merge(faults::routes())
        .merge(integrations::routes())
        .merge(jobs::routes())
        .merge(statements::routes())
        .merge(storage::routes())
        .merge(tokens::routes())
        .merge(warehouses::routes())
        .merge(workspace::routes())
}
