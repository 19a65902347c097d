//! Unity Catalog's catalogs, schemas and tables, API 2.1: what the SQL engine holds, and what REST notes beside it.

use std::sync::Arc;

use axum::Router;

use crate::state::App;

mod catalogs;
mod found;
mod notes;
mod schemas;
mod tables;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().merge(catalogs::routes()).merge(schemas::routes()).merge(tables::routes())
}
