//! Writing a file of DBFS.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, ready};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use databricks_core::{Error, ErrorKind, Result};
use databricks_models::files as models;
use tokio::io::AsyncWrite;

use super::BLOCK;
use crate::client::Client;

type Work = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// A file of DBFS that is being written.
///
/// Write with [`write`](Self::write) or as an [`AsyncWrite`], and end with [`shutdown`](Self::shutdown), which reports
/// whether all of it has arrived. Dropping it before leaves what was written so far; the service is told in the
/// background that no more will come.
pub struct DbfsWriter {
    client: Client,
    handle: i64,
    waiting: BytesMut,
    /// What is under way; behind a lock, which is never waited for, since it is not `Sync`.
    work: Mutex<Option<Work>>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Closing,
    Closed,
    Failed,
}

impl DbfsWriter {
    pub(super) async fn open(client: Client, path: String, overwrite: bool) -> Result<Self> {
        let mut create = models::dbfs::Create::new(path);
        create.overwrite = Some(overwrite);
        let handle = client.call(create).await?.handle.ok_or_else(|| {
            Error::new(ErrorKind::Decode, "the response is missing `handle`").with_operation("dbfs.create")
        })?;
        Ok(Self { client, handle, waiting: BytesMut::new(), work: Mutex::new(None), state: State::Open })
    }

    /// Writes bytes; they are sent in blocks.
    ///
    /// # Errors
    /// When a block cannot be sent. Whether it has arrived may not be known; the file is then of no use.
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<()> {
        while !bytes.is_empty() {
            std::future::poll_fn(|cx| self.poll_work(cx)).await?;
            let taken = self.take(&bytes);
            let _ = bytes.split_to(taken);
        }
        Ok(())
    }

    /// Sends what waits and closes the file.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn shutdown(mut self) -> Result<()> {
        std::future::poll_fn(|cx| self.poll_close(cx)).await
    }

    /// Takes as much as fits into a block, and begins to send a full one.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(BLOCK - self.waiting.len());
        self.waiting.extend_from_slice(&bytes[..taken]);
        if self.waiting.len() == BLOCK {
            self.send_block();
        }
        taken
    }

    fn send_block(&mut self) {
        let data = STANDARD.encode(&self.waiting);
        self.waiting.clear();
        let (client, handle) = (self.client.clone(), self.handle);
        self.begin(Box::pin(async move { client.call(models::dbfs::AddBlock::new(handle, data)).await }));
    }

    fn begin(&mut self, work: Work) {
        *self.work.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(work);
    }

    /// Waits for what is under way.
    fn poll_work(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.state == State::Failed {
            let error = Error::new(ErrorKind::Body, "an earlier block could not be sent, so the file is of no use");
            return Poll::Ready(Err(error));
        }
        let work = self.work.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(running) = work else { return Poll::Ready(Ok(())) };
        let done = ready!(running.as_mut().poll(cx));
        *work = None;
        if done.is_err() {
            self.state = State::Failed;
        }
        Poll::Ready(done)
    }

    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        loop {
            ready!(self.poll_work(cx))?;
            if self.waiting.is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.send_block();
        }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.state == State::Open {
            ready!(self.poll_sent(cx))?;
            let (client, handle) = (self.client.clone(), self.handle);
            self.begin(Box::pin(async move { client.call(models::dbfs::Close::new(handle)).await }));
            self.state = State::Closing;
        }
        ready!(self.poll_work(cx))?;
        self.state = State::Closed;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for DbfsWriter {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_work(cx)).map_err(io::Error::other)?;
        if self.state != State::Open {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        Poll::Ready(Ok(self.take(bytes)))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_sent(cx).map_err(io::Error::other)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_close(cx).map_err(io::Error::other)
    }
}

impl Drop for DbfsWriter {
    fn drop(&mut self) {
        if self.state != State::Closed {
            let close = models::dbfs::Close::new(self.handle);
            self.client.call_in_background(close, "a file of DBFS that was not written to its end is not closed");
        }
    }
}

impl fmt::Debug for DbfsWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DbfsWriter").field("state", &self.state).finish_non_exhaustive()
    }
}
