//! Content of files, on disk, received and read block by block.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::random::Ids;
use crate::scratch::create_file;

const BLOCK: usize = 256 * 1024;

/// Where content is.
#[derive(Debug)]
pub(crate) struct Shelf {
    directory: PathBuf,
    /// Whether it outlives the workspace.
    durable: bool,
    /// Set when the workspace stops: what is let go of from then on was not deleted.
    closed: AtomicBool,
}

impl Shelf {
    pub(crate) fn new(directory: PathBuf, durable: bool) -> Arc<Self> {
        Arc::new(Self { directory, durable, closed: AtomicBool::new(false) })
    }

    /// Keeps durable content from now on, also when it is let go of.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Removes what a workspace that was killed had received for nothing: files that no content names.
    pub(crate) fn sweep(&self, used: &BTreeSet<String>) -> io::Result<()> {
        if !self.durable {
            return Ok(());
        }
        for entry in std::fs::read_dir(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(PREFIX) && !used.contains(&name) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// What the names of files with content begin with.
const PREFIX: &str = "content-";

/// A piece of content in a file of its own, which goes with the last that uses it.
#[derive(Debug)]
pub(crate) struct Segment {
    shelf: Arc<Shelf>,
    name: String,
    pub(crate) length: u64,
}

impl Segment {
    fn path(&self) -> PathBuf {
        self.shelf.directory.join(&self.name)
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        if !(self.shelf.durable && self.shelf.closed.load(Ordering::Relaxed)) {
            // With the workspace the whole directory goes; what is gone already is as it should be.
            let _ = std::fs::remove_file(self.path());
        }
    }
}

/// The content of a file: pieces in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    segments: Vec<Arc<Segment>>,
}

impl Content {
    pub(crate) fn of(segments: impl IntoIterator<Item = Arc<Segment>>) -> Self {
        Self { segments: segments.into_iter().filter(|segment| segment.length > 0).collect() }
    }

    /// The names and lengths of its pieces, as they are kept.
    pub(crate) fn to_json(&self) -> Value {
        self.segments.iter().map(|segment| json!([segment.name, segment.length])).collect()
    }

    /// The content whose pieces were kept.
    pub(crate) fn from_json(kept: &Value, shelf: &Arc<Shelf>) -> Self {
        let pieces = kept.as_array().into_iter().flatten().filter_map(|piece| {
            let (name, length) = (piece[0].as_str()?.to_owned(), piece[1].as_u64()?);
            Some(Arc::new(Segment { shelf: Arc::clone(shelf), name, length }))
        });
        Self::of(pieces)
    }

    /// The names of its pieces.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        self.segments.iter().map(|segment| segment.name.clone())
    }

    pub(crate) fn push(&mut self, segment: Segment) {
        if segment.length > 0 {
            self.segments.push(Arc::new(segment));
        }
    }

    pub(crate) fn length(&self) -> u64 {
        self.segments.iter().map(|segment| segment.length).sum()
    }

    /// The bytes of a range, read as the client takes them.
    pub(crate) fn body(&self, start: u64, end: u64) -> Body {
        let mut at = 0;
        let mut spans = Vec::new();
        for segment in &self.segments {
            let (first, last) = (start.max(at), end.min(at + segment.length));
            if first < last {
                spans.push((Arc::clone(segment), first - at, last - at));
            }
            at += segment.length;
        }
        Body::from_stream(stream::iter(spans).flat_map(|(segment, first, last)| blocks(segment, first, last)))
    }

    /// The bytes of a range in memory.
    pub(crate) fn read(&self, start: u64, end: u64) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        let mut at = 0;
        for segment in &self.segments {
            let (first, last) = (start.max(at), end.min(at + segment.length));
            if first < last {
                let mut file = File::open(segment.path())?;
                file.seek(SeekFrom::Start(first - at))?;
                file.take(last - first).read_to_end(&mut all)?;
            }
            at += segment.length;
        }
        Ok(all)
    }
}

fn blocks(segment: Arc<Segment>, start: u64, end: u64) -> impl futures_util::Stream<Item = io::Result<Bytes>> {
    stream::try_unfold((segment, None::<File>, start), move |(segment, file, at)| async move {
        if at >= end {
            return Ok(None);
        }
        let path = segment.path();
        let read = tokio::task::spawn_blocking(move || {
            let mut file = match file {
                Some(file) => file,
                None => {
                    let mut file = File::open(path)?;
                    file.seek(SeekFrom::Start(at))?;
                    file
                }
            };
            let mut block = vec![0; usize::try_from(end - at).unwrap_or(BLOCK).min(BLOCK)];
            file.read_exact(&mut block)?;
            Ok::<_, io::Error>((file, block))
        });
        let (file, block) = read.await.map_err(io::Error::other)??;
        let next = at + block.len() as u64;
        Ok(Some((Bytes::from(block), (segment, Some(file), next))))
    })
}

/// Writes a body to a file of its own. A body that breaks off leaves nothing.
pub(crate) async fn receive(shelf: &Arc<Shelf>, ids: &Ids, body: Body) -> io::Result<Segment> {
    let mut segment = Segment { shelf: Arc::clone(shelf), name: format!("{PREFIX}{}", ids.hex16()), length: 0 };
    let mut file = create_file(&segment.path())?;
    let mut pieces = body.into_data_stream();
    let (mut waiting, mut size) = (Vec::new(), 0);
    loop {
        let piece = pieces.next().await.transpose().map_err(io::Error::other)?;
        let last = piece.is_none();
        if let Some(piece) = piece {
            size += piece.len();
            waiting.push(piece);
        }
        if size >= BLOCK || (last && size > 0) {
            segment.length += size as u64;
            size = 0;
            let all = std::mem::take(&mut waiting);
            let written = tokio::task::spawn_blocking(move || {
                for piece in all {
                    file.write_all(&piece)?;
                }
                Ok::<_, io::Error>(file)
            });
            file = written.await.map_err(io::Error::other)??;
        }
        if last {
            if shelf.durable {
                // It has to be on disk before a record names it.
                tokio::task::spawn_blocking(move || file.sync_all()).await.map_err(io::Error::other)??;
            }
            return Ok(segment);
        }
    }
}
