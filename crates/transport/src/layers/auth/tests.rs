use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::CallOptions;
use crate::layers::testing::{Script, get, ok, post, refused};
use databricks_core::{AuthHeaders, Body, Credentials, Secret};
use http::header::AUTHORIZATION;
use tower::{Layer as _, ServiceExt as _};

/// Hands out `t-1`, `t-2`, …, a new one after each refusal.
#[derive(Debug, Default)]
struct Tokens {
    generation: AtomicU64,
    asked: Arc<AtomicU64>,
    refreshable: bool,
    origin: Option<Origin>,
}

impl Credentials for Tokens {
    fn auth_type(&self) -> &str {
        "test"
    }
    async fn headers(&self) -> Result<AuthHeaders> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let generation = self.generation.load(Ordering::Relaxed);
        let mut set = AuthHeaders::bearer(&Secret::new(format!("t-{generation}")))?.generation(generation);
        set.origin = self.origin.clone();
        Ok(set)
    }
    fn invalidate(&self, generation: u64) -> bool {
        let _ = self.generation.compare_exchange(generation, generation + 1, Ordering::Relaxed, Ordering::Relaxed);
        self.refreshable
    }
}

fn layer(tokens: Tokens, origin: Option<&str>) -> AuthLayer {
    AuthLayer::new(Some(SharedCredentials::new(tokens)), origin.map(|url| Origin::of(&url.parse().unwrap()).unwrap()))
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let (script, calls) = Script::new(vec![refused(401), ok()]);
    layer(Tokens { refreshable: true, ..Tokens::default() }, None).layer(script).oneshot(post("x")).await.unwrap();
    let seen = calls.take();
    assert_eq!(seen[0].headers[AUTHORIZATION], "Bearer t-0");
    assert_eq!(seen[1].headers[AUTHORIZATION], "Bearer t-1");
    assert!(seen.iter().all(|seen| seen.body == b"x" && seen.headers[AUTHORIZATION].is_sensitive()));

    let (script, calls) = Script::new(vec![refused(401), refused(401)]);
    let error =
        layer(Tokens { refreshable: true, ..Tokens::default() }, None).layer(script).oneshot(get()).await.unwrap_err();
    assert!(error.is_unauthenticated());
    assert_eq!(calls.count(), 2);
    assert!(error.to_string().contains("host=https://h.example, auth_type=test"), "{error}");
}

#[tokio::test]
async fn what_cannot_help_is_not_tried() {
    let (script, calls) = Script::new(vec![refused(401)]);
    layer(Tokens::default(), None).layer(script).oneshot(get()).await.unwrap_err();
    assert_eq!(calls.count(), 1);

    let once = Body::from_stream(None, Body::from("x").into_stream());
    let (script, calls) = Script::new(vec![refused(401)]);
    layer(Tokens { refreshable: true, ..Tokens::default() }, None).layer(script).oneshot(post(once)).await.unwrap_err();
    assert_eq!(calls.count(), 1);
}

#[tokio::test]
async fn headers_stay_with_their_origin() {
    let elsewhere = Origin::of(&"https://other.example".parse().unwrap());
    for tokens in [Tokens { origin: elsewhere, ..Tokens::default() }, Tokens::default()] {
        let bound = tokens.origin.is_some();
        let asked = Arc::clone(&tokens.asked);
        let layer = layer(tokens, Some(if bound { "https://h.example" } else { "https://other.example" }));
        let (script, calls) = Script::new(vec![ok()]);
        layer.layer(script).oneshot(get()).await.unwrap();
        assert!(!calls.take()[0].headers.contains_key(AUTHORIZATION));
        assert_eq!(asked.load(Ordering::Relaxed), u64::from(bound), "no token is fetched for a foreign host");

        let mut request = get();
        request.extensions_mut().insert(CallOptions::new().foreign_credentials(true));
        let (script, calls) = Script::new(vec![ok()]);
        layer.layer(script).oneshot(request).await.unwrap();
        assert!(calls.take()[0].headers.contains_key(AUTHORIZATION));
    }
}

#[tokio::test]
async fn an_own_header_is_sent_in_place_of_the_credentials() {
    for credentials in
        [layer(Tokens::default(), None), layer(Tokens::default(), Some("https://h.example")), AuthLayer::default()]
    {
        let mut request = get();
        request.headers_mut().insert(AUTHORIZATION, "Basic x".parse().unwrap());
        let (script, calls) = Script::new(vec![ok()]);
        credentials.layer(script).oneshot(request).await.unwrap();
        assert_eq!(calls.take()[0].headers[AUTHORIZATION], "Basic x");
    }
    // Refused, it is not replaced, and the error states which was refused.
    let mut request = get();
    request.headers_mut().insert(AUTHORIZATION, "Basic x".parse().unwrap());
    let (script, calls) = Script::new(vec![refused(401)]);
    let tokens = Tokens { refreshable: true, ..Tokens::default() };
    let error = layer(tokens, None).layer(script).oneshot(request).await.unwrap_err();
    assert!(error.to_string().contains("header Authorization of its own"), "{error}");
    assert_eq!(calls.count(), 1);
}

#[tokio::test]
async fn an_own_header_stays_with_its_url() {
    for (location, kept) in [("https://h.example/y", true), ("https://other.example/y", false)] {
        let moved = Ok(http::Response::builder().status(302).header("location", location).body(Body::empty()).unwrap());
        let (script, calls) = Script::new(vec![moved, ok()]);
        let service = layer(Tokens::default(), None).layer(crate::layers::RedirectLayer::default().layer(script));
        let mut request = get();
        request.headers_mut().insert(AUTHORIZATION, "Basic x".parse().unwrap());
        service.oneshot(request).await.unwrap();
        assert_eq!(calls.take()[1].headers.contains_key(AUTHORIZATION), kept, "{location}");
    }
}

#[tokio::test]
async fn an_anonymous_call_asks_for_no_token() {
    let tokens = Tokens::default();
    let asked = Arc::clone(&tokens.asked);
    let mut request = get();
    request.extensions_mut().insert(CallOptions::new().anonymous(true));
    let (script, calls) = Script::new(vec![ok()]);
    layer(tokens, None).layer(script).oneshot(request).await.unwrap();
    assert!(!calls.take()[0].headers.contains_key(AUTHORIZATION));
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_call_may_bring_its_own_credentials() {
    let mut request = get();
    let own = SharedCredentials::new(Tokens { generation: AtomicU64::new(7), ..Tokens::default() });
    request.extensions_mut().insert(CallOptions::new().credentials(own));
    let (script, calls) = Script::new(vec![ok()]);
    layer(Tokens::default(), None).layer(script).oneshot(request).await.unwrap();
    assert_eq!(calls.take()[0].headers[AUTHORIZATION], "Bearer t-7");
}
