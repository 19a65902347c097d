//! What is uploaded.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use databricks_core::{Body, ByteStream, Error, ErrorKind, Result};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::disk;

/// Makes the bytes of a range anew whenever it is called.
pub(crate) type Ranges = Arc<dyn Fn(Range<u64>) -> ByteStream + Send + Sync>;

/// The content of an upload: bytes, a file, something that can be read from any position, or a stream that can be read
/// once.
///
/// Bytes, `String`, `&str` and paths convert into it. Memory is bounded by the parallelism times the part size, and for
/// files and [`ranges`](Self::ranges) far below it, since these are read as they are sent.
pub struct UploadSource(pub(crate) Kind);

pub(crate) enum Kind {
    Bytes(Bytes),
    File(PathBuf),
    Ranges(u64, Ranges),
    Stream(Option<u64>, ByteStream),
}

impl UploadSource {
    /// A file of this machine, read at its positions by all workers.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Kind::File(path.into()))
    }

    /// Content that can be read from any position, as often as needed.
    ///
    /// * `length`: all bytes.
    /// * `read`: makes the stream of a range of positions, which must have exactly that many bytes.
    pub fn ranges(length: u64, read: impl Fn(Range<u64>) -> ByteStream + Send + Sync + 'static) -> Self {
        Self(Kind::Ranges(length, Arc::new(read)))
    }

    /// A stream that can be read once. What of it is under way is held in memory, so that it can be sent again.
    ///
    /// * `length`: the bytes, if known.
    pub fn stream(length: Option<u64>, stream: ByteStream) -> Self {
        Self(Kind::Stream(length, stream))
    }

    /// What is left of a reader, such as a `tokio::fs::File` or a child's output. It is read once, from where it stands.
    pub fn reader(reader: impl AsyncRead + Send + 'static) -> Self {
        let reader = Box::pin(reader);
        let pieces = stream::try_unfold(reader, |mut reader| async move {
            let mut piece = BytesMut::with_capacity(256 << 10);
            let read = reader.read_buf(&mut piece).await.map_err(|error| {
                Error::new(ErrorKind::Body, format!("the reader failed: {error}")).with_source(error)
            })?;
            Ok((read > 0).then(|| (piece.freeze(), reader)))
        });
        Self(Kind::Stream(None, Box::pin(pieces)))
    }

    /// All of it as a stream that is read once.
    pub(crate) async fn into_pieces(self) -> Result<ByteStream> {
        Ok(self.open().await?.whole()?.into_stream())
    }

    /// Finds out the length; a file is looked up.
    pub(crate) async fn open(self) -> Result<Content> {
        Ok(match self.0 {
            Kind::Bytes(bytes) => {
                let length = bytes.len() as u64;
                let part = bytes.clone();
                let slice = move |range: Range<u64>| part.slice(to_usize(range.start)..to_usize(range.end));
                let ranges: Ranges = Arc::new(move |range| Body::from(slice(range)).into_stream());
                Content { length: Some(length), offset: 0, from: Supply::Ranges(ranges, Some(bytes)) }
            }
            Kind::File(path) => {
                let opened = path.clone();
                let found = disk::blocking(move || {
                    let found = std::fs::metadata(opened)?;
                    if found.is_dir() { Err(std::io::ErrorKind::IsADirectory.into()) } else { Ok(found) }
                });
                let found = found.await.map_err(|error| disk::failed("read", &path, error))?;
                if !found.is_file() {
                    // A pipe or device has neither length nor positions.
                    let Kind::Stream(length, stream) = device(path).0 else { return Err(lost()) };
                    return Ok(Content::once(length, stream));
                }
                let ranges: Ranges = Arc::new(move |range| disk::read_range(path.clone(), range));
                Content { length: Some(found.len()), offset: 0, from: Supply::Ranges(ranges, None) }
            }
            Kind::Ranges(length, ranges) => {
                Content { length: Some(length), offset: 0, from: Supply::Ranges(ranges, None) }
            }
            Kind::Stream(length, stream) => Content::once(length, stream),
        })
    }
}

/// A file that can only be read in order.
fn device(path: PathBuf) -> UploadSource {
    let pieces = stream::try_unfold((None::<std::fs::File>, path), |(file, path)| async move {
        let opened = path.clone();
        let read = disk::blocking(move || {
            let mut file = match file {
                Some(file) => file,
                None => std::fs::File::open(opened)?,
            };
            let mut piece = vec![0; 64 << 10];
            let read = std::io::Read::read(&mut file, &mut piece)?;
            piece.truncate(read);
            Ok((file, piece))
        });
        let (file, piece) = read.await.map_err(|error| disk::failed("read", &path, error))?;
        Ok((!piece.is_empty()).then(|| (Bytes::from(piece), (Some(file), path))))
    });
    UploadSource::stream(None, Box::pin(pieces))
}

impl fmt::Debug for UploadSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Kind::File(path) => write!(f, "{}", path.display()),
            Kind::Ranges(length, _) => write!(f, "ranges of {length} bytes"),
            Kind::Stream(length, _) => write!(f, "a stream of {length:?} bytes"),
        }
    }
}

macro_rules! from_bytes {
    ($($type:ty),*) => {$(
        impl std::convert::From<$type> for UploadSource {
            fn from(content: $type) -> Self {
                Self(Kind::Bytes(content.into()))
            }
        }
    )*};
}

from_bytes!(Bytes, Vec<u8>, String, &'static str, &'static [u8]);

impl std::convert::From<PathBuf> for UploadSource {
    fn from(path: PathBuf) -> Self {
        Self::file(path)
    }
}

impl std::convert::From<&Path> for UploadSource {
    fn from(path: &Path) -> Self {
        Self::file(path)
    }
}

/// A source whose parts are taken one after the other.
pub(crate) struct Content {
    /// All bytes, if known.
    pub(crate) length: Option<u64>,
    offset: u64,
    from: Supply,
}

enum Supply {
    Ranges(Ranges, Option<Bytes>),
    Once(Once),
}

struct Once {
    stream: ByteStream,
    /// What was read and not taken yet.
    ahead: BytesMut,
    ended: bool,
    /// What was taken, while it may have to be sent from the start again.
    taken: Option<Vec<Bytes>>,
}

impl Content {
    fn once(length: Option<u64>, stream: ByteStream) -> Self {
        let once = Once { stream, ahead: BytesMut::new(), ended: false, taken: Some(Vec::new()) };
        Self { length, offset: 0, from: Supply::Once(once) }
    }

    /// Whether the parts are read at their positions as they are sent.
    pub(crate) fn has_positions(&self) -> bool {
        matches!(self.from, Supply::Ranges(..))
    }

    /// Begins at a later position.
    pub(crate) fn part_at(&self, number: u64, range: Range<u64>) -> Option<Part> {
        match &self.from {
            Supply::Ranges(ranges, bytes) => Some(Part::of(number, range, ranges, bytes.as_ref())),
            Supply::Once(_) => None,
        }
    }

    /// Reads a stream of unknown length ahead; if it ends within the limit its length is known.
    pub(crate) async fn read_ahead(&mut self, limit: u64) -> Result<()> {
        if let (None, Supply::Once(once)) = (self.length, &mut self.from) {
            once.fill(limit).await?;
            if once.ended {
                self.length = Some(once.ahead.len() as u64);
            }
        }
        Ok(())
    }

    /// The next part, or `None` at the end.
    pub(crate) async fn next_part(&mut self, number: u64, size: u64) -> Result<Option<Part>> {
        match &mut self.from {
            Supply::Ranges(ranges, bytes) => {
                let end = self.length.unwrap_or(0).min(self.offset.saturating_add(size));
                let range = self.offset..end;
                self.offset = end;
                Ok((!range.is_empty()).then(|| Part::of(number, range, ranges, bytes.as_ref())))
            }
            Supply::Once(once) => {
                once.fill(size).await?;
                let taken = once.ahead.split_to(once.ahead.len().min(to_usize(size))).freeze();
                let range = self.offset..self.offset + taken.len() as u64;
                if once.ended && once.ahead.is_empty() {
                    check_length(self.length, range.end)?;
                }
                self.offset = range.end;
                if let Some(all) = &mut once.taken {
                    all.push(taken.clone());
                }
                Ok((!taken.is_empty()).then(|| Part { number, range, kind: PartKind::Bytes(taken) }))
            }
        }
    }

    /// Whether the next part is empty, so that the one before was the last.
    pub(crate) async fn is_at_end(&mut self) -> Result<bool> {
        match &mut self.from {
            Supply::Ranges(..) => Ok(self.length.unwrap_or(0) <= self.offset),
            Supply::Once(once) => {
                once.fill(1).await?;
                Ok(once.ahead.is_empty())
            }
        }
    }

    /// States that nothing that was taken has to be sent again.
    pub(crate) fn commit(&mut self) {
        if let Supply::Once(once) = &mut self.from {
            once.taken = None;
        }
    }

    /// All of it from the start, as the body of one request.
    pub(crate) fn whole(self) -> Result<Body> {
        match self.from {
            Supply::Ranges(_, Some(bytes)) => Ok(Body::from(bytes)),
            Supply::Ranges(ranges, None) => {
                let length = self.length.unwrap_or(0);
                if length == 0 {
                    return Ok(Body::empty());
                }
                Ok(Body::from_factory(self.length, move || ranges(0..length)))
            }
            Supply::Once(once) => {
                let mut read: Vec<Bytes> = once.taken.ok_or_else(lost)?;
                read.push(once.ahead.freeze());
                if once.ended {
                    let all: Vec<u8> = read.concat();
                    return Ok(Body::from(all));
                }
                let read = stream::iter(read.into_iter().filter(|piece| !piece.is_empty()).map(Ok));
                Ok(Body::from_stream(self.length, Box::pin(read.chain(once.stream))))
            }
        }
    }
}

impl Once {
    /// Reads until that many bytes wait, or to the end.
    async fn fill(&mut self, size: u64) -> Result<()> {
        while !self.ended && (self.ahead.len() as u64) < size {
            match self.stream.try_next().await? {
                Some(piece) => self.ahead.extend_from_slice(&piece),
                None => self.ended = true,
            }
        }
        Ok(())
    }
}

fn lost() -> Error {
    Error::new(ErrorKind::Body, "the stream was read and cannot be sent again")
}

fn check_length(stated: Option<u64>, found: u64) -> Result<()> {
    match stated {
        Some(stated) if stated != found => Err(Error::new(
            ErrorKind::Body,
            format!("the stream has {found} bytes, and its length was stated as {stated}"),
        )),
        _ => Ok(()),
    }
}

/// A part of the content; it can be sent as often as needed.
#[derive(Clone)]
pub(crate) struct Part {
    /// From 1 on.
    pub(crate) number: u64,
    pub(crate) range: Range<u64>,
    kind: PartKind,
}

#[derive(Clone)]
enum PartKind {
    Bytes(Bytes),
    Range(Ranges),
}

impl Part {
    fn of(number: u64, range: Range<u64>, ranges: &Ranges, bytes: Option<&Bytes>) -> Self {
        let kind = match bytes {
            Some(bytes) => PartKind::Bytes(bytes.slice(to_usize(range.start)..to_usize(range.end))),
            None => PartKind::Range(Arc::clone(ranges)),
        };
        Self { number, range, kind }
    }

    pub(crate) fn len(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// The bytes as a body, from a position of the whole content on.
    pub(crate) fn body_from(&self, position: u64) -> Body {
        let left = position.clamp(self.range.start, self.range.end)..self.range.end;
        match &self.kind {
            PartKind::Bytes(bytes) => Body::from(bytes.slice(to_usize(left.start - self.range.start)..)),
            PartKind::Range(ranges) => {
                let ranges = Arc::clone(ranges);
                Body::from_factory(Some(left.end - left.start), move || ranges(left.clone()))
            }
        }
    }

    pub(crate) fn body(&self) -> Body {
        self.body_from(self.range.start)
    }
}

/// Positions within bytes in memory fit.
fn to_usize(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use databricks_transport::read_body;

    use super::*;

    fn once(pieces: &'static [&'static str], length: Option<u64>) -> UploadSource {
        UploadSource::stream(
            length,
            Box::pin(stream::iter(pieces.iter().map(|p| Ok(Bytes::from_static(p.as_bytes()))))),
        )
    }

    async fn parts(source: UploadSource, size: u64) -> Vec<String> {
        let mut content = source.open().await.unwrap();
        let mut all = Vec::new();
        while let Some(part) = content.next_part(all.len() as u64 + 1, size).await.unwrap() {
            assert_eq!(part.body().len(), Some(part.len()));
            all.push(String::from_utf8(read_body(part.body(), 100).await.unwrap().to_vec()).unwrap());
        }
        all
    }

    #[tokio::test]
    async fn every_source_is_cut_alike() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        std::fs::write(&path, "abcdefg").unwrap();
        let ranges = |range: Range<u64>| {
            Body::from(Bytes::from_static(b"abcdefg").slice(range.start as usize..range.end as usize)).into_stream()
        };
        for source in [
            "abcdefg".into(),
            UploadSource::file(&path),
            UploadSource::ranges(7, ranges),
            once(&["a", "bcde", "", "fg"], None),
            UploadSource::reader(&b"abcdefg"[..]),
        ] {
            assert_eq!(parts(source, 3).await, ["abc", "def", "g"]);
        }
        assert!(parts(once(&[], None), 3).await.is_empty());
    }

    #[tokio::test]
    async fn a_stream_can_be_sent_from_the_start_until_it_is_committed() {
        let mut content = once(&["abc", "def", "gh"], None).open().await.unwrap();
        content.read_ahead(4).await.unwrap();
        assert_eq!(content.length, None);
        content.next_part(1, 2).await.unwrap().unwrap();
        assert_eq!(read_body(content.whole().unwrap(), 100).await.unwrap(), "abcdefgh");

        let mut content = once(&["abc"], None).open().await.unwrap();
        content.read_ahead(4).await.unwrap();
        assert_eq!(content.length, Some(3));
        content.next_part(1, 2).await.unwrap().unwrap();
        content.commit();
        assert_eq!(content.whole().unwrap_err().kind(), ErrorKind::Body);
    }

    #[tokio::test]
    async fn a_wrong_length_is_found() {
        let mut content = once(&["abc"], Some(4)).open().await.unwrap();
        assert!(content.next_part(1, 10).await.is_err());
    }

    #[tokio::test]
    async fn a_part_can_begin_later() {
        let mut content = UploadSource::from("abcdef").open().await.unwrap();
        content.next_part(1, 2).await.unwrap();
        let part = content.next_part(2, 4).await.unwrap().unwrap();
        assert_eq!(read_body(part.body_from(4), 100).await.unwrap(), "ef");
        assert_eq!(read_body(part.body_from(6), 100).await.unwrap(), "");
    }
}
