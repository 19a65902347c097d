//! What an API call is: a request to build and a response to read.

use std::borrow::Cow;
use std::fmt::Write as _;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::Value;

use crate::body::{Body, ByteStream, Part};
use crate::{Error, ErrorKind, Idempotency, Result, redact};

/// A call of the API, as a value: its inputs are the fields of the implementing type.
///
/// Generated for every operation of the API. Implement it yourself for an endpoint that is not described yet:
///
/// ```
/// use databricks_core::operation::{Scope, Operation, OperationInfo, RequestContext, RequestParts, ResponseParts};
/// use databricks_core::Result;
///
/// struct Ping { room: String }
///
/// impl Operation for Ping {
///     type Output = serde_json::Value;
///     const INFO: &'static OperationInfo =
///         &OperationInfo::new("rooms.ping", http::Method::GET, "/api/2.0/rooms/{room}/ping", Scope::Workspace);
///
///     fn request(&self, context: &RequestContext) -> Result<RequestParts> {
///         RequestParts::new(Self::INFO, context)?.path_param("room", &self.room)
///     }
///     fn response(parts: ResponseParts) -> Result<Self::Output> {
///         parts.json()
///     }
/// }
///
/// let parts = Ping { room: "a/b".into() }.request(&RequestContext::default()).unwrap();
/// assert_eq!(parts.path(), "/api/2.0/rooms/a%2Fb/ping");
/// ```
pub trait Operation: Send + Sync + 'static {
    /// What the response holds.
    type Output: Send + 'static;

    /// What does not depend on the inputs.
    const INFO: &'static OperationInfo;

    /// Builds the request.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when an input cannot be sent, such as an empty path parameter.
    fn request(&self, context: &RequestContext) -> Result<RequestParts>;

    /// Builds the request and gives away what can be sent once, such as a stream to upload.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    fn into_request(self, context: &RequestContext) -> Result<RequestParts>
    where
        Self: Sized,
    {
        self.request(context)
    }

    /// Fills what must stay the same over all attempts, such as an idempotency key. Called once, before the request is
    /// built.
    fn prepare(&mut self) {}

    /// Reads the response.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] when the response is not what the API describes.
    fn response(parts: ResponseParts) -> Result<Self::Output>;
}

/// What is known of an operation without its inputs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OperationInfo {
    /// `service.method`, such as `clusters.get`; unique.
    pub id: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path with its parameters in braces, such as `/api/2.0/policies/{name}`.
    pub path: &'static str,
    /// Which client offers it.
    pub scope: Scope,
    /// Whether it may be sent twice.
    pub idempotency: Idempotency,
    /// Whether the header `X-Databricks-Workspace-Id` is sent when a workspace id is configured.
    pub workspace_header: bool,
    /// What the response's body is.
    pub response: ResponseKind,
    /// The media type asked for.
    pub accept: &'static str,
}

impl OperationInfo {
    /// An operation that returns JSON, with the idempotency class of its method.
    pub const fn new(id: &'static str, method: Method, path: &'static str, scope: Scope) -> Self {
        let idempotency = match method {
            Method::GET | Method::HEAD | Method::OPTIONS => Idempotency::ReadOnly,
            Method::PUT | Method::DELETE => Idempotency::Idempotent,
            _ => Idempotency::NotIdempotent,
        };
        let workspace_header = matches!(scope, Scope::Workspace);
        Self {
            id,
            method,
            path,
            scope,
            idempotency,
            workspace_header,
            response: ResponseKind::Json,
            accept: "application/json",
        }
    }

    /// The same with another idempotency class.
    #[must_use]
    pub const fn idempotency(mut self, class: Idempotency) -> Self {
        self.idempotency = class;
        self
    }

    /// The same, with or without the workspace header.
    #[must_use]
    pub const fn workspace_header(mut self, sent: bool) -> Self {
        self.workspace_header = sent;
        self
    }

    /// The same with a response of which nothing is read.
    #[must_use]
    pub const fn empty(self) -> Self {
        self.response(ResponseKind::Empty, "application/json")
    }

    /// The same with a response that is a stream of bytes, asking for the media type `accept`.
    #[must_use]
    pub const fn stream(self, accept: &'static str) -> Self {
        self.response(ResponseKind::Stream, accept)
    }

    /// The same with another kind of response, asking for the media type `accept`.
    #[must_use]
    pub const fn response(mut self, kind: ResponseKind, accept: &'static str) -> Self {
        self.response = kind;
        self.accept = accept;
        self
    }
}

/// Which client offers an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// A workspace's client.
    Workspace,
    /// An account's client.
    Account,
}

/// What a response's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseKind {
    /// JSON, read whole.
    Json,
    /// Nothing that is read.
    Empty,
    /// A stream of bytes.
    Stream,
}

/// What a client's configuration adds to requests.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RequestContext {
    /// The account id, part of the paths of account operations.
    pub account_id: Option<String>,
    /// The workspace id, sent as a header.
    pub workspace_id: Option<String>,
}

impl RequestContext {
    /// With these ids.
    pub fn new(account_id: Option<String>, workspace_id: Option<String>) -> Self {
        Self { account_id, workspace_id }
    }
}

/// Letters, digits and `-._~` stay; all else in a path segment is escaped (RFC 3986, section 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const MULTI_SEGMENT: &AsciiSet = &SEGMENT.remove(b'/');

/// A request before it has a host: method, encoded path and query, headers, body.
#[non_exhaustive]
pub struct RequestParts {
    /// The operation.
    pub info: &'static OperationInfo,
    /// Headers of the operation; those of the client come on top.
    pub headers: HeaderMap,
    /// What is sent.
    pub payload: Payload,
    path: Cow<'static, str>,
    query: String,
}

/// What a request sends.
#[non_exhaustive]
pub enum Payload {
    /// No body.
    None,
    /// A JSON text.
    Json(Bytes),
    /// A body of this media type.
    Body {
        /// Value of the `Content-Type` header.
        content_type: &'static str,
        /// The content.
        body: Body,
    },
    /// Fields and files (RFC 7578).
    Multipart(Vec<Part>),
}

/// The header that names the workspace a request is for, on hosts that serve several.
pub const WORKSPACE_ID_HEADER: HeaderName = HeaderName::from_static("x-databricks-workspace-id");

impl RequestParts {
    /// Starts a request of this operation: its path template with the account id filled in, and the workspace header.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the path needs an account id and none is configured, [`ErrorKind::InvalidInput`] when
    /// the workspace id cannot stand in a header.
    pub fn new(info: &'static OperationInfo, context: &RequestContext) -> Result<Self> {
        let mut parts = Self {
            info,
            headers: HeaderMap::new(),
            payload: Payload::None,
            path: Cow::Borrowed(info.path),
            query: String::new(),
        };
        if info.path.contains("{account_id}") {
            let Some(id) = context.account_id.as_deref().filter(|id| !id.is_empty()) else {
                return Err(Error::new(
                    ErrorKind::Config,
                    "account_id is not configured; set it in the profile, in DATABRICKS_ACCOUNT_ID or in code",
                )
                .with_operation(info.id));
            };
            parts = parts.path_param("account_id", id)?;
        }
        if info.workspace_header
            && let Some(id) = context.workspace_id.as_deref().filter(|id| !id.is_empty())
        {
            parts.headers.insert(WORKSPACE_ID_HEADER, header_value("workspace_id", id)?);
        }
        Ok(parts)
    }

    /// The path as it is sent, escaped.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query as it is sent, without the question mark; empty for none.
    pub fn query_string(&self) -> &str {
        &self.query
    }

    /// Path and query as they are sent.
    pub fn path_and_query(&self) -> String {
        if self.query.is_empty() { self.path.clone().into_owned() } else { format!("{}?{}", self.path, self.query) }
    }

    /// Takes path and query out, in the form that URLs are made of: without a copy where only one of them has content.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when a path that was written by hand has characters that no URL may hold.
    pub fn take_path_and_query(&mut self) -> Result<PathAndQuery> {
        let text = match (std::mem::take(&mut self.path), std::mem::take(&mut self.query)) {
            (Cow::Borrowed(path), query) if query.is_empty() => Bytes::from_static(path.as_bytes()),
            (Cow::Owned(path), query) if query.is_empty() => Bytes::from(path),
            (path, query) => {
                let mut text = String::with_capacity(path.len() + 1 + query.len());
                text.push_str(&path);
                text.push('?');
                text.push_str(&query);
                Bytes::from(text)
            }
        };
        PathAndQuery::from_maybe_shared(text).map_err(|error| {
            Error::new(ErrorKind::InvalidInput, "the path or query cannot be sent")
                .with_operation(self.info.id)
                .with_source(error)
        })
    }

    /// Fills a path parameter that is one segment: slashes and all other special characters are escaped.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for an empty value, `.` and `..`, which would lead to another resource.
    pub fn path_param(self, name: &str, value: &(impl std::fmt::Display + ?Sized)) -> Result<Self> {
        let value = value.to_string();
        self.fill(name, &value, SEGMENT)
    }

    /// Fills a path parameter that may span segments, such as a file's path: slashes stay.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for an empty value and for values with a segment `.` or `..`.
    pub fn multi_segment_param(self, name: &str, value: &(impl std::fmt::Display + ?Sized)) -> Result<Self> {
        let value = value.to_string();
        self.fill(name, &value, MULTI_SEGMENT)
    }

    fn fill(mut self, name: &str, value: &str, set: &'static AsciiSet) -> Result<Self> {
        let refuse = |why: &str| {
            Err(Error::new(ErrorKind::InvalidInput, format!("path parameter {name} {why}"))
                .with_operation(self.info.id))
        };
        if value.is_empty() {
            return refuse("is empty");
        }
        if value.split('/').any(|segment| matches!(segment, "." | "..")) {
            return refuse("has a segment `.` or `..`, which would lead to another resource");
        }
        // An escaped value has no braces, so it cannot be mistaken for another parameter.
        let place = format!("{{{name}}}");
        self.path = Cow::Owned(self.path.replace(&place, &Cow::from(utf8_percent_encode(value, set))));
        Ok(self)
    }

    /// Adds a query parameter. A list repeats the key, a message is flattened to dotted keys, `None` adds nothing.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the value has a list of messages, which no query can express.
    pub fn query(mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<Self> {
        let value = to_value(self.info, name, value)?;
        self.add_query(name, &value)?;
        Ok(self)
    }

    fn add_query(&mut self, name: &str, value: &Value) -> Result<()> {
        let text = match value {
            Value::Null => return Ok(()),
            Value::Bool(b) => b.to_string(),
            Value::Number(n) => n.to_string(),
            Value::String(s) => s.clone(),
            Value::Array(items) => {
                if items.iter().any(|item| item.is_object() || item.is_array()) {
                    return Err(Error::new(
                        ErrorKind::InvalidInput,
                        format!("query parameter {name} is a list of objects, which a query cannot express"),
                    )
                    .with_operation(self.info.id));
                }
                return items.iter().try_for_each(|item| self.add_query(name, item));
            }
            Value::Object(members) => {
                return members.iter().try_for_each(|(key, member)| self.add_query(&format!("{name}.{key}"), member));
            }
        };
        if !self.query.is_empty() {
            self.query.push('&');
        }
        let _ = write!(self.query, "{}={}", utf8_percent_encode(name, SEGMENT), utf8_percent_encode(&text, SEGMENT));
        Ok(())
    }

    /// Adds a header; `None` adds nothing.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the value has characters that no header may hold, such as a line break.
    pub fn header(mut self, name: HeaderName, value: Option<&str>) -> Result<Self> {
        if let Some(value) = value {
            let value = header_value(name.as_str(), value)?;
            self.headers.insert(name, value);
        }
        Ok(self)
    }

    /// Sends the members that a closure writes as a JSON object.
    ///
    /// # Errors
    /// Those of the closure.
    pub fn json_object(mut self, write: impl FnOnce(&mut JsonObject) -> Result<()>) -> Result<Self> {
        let mut object = JsonObject::new(self.info);
        write(&mut object)?;
        self.payload = object.finish();
        Ok(self)
    }

    /// Sends a value as JSON.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the value cannot be written as JSON.
    pub fn json(mut self, value: &(impl Serialize + ?Sized)) -> Result<Self> {
        let text = serde_json::to_vec(value).map_err(|e| unwritable(self.info, "body", e))?;
        self.payload = Payload::Json(text.into());
        Ok(self)
    }

    /// Sends a body of another media type.
    #[must_use]
    pub fn body(mut self, content_type: &'static str, body: Body) -> Self {
        self.payload = Payload::Body { content_type, body };
        self
    }

    /// Sends fields and files.
    #[must_use]
    pub fn multipart(mut self, parts: Vec<Part>) -> Self {
        self.payload = Payload::Multipart(parts);
        self
    }
}

/// Writes the members of a JSON body one by one.
pub struct JsonObject {
    info: &'static OperationInfo,
    text: Vec<u8>,
}

impl JsonObject {
    pub(crate) fn new(info: &'static OperationInfo) -> Self {
        Self { info, text: vec![b'{'] }
    }

    pub(crate) fn finish(mut self) -> Payload {
        self.text.push(b'}');
        Payload::Json(self.text.into())
    }

    /// Writes a member.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the value cannot be written as JSON.
    pub fn member(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<()> {
        if self.text.len() > 1 {
            self.text.push(b',');
        }
        let info = self.info;
        serde_json::to_writer(&mut self.text, name).map_err(|e| unwritable(info, name, e))?;
        self.text.push(b':');
        serde_json::to_writer(&mut self.text, value).map_err(|e| unwritable(info, name, e))
    }

    /// Writes a member if it is set.
    ///
    /// # Errors
    /// As [`member`](Self::member).
    pub fn optional(&mut self, name: &str, value: &Option<impl Serialize>) -> Result<()> {
        match value {
            Some(value) => self.member(name, value),
            None => Ok(()),
        }
    }
}

fn to_value(info: &'static OperationInfo, name: &str, value: &(impl Serialize + ?Sized)) -> Result<Value> {
    serde_json::to_value(value).map_err(|e| unwritable(info, name, e))
}

fn unwritable(info: &'static OperationInfo, name: &str, error: serde_json::Error) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("{name} cannot be written as JSON"))
        .with_operation(info.id)
        .with_source(error)
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(value).map_err(|_| {
        Error::new(
            ErrorKind::InvalidInput,
            format!("the value of {name} has characters that no header may hold; check for line breaks"),
        )
    })
}

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

impl std::fmt::Debug for RequestParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_str(), redact::header(name, value))).collect();
        f.debug_struct("RequestParts")
            .field("operation", &self.info.id)
            .field("path", &redact::text(&self.path))
            .field("query", &redact::query(&self.query))
            .field("headers", &headers)
            .field("payload", &self.payload)
            .finish()
    }
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("nothing"),
            Self::Json(text) => write!(f, "{} bytes of JSON", text.len()),
            Self::Body { content_type, body } => write!(f, "{content_type}: {body:?}"),
            Self::Multipart(parts) => write!(f, "a form of {} parts", parts.len()),
        }
    }
}

impl std::fmt::Debug for JsonObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JsonObject").field("operation", &self.info.id).field("bytes", &self.text.len()).finish()
    }
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

#[cfg(test)]
mod tests;
