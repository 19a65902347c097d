//! What all streams share.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use databricks_core::Result;
use futures_core::Stream;

/// The next item of a stream of results.
pub(crate) async fn try_next<T>(stream: &mut (impl Stream<Item = Result<T>> + Unpin)) -> Result<Option<T>> {
    std::future::poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await.transpose()
}

/// All items of a stream of results.
pub(crate) async fn try_collect<T>(mut stream: impl Stream<Item = Result<T>> + Unpin) -> Result<Vec<T>> {
    let mut all = Vec::new();
    while let Some(item) = try_next(&mut stream).await? {
        all.push(item);
    }
    Ok(all)
}

/// A stream of results that is put together from several requests.
///
/// Use [`try_next`](Self::try_next), [`try_collect`](Self::try_collect) or the combinators of `futures_util`. Nothing
/// is sent before the first item is asked for.
#[must_use = "a stream does nothing until it is polled"]
pub struct ResultStream<T> {
    inner: Pin<Box<dyn Stream<Item = Result<T>> + Send>>,
}

impl<T> ResultStream<T> {
    #[allow(dead_code)] // Without any package there are no such streams.
    pub(crate) fn new(stream: impl Stream<Item = Result<T>> + Send + 'static) -> Self {
        Self { inner: Box::pin(stream) }
    }

    /// The next item, or `None` after the last; the same as `TryStreamExt::try_next` of `futures_util`.
    ///
    /// # Errors
    /// When a request for it fails.
    pub async fn try_next(&mut self) -> Result<Option<T>> {
        try_next(self).await
    }

    /// All items.
    ///
    /// # Errors
    /// As [`try_next`](Self::try_next); the items before the error are lost, so take them one by one if they matter.
    pub async fn try_collect(self) -> Result<Vec<T>> {
        try_collect(self).await
    }
}

impl<T> Stream for ResultStream<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inner.as_mut().poll_next(cx)
    }
}

impl<T> fmt::Debug for ResultStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResultStream").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use databricks_core::Paginated;

    use super::*;

    fn is_a_stream<T, S: Stream<Item = Result<T>> + Send + Unpin>() {}

    /// Whatever the operation is: its inputs and items need not be `Unpin`.
    #[allow(dead_code)]
    fn lists_of<O: Paginated>() {
        is_a_stream::<_, crate::Items<O>>();
        is_a_stream::<_, crate::Pages<O>>();
    }

    #[allow(dead_code)]
    fn results_of<T: serde::de::DeserializeOwned>() {
        is_a_stream::<T, ResultStream<T>>();
        is_a_stream::<T, crate::Updates<'static, T>>();
        #[cfg(feature = "sql")]
        {
            is_a_stream::<T, crate::sql::Rows<T>>();
            is_a_stream::<_, crate::sql::RowStream>();
            is_a_stream::<_, crate::sql::ChunkStream>();
        }
    }
}
