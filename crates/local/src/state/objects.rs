//! Notebooks and files of the workspace.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Value, json};

use super::kept::Kept;
use super::notebooks;
use crate::records::store::Record;
use crate::reply::ApiError;

/// The languages of notebooks.
pub(crate) const LANGUAGES: [&str; 4] = ["PYTHON", "SQL", "SCALA", "R"];

/// The largest file that an import takes.
const LIMIT: usize = 10 * 1024 * 1024;
/// Directories that every workspace has.
const FIRST: [&str; 3] = ["/Repos", "/Shared", "/Users"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) id: u64,
    /// Of notebooks.
    pub(crate) language: Option<&'static str>,
    pub(crate) content: Vec<u8>,
    created_ms: i64,
    modified_ms: i64,
}

impl Object {
    pub(crate) fn is_notebook(&self) -> bool {
        self.language.is_some()
    }

    /// As it is kept on disk.
    fn record(&self) -> Record {
        Record::from_iter([
            ("id".to_owned(), json!(self.id)),
            ("language".to_owned(), json!(self.language)),
            ("content".to_owned(), json!(STANDARD.encode(&self.content))),
            ("created".to_owned(), json!(self.created_ms)),
            ("modified".to_owned(), json!(self.modified_ms)),
        ])
    }

    /// What was kept; `None` for directories.
    fn of(record: &Record) -> Option<Self> {
        let number = |name: &str| record.get(name).and_then(Value::as_i64).unwrap_or_default();
        let language = record.get("language").and_then(Value::as_str);
        Some(Self {
            id: record.get("id").and_then(Value::as_u64)?,
            language: LANGUAGES.iter().find(|known| language == Some(**known)).copied(),
            content: STANDARD.decode(record.get("content")?.as_str()?).ok()?,
            created_ms: number("created"),
            modified_ms: number("modified"),
        })
    }

    fn json(&self, path: &str) -> Value {
        let mut out = json!({
            "path": path,
            "object_type": if self.is_notebook() { "NOTEBOOK" } else { "FILE" },
            "object_id": self.id,
            "resource_id": self.id.to_string(),
            "created_at": self.created_ms,
            "modified_at": self.modified_ms,
            "size": self.content.len(),
        });
        if let Some(language) = self.language {
            out["language"] = json!(language);
        }
        out
    }
}

/// All of them, by path. What is above an object is there as a directory, until it is deleted.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    objects: BTreeMap<String, Object>,
    /// Directories with their identifiers.
    directories: BTreeMap<String, u64>,
    /// The last identifier that was given.
    last_id: u64,
    kept: Kept,
}

/// What an import brings.
pub(crate) struct Import<'a> {
    pub(crate) path: &'a str,
    pub(crate) content: Vec<u8>,
    /// `SOURCE`, `AUTO`, `RAW` or `JUPYTER`.
    pub(crate) format: &'a str,
    pub(crate) language: Option<&'static str>,
    pub(crate) overwrite: bool,
}

impl Objects {
    /// Those that were kept, and the directories that a workspace with that user has.
    pub(crate) fn new(kept: Kept, user: &str, first_id: u64) -> Result<Self, ApiError> {
        let mut all = Self { last_id: first_id, ..Self::default() };
        for (path, record) in kept.all() {
            let id = record.get("id").and_then(Value::as_u64).unwrap_or_default();
            all.last_id = all.last_id.max(id);
            match Object::of(&record) {
                Some(object) => drop(all.objects.insert(path, object)),
                None => drop(all.directories.insert(path, id)),
            }
        }
        all.kept = kept;
        for path in FIRST {
            all.make_directory(path)?;
        }
        all.make_directory(&format!("/Users/{user}"))?;
        Ok(all)
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(crate) fn import(&mut self, import: Import<'_>, now: i64) -> Result<(), ApiError> {
        let path = clean(import.path)?;
        if import.content.len() > LIMIT {
            return Err(ApiError::new(
                StatusCode::BAD_REQUEST,
                "MAX_NOTEBOOK_SIZE_EXCEEDED",
                format!("The file has {} bytes; an import takes at most {LIMIT}", import.content.len()),
            ));
        }
        let by_name = notebooks::language_of(&path);
        let jupyter = path.ends_with(".ipynb");
        let (path, language, content) = match import.format {
            "SOURCE" => {
                let language = import.language.or(by_name).ok_or_else(|| crate::extract::missing("language"))?;
                (path, Some(language), notebooks::marked(language, import.content))
            }
            "JUPYTER" => {
                let (language, source) = notebooks::from_jupyter(&import.content)?;
                (path, Some(language), source)
            }
            "AUTO" if jupyter => {
                let (language, source) = notebooks::from_jupyter(&import.content)?;
                (notebooks::without_ending(&path), Some(language), source)
            }
            "AUTO" if notebooks::is_marked(&import.content) => match import.language.or(by_name) {
                Some(language) => (notebooks::without_ending(&path), Some(language), import.content),
                None => (path, None, import.content),
            },
            _ => (path, None, import.content),
        };
        if self.objects.contains_key(&path) && !import.overwrite {
            let message = format!("Path ({path}) already exists.");
            return Err(ApiError::new(StatusCode::BAD_REQUEST, "RESOURCE_ALREADY_EXISTS", message));
        }
        if self.is_directory(&path) {
            return Err(ApiError::invalid_parameter(format!("Path ({path}) is a directory")));
        }
        let known = self.objects.get(&path).map(|old| (old.id, old.created_ms));
        let (id, created_ms) = known.unwrap_or_else(|| (self.next_id(), now));
        let object = Object { id, language, content, created_ms, modified_ms: now };
        let above = self.missing_above(&path)?;
        self.kept.save(
            above
                .iter()
                .map(|(path, id)| (path.clone(), Some(directory_record(*id))))
                .chain([(path.clone(), Some(object.record()))]),
        )?;
        self.directories.extend(above);
        self.objects.insert(path, object);
        Ok(())
    }

    /// The directories above a path that are not there yet, with new identifiers.
    fn missing_above(&mut self, path: &str) -> Result<Vec<(String, u64)>, ApiError> {
        let mut missing = Vec::new();
        for (at, _) in path.match_indices('/').skip(1) {
            let above = &path[..at];
            if self.objects.contains_key(above) {
                return Err(ApiError::invalid_parameter(format!("Path ({above}) is not a directory")));
            }
            if !self.directories.contains_key(above) {
                missing.push((above.to_owned(), self.next_id()));
            }
        }
        Ok(missing)
    }

    /// Whether the directory that would hold the path is there.
    pub(crate) fn has_parent(&self, path: &str) -> Result<bool, ApiError> {
        let path = clean(path)?;
        Ok(path.rsplit_once('/').is_none_or(|(parent, _)| parent.is_empty() || self.directories.contains_key(parent)))
    }

    pub(crate) fn get(&self, path: &str) -> Result<&Object, ApiError> {
        let path = clean(path)?;
        self.objects.get(&path).ok_or_else(|| gone(&path))
    }

    pub(crate) fn status(&self, path: &str) -> Result<Value, ApiError> {
        let path = clean(path)?;
        match self.objects.get(&path) {
            Some(object) => Ok(object.json(&path)),
            None if self.is_directory(&path) => Ok(self.directory_json(&path)),
            None => Err(gone(&path)),
        }
    }

    /// What lies directly in a directory.
    pub(crate) fn list(&self, path: &str) -> Result<Vec<Value>, ApiError> {
        let path = clean(path)?;
        if let Some(object) = self.objects.get(&path) {
            return Ok(vec![object.json(&path)]);
        }
        if !self.is_directory(&path) {
            return Err(gone(&path));
        }
        let prefix = inside(&path);
        let within = |p: &str| p.strip_prefix(&prefix).is_some_and(|name| !name.is_empty() && !name.contains('/'));
        let directories = self.directories.keys().filter(|p| within(p)).map(|p| self.directory_json(p));
        let files = self.objects.iter().filter(|(p, _)| within(p)).map(|(p, object)| object.json(p));
        Ok(directories.chain(files).collect())
    }

    fn directory_json(&self, path: &str) -> Value {
        let id = self.directories.get(path).copied().unwrap_or_default();
        json!({"path": path, "object_type": "DIRECTORY", "object_id": id, "resource_id": id.to_string()})
    }

    pub(crate) fn make_directory(&mut self, path: &str) -> Result<(), ApiError> {
        let path = clean(path)?;
        if self.objects.contains_key(&path) {
            return Err(ApiError::new(
                StatusCode::BAD_REQUEST,
                "RESOURCE_ALREADY_EXISTS",
                format!("Path ({path}) is not a directory"),
            ));
        }
        let mut new = self.missing_above(&path)?;
        if path != "/" && !self.directories.contains_key(&path) {
            new.push((path, self.next_id()));
        }
        self.kept.save(new.iter().map(|(path, id)| (path.clone(), Some(directory_record(*id)))))?;
        self.directories.extend(new);
        Ok(())
    }

    pub(crate) fn delete(&mut self, path: &str, recursive: bool) -> Result<(), ApiError> {
        let path = clean(path)?;
        if self.objects.contains_key(&path) {
            self.kept.remove(&path)?;
            self.objects.remove(&path);
            return Ok(());
        }
        if !self.is_directory(&path) {
            return Err(gone(&path));
        }
        if path == "/" || FIRST.contains(&path.as_str()) {
            return Err(ApiError::new(
                StatusCode::BAD_REQUEST,
                "INVALID_PARAMETER_VALUE",
                format!("Directory ({path}) is part of the workspace and cannot be deleted"),
            ));
        }
        let prefix = inside(&path);
        let below = self.objects.keys().chain(self.directories.keys()).filter(|p| p.starts_with(&prefix));
        let below: Vec<String> = below.cloned().collect();
        if !below.is_empty() && !recursive {
            let message = format!("Directory ({path}) is not empty; delete it recursively");
            return Err(ApiError::new(StatusCode::BAD_REQUEST, "DIRECTORY_NOT_EMPTY", message));
        }
        self.kept.save(below.into_iter().chain([path.clone()]).map(|path| (path, None)))?;
        self.objects.retain(|p, _| !p.starts_with(&prefix));
        self.directories.retain(|p, _| p != &path && !p.starts_with(&prefix));
        Ok(())
    }

    fn is_directory(&self, path: &str) -> bool {
        path == "/" || self.directories.contains_key(path)
    }
}

fn directory_record(id: u64) -> Record {
    Record::from_iter([("id".to_owned(), json!(id))])
}

fn gone(path: &str) -> ApiError {
    ApiError::not_found(format!("Path ({path}) doesn't exist."))
}

/// What the paths of a directory's contents begin with.
fn inside(path: &str) -> String {
    if path == "/" { "/".to_owned() } else { format!("{path}/") }
}

/// The path as it is kept: absolute, without a slash at its end; `/Workspace` in front means the same as nothing.
fn clean(path: &str) -> Result<String, ApiError> {
    let path = path.strip_prefix("/Workspace").filter(|rest| rest.starts_with('/')).unwrap_or(path);
    if !path.starts_with('/') || path.split('/').any(|part| matches!(part, "." | "..")) {
        return Err(ApiError::invalid_parameter(format!("Path ({path}) must be absolute and without '.' and '..'")));
    }
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    Ok(format!("/{}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(objects: &mut Objects, path: &str, format: &str, text: &str) -> Result<(), ApiError> {
        let import = Import { path, content: text.into(), format, language: None, overwrite: false };
        objects.import(import, 0)
    }

    #[test]
    fn directories_hold_what_is_below_them() {
        let mut all = Objects::default();
        import(&mut all, "/a/b/c.py", "SOURCE", "1").unwrap();
        import(&mut all, "/Workspace/a/d.txt", "AUTO", "1").unwrap();
        all.make_directory("/a/e/").unwrap();
        let names: Vec<_> =
            all.list("/a").unwrap().iter().map(|o| (o["path"].to_string(), o["object_type"].to_string())).collect();
        let wanted = [("/a/b", "DIRECTORY"), ("/a/e", "DIRECTORY"), ("/a/d.txt", "FILE")]
            .map(|(p, t)| (format!("\"{p}\""), format!("\"{t}\"")));
        assert_eq!(names, wanted);
        assert_eq!(all.list("/").unwrap().len(), 1);
        assert!(all.delete("/a", false).is_err());
        all.delete("/a", true).unwrap();
        assert!(all.status("/a").is_err());
    }

    #[test]
    fn formats_tell_notebooks_from_files() {
        let mut all = Objects::default();
        import(&mut all, "/n.py", "AUTO", "# Databricks notebook source\n1").unwrap();
        import(&mut all, "/j.ipynb", "AUTO", r#"{"cells": [{"cell_type": "code", "source": "1"}]}"#).unwrap();
        assert_eq!(all.get("/j").unwrap().content, b"# Databricks notebook source\n1");
        import(&mut all, "/f.py", "AUTO", "1").unwrap();
        assert_eq!(all.get("/n").unwrap().language, Some("PYTHON"));
        assert!(!all.get("/f.py").unwrap().is_notebook());
        assert!(import(&mut all, "/f.py", "AUTO", "1").is_err());
        assert!(import(&mut all, "/x", "SOURCE", "1").is_err());
        assert!(import(&mut all, "x", "AUTO", "1").is_err());
        assert!(import(&mut all, "/../x", "AUTO", "1").is_err());
    }

    #[test]
    fn a_workspace_has_homes_and_every_object_an_identifier() {
        let mut all = Objects::new(Kept::default(), "a@example.com", 10).unwrap();
        assert_eq!(all.status("/Users/a@example.com").unwrap()["object_type"], "DIRECTORY");
        assert!(all.has_parent("/Shared/x").unwrap() && !all.has_parent("/Shared/x/y").unwrap());
        import(&mut all, "/Shared/x/y", "RAW", "1").unwrap();
        let listed = all.list("/Shared").unwrap();
        assert_eq!(listed[0]["path"], "/Shared/x");
        assert!(listed[0]["object_id"].as_u64().is_some_and(|id| id > 10));
        assert!(all.delete("/Shared", true).is_err());
        assert!(import(&mut all, "/Shared/x/y/z", "RAW", "1").is_err());
    }
}
