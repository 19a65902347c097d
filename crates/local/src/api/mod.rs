//! HTTP handlers, one module per service.

use std::sync::Arc;

use axum::Router;

use crate::state::App;

mod clusters;
mod commands;
mod current_user;
mod dbfs;
mod faults;
mod files;
mod integrations;
mod jobs;
mod ranges;
mod secrets;
pub(crate) mod serving;
mod statements;
mod storage;
pub(crate) mod storage_volumes;
mod tokens;
mod warehouses;
mod workspace;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .merge(clusters::routes())
        .merge(commands::routes())
        .merge(current_user::routes())
        .merge(dbfs::routes())
        .merge(faults::routes())
        .merge(files::routes())
        .merge(integrations::routes())
        .merge(jobs::routes())
        .merge(secrets::routes())
        .merge(serving::routes())
        .merge(statements::routes())
        .merge(storage::routes())
        .merge(tokens::routes())
        .merge(warehouses::routes())
        .merge(workspace::routes())
}
