//! HTTP handlers, one module per service.

use std::sync::Arc;

use axum::Router;

use crate::state::App;

mod catalog;
mod clusters;
mod code;
mod commands;
mod dbfs;
mod faults;
mod files;
mod integrations;
mod jobs;
mod libraries;
mod pages;
mod query_history;
mod ranges;
mod secrets;
mod serving;
mod sessions;
mod signed;
mod statements;
mod storage;
pub(crate) mod storage_volumes;
mod tokens;
mod warehouses;
mod workspace;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .merge(catalog::routes())
        .merge(clusters::routes())
        .merge(code::routes())
        .merge(commands::routes())
        .merge(dbfs::routes())
        .merge(faults::routes())
        .merge(files::routes())
        .merge(integrations::routes())
        .merge(jobs::routes())
        .merge(libraries::routes())
        .merge(pages::routes())
        .merge(query_history::routes())
        .merge(sessions::routes())
        .merge(secrets::routes())
        .merge(serving::routes())
        .merge(statements::routes())
        .merge(storage::routes())
        .merge(tokens::routes())
        .merge(warehouses::routes())
        .merge(workspace::routes())
}
