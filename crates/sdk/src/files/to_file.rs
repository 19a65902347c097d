//! Downloads to a file of this machine.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use databricks_core::{Error, ErrorKind, Result};
use databricks_models::files as models;
use futures_util::{TryStreamExt as _, stream};

use super::disk::{self, Writer};
use super::download::{Download, DownloadSummary, empty_range};
use super::fetch::{Fetch, Remote};
use super::progress::Tracker;
use crate::runtime;

impl Download {
    /// Fetches the file into one of this machine.
    ///
    /// The bytes go to a temporary file beside it, which takes its place at the end; what is no regular file, such as a
    /// pipe, is written as it is. On failure nothing is left. Large files are fetched in ranges at the same time.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the file cannot be written, or is there and must not be replaced: then nothing is sent.
    /// Else as [`stream`](Self::stream).
    pub async fn to_file(self, path: impl AsRef<Path>) -> Result<DownloadSummary> {
        self.settings.check()?;
        runtime::check()?;
        let (tracker, path) = (self.tracker.clone(), path.as_ref().to_owned());
        Box::pin(run(self, path)).await?;
        let progress = tracker.get();
        Ok(DownloadSummary { bytes: progress.bytes, renewals: progress.renewals })
    }
}

async fn run(download: Download, path: PathBuf) -> Result<()> {
    let Download { client, path: remote_path, settings, tracker, range: (start, end), in_ranges, overwrite, sync } =
        download;
    if end.is_some_and(|end| end <= start) {
        return Err(empty_range(start, end));
    }
    let target = Target::find(path, overwrite).await?;
    let parallelism = settings.parallelism;
    let mut plan = Plan { start, end, size: u64::MAX, guard: None };
    if in_ranges && target.takes_ranges() {
        let found = client.call(models::files::GetMetadata::new(remote_path.as_str())).await?;
        let length = found.content_length.and_then(|length| u64::try_from(length).ok()).unwrap_or(0);
        let last = end.unwrap_or(length).min(length);
        // A file that fits into one range is fetched whole: a server may send all of it with status 200.
        if last.saturating_sub(start) > settings.ranges_from.max(settings.range_size) {
            plan = Plan { start, end: Some(last), size: settings.range_size, guard: found.last_modified };
            tracker.note(|progress| progress.total_bytes = Some(last - start));
        }
    }
    let remote = Remote::new(client, remote_path, settings, tracker.clone());
    let place = target.create().await?;
    plan.fetch(&remote, &tracker, &place.written, parallelism, sync).await?;
    place.finish(sync).await
}

/// Which bytes are fetched, in ranges of which size.
struct Plan {
    start: u64,
    end: Option<u64>,
    size: u64,
    guard: Option<String>,
}

impl Plan {
    async fn fetch(
        self,
        remote: &Arc<Remote>,
        tracker: &Tracker,
        file: &Path,
        parallelism: usize,
        sync: bool,
    ) -> Result<()> {
        let Self { start, end, size, guard } = self;
        let first_end = if size == u64::MAX { end } else { Some(end.unwrap_or(u64::MAX).min(start + size)) };
        // The first range finds the endpoint that serves the file; the others go there from the start.
        let mut fetch = Fetch::open(remote, start, first_end, guard.clone()).await?;
        if size == u64::MAX {
            let length = fetch.head().content_length;
            tracker.note(|progress| progress.total_bytes = length);
        }
        let piece = fetch.next().await?;
        let first = write(fetch, piece, tracker, file, 0, sync);
        let Some((next, end)) = first_end.zip(end).filter(|(next, end)| next < end) else { return first.await };
        let rest = (next..end).step_by(usize::try_from(size).unwrap_or(usize::MAX)).map(|at| {
            let guard = guard.clone();
            async move {
                let mut fetch = Fetch::open(remote, at, Some(end.min(at + size)), guard).await?;
                let piece = fetch.next().await?;
                write(fetch, piece, tracker, file, at - start, sync).await
            }
        });
        let mut jobs: Vec<std::pin::Pin<Box<dyn Future<Output = Result<()>> + Send + '_>>> = vec![Box::pin(first)];
        jobs.extend(rest.map(|job| Box::pin(job) as _));
        stream::iter(jobs.into_iter().map(Ok)).try_for_each_concurrent(parallelism, |job| job).await
    }
}

/// Writes a range at its place.
async fn write(
    mut fetch: Fetch,
    first: Option<Bytes>,
    tracker: &Tracker,
    file: &Path,
    at: u64,
    sync: bool,
) -> Result<()> {
    let mut writer = Writer::open(file, at).await?;
    let mut next = first;
    while let Some(piece) = next {
        tracker.report(|progress| progress.bytes += piece.len() as u64);
        writer.write(piece).await?;
        next = fetch.next().await?;
    }
    tracker.note(|progress| progress.parts += 1);
    writer.finish(sync).await
}

/// Where the bytes are to be in the end.
enum Target {
    /// A regular file, or one that is not there yet; through links to it.
    File(PathBuf),
    /// Something else that can be written, such as a pipe.
    Special(PathBuf),
}

impl Target {
    async fn find(path: PathBuf, overwrite: bool) -> Result<Self> {
        let asked = path.clone();
        let found = disk::blocking(move || match std::fs::metadata(&path) {
            Ok(_) if !overwrite => Err(io::ErrorKind::AlreadyExists.into()),
            Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if found.is_file() => Ok(Self::File(std::fs::canonicalize(&path)?)),
            Ok(_) => Ok(Self::Special(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::File(path)),
            Err(error) => Err(error),
        });
        found.await.map_err(|error| {
            let hint = error.kind() == io::ErrorKind::AlreadyExists;
            let error = disk::failed("written", &asked, error);
            if hint { error.with_hint("choose another path, or let it be overwritten") } else { error }
        })
    }

    fn takes_ranges(&self) -> bool {
        matches!(self, Self::File(_))
    }

    async fn create(self) -> Result<Place> {
        match self {
            Self::Special(path) => Ok(Place { written: path, wanted: None }),
            Self::File(path) => {
                let mut name = OsString::from(".download-");
                name.push(format!("{:016x}-", fastrand::u64(..)));
                name.push(
                    path.file_name().ok_or_else(|| {
                        Error::new(ErrorKind::InvalidInput, format!("{} names no file", path.display()))
                    })?,
                );
                let temporary = path.with_file_name(name);
                let (created, like) = (temporary.clone(), path.clone());
                let made = disk::blocking(move || {
                    std::fs::OpenOptions::new().write(true).create_new(true).open(&created)?;
                    // The new file takes the place of one that may have other permissions than new files have.
                    if let Ok(found) = std::fs::metadata(&like) {
                        std::fs::set_permissions(&created, found.permissions())?;
                    }
                    Ok(())
                });
                let place = Place { written: temporary, wanted: Some(path) };
                made.await.map_err(|error| disk::failed("written", &place.written, error))?;
                Ok(place)
            }
        }
    }
}

/// A file that is being written. Dropping it before it is finished removes it.
struct Place {
    written: PathBuf,
    /// Where it goes once it is complete; `None` if it is written in place or has gone there.
    wanted: Option<PathBuf>,
}

impl Place {
    async fn finish(mut self, sync: bool) -> Result<()> {
        let Some(wanted) = self.wanted.clone() else { return Ok(()) };
        let (from, to) = (self.written.clone(), wanted.clone());
        let moved = disk::blocking(move || {
            std::fs::rename(from, &to)?;
            if sync && cfg!(unix) {
                // The name is durable once the directory is.
                let directory = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
                std::fs::File::open(directory)?.sync_all()?;
            }
            Ok(())
        });
        let moved = moved.await.map_err(|error| disk::failed("written", &wanted, error));
        if moved.is_ok() {
            self.wanted = None;
        }
        moved
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.wanted.is_some()
            && let Err(error) = std::fs::remove_file(&self.written)
        {
            tracing::warn!(%error, file = %self.written.display(), "a file of a download that failed is left");
        }
    }
}
