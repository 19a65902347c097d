//! How an error reads, and what it is.

use std::error::Error as StdError;
use std::fmt;

use super::Error;

impl Error {
    /// The message with all its causes on one line, without secrets, for programs that print errors without a reporter.
    pub fn report(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        crate::redact::report(&text)
    }
}

/// Predicates for errors of the service; a narrow one implies the broad one, whatever the status.
macro_rules! predicates {
    ($($(#[$doc:meta])* $name:ident => $kind:ident;)*) => {
        impl Error {
            $($(#[$doc])* pub fn $name(&self) -> bool {
                self.api().is_some_and(|api| api.kind().is_a($crate::api_error::ApiErrorKind::$kind))
            })*
        }
    };
}

predicates! {
    /// The request is malformed or makes no sense now (400).
    is_bad_request => BadRequest;
    /// The request was not authenticated (401).
    is_unauthenticated => Unauthenticated;
    /// The authenticated identity may not do this (403).
    is_permission_denied => PermissionDenied;
    /// There is no such thing (404, `RESOURCE_DOES_NOT_EXIST`).
    is_not_found => NotFound;
    /// The request conflicts with the state of things (409).
    is_resource_conflict => ResourceConflict;
    /// The thing is there already (`ALREADY_EXISTS`, `RESOURCE_ALREADY_EXISTS`).
    is_already_exists => AlreadyExists;
    /// Too many requests or too little quota (429).
    is_too_many_requests => TooManyRequests;
    /// The service failed inside (500).
    is_internal_error => InternalError;
    /// The service is not available for a while (503).
    is_temporarily_unavailable => TemporarilyUnavailable;
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        if let Some(operation) = inner.operation {
            write!(f, "{operation}: ")?;
        }
        f.write_str(&crate::redact::message(&inner.message))?;
        let mut context = Vec::new();
        if let Some(request) = &inner.request {
            context.push(request.clone());
        }
        if let Some(status) = inner.status {
            context.push(format!("status {}", status.as_u16()));
        }
        if let Some(id) = &inner.request_id {
            context.push(format!("request id {id}"));
        }
        if inner.attempts > 1 {
            context.push(format!("{} attempts", inner.attempts));
        }
        if let (true, Some(elapsed)) = (inner.attempts > 1, inner.elapsed) {
            context.push(format!("{:.1} s", elapsed.as_secs_f64()));
        }
        if !context.is_empty() {
            write!(f, " ({})", context.join(", "))?;
        }
        if inner.maybe_executed {
            f.write_str("; the service may have carried out the request")?;
        }
        if let Some(hint) = &inner.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

/// As [`report`](Error::report), since programs print the error of `main` in this form.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.report())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
