//! DBFS: files, and streams that are open for writing.

use std::collections::HashMap;

use super::content::{Content, Segment};
use super::tree::{Entry, Tree};
use crate::reply::ApiError;

/// How long a stream may be idle.
const IDLE_MS: i64 = 10 * 60 * 1000;

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Dbfs {
    pub(crate) tree: Tree,
    open: HashMap<i64, Open>,
    last: i64,
}

#[derive(Debug)]
struct Open {
    path: String,
    content: Content,
    used_ms: i64,
}

/// Directories that the root of every workspace has.
const FIRST: [&str; 3] = ["/FileStore", "/tmp", "/user"];

impl Dbfs {
    /// The files of a tree, with the directories that are there from the start.
    pub(crate) fn new(tree: Tree) -> Result<Self, ApiError> {
        let mut dbfs = Self { tree, ..Self::default() };
        for path in FIRST {
            dbfs.tree.make_directory(path)?;
        }
        Ok(dbfs)
    }

    /// Opens a stream. The file is there from then on, empty.
    pub(crate) fn create(&mut self, path: &str, overwrite: bool, now: i64) -> Result<i64, ApiError> {
        self.tree.put(path, Entry { content: Content::default(), modified_ms: now }, overwrite)?;
        self.last += 1;
        let open = Open { path: path.to_owned(), content: Content::default(), used_ms: now };
        self.open.insert(self.last, open);
        Ok(self.last)
    }

    fn opened(&mut self, handle: i64, now: i64) -> Result<&mut Open, ApiError> {
        self.open.retain(|_, open| now.saturating_sub(open.used_ms) < IDLE_MS);
        self.open.get_mut(&handle).ok_or_else(|| ApiError::not_found(format!("No stream has the handle {handle}")))
    }

    pub(crate) fn add_block(&mut self, handle: i64, segment: Segment, now: i64) -> Result<(), ApiError> {
        let open = self.opened(handle, now)?;
        open.content.push(segment);
        open.used_ms = now;
        Ok(())
    }

    pub(crate) fn close(&mut self, handle: i64, now: i64) -> Result<(), ApiError> {
        self.opened(handle, now)?;
        let Some(open) = self.open.remove(&handle) else { return Ok(()) };
        self.tree.put(&open.path, Entry { content: open.content, modified_ms: now }, true)
    }
}
