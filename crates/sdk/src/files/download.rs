//! Downloads from a volume.

use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use databricks_core::{Error, ErrorKind, Result};
use futures_core::Stream;
use futures_util::stream;
use tokio::io::{AsyncRead, ReadBuf};

use super::fetch::{Fetch, Head, Remote};
use super::progress::{Tracker, TransferProgress};
use super::reader::FileReader;
use super::settings::TransferSettings;
use crate::client::Client;
use crate::runtime;

/// A download from a volume.
///
/// The bytes come from cloud storage through a link that the workspace makes, or else from the workspace. When the
/// connection breaks, the download goes on where it broke off, if the file has not changed since.
///
/// ```no_run
/// # async fn example(w: &databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
/// let path = "/Volumes/main/default/data/trips.parquet";
/// w.files().download_from(path).to_file("trips.parquet").await?;
///
/// let mut pieces = w.files().download_from(path).stream().await?;
/// while let Some(piece) = pieces.try_next().await? {
///     println!("{} bytes", piece.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a download does nothing until one of its methods is awaited"]
pub struct Download {
    pub(super) client: Client,
    pub(super) path: String,
    pub(super) settings: TransferSettings,
    pub(super) tracker: Tracker,
    pub(super) range: (u64, Option<u64>),
    pub(super) in_ranges: bool,
    pub(super) overwrite: bool,
    pub(super) sync: bool,
}

impl Download {
    pub(super) fn new(client: Client, path: String, settings: TransferSettings) -> Self {
        let tracker = Tracker::default();
        Self { client, path, settings, tracker, range: (0, None), in_ranges: true, overwrite: true, sync: false }
    }

    /// Sets the bytes that are fetched. Default: all.
    pub fn range(mut self, range: Range<u64>) -> Self {
        self.range = (range.start, Some(range.end));
        self
    }

    /// Sets the first byte that is fetched; the rest of the file follows. Default: 0.
    pub fn from_byte(mut self, first: u64) -> Self {
        self.range = (first, None);
        self
    }

    /// Sets sizes and numbers.
    pub fn settings(mut self, settings: TransferSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets whether [`to_file`](Self::to_file) fetches large files in ranges, for which it asks for the size first.
    /// Default: `true`.
    pub fn in_ranges(mut self, in_ranges: bool) -> Self {
        self.in_ranges = in_ranges;
        self
    }

    /// Sets how many ranges [`to_file`](Self::to_file) fetches at the same time, 1 to 64. Default: 10.
    pub fn parallelism(mut self, transfers: usize) -> Self {
        self.settings = self.settings.parallelism(transfers);
        self
    }

    /// Sets whether [`to_file`](Self::to_file) replaces an existing file. Default: `true`.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// Sets whether [`to_file`](Self::to_file) waits until the disk has the bytes. Default: `false`.
    pub fn sync(mut self, sync: bool) -> Self {
        self.sync = sync;
        self
    }

    /// Calls `report` as bytes arrive. It runs within the download and holds it up.
    pub fn on_progress(self, report: impl FnMut(TransferProgress) + Send + 'static) -> Self {
        self.tracker.set_callback(report);
        self
    }

    /// Opens the file and returns its bytes as they arrive.
    ///
    /// # Errors
    /// [`is_not_found`](Error::is_not_found) when there is no such file; else as any call. The stream ends with an
    /// error if the download breaks off and cannot go on.
    pub async fn stream(self) -> Result<DownloadStream> {
        self.settings.check()?;
        runtime::check()?;
        let Self { client, path, settings, tracker, range: (start, end), .. } = self;
        if end.is_some_and(|end| end <= start) {
            return Err(empty_range(start, end));
        }
        let remote = Remote::new(client, path, settings, tracker.clone());
        let fetch = Fetch::open(&remote, start, end, None).await?;
        let head = fetch.head().clone();
        tracker.note(|progress| progress.total_bytes = head.content_length);
        let pieces = stream::try_unfold((fetch, tracker), |(mut fetch, tracker)| async move {
            let piece = fetch.next().await?;
            if let Some(piece) = &piece {
                tracker.report(|progress| progress.bytes += piece.len() as u64);
            }
            Ok(piece.map(|piece| (piece, (fetch, tracker))))
        });
        Ok(DownloadStream { head, reader: FileReader::new(Box::pin(pieces)) })
    }

    /// Fetches the bytes into memory.
    ///
    /// # Errors
    /// As [`stream`](Self::stream) and its stream.
    pub async fn bytes(self) -> Result<Bytes> {
        self.stream().await?.into_reader().bytes().await
    }
}

pub(super) fn empty_range(start: u64, end: Option<u64>) -> Error {
    let message = format!("the range from {start} to {} has no bytes", end.unwrap_or_default());
    Error::new(ErrorKind::InvalidInput, message)
}

/// What came of a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DownloadSummary {
    /// The bytes that were downloaded.
    pub bytes: u64,
    /// How often links were renewed and broken connections gone on from.
    pub renewals: u64,
}

/// The bytes of a file as they arrive, with what the server states about it: a stream of pieces, and an [`AsyncRead`].
pub struct DownloadStream {
    head: Head,
    reader: FileReader,
}

impl DownloadStream {
    /// The number of bytes, if the server stated it.
    pub fn content_length(&self) -> Option<u64> {
        self.head.content_length
    }

    /// The media type, if the server stated it.
    pub fn content_type(&self) -> Option<&str> {
        self.head.content_type.as_deref()
    }

    /// The time of the last change, as an HTTP date, if the server stated it.
    pub fn last_modified(&self) -> Option<&str> {
        self.head.last_modified.as_deref()
    }

    /// The next bytes, or `None` at the end.
    ///
    /// # Errors
    /// When the download breaks off and cannot go on.
    pub async fn try_next(&mut self) -> Result<Option<Bytes>> {
        self.reader.try_next().await
    }

    /// The bytes without what is known about them.
    pub fn into_reader(self) -> FileReader {
        self.reader
    }
}

impl Stream for DownloadStream {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.reader).poll_next(cx)
    }
}

impl AsyncRead for DownloadStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.reader).poll_read(cx, buf)
    }
}

impl fmt::Debug for DownloadStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DownloadStream").field("head", &self.head).finish_non_exhaustive()
    }
}
