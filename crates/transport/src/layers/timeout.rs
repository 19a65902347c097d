//! The inactivity timeout.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use databricks_core::{Body, ByteStream, Error, ErrorKind, Result};
use futures_core::Stream;
use tokio::time::{Instant, Sleep};

use super::{Exchange, HttpResult, Middleware, Next, tower_layer};

/// Large bodies are handed down in pieces of this size, so that their progress can be seen.
const PIECE: usize = 64 << 10;

/// Ends an attempt, or the reading of its response, after a time in which not a byte went either way.
///
/// The time in which a caller does not ask for the next piece of a streamed response does not count.
#[derive(Clone, Copy, Debug)]
pub struct InactivityLayer {
    limit: Duration,
}

impl Default for InactivityLayer {
    /// 60 seconds, as the official SDKs.
    fn default() -> Self {
        Self::new(Duration::from_secs(60))
    }
}

impl InactivityLayer {
    /// With this longest silence. More than a year counts as a year.
    pub fn new(limit: Duration) -> Self {
        // So that no sum with it overflows.
        Self { limit: limit.min(Duration::from_secs(366 * 24 * 3600)) }
    }
}

fn silent(limit: Duration) -> Error {
    Error::new(ErrorKind::Timeout, format!("no data was sent or received for {limit:?}, the inactivity timeout"))
        .with_hint("set a longer inactivity timeout if the server needs more time to respond")
}

impl Middleware for InactivityLayer {
    async fn handle<N: Next>(&self, exchange: &mut Exchange, next: &N) -> HttpResult {
        let limit = self.limit;
        exchange.idle_limit = Some(limit);
        let small = exchange.body().as_bytes().is_some_and(|bytes| bytes.len() <= PIECE) && !exchange.is_streaming();
        let response = if small {
            match tokio::time::timeout(limit, next.send(exchange)).await {
                Ok(response) => response?,
                Err(_) => return Err(silent(limit)),
            }
        } else {
            let progress = Progress::default();
            exchange.progress = Some(progress.clone());
            Box::pin(watch(next.send(exchange), &progress, limit)).await?
        };
        // The HTTP client watches its bodies itself.
        if exchange.watches_idle || response.body().as_bytes().is_some() {
            return Ok(response);
        }
        Ok(response
            .map(|body| Body::from_stream(body.content_length(), Box::pin(Received::new(body.into_stream(), limit)))))
    }
}

/// When a byte of a request was last seen to go out.
#[derive(Clone, Debug)]
pub(crate) struct Progress(Arc<Mutex<Instant>>);

impl Default for Progress {
    /// Now.
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Progress {
    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// Waits for the response while bytes of the request still go out.
async fn watch(sending: impl Future<Output = HttpResult> + Send, progress: &Progress, limit: Duration) -> HttpResult {
    let mut sending = std::pin::pin!(sending);
    loop {
        match tokio::time::timeout_at(progress.last() + limit, &mut sending).await {
            Ok(response) => return response,
            Err(_) if progress.last() + limit <= Instant::now() => return Err(silent(limit)),
            Err(_) => {}
        }
    }
}

/// The same body, which notes when a piece of it was taken.
pub(crate) fn noting(body: Body, progress: &Progress) -> Body {
    let length = body.content_length();
    let sent = Sent { body: body.into_stream(), rest: Bytes::new(), progress: progress.clone() };
    Body::from_stream(length, Box::pin(sent))
}

/// A request's body that notes when a piece was taken.
struct Sent {
    body: ByteStream,
    rest: Bytes,
    progress: Progress,
}

impl Stream for Sent {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        if self.rest.is_empty() {
            match std::task::ready!(self.body.as_mut().poll_next(cx)) {
                Some(Ok(bytes)) => self.rest = bytes,
                end => return Poll::Ready(end),
            }
        }
        self.progress.note();
        let piece = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(self.rest.split_to(piece))))
    }
}

/// A response's body that fails when it is silent for too long while the caller waits for it.
pub(crate) struct Received<S> {
    body: S,
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    over: bool,
}

impl<S> Received<S> {
    pub(crate) fn new(body: S, limit: Duration) -> Self {
        Self { body, limit, timer: None, over: false }
    }
}

impl<S: Stream<Item = Result<Bytes>> + Unpin> Stream for Received<S> {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        if self.over {
            return Poll::Ready(None);
        }
        if let Poll::Ready(item) = Pin::new(&mut self.body).poll_next(cx) {
            self.timer = None;
            self.over = !matches!(item, Some(Ok(_)));
            return Poll::Ready(item);
        }
        let limit = self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        std::task::ready!(timer.as_mut().poll(cx));
        self.over = true;
        Poll::Ready(Some(Err(silent(limit))))
    }
}

tower_layer!(InactivityLayer);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::{Script, get, post};
    use crate::read_body;
    use futures_util::StreamExt as _;
    use http::Response;
    use tower::{Layer as _, ServiceExt as _};

    /// A body of pieces that come this far apart.
    fn slow(pieces: usize, pause: Duration) -> Body {
        let pieces = futures_util::stream::iter(0..pieces).then(move |_| async move {
            tokio::time::sleep(pause).await;
            Ok(Bytes::from_static(b"x"))
        });
        Body::from_stream(Some(10), Box::pin(pieces))
    }

    /// The result of reading a response whose pieces come this far apart, with a limit of a minute.
    async fn receive(pause: Duration) -> Result<Bytes> {
        let (script, _) = Script::forever(move |_| Ok(Response::new(slow(10, pause))));
        let response = InactivityLayer::default().layer(script).oneshot(get()).await?;
        read_body(response.into_body(), 100).await
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_a_response_and_progress_does_not() {
        assert_eq!(receive(Duration::from_secs(59)).await.unwrap(), "xxxxxxxxxx");
        let start = Instant::now();
        let error = receive(Duration::from_secs(61)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert_eq!(start.elapsed(), Duration::from_secs(60));
        assert!(error.to_string().contains("60s"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn silence_before_a_response_ends_the_attempt() {
        for (delay, ok) in [(59, true), (61, false)] {
            let (script, _) = Script::forever(|_| Ok(Response::new(Body::empty())));
            let response =
                InactivityLayer::default().layer(script.delay(Duration::from_secs(delay))).oneshot(get()).await;
            assert_eq!(response.is_ok(), ok, "{delay}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_upload_that_progresses_is_not_silent() {
        for (pause, ok) in [(59, true), (61, false)] {
            let start = Instant::now();
            let (script, _) = Script::forever(|_| Ok(Response::new(Body::empty())));
            let response =
                InactivityLayer::default().layer(script).oneshot(post(slow(10, Duration::from_secs(pause)))).await;
            assert_eq!(response.is_ok(), ok, "{pause}");
            assert_eq!(start.elapsed(), Duration::from_secs(if ok { 590 } else { 60 }));
        }
    }
}
