//! A directory of this machine and one of a volume, made the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use databricks_core::{Error, ErrorKind, Result};
use databricks_models::files as models;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::volume::Volume;
use super::{UploadSource, disk};
use crate::runtime;

/// How many files are transferred at the same time, each of them perhaps in parts.
const FILES: usize = 4;

impl Volume {
    /// Makes a directory of the volume have the files of one of this machine.
    ///
    /// * `local`: directory of this machine.
    /// * `directory`: relative path in the volume; it is made if it is not there.
    ///
    /// ```no_run
    /// # async fn example(data: &databricks_sdk::files::Volume) -> databricks_sdk::Result<()> {
    /// let planned = data.sync_from("site/", "public").delete(true).dry_run(true).await?;
    /// println!("would copy {:?} and delete {:?}", planned.copied, planned.deleted);
    /// data.sync_from("site/", "public").delete(true).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn sync_from(&self, local: impl Into<PathBuf>, directory: &str) -> VolumeSync {
        VolumeSync::new(self.clone(), local.into(), directory, true)
    }

    /// Makes a directory of this machine have the files of one of the volume.
    ///
    /// * `directory`: relative path in the volume.
    /// * `local`: directory of this machine; it is made if it is not there.
    pub fn sync_to(&self, directory: &str, local: impl Into<PathBuf>) -> VolumeSync {
        VolumeSync::new(self.clone(), local.into(), directory, false)
    }
}

/// The synchronisation of two directories, to be awaited; see [`Volume::sync_from`].
///
/// A file is copied if it is not there, has another size, or is newer where it comes from; see
/// [`by_content`](Self::by_content) for a comparison of the bytes. Links to directories of this
/// machine are not followed.
#[derive(Debug)]
#[must_use = "nothing is copied until it is awaited"]
pub struct VolumeSync {
    volume: Volume,
    local: PathBuf,
    directory: String,
    up: bool,
    delete: bool,
    dry_run: bool,
    size_only: bool,
    by_content: bool,
}

/// What a synchronisation did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyncSummary {
    /// The files that were copied, by their paths within the directory.
    pub copied: Vec<String>,
    /// The files that were deleted, by their paths within the directory.
    pub deleted: Vec<String>,
    /// How many files were the same already.
    pub unchanged: usize,
    /// The bytes of the files that were copied.
    pub bytes: u64,
}

/// What is known of a file.
#[derive(Clone, Copy, Debug)]
struct Known {
    size: u64,
    /// Milliseconds since the Unix epoch.
    modified: i64,
}

impl VolumeSync {
    fn new(volume: Volume, local: PathBuf, directory: &str, up: bool) -> Self {
        Self {
            volume,
            local,
            directory: directory.to_owned(),
            up,
            delete: false,
            dry_run: false,
            size_only: false,
            by_content: false,
        }
    }

    /// Sets whether files that are only at the destination are deleted. Default: `false`. Directories stay.
    pub fn delete(mut self, delete: bool) -> Self {
        self.delete = delete;
        self
    }

    /// Sets whether it is only found out what would be done. Default: `false`.
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// Sets whether files of the same size count as the same, whatever their times. Default: `false`.
    pub fn size_only(mut self, size_only: bool) -> Self {
        self.size_only = size_only;
        self
    }

    /// Sets whether files of the same size are compared by their bytes instead of their times. Default: `false`. A
    /// volume states no hashes, so that these files are downloaded for it, without being stored.
    pub fn by_content(mut self, by_content: bool) -> Self {
        self.by_content = by_content;
        self
    }

    async fn run(self) -> Result<SyncSummary> {
        runtime::check()?;
        let root = self.local.clone();
        let must_exist = self.up;
        let listed = disk::blocking(move || list_local(&root, must_exist));
        let local = listed.await.map_err(|error| disk::failed("listed", &self.local, error))?;
        let remote = self.list_remote().await?;
        let (from, to) = if self.up { (&local, &remote) } else { (&remote, &local) };
        let changed = self.changed(from, to).await?;
        let mut summary = SyncSummary::default();
        for (path, known) in from {
            if changed.contains(path.as_str()) {
                summary.bytes += known.size;
                summary.copied.push(path.clone());
            } else {
                summary.unchanged += 1;
            }
        }
        if self.delete {
            summary.deleted = to.keys().filter(|path| !from.contains_key(*path)).cloned().collect();
        }
        if !self.dry_run {
            let sync = &self;
            let copies = stream::iter(summary.copied.clone()).map(|path| async move { sync.copy(&path).await });
            copies.buffer_unordered(FILES).try_collect::<Vec<()>>().await?;
            let deletions = stream::iter(summary.deleted.clone()).map(|path| async move { sync.remove(&path).await });
            deletions.buffer_unordered(FILES).try_collect::<Vec<()>>().await?;
        }
        Ok(summary)
    }

    /// The files that have to be copied.
    async fn changed(&self, from: &BTreeMap<String, Known>, to: &BTreeMap<String, Known>) -> Result<BTreeSet<String>> {
        let mut changed = BTreeSet::new();
        let mut alike = Vec::new();
        for (path, known) in from {
            match to.get(path) {
                Some(there) if there.size == known.size => {
                    if self.by_content {
                        alike.push((path.clone(), known.size));
                    } else if !self.size_only && known.modified > there.modified {
                        changed.insert(path.clone());
                    }
                }
                _ => _ = changed.insert(path.clone()),
            }
        }
        let compared = stream::iter(alike).map(|(path, size)| async move {
            let same = self.has_same_bytes(&path, size).await?;
            Ok::<_, Error>((path, same))
        });
        let mut compared = compared.buffer_unordered(FILES);
        while let Some((path, same)) = compared.try_next().await? {
            if !same {
                changed.insert(path);
            }
        }
        Ok(changed)
    }

    /// Whether both files of a path have the same bytes.
    async fn has_same_bytes(&self, path: &str, size: u64) -> Result<bool> {
        if size == 0 {
            return Ok(true);
        }
        let mut here = disk::read_range(self.local_path(path), 0..size);
        let mut there = self.volume.download(&self.remote_path(path)).stream().await?;
        let (mut left, mut right) = (Bytes::new(), Bytes::new());
        loop {
            if left.is_empty() {
                left = here.try_next().await?.unwrap_or_default();
            }
            if right.is_empty() {
                right = there.try_next().await?.unwrap_or_default();
            }
            let common = left.len().min(right.len());
            if common == 0 {
                return Ok(left.is_empty() && right.is_empty());
            }
            if left.split_to(common) != right.split_to(common) {
                return Ok(false);
            }
        }
    }

    async fn list_remote(&self) -> Result<BTreeMap<String, Known>> {
        let root = self.volume.path(&self.directory);
        let mut all = BTreeMap::new();
        let mut found = self.volume.walk(&self.directory);
        loop {
            let entry = match found.try_next().await {
                Ok(Some(entry)) => entry,
                Ok(None) => return Ok(all),
                // What is not there yet is made by the first upload.
                Err(error) if self.up && all.is_empty() && error.is_not_found() => return Ok(all),
                Err(error) => return Err(error),
            };
            let (path, known) = of_remote(&root, entry)?;
            all.insert(path, known);
        }
    }

    fn local_path(&self, relative: &str) -> PathBuf {
        relative.split('/').fold(self.local.clone(), |path, name| path.join(name))
    }

    fn remote_path(&self, relative: &str) -> String {
        format!("{}/{relative}", self.directory.trim_matches('/'))
    }

    async fn copy(&self, path: &str) -> Result<()> {
        let (local, remote) = (self.local_path(path), self.remote_path(path));
        if self.up {
            return self.volume.upload(&remote, UploadSource::file(local)).overwrite(true).await.map(drop);
        }
        if let Some(parent) = local.parent().map(Path::to_owned) {
            let made = disk::blocking(move || std::fs::create_dir_all(parent)).await;
            made.map_err(|error| disk::failed("written", &local, error))?;
        }
        self.volume.download(&remote).to_file(local).await.map(drop)
    }

    async fn remove(&self, path: &str) -> Result<()> {
        if self.up {
            return match self.volume.delete(&self.remote_path(path)).await {
                Err(error) if error.is_not_found() => Ok(()),
                other => other,
            };
        }
        let local = self.local_path(path);
        let removed = local.clone();
        let removed = disk::blocking(move || std::fs::remove_file(removed)).await;
        removed.map_err(|error| disk::failed("deleted", &local, error))
    }
}

impl IntoFuture for VolumeSync {
    type Output = Result<SyncSummary>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<SyncSummary>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// The files below a directory of this machine, by paths with `/`.
fn list_local(root: &Path, must_exist: bool) -> std::io::Result<BTreeMap<String, Known>> {
    let mut all = BTreeMap::new();
    if !must_exist && !root.exists() {
        return Ok(all);
    }
    let mut waiting = vec![(root.to_owned(), String::new())];
    while let Some((directory, prefix)) = waiting.pop() {
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name().into_string().map_err(|name| {
                std::io::Error::other(format!("the name {name:?} is not UTF-8, which names in a volume must be"))
            })?;
            let relative = format!("{prefix}{name}");
            if entry.file_type()?.is_dir() {
                waiting.push((entry.path(), format!("{relative}/")));
                continue;
            }
            let found = std::fs::metadata(entry.path())?;
            if found.is_file() {
                let modified = found.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
                let modified = i64::try_from(modified).unwrap_or(i64::MAX);
                all.insert(relative, Known { size: found.len(), modified });
            }
        }
    }
    Ok(all)
}

/// The path of a file within a directory of the volume, and what is known of it.
fn of_remote(root: &str, entry: models::DirectoryEntry) -> Result<(String, Known)> {
    let path = entry.path.unwrap_or_default();
    let relative = path.strip_prefix(root).and_then(|rest| rest.strip_prefix('/'));
    // A name that leads elsewhere would be written outside of the directory.
    let sound = |name: &str| !matches!(name, "" | "." | "..") && !name.contains('\\');
    let relative = relative.filter(|relative| relative.split('/').all(sound)).ok_or_else(|| {
        Error::new(ErrorKind::Decode, format!("the listing of {root} names {path:?}, which is not a file in it"))
    })?;
    let size = entry.file_size.and_then(|size| u64::try_from(size).ok()).ok_or_else(|| {
        Error::new(ErrorKind::Decode, format!("the listing of {root} does not state the size of {path}"))
    })?;
    Ok((relative.to_owned(), Known { size, modified: entry.last_modified.unwrap_or(0) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let entry = |path: &str| models::DirectoryEntry::new().path(path).file_size(1);
        assert_eq!(of_remote("/Volumes/c/s/v", entry("/Volumes/c/s/v/a/b")).unwrap().0, "a/b");
        for wrong in
            ["/Volumes/c/s/v", "/Volumes/c/s/v2/a", "/Volumes/c/s/v/../x", "/Volumes/c/s/v//x", "/Volumes/c/s/v/a\\b"]
        {
            assert!(of_remote("/Volumes/c/s/v", entry(wrong)).is_err(), "{wrong}");
        }
    }
}
