//! What `dbutils.fs` does.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use databricks_core::{Error, ErrorKind, Result};
use databricks_models::files as models;
use futures_util::stream;

use super::copy;
use super::path::Place;
use crate::client::Client;
use crate::files::{FileReader, UploadSource, disk, tree};
use crate::{ResultStream, WorkspaceClient};

impl WorkspaceClient {
    /// Files of DBFS, of volumes and of this machine by the paths that `dbutils.fs` takes; see [`Fs`].
    pub fn fs(&self) -> Fs {
        Fs { client: self.client.clone() }
    }
}

/// Files of DBFS, of volumes and of this machine.
///
/// | path | place |
/// |---|---|
/// | `/tmp/x`, `dbfs:/tmp/x` | DBFS |
/// | `/Volumes/c/s/v/x` | a volume |
/// | `file:/tmp/x` | this machine |
///
/// Other schemes are refused with [`InvalidInput`](ErrorKind::InvalidInput).
///
/// ```no_run
/// # async fn example(w: &databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
/// w.fs().copy("file:/tmp/model", "/Volumes/main/default/models/v1").recursive(true).await?;
/// let mut files = w.fs().list("/Volumes/main/default/models/v1", true);
/// while let Some(file) = files.try_next().await? {
///     println!("{} {:?}", file.path, file.size);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Fs {
    pub(super) client: Client,
}

/// A file or directory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FsEntry {
    /// The path; with `file:` before those of this machine.
    pub path: String,
    /// Whether it is a directory.
    pub is_directory: bool,
    /// The bytes of a file, if known.
    pub size: Option<i64>,
    /// The time of the last change in milliseconds since the Unix epoch, if known.
    pub modified: Option<i64>,
}

impl Fs {
    /// What lies in a directory, or the file itself.
    ///
    /// * `recursive`: lists all files below instead, breadth first, and no directories. Directories that vanish
    ///   meanwhile are passed over.
    pub fn list(&self, path: &str, recursive: bool) -> ResultStream<FsEntry> {
        let (fs, path) = (self.clone(), path.to_owned());
        let begin = async move {
            let place = Place::parse(&path)?;
            let walk = match fs.describe(&place).await? {
                Some(entry) if !entry.is_directory => Walk::new(fs, recursive, None, Some(entry)),
                // What is not there is found so when it is listed, with the service's own words.
                _ => Walk::new(fs, recursive, Some(place), None),
            };
            Ok::<_, Error>(stream::try_unfold(walk, Walk::next))
        };
        ResultStream::new(futures_util::TryStreamExt::try_flatten(stream::once(begin)))
    }

    /// Whether there is a file or directory.
    ///
    /// # Errors
    /// When the service cannot be asked, or refuses to state it.
    pub async fn exists(&self, path: &str) -> Result<bool> {
        match Place::parse(path)? {
            Place::Volume(path) => {
                Ok(tree::is_file(&self.client, &path).await? || tree::is_directory(&self.client, &path).await?)
            }
            place => Ok(self.describe(&place).await?.is_some()),
        }
    }

    /// Makes a directory and those above it; one that is there is no error.
    ///
    /// # Errors
    /// As any call; [`ErrorKind::Io`] on this machine.
    pub async fn create_directory(&self, path: &str) -> Result<()> {
        match Place::parse(path)? {
            Place::Dbfs(path) => self.client.call(models::dbfs::Mkdirs::new(path)).await,
            Place::Volume(path) => self.client.call(models::files::CreateDirectory::new(path)).await,
            Place::Local(path) => local("made", path, std::fs::create_dir_all).await,
        }
    }

    /// Opens a file to be read.
    ///
    /// # Errors
    /// When there is no such file, or it is a directory; else as any call.
    pub async fn read(&self, path: &str) -> Result<FileReader> {
        copy::read(&self.client, &Place::parse(path)?).await
    }

    /// Writes a file.
    ///
    /// * `overwrite`: whether an existing file is replaced; else it is an error.
    ///
    /// # Errors
    /// When the file is there and must not be replaced, or cannot be written; else as any call.
    pub async fn write(&self, path: &str, source: impl Into<UploadSource>, overwrite: bool) -> Result<()> {
        copy::write(&self.client, &Place::parse(path)?, source.into(), overwrite).await
    }

    /// Deletes a file or directory.
    ///
    /// * `recursive`: whether a directory is deleted, with all it holds; else it is an error.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a directory without `recursive`; else as any call.
    pub async fn delete(&self, path: &str, recursive: bool) -> Result<()> {
        let place = Place::parse(path)?;
        let is_directory = self.is_directory(&place).await?;
        if is_directory && !recursive {
            let message = format!("{path} is a directory, which is deleted only with `recursive`");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        match place {
            Place::Dbfs(path) => {
                let mut delete = models::dbfs::Delete::new(path);
                delete.recursive = Some(recursive);
                self.client.call(delete).await
            }
            Place::Volume(path) if is_directory => tree::delete_all(&self.client, path).await,
            Place::Volume(path) => self.client.call(models::files::Delete::new(path)).await,
            Place::Local(path) if is_directory => local("deleted", path, std::fs::remove_dir_all).await,
            Place::Local(path) => local("deleted", path, std::fs::remove_file).await,
        }
    }

    pub(super) async fn is_directory(&self, place: &Place) -> Result<bool> {
        match place {
            Place::Volume(path) => tree::is_directory(&self.client, path).await,
            other => Ok(self.describe(other).await?.is_some_and(|entry| entry.is_directory)),
        }
    }

    /// What is at a place, if anything.
    pub(super) async fn describe(&self, place: &Place) -> Result<Option<FsEntry>> {
        match place {
            Place::Dbfs(path) => match self.client.call(models::dbfs::GetStatus::new(path.as_str())).await {
                Ok(found) => Ok(Some(of_dbfs(found, path))),
                Err(error) if error.is_not_found() => Ok(None),
                Err(error) => Err(error),
            },
            Place::Volume(path) => {
                if tree::is_directory(&self.client, path).await? {
                    let path = path.clone();
                    return Ok(Some(FsEntry { path, is_directory: true, size: None, modified: None }));
                }
                match self.client.call(models::files::GetMetadata::new(path.as_str())).await {
                    Ok(found) => {
                        let (path, size) = (path.clone(), found.content_length);
                        Ok(Some(FsEntry { path, is_directory: false, size, modified: None }))
                    }
                    Err(error) if error.is_not_found() => Ok(None),
                    Err(error) => Err(error),
                }
            }
            Place::Local(path) => {
                let found = local("read", path.clone(), |path| match std::fs::metadata(path) {
                    Ok(found) => Ok(Some(found)),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(error),
                });
                Ok(found.await?.map(|found| of_local(path, &found)))
            }
        }
    }
}

/// Works on a path of this machine.
async fn local<T: Send + 'static>(
    what: &str,
    path: PathBuf,
    work: impl FnOnce(PathBuf) -> std::io::Result<T> + Send + 'static,
) -> Result<T> {
    let worked_on = path.clone();
    disk::blocking(move || work(worked_on)).await.map_err(|error| disk::failed(what, &path, error))
}

fn of_dbfs(found: models::FileInfo, path: &str) -> FsEntry {
    FsEntry {
        path: found.path.unwrap_or_else(|| path.to_owned()),
        is_directory: found.is_dir.unwrap_or(false),
        size: found.file_size,
        modified: found.modification_time,
    }
}

fn of_local(path: &std::path::Path, found: &std::fs::Metadata) -> FsEntry {
    let modified = found.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    FsEntry {
        path: Place::Local(path.to_owned()).to_string(),
        is_directory: found.is_dir(),
        size: (!found.is_dir()).then(|| i64::try_from(found.len()).unwrap_or(i64::MAX)),
        modified: modified.and_then(|time| i64::try_from(time.as_millis()).ok()),
    }
}

/// What is left of a listing.
struct Walk {
    fs: Fs,
    recursive: bool,
    waiting: VecDeque<Place>,
    ready: VecDeque<FsEntry>,
    first: bool,
}

impl Walk {
    fn new(fs: Fs, recursive: bool, directory: Option<Place>, file: Option<FsEntry>) -> Self {
        Self { fs, recursive, waiting: directory.into_iter().collect(), ready: file.into_iter().collect(), first: true }
    }

    async fn next(mut self) -> Result<Option<(FsEntry, Self)>> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                return Ok(Some((entry, self)));
            }
            let Some(place) = self.waiting.pop_front() else { return Ok(None) };
            let first = std::mem::take(&mut self.first);
            let entries = match self.fs.entries(&place).await {
                Ok(entries) => entries,
                Err(error) if !first && is_gone(&error) => continue,
                Err(error) => return Err(error),
            };
            for entry in entries {
                if self.recursive && entry.is_directory {
                    self.waiting.push_back(Place::parse(&entry.path)?);
                } else {
                    self.ready.push_back(entry);
                }
            }
        }
    }
}

fn is_gone(error: &Error) -> bool {
    let local = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    error.is_not_found() || local.is_some_and(|source| source.kind() == std::io::ErrorKind::NotFound)
}

impl Fs {
    /// What lies directly in a directory.
    async fn entries(&self, place: &Place) -> Result<Vec<FsEntry>> {
        match place {
            Place::Dbfs(path) => {
                let found = self.client.call(models::dbfs::List::new(path.as_str())).await?.files.unwrap_or_default();
                Ok(found.into_iter().map(|entry| of_dbfs(entry, path)).collect())
            }
            Place::Volume(path) => {
                let found = self.client.call(models::files::ListDirectoryContents::new(path.as_str())).items();
                Ok(found.try_collect().await?.into_iter().map(of_volume).collect())
            }
            Place::Local(path) => {
                local("listed", path.clone(), |path| {
                    let mut all = Vec::new();
                    for entry in std::fs::read_dir(path)? {
                        let path = entry?.path();
                        all.push(of_local(&path, &std::fs::metadata(&path)?));
                    }
                    all.sort_by(|a, b| a.path.cmp(&b.path));
                    Ok(all)
                })
                .await
            }
        }
    }
}

fn of_volume(found: models::DirectoryEntry) -> FsEntry {
    FsEntry {
        path: found.path.unwrap_or_default(),
        is_directory: found.is_directory.unwrap_or(false),
        size: found.file_size,
        modified: found.last_modified,
    }
}
