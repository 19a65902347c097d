//! Serving endpoints by name.

use std::collections::BTreeMap;

use serde_json::Value;

use super::kept::Kept;
use crate::reply::ApiError;

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    all: BTreeMap<String, Value>,
    kept: Kept,
}

impl Endpoints {
    /// Those that were kept.
    pub(crate) fn new(kept: Kept) -> Self {
        let all = kept.all().into_iter().map(|(name, record)| (name, Value::Object(record))).collect();
        Self { all, kept }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.all.get(name)
    }

    pub(crate) fn all(&self) -> &BTreeMap<String, Value> {
        &self.all
    }

    /// Inserts or replaces, on disk first.
    pub(crate) fn put(&mut self, name: &str, endpoint: Value) -> Result<(), ApiError> {
        self.kept.put(name, endpoint.as_object().cloned().unwrap_or_default())?;
        self.all.insert(name.to_owned(), endpoint);
        Ok(())
    }

    pub(crate) fn remove(&mut self, name: &str) -> Result<(), ApiError> {
        self.kept.remove(name)?;
        self.all.remove(name);
        Ok(())
    }
}
