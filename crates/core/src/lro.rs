//! Long-running operations: calls that answer with an `Operation` resource.

use crate::{Operation, Result};

/// What one look at a long-running operation showed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LroState<R> {
    /// It goes on.
    Running,
    /// It ended well, with its result.
    Done(R),
    /// It failed.
    Failed {
        /// The service's code, such as `NOT_FOUND`.
        code: Option<String>,
        /// The service's explanation.
        message: Option<String>,
    },
}

/// An operation that answers with the name of work under way.
pub trait LongRunning: Operation {
    /// The operation that shows how the work goes on.
    type Poll: Operation<Output = Self::Output>;
    /// The operation that cancels the work. `Self::Poll` where the API has none.
    type Cancel: Operation;
    /// What the work gives in the end; `()` for nothing.
    type Result: Send + 'static;
    /// What the service tells about the work while it goes on.
    type Metadata: Send + 'static;

    /// The name under which the work is known, from an answer.
    ///
    /// # Errors
    /// When the answer has no name.
    fn name(output: &Self::Output) -> Result<String>;

    /// The request that shows how the work goes on.
    fn poll(name: &str) -> Self::Poll;

    /// The request that cancels the work; `None` where the API has none.
    fn cancel(_name: &str) -> Option<Self::Cancel> {
        None
    }

    /// The state in an answer.
    ///
    /// # Errors
    /// When the result cannot be decoded, or the work is said to be done without one.
    fn state(output: &Self::Output) -> Result<LroState<Self::Result>>;

    /// The metadata in an answer; `None` if it has none.
    ///
    /// # Errors
    /// When the metadata cannot be decoded.
    fn metadata(output: &Self::Output) -> Result<Option<Self::Metadata>>;
}
