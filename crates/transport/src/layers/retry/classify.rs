//! Whether a failure is a reason to send again.

use databricks_core::api_error::ApiErrorKind;
use databricks_core::{Error, ErrorKind, Idempotency};

use crate::{RetryOn, RetryPolicy};

/// Messages of failures in which the request was not run.
const NOT_RUN: &[&str] = &[
    "ClusterNotReadyException",
    "REQUEST_LIMIT_EXCEEDED",
    "RPC token bucket limit has been exceeded",
    "There is no worker environment with id",
    "Unknown worker environment",
    "UnknownWorkerEnvironmentException",
    "does not have any associated worker environments",
];

/// Messages of passing failures in which it may have been run.
const PASSING: &[&str] = &[
    "Please try again later or try a faster operation.",
    "Timed out after ",
    "Unexpected error",
    "deadline exceeded",
    "connection reset by peer",
    "TLS handshake timeout",
    "connection refused",
    "i/o timeout",
];

/// Whether a policy sends again after this error.
///
/// * `vouched`: whether responses of a gateway (408, 502, 504) count for requests that may be repeated.
pub(super) fn is_reason(error: &Error, policy: &RetryPolicy, class: Idempotency, vouched: bool) -> bool {
    if error.is_permanent() {
        return false;
    }
    let network = matches!(error.kind(), ErrorKind::Connect | ErrorKind::ConnectionLost | ErrorKind::Timeout);
    match policy.on {
        RetryOn::AllErrors => network || matches!(error.kind(), ErrorKind::Api | ErrorKind::Redirect),
        RetryOn::ServerErrors => network || error.api().is_some_and(|api| api.status().is_server_error()),
        RetryOn::Transient => match error.kind() {
            ErrorKind::Connect => true,
            ErrorKind::ConnectionLost | ErrorKind::Timeout => class.is_retryable(),
            ErrorKind::Api => transient_response(error, class, vouched),
            _ => false,
        },
    }
}

fn transient_response(error: &Error, class: Idempotency, vouched: bool) -> bool {
    let Some(api) = error.api() else { return false };
    match api.status().as_u16() {
        429 | 503 => return true,
        _ if api.kind().is_a(ApiErrorKind::TooManyRequests) => return true,
        408 | 502 | 504 if vouched && class.is_retryable() => return true,
        _ => {}
    }
    says_not_run(api.message()) || (class.is_retryable() && PASSING.iter().any(|text| api.message().contains(text)))
}

fn says_not_run(message: &str) -> bool {
    NOT_RUN.iter().any(|text| message.contains(text)) || worker_env_not_found(message)
}

/// `worker env WorkerEnvId(…) not found`.
fn worker_env_not_found(message: &str) -> bool {
    message.split_once("worker env ").is_some_and(|(_, rest)| rest.contains(" not found"))
}

/// Whether the service may have carried out the request although it failed.
pub(super) fn may_have_run(error: &Error) -> bool {
    let Some(status) = error.status() else {
        return matches!(error.kind(), ErrorKind::ConnectionLost | ErrorKind::Timeout);
    };
    // A success whose response was lost or cannot be read, and a redirect to the result.
    if status.is_success() || status.as_u16() == 303 {
        return true;
    }
    match status.as_u16() {
        408 => true,
        // Refused before anything was done.
        501 | 503 | 505 => false,
        500.. => error
            .api()
            .is_none_or(|api| !says_not_run(api.message()) && !api.kind().is_a(ApiErrorKind::TooManyRequests)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use databricks_core::ApiError;
    use http::StatusCode;

    const POST: Idempotency = Idempotency::NotIdempotent;
    const GET: Idempotency = Idempotency::ReadOnly;

    fn api(status: u16, code: &str, message: &str) -> Error {
        let code = (!code.is_empty()).then(|| code.to_owned());
        Error::from_api(ApiError::new(StatusCode::from_u16(status).unwrap(), code, message))
    }

    fn retried(error: &Error, class: Idempotency) -> bool {
        is_reason(error, &RetryPolicy::default(), class, false)
    }

    #[test]
    fn what_did_not_run_is_sent_again_whatever_it_is() {
        for error in [
            Error::new(ErrorKind::Connect, "x"),
            api(429, "", "x"),
            api(503, "", ""),
            api(400, "RESOURCE_EXHAUSTED", "x"),
            api(400, "", "There is no worker environment with id 4"),
            api(500, "", "worker env WorkerEnvId(1) not found"),
        ] {
            assert!(retried(&error, POST), "{error}");
        }
        assert!(!retried(&Error::new(ErrorKind::Connect, "bad certificate").with_permanent(), GET));
    }

    #[test]
    fn what_may_have_run_is_sent_again_only_if_that_is_harmless() {
        for error in [
            Error::new(ErrorKind::ConnectionLost, "x"),
            Error::new(ErrorKind::Timeout, "x"),
            api(500, "", "Unexpected error"),
            api(500, "", "context deadline exceeded upstream"),
        ] {
            for class in [GET, Idempotency::Idempotent, Idempotency::Keyed] {
                assert!(retried(&error, class), "{error}");
            }
            assert!(!retried(&error, POST), "{error}");
        }
        assert!(may_have_run(&Error::new(ErrorKind::Timeout, "x")));
        assert!(!may_have_run(&Error::new(ErrorKind::Connect, "x")));
    }

    #[test]
    fn what_may_have_run_says_so() {
        for error in [
            api(500, "", "x"),
            api(500, "INTERNAL_ERROR", "x"),
            api(502, "", "x"),
            api(504, "", "x"),
            api(524, "", "x"),
            api(408, "", "x"),
            Error::new(ErrorKind::Decode, "unreadable").with_status(StatusCode::OK),
            Error::new(ErrorKind::ConnectionLost, "cut").with_status(StatusCode::CREATED),
            Error::new(ErrorKind::Redirect, "no URL").with_status(StatusCode::SEE_OTHER),
        ] {
            assert!(may_have_run(&error), "{error}");
        }
        for error in [
            api(400, "", "x"),
            api(429, "", "x"),
            api(503, "", "x"),
            api(501, "", "x"),
            api(500, "", "worker env WorkerEnvId(1) not found"),
            api(500, "RESOURCE_EXHAUSTED", "x"),
            Error::new(ErrorKind::Redirect, "elsewhere").with_status(StatusCode::TEMPORARY_REDIRECT),
            Error::new(ErrorKind::Config, "x"),
        ] {
            assert!(!may_have_run(&error), "{error}");
        }
    }

    #[test]
    fn gateway_errors_are_retried_only_where_it_is_safe() {
        for status in [408, 502, 504] {
            assert!(!retried(&api(status, "", "x"), GET));
            assert!(is_reason(&api(status, "", "x"), &RetryPolicy::default(), GET, true));
            assert!(!is_reason(&api(status, "", "x"), &RetryPolicy::default(), POST, true));
        }
    }

    #[test]
    fn the_rest_is_final() {
        for error in [
            api(400, "X", "x"),
            api(401, "", "x"),
            api(404, "", "x"),
            api(500, "", "x"),
            api(501, "", "x"),
            Error::new(ErrorKind::Decode, "x"),
        ] {
            assert!(!retried(&error, GET), "{error}");
        }
    }

    #[test]
    fn wider_policies_ignore_the_class() {
        let server = RetryPolicy::default().on(RetryOn::ServerErrors);
        assert!(is_reason(&api(500, "", "x"), &server, POST, false));
        assert!(is_reason(&Error::new(ErrorKind::Timeout, "x"), &server, POST, false));
        assert!(!is_reason(&api(429, "", "x"), &server, GET, false));
        let all = RetryPolicy::default().on_all_errors();
        assert!(is_reason(&api(400, "", "x"), &all, POST, false));
        assert!(is_reason(&Error::new(ErrorKind::Redirect, "x"), &all, POST, false));
        assert!(!is_reason(&Error::new(ErrorKind::Decode, "x"), &all, POST, false));
    }
}
