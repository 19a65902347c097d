//! The names of tables.

use super::found::{known_schema, tables};
use super::notes::Kind;
use crate::reply::ApiError;
use crate::state::handles::CatalogHandle;

pub(super) const TABLE: Kind = Kind {
    noun: "Table",
    collection: "catalog/tables",
    missing: "TABLE_DOES_NOT_EXIST",
    exists: "TABLE_ALREADY_EXISTS",
};

pub(super) struct Name {
    pub(super) catalog: String,
    pub(super) schema: String,
    pub(super) table: String,
}

impl Name {
    pub(super) fn full(&self) -> String {
        format!("{}.{}.{}", self.catalog, self.schema, self.table)
    }
}

pub(super) async fn known(state: &CatalogHandle, full_name: &str) -> Result<Name, ApiError> {
    let lower = full_name.to_lowercase();
    let Some((parent, table)) = lower.rsplit_once('.').filter(|(parent, _)| parent.contains('.')) else {
        return Err(ApiError::invalid_parameter(format!(
            "'{full_name}' is not the full name of a table: catalog.schema.table"
        )));
    };
    // A table in a schema that is missing is missing itself.
    let found = match known_schema(state, parent).await {
        Ok((catalog, schema)) => Some((tables(state, &catalog, &schema).await?, catalog, schema)),
        Err(e) if e.is_not_found() => None,
        Err(e) => return Err(e),
    };
    match found {
        Some((all, catalog, schema)) if all.iter().any(|t| t.eq_ignore_ascii_case(table)) => {
            Ok(Name { catalog, schema, table: table.to_owned() })
        }
        _ => Err(TABLE.not_found(&lower)),
    }
}
