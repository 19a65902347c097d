//! A stream of bytes that can be read from.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use databricks_core::{ByteStream, Result};
use futures_core::Stream;
use tokio::io::{AsyncRead, ReadBuf};

/// The bytes of a file as they arrive: a stream of pieces, and an [`AsyncRead`].
#[must_use = "nothing arrives before it is polled"]
pub struct FileReader {
    pieces: ByteStream,
    /// What a reader has not taken yet of the last piece.
    rest: Bytes,
}

impl FileReader {
    pub(crate) fn new(pieces: ByteStream) -> Self {
        Self { pieces, rest: Bytes::new() }
    }

    /// The next bytes, or `None` at the end.
    ///
    /// # Errors
    /// When the rest of the file cannot be had.
    pub async fn try_next(&mut self) -> Result<Option<Bytes>> {
        crate::stream::try_next(self).await
    }

    /// All bytes that are left.
    ///
    /// # Errors
    /// As [`try_next`](Self::try_next).
    pub async fn bytes(mut self) -> Result<Bytes> {
        let Some(first) = self.try_next().await? else { return Ok(Bytes::new()) };
        let Some(second) = self.try_next().await? else { return Ok(first) };
        let mut all = BytesMut::from(&first[..]);
        all.extend_from_slice(&second);
        while let Some(piece) = self.try_next().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }

    /// The bytes as a stream.
    pub fn into_stream(self) -> ByteStream {
        if self.rest.is_empty() { self.pieces } else { Box::pin(self) }
    }
}

impl Stream for FileReader {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.rest))));
        }
        self.pieces.as_mut().poll_next(cx)
    }
}

impl AsyncRead for FileReader {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        // An empty piece is not the end.
        while self.rest.is_empty() {
            match ready!(self.pieces.as_mut().poll_next(cx)) {
                Some(Ok(piece)) => self.rest = piece,
                Some(Err(error)) => return Poll::Ready(Err(std::io::Error::other(error))),
                None => return Poll::Ready(Ok(())),
            }
        }
        let size = self.rest.len().min(buf.remaining());
        buf.put_slice(&self.rest[..size]);
        self.rest.advance(size);
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for FileReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileReader").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    fn reader() -> FileReader {
        let pieces = ["ab", "", "cdef"].map(|piece| Ok(Bytes::from_static(piece.as_bytes())));
        FileReader::new(Box::pin(futures_util::stream::iter(pieces)))
    }

    #[tokio::test]
    async fn reads_and_streams_alike() {
        let mut text = String::new();
        reader().read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "abcdef");
        assert_eq!(reader().bytes().await.unwrap(), "abcdef");
        let mut half = reader();
        half.read_exact(&mut [0; 3]).await.unwrap();
        assert_eq!(FileReader::new(half.into_stream()).bytes().await.unwrap(), "def");
    }
}
