//! The one error of every call.

mod decode;
mod show;

use std::error::Error as StdError;
use std::time::Duration;

use http::StatusCode;

use crate::ApiError;

/// The result of everything that can fail in this SDK.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, where, and what is known about it.
///
/// Look at [`kind`](Self::kind) and the predicates to decide, at [`api`](Self::api) for what the service stated.
/// `Display` is one sentence for people; it never repeats what [`source`](StdError::source) states and never holds a
/// secret.
///
/// # Troubleshooting
///
/// | kind | what to do |
/// |---|---|
/// | [`Config`](ErrorKind::Config) | the message names the setting and where it came from |
/// | [`Auth`](ErrorKind::Auth) | the message lists what was tried; see also the `describe()` of the configuration |
/// | [`Connect`](ErrorKind::Connect) | check host, proxy and certificates; nothing was carried out |
/// | [`ConnectionLost`](ErrorKind::ConnectionLost) | ask [`maybe_executed`](Error::maybe_executed) before sending again |
/// | [`Api`](ErrorKind::Api) | the service refused; [`api`](Error::api) has code, message and details |
/// | [`Decode`](ErrorKind::Decode) | the response is not what the API describes; the message names the member |
pub struct Error(Box<Inner>);

type Source = Box<dyn StdError + Send + Sync>;

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Source>,
    api: Option<ApiError>,
    operation: Option<&'static str>,
    request: Option<String>,
    status: Option<StatusCode>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    attempts: u32,
    elapsed: Option<Duration>,
    maybe_executed: bool,
    retries_exhausted: bool,
    permanent: bool,
    hint: Option<String>,
    statement: Option<StatementFailure>,
}

/// What an SQL statement ended with that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementFailure {
    statement_id: String,
    error_code: Option<String>,
    sql_state: Option<String>,
}

impl StatementFailure {
    /// A failure of this statement, with the service's code and the SQLSTATE where known.
    pub fn new(statement_id: impl Into<String>, error_code: Option<String>, sql_state: Option<String>) -> Self {
        Self { statement_id: statement_id.into(), error_code, sql_state }
    }

    /// The id of the statement.
    pub fn statement_id(&self) -> &str {
        &self.statement_id
    }

    /// The service's code, such as `BAD_REQUEST`.
    pub fn error_code(&self) -> Option<&str> {
        self.error_code.as_deref()
    }

    /// The SQLSTATE (ISO/IEC 9075), such as `42703` for an unknown column.
    pub fn sql_state(&self) -> Option<&str> {
        self.sql_state.as_deref()
    }
}

/// The kinds of [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is missing or wrong.
    Config,
    /// Authentication failed.
    Auth,
    /// An input cannot be sent.
    InvalidInput,
    /// No connection came about, or the server states that it did not process the request: nothing was carried out.
    Connect,
    /// The connection broke after something was sent.
    ConnectionLost,
    /// One attempt took too long, or no data was sent or received for too long.
    Timeout,
    /// The call as a whole passed its deadline.
    DeadlineExceeded,
    /// A redirect that must not be followed.
    Redirect,
    /// The service returned an error.
    Api,
    /// A response could not be understood.
    Decode,
    /// A request body could not be read.
    Body,
    /// The wait timed out.
    WaitTimeout,
    /// What was waited for failed.
    OperationFailed,
    /// An SQL statement failed.
    StatementFailed,
    /// An SQL statement was cancelled.
    StatementCanceled,
    /// The result of an SQL statement is no longer there.
    StatementClosed,
    /// A listing came back to a page that it had seen.
    PaginationLoop,
    /// A file or stream of this machine failed.
    Io,
    /// Anything else.
    Other,
}

impl Error {
    /// An error with a message for people: what happened and what to do next.
    ///
    /// Control characters of the message are left out, since parts of it may come from outside.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: lines(message.into()),
            source: None,
            api: None,
            operation: None,
            request: None,
            status: None,
            request_id: None,
            retry_after: None,
            attempts: 0,
            elapsed: None,
            maybe_executed: false,
            retries_exhausted: false,
            permanent: false,
            hint: None,
            statement: None,
        }))
    }

    /// An error that the service returned.
    pub fn from_api(api: ApiError) -> Self {
        let mut error = Self::new(ErrorKind::Api, api.to_string());
        error.0.status = Some(api.status());
        error.0.request_id = api.request_id().map(str::to_owned);
        error.0.retry_after = api.retry_after();
        error.0.api = Some(api);
        error
    }

    /// A response that could not be understood, with the path of the member at fault, empty if unknown.
    ///
    /// The error states what was expected there and never repeats a value of the response, which may be a secret.
    pub fn decode(path: &str, bytes: &[u8], error: serde_json::Error) -> Self {
        let place = if path.is_empty() || path == "." || path == "?" { String::new() } else { format!(" at {path}") };
        let why = decode::reason(&error);
        Self::new(ErrorKind::Decode, format!("cannot decode the response of {} bytes{place}: {why}", bytes.len()))
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Adds the operation, unless one is there.
    #[must_use]
    #[doc(hidden)]
    pub fn with_operation(mut self, id: &'static str) -> Self {
        self.0.operation.get_or_insert(id);
        self
    }

    /// Adds method and redacted URL or path, unless there are some.
    #[must_use]
    #[doc(hidden)]
    pub fn with_request(mut self, line: impl Into<String>) -> Self {
        self.0.request.get_or_insert_with(|| crate::redact::message(&line.into()));
        self
    }

    /// Adds the status of the response, unless one is there.
    #[must_use]
    #[doc(hidden)]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status.get_or_insert(status);
        self
    }

    /// Adds the service's id of the request, unless one is there.
    #[must_use]
    #[doc(hidden)]
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.0.request_id.get_or_insert_with(|| one_line(id.into()));
        self
    }

    /// States how often the request was sent and how long all of it took.
    #[must_use]
    #[doc(hidden)]
    pub fn with_attempts(mut self, attempts: u32, elapsed: Duration) -> Self {
        self.0.attempts = attempts;
        self.0.elapsed = Some(elapsed);
        self
    }

    /// States whether the service may have carried out the request.
    #[must_use]
    #[doc(hidden)]
    pub fn with_maybe_executed(mut self, maybe: bool) -> Self {
        self.0.maybe_executed = maybe;
        self
    }

    /// States how long to wait before the next attempt; zero where there is no need to.
    #[must_use]
    #[doc(hidden)]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Marks the error as the last before the retries ended.
    #[must_use]
    #[doc(hidden)]
    pub fn with_retries_exhausted(mut self) -> Self {
        self.0.retries_exhausted = true;
        self
    }

    /// States that sending the request again cannot help, such as with a certificate that is not trusted.
    #[must_use]
    #[doc(hidden)]
    pub fn with_permanent(mut self) -> Self {
        self.0.permanent = true;
        self
    }

    /// Adds what is known of the SQL statement.
    #[must_use]
    #[doc(hidden)]
    pub fn with_statement(mut self, failure: StatementFailure) -> Self {
        self.0.statement = Some(failure);
        self
    }

    /// Adds what to try next.
    #[must_use]
    #[doc(hidden)]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(one_line(hint.into()));
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The sentence about what happened, without the context that `Display` adds; what a service or program stated may
    /// span lines.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What the service stated, for [`ErrorKind::Api`].
    pub fn api(&self) -> Option<&ApiError> {
        self.0.api.as_ref()
    }

    /// The status of the response, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// The service's id of the request, to be named in support cases.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How long the service asked to wait before the next attempt.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// How many attempts were made; 0 if the request was not sent at all.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// How long the call took, waits included.
    pub fn elapsed(&self) -> Option<Duration> {
        self.0.elapsed
    }

    /// The operation, such as `clusters.get`.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// Method and redacted path of the request.
    pub fn request(&self) -> Option<&str> {
        self.0.request.as_deref()
    }

    /// Whether the service may have carried out the request although it seems to have failed.
    pub fn maybe_executed(&self) -> bool {
        self.0.maybe_executed
    }

    /// Whether this is the last error before the retry budget or the attempts ran out.
    pub fn retries_exhausted(&self) -> bool {
        self.0.retries_exhausted
    }

    /// Whether sending the request again cannot help; the retry layer does not.
    pub fn is_permanent(&self) -> bool {
        self.0.permanent
    }

    /// What is known of the SQL statement, for failed and cancelled ones.
    pub fn statement(&self) -> Option<&StatementFailure> {
        self.0.statement.as_ref()
    }

    /// What to try next, if there is advice.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
}

fn lines(text: String) -> String {
    match crate::redact::printable_lines(&text) {
        std::borrow::Cow::Borrowed(_) => text,
        std::borrow::Cow::Owned(clean) => clean,
    }
}

fn one_line(text: String) -> String {
    match crate::redact::printable(&text) {
        std::borrow::Cow::Borrowed(_) => text,
        std::borrow::Cow::Owned(clean) => clean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_pointer_and_can_cross_threads() {
        fn check<T: Send + Sync + 'static>() {}
        check::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn display_has_context_but_not_the_source() {
        let error = Error::new(ErrorKind::ConnectionLost, "the connection broke")
            .with_operation("jobs.run_now")
            .with_request("POST /api/2.2/jobs/run-now")
            .with_attempts(2, Duration::from_millis(1500))
            .with_maybe_executed(true)
            .with_source("reset by peer");
        assert_eq!(
            error.to_string(),
            "jobs.run_now: the connection broke (POST /api/2.2/jobs/run-now, 2 attempts, 1.5 s); the service may have carried out the request"
        );
        assert!(error.report().ends_with(": reset by peer"));
        assert_eq!(format!("{error:?}"), error.report());
    }

    #[test]
    fn nothing_from_outside_drives_a_terminal_or_shows_a_secret() {
        let error = Error::new(ErrorKind::Other, "a\u{1b}[2Jb\r\nc\u{7}\u{202e}")
            .with_request_id("id\n")
            .with_hint("d\u{9b}")
            .with_source("the response was dapi0123456789abcdef\u{1b}]0;");
        assert_eq!(error.to_string(), "a[2Jb c (request id id ); d");
        assert_eq!(error.message(), "a[2Jb\nc");
        assert!(!error.report().contains("dapi") && !error.report().contains('\u{1b}'));
        assert!(!format!("{error:?} {error:#?}").contains("dapi"));
    }
}
