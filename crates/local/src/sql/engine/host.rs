//! What the engine needs of the workspace around it.

use crate::sql::Failure;

/// A file of a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostFile {
    /// From `/Volumes` on.
    pub(crate) path: String,
    pub(crate) modified_ms: i64,
    pub(crate) length: u64,
}

/// The workspace, as statements see it.
pub(crate) trait Host: Send + Sync {
    /// The workspace's time, in milliseconds since 1970.
    fn now_ms(&self) -> i64;

    /// The file of that path, or all files below the directory of that path.
    ///
    /// # Errors
    ///
    /// If there is neither.
    fn files(&self, path: &str) -> Result<Vec<HostFile>, Failure>;

    /// The bytes of a file.
    ///
    /// # Errors
    ///
    /// If it is missing or cannot be read.
    fn content(&self, path: &str) -> Result<Vec<u8>, Failure>;
}
