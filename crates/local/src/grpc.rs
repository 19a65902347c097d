//! Refusals in the form of gRPC: status 200, and what went wrong in headers or trailers.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::reply::ApiError;

/// What a `grpc-message` has only with a percent sign. What is not ASCII is encoded always.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%');
/// Bytes of a message, at most: clients take headers of 8 KiB in all.
const MESSAGE_LIMIT: usize = 2048;

/// Codes of gRPC that the workspace uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    Unauthenticated = 16,
}

impl Code {
    /// The code for an error of the API.
    fn of(error: &ApiError) -> Self {
        if error.is_unauthenticated() {
            return Self::Unauthenticated;
        }
        match (error.status().as_u16(), error.code()) {
            (400, "INVALID_STATE") => Self::FailedPrecondition,
            (400, _) => Self::InvalidArgument,
            (401, _) => Self::Unauthenticated,
            (403, _) => Self::PermissionDenied,
            (404, _) => Self::NotFound,
            (409, _) => Self::Aborted,
            (429, _) => Self::ResourceExhausted,
            (501, _) => Self::Unimplemented,
            (502 | 503, _) => Self::Unavailable,
            (504, _) => Self::DeadlineExceeded,
            _ => Self::Internal,
        }
    }
}

/// The headers that state how a call ended.
pub(crate) fn status(code: Code, message: &str) -> HeaderMap {
    let mut end = message.len().min(MESSAGE_LIMIT);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    let mut headers = HeaderMap::new();
    headers.insert("grpc-status", HeaderValue::from(code as u16));
    if let Ok(message) = HeaderValue::from_str(&utf8_percent_encode(&message[..end], ENCODED).to_string()) {
        headers.insert("grpc-message", message);
    }
    headers
}

/// A response that states an error and nothing else.
pub(crate) fn refusal(error: &ApiError) -> Response {
    let mut response = Response::new(Body::empty());
    *response.headers_mut() = status(Code::of(error), error.message());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn errors_of_the_api_have_their_codes() {
        for (error, code) in [
            (ApiError::unauthenticated(StatusCode::FORBIDDEN, "no"), Code::Unauthenticated),
            (ApiError::new(StatusCode::FORBIDDEN, "PERMISSION_DENIED", "no"), Code::PermissionDenied),
            (ApiError::invalid_state("no"), Code::FailedPrecondition),
            (ApiError::invalid_parameter("no"), Code::InvalidArgument),
            (ApiError::not_found("no"), Code::NotFound),
            (ApiError::internal("no"), Code::Internal),
        ] {
            assert_eq!(Code::of(&error), code, "{error:?}");
        }
    }

    #[test]
    fn messages_are_encoded_and_have_a_limit() {
        let message = |text: &str| status(Code::Internal, text)["grpc-message"].to_str().unwrap().to_owned();
        assert_eq!(message("100 % as\nsaid: ü"), "100 %25 as%0Asaid: %C3%BC");
        // One byte more than the limit would split the last letter.
        assert_eq!(message(&format!("x{}", "ü".repeat(2000))).len(), 1 + (MESSAGE_LIMIT / 2 - 1) * 6);
    }
}
