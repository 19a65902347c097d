//! A key store in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use databricks_auth::{KeyStore, KeyStoreError};
use databricks_core::Secret;
use serde_json::Value;

#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    entries: Arc<Mutex<BTreeMap<(String, String), String>>>,
    unavailable: bool,
}

impl Keys {
    /// The store that a case describes: reachable and empty if it states nothing.
    pub(crate) fn new(described: Option<&Value>) -> Self {
        let keys = Self {
            unavailable: described.is_some_and(|keys| keys.get("unavailable") == Some(&true.into())),
            ..Self::default()
        };
        for (service, accounts) in described.and_then(Value::as_object).into_iter().flatten() {
            for (account, secret) in accounts.as_object().into_iter().flatten() {
                let secret = secret.as_str().unwrap_or_default().to_owned();
                keys.entries.lock().unwrap().insert((service.clone(), account.clone()), secret);
            }
        }
        keys
    }

    /// The secret of an entry.
    pub(crate) fn secret(&self, service: &str, account: &str) -> Option<String> {
        self.entries.lock().unwrap().get(&(service.to_owned(), account.to_owned())).cloned()
    }

    fn reach(&self) -> Result<(), KeyStoreError> {
        if self.unavailable {
            Err(KeyStoreError::Unavailable("there is none on this machine".to_owned()))
        } else {
            Ok(())
        }
    }
}

impl KeyStore for Keys {
    fn get(&self, service: &str, account: &str) -> Result<Option<Secret>, KeyStoreError> {
        self.reach()?;
        Ok(self.secret(service, account).map(Secret::from))
    }

    fn set(&self, service: &str, account: &str, secret: &Secret) -> Result<(), KeyStoreError> {
        self.reach()?;
        self.entries.lock().unwrap().insert((service.to_owned(), account.to_owned()), secret.expose().to_owned());
        Ok(())
    }

    fn delete(&self, service: &str, account: &str) -> Result<(), KeyStoreError> {
        self.reach()?;
        self.entries.lock().unwrap().remove(&(service.to_owned(), account.to_owned()));
        Ok(())
    }
}
