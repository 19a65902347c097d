//! What is behind a table where tables are kept: its files, and the order in which files and names are written.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::super::delta::Keeper;
use super::super::delta::kept::Keeping;
use super::operation::{Change, Operation};
use super::table::TableState;
use super::{Catalog, Relation, Store};
use crate::sql::Failure;
use crate::state::kept::Staged;

/// The files of a table. A sample has none until it is changed.
#[derive(Debug)]
pub(in super::super) struct Backing {
    keeper: Mutex<Option<Keeper>>,
    directory: OnceLock<String>,
    sample: Option<&'static str>,
    /// Whether the names that are kept know of the directory.
    named: AtomicBool,
    /// Whether no name leads to it any more: its files go with its last reader.
    dropped: AtomicBool,
}

impl Backing {
    pub(super) fn sample(name: &'static str) -> Self {
        Self {
            keeper: Mutex::default(),
            directory: OnceLock::new(),
            sample: Some(name),
            named: AtomicBool::default(),
            dropped: AtomicBool::default(),
        }
    }

    pub(super) fn opened(keeper: Keeper) -> Self {
        Self {
            directory: OnceLock::from(keeper.name()),
            keeper: Mutex::new(Some(keeper)),
            sample: None,
            named: AtomicBool::new(true),
            dropped: AtomicBool::default(),
        }
    }

    pub(super) fn create(state: &TableState, change: &Change<'_>) -> Result<Self, Failure> {
        let made = Self::opened(Keeper::create(&change.store.keeping()?.depot, state, change)?);
        // Until a name leads to it.
        made.dropped.store(true, Ordering::Release);
        Ok(made)
    }

    pub(super) fn directory(&self) -> Option<&str> {
        self.directory.get().map(String::as_str)
    }

    pub(super) fn of_sample(&self) -> Option<&'static str> {
        self.sample
    }

    fn lock(&self) -> MutexGuard<'_, Option<Keeper>> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The files as they are; `None` where a sample was never changed.
    pub(in super::super) fn look<T>(&self, work: impl FnOnce(&Keeper) -> T) -> Option<T> {
        self.lock().as_ref().map(work)
    }

    /// Gives a sample files. The caller holds the table's writer.
    pub(in super::super) fn adopt(&self, state: &TableState, change: &Change<'_>) -> Result<(), Failure> {
        if self.lock().is_none() {
            let operation = Operation::new("CREATE TABLE AS SELECT");
            let made = Change { operation, ..*change };
            let keeper = Keeper::create(&change.store.keeping()?.depot, state, &made)?;
            // It is set once, since the writer is held.
            let _ = self.directory.set(keeper.name());
            *self.lock() = Some(keeper);
        }
        if !self.named.load(Ordering::Acquire) {
            // Where this fails, the next change begins with it: none is acknowledged before.
            change.store.write(|_| Ok(()))?;
            self.named.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Writes a change of the table down, then makes it the table's state.
    pub(super) fn commit(
        &self,
        before: &TableState,
        state: TableState,
        change: &Change<'_>,
        replace: impl FnOnce(TableState),
    ) -> Result<(), Failure> {
        if self.dropped.load(Ordering::Acquire) {
            let text = "The table was dropped while the statement ran.";
            return Err(Failure::class("TABLE_OR_VIEW_NOT_FOUND", text, "42P01"));
        }
        self.adopt(before, change)?;
        let mut keeper = self.lock();
        let Some(keeper) = keeper.as_mut() else { return Err(Failure::internal("the table has no files")) };
        keeper.commit(&state, change)?;
        // While the files are held, so that who looks at both sees the same version.
        replace(state);
        Ok(())
    }
}

impl Drop for Backing {
    fn drop(&mut self) {
        if self.dropped.load(Ordering::Acquire)
            && let Some(keeper) = self.lock().take()
        {
            keeper.remove();
        }
    }
}

impl Store {
    /// Where names and tables are kept.
    pub(in super::super) fn keeping(&self) -> Result<&Keeping, Failure> {
        self.keeping.get().ok_or_else(|| Failure::internal("the workspace has no place for tables"))
    }

    /// Takes what was kept there, or begins to keep what is here. Once, at the start.
    pub(in super::super) fn keep(&self, keeping: Keeping) -> std::io::Result<()> {
        if let Some(all) = keeping.load()? {
            self.mirror(|catalogs| *catalogs = all);
        }
        // It is set once.
        let _ = self.keeping.set(keeping);
        self.write(|_| Ok(())).map_err(|failure| std::io::Error::other(failure.message))
    }

    /// Changes what the catalogs hold; the change is on disk before others see it, and undone where that fails.
    pub(in super::super) fn write<T>(
        &self,
        work: impl FnOnce(&mut BTreeMap<String, Catalog>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.write_by(work, |all| self.keeping.get().map_or(Ok(()), |keeping| keeping.save(all)))
    }

    /// As [`write`](Self::write), where `commit` keeps the change of the names together with others.
    pub(in super::super) fn write_with<T>(
        &self,
        work: impl FnOnce(&mut BTreeMap<String, Catalog>) -> Result<T, Failure>,
        commit: impl FnOnce(Staged) -> Result<(), Failure>,
    ) -> Result<T, Failure> {
        self.write_by(work, |all| match self.keeping.get() {
            Some(keeping) => keeping.save_with(all, commit),
            None => commit(Staged::default()),
        })
    }

    fn write_by<T>(
        &self,
        work: impl FnOnce(&mut BTreeMap<String, Catalog>) -> Result<T, Failure>,
        save: impl FnOnce(&BTreeMap<String, Catalog>) -> Result<(), Failure>,
    ) -> Result<T, Failure> {
        let mut all = self.catalogs.write().unwrap_or_else(PoisonError::into_inner);
        let before = all.clone();
        let done = work(&mut all).and_then(|done| save(&all).map(|()| done));
        if done.is_err() {
            *all = before;
            return done;
        }
        let there = tables(&all);
        for (place, backing) in tables(&before) {
            if !there.contains_key(&place) {
                backing.dropped.store(true, Ordering::Release);
            }
        }
        there.values().for_each(|backing| backing.dropped.store(false, Ordering::Release));
        drop(all);
        done
    }
}

/// The tables by where they are in memory.
fn tables(all: &BTreeMap<String, Catalog>) -> BTreeMap<usize, &Backing> {
    let relations = all.values().flat_map(|c| c.schemas.values()).flat_map(|s| s.relations.values());
    let tables = relations.filter_map(|relation| match relation {
        Relation::Table(table) => Some((Arc::as_ptr(table) as usize, table.backing())),
        Relation::View(_) => None,
    });
    tables.collect()
}
