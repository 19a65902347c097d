use super::*;
use crate::layers::testing::{Script, get, ok, post};
use databricks_core::Body;
use http::Response;
use http::header::CONTENT_TYPE;
use tower::{Layer as _, ServiceExt as _};

fn to(status: u16, location: &str) -> HttpResult {
    Ok(Response::builder().status(status).header(LOCATION, location).body(Body::empty()).unwrap())
}

#[tokio::test]
async fn methods_change_as_browsers_do() {
    for (status, method, body) in
        [(301, "GET", ""), (302, "GET", ""), (303, "GET", ""), (307, "POST", "x"), (308, "POST", "x")]
    {
        let (script, calls) = Script::new(vec![to(status, "/y"), ok()]);
        let mut request = post("x");
        request.headers_mut().insert(CONTENT_TYPE, "text/plain".parse().unwrap());
        let response = RedirectLayer::default().layer(script).oneshot(request).await.unwrap();
        let seen = calls.take().remove(1);
        assert_eq!((seen.method.as_str(), seen.body.as_slice()), (method, body.as_bytes()), "{status}");
        assert_eq!(seen.headers.contains_key(CONTENT_TYPE), !body.is_empty());
        assert_eq!(response.extensions().get::<FinalUri>().unwrap().0, "https://h.example/y");
    }
}

#[tokio::test]
async fn secrets_stay_at_home() {
    for (location, keeps) in
        [("https://h.example/y", true), ("https://other.example/y", false), ("https://h.example:8443/y", false)]
    {
        let mut request = get();
        for name in ["authorization", "cookie", "x-databricks-workspace-id", "x-api-key"] {
            request.headers_mut().insert(name, "s".parse().unwrap());
        }
        request.headers_mut().insert("accept", "text/csv".parse().unwrap());
        let (script, calls) = Script::new(vec![to(302, location), ok()]);
        RedirectLayer::default().layer(script).oneshot(request).await.unwrap();
        let seen = calls.take().remove(1);
        assert_eq!(seen.headers.len(), if keeps { 5 } else { 1 }, "{location}");
    }
}

#[tokio::test]
async fn some_redirects_are_errors() {
    let once = Body::from_stream(None, Body::from("x").into_stream());
    for (reply, request) in [
        (to(302, "http://h.example/y"), get()),
        (to(302, "ftp://h.example/y"), get()),
        (to(302, "https://h.exa mple/"), get()),
        (to(307, "/y"), post(once)),
    ] {
        let (script, _) = Script::new(vec![reply]);
        let error = RedirectLayer::default().layer(script).oneshot(request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Redirect);
    }
    let (script, calls) = Script::forever(|_| to(302, "/again"));
    assert_eq!(RedirectLayer::default().layer(script).oneshot(get()).await.unwrap_err().kind(), ErrorKind::Redirect);
    assert_eq!(calls.count(), 11);
}

#[tokio::test]
async fn a_one_pass_body_may_be_left_behind() {
    let once = Body::from_stream(None, Body::from("x").into_stream());
    let (script, calls) = Script::new(vec![to(303, "/y"), ok()]);
    RedirectLayer::default().layer(script).oneshot(post(once)).await.unwrap();
    assert_eq!(calls.take()[1].body, b"");
}

#[tokio::test]
async fn bytes_that_no_url_may_hold_are_escaped() {
    for (location, expected) in [
        (&b"/api/2.0/caf\xc3\xa9"[..], "https://h.example/api/2.0/caf%C3%A9"),
        (b"/a b?c=d e", "https://h.example/a%20b?c=d%20e"),
        (b"/caf%C3%A9", "https://h.example/caf%C3%A9"),
        (b"/a/{b}|\"c\"", "https://h.example/a/%7Bb%7D%7C%22c%22"),
        (b"caf\xe9", "https://h.example/api/2.0/caf%E9"),
        (b" /x ", "https://h.example/x"),
        (b"https://h.example/\xe6\x97\xa5", "https://h.example/%E6%97%A5"),
    ] {
        let value = http::HeaderValue::from_bytes(location).unwrap();
        let reply = Ok(Response::builder().status(302).header(LOCATION, value).body(Body::empty()).unwrap());
        let (script, _) = Script::new(vec![reply, ok()]);
        let response = RedirectLayer::default().layer(script).oneshot(get()).await.unwrap();
        assert_eq!(response.extensions().get::<FinalUri>().unwrap().0.to_string(), expected);
    }
    let value = http::HeaderValue::from_bytes(b"https://h\xc3\xa9.example/").unwrap();
    let reply = Ok(Response::builder().status(302).header(LOCATION, value).body(Body::empty()).unwrap());
    let (script, _) = Script::new(vec![reply]);
    assert_eq!(RedirectLayer::default().layer(script).oneshot(get()).await.unwrap_err().kind(), ErrorKind::Redirect);
}

#[test]
fn references_resolve_as_the_rfc_says() {
    let base: Uri = "https://h:1/a/b?q".parse().unwrap();
    for (reference, expected) in [
        ("https://x/y", "https://x/y"),
        ("//x/y", "https://x/y"),
        ("/c#f", "https://h:1/c"),
        ("c?d=https://z", "https://h:1/a/c?d=https://z"),
        ("?n", "https://h:1/a/b?n"),
        ("../c", "https://h:1/c"),
        ("./../../c?x", "https://h:1/c?x"),
    ] {
        assert_eq!(resolve(&base, reference).unwrap(), expected, "{reference}");
    }
    for bad in ["ftp://x", "http://", "https://a b"] {
        assert!(resolve(&base, bad).is_none(), "{bad}");
    }
}
