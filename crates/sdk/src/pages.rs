//! Lists, page by page and item by item.

use std::collections::{HashSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use databricks_core::{Continuation, Error, ErrorKind, Page, Paginated, Result};
use futures_core::Stream;

use crate::{Call, stream};

type Fetch<T> = Pin<Box<dyn Future<Output = Result<Page<T>>> + Send>>;

/// The pages of a list, fetched one at a time as they are asked for.
///
/// A stream of [`Page`]s: use [`try_next`](Self::try_next), [`try_collect`](Self::try_collect) or the combinators of
/// `futures_util`. An error ends the stream: what came before it has been delivered. An empty page with a continuation
/// is delivered too.
#[must_use = "a stream does nothing until it is polled"]
pub struct Pages<O: Paginated> {
    call: Call<O>,
    state: State<O::Item>,
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

impl<O: Paginated> Pages<O> {
    pub(crate) fn new(call: Call<O>) -> Self {
        Self { call, state: State::Start, seen: HashSet::new(), continuation: None }
    }

    /// Goes on where an earlier listing of the same operation stopped; see [`continuation`](Self::continuation).
    ///
    /// Lists that count ([`Continuation::Count`]) cannot be resumed this way: set their start index or page number
    /// instead. They end at once.
    pub fn resume(mut self, from: Continuation) -> Self {
        self.call.operation.start();
        self.state = if from == Continuation::End { State::Done } else { State::Ready(from, 0) };
        self
    }

    /// Where the page after the last one delivered starts; [`Continuation::End`] after the last page, `None` before the
    /// first.
    pub fn continuation(&self) -> Option<&Continuation> {
        self.continuation.as_ref()
    }

    /// The next page, or `None` after the last; the same as `TryStreamExt::try_next` of `futures_util`.
    ///
    /// # Errors
    /// When a page cannot be fetched, or the service leads back to a page that was there before
    /// ([`ErrorKind::PaginationLoop`]).
    pub async fn try_next(&mut self) -> Result<Option<Page<O::Item>>> {
        stream::try_next(self).await
    }

    /// All pages.
    ///
    /// # Errors
    /// As [`try_next`](Self::try_next); the pages before the error are lost, so take them one by one if they matter.
    pub async fn try_collect(self) -> Result<Vec<Page<O::Item>>> {
        stream::try_collect(self).await
    }

    fn fetch(&self) -> Fetch<O::Item> {
        let Call { client, operation, options } = self.call.clone();
        Box::pin(async move { Call::send_ref(&client, &operation, &options).await.map(O::split) })
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
            .with_operation(O::INFO.id));
        }
        self.call.operation.advance(&next, received)?;
        self.state = State::Fetching(self.fetch());
        Ok(())
    }
}

// The only future is boxed; operations and items are moved, never pinned.
impl<O: Paginated> Unpin for Pages<O> {}

impl<O: Paginated> Stream for Pages<O> {
    type Item = Result<Page<O::Item>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            match std::mem::replace(&mut this.state, State::Done) {
                State::Done => return Poll::Ready(None),
                State::Start => {
                    this.call.operation.start();
                    this.call.operation.prepare();
                    this.state = State::Fetching(this.fetch());
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

impl<O: Paginated> std::fmt::Debug for Pages<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pages").field("operation", &O::INFO.id).finish_non_exhaustive()
    }
}

/// The items of a list, from as many pages as it takes.
///
/// A stream: use [`try_next`](Self::try_next), [`try_collect`](Self::try_collect) or the combinators of `futures_util`.
/// A further page is fetched only when an item of it is asked for. Items that the service repeats (some identity lists
/// do) are delivered once.
///
/// `StreamExt::next` has its usual meaning, an `Option` of a `Result`:
///
/// ```no_run
/// use futures_util::StreamExt;
///
/// # async fn example(w: databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
/// let mut items = w.clusters().list().items();
/// while let Some(cluster) = items.next().await {
///     println!("{:?}", cluster?.state);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a stream does nothing until it is polled"]
pub struct Items<O: Paginated> {
    pages: Pages<O>,
    page: VecDeque<O::Item>,
    keys: HashSet<String>,
    left: Option<usize>,
}

impl<O: Paginated> Items<O> {
    pub(crate) fn new(pages: Pages<O>) -> Self {
        Self { pages, page: VecDeque::new(), keys: HashSet::new(), left: None }
    }

    /// Ends the list after so many items. Pages beyond them are not fetched.
    pub fn limit(mut self, items: usize) -> Self {
        self.left = Some(items);
        self
    }

    /// The next item, or `None` after the last; the same as `TryStreamExt::try_next` of `futures_util`.
    ///
    /// # Errors
    /// As [`Pages::try_next`].
    pub async fn try_next(&mut self) -> Result<Option<O::Item>> {
        stream::try_next(self).await
    }

    /// All items.
    ///
    /// # Errors
    /// As [`Pages::try_next`]; the items before the error are lost, so take them one by one if they matter.
    pub async fn try_collect(self) -> Result<Vec<O::Item>> {
        stream::try_collect(self).await
    }
}

impl<O: Paginated> Unpin for Items<O> {}

impl<O: Paginated> Stream for Items<O> {
    type Item = Result<O::Item>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if this.left == Some(0) {
                return Poll::Ready(None);
            }
            if let Some(item) = this.page.pop_front() {
                if let Some(key) = O::key(&item)
                    && !this.keys.insert(key.to_owned())
                {
                    continue;
                }
                this.left = this.left.map(|left| left - 1);
                return Poll::Ready(Some(Ok(item)));
            }
            match ready!(Pin::new(&mut this.pages).poll_next(cx)) {
                Some(Ok(page)) => this.page = page.items.into(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<O: Paginated> std::fmt::Debug for Items<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Items").field("operation", &O::INFO.id).finish_non_exhaustive()
    }
}
