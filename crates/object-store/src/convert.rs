//! Between the words of both sides.

use chrono::{DateTime, Utc};
use databricks_sdk::models::files::DirectoryEntry;
use databricks_sdk::{Error as SdkError, ErrorKind};
use object_store::path::Path;
use object_store::{Error, ObjectMeta, Result};

pub(crate) const STORE: &str = "Databricks volume";

/// The error of the SDK about a path.
pub(crate) fn error(path: impl Into<String>, error: SdkError) -> Error {
    let path = path.into();
    let status = error.status().map(|status| status.as_u16());
    let is = |predicate: fn(&SdkError) -> bool| predicate(&error);
    match () {
        () if is(SdkError::is_not_found) => Error::NotFound { path, source: error.into() },
        () if is(SdkError::is_already_exists) => Error::AlreadyExists { path, source: error.into() },
        () if status == Some(412) => Error::Precondition { path, source: error.into() },
        () if is(SdkError::is_permission_denied) => Error::PermissionDenied { path, source: error.into() },
        () if is(SdkError::is_unauthenticated) || error.kind() == ErrorKind::Auth => {
            Error::Unauthenticated { path, source: error.into() }
        }
        () => Error::Generic { store: STORE, source: error.into() },
    }
}

/// An error of this crate's own.
pub(crate) fn generic(message: impl Into<String>) -> Error {
    Error::Generic { store: STORE, source: message.into().into() }
}

/// The refusal of an operation that volumes do not have.
pub(crate) fn not_implemented(operation: &str) -> Error {
    Error::NotImplemented { operation: operation.to_owned(), implementer: STORE.to_owned() }
}

/// The refusal of what volumes do not do.
pub(crate) fn unsupported(what: &str) -> Error {
    Error::NotSupported { source: format!("a Databricks volume has no {what}").into() }
}

/// The location of something by its absolute path.
///
/// * `root`: the path of the volume.
pub(crate) fn location(root: &str, path: &str) -> Result<Path> {
    let relative = path.strip_prefix(root).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let relative =
        relative.ok_or_else(|| generic(format!("the listing of {root} names {path}, which is not in it")))?;
    Ok(Path::parse(relative)?)
}

/// What a listing states about a file.
pub(crate) fn listed(root: &str, entry: DirectoryEntry) -> Result<ObjectMeta> {
    let path = entry.path.unwrap_or_default();
    let modified = entry.last_modified.and_then(DateTime::from_timestamp_millis);
    meta(location(root, &path)?, entry.file_size, modified)
}

pub(crate) fn meta(location: Path, size: Option<i64>, modified: Option<DateTime<Utc>>) -> Result<ObjectMeta> {
    let missing = |what| generic(format!("the service does not state the {what} of {location}"));
    let size = size.and_then(|size| u64::try_from(size).ok()).ok_or_else(|| missing("size"))?;
    let last_modified = modified.ok_or_else(|| missing("time of the last change"))?;
    Ok(ObjectMeta { location, last_modified, size, e_tag: Some(tag(last_modified, size)), version: None })
}

/// An entity tag of what is known of a file. Whole seconds: that is what metadata state, while listings are finer.
fn tag(last_modified: DateTime<Utc>, size: u64) -> String {
    format!("{:x}-{size:x}", last_modified.timestamp())
}

/// An HTTP date.
pub(crate) fn date(text: Option<&str>) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text?).ok().map(|date| date.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_below_the_root() {
        let root = "/Volumes/c/s/v";
        assert_eq!(location(root, "/Volumes/c/s/v/a/b c.txt").unwrap(), Path::from("a/b c.txt"));
        assert!(location(root, "/Volumes/c/s/v2/a").is_err());
        assert_eq!(location(root, root).unwrap(), Path::from(""));
    }

    #[test]
    fn listings_and_metadata_have_the_same_tags() {
        let entry = DirectoryEntry::new().path("/Volumes/c/s/v/a").file_size(3).last_modified(1_751_364_000_999_i64);
        let listed = listed("/Volumes/c/s/v", entry).unwrap();
        let read = meta(Path::from("a"), Some(3), date(Some("Tue, 01 Jul 2025 10:00:00 GMT"))).unwrap();
        assert_eq!(listed.e_tag, read.e_tag);
        assert_ne!(meta(Path::from("a"), Some(4), Some(read.last_modified)).unwrap().e_tag, read.e_tag);
    }

    #[test]
    fn dates_are_read() {
        assert_eq!(date(Some("Tue, 01 Jul 2025 10:00:00 GMT")).unwrap().timestamp(), 1_751_364_000);
        assert!(date(Some("yesterday")).is_none() && date(None).is_none());
    }
}
