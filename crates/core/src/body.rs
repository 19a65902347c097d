//! Request and response bodies.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Frame, SizeHint};

use crate::{Error, Result};

/// A stream of bytes that ends with the body or with an error.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

/// Makes the same stream anew for every attempt.
pub type BodyFactory = Arc<dyn Fn() -> ByteStream + Send + Sync>;

/// The body of a request or a response.
///
/// Three kinds differ in whether they can be sent again: bytes and factories can, a one-pass stream cannot. The retry
/// layer asks [`try_clone`](Self::try_clone) and never sends half a stream twice.
#[derive(Default)]
pub struct Body {
    content: Content,
    length: Option<u64>,
}

#[derive(Default)]
enum Content {
    #[default]
    Empty,
    Bytes(Bytes),
    Factory(BodyFactory),
    Stream(Shared),
}

/// A stream that may be shared between threads, since it cannot be reached without owning it.
struct Shared(std::sync::Mutex<ByteStream>);

impl Shared {
    fn new(stream: ByteStream) -> Self {
        Self(std::sync::Mutex::new(stream))
    }

    // A poisoned lock cannot occur, because nothing locks; the stream is taken either way.
    fn get_mut(&mut self) -> &mut ByteStream {
        self.0.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn into_inner(self) -> ByteStream {
        self.0.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Body {
    /// No body at all.
    pub fn empty() -> Self {
        Self::default()
    }

    /// A stream that can be made anew for every attempt, for example from a file or an object store.
    ///
    /// `length` is the number of bytes if it is known. State it when you can: some endpoints refuse an upload without
    /// `Content-Length`.
    pub fn from_factory(length: Option<u64>, factory: impl Fn() -> ByteStream + Send + Sync + 'static) -> Self {
        Self { content: Content::Factory(Arc::new(factory)), length }
    }

    /// A stream that can be read once. A call with such a body is not repeated once it was sent.
    pub fn from_stream(length: Option<u64>, stream: ByteStream) -> Self {
        Self { content: Content::Stream(Shared::new(stream)), length }
    }

    /// The number of bytes left, if known.
    pub fn content_length(&self) -> Option<u64> {
        match &self.content {
            Content::Empty => Some(0),
            Content::Bytes(bytes) => Some(bytes.len() as u64),
            Content::Factory(_) | Content::Stream(_) => self.length,
        }
    }

    /// Whether the body is known to have no bytes.
    pub fn is_empty(&self) -> bool {
        self.content_length() == Some(0)
    }

    /// The whole content if it is in memory.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Empty => Some(&[]),
            Content::Bytes(bytes) => Some(bytes),
            Content::Factory(_) | Content::Stream(_) => None,
        }
    }

    /// A second body with the same content, or `None` for a one-pass stream.
    pub fn try_clone(&self) -> Option<Self> {
        let content = match &self.content {
            Content::Empty => Content::Empty,
            Content::Bytes(bytes) => Content::Bytes(bytes.clone()),
            Content::Factory(factory) => Content::Factory(Arc::clone(factory)),
            Content::Stream(_) => return None,
        };
        Some(Self { content, length: self.length })
    }

    /// Whether the body can be sent any number of times: whether [`try_clone`](Self::try_clone) has a second one.
    pub fn is_replayable(&self) -> bool {
        !matches!(self.content, Content::Stream(_))
    }

    /// The whole content if it is in memory, without a copy; otherwise the body as it is.
    ///
    /// # Errors
    /// The body itself, if it is a stream.
    pub fn try_into_bytes(self) -> std::result::Result<Bytes, Self> {
        match self.content {
            Content::Empty => Ok(Bytes::new()),
            Content::Bytes(bytes) => Ok(bytes),
            Content::Factory(_) | Content::Stream(_) => Err(self),
        }
    }

    /// The content as a stream.
    pub fn into_stream(self) -> ByteStream {
        match self.content {
            Content::Stream(stream) => stream.into_inner(),
            Content::Factory(factory) => factory(),
            Content::Empty => Box::pin(Once(None)),
            Content::Bytes(bytes) => Box::pin(Once(Some(bytes))),
        }
    }
}

struct Once(Option<Bytes>);

impl Stream for Once {
    type Item = Result<Bytes>;
    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        Poll::Ready(self.0.take().map(Ok))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.content {
            Content::Empty => "empty",
            Content::Bytes(_) => "bytes",
            Content::Factory(_) => "replayable stream",
            Content::Stream(_) => "stream",
        };
        f.debug_struct("Body").field("kind", &kind).field("length", &self.content_length()).finish()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self::empty() } else { Self { content: Content::Bytes(bytes), length: None } }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        loop {
            match &mut self.content {
                Content::Empty => return Poll::Ready(None),
                Content::Bytes(bytes) => {
                    let bytes = std::mem::take(bytes);
                    self.content = Content::Empty;
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Content::Factory(factory) => self.content = Content::Stream(Shared::new(factory())),
                Content::Stream(stream) => {
                    return stream.get_mut().as_mut().poll_next(cx).map(|item| item.map(|data| data.map(Frame::data)));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.content, Content::Empty)
    }

    fn size_hint(&self) -> SizeHint {
        self.content_length().map(SizeHint::with_exact).unwrap_or_default()
    }
}

/// One part of a `multipart/form-data` body (RFC 7578).
#[derive(Debug)]
#[non_exhaustive]
pub struct Part {
    /// The name of the form field.
    pub name: String,
    /// The name of the file, for a file field.
    pub file_name: Option<String>,
    /// The media type, for a file field; `application/octet-stream` if unset.
    pub content_type: Option<String>,
    /// The content.
    pub body: Body,
}

impl Part {
    /// A plain field.
    pub fn field(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), file_name: None, content_type: None, body: Body::from(value.into()) }
    }

    /// A file field.
    pub fn file(name: impl Into<String>, file_name: impl Into<String>, body: impl Into<Body>) -> Self {
        Self { name: name.into(), file_name: Some(file_name.into()), content_type: None, body: body.into() }
    }

    /// The same part with a media type.
    #[must_use]
    pub fn content_type(mut self, media_type: impl Into<String>) -> Self {
        self.content_type = Some(media_type.into());
        self
    }
}
