use std::time::Duration;

use super::*;
use crate::CallOptions;
use crate::layers::testing::{Script, get, ok, post, refused, refused_for};
use crate::layers::{DeadlineLayer, ResponseLayer};
use crate::{Backoff, RetryBudget};
use databricks_core::Body;
use databricks_core::ErrorKind;
use http::Request;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::Instant;
use tower::{Layer as _, Service, ServiceExt as _};

fn lost() -> HttpResult {
    Err(Error::new(ErrorKind::ConnectionLost, "reset"))
}

async fn run(policy: RetryPolicy, replies: Vec<HttpResult>, request: Request<Body>) -> (HttpResult, usize, Duration) {
    let (script, calls) = Script::new(replies);
    let start = Instant::now();
    let response = RetryLayer::new(policy, SharedClock::default()).layer(script).oneshot(request).await;
    (response, calls.count(), start.elapsed())
}

fn with(mut request: Request<Body>, options: CallOptions) -> Request<Body> {
    request.extensions_mut().insert(options);
    request
}

#[tokio::test(start_paused = true)]
async fn waits_as_the_official_sdks_and_tells_how_it_went() {
    let (response, calls, took) = run(RetryPolicy::default(), vec![refused(503), refused(429), ok()], get()).await;
    assert_eq!(calls, 3);
    assert!((3.1..=4.6).contains(&took.as_secs_f64()), "{took:?}");
    let response = response.unwrap();
    let info = response.extensions().get::<CallInfo>().unwrap();
    assert_eq!(info.attempts, 3);
    assert!(info.elapsed >= Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn retry_after_counts_with_up_to_a_tenth_more() {
    let (response, _, took) = run(RetryPolicy::default(), vec![refused_for(429, "20"), ok()], get()).await;
    response.unwrap();
    assert!((20.0..=22.01).contains(&took.as_secs_f64()), "{took:?}");
    let policy = RetryPolicy::default().honor_retry_after(false).backoff(Backoff::fixed(Duration::from_secs(1)));
    let (_, _, took) = run(policy, vec![refused_for(429, "20"), ok()], get()).await;
    assert_eq!(took, Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_budget_of_300_and_waits_of_100_make_three_attempts_and_no_useless_sleep() {
    let replies = (0..3).map(|_| refused_for(503, "100")).collect();
    let (response, calls, took) = run(RetryPolicy::default(), replies, get()).await;
    let error = response.unwrap_err();
    assert_eq!(calls, 3);
    assert!(took < Duration::from_secs(225), "{took:?}");
    assert!(error.retries_exhausted());
    assert_eq!(error.attempts(), 3);
    assert!(error.is_temporarily_unavailable());
    assert!(error.to_string().contains("3 attempts"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn no_budget_means_no_end_and_zero_means_one_attempt() {
    let replies = (0..200).map(|_| refused(503)).chain([ok()]).collect();
    let (response, calls, _) = run(RetryPolicy::default().budget(None), replies, get()).await;
    response.unwrap();
    assert_eq!(calls, 201);
    let (response, calls, took) = run(RetryPolicy::default().budget(Duration::ZERO), vec![refused(503)], get()).await;
    assert!(response.unwrap_err().retries_exhausted());
    assert_eq!((calls, took), (1, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn options_of_the_call_win() {
    let request = with(get(), CallOptions::new().max_attempts(2));
    let (response, calls, _) = run(RetryPolicy::default(), vec![refused(503), refused(503)], request).await;
    assert!(response.unwrap_err().retries_exhausted());
    assert_eq!(calls, 2);
    let request = with(get(), CallOptions::new().retry(RetryPolicy::none()));
    let (response, calls, _) = run(RetryPolicy::default(), vec![refused(503)], request).await;
    assert!(!response.unwrap_err().retries_exhausted());
    assert_eq!(calls, 1);
    let request = with(get(), CallOptions::new().retry(RetryPolicy::fixed(2, Duration::from_secs(9))));
    let (response, calls, took) = run(RetryPolicy::default(), vec![refused(500), lost(), ok()], request).await;
    response.unwrap();
    assert_eq!((calls, took), (3, Duration::from_secs(18)));
    let request = with(get(), CallOptions::new().retry_budget(Duration::from_secs(1)));
    let (_, calls, _) = run(RetryPolicy::default(), vec![refused(503)], request).await;
    assert_eq!(calls, 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_post_is_not_sent_again_and_says_that_it_may_have_run() {
    let (response, calls, _) = run(RetryPolicy::default(), vec![lost()], post("{}")).await;
    let error = response.unwrap_err();
    assert_eq!(calls, 1);
    assert!(error.maybe_executed());
    assert!(error.to_string().contains("may have carried out"), "{error}");

    let request = with(post("{}"), CallOptions::new().idempotent(true));
    let (response, calls, _) = run(RetryPolicy::default(), vec![lost(), refused(504), ok()], request).await;
    response.unwrap();
    assert_eq!(calls, 3);

    // What happened in an earlier attempt is not forgotten.
    let request = with(post("{}"), CallOptions::new().idempotent(true));
    let (response, ..) = run(RetryPolicy::default(), vec![lost(), refused(409)], request).await;
    assert!(response.unwrap_err().maybe_executed());
    let (response, ..) = run(RetryPolicy::default(), vec![lost(), refused(404)], get()).await;
    assert!(!response.unwrap_err().maybe_executed());
}

#[tokio::test(start_paused = true)]
async fn bodies_are_replayed_or_the_first_error_stays() {
    let factory = Body::from_factory(Some(3), || Body::from("abc").into_stream());
    for body in [Body::from("abc"), factory] {
        let (script, calls) = Script::new(vec![refused(503), ok()]);
        RetryLayer::default().layer(script).oneshot(post(body)).await.unwrap();
        assert!(calls.take().iter().all(|seen| seen.body == b"abc"));
    }
    let once = Body::from_stream(Some(3), Body::from("abc").into_stream());
    let (response, calls, took) = run(RetryPolicy::default(), vec![refused(503)], post(once)).await;
    let error = response.unwrap_err();
    assert!(error.is_temporarily_unavailable());
    assert!(error.hint().unwrap().contains("read once"));
    assert_eq!((calls, took), (1, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_covers_waits_and_attempts() {
    let stack = |script: Script| DeadlineLayer::default().layer(RetryLayer::default().layer(script));
    // A wait that would pass it is not begun: the last error comes out.
    let (script, calls) = Script::forever(|_| refused_for(503, "8"));
    let start = Instant::now();
    let error =
        stack(script).oneshot(with(get(), CallOptions::new().timeout(Duration::from_secs(10)))).await.unwrap_err();
    assert!(error.is_temporarily_unavailable() && error.retries_exhausted());
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(calls.count(), 2);
    // An attempt that passes it is cut off.
    let (script, _) = Script::forever(|_| ok());
    let start = Instant::now();
    let mut service = stack(script.delay(Duration::from_secs(60)));
    let error = service.call(with(get(), CallOptions::new().timeout(Duration::from_secs(10)))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert_eq!(start.elapsed(), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_shared_bucket_limits_retries() {
    let bucket = RetryBudget::new(10, 2);
    let layer = RetryLayer::new(RetryPolicy::default().retry_budget(bucket), SharedClock::default());
    let (script, calls) = Script::forever(|_| refused(503));
    let error = layer.layer(script).oneshot(get()).await.unwrap_err();
    assert_eq!(calls.count(), 3);
    assert!(error.retries_exhausted());
    let (script, calls) = Script::forever(|_| refused(503));
    layer.layer(script).oneshot(get()).await.unwrap_err();
    assert_eq!(calls.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_response_that_breaks_off_is_a_failed_attempt() {
    let broken = || {
        let pieces = [Ok("{\"a\":".into()), Err(Error::new(ErrorKind::ConnectionLost, "cut"))];
        Ok(http::Response::new(Body::from_stream(Some(20), Box::pin(futures_util::stream::iter(pieces)))))
    };
    let (script, calls) = Script::new(vec![broken(), ok()]);
    RetryLayer::default().layer(ResponseLayer::default().layer(script)).oneshot(get()).await.unwrap();
    assert_eq!(calls.count(), 2);
    // A stream's reader gets the error instead.
    let (script, calls) = Script::new(vec![broken()]);
    let request = with(get(), CallOptions::new().stream_response(true));
    let response = RetryLayer::default().layer(ResponseLayer::default().layer(script)).oneshot(request).await.unwrap();
    assert_eq!(crate::read_body(response.into_body(), 100).await.unwrap_err().kind(), ErrorKind::ConnectionLost);
    assert_eq!(calls.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_call_stops_at_once() {
    let (script, calls) = Script::forever(|_| refused(503));
    let call = RetryLayer::default().layer(script).oneshot(get());
    assert!(tokio::time::timeout(Duration::from_millis(500), call).await.is_err());
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(calls.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn absurd_durations_are_no_reason_to_panic() {
    let (response, calls, _) = run(RetryPolicy::default(), vec![refused_for(503, "18446744073709551615")], get()).await;
    assert!(response.unwrap_err().retries_exhausted());
    assert_eq!(calls, 1);
    let policy = RetryPolicy::default().budget(Duration::MAX).backoff(Backoff::fixed(Duration::MAX));
    let (response, ..) = run(policy, vec![refused(503)], get()).await;
    assert!(response.unwrap_err().retries_exhausted());
    let (script, _) = Script::forever(|_| ok());
    let service = DeadlineLayer::default()
        .layer(RetryLayer::default().layer(crate::layers::InactivityLayer::new(Duration::MAX).layer(script)));
    service.oneshot(with(get(), CallOptions::new().timeout(Duration::MAX))).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_service_that_says_at_once_again_and_again_is_asked_less_and_less() {
    let replies = (0..8).map(|_| refused_for(429, "0")).chain([ok()]).collect();
    let (response, calls, took) = run(RetryPolicy::default(), replies, get()).await;
    response.unwrap();
    assert_eq!(calls, 9);
    // A quick first retry, then 2 to 8 seconds.
    assert!((35.0..=42.0).contains(&took.as_secs_f64()), "{took:?}");
    // The first retry is quick, but not at once.
    let (_, _, took) = run(RetryPolicy::default(), vec![refused_for(429, "0"), ok()], get()).await;
    assert!((100..1000).contains(&took.as_millis()), "{took:?}");
    // A hint longer than the policy's own wait counts.
    let (_, _, took) = run(RetryPolicy::default(), vec![refused(503), refused_for(429, "30"), ok()], get()).await;
    assert!((31.0..=35.0).contains(&took.as_secs_f64()), "{took:?}");
    // Who asks for no pause gets none.
    let policy = RetryPolicy::default().backoff(Backoff::fixed(Duration::ZERO));
    let (_, _, took) = run(policy, vec![refused_for(429, "0"), refused_for(429, "0"), ok()], get()).await;
    assert_eq!(took, Duration::ZERO);
}

/// Fails `count` requests without reading them, then takes one.
#[derive(Clone)]
struct Unreached {
    left: Arc<std::sync::atomic::AtomicUsize>,
    then: Script,
}

impl Service<Request<Body>> for Unreached {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = HttpResult> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        use std::sync::atomic::Ordering;
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
            return Box::pin(async { Err(Error::new(ErrorKind::Connect, "refused")) });
        }
        Box::pin(self.then.call(request))
    }
}

#[tokio::test(start_paused = true)]
async fn a_one_pass_body_that_was_not_read_is_sent() {
    let (then, calls) = Script::new(vec![ok()]);
    let service = RetryLayer::default().layer(Unreached { left: Arc::new(3.into()), then });
    let mut request = post(Body::from_stream(Some(3), Body::from("abc").into_stream()));
    request.headers_mut().insert("x-a", "b".parse().unwrap());
    service.oneshot(request).await.unwrap();
    let seen = calls.take().remove(0);
    assert_eq!((seen.method.as_str(), seen.body.as_slice()), ("POST", &b"abc"[..]));
    assert_eq!(seen.headers["x-a"], "b");
}

#[tokio::test(start_paused = true)]
async fn what_must_not_run_twice_does_not_under_any_policy() {
    let once = || with(post("grant"), CallOptions::new().idempotent(false));
    let wide = RetryPolicy::default().on_all_errors().max_attempts(5);
    for replies in
        [vec![lost()], vec![Err(Error::new(ErrorKind::Timeout, "slow"))], vec![refused(500)], vec![refused(502)]]
    {
        let (response, calls, _) = run(wide.clone(), replies, once()).await;
        assert!(response.unwrap_err().maybe_executed());
        assert_eq!(calls, 1);
    }
    // What certainly did not run may be sent again.
    let unsent = || Err(Error::new(ErrorKind::Connect, "refused"));
    for policy in [wide, RetryPolicy::default()] {
        let (response, calls, _) = run(policy, vec![unsent(), refused(503), ok()], once()).await;
        response.unwrap();
        assert_eq!(calls, 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_that_was_lost_may_have_run() {
    let cut = || {
        let pieces = [Ok("{\"a\":".into()), Err(Error::new(ErrorKind::ConnectionLost, "cut"))];
        Ok(http::Response::new(Body::from_stream(Some(20), Box::pin(futures_util::stream::iter(pieces)))))
    };
    let long = || Ok(http::Response::new(Body::from_stream(Some(1 << 40), Body::empty().into_stream())));
    let html = || Ok(http::Response::builder().header("content-type", "text/html").body(Body::from("<html>")).unwrap());
    for reply in [cut(), long(), html()] {
        let (script, calls) = Script::new(vec![reply]);
        let service = RetryLayer::default().layer(ResponseLayer::default().layer(script));
        let mut request = post("{}");
        request.headers_mut().insert("accept", "application/json".parse().unwrap());
        let error = service.oneshot(request).await.unwrap_err();
        assert!(error.maybe_executed(), "{error}");
        assert_eq!((error.status().map(|status| status.as_u16()), calls.count()), (Some(200), 1), "{error}");
    }
    // Nothing of it for a request that changes nothing.
    let (script, _) = Script::new(vec![long()]);
    let error = RetryLayer::default().layer(ResponseLayer::default().layer(script)).oneshot(get()).await.unwrap_err();
    assert!(!error.maybe_executed());
}
