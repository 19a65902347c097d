//! Operations whose effect takes a while to show.

use crate::{Error, ErrorKind, Operation, Result};

/// What one poll of a resource showed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitStatus {
    /// The state on the wire, empty if the answer had none.
    pub state: String,
    /// What the service says about the state.
    pub message: Option<String>,
}

impl WaitStatus {
    /// A state and what the service says about it.
    pub fn new(state: impl Into<String>, message: Option<String>) -> Self {
        Self { state: state.into(), message }
    }
}

/// What a poll needs from an answer.
///
/// # Errors
/// [`ErrorKind::Decode`] when the answer lacks it.
pub fn required<T: Clone>(value: Option<&T>, name: &str) -> Result<T> {
    value.cloned().ok_or_else(|| {
        Error::new(ErrorKind::Decode, format!("the answer has no {name}, without which the state of what it started cannot be looked up"))
    })
}

/// An operation that starts something whose state can be polled until it has finished.
///
/// A state that is neither a success nor a failure, known or not, means: poll again later.
pub trait Waitable: Operation {
    /// The operation that shows the state.
    type Poll: Operation;

    /// The states waited for.
    const SUCCESS: &'static [&'static str];
    /// The states in which the wait has failed.
    const FAILURE: &'static [&'static str];
    /// How long to wait unless the caller says otherwise.
    const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(20 * 60);

    /// The request that shows the state, from this operation and its answer.
    ///
    /// # Errors
    /// When the answer lacks the id of what it started.
    fn poll(&self, output: &Self::Output) -> Result<Self::Poll>;

    /// The state in an answer to [`poll`](Self::poll).
    fn status(polled: &<Self::Poll as Operation>::Output) -> WaitStatus;
}
