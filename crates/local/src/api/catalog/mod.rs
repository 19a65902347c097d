//! Unity Catalog's catalogs, schemas and tables, API 2.1: what the SQL engine holds, and what REST notes beside it.

use axum::Router;

use crate::state::handles::CatalogHandle;

mod catalogs;
mod constraints;
mod create_table;
mod found;
mod notes;
mod renames;
mod schemas;
mod shown_table;
mod table_name;
mod tables;

pub(super) fn routes(state: CatalogHandle) -> Router {
    Router::new()
        .merge(catalogs::routes(state.clone()))
        .merge(constraints::routes(state.clone()))
        .merge(schemas::routes(state.clone()))
        .merge(tables::routes(state))
}
