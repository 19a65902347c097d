//! Operations that answer with pages.

use crate::{Operation, Result};

/// One page: its items, and where the next one starts.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The items, possibly none: an empty page with a token is not the end.
    pub items: Vec<T>,
    /// Where to go on.
    pub next: Next,
}

impl<T> Page<T> {
    /// A page of these items.
    pub fn new(items: Vec<T>, next: Next) -> Self {
        Self { items, next }
    }
}

/// Where the next page starts. Can be kept and given to a later listing of the same operation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// There is none.
    End,
    /// After the page that bore this token.
    Token(String),
    /// After as many items as were received so far: the next index or page number. An empty page is the end.
    Count,
    /// At the request that the answer spelt out, as its JSON body.
    Body(serde_json::Value),
}

impl Next {
    /// From a token member of an answer: missing and empty both mean the end.
    pub fn from_token(token: Option<String>) -> Self {
        match token {
            Some(token) if !token.is_empty() => Self::Token(token),
            _ => Self::End,
        }
    }
}

/// An operation whose answer is one page of a list.
pub trait Paginated: Operation + Clone {
    /// What is listed.
    type Item: Send + 'static;

    /// Sets what the first request always carries, such as the start index, and the defaults of what the caller left open.
    fn start(&mut self) {}

    /// Takes an answer apart.
    fn split(output: Self::Output) -> Page<Self::Item>;

    /// Turns the request into that of the next page.
    ///
    /// * `next`: where the last page said to go on; never [`Next::End`].
    /// * `received`: how many items the last page had.
    ///
    /// # Errors
    /// When `next` is not of the kind that this operation's pages give.
    fn advance(&mut self, next: &Next, received: usize) -> Result<()>;

    /// What identifies an item, for lists in which the service may repeat some. `None` if it never does.
    fn key(_item: &Self::Item) -> Option<&str> {
        None
    }
}
