//! Lists, page by page and item by item.

use std::pin::Pin;
use std::task::{Context, Poll};

use databricks_core::{Continuation, Page, Paginated, Result};
use futures_core::Stream;

use crate::pager::{Fetch, Flat, PageSource, Pager};
use crate::{Call, stream};

impl<O: Paginated> PageSource for Call<O> {
    type Item = O::Item;

    fn operation(&self) -> &'static str {
        O::INFO.id
    }

    fn start(&mut self) {
        self.operation.start();
        self.operation.prepare();
    }

    fn advance(&mut self, next: &Continuation, received: usize) -> Result<()> {
        self.operation.advance(next, received)
    }

    fn fetch(&self) -> Fetch<O::Item> {
        let Call { client, operation, options } = self.clone();
        Box::pin(async move { Call::send_ref(&client, &operation, &options).await.map(O::split) })
    }

    fn key<'a>(&self, item: &'a O::Item) -> Option<&'a str> {
        O::key(item)
    }
}

/// The pages of a list, fetched one at a time as they are asked for.
///
/// A stream of [`Page`]s: use [`try_next`](Self::try_next), [`try_collect`](Self::try_collect) or the combinators of
/// `futures_util`. An error ends the stream: what came before it has been delivered. An empty page with a continuation
/// is delivered too.
#[must_use = "a stream does nothing until it is polled"]
pub struct Pages<O: Paginated>(Pager<Call<O>>);

impl<O: Paginated> Pages<O> {
    pub(crate) fn new(call: Call<O>) -> Self {
        Self(Pager::new(call))
    }

    /// Goes on where an earlier listing of the same operation stopped; see [`continuation`](Self::continuation).
    ///
    /// Lists that count ([`Continuation::Count`]) cannot be resumed this way: set their start index or page number
    /// instead. They end at once.
    pub fn resume(mut self, from: Continuation) -> Self {
        self.0.resume(from);
        self
    }

    /// Where the page after the last one delivered starts; [`Continuation::End`] after the last page, `None` before the
    /// first.
    pub fn continuation(&self) -> Option<&Continuation> {
        self.0.continuation()
    }

    /// The next page, or `None` after the last; the same as `TryStreamExt::try_next` of `futures_util`.
    ///
    /// # Errors
    /// When a page cannot be fetched, or the service leads back to a page that was there before
    /// ([`ErrorKind::PaginationLoop`](crate::ErrorKind::PaginationLoop)).
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
}

impl<O: Paginated> Stream for Pages<O> {
    type Item = Result<Page<O::Item>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.get_mut().0).poll_next(cx)
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
pub struct Items<O: Paginated>(Flat<Call<O>>);

impl<O: Paginated> Items<O> {
    pub(crate) fn new(pages: Pages<O>) -> Self {
        Self(Flat::new(pages.0))
    }

    /// Ends the list after so many items. Pages beyond them are not fetched.
    pub fn limit(mut self, items: usize) -> Self {
        self.0.left = Some(items);
        self
    }

    /// The next item, or `None` after the last; the same as `TryStreamExt::try_next` of `futures_util`.
    ///
    /// # Errors
    /// As [`Pages::try_next`].
    pub async fn try_next(&mut self) -> Result<Option<O::Item>> {
        self.0.try_next().await
    }

    /// All items.
    ///
    /// # Errors
    /// As [`Pages::try_next`]; the items before the error are lost, so take them one by one if they matter.
    pub async fn try_collect(self) -> Result<Vec<O::Item>> {
        self.0.try_collect().await
    }
}

impl<O: Paginated> Stream for Items<O> {
    type Item = Result<O::Item>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.get_mut().0).poll_next(cx)
    }
}

impl<O: Paginated> std::fmt::Debug for Items<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Items").field("operation", &O::INFO.id).finish_non_exhaustive()
    }
}
