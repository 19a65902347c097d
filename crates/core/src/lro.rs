//! Long-running operations: calls that return an `Operation` resource.

use serde_json::{Map, Value};

use crate::model::Wire;
use crate::{Error, ErrorKind, Operation, Result};

/// What one poll of a long-running operation returned.
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

/// The state in the members of an `Operation` resource; `R` is what its `response` holds.
///
/// # Errors
/// [`ErrorKind::Decode`] when the result is of another type, or the work is reported as done without one.
pub fn state<R: for<'de> Wire<'de>>(
    done: Option<bool>,
    error: Option<(Option<String>, Option<String>)>,
    response: Option<&Map<String, Value>>,
) -> Result<LroState<R>> {
    let lacking = || Error::new(ErrorKind::Decode, "the operation is done, but has no response and no error");
    match (done, error) {
        (Some(true), Some((code, message))) => Ok(LroState::Failed { code, message }),
        (Some(true), None) => decode(response)?.map(LroState::Done).ok_or_else(lacking),
        _ => Ok(LroState::Running),
    }
}

/// As [`state`], for work without a result.
pub fn state_without_result(done: Option<bool>, error: Option<(Option<String>, Option<String>)>) -> LroState<()> {
    match (done, error) {
        (Some(true), Some((code, message))) => LroState::Failed { code, message },
        (Some(true), None) => LroState::Done(()),
        _ => LroState::Running,
    }
}

/// Decodes what an `Operation` resource carries as free-form JSON. Its `@type` member is skipped like any unknown one.
///
/// # Errors
/// [`ErrorKind::Decode`] when it is of another type.
pub fn decode<T: for<'de> Wire<'de>>(object: Option<&Map<String, Value>>) -> Result<Option<T>> {
    let Some(object) = object else { return Ok(None) };
    let value = Value::Object(object.clone());
    T::read(&value).map(Some).map_err(|error| Error::decode("response", value.to_string().as_bytes(), error))
}

/// An operation that returns the name of work under way.
pub trait LongRunning: Operation {
    /// The operation that shows how the work goes on.
    type Poll: Operation<Output = Self::Output>;
    /// The operation that cancels the work. `Self::Poll` where the API has none.
    type Cancel: Operation;
    /// What the work gives in the end; `()` for nothing.
    type Result: Send + 'static;
    /// What the service reports about the work while it goes on.
    type Metadata: Send + 'static;

    /// The name under which the work is known, from a response.
    ///
    /// # Errors
    /// When the response has no name.
    fn name(output: &Self::Output) -> Result<String>;

    /// The request that shows how the work goes on.
    fn poll(name: &str) -> Self::Poll;

    /// The request that cancels the work; `None` where the API has none.
    fn cancel(_name: &str) -> Option<Self::Cancel> {
        None
    }

    /// The state in a response.
    ///
    /// # Errors
    /// When the result cannot be decoded, or the work is reported as done without one.
    fn state(output: &Self::Output) -> Result<LroState<Self::Result>>;

    /// The metadata in a response; `None` if it has none.
    ///
    /// # Errors
    /// When the metadata cannot be decoded.
    fn metadata(output: &Self::Output) -> Result<Option<Self::Metadata>>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn an_operation_runs_ends_or_fails() {
        let response = object(json!({"@type": "x", "a": 1}));
        let read = |done, error, response| state::<Map<String, Value>>(done, error, response);
        assert!(matches!(read(None, None, None).unwrap(), LroState::Running));
        assert!(matches!(read(Some(false), None, Some(&response)).unwrap(), LroState::Running));
        assert!(matches!(read(Some(true), None, Some(&response)).unwrap(), LroState::Done(result) if result["a"] == 1));
        assert!(
            matches!(read(Some(true), Some((None, Some("gone".into()))), None).unwrap(), LroState::Failed { message: Some(m), .. } if m == "gone")
        );
        assert_eq!(read(Some(true), None, None).unwrap_err().kind(), ErrorKind::Decode);
        assert!(matches!(state_without_result(Some(true), None), LroState::Done(())));
    }

    #[test]
    fn a_result_of_another_type_is_an_error() {
        assert_eq!(decode::<i64>(Some(&object(json!({})))).unwrap_err().kind(), ErrorKind::Decode);
        assert_eq!(decode::<i64>(None).unwrap(), None);
    }
}
