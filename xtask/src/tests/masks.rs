//! Masks of updates: which paths they can hold, and what people decide about them.

use serde_json::{Value, json};

use super::{Directory, changed};
use crate::ir::{Api, Place, Ty};

/// An update of a room whose mask is in the query.
fn document() -> Value {
    changed(|d| {
        d["paths"]["/api/2.0/rooms/{room_id}"]["patch"] = json!({
            "operationId": "rooms.update", "tags": ["rooms"], "x-databricks-level": "workspace", "x-databricks-accessor": "w.rooms",
            "parameters": [
                {"name": "room_id", "in": "path", "required": true, "schema": {"type": "string"}},
                {"name": "update_mask", "in": "query", "required": true, "schema": {"type": "string"}}
            ],
            "requestBody": {
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Plan"}}},
                "required": true, "x-databricks-body-param": "plan"
            },
            "responses": {"200": {"description": ""}},
            "x-databricks-field-mask": {"input": "update_mask", "of": "plan"}
        });
        let string = || json!({"type": "string"});
        d["components"]["schemas"]["Plan"] = json!({"type": "object", "properties": {
            "room_id": string(), "etag": string(), "name": string(), "create_time": {"type": "string", "readOnly": true},
            "spec": {"$ref": "#/components/schemas/Spec"},
            "tags": {"type": "object", "additionalProperties": {"type": "string"}},
            "doors": {"type": "array", "items": {"$ref": "#/components/schemas/Spec"}}
        }});
        d["components"]["schemas"]["Spec"] = json!({"type": "object", "properties": {
            "size": {"type": "integer", "format": "int32"},
            "status": {"type": "string", "readOnly": true},
            "inner": {"$ref": "#/components/schemas/Spec"}
        }});
    })
}

fn directory() -> Directory {
    // As it was frozen before the mask was computed.
    let frozen = json!({"operations": {"rooms.update": ["room_id", "plan", "update_mask"]}, "messages": {}});
    Directory::new(&document())
        .with("sensitive.json", &json!({"plain": ["rooms.Plan.tags"]}))
        .with("signatures.json", &frozen)
}

fn build(decided: &Value) -> anyhow::Result<Api> {
    Ok(directory().with("overrides.json", &json!({"field_masks": {"rooms.update": decided}})).build()?.0)
}

fn entries(api: &Api) -> Option<&str> {
    let operation = &api.packages["rooms"].services[0].operations[1];
    operation.mask.as_ref().map(|mask| mask.entries.as_str())
}

#[test]
fn paths_follow_from_the_message() {
    let (api, signatures) = directory().build().unwrap();
    // What is an input of its own, the version and what only the service sets is left out; a message within itself is
    // named as a whole, and so are maps and lists.
    assert_eq!(entries(&api), Some("-create_time -etag -room_id -spec.status spec/"));
    let mask = api.packages["rooms"].services[0].operations[1].input("update_mask").unwrap();
    assert_eq!((&mask.ty, mask.required, mask.places.as_slice()), (&Ty::FieldMask, false, [Place::Mask].as_slice()));
    assert_eq!(signatures.operations["rooms.update"], ["room_id", "plan"]);
    assert!(mask.doc.facts.iter().any(|fact| fact.contains("names what is set in `plan`")), "{:?}", mask.doc.facts);
}

#[test]
fn what_the_texts_state_is_kept_to() {
    for (decided, expected) in [
        (json!({"paths": ["name", "spec.size"]}), "-create_time -etag -room_id -spec.status =name =spec.size"),
        (json!({"whole": ["spec"]}), "-create_time -etag -room_id"),
        (json!({"into": ["tags"], "except": ["name"]}), "-create_time -etag -name -room_id -spec.status spec/ tags/"),
        (
            json!({"paths": ["name"], "named": {"spec.inner": "spec.other"}}),
            "-create_time -etag -room_id -spec.status =name spec.inner>spec.other",
        ),
    ] {
        assert_eq!(entries(&build(&decided).unwrap()), Some(expected), "{decided}");
    }
    let none = build(&json!({"none": "not supported"})).unwrap();
    let operation = &none.packages["rooms"].services[0].operations[1];
    let mask = operation.input("update_mask").unwrap();
    assert!(operation.mask.is_none() && mask.required && mask.places == [Place::Query]);
    assert!(mask.doc.facts.iter().any(|fact| fact == "Not computed: not supported."), "{:?}", mask.doc.facts);
}

#[test]
fn a_decision_that_hits_nothing_stops_the_generator() {
    for decided in [json!({"paths": ["colour"]}), json!({"except": ["spec.depth"]}), json!({"into": ["tags.a.b"]})] {
        let error = format!("{:#}", build(&decided).unwrap_err());
        assert!(error.contains("rooms.update in `field_masks`, which does not exist"), "{error}");
    }
}
