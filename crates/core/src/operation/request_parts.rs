//! A request before it has a host.

use std::borrow::Cow;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::Value;

use super::{OperationInfo, RequestContext};
use crate::body::{Body, Part};
use crate::field_mask::FieldMask;
use crate::{Error, ErrorKind, Result, redact};

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
    /// The computed mask of a body that is updated as a whole: what is added to the body is added to the mask.
    mask: Option<ComputedMask>,
}

/// A mask that stands at the end of the query.
struct ComputedMask {
    name: &'static str,
    paths: FieldMask,
    /// Where it begins.
    start: usize,
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
            mask: None,
        };
        if info.path.contains('{') && info.path.contains("{account_id}") {
            let Some(id) = context.account_id.as_deref().filter(|id| !id.is_empty()) else {
                return Err(Error::new(
                    ErrorKind::Config,
                    "account_id is not configured; set it in the profile, in DATABRICKS_ACCOUNT_ID or in code",
                )
                .with_operation(info.id));
            };
            parts.fill("account_id", id, SEGMENT)?;
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
    pub fn path_param(mut self, name: &str, value: &(impl std::fmt::Display + ?Sized)) -> Result<Self> {
        self.set_segment(name, value)?;
        Ok(self)
    }

    pub(crate) fn set_segment(&mut self, name: &str, value: &(impl std::fmt::Display + ?Sized)) -> Result<()> {
        self.fill(name, &value.to_string(), SEGMENT)
    }

    /// Fills a path parameter that may span segments, such as a file's path: slashes stay.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for an empty value and for values with a segment `.` or `..`.
    pub fn multi_segment_param(mut self, name: &str, value: &(impl std::fmt::Display + ?Sized)) -> Result<Self> {
        self.set_segments(name, value)?;
        Ok(self)
    }

    pub(crate) fn set_segments(&mut self, name: &str, value: &(impl std::fmt::Display + ?Sized)) -> Result<()> {
        self.fill(name, &value.to_string(), MULTI_SEGMENT)
    }

    fn fill(&mut self, name: &str, value: &str, set: &'static AsciiSet) -> Result<()> {
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
        Ok(())
    }

    /// Adds a query parameter. A list repeats the key, a message is flattened to dotted keys, `None` adds nothing.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the value has a list of messages, which no query can express.
    pub fn query(mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<Self> {
        self.set_query(name, value)?;
        Ok(self)
    }

    pub(crate) fn set_query(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<()> {
        match to_value(self.info, name, value)? {
            Value::Null => Ok(()),
            value => self.add_query(name, &value),
        }
    }

    fn add_query(&mut self, name: &str, value: &Value) -> Result<()> {
        let text: Cow<'_, str> = match value {
            Value::Null => return Ok(()),
            Value::Bool(b) => b.to_string().into(),
            Value::Number(n) => n.to_string().into(),
            Value::String(s) => s.into(),
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
        self.query.extend(utf8_percent_encode(name, SEGMENT));
        self.query.push('=');
        self.query.extend(utf8_percent_encode(&text, SEGMENT));
        Ok(())
    }

    /// Writes a computed mask behind all other query parameters, and remembers it.
    pub(crate) fn set_computed_mask(&mut self, name: &'static str, paths: FieldMask) -> Result<()> {
        let start = self.query.len();
        if !paths.paths().is_empty() {
            self.add_query(name, &Value::String(paths.to_string()))?;
        }
        self.mask = Some(ComputedMask { name, paths, start });
        Ok(())
    }

    /// Adds a path to the mask that was computed of the body, if one was.
    pub(crate) fn extend_mask(mut self, path: &str) -> Result<Self> {
        match self.mask.take() {
            Some(mask) => {
                self.query.truncate(mask.start);
                self.set_computed_mask(mask.name, mask.paths.with(path))?;
                Ok(self)
            }
            None => Ok(self),
        }
    }

    /// Adds a header; `None` adds nothing.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the value has characters that no header may hold, such as a line break.
    pub fn header(mut self, name: HeaderName, value: Option<&str>) -> Result<Self> {
        self.set_header(name, value)?;
        Ok(self)
    }

    pub(crate) fn set_header(&mut self, name: HeaderName, value: Option<&str>) -> Result<()> {
        if let Some(value) = value {
            let value = header_value(name.as_str(), value)?;
            self.headers.insert(name, value);
        }
        Ok(())
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
        self.set_json(value)?;
        Ok(self)
    }

    pub(crate) fn set_json(&mut self, value: &(impl Serialize + ?Sized)) -> Result<()> {
        let text = serde_json::to_vec(value).map_err(|e| unwritable(self.info, "body", e))?;
        self.payload = Payload::Json(text.into());
        Ok(())
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

/// Room for most bodies, so that they do not move while they grow.
const USUAL: usize = 256;

/// Writes the members of a JSON body one by one.
pub struct JsonObject {
    info: &'static OperationInfo,
    text: Vec<u8>,
}

impl JsonObject {
    pub(crate) fn new(info: &'static OperationInfo) -> Self {
        let mut text = Vec::with_capacity(USUAL);
        text.push(b'{');
        Self { info, text }
    }

    /// The object as it is so far.
    pub(crate) fn text(&self) -> Vec<u8> {
        let mut text = self.text.clone();
        text.push(b'}');
        text
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
        if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            self.text.push(b'"');
            self.text.extend_from_slice(name.as_bytes());
            self.text.extend_from_slice(b"\":");
        } else {
            serde_json::to_writer(&mut self.text, name).map_err(|e| unwritable(info, name, e))?;
            self.text.push(b':');
        }
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
