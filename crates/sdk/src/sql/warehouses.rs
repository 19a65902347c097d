//! Warehouses by their names.

use databricks_core::Result;
use databricks_models::sql::EndpointInfo;

use crate::services::sql::Warehouses;

impl Warehouses {
    /// The warehouse with this name.
    ///
    /// # Errors
    /// When no warehouse or more than one has the name, or they cannot be listed.
    pub async fn by_name(&self, name: &str) -> Result<EndpointInfo> {
        crate::lookup::by_name(
            self.list(),
            "SQL warehouse",
            name,
            |warehouse| warehouse.name.clone(),
            |warehouse| warehouse.id.clone(),
        )
        .await
    }
}
