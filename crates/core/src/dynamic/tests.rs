use super::*;
use crate::operation::{OperationInfo, Payload, Scope};
use serde_json::json;

const INFO: &OperationInfo =
    &OperationInfo::new("things.do", http::Method::POST, "/api/2.0/{parent}/things/{id}", Scope::Workspace);
const DO: OperationSchema = OperationSchema::new(
    INFO,
    "Does a thing.",
    &[
        Input::required("parent", Kind::Text, &[Location::Segments]),
        Input::required("id", Kind::Integer, &[Location::Path, Location::Member]),
        Input::optional("filter", Kind::Object, &[Location::Query]),
        Input::optional("Range", Kind::Text, &[Location::Header("range")]),
        Input::optional("key", Kind::Text, &[Location::Member]),
        Input::optional("page_token", Kind::Text, &[Location::Member]),
    ],
)
.object()
.key("key")
.constants(&[("mode", "full")])
.paging(Paging::new("things", PageStyle::Token { request: "page_token", response: "next" }));

fn inputs(value: Value) -> Inputs {
    value.as_object().cloned().unwrap_or_default()
}

#[test]
fn the_length_of_a_body_is_a_number() {
    assert_eq!(header_member("content-length", "1234".to_owned()), 1234);
    assert_eq!(header_member("content-length", "x".to_owned()), "x");
    assert_eq!(header_member("etag", "1234".to_owned()), "1234");
}

#[test]
fn inputs_go_where_the_table_says() {
    let mut given = inputs(json!({"parent": "a/b", "id": "7", "filter": {"x": [1, 2]}, "Range": "bytes=0-1"}));
    DO.prepare(&mut given);
    given.insert("key".into(), "k".into());
    let parts = DO.request(&given, None, &RequestContext::default()).unwrap();
    assert_eq!(parts.path_and_query(), "/api/2.0/a/b/things/7?mode=full&filter.x=1&filter.x=2");
    assert_eq!(parts.headers["range"], "bytes=0-1");
    assert!(matches!(parts.payload, Payload::Json(text) if text == r#"{"id":7,"key":"k"}"#));
}

#[test]
fn masks_follow_from_what_is_set() {
    const UPDATE: OperationSchema = OperationSchema::new(
        INFO,
        "Updates a thing.",
        &[
            Input::required("parent", Kind::Text, &[Location::Path]),
            Input::required("id", Kind::Text, &[Location::Path]),
            Input::required("thing", Kind::Object, &[Location::Json]),
            Input::optional("update_mask", Kind::Text, &[Location::Mask]),
        ],
    )
    .masked("thing", "spec/ -id");
    let query = |given: Value| {
        let mut all = inputs(json!({"parent": "p", "id": "1"}));
        all.extend(inputs(given));
        UPDATE.request(&all, None, &RequestContext::default()).map(|parts| parts.query_string().to_owned())
    };
    assert_eq!(query(json!({"thing": {"id": "1", "spec": {"a": null}, "b": 2}})).unwrap(), "update_mask=b%2Cspec.a");
    assert_eq!(query(json!({"thing": {"b": 2}, "update_mask": "c"})).unwrap(), "update_mask=c");
    assert!(query(json!({"thing": {}})).unwrap_err().to_string().contains("nothing is set in thing"));
}

#[test]
fn wrong_inputs_are_named() {
    for (given, expected) in [
        (json!({"id": 1}), "parent is missing"),
        (json!({"parent": "a", "id": "seven"}), "id is not an integer"),
        (json!({"parent": "a", "id": 1, "name": "x"}), "there is no input name; things.do has the inputs parent, id,"),
    ] {
        let error = DO.request(&inputs(given), None, &RequestContext::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn pages_turn() {
    let page = DO.split(json!({"things": [1, 2], "next": "t"})).unwrap();
    assert_eq!(page, Page::new(vec![json!(1), json!(2)], Continuation::Token("t".into())));
    let mut given = inputs(json!({"parent": "a", "id": 1}));
    DO.advance(&mut given, &page.next, 2).unwrap();
    assert_eq!(given["page_token"], "t");
    assert_eq!(DO.split(json!({})).unwrap(), Page::new(vec![], Continuation::End));

    let turn = PageStyle::Token { request: "page_token", response: "next" };
    let alone = OperationSchema::new(INFO, "", &[]).paging(Paging::new("r", turn).clears(&["filter"]));
    let mut given = inputs(json!({"id": 1, "filter": "f"}));
    alone.advance(&mut given, &Continuation::Token("t".into()), 2).unwrap();
    assert_eq!(Value::Object(given), json!({"id": 1, "page_token": "t"}));

    let counted = OperationSchema::new(INFO, "", &[])
        .paging(Paging::new("r", PageStyle::Index("start")).start(&[("start", 1)], &[("count", 100)]));
    let mut given = inputs(json!({"count": 5}));
    counted.start(&mut given);
    counted.advance(&mut given, &Continuation::Count, 5).unwrap();
    assert_eq!(Value::Object(given), json!({"start": 6, "count": 5}));
}

#[test]
fn states_are_read_by_path() {
    let wait = Wait {
        poll: "things.get",
        bind: &[("id", Source::Response("id")), ("parent", Source::Request("parent"))],
        status: &["status", "state"],
        message: &["status", "message"],
        success: &["UP"],
        failure: &[],
        timeout_seconds: 1,
    };
    let next = wait.inputs(&inputs(json!({"parent": "p"})), &json!({"id": 7})).unwrap();
    assert_eq!(Value::Object(next), json!({"id": 7, "parent": "p"}));
    assert!(wait.inputs(&inputs(json!({"parent": "p"})), &json!({})).is_err());
    assert_eq!(
        wait.state(&json!({"status": {"state": "UP", "message": "m"}})),
        WaitStatus::new("UP", Some("m".into()))
    );
    let lro = Lro { poll: ("things.op", "name"), cancel: None, name: "name", result: false };
    assert!(matches!(lro.state(&json!({"done": true})).unwrap(), LroState::Done(Value::Null)));
}
