//! Files of this machine, read and written on threads that may block.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use databricks_core::{ByteStream, Error, ErrorKind, Result};
use futures_util::{TryStreamExt as _, stream};

/// How much is read or written at once.
pub(crate) const BLOCK: usize = 1 << 20;

/// Runs work that blocks.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// The error for a file of this machine.
pub(crate) fn failed(what: &str, path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("{} cannot be {what}: {error}", path.display())).with_source(error)
}

/// A range of a file as a stream.
pub(crate) fn read_range(path: PathBuf, range: Range<u64>) -> ByteStream {
    let start = (None::<File>, path, range);
    Box::pin(stream::try_unfold(start, |(file, path, range)| async move {
        if range.is_empty() {
            return Ok(None);
        }
        let size = usize::try_from(range.end - range.start).unwrap_or(BLOCK).min(BLOCK);
        let (at, opened) = (range.start, path.clone());
        let read = blocking(move || {
            let mut file = match file {
                Some(file) => file,
                None => {
                    let mut file = File::open(&opened)?;
                    file.seek(SeekFrom::Start(at))?;
                    file
                }
            };
            let mut block = vec![0; size];
            file.read_exact(&mut block)?;
            Ok((file, block))
        });
        let (file, block) = read.await.map_err(|error| failed("read", &path, error))?;
        Ok(Some((Bytes::from(block), (Some(file), path, range.start + size as u64..range.end))))
    }))
}

/// Writes a file, and makes the directories above it.
///
/// * `overwrite`: whether an existing file is replaced; else it is an error.
pub(crate) async fn create(path: &Path, overwrite: bool, mut pieces: ByteStream) -> Result<()> {
    let created = path.to_owned();
    let made = blocking(move || {
        if let Some(parent) = created.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let mut options = std::fs::OpenOptions::new();
        options.write(true);
        if overwrite {
            options.create(true).truncate(true)
        } else {
            options.create_new(true)
        };
        options.open(created).map(drop)
    });
    made.await.map_err(|error| failed("written", path, error))?;
    let mut writer = Writer::open(path, 0).await?;
    while let Some(piece) = pieces.try_next().await? {
        writer.write(piece).await?;
    }
    writer.finish(false).await
}

/// Writes from an offset of a file on.
pub(crate) struct Writer {
    path: PathBuf,
    file: Option<File>,
    waiting: Vec<Bytes>,
    size: usize,
}

impl Writer {
    /// * `at`: the offset of the first byte that is written.
    pub(crate) async fn open(path: &Path, at: u64) -> Result<Self> {
        let opened = path.to_owned();
        let file = blocking(move || {
            let mut file = std::fs::OpenOptions::new().write(true).open(opened)?;
            if at > 0 {
                file.seek(SeekFrom::Start(at))?;
            }
            Ok(file)
        });
        let file = file.await.map_err(|error| failed("written", path, error))?;
        Ok(Self { path: path.to_owned(), file: Some(file), waiting: Vec::new(), size: 0 })
    }

    pub(crate) async fn write(&mut self, piece: Bytes) -> Result<()> {
        self.size += piece.len();
        self.waiting.push(piece);
        if self.size >= BLOCK { self.flush().await } else { Ok(()) }
    }

    pub(crate) async fn flush(&mut self) -> Result<()> {
        let pieces = std::mem::take(&mut self.waiting);
        self.size = 0;
        let Some(mut file) = self.file.take() else {
            return Err(failed("written", &self.path, io::Error::other("an earlier write failed")));
        };
        let written = blocking(move || {
            for piece in pieces {
                file.write_all(&piece)?;
            }
            file.flush()?;
            Ok(file)
        });
        self.file = Some(written.await.map_err(|error| failed("written", &self.path, error))?);
        Ok(())
    }

    /// Writes what waits, and waits until the disk has it if `sync`.
    pub(crate) async fn finish(mut self, sync: bool) -> Result<()> {
        self.flush().await?;
        if let Some(file) = self.file.take().filter(|_| sync) {
            blocking(move || file.sync_all()).await.map_err(|error| failed("written", &self.path, error))?;
        }
        Ok(())
    }
}
