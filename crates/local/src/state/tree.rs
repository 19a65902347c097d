//! Files and directories by path, as volumes and DBFS have them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use super::content::{Content, Shelf};
use super::kept::{Kept, Staged};
use crate::records::store::Record;
use crate::reply::ApiError;

/// A file.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) content: Content,
    pub(crate) modified_ms: i64,
}

/// All of them. A directory is there if something is in it, or if it was made.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, Entry>,
    directories: BTreeSet<String>,
    kept: Kept,
}

/// What a listing has.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) path: String,
    /// `None` for directories.
    pub(crate) file: Option<Entry>,
}

impl Entry {
    /// As it is kept on disk, beside its content.
    fn record(&self) -> Record {
        Record::from_iter([
            ("modified".to_owned(), json!(self.modified_ms)),
            ("content".to_owned(), self.content.to_json()),
        ])
    }
}

impl Tree {
    /// What was kept.
    pub(crate) fn new(kept: Kept, shelf: &Arc<Shelf>) -> Self {
        let mut tree = Self::default();
        for (path, record) in kept.all() {
            match record.get("content") {
                Some(content) => {
                    let modified_ms = record.get("modified").and_then(Value::as_i64).unwrap_or_default();
                    tree.files.insert(path, Entry { content: Content::from_json(content, shelf), modified_ms });
                }
                None => drop(tree.directories.insert(path)),
            }
        }
        Self { kept, ..tree }
    }

    /// The names of the files that hold its content.
    pub(crate) fn content_names(&self) -> impl Iterator<Item = String> {
        self.files.values().flat_map(|entry| entry.content.names())
    }

    pub(crate) fn get(&self, path: &str) -> Result<Entry, ApiError> {
        self.files.get(path).cloned().ok_or_else(|| gone(path))
    }

    pub(crate) fn is_directory(&self, path: &str) -> bool {
        let prefix = inside(path);
        path == "/"
            || self.directories.contains(path)
            || starts(&self.files, &prefix)
            || self.directories.range(prefix.clone()..).next().is_some_and(|found| found.starts_with(&prefix))
    }

    /// Whether a file may be put there.
    pub(crate) fn check(&self, path: &str, overwrite: bool) -> Result<(), ApiError> {
        if self.is_directory(path) {
            return Err(exists(format!("{path} is a directory")));
        }
        if self.files.contains_key(path) && !overwrite {
            return Err(exists(format!("The file being created already exists: {path}")));
        }
        match self.file_above(path) {
            Some(above) => Err(exists(format!("{above} is a file and has nothing in it"))),
            None => Ok(()),
        }
    }

    pub(crate) fn put(&mut self, path: &str, entry: Entry, overwrite: bool) -> Result<(), ApiError> {
        self.check(path, overwrite)?;
        self.kept.put(path, entry.record())?;
        self.files.insert(path.to_owned(), entry);
        Ok(())
    }

    pub(crate) fn make_directory(&mut self, path: &str) -> Result<(), ApiError> {
        if self.files.contains_key(path) {
            return Err(exists(format!("{path} is a file")));
        }
        if let Some(above) = self.file_above(path) {
            return Err(exists(format!("{above} is a file and has nothing in it")));
        }
        if !self.directories.contains(path) {
            self.kept.put(path, Record::new())?;
            self.directories.insert(path.to_owned());
        }
        Ok(())
    }

    /// A file that stands where a directory on the way to a path would have to be.
    fn file_above<'a>(&self, path: &'a str) -> Option<&'a str> {
        let above = path.match_indices('/').skip(1).map(|(at, _)| &path[..at]);
        above.into_iter().find(|above| self.files.contains_key(*above))
    }

    /// Deletes a file. What held it stays when it was the last in it.
    pub(crate) fn delete_file(&mut self, path: &str) -> Result<(), ApiError> {
        if !self.files.contains_key(path) {
            return Err(gone(path));
        }
        let parent = path.rsplit_once('/').map(|(parent, _)| parent).filter(|parent| !parent.is_empty());
        let stays = parent.map(|parent| (parent.to_owned(), Some(Record::new())));
        self.kept.save(stays.into_iter().chain([(path.to_owned(), None)]))?;
        self.directories.extend(parent.map(str::to_owned));
        self.files.remove(path);
        Ok(())
    }

    pub(crate) fn is_empty(&self, directory: &str) -> bool {
        let prefix = inside(directory);
        !starts(&self.files, &prefix)
            && self.directories.range(prefix.clone()..).next().is_none_or(|found| !found.starts_with(&prefix))
    }

    /// Deletes a directory and all it holds.
    pub(crate) fn delete_directory(&mut self, path: &str) -> Result<(), ApiError> {
        if !self.is_directory(path) {
            return Err(gone(path));
        }
        let prefix = inside(path);
        let parent = path.rsplit_once('/').map(|(parent, _)| parent).filter(|parent| !parent.is_empty());
        let below = self.files.keys().chain(&self.directories).filter(|found| found.starts_with(&prefix)).cloned();
        let gone = below.chain([path.to_owned()]).map(|path| (path, None));
        self.kept.save(parent.map(|parent| (parent.to_owned(), Some(Record::new()))).into_iter().chain(gone))?;
        self.directories.extend(parent.map(str::to_owned));
        self.files.retain(|found, _| !found.starts_with(&prefix));
        self.directories.retain(|found| found != path && !found.starts_with(&prefix));
        Ok(())
    }

    /// What lies directly in a directory, by name.
    pub(crate) fn list(&self, path: &str) -> Result<Vec<Listed>, ApiError> {
        if !self.is_directory(path) {
            return Err(gone(path));
        }
        let prefix = inside(path);
        let mut all = BTreeMap::new();
        let below = |map: &mut BTreeMap<String, Option<Entry>>, found: &str, entry: Option<&Entry>| {
            let rest = &found[prefix.len()..];
            match rest.split_once('/') {
                Some((name, _)) => map.entry(format!("{prefix}{name}")).or_insert(None),
                None => map.entry(found.to_owned()).or_insert(entry.cloned()),
            };
        };
        for (found, entry) in self.files.range(prefix.clone()..).take_while(|(found, _)| found.starts_with(&prefix)) {
            below(&mut all, found, Some(entry));
        }
        for found in self.directories.range(prefix.clone()..).take_while(|found| found.starts_with(&prefix)) {
            below(&mut all, found, None);
        }
        Ok(all.into_iter().map(|(path, file)| Listed { path, file }).collect())
    }

    /// Moves a file or a directory with all it holds.
    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Result<(), ApiError> {
        if let Some(entry) = self.files.get(from).cloned() {
            self.put(to, entry, false)?;
            return self.delete_file(from);
        }
        if !self.is_directory(from) {
            return Err(gone(from));
        }
        if inside(to).starts_with(&inside(from)) {
            return Err(ApiError::invalid_parameter(format!("{to} is within {from}")));
        }
        self.make_directory(to)?;
        let moves = self.moves(from, to);
        self.kept.save(self.changes(&moves))?;
        self.apply(moves);
        Ok(())
    }

    /// What is to move with a directory, itself among it: old paths and new ones.
    pub(crate) fn moves(&self, from: &str, to: &str) -> Vec<(String, String)> {
        let held = |path: &String| {
            let rest = path.strip_prefix(from).filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
            Some((path.clone(), format!("{to}{rest}")))
        };
        self.files.keys().chain(&self.directories).filter_map(held).collect()
    }

    /// What moves change on disk, for a change that others take part in.
    pub(crate) fn stage(&self, moves: &[(String, String)]) -> Staged {
        self.kept.stage(self.changes(moves))
    }

    fn changes(&self, moves: &[(String, String)]) -> Vec<(String, Option<Record>)> {
        let gone = moves.iter().map(|(from, _)| (from.clone(), None));
        let there = moves.iter().map(|(from, to)| {
            let record = self.files.get(from).map_or_else(Record::new, Entry::record);
            (to.clone(), Some(record))
        });
        gone.chain(there).collect()
    }

    /// Makes moves whose changes are on disk.
    pub(crate) fn apply(&mut self, moves: Vec<(String, String)>) {
        for (from, to) in moves {
            if let Some(entry) = self.files.remove(&from) {
                self.files.insert(to, entry);
            } else if self.directories.remove(&from) {
                self.directories.insert(to);
            }
        }
    }
}

fn starts(files: &BTreeMap<String, Entry>, prefix: &str) -> bool {
    files.range(prefix.to_owned()..).next().is_some_and(|(found, _)| found.starts_with(prefix))
}

fn inside(directory: &str) -> String {
    format!("{}/", directory.trim_end_matches('/'))
}

pub(crate) fn gone(path: &str) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", format!("The file or directory does not exist: {path}"))
}

fn exists(message: String) -> ApiError {
    ApiError::new(StatusCode::CONFLICT, "ALREADY_EXISTS", message)
}

/// A path without a slash at its end, if it is absolute and stands for itself.
pub(crate) fn clean(path: &str) -> Result<String, ApiError> {
    let trimmed = path.trim_end_matches('/');
    let sound = path.starts_with('/') && trimmed.split('/').skip(1).all(|part| !matches!(part, "" | "." | ".."));
    if !sound {
        return Err(ApiError::invalid_parameter(format!("{path:?} is not an absolute path")));
    }
    Ok(if trimmed.is_empty() { "/".to_owned() } else { trimmed.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(paths: &[&str]) -> Tree {
        let mut tree = Tree::default();
        for path in paths {
            tree.put(path, Entry { content: Content::default(), modified_ms: 1 }, false).unwrap();
        }
        tree
    }

    fn names(tree: &Tree, path: &str) -> Vec<String> {
        tree.list(path).unwrap().into_iter().map(|found| found.path).collect()
    }

    #[test]
    fn directories_are_there_while_they_are_needed() {
        let mut tree = tree(&["/a/b/c", "/a/b-d", "/a/b/e/f"]);
        assert_eq!(names(&tree, "/a"), ["/a/b", "/a/b-d"]);
        assert_eq!(names(&tree, "/a/b"), ["/a/b/c", "/a/b/e"]);
        tree.delete_file("/a/b/e/f").unwrap();
        assert!(tree.is_directory("/a/b/e") && tree.is_empty("/a/b/e") && !tree.is_empty("/a/b"));
        tree.delete_directory("/a/b").unwrap();
        assert_eq!(names(&tree, "/a"), ["/a/b-d"]);
        assert!(tree.list("/a/b").is_err() && tree.delete_directory("/a/b").is_err());
    }

    #[test]
    fn nothing_is_put_over_what_is_there() {
        let mut tree = tree(&["/a/b"]);
        let entry = || Entry { content: Content::default(), modified_ms: 2 };
        assert!(tree.put("/a/b", entry(), false).is_err());
        assert!(tree.put("/a", entry(), true).is_err());
        assert!(tree.put("/a/b/c", entry(), true).is_err());
        assert!(tree.make_directory("/a/b").is_err() && tree.make_directory("/a/b/c").is_err());
        tree.put("/a/b", entry(), true).unwrap();
        assert_eq!(tree.get("/a/b").unwrap().modified_ms, 2);
    }

    #[test]
    fn directories_move_with_all_they_hold() {
        let mut tree = tree(&["/a/b/c", "/a/d"]);
        tree.rename("/a", "/x/y").unwrap();
        assert_eq!(names(&tree, "/x/y"), ["/x/y/b", "/x/y/d"]);
        assert!(!tree.is_directory("/a"));
        assert!(tree.rename("/x", "/x/y/z").is_err() && tree.rename("/none", "/n").is_err());
    }

    #[test]
    fn paths_stand_for_themselves() {
        assert_eq!(clean("/a/b/").unwrap(), "/a/b");
        assert_eq!(clean("/").unwrap(), "/");
        for wrong in ["", "a", "/a/../b", "/a//b", "/./a"] {
            assert!(clean(wrong).is_err(), "{wrong}");
        }
    }
}
