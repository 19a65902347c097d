//! Notebooks and files of the workspace.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use serde_json::{Value, json};

use crate::reply::ApiError;

/// The largest file that an import takes.
const LIMIT: usize = 10 * 1024 * 1024;
/// The line that makes a notebook of a source file.
const NOTEBOOK_MARK: &str = "Databricks notebook source";

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

    fn json(&self, path: &str) -> Value {
        let mut out = json!({
            "path": path,
            "object_type": if self.is_notebook() { "NOTEBOOK" } else { "FILE" },
            "object_id": self.id,
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

/// All of them, by path. A directory is there if something is in it, or if it was made.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    objects: BTreeMap<String, Object>,
    directories: BTreeSet<String>,
}

/// What an import brings.
pub(crate) struct Import<'a> {
    pub(crate) path: &'a str,
    pub(crate) content: Vec<u8>,
    /// `SOURCE`, `AUTO` or `RAW`.
    pub(crate) format: &'a str,
    pub(crate) language: Option<&'static str>,
    pub(crate) overwrite: bool,
}

impl Objects {
    pub(crate) fn import(&mut self, id: u64, import: Import<'_>, now: i64) -> Result<(), ApiError> {
        let path = clean(import.path)?;
        if import.content.len() > LIMIT {
            return Err(ApiError::new(
                StatusCode::BAD_REQUEST,
                "MAX_NOTEBOOK_SIZE_EXCEEDED",
                format!("The file has {} bytes; an import takes at most {LIMIT}", import.content.len()),
            ));
        }
        if self.objects.contains_key(&path) && !import.overwrite {
            let message = format!("Path ({path}) already exists.");
            return Err(ApiError::new(StatusCode::BAD_REQUEST, "RESOURCE_ALREADY_EXISTS", message));
        }
        if self.is_directory(&path) {
            return Err(ApiError::invalid_parameter(format!("Path ({path}) is a directory")));
        }
        let by_name = language_of(&path);
        let marked = || {
            std::str::from_utf8(&import.content)
                .is_ok_and(|text| text.lines().next().is_some_and(|line| line.contains(NOTEBOOK_MARK)))
        };
        let language = match import.format {
            "SOURCE" => Some(import.language.or(by_name).ok_or_else(|| crate::extract::missing("language"))?),
            "AUTO" if marked() => import.language.or(by_name),
            _ => None,
        };
        let created_ms = self.objects.get(&path).map_or(now, |old| old.created_ms);
        self.objects.insert(path, Object { id, language, content: import.content, created_ms, modified_ms: now });
        Ok(())
    }

    pub(crate) fn get(&self, path: &str) -> Result<&Object, ApiError> {
        let path = clean(path)?;
        self.objects.get(&path).ok_or_else(|| gone(&path))
    }

    pub(crate) fn status(&self, path: &str) -> Result<Value, ApiError> {
        let path = clean(path)?;
        match self.objects.get(&path) {
            Some(object) => Ok(object.json(&path)),
            None if self.is_directory(&path) => Ok(json!({"path": path, "object_type": "DIRECTORY"})),
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
        let mut directories = BTreeSet::new();
        for name in self.objects.keys().chain(&self.directories).filter_map(|p| p.strip_prefix(&prefix)) {
            let (first, below) = name.split_once('/').unwrap_or((name, ""));
            if !below.is_empty() || self.directories.contains(&format!("{prefix}{name}")) {
                directories.insert(first.to_owned());
            }
        }
        let files =
            self.objects.iter().filter(|(p, _)| p.strip_prefix(&prefix).is_some_and(|name| !name.contains('/')));
        let directories =
            directories.into_iter().map(|name| json!({"path": format!("{prefix}{name}"), "object_type": "DIRECTORY"}));
        Ok(directories.chain(files.map(|(p, object)| object.json(p))).collect())
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
        self.directories.insert(path);
        Ok(())
    }

    pub(crate) fn delete(&mut self, path: &str, recursive: bool) -> Result<(), ApiError> {
        let path = clean(path)?;
        if self.objects.remove(&path).is_some() {
            return Ok(());
        }
        if !self.is_directory(&path) {
            return Err(gone(&path));
        }
        let prefix = inside(&path);
        let filled = self.objects.keys().chain(&self.directories).any(|p| p.starts_with(&prefix));
        if filled && !recursive {
            let message = format!("Directory ({path}) is not empty; delete it recursively");
            return Err(ApiError::new(StatusCode::BAD_REQUEST, "DIRECTORY_NOT_EMPTY", message));
        }
        self.objects.retain(|p, _| !p.starts_with(&prefix));
        self.directories.retain(|p| p != &path && !p.starts_with(&prefix));
        Ok(())
    }

    fn is_directory(&self, path: &str) -> bool {
        let prefix = inside(path);
        path == "/"
            || self.directories.contains(path)
            || self.objects.keys().chain(&self.directories).any(|p| p.starts_with(&prefix))
    }
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

fn language_of(path: &str) -> Option<&'static str> {
    Some(match path.rsplit_once('.')?.1 {
        "py" => "PYTHON",
        "sql" => "SQL",
        "scala" => "SCALA",
        "r" | "R" => "R",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(objects: &mut Objects, path: &str, format: &str, text: &str) -> Result<(), ApiError> {
        let import = Import { path, content: text.into(), format, language: None, overwrite: false };
        objects.import(1, import, 0)
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
        import(&mut all, "/f.py", "AUTO", "1").unwrap();
        assert_eq!(all.get("/n.py").unwrap().language, Some("PYTHON"));
        assert!(!all.get("/f.py").unwrap().is_notebook());
        assert!(import(&mut all, "/f.py", "AUTO", "1").is_err());
        assert!(import(&mut all, "/x", "SOURCE", "1").is_err());
        assert!(import(&mut all, "x", "AUTO", "1").is_err());
        assert!(import(&mut all, "/../x", "AUTO", "1").is_err());
    }
}
