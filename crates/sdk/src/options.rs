//! What a caller may set for one call.

use std::time::Duration;

use databricks_core::{Error, ErrorKind, RequestParts, Result};
use databricks_transport::{CallOptions, RetryPolicy};
use http::{HeaderMap, HeaderName, HeaderValue};

/// The options of one call; a header that cannot be sent is reported when the call is made, so that setters can be
/// chained. Most calls have none, which takes one word.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options(Option<Box<Stated>>);

#[derive(Clone, Debug, Default)]
struct Stated {
    transport: CallOptions,
    headers: HeaderMap,
    /// Inputs that the operation does not have, by name on the wire.
    inputs: Vec<(String, serde_json::Value)>,
    invalid: Option<String>,
}

impl Options {
    fn stated(&mut self) -> &mut Stated {
        self.0.get_or_insert_default()
    }

    /// What the transport is told, to be changed.
    pub(crate) fn transport(&mut self) -> &mut CallOptions {
        &mut self.stated().transport
    }

    /// What the transport is told.
    pub(crate) fn call_options(&self) -> CallOptions {
        self.0.as_ref().map(|stated| stated.transport.clone()).unwrap_or_default()
    }

    /// The caller's headers, if there are any.
    pub(crate) fn headers(&self) -> Option<&HeaderMap> {
        self.0.as_ref().map(|stated| &stated.headers).filter(|headers| !headers.is_empty())
    }

    pub(crate) fn timeout(&mut self, limit: Duration) {
        self.transport().timeout = Some(limit);
    }

    pub(crate) fn attempt_timeout(&mut self, limit: Duration) {
        self.transport().attempt_timeout = Some(limit);
    }

    pub(crate) fn max_attempts(&mut self, attempts: u32) {
        self.transport().max_attempts = Some(attempts.max(1));
    }

    pub(crate) fn retry(&mut self, policy: RetryPolicy) {
        self.transport().retry = Some(policy);
    }

    pub(crate) fn idempotent(&mut self, idempotent: bool) {
        self.transport().idempotent = Some(idempotent);
    }

    pub(crate) fn debug(&mut self, on: bool) {
        self.transport().debug = on;
    }

    pub(crate) fn user_agent_extra(&mut self, name: &str, value: &str) {
        self.transport().user_agent_extra.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn header(&mut self, name: &str, value: &str) {
        match (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            (Ok(name), Ok(value)) => {
                self.stated().headers.append(name, value);
            }
            (Err(_), _) => self.stated().invalid = Some(format!("{name:?} is not the name of a header")),
            (_, Err(_)) => {
                self.stated().invalid =
                    Some(format!("the value of the header {name} has characters that no header may hold"));
            }
        }
    }

    /// The options of the polls that follow a call with these: its timeouts, retries and idempotency are its own, the
    /// rest is kept.
    pub(crate) fn for_poll(&self, timeout: Option<Duration>) -> Self {
        let mut options = Self::default();
        if let Some(own) = &self.0 {
            let stated = options.stated();
            let transport = &mut stated.transport;
            transport.debug = own.transport.debug;
            transport.user_agent_extra.clone_from(&own.transport.user_agent_extra);
            transport.credentials.clone_from(&own.transport.credentials);
            transport.foreign_credentials = own.transport.foreign_credentials;
            stated.headers.clone_from(&own.headers);
            stated.invalid.clone_from(&own.invalid);
        }
        if timeout.is_some() {
            options.transport().timeout = timeout;
        }
        options
    }

    pub(crate) fn input(&mut self, name: &str, value: serde_json::Value) {
        self.stated().inputs.push((name.to_owned(), value));
    }

    /// Adds the inputs that the operation does not have.
    #[inline]
    pub(crate) fn add_inputs(&self, parts: RequestParts) -> Result<RequestParts> {
        let Some(stated) = &self.0 else { return Ok(parts) };
        stated.inputs.iter().try_fold(parts, |parts, (name, value)| parts.extra_input(name, value))
    }

    /// # Errors
    /// [`ErrorKind::InvalidInput`] when a header was set that cannot be sent.
    pub(crate) fn check(&self) -> Result<()> {
        match self.0.as_ref().and_then(|stated| stated.invalid.as_ref()) {
            Some(why) => Err(Error::new(ErrorKind::InvalidInput, why.clone())),
            None => Ok(()),
        }
    }
}
