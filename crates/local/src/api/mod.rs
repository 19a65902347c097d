//! HTTP handlers, one module per service.

use std::sync::Arc;

use axum::Router;

use crate::state::Parts;

mod catalog;
pub(crate) mod clusters;
mod code;
mod commands;
mod dbfs;
mod faults;
mod files;
mod integrations;
mod jobs;
mod libraries;
mod pages;
mod policies;
mod query_history;
mod ranges;
mod running;
mod secrets;
mod serving;
mod sessions;
mod signed;
mod statements;
mod storage;
pub(crate) mod storage_volumes;
mod tokens;
mod uc_registry;
mod warehouses;
mod workspace;

pub(crate) fn routes(parts: &Parts) -> Router {
    Router::new()
        .merge(catalog::routes(parts.into()))
        .merge(clusters::routes(parts.into()))
        .merge(code::routes(parts.into()))
        .merge(commands::routes(parts.into()))
        .merge(dbfs::routes(parts.into()))
        .merge(faults::routes(parts.faults.clone()))
        .merge(files::routes(parts.into()))
        .merge(integrations::routes(parts.into()))
        .merge(jobs::routes(parts.into()))
        .merge(libraries::routes(parts.into()))
        .merge(pages::routes(parts.into()))
        .merge(policies::routes(parts.into()))
        .merge(query_history::routes(Arc::clone(&parts.sql.history)))
        .merge(sessions::routes(parts.into()))
        .merge(secrets::routes(parts.into()))
        .merge(serving::routes(parts.into()))
        .merge(statements::routes(parts.into()))
        .merge(storage::routes(parts.into()))
        .merge(tokens::routes(parts.into()))
        .merge(uc_registry::routes(parts.into()))
        .merge(warehouses::routes(parts.into()))
        .merge(workspace::routes(parts.into()))
}
