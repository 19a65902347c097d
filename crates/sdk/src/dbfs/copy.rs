//! Copies and moves between DBFS, volumes and this machine.

use std::pin::Pin;

use databricks_core::{Error, ErrorKind, Result};
use databricks_models::files as models;
use futures_util::TryStreamExt as _;

use super::path::Place;
use super::{Fs, read as dbfs_read};
use crate::client::Client;
use crate::dbfs::DbfsWriter;
use crate::files::{FileReader, Upload, UploadSource, disk};
use crate::services::files::Files;

impl Fs {
    /// Copies a file or directory. Into an existing directory the copy keeps its name.
    ///
    /// # Errors
    /// Of awaiting it: [`ErrorKind::InvalidInput`] for a directory without [`recursive`](FsCopy::recursive), and when
    /// both paths are on this machine; when a file is there and must not be replaced. Files before are copied by then.
    pub fn copy(&self, from: impl Into<String>, to: impl Into<String>) -> FsCopy {
        FsCopy { fs: self.clone(), from: from.into(), to: to.into(), recursive: false, overwrite: false, remove: false }
    }

    /// Moves a file or directory: in DBFS by one call of the service, else by a copy and a deletion.
    ///
    /// # Errors
    /// As [`copy`](Self::copy).
    pub fn move_to(&self, from: impl Into<String>, to: impl Into<String>) -> FsCopy {
        FsCopy { remove: true, ..self.copy(from, to) }
    }
}

/// A copy or move, to be awaited; see [`Fs::copy`].
#[derive(Debug)]
#[must_use = "nothing is copied until it is awaited"]
pub struct FsCopy {
    fs: Fs,
    from: String,
    to: String,
    recursive: bool,
    overwrite: bool,
    remove: bool,
}

impl FsCopy {
    /// Sets whether directories are copied, with all they hold. Default: `false`.
    pub fn recursive(mut self, recursive: bool) -> Self {
        self.recursive = recursive;
        self
    }

    /// Sets whether existing files are replaced. Default: `false`.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    async fn run(self) -> Result<()> {
        let (from, to) = (Place::parse(&self.from)?, Place::parse(&self.to)?);
        let (fs, refused) = (&self.fs, |why: String| Err(Error::new(ErrorKind::InvalidInput, why)));
        if from.is_local() && to.is_local() {
            return refused(format!("{from} and {to} are both on this machine: copy them without the service"));
        }
        if let (Place::Dbfs(from), Place::Dbfs(to), true) = (&from, &to, self.remove) {
            return fs.client.call(models::dbfs::Move::new(from.as_str(), to.as_str())).await;
        }
        let is_directory = fs.is_directory(&from).await?;
        if is_directory && !self.recursive {
            return refused(format!("{from} is a directory, which is copied only with `recursive`"));
        }
        let to = if fs.is_directory(&to).await? { to.join(&from.name()) } else { to };
        if from == to || (is_directory && from.relative(&to).is_some_and(|inner| to == from.join(&inner))) {
            return refused(format!("{to} is {from} itself, or within it"));
        }
        if is_directory {
            let mut files = fs.list(&from.to_string(), true);
            while let Some(file) = files.try_next().await? {
                let file = Place::parse(&file.path)?;
                let relative = from.relative(&file).ok_or_else(|| {
                    Error::new(ErrorKind::Decode, format!("the listing of {from} names {file}, which is not in it"))
                })?;
                copy(&fs.client, &file, &to.join(&relative), self.overwrite).await?;
            }
        } else {
            copy(&fs.client, &from, &to, self.overwrite).await?;
        }
        if self.remove { fs.delete(&self.from, self.recursive).await } else { Ok(()) }
    }
}

impl IntoFuture for FsCopy {
    type Output = Result<()>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// Copies one file.
async fn copy(client: &Client, from: &Place, to: &Place, overwrite: bool) -> Result<()> {
    let source = match from {
        // Read at its positions, so that parts can be sent again without being held.
        Place::Local(path) => UploadSource::file(path),
        other => UploadSource::stream(None, read(client, other).await?.into_stream()),
    };
    write(client, to, source, overwrite).await
}

pub(super) async fn read(client: &Client, place: &Place) -> Result<FileReader> {
    match place {
        Place::Dbfs(path) => dbfs_read::open(client.clone(), path.clone()).await,
        Place::Volume(path) => {
            let files = Files { client: client.clone() };
            Ok(files.download_from(path.as_str()).stream().await?.into_reader())
        }
        Place::Local(path) => {
            let opened = path.clone();
            let found = disk::blocking(move || std::fs::metadata(opened));
            let length = found.await.map_err(|error| disk::failed("read", path, error))?.len();
            Ok(FileReader::new(disk::read_range(path.clone(), 0..length)))
        }
    }
}

pub(super) async fn write(client: &Client, place: &Place, source: UploadSource, overwrite: bool) -> Result<()> {
    match place {
        Place::Volume(path) => {
            let upload: Upload = Files { client: client.clone() }.upload_from(path.as_str(), source);
            upload.overwrite(overwrite).await.map(drop)
        }
        Place::Dbfs(path) => {
            let mut pieces = source.into_pieces().await?;
            let mut writer = DbfsWriter::open(client.clone(), path.clone(), overwrite).await?;
            while let Some(piece) = pieces.try_next().await? {
                writer.write(piece).await?;
            }
            writer.shutdown().await
        }
        Place::Local(path) => {
            let pieces = source.into_pieces().await?;
            disk::create(path, overwrite, pieces).await
        }
    }
}
