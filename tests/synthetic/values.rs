//! Values of every type, there and back.

use databricks_tests::Log;
use httpmock::Method::POST;
use httpmock::MockServer;
use serde_json::json;

use crate::client;
use crate::models::shapes::{Everything, Kind, Tree, shapes};

#[tokio::test]
async fn every_type_there_and_back() {
    let server = MockServer::start_async().await;
    let sent = json!({
        "any": [1, {"x": null}], "bool": false, "default": "d", "double": 0.5, "duration": "3.500s", "int32": 5_000_000_000_i64,
        "int64": 9_007_199_254_740_993_i64, "ints": [1, 2], "map": {"a": {"kind": "CIRCLE"}}, "mask": "a,b.c", "matrix": [["x"], []],
        "object": {"k": 1}, "objects": [{"k": 1}], "old": "o", "root": {"label": "r", "children": [{"label": "c"}], "parent": {"label": "p"}},
        "sizeX": 3, "stamp": "2024-05-01T12:00:00Z", "type": "t", "unknown": "UNKNOWN"
    });
    let mock = {
        let sent = sent.clone();
        server.mock(move |when, then| {
            let mut response = sent.clone();
            // A newer or sloppier server: numbers as text, an unknown value, an unknown member, null.
            response["int64"] = json!("9007199254740993");
            response["ints"] = json!(["1", 2]);
            response["unknown"] = json!("HEPTAGON");
            response["added"] = json!({"later": 1});
            response["old"] = json!(null);
            when.method(POST).path("/api/2.0/shapes/echo").json_body(sent);
            then.status(200).json_body(response);
        })
    };
    let value: Everything = serde_json::from_value(sent.clone()).unwrap();
    assert_eq!(value.unknown, Some(Kind::Unknown_));
    assert_eq!(serde_json::to_value(&value).unwrap(), sent);
    let response = client(&server).call(shapes::Echo::new(value.clone())).await.unwrap();
    assert_eq!(response.int64, Some(9_007_199_254_740_993));
    assert_eq!(response.ints, value.ints);
    assert_eq!(response.unknown.as_ref().map(Kind::as_str), Some("HEPTAGON"));
    #[allow(deprecated)]
    {
        assert_eq!(response.old, None);
    }
    let root: Tree = *response.root.map(Box::new).unwrap();
    assert_eq!(root.parent.unwrap().label, "p");
    mock.assert_async().await;
}

#[tokio::test]
async fn a_value_of_another_type_costs_its_member_and_is_named_in_the_log() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.method(POST).path("/api/2.0/shapes/echo");
        then.status(200).json_body(json!({"map": {"a": {"kind": "CIRCLE", "shape_id": "seven"}}}));
    });
    let log = Log::default();
    let guard = log.catch();
    let response = client(&server).call(shapes::Echo::new(Everything::new())).await.unwrap();
    drop(guard);
    let map = response.map.unwrap();
    assert_eq!((map["a"].kind.as_str(), map["a"].shape_id), ("CIRCLE", None));
    let log = log.text();
    assert!(log.contains("shape_id") && !log.contains("seven"), "{log}");
}

#[tokio::test]
async fn missing_members_never_fail_a_response() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.method(POST).path("/api/2.0/shapes/echo");
        then.status(200).json_body(json!({"map": {"a": {}}, "root": {}}));
    });
    let response = client(&server).call(shapes::Echo::new(Everything::new())).await.unwrap();
    assert_eq!(response.map.unwrap()["a"].kind.as_str(), "");
    assert_eq!(response.root.unwrap().label, "");
}
