//! Records by collection and key, in order of creation.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};

use crate::durable::Durable;
use crate::reply::ApiError;

/// The members of one record.
pub(crate) type Record = Map<String, Value>;

/// All records of the workspace.
#[derive(Debug, Default)]
pub(crate) struct Records {
    state: Mutex<State>,
    durable: Option<Durable>,
}

#[derive(Debug, Default)]
struct State {
    collections: BTreeMap<String, BTreeMap<String, Entry>>,
    next: u64,
}

#[derive(Debug)]
struct Entry {
    /// Orders by creation.
    sequence: u64,
    record: Record,
}

impl Records {
    /// The records that `durable` kept; what changes from now on is written there before it is acknowledged.
    pub(crate) fn open(durable: Durable) -> io::Result<Self> {
        let mut state = State::default();
        for (collection, key, sequence, record) in durable.read()? {
            state.next = state.next.max(sequence.saturating_add(1));
            state.collections.entry(collection).or_default().insert(key, Entry { sequence, record });
        }
        Ok(Self { state: Mutex::new(state), durable: Some(durable) })
    }

    /// Whether they outlive the process.
    pub(crate) fn is_durable(&self) -> bool {
        self.durable.is_some()
    }

    /// Begins a change that others see as a whole.
    pub(crate) fn change(&self) -> Change<'_> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Change { state, durable: self.durable.as_ref(), undo: Vec::new(), done: false }
    }

    /// A copy of one record.
    pub(crate) fn get(&self, collection: &str, key: &str) -> Option<Record> {
        self.change().get(collection, key).cloned()
    }

    /// Copies of all records of a collection, oldest first.
    pub(crate) fn list(&self, collection: &str) -> Vec<Record> {
        self.change().list(collection).into_iter().map(|(_, record)| record.clone()).collect()
    }
}

/// A transaction: what it changes is seen and kept from [`commit`](Self::commit) on, and undone without it.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    state: MutexGuard<'a, State>,
    durable: Option<&'a Durable>,
    /// What was there before, in the order of the changes.
    undo: Vec<(String, String, Option<Entry>)>,
    done: bool,
}

impl Change<'_> {
    pub(crate) fn get(&self, collection: &str, key: &str) -> Option<&Record> {
        self.state.collections.get(collection)?.get(key).map(|e| &e.record)
    }

    /// Keys and records, oldest first.
    pub(crate) fn list(&self, collection: &str) -> Vec<(&str, &Record)> {
        let mut all: Vec<_> = self.state.collections.get(collection).into_iter().flatten().collect();
        all.sort_by_key(|(_, entry)| entry.sequence);
        all.into_iter().map(|(key, entry)| (key.as_str(), &entry.record)).collect()
    }

    /// Names of the collections that begin with `prefix`.
    pub(crate) fn collections(&self, prefix: &str) -> Vec<String> {
        let from = self.state.collections.range(prefix.to_owned()..);
        from.take_while(|(name, _)| name.starts_with(prefix)).map(|(name, _)| name.clone()).collect()
    }

    /// Inserts or replaces; a record that is replaced keeps its place.
    pub(crate) fn put(&mut self, collection: &str, key: &str, record: Record) {
        let next = self.state.next;
        let entries = self.state.collections.entry(collection.to_owned()).or_default();
        let sequence = entries.get(key).map_or(next, |e| e.sequence);
        let before = entries.insert(key.to_owned(), Entry { sequence, record });
        if before.is_none() {
            self.state.next += 1;
        }
        self.undo.push((collection.to_owned(), key.to_owned(), before));
    }

    /// Removes and returns a record.
    pub(crate) fn remove(&mut self, collection: &str, key: &str) -> Option<Record> {
        let entries = self.state.collections.get_mut(collection)?;
        let entry = entries.remove(key)?;
        if entries.is_empty() {
            self.state.collections.remove(collection);
        }
        let record = entry.record.clone();
        self.undo.push((collection.to_owned(), key.to_owned(), Some(entry)));
        Some(record)
    }

    /// Gives a record another collection or key and what `edit` makes of it; it keeps its place in the order. `None` if
    /// there is none.
    pub(crate) fn relocate(
        &mut self,
        (collection, key): (&str, &str),
        (to_collection, to_key): (&str, &str),
        edit: impl FnOnce(&mut Record),
    ) -> Option<()> {
        let sequence = self.state.collections.get(collection)?.get(key)?.sequence;
        let mut record = self.remove(collection, key)?;
        edit(&mut record);
        let entries = self.state.collections.entry(to_collection.to_owned()).or_default();
        let before = entries.insert(to_key.to_owned(), Entry { sequence, record });
        self.undo.push((to_collection.to_owned(), to_key.to_owned(), before));
        Some(())
    }

    /// Removes every record of the collections that begin with `prefix`.
    pub(crate) fn remove_all(&mut self, prefix: &str) {
        for collection in self.collections(prefix) {
            let keys: Vec<_> = self.list(&collection).into_iter().map(|(key, _)| key.to_owned()).collect();
            for key in keys {
                self.remove(&collection, &key);
            }
        }
    }

    /// Keeps the changes, on disk first where there is one.
    pub(crate) fn commit(mut self) -> io::Result<()> {
        if let Some(durable) = self.durable {
            let changed = self.undo.iter().map(|(collection, key, _)| {
                let entry = self.state.collections.get(collection).and_then(|c| c.get(key));
                (collection.as_str(), key.as_str(), entry.map(|e| (e.sequence, &e.record)))
            });
            durable.write(changed)?;
        }
        self.done = true;
        Ok(())
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        while let Some((collection, key, before)) = self.undo.pop() {
            match before {
                Some(entry) => {
                    self.state.collections.entry(collection).or_default().insert(key, entry);
                }
                None => {
                    if let Some(entries) = self.state.collections.get_mut(&collection) {
                        entries.remove(&key);
                        if entries.is_empty() {
                            self.state.collections.remove(&collection);
                        }
                    }
                }
            }
        }
    }
}

/// Commits, with the error of a full or broken disk as the service states it.
pub(crate) fn commit(change: Change<'_>) -> Result<(), ApiError> {
    change.commit().map_err(|e: io::Error| ApiError::internal(format!("The change could not be stored: {e}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(n: i64) -> Record {
        Record::from_iter([("n".to_owned(), json!(n))])
    }

    #[test]
    fn lists_are_in_order_of_creation_and_replacing_keeps_the_place() {
        let records = Records::default();
        let mut change = records.change();
        change.put("c", "z", record(1));
        change.put("c", "a", record(2));
        change.put("c", "z", record(3));
        change.commit().unwrap();
        let numbers: Vec<_> = records.list("c").iter().map(|r| r["n"].clone()).collect();
        assert_eq!(numbers, [3, 2]);
    }

    #[test]
    fn what_is_not_committed_is_undone() {
        let records = Records::default();
        let mut change = records.change();
        change.put("c", "a", record(1));
        change.commit().unwrap();
        let mut change = records.change();
        change.put("c", "a", record(2));
        change.put("d", "b", record(3));
        change.remove("c", "a");
        drop(change);
        assert_eq!(records.get("c", "a"), Some(record(1)));
        assert!(records.list("d").is_empty());
        assert!(records.change().collections("").contains(&"c".to_owned()));
    }

    #[test]
    fn a_record_that_moves_keeps_its_place_and_moves_back_without_a_commit() {
        let records = Records::default();
        let mut change = records.change();
        change.put("c", "b", record(1));
        change.put("c", "a", record(2));
        change.commit().unwrap();
        let renamed = |record: &mut Record| drop(record.insert("n".to_owned(), json!(9)));
        let mut change = records.change();
        assert_eq!(change.relocate(("c", "b"), ("c", "z"), renamed), Some(()));
        assert_eq!(change.relocate(("c", "none"), ("c", "y"), renamed), None);
        drop(change);
        assert_eq!(records.get("c", "b"), Some(record(1)));
        let mut change = records.change();
        change.relocate(("c", "b"), ("c", "z"), renamed);
        change.commit().unwrap();
        assert_eq!(records.list("c"), [record(9), record(2)]);
        assert_eq!(records.get("c", "b"), None);
    }

    #[test]
    fn a_prefix_removes_what_belongs_to_it() {
        let records = Records::default();
        let mut change = records.change();
        change.put("spaces/1/items", "a", record(1));
        change.put("spaces/2/items", "a", record(2));
        change.remove_all("spaces/1/");
        change.commit().unwrap();
        assert!(records.list("spaces/1/items").is_empty());
        assert_eq!(records.list("spaces/2/items").len(), 1);
    }
}
