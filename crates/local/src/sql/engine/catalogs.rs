//! The list of catalogs, from which one can be taken out again.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use datafusion::catalog::{CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemorySchemaProvider};

use super::{Engine, sample};
use crate::sql::Failure;

/// Catalogs by name.
#[derive(Debug, Default)]
pub(super) struct Catalogs(RwLock<BTreeMap<String, Arc<dyn CatalogProvider>>>);

impl Catalogs {
    fn remove(&self, name: &str) -> bool {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(name).is_some()
    }
}

impl CatalogProviderList for Catalogs {
    fn register_catalog(&self, name: String, catalog: Arc<dyn CatalogProvider>) -> Option<Arc<dyn CatalogProvider>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(name, catalog)
    }

    fn catalog_names(&self) -> Vec<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

impl Engine {
    /// Makes a catalog with an empty schema `default`; `false` if there is one of that name.
    pub(crate) fn create_catalog(&self, name: &str) -> Result<bool, Failure> {
        if self.context.catalog(name).is_some() {
            return Ok(false);
        }
        let catalog = MemoryCatalogProvider::new();
        catalog
            .register_schema(sample::DEFAULT_SCHEMA, Arc::new(MemorySchemaProvider::new()))
            .map_err(|e| Failure::internal(e.to_string()))?;
        self.context.register_catalog(name, Arc::new(catalog));
        Ok(true)
    }

    /// Removes a catalog with all that it holds; `false` if there is none of that name.
    pub(crate) fn drop_catalog(&self, name: &str) -> bool {
        let state = self.context.state();
        state.catalog_list().downcast_ref::<Catalogs>().is_some_and(|all| all.remove(name))
    }
}
