//! What the engine has: the names of catalogs, schemas and tables.

use super::notes::{Kind, names, quoted};
use crate::reply::ApiError;
use crate::state::handles::CatalogHandle;

pub(super) const CATALOG: Kind = Kind {
    noun: "Catalog",
    collection: "catalog/catalogs",
    missing: "CATALOG_DOES_NOT_EXIST",
    exists: "CATALOG_ALREADY_EXISTS",
};

pub(super) const SCHEMA: Kind = Kind {
    noun: "Schema",
    collection: "catalog/schemas",
    missing: "SCHEMA_DOES_NOT_EXIST",
    exists: "SCHEMA_ALREADY_EXISTS",
};

/// The catalogs that the engine has.
pub(super) async fn catalogs(state: &CatalogHandle) -> Result<Vec<String>, ApiError> {
    names(state, "SHOW CATALOGS", 0).await
}

/// The name of a catalog that the engine has, as it has it.
pub(super) async fn known_catalog(state: &CatalogHandle, name: &str) -> Result<String, ApiError> {
    let name = name.to_lowercase();
    if catalogs(state).await?.contains(&name) { Ok(name) } else { Err(CATALOG.not_found(&name)) }
}

/// The schemas that the engine has in a catalog.
pub(super) async fn schemas(state: &CatalogHandle, catalog: &str) -> Result<Vec<String>, ApiError> {
    names(state, &format!("SHOW SCHEMAS IN {}", quoted(catalog)), 0).await
}

/// Catalog and schema of a full name that the engine has.
pub(super) async fn known_schema(state: &CatalogHandle, full_name: &str) -> Result<(String, String), ApiError> {
    let full_name = full_name.to_lowercase();
    let parts = full_name.split_once('.').filter(|(_, schema)| !schema.contains('.'));
    let (catalog, schema) = parts.ok_or_else(|| {
        ApiError::invalid_parameter(format!("'{full_name}' is not the full name of a schema: catalog.schema"))
    })?;
    let catalog = known_catalog(state, catalog).await?;
    if schemas(state, &catalog).await?.iter().any(|s| s == schema) {
        return Ok((catalog, schema.to_owned()));
    }
    Err(SCHEMA.not_found(&full_name))
}

/// The tables and views that the engine has in a schema.
pub(super) async fn tables(state: &CatalogHandle, catalog: &str, schema: &str) -> Result<Vec<String>, ApiError> {
    names(state, &format!("SHOW TABLES IN {}.{}", quoted(catalog), quoted(schema)), 1).await
}
