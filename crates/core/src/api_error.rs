//! What the service states when it refuses.

mod details;
mod read;

use std::fmt;
use std::time::Duration;

use http::StatusCode;

#[doc(hidden)]
pub use read::request_id;

pub use details::{
    DebugInfo, ErrorDetails, ErrorInfo, FieldViolation, HelpLink, PreconditionViolation, QuotaViolation, RequestInfo,
    ResourceInfo, RetryInfo,
};

/// An error response, read from whatever shape its body had.
#[derive(Clone, PartialEq)]
pub struct ApiError {
    status: StatusCode,
    code: Option<String>,
    message: String,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    kind: ApiErrorKind,
    details: Option<Box<ErrorDetails>>,
    body: Option<Box<str>>,
}

/// The kinds of [`ApiError`]; the narrow ones follow from the error code, whatever the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ApiErrorKind {
    /// 400.
    BadRequest,
    /// 400 with `INVALID_STATE`.
    InvalidState,
    /// 400 with `INVALID_PARAMETER_VALUE`.
    InvalidParameterValue,
    /// 401.
    Unauthenticated,
    /// 403.
    PermissionDenied,
    /// A workspace behind a private link, reached from outside.
    PrivateLinkValidation,
    /// 404.
    NotFound,
    /// `RESOURCE_DOES_NOT_EXIST`.
    ResourceDoesNotExist,
    /// 409.
    ResourceConflict,
    /// `ABORTED`.
    Aborted,
    /// `ALREADY_EXISTS`.
    AlreadyExists,
    /// `RESOURCE_ALREADY_EXISTS`.
    ResourceAlreadyExists,
    /// 429.
    TooManyRequests,
    /// `RESOURCE_EXHAUSTED`.
    ResourceExhausted,
    /// `REQUEST_LIMIT_EXCEEDED`.
    RequestLimitExceeded,
    /// 499.
    Cancelled,
    /// 500.
    InternalError,
    /// `UNKNOWN`.
    Unknown,
    /// `DATA_LOSS`.
    DataLoss,
    /// 501.
    NotImplemented,
    /// 503.
    TemporarilyUnavailable,
    /// 504.
    DeadlineExceeded,
    /// Any other status.
    Other,
}

impl ApiErrorKind {
    /// The kind that this one is a case of.
    pub const fn broader(self) -> Option<Self> {
        Some(match self {
            Self::InvalidState | Self::InvalidParameterValue => Self::BadRequest,
            Self::PrivateLinkValidation => Self::PermissionDenied,
            Self::ResourceDoesNotExist => Self::NotFound,
            Self::Aborted | Self::AlreadyExists | Self::ResourceAlreadyExists => Self::ResourceConflict,
            Self::ResourceExhausted | Self::RequestLimitExceeded => Self::TooManyRequests,
            Self::Unknown | Self::DataLoss => Self::InternalError,
            _ => return None,
        })
    }

    /// Whether this is the other kind or a case of it.
    pub fn is_a(self, other: Self) -> bool {
        self == other
            || self.broader() == Some(other)
            || (self, other) == (Self::ResourceAlreadyExists, Self::AlreadyExists)
    }

    /// The kind of a code and status: the code first, then the status.
    pub fn of(status: StatusCode, code: Option<&str>) -> Self {
        match (code, status.as_u16()) {
            (Some("INVALID_STATE"), _) => Self::InvalidState,
            (Some("INVALID_PARAMETER_VALUE"), _) => Self::InvalidParameterValue,
            (Some("RESOURCE_DOES_NOT_EXIST"), _) => Self::ResourceDoesNotExist,
            (Some("ABORTED"), _) => Self::Aborted,
            (Some("ALREADY_EXISTS"), _) => Self::AlreadyExists,
            (Some("RESOURCE_ALREADY_EXISTS"), _) => Self::ResourceAlreadyExists,
            (Some("RESOURCE_EXHAUSTED"), _) => Self::ResourceExhausted,
            (Some("REQUEST_LIMIT_EXCEEDED"), _) => Self::RequestLimitExceeded,
            (Some("UNKNOWN"), _) => Self::Unknown,
            (Some("DATA_LOSS"), _) => Self::DataLoss,
            (Some("PRIVATE_LINK_VALIDATION_ERROR"), _) => Self::PrivateLinkValidation,
            (_, 400) => Self::BadRequest,
            (_, 401) => Self::Unauthenticated,
            (_, 403) => Self::PermissionDenied,
            (_, 404) => Self::NotFound,
            (_, 409) => Self::ResourceConflict,
            (_, 429) => Self::TooManyRequests,
            (_, 499) => Self::Cancelled,
            (_, 500) => Self::InternalError,
            (_, 501) => Self::NotImplemented,
            (_, 503) => Self::TemporarilyUnavailable,
            (_, 504) => Self::DeadlineExceeded,
            _ => Self::Other,
        }
    }
}

impl ApiError {
    /// An error from its parts.
    pub fn new(status: StatusCode, code: Option<String>, message: impl Into<String>) -> Self {
        let kind = ApiErrorKind::of(status, code.as_deref());
        Self {
            status,
            code,
            message: message.into(),
            request_id: None,
            retry_after: None,
            kind,
            details: None,
            body: None,
        }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The service's code, such as `RESOURCE_DOES_NOT_EXIST`.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The service's explanation.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The kind.
    pub fn kind(&self) -> ApiErrorKind {
        self.kind
    }

    /// The service's id of the request.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// How long the service asked to wait, by the header `Retry-After` or else by a detail `google.rpc.RetryInfo`.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The body of the response as it came, up to 64 KiB, for shapes that this SDK does not read; `None` if there was
    /// none.
    ///
    /// Unlike [`message`](Self::message) it may hold secrets and control characters: do not print it as it is.
    pub fn body(&self) -> Option<&str> {
        self.body.as_deref()
    }

    /// What the service states beyond code and message; empty if it states nothing.
    pub fn details(&self) -> &ErrorDetails {
        static NONE: ErrorDetails = ErrorDetails {
            error_info: None,
            request_info: None,
            retry_info: None,
            debug_info: None,
            quota_failure: None,
            precondition_failure: None,
            bad_request: None,
            resource_info: None,
            help: None,
            unknown: Vec::new(),
        };
        self.details.as_deref().unwrap_or(&NONE)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "{code}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("status", &self.status)
            .field("code", &self.code)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}
