//! Requests of the providers: small, with timeouts, never redirected, and explained when they fail.

use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use databricks_core::redact::REDACTED;
use databricks_core::{Body, Error};
use databricks_transport::{CallOptions, HttpService, RawResponse, RetryPolicy, read_body};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::runtime;
use crate::sanitize::{sanitize, snippet};

/// The limit of a response in bytes.
const MAX_RESPONSE: usize = 1 << 20;
/// The timeout of one attempt of a token request.
const ATTEMPT: Duration = Duration::from_secs(30);
/// The timeout for the retries of a token request.
const RETRIES: Duration = Duration::from_secs(60);

/// Sends the providers' requests.
#[derive(Clone)]
pub(crate) struct Http {
    service: HttpService,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").finish_non_exhaustive()
    }
}

/// A response, whatever its status.
#[derive(Debug)]
pub(crate) struct HttpResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Bytes,
    /// The message of a service that maps errors itself.
    said: Option<String>,
}

/// A request to be sent.
#[must_use]
pub(crate) struct Outgoing {
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Body,
    options: CallOptions,
    /// A header that cannot be sent.
    invalid: Option<HeaderName>,
    /// Whether errors must not show the URL.
    secret_url: bool,
}

impl Outgoing {
    fn new(method: Method, url: impl Into<String>) -> Self {
        let options = CallOptions::new()
            .attempt_timeout(ATTEMPT)
            .retry(RetryPolicy::default().budget(RETRIES).gateway_errors(true))
            .idempotent(true);
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        Self { method, url: url.into(), headers, body: Body::empty(), options, invalid: None, secret_url: false }
    }

    pub(crate) fn get(url: impl Into<String>) -> Self {
        Self::new(Method::GET, url)
    }

    pub(crate) fn post(url: impl Into<String>) -> Self {
        Self::new(Method::POST, url)
    }

    /// A form as body.
    pub(crate) fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        self.body = Body::from(body);
        self
    }

    /// A JSON value as body.
    pub(crate) fn json(mut self, value: &Value) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.body = Body::from(value.to_string());
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(mut value) => {
                value.set_sensitive(true);
                self.headers.insert(name, value);
            }
            Err(_) => self.invalid = Some(name),
        }
        self
    }

    /// Adds a header that is not a secret.
    pub(crate) fn plain_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Adds the headers of credentials.
    pub(crate) fn headers(mut self, headers: HeaderMap) -> Self {
        self.headers.extend(headers);
        self
    }

    /// Never retried once it may have been executed.
    pub(crate) fn not_twice(mut self) -> Self {
        self.options = self.options.idempotent(false).retry(RetryPolicy::default().budget(RETRIES));
        self
    }

    /// At most three attempts, for requests that a user waits for.
    pub(crate) fn few(mut self) -> Self {
        self.options = self.options.max_attempts(3);
        self
    }

    /// Sets the timeout of one attempt.
    pub(crate) fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.options = self.options.attempt_timeout(timeout);
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION, &format!("Bearer {token}"))
    }

    /// One attempt with this timeout.
    pub(crate) fn once(mut self, timeout: Duration) -> Self {
        self.options =
            self.options.retry(RetryPolicy::none()).max_attempts(1).timeout(timeout).attempt_timeout(timeout);
        self
    }

    /// Errors do not show the URL.
    pub(crate) fn secret_url(mut self) -> Self {
        self.secret_url = true;
        self
    }

    /// Sets the operation for errors and logs.
    pub(crate) fn operation(mut self, name: &'static str) -> Self {
        self.options = self.options.operation(name);
        self
    }
}

impl Http {
    pub(crate) fn new(service: HttpService) -> Self {
        Self { service }
    }

    /// Sends a request and reads its response, of whatever status.
    ///
    /// # Errors
    /// When there is no response.
    pub(crate) async fn send(&self, outgoing: Outgoing) -> Result<HttpResponse, Error> {
        let Outgoing { method, url, headers, body, options, invalid, secret_url } = outgoing;
        if let Some(name) = invalid {
            let text = format!(
                "the value for the header {name} contains characters that are not allowed in a header; check for line breaks"
            );
            return Err(Error::new(databricks_core::ErrorKind::InvalidInput, text));
        }
        let mut request = Request::builder().method(method).uri(url).body(body).map_err(|error| {
            Error::new(databricks_core::ErrorKind::InvalidInput, "the address of the request is not a URL")
                .with_source(error)
        })?;
        *request.headers_mut() = headers;
        let raw = RawResponse::new();
        request.extensions_mut().insert(options.raw_response(raw.clone()));
        runtime::check()?;
        match runtime::guard(self.service.clone().oneshot(request)).await? {
            Ok(response) => {
                let (parts, body) = response.into_parts();
                let body = read_body(body, MAX_RESPONSE).await?;
                Ok(HttpResponse { status: parts.status, headers: parts.headers, body, said: None })
            }
            Err(error) => match (raw.take(), error.api(), error.status()) {
                (Some(response), Some(_), _) => {
                    let (parts, body) = response.into_parts();
                    Ok(HttpResponse { status: parts.status, headers: parts.headers, body, said: None })
                }
                (None, Some(api), Some(status)) => Ok(HttpResponse {
                    status,
                    headers: HeaderMap::new(),
                    body: Bytes::new(),
                    said: Some(api.to_string()),
                }),
                // Other parts of the error may contain the URL.
                _ if secret_url => Err(Error::new(error.kind(), format!("no response ({:?})", error.kind()))),
                _ => Err(error),
            },
        }
    }
}

impl HttpResponse {
    pub(crate) fn is_success(&self) -> bool {
        self.status.is_success()
    }

    /// The body as JSON; `None` if it is not valid JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Whether the body is a web page.
    pub(crate) fn is_html(&self) -> bool {
        self.body.trim_ascii_start().starts_with(b"<")
    }

    pub(crate) fn request_id(&self) -> Option<&str> {
        self.headers.get("x-request-id").and_then(|value| value.to_str().ok())
    }

    /// The server's clock, if it states it.
    pub(crate) fn date(&self) -> Option<SystemTime> {
        let text = self.headers.get(DATE)?.to_str().ok()?;
        let date = jiff::fmt::rfc2822::parse(text).ok()?;
        Some(date.timestamp().into())
    }

    /// The error of the server in words: the OAuth error, the API's message, or the beginning of the body.
    ///
    /// * `secrets`: strings of the request that must be redacted.
    pub(crate) fn explanation(&self, secrets: &[&str]) -> String {
        let text = match (&self.said, self.json()) {
            (Some(said), _) => said.clone(),
            (None, Some(value)) => spoken(&value).unwrap_or_else(|| "the response has no explanation".to_owned()),
            (None, None) if self.body.is_empty() => "the response is empty".to_owned(),
            (None, None) => snippet(&String::from_utf8_lossy(&self.body)),
        };
        let mut text = sanitize(&text);
        for secret in secrets.iter().filter(|secret| secret.len() > 2) {
            text = text.replace(secret, REDACTED);
        }
        format!("{} {}: {text}", self.status.as_u16(), self.status.canonical_reason().unwrap_or("")).replace(" :", ":")
    }
}

/// The code and the explanation in an error of OAuth, of the platform's API or of Google's.
fn spoken(value: &Value) -> Option<String> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    if let Some(code) = text("error") {
        let description = text("error_description").or_else(|| text("message")).map(without_trace);
        let more = text("error_uri").map(|uri| format!(" (see {uri})")).unwrap_or_default();
        return Some(match description {
            Some(description) => format!("{code}: {description}{more}"),
            None => format!("{code}{more}"),
        });
    }
    if let Some(google) = value.get("error").filter(|error| error.is_object()) {
        return spoken(google);
    }
    let message = text("message").or_else(|| text("error_description"))?;
    Some(match text("error_code").or_else(|| text("status")) {
        Some(code) => format!("{code}: {message}"),
        None => message.to_owned(),
    })
}

/// Removes the ids and the timestamp that Entra appends.
fn without_trace(description: &str) -> &str {
    description.split(" Trace ID").next().unwrap_or(description).trim()
}

/// The `error` of an OAuth response.
pub(crate) fn oauth_code(response: &HttpResponse) -> Option<String> {
    response.json()?.get("error")?.as_str().map(sanitize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> HttpResponse {
        HttpResponse {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
            said: None,
        }
    }

    #[test]
    fn explanations() {
        for (body, expected) in [
            (
                r#"{"error":"invalid_client","error_description":"Client authentication failed"}"#,
                "401 Unauthorized: invalid_client: Client authentication failed",
            ),
            (
                r#"{"error":"x","error_description":"AADSTS7: no. Trace ID: 1 Correlation ID: 2","error_uri":"https://e"}"#,
                "401 Unauthorized: x: AADSTS7: no. (see https://e)",
            ),
            (
                r#"{"error":{"code":403,"message":"denied","status":"PERMISSION_DENIED"}}"#,
                "401 Unauthorized: PERMISSION_DENIED: denied",
            ),
            (r#"{"error_code":"PERMISSION_DENIED","message":"no"}"#, "401 Unauthorized: PERMISSION_DENIED: no"),
            ("<html>forbidden by proxy</html>", "401 Unauthorized: forbidden by proxy"),
            ("", "401 Unauthorized: the response is empty"),
            ("{}", "401 Unauthorized: the response has no explanation"),
        ] {
            assert_eq!(response(401, body).explanation(&[]), expected);
        }
    }

    #[test]
    fn echoes_are_hidden() {
        let text = response(
            400,
            r#"{"error":"bad","error_description":"assertion top-secret and dapi0123456789abcdef0123456789abcdef"}"#,
        )
        .explanation(&["top-secret"]);
        assert!(!text.contains("top-secret") && !text.contains("dapi0123"), "{text}");
    }

    #[test]
    fn dates() {
        let mut response = response(200, "{}");
        response.headers.insert(DATE, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert_eq!(response.date().unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs(), 784_111_777);
    }
}
