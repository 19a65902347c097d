//! Connections of every kind behind one type.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};

use crate::connect_error::{self, Failure, Peer};

trait Io: Read + Write + Connection + Send + Unpin {}
impl<T: Read + Write + Connection + Send + Unpin> Io for T {}

/// A connection to a server or a proxy.
pub(crate) struct Stream {
    io: Box<dyn Io>,
    /// Whether requests on it must name the whole URL, since the other end is a proxy.
    proxied: bool,
    /// Who is at the other end of a connection without TLS, until its first byte has come.
    unheard: Option<Peer>,
}

impl Stream {
    pub(crate) fn new(io: impl Read + Write + Connection + Send + Unpin + 'static) -> Self {
        Self { io: Box::new(io), proxied: false, unheard: None }
    }

    /// Requests on this connection are for a proxy to forward.
    pub(crate) fn proxied(mut self) -> Self {
        self.proxied = true;
        self
    }

    /// HTTP is spoken on this connection without TLS: if the other end responds in TLS, reading fails with an error
    /// that states so.
    pub(crate) fn plain(mut self, peer: Peer) -> Self {
        self.unheard = Some(peer);
        self
    }

    /// Reads the first byte alone, to see what it begins.
    fn poll_first(&mut self, cx: &mut Context<'_>, mut buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let mut byte = [0];
        let mut first = ReadBuf::new(&mut byte);
        ready!(Pin::new(&mut *self.io).poll_read(cx, first.unfilled()))?;
        let Some(peer) = self.unheard.take() else { return Poll::Ready(Ok(())) };
        match first.filled().first() {
            Some(byte) if connect_error::is_tls(*byte) => {
                Poll::Ready(Err(io::Error::other(Failure::new(connect_error::speaks_tls(&peer)))))
            }
            Some(byte) => {
                buf.put_slice(&[*byte]);
                Poll::Ready(Ok(()))
            }
            None => Poll::Ready(Ok(())),
        }
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        let connected = self.io.connected();
        if self.proxied { connected.proxy(true) } else { connected }
    }
}

impl Read for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        if self.unheard.is_some() {
            return self.poll_first(cx, buf);
        }
        Pin::new(&mut *self.io).poll_read(cx, buf)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.io).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io).poll_shutdown(cx)
    }
    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.io).poll_write_vectored(cx, bufs)
    }
}
