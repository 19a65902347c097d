//! Paths as `dbutils.fs` takes them.

use std::path::{Path, PathBuf};

use databricks_core::{Error, ErrorKind, Result};

/// A place of a file or directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Local(PathBuf),
    Dbfs(String),
    Volume(String),
}

impl Place {
    /// Reads `file:/tmp/x`, `dbfs:/tmp/x`, `/tmp/x` (in DBFS) and `/Volumes/c/s/v/x`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        match scheme(text) {
            Some(("file", path)) => {
                // `file:///tmp` has an empty host.
                let path = path.strip_prefix("//").filter(|path| path.starts_with('/')).unwrap_or(path);
                if path.is_empty() {
                    return Err(Error::new(ErrorKind::InvalidInput, "`file:` names no path"));
                }
                Ok(Self::Local(PathBuf::from(path)))
            }
            Some(("dbfs", path)) => {
                Self::remote(path.strip_prefix("//").filter(|p| p.starts_with('/')).unwrap_or(path))
            }
            None => Self::remote(text),
            Some((other, _)) => Err(Error::new(
                ErrorKind::InvalidInput,
                format!("the scheme {other:?} is not supported: only `file:`, `dbfs:` and paths of volumes are"),
            )),
        }
    }

    fn remote(path: &str) -> Result<Self> {
        if !path.starts_with('/') {
            return Err(Error::new(ErrorKind::InvalidInput, format!("{path:?} is not an absolute path"))
                .with_hint("put `file:` before a path of this machine"));
        }
        if path == "/Volumes" || path.starts_with("/Volumes/") {
            return Ok(Self::Volume(path.to_owned()));
        }
        Ok(Self::Dbfs(path.to_owned()))
    }

    /// Something below it, by a relative path with `/`.
    pub(super) fn join(&self, relative: &str) -> Self {
        let remote = |path: &str| format!("{}/{relative}", path.trim_end_matches('/'));
        match self {
            _ if relative.is_empty() => self.clone(),
            Self::Local(path) => Self::Local(relative.split('/').fold(path.clone(), |path, name| path.join(name))),
            Self::Dbfs(path) => Self::Dbfs(remote(path)),
            Self::Volume(path) => Self::Volume(remote(path)),
        }
    }

    /// The last segment of the path.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Local(path) => path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            Self::Dbfs(path) | Self::Volume(path) => {
                path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned()
            }
        }
    }

    /// The path of something below it, relative to it, with `/`.
    pub(super) fn relative(&self, below: &Self) -> Option<String> {
        let remote = |root: &str, path: &str| {
            path.strip_prefix(root.trim_end_matches('/')).map(|rest| rest.trim_start_matches('/').to_owned())
        };
        match (self, below) {
            (Self::Local(root), Self::Local(path)) => path.strip_prefix(root).ok().map(slashes),
            (Self::Dbfs(root), Self::Dbfs(path)) | (Self::Volume(root), Self::Volume(path)) => remote(root, path),
            _ => None,
        }
    }

    pub(super) fn is_local(&self) -> bool {
        matches!(self, Self::Local(_))
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Local(path) => write!(f, "file:{}", path.display()),
            Self::Dbfs(path) | Self::Volume(path) => f.write_str(path),
        }
    }
}

fn slashes(path: &Path) -> String {
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// The scheme (RFC 3986, section 3.1) in lower case that a path begins with, and the rest.
fn scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let sound = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    sound.then_some((scheme, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_apart() {
        let dbfs = |path: &str| Place::Dbfs(path.into());
        for (text, place) in [
            ("/tmp/x", dbfs("/tmp/x")),
            ("dbfs:/tmp/x", dbfs("/tmp/x")),
            ("dbfs:///tmp/x", dbfs("/tmp/x")),
            ("/a:b", dbfs("/a:b")),
            ("/Volumesx/y", dbfs("/Volumesx/y")),
            ("/Volumes/c/s/v/f", Place::Volume("/Volumes/c/s/v/f".into())),
            ("dbfs:/Volumes/c/s/v/f", Place::Volume("/Volumes/c/s/v/f".into())),
            ("file:/tmp/x", Place::Local("/tmp/x".into())),
            ("file:///tmp/x", Place::Local("/tmp/x".into())),
            ("file:x", Place::Local("x".into())),
        ] {
            assert_eq!(Place::parse(text).unwrap(), place, "{text}");
        }
        for wrong in ["s3://bucket/x", "abfss://c@a/x", "tmp/x", "", "file:"] {
            assert_eq!(Place::parse(wrong).unwrap_err().kind(), ErrorKind::InvalidInput, "{wrong}");
        }
    }

    #[test]
    fn paths_are_joined_and_split() {
        let root = Place::Dbfs("/r/".into());
        assert_eq!(root.join("a/b"), Place::Dbfs("/r/a/b".into()));
        assert_eq!(root.relative(&Place::Dbfs("/r/a/b".into())).unwrap(), "a/b");
        assert_eq!(root.name(), "r");
        let local = Place::Local("/r".into());
        assert_eq!(local.relative(&local.join("a/b")).unwrap(), "a/b");
        assert_eq!(local.join(""), local);
    }
}
