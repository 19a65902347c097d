//! Files in volumes: uploads and downloads of any size, and what is done with directories as a whole.
//!
//! [`Files`] has the operations of the API; the methods here do what takes several of
//! them. Paths are absolute, such as `/Volumes/main/default/data/trips.parquet`; [`Volume`] takes paths within one.

mod content;
mod control;
pub(crate) mod disk;
mod download;
mod fetch;
mod multipart;
mod part;
mod progress;
mod reader;
mod resumable;
mod settings;
pub(crate) mod source;
mod state;
mod storage;
mod sync;
mod to_file;
pub(crate) mod tree;
mod upload;
mod volume;
mod wire;

use databricks_core::Result;
use databricks_models::files as models;

use crate::ResultStream;
use crate::services::files::Files;

pub use control::TransferControl;
pub use download::{Download, DownloadStream, DownloadSummary};
pub use progress::TransferProgress;
pub use reader::FileReader;
pub use settings::TransferSettings;
pub use source::UploadSource;
pub use state::UploadState;
pub use sync::{SyncSummary, VolumeSync};
pub use upload::{Upload, UploadSummary};
pub use volume::Volume;

impl Files {
    /// Uploads to a file, in parts if it is large; see [`Upload`].
    ///
    /// * `path`: absolute path of the file.
    /// * `source`: bytes, a string, a path of this machine, or another [`UploadSource`].
    pub fn upload_from(&self, path: impl Into<String>, source: impl Into<UploadSource>) -> Upload {
        Upload::new(self.client.clone(), path.into(), source.into(), TransferSettings::default())
    }

    /// Downloads a file as a stream, into memory or into a file; see [`Download`].
    ///
    /// * `path`: absolute path of the file.
    pub fn download_from(&self, path: impl Into<String>) -> Download {
        Download::new(self.client.clone(), path.into(), TransferSettings::default())
    }

    /// All files below a directory, breadth first. Directories that vanish meanwhile are passed over.
    pub fn walk(&self, directory: impl Into<String>) -> ResultStream<models::DirectoryEntry> {
        tree::walk(self.client.clone(), directory.into())
    }

    /// Whether there is a file or directory at a path.
    ///
    /// # Errors
    /// When the service cannot be asked, or refuses to state it.
    pub async fn exists(&self, path: impl Into<String>) -> Result<bool> {
        let path = path.into();
        Ok(tree::is_file(&self.client, &path).await? || tree::is_directory(&self.client, &path).await?)
    }

    /// Whether there is a directory at a path.
    ///
    /// # Errors
    /// As [`exists`](Self::exists).
    pub async fn is_directory(&self, path: impl Into<String>) -> Result<bool> {
        tree::is_directory(&self.client, &path.into()).await
    }

    /// Deletes a file, or a directory with all it holds. What is gone already is no error, but the path itself must be
    /// there.
    ///
    /// # Errors
    /// [`is_not_found`](crate::Error::is_not_found) when nothing has this path; else as any call. Part of a directory
    /// may be deleted by then.
    pub async fn delete_all(&self, path: impl Into<String>) -> Result<()> {
        tree::delete_all(&self.client, path.into()).await
    }
}
