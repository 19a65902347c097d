//! The spec documents, and the form in which Prism can serve them.
//!
//! Three things of the documents go beyond OpenAPI, so they are spelt out before Prism sees them: operations that share
//! an endpoint get a document each, messages in the query become one parameter per member, and a value with slashes
//! becomes a segment of its own. Unknown members are forbidden, so that Prism refuses what the description does not
//! have.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

use serde_json::{Map, Value, json};

pub(crate) struct Documents(BTreeMap<String, Value>);

/// A document for Prism, and the operations that it serves, as described.
pub(crate) struct Layer {
    pub(crate) document: Value,
    pub(crate) operations: Vec<Value>,
}

impl Documents {
    pub(crate) fn read(directory: &Path) -> Self {
        let mut documents = BTreeMap::new();
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
            if path.extension().is_some_and(|e| e == "json") {
                let text = std::fs::read_to_string(&path).unwrap();
                let document: Value = serde_json::from_str(&text).unwrap();
                // The others beside them are data of the generator.
                if document.get("openapi").is_some() {
                    documents.insert(stem.to_owned(), document);
                }
            }
        }
        Self(documents)
    }

    pub(crate) fn resolve<'a>(&'a self, package: &'a str, reference: &'a str) -> (&'a str, &'a Value) {
        let (file, name) = reference.split_once("#/components/schemas/").unwrap();
        let package = file.strip_suffix(".json").unwrap_or(package);
        (package, &self.0[package]["components"]["schemas"][name])
    }

    /// The documents for Prism of one package.
    pub(crate) fn layers(&self, package: &str) -> Vec<Layer> {
        let document = &self.0[package];
        let mut layers: Vec<Layer> = Vec::new();
        let mut taken: Vec<Vec<String>> = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, first) in methods.as_object().unwrap() {
                let shared = first["x-databricks-same-endpoint"].as_array().into_iter().flatten();
                for operation in std::iter::once(first).chain(shared) {
                    // Two templates that differ only in the names of parameters are one to a server.
                    let route = format!("{method} {}", anonymous(path));
                    let at = taken.iter().position(|routes| !routes.contains(&route)).unwrap_or_else(|| {
                        taken.push(Vec::new());
                        layers.push(Layer { document: self.frame(package), operations: Vec::new() });
                        layers.len() - 1
                    });
                    taken[at].push(route);
                    layers[at].operations.push(operation.clone());
                    let served =
                        path.replace("{file_path}", "/{file_path}").replace("{directory_path}", "/{directory_path}");
                    let mut plain = self.plain_operation(package, operation);
                    if method == "head"
                        && let Some(headers) = plain["responses"]["200"]["headers"].as_object_mut()
                    {
                        // Prism makes up a length and a media type, and then cannot response with them.
                        headers.retain(|name, _| name != "content-length" && name != "content-type");
                    }
                    layers[at].document["paths"][&served][method] = plain;
                }
            }
        }
        layers
    }

    /// A document without paths; schemas of other packages stand in it under a name of their own.
    fn frame(&self, package: &str) -> Value {
        let mut schemas = Map::new();
        for (other, document) in &self.0 {
            for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
                let mut schema = schema.clone();
                plain_schema(other, &mut schema);
                schemas.insert(qualified(other, name), schema);
            }
        }
        // Only what this package reaches, for Prism takes its time with every schema.
        let mut reached = BTreeMap::new();
        let mut open: Vec<String> =
            schemas.keys().filter(|name| name.starts_with(&format!("{package}_"))).cloned().collect();
        while let Some(name) = open.pop() {
            if let Entry::Vacant(new) = reached.entry(name) {
                let schema = schemas[new.key()].clone();
                references(&schema, &mut open);
                new.insert(schema);
            }
        }
        let edges: BTreeMap<String, Vec<String>> = reached
            .iter()
            .map(|(name, schema)| {
                let mut to = Vec::new();
                references(schema, &mut to);
                (name.clone(), to)
            })
            .collect();
        for (name, schema) in &mut reached {
            cut(name, schema, &edges);
        }
        json!({"openapi": "3.1.0", "info": {"title": package, "version": "1"}, "paths": {}, "components": {"schemas": reached}})
    }

    fn plain_operation(&self, package: &str, operation: &Value) -> Value {
        let mut plain = json!({"operationId": operation["operationId"], "responses": operation["responses"]});
        if let Some(body) = operation.get("requestBody") {
            plain["requestBody"] = body.clone();
        }
        let (dotted, others): (Vec<_>, Vec<_>) = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .partition(|parameter| parameter["style"] == "deepObject");
        plain["parameters"] = others.into_iter().cloned().collect();
        plain_schema(package, &mut plain);
        let mut parameters = Vec::new();
        for parameter in dotted {
            self.dotted(package, parameter["name"].as_str().unwrap(), &parameter["schema"], &mut parameters);
        }
        plain["parameters"].as_array_mut().unwrap().extend(parameters);
        plain
    }

    fn dotted(&self, package: &str, name: &str, schema: &Value, parameters: &mut Vec<Value>) {
        let (package, schema) = match schema["$ref"].as_str() {
            Some(reference) => self.resolve(package, reference),
            None => (package, schema),
        };
        match schema["properties"].as_object() {
            // Messages that hold themselves have no last level; the driver's inputs end before this one.
            Some(_) if name.matches('.').count() > 4 => {}
            Some(properties) => {
                properties.iter().for_each(|(member, property)| {
                    self.dotted(package, &format!("{name}.{member}"), property, parameters);
                });
            }
            None => {
                let mut schema = schema.clone();
                plain_schema(package, &mut schema);
                parameters.push(json!({"name": name, "in": "query", "schema": schema}));
            }
        }
    }
}

fn anonymous(path: &str) -> String {
    let mut inside = false;
    path.chars()
        .filter(|c| {
            let kept = !inside || *c == '}';
            inside = *c == '{' || (inside && *c != '}');
            kept
        })
        .collect()
}

fn qualified(package: &str, name: &str) -> String {
    format!("{package}_{name}")
}

fn references(schema: &Value, open: &mut Vec<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(name) =
                members.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/components/schemas/"))
            {
                open.push(name.to_owned());
            }
            members.values().for_each(|member| references(member, open));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, open)),
        _ => {}
    }
}

/// Opens the members through which a message holds itself: Prism cuts the recursion in the responses it makes up, and
/// then refuses them.
fn cut(own: &str, schema: &mut Value, edges: &BTreeMap<String, Vec<String>>) {
    match schema {
        Value::Object(members) => {
            let target =
                members.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/components/schemas/"));
            if target.is_some_and(|target| reaches(edges, target, own)) {
                *schema = json!({"type": "object"});
                return;
            }
            members.values_mut().for_each(|member| cut(own, member, edges));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| cut(own, item, edges)),
        _ => {}
    }
}

fn reaches(edges: &BTreeMap<String, Vec<String>>, from: &str, to: &str) -> bool {
    let (mut seen, mut open) = (Vec::new(), vec![from]);
    while let Some(next) = open.pop() {
        if next == to {
            return true;
        }
        if !seen.contains(&next) {
            seen.push(next);
            open.extend(edges.get(next).into_iter().flatten().map(String::as_str));
        }
    }
    false
}

/// Spells out what the extensions state, at any depth, and drops them.
fn plain_schema(package: &str, value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(reference) =
                members.get("$ref").and_then(Value::as_str).and_then(|r| r.split_once("#/components/schemas/"))
            {
                let (file, name) = reference;
                let target = qualified(file.strip_suffix(".json").unwrap_or(package), name);
                *value = json!({"$ref": format!("#/components/schemas/{target}")});
                return;
            }
            match members.get("x-databricks-wkt").and_then(Value::as_str) {
                Some("Duration") => {
                    members.insert("pattern".into(), json!("^[0-9]{1,5}(\\.[0-9]{1,3})?s$"));
                    members.remove("format");
                }
                Some("FieldMask") => {
                    members.insert("pattern".into(), json!("^[a-z]{1,5}(,[a-z]{1,5})?$"));
                }
                _ => {}
            }
            members.retain(|name, _| !name.starts_with("x-databricks"));
            if let Some(properties) = members.get_mut("properties").and_then(Value::as_object_mut) {
                // Not part of the JSON.
                properties.retain(|_, property| property.get("x-databricks-source").is_none());
            }
            let closed = members.get("type").is_some_and(|kind| kind == "object") && members.contains_key("properties");
            if closed && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".into(), json!(false));
            }
            members.values_mut().for_each(|member| plain_schema(package, member));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| plain_schema(package, item)),
        _ => {}
    }
}
