//! What both stores of files share: refusals in the XML of object stores, and the check of signed links.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::ranges;
use crate::caller::same_text;
use crate::extract::Query;
use crate::sql::links::Refused;
use crate::state::signed_links::SignedLinks;

/// The header that links want when the workspace was built to ask for one.
pub(super) const KEY_HEADER: &str = "x-local-storage-key";

/// A refusal in the XML of object stores.
#[derive(Debug)]
pub(super) struct StorageError {
    status: StatusCode,
    code: &'static str,
    message: &'static str,
}

impl StorageError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message }
    }

    pub(super) fn no_file() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NoSuchKey", "The file does not exist")
    }

    /// A link carries its own credentials; others beside them are refused, as clouds do.
    pub(super) fn two_credentials() -> Self {
        let message = "Only one auth mechanism allowed: the link is signed, do not send Authorization";
        Self::new(StatusCode::BAD_REQUEST, "InvalidArgument", message)
    }
}

impl From<ranges::Refused> for StorageError {
    fn from(refused: ranges::Refused) -> Self {
        match refused {
            ranges::Refused::Changed => {
                Self::new(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", "The file has changed")
            }
            ranges::Refused::Range => {
                Self::new(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", "The requested range is not satisfiable")
            }
        }
    }
}

impl IntoResponse for StorageError {
    fn into_response(self) -> Response {
        let (code, message) = (self.code, self.message);
        let document = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        );
        let mut response = Response::new(Body::from(document));
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        response
    }
}

/// Checks at `now`, in milliseconds since the Unix epoch, signature, end and header of the link to part `number` of what is called `signed`.
pub(super) fn check(
    links: &SignedLinks,
    now: i64,
    signed: &str,
    number: usize,
    query: &Query,
    headers: &HeaderMap,
) -> Result<(), StorageError> {
    let forbidden = |code, message| StorageError::new(StatusCode::FORBIDDEN, code, message);
    let expires = query.get("expires").and_then(|e| e.parse().ok()).unwrap_or(0);
    let signature = query.get("signature").unwrap_or_default();
    links.signer.check(signed, number, expires, signature, now).map_err(|refused| match refused {
        Refused::Signature => forbidden("SignatureDoesNotMatch", "The signature is not right"),
        Refused::Expired => forbidden("AccessDenied", "Request has expired"),
    })?;
    if let Some(key) = &links.key {
        let given = headers.get(KEY_HEADER).and_then(|value| value.to_str().ok());
        if !same_text(given.unwrap_or_default(), key) {
            return Err(forbidden("AccessDenied", "A header of the link is missing"));
        }
    }
    Ok(())
}
