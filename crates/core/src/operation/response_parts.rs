//! A response with a status of success.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::OperationInfo;
use crate::body::{Body, ByteStream};
use crate::{Error, ErrorKind, Idempotency, Result};

/// A response with a status of success.
#[non_exhaustive]
pub struct ResponseParts {
    /// The operation.
    pub info: &'static OperationInfo,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The content.
    pub content: Content,
}

/// Decodes JSON. No content is read as an empty object, or else as `null`.
///
/// # Errors
/// [`ErrorKind::Decode`] with what was expected.
#[doc(hidden)]
pub fn deserialize<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return serde_json::from_slice(b"{}")
            .or_else(|_| serde_json::from_slice(b"null"))
            .map_err(|e| Error::decode("", bytes, e));
    }
    // UTF-8 is checked in one go, which takes a fraction of a check of each string.
    let read = match std::str::from_utf8(bytes) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(bytes),
    };
    read.map_err(|e| Error::decode("", bytes, e))
}

/// The content of a response.
#[non_exhaustive]
pub enum Content {
    /// Read whole; empty for nothing.
    Bytes(Bytes),
    /// To be read by the caller.
    Stream(ByteStream),
}

impl std::fmt::Debug for ResponseParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseParts")
            .field("operation", &self.info.id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Stream(_) => f.write_str("a stream"),
        }
    }
}

impl ResponseParts {
    /// A response to an operation.
    pub fn new(info: &'static OperationInfo, status: StatusCode, headers: HeaderMap, content: Content) -> Self {
        Self { info, status, headers, content }
    }

    /// Decodes the JSON body. Nothing and `null` give the default.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] with what was expected. If the operation changes anything, [`Error::maybe_executed`] is
    /// true: the service stated that it succeeded.
    pub fn json<T: for<'de> crate::model::Wire<'de> + Default>(self) -> Result<T> {
        match &self.content {
            Content::Bytes(bytes) => crate::model::from_json(bytes).map_err(|error| self.describe(error)),
            Content::Stream(_) => {
                Err(self.describe(Error::new(ErrorKind::Decode, "expected a JSON response, found a stream")))
            }
        }
    }

    /// Decodes the JSON body into a type of the caller's. A response without content is read as an empty object, or
    /// else as `null`.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] with what was expected; [`Error::maybe_executed`] is set as by [`json`](Self::json).
    pub fn deserialize<T: serde::de::DeserializeOwned>(self) -> Result<T> {
        match &self.content {
            Content::Bytes(bytes) => deserialize(bytes).map_err(|error| self.describe(error)),
            Content::Stream(_) => {
                Err(self.describe(Error::new(ErrorKind::Decode, "expected a JSON response, found a stream")))
            }
        }
    }

    /// Adds what is known of request and response.
    fn describe(&self, error: Error) -> Error {
        let error = error
            .with_operation(self.info.id)
            .with_request(format!("{} {}", self.info.method, self.info.path))
            .with_status(self.status)
            .with_maybe_executed(self.info.idempotency != Idempotency::ReadOnly);
        match crate::api_error::request_id(&self.headers) {
            Some(id) => error.with_request_id(id),
            None => error,
        }
    }

    /// Reads nothing, for responses without content.
    ///
    /// # Errors
    /// Never; the form of the other readers.
    pub fn empty(self) -> Result<()> {
        Ok(())
    }

    /// Hands out the body as a stream, for responses that are nothing else.
    ///
    /// # Errors
    /// Never; the form of the other readers.
    pub fn stream(self) -> Result<ByteStream> {
        Ok(self.into_stream())
    }

    /// Hands out the body as a stream.
    pub fn into_stream(self) -> ByteStream {
        match self.content {
            Content::Bytes(bytes) => Body::from(bytes).into_stream(),
            Content::Stream(stream) => stream,
        }
    }

    /// The value of a header, for members of the result that are fed from headers. `None` if absent, not text or not of
    /// that type.
    pub fn header<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.headers.get(name)?.to_str().ok()?.trim().parse().ok()
    }
}
