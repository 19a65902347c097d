//! A key store for examples.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use databricks_sdk::auth::KeyStoreError;
use databricks_sdk::{KeyStore, Secret};

/// A key store in memory; a real one keeps secrets over the end of the program.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys(Arc<Mutex<BTreeMap<(String, String), Secret>>>);

impl Keys {
    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<(String, String), Secret>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn len(&self) -> usize {
        self.with(|entries| entries.len())
    }
}

impl KeyStore for Keys {
    fn get(&self, service: &str, account: &str) -> Result<Option<Secret>, KeyStoreError> {
        Ok(self.with(|entries| entries.get(&(service.to_owned(), account.to_owned())).cloned()))
    }

    fn set(&self, service: &str, account: &str, secret: &Secret) -> Result<(), KeyStoreError> {
        self.with(|entries| entries.insert((service.to_owned(), account.to_owned()), secret.clone()));
        Ok(())
    }

    fn delete(&self, service: &str, account: &str) -> Result<(), KeyStoreError> {
        self.with(|entries| entries.remove(&(service.to_owned(), account.to_owned())));
        Ok(())
    }
}
