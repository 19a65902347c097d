//! Operations whose effect takes a while to show.

use crate::{Error, ErrorKind, Operation, Result};

/// What one poll of a resource returned.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitStatus {
    /// The state on the wire, empty if the response had none.
    pub state: String,
    /// The service's message about the state.
    pub message: Option<String>,
}

impl WaitStatus {
    /// A state and the service's message about it.
    pub fn new(state: impl Into<String>, message: Option<String>) -> Self {
        Self { state: state.into(), message }
    }
}

/// What a poll needs from a response.
///
/// # Errors
/// [`ErrorKind::Decode`] when the response lacks it.
pub fn required<T: Clone>(value: Option<&T>, name: &str) -> Result<T> {
    value.cloned().ok_or_else(|| {
        Error::new(ErrorKind::Decode, format!("the response is missing {name}, which is needed to poll for completion"))
    })
}

/// An operation that starts something whose state can be polled until it has finished.
///
/// A state that is neither a success nor a failure, known or not, means: poll again later.
pub trait Waitable: Operation {
    /// The operation that shows the state.
    type Poll: Operation;

    /// The type of the state: an enum of the API.
    type State: std::fmt::Debug + 'static;

    /// The states waited for.
    const SUCCESS: &'static [&'static str];
    /// The states in which the wait has failed.
    const FAILURE: &'static [&'static str];
    /// How long to wait unless the caller sets another.
    const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(20 * 60);

    /// The request that shows the state, from this operation and its response.
    ///
    /// # Errors
    /// When the response lacks the id of what it started.
    fn poll(&self, output: &Self::Output) -> Result<Self::Poll>;

    /// The state in a response to [`poll`](Self::poll), if it has one.
    fn state(polled: &<Self::Poll as Operation>::Output) -> Option<&Self::State>;

    /// The same as on the wire, with the service's message about it.
    fn status(polled: &<Self::Poll as Operation>::Output) -> WaitStatus;
}
