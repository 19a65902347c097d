//! Inputs built from a schema.

use serde_json::{Map, Value, json};

use crate::documents::Documents;

/// How deep messages are filled; below, only what is required.
const DEPTH: usize = 3;

/// The inputs of an operation by wire name: all of them, or the required ones.
pub(crate) fn inputs(documents: &Documents, package: &str, operation: &Value, all: bool) -> Map<String, Value> {
    let mut inputs = Map::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let from_elsewhere =
            parameter.get("x-databricks-from-config").is_some() || parameter["schema"].get("const").is_some();
        if from_elsewhere || !(all || parameter["required"] == true) {
            continue;
        }
        let (Some(name), schema) = (parameter["name"].as_str(), &parameter["schema"]) else { continue };
        let mut value = sample(documents, package, schema, 0);
        // A template such as `/files{path}` leaves the slash to the value.
        if name.ends_with("_path") && parameter["in"] == "path" {
            value = json!("/x");
        }
        inputs.insert(name.to_owned(), value);
    }
    let body = &operation["requestBody"];
    for content in body["content"].as_object().into_iter().flat_map(Map::values) {
        let schema = &content["schema"];
        match body["x-databricks-body-param"].as_str() {
            Some(name) => {
                inputs.insert(name.to_owned(), sample(documents, package, schema, 0));
            }
            None => {
                if let Value::Object(members) = object(documents, package, schema, 0, all) {
                    inputs.extend(members);
                }
            }
        }
    }
    inputs
}

fn sample(documents: &Documents, package: &str, schema: &Value, depth: usize) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let (package, target) = documents.resolve(package, reference);
        return sample(documents, package, target, depth);
    }
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return if first == "true" { json!(true) } else { first.clone() };
    }
    match (schema["type"].as_str(), schema["format"].as_str(), schema["x-databricks-wkt"].as_str()) {
        (Some("string"), Some("date-time"), _) => json!("2024-05-01T12:00:00Z"),
        (Some("string"), _, Some("Duration")) => json!("3.500s"),
        (Some("string"), _, Some("FieldMask")) => json!("a,b"),
        (Some("string"), ..) => json!("x"),
        (Some("integer"), ..) => json!(7),
        (Some("number"), ..) => json!(0.5),
        (Some("boolean"), ..) => json!(true),
        (Some("array"), ..) => json!([sample(documents, package, &schema["items"], depth + 1)]),
        (Some("object"), ..) => match schema.get("additionalProperties") {
            Some(values) => json!({"k": sample(documents, package, values, depth + 1)}),
            None => object(documents, package, schema, depth, true),
        },
        _ => json!({"any": 1}),
    }
}

fn object(documents: &Documents, package: &str, schema: &Value, depth: usize, all: bool) -> Value {
    let required =
        |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|required| required == name));
    // What the service alone sets is refused in a request.
    let settable = |property: &Value| property["format"] != "binary" && property["readOnly"] != true;
    let members = schema["properties"].as_object().into_iter().flatten();
    let chosen = members.filter(|(name, property)| settable(property) && (required(name) || (all && depth < DEPTH)));
    chosen
        .map(|(name, property)| (name.clone(), sample(documents, package, property, depth + 1)))
        .collect::<Map<_, _>>()
        .into()
}
