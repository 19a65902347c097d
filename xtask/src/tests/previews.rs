//! Previews: what stands behind which feature.

use serde_json::{Value, json};

use super::{Directory, changed};
use crate::files::Files;
use crate::ir::Api;

/// A second operation, with a type that only it needs and one that both need.
fn document() -> Value {
    changed(|d| {
        d["paths"]["/api/2.0/rooms/{room_id}"]["delete"] = json!({
            "operationId": "rooms.clear", "tags": ["rooms"], "x-databricks-level": "workspace", "x-databricks-accessor": "w.rooms",
            "parameters": [
                {"name": "room_id", "in": "path", "required": true, "schema": {"type": "string"}},
                {"name": "force", "in": "query", "required": false, "schema": {"type": "boolean"}}
            ],
            "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Rubble"}}}}}
        });
        d["components"]["schemas"]["Rubble"] = json!({"type": "object", "properties": {
            "kind": {"$ref": "#/components/schemas/Kind"}, "state": {"$ref": "#/components/schemas/State"}
        }});
        d["components"]["schemas"]["Kind"] = json!({"type": "string", "enum": ["BRICK"]});
    })
}

fn build(preview: &Value) -> Api {
    Directory::new(&document()).with("preview.json", preview).build().unwrap().0
}

fn gated(api: &Api) -> Vec<&str> {
    let package = &api.packages["rooms"];
    let operations = package.services.iter().flat_map(|service| &service.operations);
    let operations = operations.filter(|it| it.gated).map(|it| it.id.as_str());
    let messages = package.messages.iter().filter(|it| it.gated).map(|it| it.name.as_str());
    let enums = package.enums.iter().filter(|it| it.gated).map(|it| it.name.as_str());
    operations.chain(messages).chain(enums).collect()
}

#[test]
fn unstable_operations_are_gated_with_the_types_that_nothing_else_needs() {
    for stage in ["beta", "private", "experimental", "unlisted"] {
        let api = build(&json!({"operations": {"rooms.clear": stage}}));
        assert_eq!(gated(&api), ["rooms.clear", "Rubble", "Kind"], "{stage}");
        assert!(!api.packages["rooms"].services[0].gated);
    }
    let all = build(&json!({"operations": {"rooms": "beta"}}));
    assert!(all.packages["rooms"].services[0].gated, "a service of nothing else");
    for stable in [
        json!({"operations": {"rooms.clear": "public"}}),
        json!({"operations": {"rooms.clear": "beta"}, "promised": ["rooms.clear"]}),
        // The package has a feature of its own.
        json!({"operations": {"rooms.clear": "beta"}, "packages": {"rooms": "beta"}}),
    ] {
        assert!(gated(&build(&stable)).is_empty(), "{stable}");
    }
}

/// Everything that is generated, with or without features.
fn rendered(api: &Api, gated: bool) -> String {
    let mut files = Files::default();
    crate::emit::models(api, "models", gated, &mut files).unwrap();
    crate::emit::facade(api, "services", "models", gated, &mut files).unwrap();
    files.text()
}

#[test]
fn what_is_gated_is_gated_in_every_layer() {
    let api = build(&json!({"operations": {"rooms.clear": "beta"}}));
    let text = rendered(&api, true);
    let gate = "#[cfg(feature = \"preview\")]";
    // Operation, message, enum, method, setters, table.
    assert_eq!(text.matches(gate).count(), 6, "{text}");
    assert!(text.contains(&format!("{gate}\nsetters! {{ models::rooms::Clear {{")), "{text}");
    assert!(!rendered(&api, false).contains(gate), "documents of one's own have no features");
}
