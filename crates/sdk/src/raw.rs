//! Requests to endpoints that have no method of their own.

use std::time::Duration;

use bytes::Bytes;
use databricks_core::api_error::request_id;
use databricks_core::body::Part;
use databricks_core::{Body, ByteStream, Error, ErrorKind, Origin, Result};
use databricks_transport::{Backoff, RetryOn, RetryPolicy, multipart, read_body};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::{Client, apply, join};
use crate::options::Options;

/// A request that the caller spells out: method, URL, query, headers, body, and how to retry it.
///
/// A relative URL gets `https://<host>/api` in front: `/2.0/clusters/list`. A full URL is taken as it is; if it leads
/// to another host it goes without credentials, unless [`credentials_anywhere`](Self::credentials_anywhere) states
/// otherwise.
///
/// Nothing is retried by default. With [`max_retries`](Self::max_retries), failures of the network and responses from
/// 500 up are.
///
/// ```no_run
/// # async fn example(w: &databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
/// use databricks_sdk::Method;
///
/// let clusters: serde_json::Value = w.raw(Method::GET, "/2.0/clusters/list").query("page_size", "10").max_retries(3).json().await?;
/// let import = w
///     .raw(Method::POST, "/2.0/workspace/import")
///     .form("path", "/Users/me/table")
///     .form("format", "AUTO")
///     .file("content", "table.csv", "a,b\n1,2")
///     .send()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct RawRequest {
    client: Client,
    method: Method,
    url: String,
    query: Vec<(String, String)>,
    body: Content,
    options: Options,
    retry: Retry,
    anywhere: bool,
    accept: Option<&'static str>,
}

#[derive(Debug)]
enum Content {
    None,
    Body(Option<&'static str>, Body),
    Form(Vec<Part>),
    /// Something that cannot be sent, reported when the request is.
    Invalid(Error),
}

#[derive(Clone, Copy, Debug, Default)]
struct Retry {
    max: u32,
    delay: Duration,
    exponential: bool,
    all_errors: bool,
}

/// The response to a [`RawRequest`].
#[derive(Debug)]
#[non_exhaustive]
pub struct RawResponse {
    /// The status: one of success, since others are errors.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, not read yet.
    pub body: Body,
    /// Method and path, for errors.
    request: String,
    read_only: bool,
}

impl RawResponse {
    /// Reads the body as JSON. A response without content is read as an empty object, or else as `null`.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] when it is not JSON or does not fit the type: the service stated that it succeeded, so
    /// [`Error::maybe_executed`] is true unless the method only reads. Else those of reading the body.
    pub async fn deserialize<T: DeserializeOwned>(self) -> Result<T> {
        let Self { status, headers, body, request, read_only } = self;
        let bytes = read_body(body, MAX_RESPONSE).await?;
        databricks_core::operation::deserialize(&bytes).map_err(|error| {
            let error = error.with_request(request).with_status(status).with_maybe_executed(!read_only);
            match request_id(&headers) {
                Some(id) => error.with_request_id(id),
                None => error,
            }
        })
    }
}

/// The largest response that is read into memory; larger ones are for [`RawRequest::stream`].
const MAX_RESPONSE: usize = 512 << 20;

const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl RawRequest {
    pub(crate) fn new(client: Client, method: Method, url: &str) -> Self {
        Self {
            client,
            method,
            url: url.to_owned(),
            query: Vec::new(),
            body: Content::None,
            options: Options::default(),
            retry: Retry::default(),
            anywhere: false,
            accept: None,
        }
    }

    /// Adds a pair to the query. Repeats of a key are kept, in order.
    pub fn query(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((key.into(), value.into()));
        self
    }

    /// Adds a header. The first of a name replaces the client's, more of the same name are added. `Authorization` is
    /// sent in place of the client's credentials, to the URL it is given for and no further.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.header(&name.into(), &value.into());
        self
    }

    /// Sends a value as JSON.
    pub fn json_body(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        self.body = match serde_json::to_vec(value) {
            Ok(text) => Content::Body(Some("application/json"), Body::from(text)),
            Err(error) => Content::Invalid(
                Error::new(ErrorKind::InvalidInput, "the body cannot be written as JSON").with_source(error),
            ),
        };
        self
    }

    /// Sends a body as it is: a string, bytes or a stream. State its media type with a `Content-Type` header.
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = Content::Body(None, body.into());
        self
    }

    /// Adds a field to a multipart form (RFC 7578). The form takes the place of any other body.
    pub fn form(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.part(Part::field(name, value))
    }

    /// Adds a file to a multipart form.
    pub fn file(self, name: impl Into<String>, file_name: impl Into<String>, content: impl Into<Body>) -> Self {
        self.part(Part::file(name, file_name, content))
    }

    /// Adds a part to a multipart form.
    pub fn part(mut self, part: Part) -> Self {
        match &mut self.body {
            Content::Form(parts) => parts.push(part),
            _ => self.body = Content::Form(vec![part]),
        }
        self
    }

    /// Sets the timeout of one attempt. Default: none but the idle timeout (60 s).
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.options.attempt_timeout(limit);
        self
    }

    /// Sets the timeout of the request as a whole, all attempts and the pauses between them included. Default: none.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.options.timeout(limit);
        self
    }

    /// Sets whether this request and its response are logged, redacted, whatever the client's settings.
    pub fn debug(mut self, on: bool) -> Self {
        self.options.debug(on);
        self
    }

    /// Sets how often the request is retried at most. Default: 0.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.retry.max = retries;
        self
    }

    /// Sets the pause before each retry. Default: none. Not used with
    /// [`exponential_backoff`](Self::exponential_backoff).
    pub fn retry_delay(mut self, delay: Duration) -> Self {
        self.retry.delay = delay;
        self
    }

    /// Doubles the pause with each retry, beginning at a second, up to a minute, with jitter.
    pub fn exponential_backoff(mut self, on: bool) -> Self {
        self.retry.exponential = on;
        self
    }

    /// Sets whether responses from 300 up are retried too, so also 429. Default: only those from 500 up and failures of
    /// the network.
    pub fn retry_on_all_errors(mut self, on: bool) -> Self {
        self.retry.all_errors = on;
        self
    }

    /// Sets a retry policy in place of the settings above.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.options.retry(policy);
        self
    }

    /// Sends no credentials.
    pub fn anonymous(mut self) -> Self {
        self.options.transport().anonymous = true;
        self
    }

    /// Sets whether the credentials are sent even if the URL leads to another host. Default: no. The operator of that
    /// host can use them.
    pub fn credentials_anywhere(mut self, on: bool) -> Self {
        self.anywhere = on;
        self
    }

    /// Sends the request; the body of the response is not read yet.
    ///
    /// # Errors
    /// As any call; see [`Error`].
    pub async fn send(self) -> Result<RawResponse> {
        self.perform(true).await
    }

    /// Sends the request and reads the response as JSON. A response without content is read as an empty object, or else
    /// as `null`.
    ///
    /// # Errors
    /// As any call, and as [`RawResponse::deserialize`].
    pub async fn json<T: DeserializeOwned>(mut self) -> Result<T> {
        self.accept = Some("application/json");
        self.perform(false).await?.deserialize().await
    }

    /// Sends the request and reads the response as a string (UTF-8; what is not becomes U+FFFD).
    ///
    /// # Errors
    /// As any call.
    pub async fn text(self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.read().await?).into_owned())
    }

    /// Sends the request and reads the response as bytes.
    ///
    /// # Errors
    /// As any call.
    pub async fn bytes(self) -> Result<Bytes> {
        self.read().await
    }

    /// Sends the request and returns the response as it arrives.
    ///
    /// # Errors
    /// As any call; the stream ends with an error if the connection breaks.
    pub async fn stream(self) -> Result<ByteStream> {
        Ok(self.perform(true).await?.body.into_stream())
    }

    async fn read(self) -> Result<Bytes> {
        read_body(self.perform(false).await?.body, MAX_RESPONSE).await
    }

    async fn perform(self, stream: bool) -> Result<RawResponse> {
        self.options.check()?;
        let base = self.client.base().await?;
        let uri = self.target(base)?;
        let foreign = Origin::of(&uri) != Origin::of(base);
        let mut options = self.options.call_options().stream_response(stream).operation("raw");
        options.retry.get_or_insert_with(|| self.retry.policy());
        options.foreign_credentials = self.anywhere;
        let (content_type, body) = match self.body {
            Content::None => (None, Body::empty()),
            Content::Body(media_type, body) => (media_type.map(HeaderValue::from_static), body),
            Content::Form(parts) => multipart(parts).map(|(media_type, body)| (Some(media_type), body))?,
            Content::Invalid(error) => return Err(error),
        };
        let line = format!("{} {}", self.method, uri.path());
        let read_only = self.method.is_safe();
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        if let Some(accept) = self.accept {
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        }
        if let Some(content_type) = content_type {
            headers.insert(header::CONTENT_TYPE, content_type);
        }
        if let Some(own) = self.options.headers() {
            apply(headers, own);
        }
        request.extensions_mut().insert(options);
        let response = if foreign && !self.anywhere {
            self.client.send_anonymous(request).await?
        } else {
            self.client.send(request).await?
        };
        let (head, body) = response.into_parts();
        Ok(RawResponse { status: head.status, headers: head.headers, body, request: line, read_only })
    }

    /// The URL with the query.
    fn target(&self, base: &Uri) -> Result<Uri> {
        let (url, fragmentless) = (self.url.as_str(), self.url.split('#').next().unwrap_or_default());
        let pairs = self
            .query
            .iter()
            .map(|(k, v)| format!("{}={}", utf8_percent_encode(k, QUERY), utf8_percent_encode(v, QUERY)));
        let pairs = pairs.collect::<Vec<_>>().join("&");
        let mut text = fragmentless.to_owned();
        if !pairs.is_empty() {
            text.push(if text.contains('?') { '&' } else { '?' });
            text.push_str(&pairs);
        }
        if has_scheme(url) {
            return text
                .parse()
                .map_err(|e| Error::new(ErrorKind::InvalidInput, "the URL cannot be sent").with_source(e));
        }
        let text = format!("/{}", text.trim_start_matches('/'));
        // A path that states the prefix already keeps it.
        if text.starts_with("/api/") { join(base, &text) } else { join(base, &format!("/api{text}")) }
    }
}

/// Whether a string begins with a scheme (RFC 3986, section 3.1) and is a URL by that; `://` further on is part of a
/// path or query.
fn has_scheme(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    })
}

impl Retry {
    fn policy(self) -> RetryPolicy {
        let policy = RetryPolicy::fixed(self.max, self.delay);
        let policy = if self.exponential { policy.backoff(Backoff::exponential()) } else { policy };
        if self.all_errors { policy.on(RetryOn::AllErrors) } else { policy }
    }
}

#[cfg(test)]
mod tests {
    use super::has_scheme;

    #[test]
    fn only_a_scheme_at_the_start_makes_a_url() {
        for url in ["https://h/x", "HTTP://h", "s3://b/y"] {
            assert!(has_scheme(url), "{url}");
        }
        for path in [
            "/2.0/x?path=s3://b/y",
            "2.0/x?path=s3://b/y",
            "clusters/list?a=https://h",
            "/x#https://h",
            "://h",
            "",
            "a b://c",
        ] {
            assert!(!has_scheme(path), "{path}");
        }
    }
}
