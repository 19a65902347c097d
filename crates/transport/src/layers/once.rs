//! Bodies that can be read once, kept where they can be had back until they are read.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use databricks_core::{Body, ByteStream, Result};
use futures_core::Stream;

/// Where a body lies until its first byte is asked for.
#[derive(Clone)]
pub(crate) struct Unread(Arc<Mutex<Option<ByteStream>>>);

impl Unread {
    pub(crate) fn of(stream: ByteStream) -> Self {
        Self(Arc::new(Mutex::new(Some(stream))))
    }

    /// Whether not a byte of it was read.
    pub(crate) fn is_there(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn take(&self) -> Option<ByteStream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A body that takes its stream out of its place when it is read.
pub(crate) struct OnePass {
    place: Unread,
    stream: Option<ByteStream>,
}

impl OnePass {
    pub(crate) fn body(length: Option<u64>, place: Unread) -> Body {
        Body::from_stream(length, Box::pin(Self { place, stream: None }))
    }
}

impl Stream for OnePass {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        if self.stream.is_none() {
            self.stream = self.place.take();
        }
        match &mut self.stream {
            Some(stream) => stream.as_mut().poll_next(cx),
            None => Poll::Ready(None),
        }
    }
}
