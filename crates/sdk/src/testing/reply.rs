//! What a script replies.

use databricks_core::{Body, Error, ErrorKind, Result};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use serde_json::json;

/// A response, or the failure to get one.
#[derive(Clone, Debug)]
#[must_use = "a reply does nothing until an expectation has it"]
pub struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    failure: Option<ErrorKind>,
    invalid: Option<String>,
}

impl Reply {
    /// A response with this status and no body.
    pub fn status(status: u16) -> Self {
        Self { status, headers: HeaderMap::new(), body: Vec::new(), failure: None, invalid: None }
    }

    /// A response with status 200 and a value as JSON.
    pub fn json(value: &(impl Serialize + ?Sized)) -> Self {
        let mut reply = Self::status(200).header("content-type", "application/json");
        match serde_json::to_vec(value) {
            Ok(body) => reply.body = body,
            Err(error) => reply.invalid = Some(format!("the body of a reply cannot be written as JSON: {error}")),
        }
        reply
    }

    /// A response with status 200 and these bytes.
    pub fn bytes(body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::status(200) }
    }

    /// An error in the form of the API.
    ///
    /// * `code`: such as `RESOURCE_DOES_NOT_EXIST`.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self { status, ..Self::json(&json!({"error_code": code, "message": message})) }
    }

    /// A connection that breaks after the request was sent, so that it may have been carried out.
    pub fn connection_lost() -> Self {
        Self { failure: Some(ErrorKind::ConnectionLost), ..Self::status(0) }
    }

    /// A connection that does not come about, so that nothing was carried out.
    pub fn refused() -> Self {
        Self { failure: Some(ErrorKind::Connect), ..Self::status(0) }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            (Ok(name), Ok(value)) => {
                self.headers.append(name, value);
            }
            _ => self.invalid = Some(format!("a reply cannot have the header {name:?}")),
        }
        self
    }

    pub(super) fn response(&self) -> Result<Response<Body>> {
        if let Some(why) = &self.invalid {
            return Err(Error::new(ErrorKind::InvalidInput, why.clone()).with_permanent());
        }
        if let Some(kind) = self.failure {
            let lost = kind == ErrorKind::ConnectionLost;
            let what = if lost { "the connection was lost, as scripted" } else { "no connection, as scripted" };
            return Err(Error::new(kind, what).with_maybe_executed(lost));
        }
        let status = StatusCode::from_u16(self.status).map_err(|_| {
            Error::new(ErrorKind::InvalidInput, format!("{} is not an HTTP status", self.status)).with_permanent()
        })?;
        let mut response = Response::new(Body::from(self.body.clone()));
        *response.status_mut() = status;
        self.headers.clone_into(response.headers_mut());
        let length = HeaderValue::from(self.body.len());
        response.headers_mut().entry(header::CONTENT_LENGTH).or_insert(length);
        Ok(response)
    }
}
