//! What one call may state differently from its client.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use databricks_core::{Idempotency, SharedCredentials};
use http::{Method, Response};

use crate::RetryPolicy;

/// Options of one call, carried in the extensions of its `http::Request`. Whatever is unset follows the client.
///
/// Headers of a call are ordinary headers of the request.
///
/// ```
/// use std::time::Duration;
/// use databricks_transport::CallOptions;
///
/// let mut request = http::Request::get("https://example.com/api/2.0/clusters/list").body(databricks_core::Body::empty()).unwrap();
/// request.extensions_mut().insert(CallOptions::new().timeout(Duration::from_secs(20)).max_attempts(2).operation("clusters.list"));
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct CallOptions {
    /// The longest time for the call as a whole: attempts and waits. Unlimited if unset.
    pub timeout: Option<Duration>,
    /// The longest time for one attempt, until its response was read or, for a stream, until it began. Unlimited if
    /// unset: then only silence ends an attempt.
    pub attempt_timeout: Option<Duration>,
    /// The most attempts, at least 1. Unlimited if unset: then only the policy's budget of time ends them.
    pub max_attempts: Option<u32>,
    /// The retry policy in place of the client's.
    pub retry: Option<RetryPolicy>,
    /// The budget of time for attempts and waits, in place of the policy's.
    pub retry_budget: Option<Duration>,
    /// The idempotency class of the operation; that of the method if unset.
    pub idempotency: Option<Idempotency>,
    /// The caller's own word on whether the request may be sent twice, above what is known of the operation. `true`
    /// also makes the responses 408, 502 and 504 a reason to send it again.
    pub idempotent: Option<bool>,
    /// The operation, such as `clusters.get`, for errors, spans and logs.
    pub operation: Option<&'static str>,
    /// The template of the path, such as `/api/2.0/policies/{name}`, for spans.
    pub path_template: Option<&'static str>,
    /// Logs this one call at level `info`, with headers, redacted.
    pub debug: bool,
    /// Hands out the body of a success as it arrives. Otherwise it is read whole, and a response that breaks off is an
    /// attempt that failed.
    pub stream_response: bool,
    /// More parts for the user agent, such as `("sdk-feature", "pagination")`.
    pub user_agent_extra: Vec<(String, String)>,
    /// Credentials in place of the client's.
    pub credentials: Option<SharedCredentials>,
    /// Sends no credentials at all.
    pub anonymous: bool,
    /// Lets the client's credentials go to an origin other than its own.
    pub foreign_credentials: bool,
    /// Follows no redirect, and keeps a response that is no success here as it came. Authentication needs it: OAuth
    /// servers explain themselves in forms of their own, and a redirected form would be posted again elsewhere.
    pub raw_response: Option<RawResponse>,
}

/// A setter per line.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty => $value:ident $expression:expr;)*) => {
        impl CallOptions {
            $($(#[$doc])* #[must_use] pub fn $name(mut self, $value: $type) -> Self {
                self.$name = $expression;
                self
            })*
        }
    };
}

setters! {
    /// Sets [`timeout`](Self#structfield.timeout), a total for the call.
    timeout: Duration => value Some(value);
    /// Sets [`attempt_timeout`](Self#structfield.attempt_timeout).
    attempt_timeout: Duration => value Some(value);
    /// Sets [`max_attempts`](Self#structfield.max_attempts); 0 counts as 1.
    max_attempts: u32 => value Some(value.max(1));
    /// Sets [`retry`](Self#structfield.retry).
    retry: RetryPolicy => value Some(value);
    /// Sets [`retry_budget`](Self#structfield.retry_budget).
    retry_budget: Duration => value Some(value);
    /// Sets [`idempotency`](Self#structfield.idempotency).
    idempotency: Idempotency => value Some(value);
    /// Sets [`idempotent`](Self#structfield.idempotent).
    idempotent: bool => value Some(value);
    /// Sets [`operation`](Self#structfield.operation).
    operation: &'static str => value Some(value);
    /// Sets [`path_template`](Self#structfield.path_template).
    path_template: &'static str => value Some(value);
    /// Sets [`debug`](Self#structfield.debug).
    debug: bool => value value;
    /// Sets [`stream_response`](Self#structfield.stream_response).
    stream_response: bool => value value;
    /// Sets [`credentials`](Self#structfield.credentials).
    credentials: SharedCredentials => value Some(value);
    /// Sets [`anonymous`](Self#structfield.anonymous).
    anonymous: bool => value value;
    /// Sets [`foreign_credentials`](Self#structfield.foreign_credentials).
    foreign_credentials: bool => value value;
    /// Sets [`raw_response`](Self#structfield.raw_response).
    raw_response: RawResponse => value Some(value);
}

impl CallOptions {
    /// Nothing set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a part `name/value` to the user agent. Parts that no user agent may hold are left out.
    #[must_use]
    pub fn user_agent_extra(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.user_agent_extra.push((name.into(), value.into()));
        self
    }

    /// The class that the retry layer goes by, for a request of this method.
    pub fn effective_idempotency(&self, method: &Method) -> Idempotency {
        let class = self.idempotency.unwrap_or_else(|| Idempotency::of_method(method));
        match self.idempotent {
            Some(false) => Idempotency::NotIdempotent,
            Some(true) if !class.is_retryable() => Idempotency::Idempotent,
            _ => class,
        }
    }
}

/// A place for the last response that was no success; clones share it. See [`CallOptions::raw_response`].
#[derive(Clone, Default)]
pub struct RawResponse(Arc<Mutex<Option<Response<Bytes>>>>);

impl RawResponse {
    /// An empty place.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the response out.
    pub fn take(&self) -> Option<Response<Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Puts a response in, in place of an earlier one.
    pub fn set(&self, response: Response<Bytes>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(response);
    }
}

impl fmt::Debug for RawResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawResponse").finish_non_exhaustive()
    }
}

impl fmt::Debug for CallOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallOptions")
            .field("operation", &self.operation)
            .field("timeout", &self.timeout)
            .field("attempt_timeout", &self.attempt_timeout)
            .field("max_attempts", &self.max_attempts)
            .field("retry", &self.retry)
            .field("retry_budget", &self.retry_budget)
            .field("idempotency", &self.idempotency)
            .field("idempotent", &self.idempotent)
            .field("debug", &self.debug)
            .field("stream_response", &self.stream_response)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_word_on_idempotency_wins() {
        let post = |options: CallOptions| options.effective_idempotency(&Method::POST);
        assert_eq!(post(CallOptions::new()), Idempotency::NotIdempotent);
        assert_eq!(post(CallOptions::new().idempotency(Idempotency::Keyed)), Idempotency::Keyed);
        assert_eq!(
            post(CallOptions::new().idempotency(Idempotency::Keyed).idempotent(false)),
            Idempotency::NotIdempotent
        );
        assert_eq!(post(CallOptions::new().idempotent(true)), Idempotency::Idempotent);
        assert_eq!(CallOptions::new().idempotent(true).effective_idempotency(&Method::GET), Idempotency::ReadOnly);
    }
}
