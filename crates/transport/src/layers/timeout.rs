//! The inactivity timeout.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use databricks_core::{Body, ByteStream, Error, ErrorKind, Result};
use futures_core::Stream;
use http::Request;
use tokio::time::{Instant, Sleep};

use super::{HttpResult, Middleware, Next, tower_layer};

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
    async fn handle<N: Next>(&self, request: Request<Body>, next: &N) -> HttpResult {
        let limit = self.limit;
        let last = Arc::new(Mutex::new(Instant::now()));
        let request = request.map(|body| {
            if body.len().is_some_and(|length| length <= PIECE as u64) && body.as_bytes().is_some() {
                return body;
            }
            Body::from_stream(
                body.len(),
                Box::pin(Sent { body: body.into_stream(), rest: Bytes::new(), last: Arc::clone(&last) }),
            )
        });
        let sending = next.send(request);
        let response = watch(sending, &last, limit).await?;
        Ok(response.map(|body| {
            if body.as_bytes().is_some() {
                return body;
            }
            Body::from_stream(
                body.len(),
                Box::pin(Received { body: body.into_stream(), limit, timer: None, over: false }),
            )
        }))
    }
}

/// Waits for the response while bytes of the request still go out.
async fn watch(sending: impl Future<Output = HttpResult> + Send, last: &Mutex<Instant>, limit: Duration) -> HttpResult {
    let mut sending = std::pin::pin!(sending);
    loop {
        let until = *last.lock().unwrap_or_else(std::sync::PoisonError::into_inner) + limit;
        match tokio::time::timeout_at(until, &mut sending).await {
            Ok(response) => return response,
            Err(_) if *last.lock().unwrap_or_else(std::sync::PoisonError::into_inner) + limit <= Instant::now() => {
                return Err(silent(limit));
            }
            Err(_) => {}
        }
    }
}

/// A request's body that notes when a piece was taken.
struct Sent {
    body: ByteStream,
    rest: Bytes,
    last: Arc<Mutex<Instant>>,
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
        *self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Instant::now();
        let piece = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(self.rest.split_to(piece))))
    }
}

/// A response's body that fails when it is silent for too long while the caller waits for it.
struct Received {
    body: ByteStream,
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    over: bool,
}

impl Stream for Received {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        if self.over {
            return Poll::Ready(None);
        }
        if let Poll::Ready(item) = self.body.as_mut().poll_next(cx) {
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
