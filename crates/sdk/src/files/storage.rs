//! Requests to cloud storage through links that the workspace makes.

use std::time::Duration;

use databricks_core::{Body, Error, ErrorKind, Result, Timestamp};
use databricks_transport::{CallOptions, RawResponse};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};

use crate::client::Client;

/// How long a link is asked to work.
const LIFETIME: Duration = Duration::from_secs(3600);
/// All attempts of one request to storage together.
const BUDGET: Duration = Duration::from_secs(300);
/// The most attempts of a request to storage.
pub(super) const ATTEMPTS: u32 = 3;

/// A link that carries its own authorization, so it is as good as a credential: no message may hold it.
#[derive(Clone)]
pub(super) struct Link {
    uri: Uri,
    headers: HeaderMap,
}

impl Link {
    pub(super) fn new(url: &str, headers: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let broken = |what| Error::new(ErrorKind::Decode, format!("the workspace sent a link to storage with {what}"));
        let uri: Uri = url.parse().map_err(|_| broken("a URL that cannot be sent"))?;
        if uri.host().is_none() {
            return Err(broken("a URL that names no host"));
        }
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().map_err(|_| broken("the name of a header that cannot be sent"))?;
            let mut value = HeaderValue::from_str(&value).map_err(|_| broken("a header that cannot be sent"))?;
            value.set_sensitive(true);
            all.append(name, value);
        }
        Ok(Self { uri, headers: all })
    }

    /// A request through the link, with the link's headers over these.
    fn request(&self, method: Method, mut headers: HeaderMap, body: Body, options: CallOptions) -> Request<Body> {
        crate::client::apply(&mut headers, &self.headers);
        // Compressed or not, the bytes are taken as they are stored: their number is what ranges count.
        headers.entry(header::ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        request.extensions_mut().insert(options);
        request
    }

    /// Sends bytes; what is sent twice is the same bytes at the same place.
    pub(super) async fn put(&self, client: &Client, body: Body, attempts: u32) -> Result<Response<Body>> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        let request = self.request(Method::PUT, headers, body, options("files.upload_part", attempts));
        client.send_to_storage(request).await
    }

    /// Fetches bytes.
    pub(super) async fn get(&self, client: &Client, headers: HeaderMap, attempts: u32) -> Result<Response<Body>> {
        let options = options("files.download", attempts).stream_response(true);
        client.send_to_storage(self.request(Method::GET, headers, Body::empty(), options)).await
    }

    /// Sends a request of a protocol whose responses are not all successes: 308 asks for more.
    pub(super) async fn exchange(
        &self,
        client: &Client,
        method: Method,
        headers: HeaderMap,
        body: Body,
    ) -> Result<(StatusCode, HeaderMap)> {
        let raw = RawResponse::new();
        let options = options("files.upload_resumable", 1).raw_response(raw.clone());
        match client.send_to_storage(self.request(method, headers, body, options)).await {
            Ok(response) => Ok((response.status(), response.headers().clone())),
            Err(error) => match raw.take() {
                Some(response) if response.status() == StatusCode::PERMANENT_REDIRECT => {
                    Ok((response.status(), response.headers().clone()))
                }
                _ => Err(error),
            },
        }
    }
}

fn options(operation: &'static str, attempts: u32) -> CallOptions {
    CallOptions::new().operation(operation).max_attempts(attempts).retry_budget(BUDGET).idempotent(true)
}

/// When a link that is asked for now should end.
pub(super) fn expiry(client: &Client) -> Timestamp {
    let end = client.clock().wall() + LIFETIME;
    let seconds = end.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    // Whole seconds: that is the form that services sign.
    i64::try_from(seconds).ok().and_then(Timestamp::from_unix_seconds).unwrap_or_default()
}

/// Whether storage refused since the link has expired, as each of the clouds puts it.
pub(super) fn is_expired(error: &Error) -> bool {
    let Some(api) = error.api().filter(|api| matches!(api.status().as_u16(), 400 | 403)) else { return false };
    let Some(body) = api.body().filter(|body| element(body, "Error").is_some()) else { return false };
    match element(body, "Code").unwrap_or_default() {
        "ExpiredToken" => true,
        "AuthenticationFailed" => element(body, "AuthenticationErrorDetail")
            .is_some_and(|detail| detail.contains("Signature not valid in the specified time frame")),
        "AccessDenied" => element(body, "Message") == Some("Request has expired"),
        _ => false,
    }
}

/// The content of the first element of that name. The documents of object stores are flat and have no attributes in
/// the elements that matter here.
fn element<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    let (content, _) = rest.split_once(&format!("</{name}>"))?;
    Some(content.trim())
}

/// The error for a link that expires whenever it is used.
pub(super) fn expired_too_often(what: &str, renewals: u32) -> Error {
    Error::new(ErrorKind::Other, format!("the link to {what} has expired, also after it was renewed {renewals} times"))
        .with_hint("check that the connection to the storage is fast enough and that the clocks are right")
}

#[cfg(test)]
mod tests {
    use databricks_core::ApiError;

    use super::*;

    fn refused(status: u16, body: &str) -> Error {
        let status = StatusCode::from_u16(status).unwrap();
        let api = ApiError::read_at(
            status,
            &HeaderMap::new(),
            body.as_bytes(),
            &Method::PUT,
            "/x",
            std::time::SystemTime::UNIX_EPOCH,
        );
        Error::from_api(api)
    }

    #[test]
    fn each_clouds_expiry_is_known() {
        let document = |inner: &str| format!("<?xml version=\"1.0\"?>\n<Error>{inner}</Error>");
        for inner in [
            "<Code>ExpiredToken</Code><Message>The provided token has expired.</Message>",
            "<Code>AccessDenied</Code><Message>Request has expired</Message>",
            "<Code>AuthenticationFailed</Code><AuthenticationErrorDetail>Signature not valid in the specified time frame: Start</AuthenticationErrorDetail>",
        ] {
            assert!(is_expired(&refused(403, &document(inner))), "{inner}");
            assert!(is_expired(&refused(400, &document(inner))));
            assert!(!is_expired(&refused(404, &document(inner))));
        }
        for other in
            ["<Code>AccessDenied</Code><Message>Access Denied</Message>", "<Code>SignatureDoesNotMatch</Code>", ""]
        {
            assert!(!is_expired(&refused(403, &document(other))), "{other}");
        }
        assert!(!is_expired(&refused(403, "{\"error_code\":\"ExpiredToken\"}")));
    }

    #[test]
    fn no_message_shows_the_link() {
        for url in ["http://storage/%zz?sig=hunter2 x", "/no/host?sig=hunter2"] {
            let error = Link::new(url, []).err().unwrap();
            assert!(!error.report().contains("hunter2"), "{error}");
        }
        let header = [("x-key".to_owned(), "hunter2\n".to_owned())];
        assert!(!Link::new("http://storage/p", header).err().unwrap().report().contains("hunter2"));
    }
}
