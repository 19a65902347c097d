//! How a store of the workspace keeps what it has on disk, beside the records.

use std::sync::Arc;

use crate::records::store::{Change, Record, Records, commit};
use crate::reply::ApiError;

/// A collection of the durable records. Where the workspace keeps nothing, it does nothing: what is in memory need not
/// be there twice.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    records: Option<Arc<Records>>,
    collection: &'static str,
}

impl Kept {
    pub(crate) fn new(records: &Arc<Records>, collection: &'static str) -> Self {
        Self { records: records.is_durable().then(|| Arc::clone(records)), collection }
    }

    /// What was kept, oldest first.
    pub(crate) fn all(&self) -> Vec<(String, Record)> {
        let Some(records) = &self.records else { return Vec::new() };
        let change = records.change();
        change.list(self.collection).into_iter().map(|(key, record)| (key.to_owned(), record.clone())).collect()
    }

    /// Keeps records and forgets those that are `None`, all or none of them. Returns when that is on disk.
    pub(crate) fn save(&self, changes: impl IntoIterator<Item = (String, Option<Record>)>) -> Result<(), ApiError> {
        let Some(records) = &self.records else { return Ok(()) };
        let mut change = records.change();
        self.stage(changes).put(&mut change);
        commit(change)
    }

    /// As [`save`](Self::save), for a change that keeps other things as well.
    pub(crate) fn stage(&self, changes: impl IntoIterator<Item = (String, Option<Record>)>) -> Staged {
        let changes = if self.records.is_some() { changes.into_iter().collect() } else { Vec::new() };
        Staged { collection: self.collection, changes }
    }

    /// Keeps one record.
    pub(crate) fn put(&self, key: &str, record: Record) -> Result<(), ApiError> {
        self.save([(key.to_owned(), Some(record))])
    }

    /// Forgets one record.
    pub(crate) fn remove(&self, key: &str) -> Result<(), ApiError> {
        self.save([(key.to_owned(), None)])
    }
}

/// Records of a store, to be kept with others in one change.
#[derive(Debug, Default)]
pub(crate) struct Staged {
    collection: &'static str,
    changes: Vec<(String, Option<Record>)>,
}

impl Staged {
    /// Makes them part of a change.
    pub(crate) fn put(self, change: &mut Change<'_>) {
        for (key, record) in self.changes {
            match record {
                Some(record) => change.put(self.collection, &key, record),
                None => drop(change.remove(self.collection, &key)),
            }
        }
    }
}
