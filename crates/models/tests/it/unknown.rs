//! Nulls, and what this release does not know.

use databricks_core::model::from_json;
use databricks_core::operation::Payload;
use databricks_core::{FieldMask, Nullable, Operation, RequestContext};
use databricks_models::{postgres, sql, vectorsearch};
use serde_json::{Value, json};

#[test]
fn rows_keep_their_null_cells() {
    let rows = json!([["a", null, "3"], [null, null, null]]);
    let json = json!({"row_count": 2, "data_array": rows}).to_string();
    let data: sql::ResultData = from_json(json.as_bytes()).unwrap();
    assert_eq!(serde_json::to_value(data.data_array).unwrap(), rows);
    let rows = json!([[1, null, 0.25], [{"a": [null]}, "x", true]]);
    let json = json!({"row_count": 2, "data_array": rows}).to_string();
    let data: vectorsearch::ResultData = from_json(json.as_bytes()).unwrap();
    assert_eq!(serde_json::to_value(data.data_array).unwrap(), rows);
}

/// The JSON body of an operation.
fn body(operation: &impl Operation) -> Value {
    let parts = operation.request(&RequestContext::default()).unwrap();
    let Payload::Json(text) = parts.payload else { panic!("no JSON") };
    serde_json::from_slice(&text).unwrap()
}

#[test]
#[allow(deprecated)] // The legacy alerts are what has such an input.
fn null_differs_from_absent_where_the_service_tells_them_apart() {
    let update = || sql::alerts_legacy::Update::new("1", "name", "q", sql::AlertOptions::new("c", ">", json!(1)));
    assert!(body(&update()).get("rearm").is_none());
    let mut never = update();
    never.rearm = Some(Nullable::Null);
    assert_eq!(body(&never)["rearm"], Value::Null);
    assert!(body(&never).get("rearm").is_some());
    let mut later = update();
    later.rearm = Some(60.into());
    assert_eq!(body(&later)["rearm"], 60);
}

#[test]
fn masks_name_what_is_set() {
    let endpoint = postgres::Endpoint::new().name("projects/p/branches/b/endpoints/e").with_extra("replicas", 2);
    assert_eq!(FieldMask::of(&endpoint).with("spec.settings").to_string(), "replicas,spec.settings");
}

#[test]
fn values_of_later_releases_pass_through() {
    let json = br#"{"row_count": 1, "compression": "zstd", "state": {"new": true}}"#;
    let data: sql::ResultData = from_json(json).unwrap();
    assert_eq!(data.extra().iter().map(|(name, _)| name).collect::<Vec<_>>(), ["compression", "state"]);
    assert_eq!(serde_json::to_value(&data).unwrap(), serde_json::from_slice::<Value>(json).unwrap());
    let state = sql::State::from("HIBERNATING");
    assert_eq!((state.as_str(), sql::State::KNOWN.contains(&state)), ("HIBERNATING", false));
}
