use super::*;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::ErrorKind;
use proptest::prelude::*;
use serde_json::json;

const GET: &OperationInfo =
    &OperationInfo::new("things.get", Method::GET, "/api/2.0/things/{name}/x/{id}", Scope::Workspace);
const FILE: &OperationInfo = &OperationInfo::new("files.get", Method::GET, "/api/2.0/fs/files{path}", Scope::Workspace);
const ACCOUNT: &OperationInfo =
    &OperationInfo::new("a.get", Method::GET, "/api/2.0/accounts/{account_id}/x", Scope::Account);

fn parts(info: &'static OperationInfo) -> RequestParts {
    RequestParts::new(info, &RequestContext::default()).unwrap()
}

#[test]
fn path_parameters_stay_in_their_segment() {
    let parts = parts(GET).path_param("name", "a/b {id}%2F?#ä").unwrap().path_param("id", &7).unwrap();
    assert_eq!(parts.path(), "/api/2.0/things/a%2Fb%20%7Bid%7D%252F%3F%23%C3%A4/x/7");
}

#[test]
fn empty_and_dot_segments_are_refused() {
    for bad in ["", ".", "..", "a/../b"] {
        assert_eq!(parts(GET).path_param("name", bad).unwrap_err().kind(), ErrorKind::InvalidInput, "{bad}");
        assert_eq!(parts(FILE).multi_segment_param("path", bad).unwrap_err().kind(), ErrorKind::InvalidInput, "{bad}");
    }
}

#[test]
fn multi_segment_parameters_keep_slashes() {
    assert_eq!(
        parts(FILE).multi_segment_param("path", "/Volumes/a b/c").unwrap().path(),
        "/api/2.0/fs/files/Volumes/a%20b/c"
    );
}

#[test]
fn queries_flatten_and_repeat() {
    let value = json!({"states": ["A", "B"], "deep": {"on": true, "n": 9_007_199_254_740_993_i64}, "none": null});
    let parts =
        parts(GET).query("filter_by", &value).unwrap().query("empty", &json!([])).unwrap().query("text", "").unwrap();
    assert_eq!(
        parts.query_string(),
        "filter_by.deep.n=9007199254740993&filter_by.deep.on=true&filter_by.states=A&filter_by.states=B&text="
    );
}

#[test]
fn the_account_id_comes_from_the_configuration() {
    assert_eq!(RequestParts::new(ACCOUNT, &RequestContext::default()).unwrap_err().kind(), ErrorKind::Config);
    let context = RequestContext::new(Some("abc".into()), Some("7".into()));
    let parts = RequestParts::new(ACCOUNT, &context).unwrap();
    assert_eq!(parts.path(), "/api/2.0/accounts/abc/x");
    assert!(!parts.headers.contains_key(WORKSPACE_ID_HEADER));
    assert_eq!(RequestParts::new(GET, &context).unwrap().headers[WORKSPACE_ID_HEADER], "7");
}

#[test]
fn bodies_hold_what_is_set() {
    let parts = parts(GET)
        .json_object(|body| {
            body.member("a", &1)?;
            body.optional("b", &None::<String>)?;
            body.optional("c", &Some(false))
        })
        .unwrap();
    assert!(matches!(parts.payload, Payload::Json(text) if text == r#"{"a":1,"c":false}"#));
}

#[test]
fn debug_shows_no_content() {
    let parts = parts(GET)
        .query("client_secret", "hunter2")
        .and_then(|parts| parts.header(http::header::AUTHORIZATION, Some("hunter2")))
        .and_then(|parts| parts.json_object(|body| body.member("a", "hunter2")))
        .unwrap();
    let text = format!("{parts:?}");
    assert!(!text.contains("hunter2") && text.contains("15 bytes of JSON"), "{text}");
}

#[test]
fn a_success_that_cannot_be_read_may_have_been_carried_out() {
    const CREATE: &OperationInfo =
        &OperationInfo::new("things.create", Method::POST, "/api/2.0/things", Scope::Workspace);
    let read = |info: &'static OperationInfo| {
        let headers =
            HeaderMap::from_iter([(HeaderName::from_static("x-request-id"), HeaderValue::from_static("r-1"))]);
        let content = Content::Bytes(Bytes::from_static(b"[\"dapi0123456789abcdef\"]"));
        let map: Result<std::collections::BTreeMap<String, String>> =
            ResponseParts::new(info, StatusCode::OK, headers, content).json();
        map.unwrap_err()
    };
    let error = read(CREATE);
    assert!(error.maybe_executed());
    assert_eq!(
        error.to_string(),
        "things.create: cannot decode the response of 24 bytes: expected an object, found a list at line 1 column 24 \
         (POST /api/2.0/things, status 200, request id r-1); the service may have carried out the request"
    );
    assert!(!read(GET).maybe_executed());
}

proptest! {
    #[test]
    fn no_value_escapes_its_segment(value in "\\PC+") {
        if let Ok(parts) = parts(GET).path_param("name", &value).and_then(|p| p.path_param("id", &1)) {
            prop_assert_eq!(parts.path().split('/').count(), 7);
            prop_assert!(parts.path().parse::<http::Uri>().is_ok());
            let segment = parts.path().split('/').nth(4).unwrap();
            prop_assert_eq!(percent_encoding::percent_decode_str(segment).decode_utf8().unwrap(), value.as_str());
        }
    }
}
