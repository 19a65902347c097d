//! Operations that return pages.

use crate::{Error, ErrorKind, Operation, Result};

/// One page: its items, and where the next one starts.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The items, possibly none: an empty page with a token is not the end.
    pub items: Vec<T>,
    /// Where to go on.
    pub next: Continuation,
}

impl<T> Page<T> {
    /// A page of these items.
    pub fn new(items: Vec<T>, next: Continuation) -> Self {
        Self { items, next }
    }
}

/// Where the next page starts. Can be kept and given to a later listing of the same operation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Continuation {
    /// There is none.
    End,
    /// After the page that bore this token.
    Token(String),
    /// After as many items as were received so far: the next index or page number. An empty page is the end.
    Count,
    /// At the request that the response contains, as its JSON body.
    Body(serde_json::Value),
}

impl Continuation {
    /// From a token member of a response: missing and empty both mean the end.
    pub fn from_token(token: Option<String>) -> Self {
        match token {
            Some(token) if !token.is_empty() => Self::Token(token),
            _ => Self::End,
        }
    }

    /// From a member of a response that spells out the next request: missing and empty both mean the end.
    pub fn from_body(body: Option<impl serde::Serialize>) -> Self {
        match body.map(serde_json::to_value) {
            Some(Ok(body)) if !body.is_null() => Self::Body(body),
            _ => Self::End,
        }
    }

    /// The token of the next page.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when this came from a listing that has no tokens.
    pub fn token(&self) -> Result<String> {
        match self {
            Self::Token(token) => Ok(token.clone()),
            _ => Err(self.foreign("a page token")),
        }
    }

    /// The next index, when `received` items came at `index`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when this came from a listing that does not count.
    pub fn index(&self, index: i64, received: usize) -> Result<i64> {
        match self {
            Self::Count => Ok(index.saturating_add(i64::try_from(received).unwrap_or(i64::MAX))),
            _ => Err(self.foreign("a count of items")),
        }
    }

    /// The inputs of the next request, as the type that holds them.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when this came from a listing that does not spell them out, or when
    /// they are not of that type.
    pub fn body<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        let Self::Body(body) = self else { return Err(self.foreign("the body of a request")) };
        T::deserialize(body).map_err(|e| {
            Error::new(ErrorKind::InvalidInput, "the next page's request is not of this operation").with_source(e)
        })
    }

    /// For operations that have one page only: there is nothing to go on with.
    ///
    /// # Errors
    /// Always [`ErrorKind::InvalidInput`].
    pub fn refuse(&self) -> Result<()> {
        Err(self.foreign("nothing, since there is one page only,"))
    }

    fn foreign(&self, expected: &str) -> Error {
        Error::new(
            ErrorKind::InvalidInput,
            format!("expected {expected} for the next page, got {self:?}; resume the listing that it came from"),
        )
    }
}

/// An operation whose response is one page of a list.
pub trait Paginated: Operation + Clone {
    /// What is listed.
    type Item: Send + 'static;

    /// Sets what the first request always carries, such as the start index, and the defaults of what the caller left
    /// open.
    fn start(&mut self) {}

    /// Takes a response apart.
    fn split(output: Self::Output) -> Page<Self::Item>;

    /// Turns the request into that of the next page.
    ///
    /// * `next`: where the last page stated to go on; never [`Continuation::End`].
    /// * `received`: how many items the last page had.
    ///
    /// # Errors
    /// When `next` is not of the kind that this operation's pages give.
    fn advance(&mut self, next: &Continuation, received: usize) -> Result<()>;

    /// What identifies an item, for lists in which the service may repeat some. `None` if it never does.
    fn key(_item: &Self::Item) -> Option<&str> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn missing_and_empty_are_the_end() {
        assert_eq!(Continuation::from_token(None), Continuation::End);
        assert_eq!(Continuation::from_token(Some(String::new())), Continuation::End);
        assert_eq!(Continuation::from_token(Some("t".into())), Continuation::Token("t".into()));
        assert_eq!(Continuation::from_body(None::<Value>), Continuation::End);
        assert_eq!(Continuation::from_body(Some(Value::Null)), Continuation::End);
        assert_eq!(Continuation::from_body(Some(json!({"offset": 2}))), Continuation::Body(json!({"offset": 2})));
    }

    #[test]
    fn a_position_fits_only_its_own_kind_of_listing() {
        assert_eq!(Continuation::Token("t".into()).token().unwrap(), "t");
        assert_eq!(Continuation::Count.index(1, 10).unwrap(), 11);
        assert_eq!(Continuation::Body(json!({"a": 1})).body::<Value>().unwrap(), json!({"a": 1}));
        for error in [
            Continuation::Count.token().unwrap_err(),
            Continuation::Token("t".into()).index(1, 1).unwrap_err(),
            Continuation::Count.body::<Value>().unwrap_err(),
            Continuation::Count.refuse().unwrap_err(),
            Continuation::Body(json!([])).body::<String>().unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
    }
}
