//! Paging: the one way in which this crate follows lists, typed or by name.

use std::collections::{HashSet, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use databricks_core::{Continuation, Error, ErrorKind, Page, Result};
use futures_core::Stream;

pub(crate) type Fetch<T> = Pin<Box<dyn Future<Output = Result<Page<T>>> + Send>>;

/// A list whose pages can be fetched.
pub(crate) trait PageSource {
    type Item: Send + 'static;

    /// The operation that errors name, such as `clusters.list`.
    fn operation(&self) -> &'static str;

    /// Sets what the first request always carries.
    fn start(&mut self);

    /// Turns the request into that of the next page; see [`databricks_core::Paginated::advance`].
    fn advance(&mut self, next: &Continuation, received: usize) -> Result<()>;

    /// Sends the request as it is now.
    fn fetch(&self) -> Fetch<Self::Item>;

    /// What identifies an item, where the service may repeat some.
    fn key<'a>(&self, item: &'a Self::Item) -> Option<&'a str>;
}

/// The pages of a list, fetched one at a time as they are asked for.
pub(crate) struct Pager<S: PageSource> {
    pub(crate) source: S,
    state: State<S::Item>,
    seen: HashSet<String>,
    continuation: Option<Continuation>,
}

enum State<T> {
    /// Before the first page.
    Start,
    /// The next page is on its way.
    Fetching(Fetch<T>),
    /// The next page starts here.
    Ready(Continuation, usize),
    Done,
}

impl<S: PageSource> Pager<S> {
    pub(crate) fn new(source: S) -> Self {
        Self { source, state: State::Start, seen: HashSet::new(), continuation: None }
    }

    pub(crate) fn resume(&mut self, from: Continuation) {
        self.source.start();
        self.state = if from == Continuation::End { State::Done } else { State::Ready(from, 0) };
    }

    pub(crate) fn continuation(&self) -> Option<&Continuation> {
        self.continuation.as_ref()
    }

    /// Starts fetching the page that `next` leads to, or ends.
    fn follow(&mut self, next: Continuation, received: usize) -> Result<()> {
        if next == Continuation::End || (next == Continuation::Count && received == 0) {
            self.state = State::Done;
            return Ok(());
        }
        let mark = match &next {
            Continuation::Token(token) => Some(token.clone()),
            Continuation::Body(body) => Some(body.to_string()),
            _ => None,
        };
        if let Some(mark) = mark
            && !self.seen.insert(mark)
        {
            self.state = State::Done;
            return Err(Error::new(
                ErrorKind::PaginationLoop,
                "pagination loop: the service led back to a page that was listed before",
            )
            .with_operation(self.source.operation()));
        }
        self.source.advance(&next, received)?;
        self.state = State::Fetching(self.source.fetch());
        Ok(())
    }
}

// The only future is boxed; sources and items are moved, never pinned.
impl<S: PageSource> Unpin for Pager<S> {}

impl<S: PageSource> Stream for Pager<S> {
    type Item = Result<Page<S::Item>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            match std::mem::replace(&mut this.state, State::Done) {
                State::Done => return Poll::Ready(None),
                State::Start => {
                    this.source.start();
                    this.state = State::Fetching(this.source.fetch());
                }
                State::Ready(next, received) => {
                    if let Err(error) = this.follow(next, received) {
                        return Poll::Ready(Some(Err(error)));
                    }
                }
                State::Fetching(mut fetch) => {
                    let Poll::Ready(page) = fetch.as_mut().poll(cx) else {
                        this.state = State::Fetching(fetch);
                        return Poll::Pending;
                    };
                    if let Ok(page) = &page {
                        let ended = page.next == Continuation::Count && page.items.is_empty();
                        this.continuation = Some(if ended { Continuation::End } else { page.next.clone() });
                        this.state = State::Ready(page.next.clone(), page.items.len());
                    }
                    return Poll::Ready(Some(page));
                }
            }
        }
    }
}

/// The items of a list; those that the service repeats are delivered once.
pub(crate) struct Flat<S: PageSource> {
    pub(crate) pages: Pager<S>,
    page: VecDeque<S::Item>,
    /// Whether the first item of the page is known not to repeat an earlier one.
    fresh: bool,
    keys: HashSet<String>,
    pub(crate) left: Option<usize>,
}

impl<S: PageSource> Flat<S> {
    pub(crate) fn new(pages: Pager<S>) -> Self {
        Self { pages, page: VecDeque::new(), fresh: false, keys: HashSet::new(), left: None }
    }

    /// The next item, or `None` after the last.
    pub(crate) async fn try_next(&mut self) -> Result<Option<S::Item>> {
        let there = poll_fn(|cx| self.poll_here(cx)).await?;
        Ok(if there { self.take() } else { None })
    }

    /// All items.
    pub(crate) async fn try_collect(mut self) -> Result<Vec<S::Item>> {
        let mut all = Vec::new();
        while poll_fn(|cx| self.poll_here(cx)).await? {
            all.extend(self.take());
        }
        Ok(all)
    }

    /// Waits until there is an item to [take](Self::take); `false` after the last. Items may be large, so that they stay
    /// where they are until then.
    fn poll_here(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool>> {
        loop {
            if self.left == Some(0) {
                return Poll::Ready(Ok(false));
            }
            if self.is_fresh() {
                return Poll::Ready(Ok(true));
            }
            match ready!(Pin::new(&mut self.pages).poll_next(cx)) {
                Some(Ok(page)) => self.page = page.items.into(),
                Some(Err(error)) => return Poll::Ready(Err(error)),
                None => return Poll::Ready(Ok(false)),
            }
        }
    }

    /// Drops items that were there before; whether there is another one on this page.
    fn is_fresh(&mut self) -> bool {
        while !self.fresh {
            let Some(item) = self.page.front() else { return false };
            self.fresh = self.pages.source.key(item).is_none_or(|key| self.keys.insert(key.to_owned()));
            if !self.fresh {
                self.page.pop_front();
            }
        }
        true
    }

    fn take(&mut self) -> Option<S::Item> {
        self.fresh = false;
        self.left = self.left.map(|left| left.saturating_sub(1));
        self.page.pop_front()
    }
}

impl<S: PageSource> Unpin for Flat<S> {}

impl<S: PageSource> Stream for Flat<S> {
    type Item = Result<S::Item>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        match ready!(this.poll_here(cx)) {
            Ok(true) => Poll::Ready(this.take().map(Ok)),
            Ok(false) => Poll::Ready(None),
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }
}
