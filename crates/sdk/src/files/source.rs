//! What is uploaded.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use databricks_core::{Body, ByteStream, Error, ErrorKind, Result};
use futures_util::stream;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::content::{Content, lost};
use super::disk;
use super::part::{Ranges, to_usize};

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
                Content::ranges(length, ranges, Some(bytes))
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
                Content::ranges(found.len(), ranges, None)
            }
            Kind::Ranges(length, ranges) => Content::ranges(length, ranges, None),
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
            assert_eq!(part.body().content_length(), Some(part.len()));
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
