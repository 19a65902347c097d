//! Files of DBFS, and one view of DBFS, volumes and this machine's files.
//!
//! [`Dbfs`] has the operations of the API, in blocks of at most 1 MiB; the methods here
//! read and write whole files. [`Fs`] lists, copies, moves and deletes by the paths that `dbutils.fs` takes.

mod copy;
mod fs;
mod path;
mod read;
mod write;

use databricks_core::Result;

use crate::files::FileReader;
use crate::services::files::Dbfs;

pub use copy::FsCopy;
pub use fs::{Fs, FsEntry};
pub use write::DbfsWriter;

/// The most bytes that one request carries.
const BLOCK: usize = 1 << 20;

impl Dbfs {
    /// Opens a file to be read, block by block.
    ///
    /// * `path`: absolute path in DBFS.
    ///
    /// # Errors
    /// [`is_not_found`](crate::Error::is_not_found) when there is no such file,
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when it is a directory; else as any call.
    pub async fn reader(&self, path: impl Into<String>) -> Result<FileReader> {
        read::open(self.client.clone(), path.into()).await
    }

    /// Opens a file to be written, block by block. It is complete once [`DbfsWriter`] is shut down.
    ///
    /// * `path`: absolute path in DBFS.
    /// * `overwrite`: whether an existing file is replaced; else it is an error.
    ///
    /// # Errors
    /// [`is_already_exists`](crate::Error::is_already_exists) when the file is there and must not be replaced; else as
    /// any call.
    pub async fn writer(&self, path: impl Into<String>, overwrite: bool) -> Result<DbfsWriter> {
        DbfsWriter::open(self.client.clone(), path.into(), overwrite).await
    }
}
