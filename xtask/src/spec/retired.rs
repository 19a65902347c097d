//! What the API removed and we keep, deprecated, until the next release of ours that may break callers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The extension that states with which release of the source something was removed.
const MARK: &str = "x-databricks-retired";
const FILE: &str = "retired.json";

/// The parts of earlier documents that the present ones lack.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retired {
    note: String,
    /// The releases of ours that keep them: `0.1` stands for all of 0.1.
    series: String,
    packages: BTreeMap<String, Part>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct Part {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    operations: Vec<Gone>,
    /// Parameters by operation id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    parameters: BTreeMap<String, Vec<Value>>,
    /// Members of the JSON body by operation id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    body: BTreeMap<String, Map<String, Value>>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    schemas: Map<String, Value>,
    /// Members by schema.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    members: BTreeMap<String, Map<String, Value>>,
    /// Values by enum.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    values: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Gone {
    path: String,
    method: String,
    operation: Value,
}

/// The releases that may not break each other: `0.1` of 0.1.4, `2` of 2.3.0.
pub(crate) fn series(version: &str) -> String {
    let kept = if version.starts_with("0.") { 2 } else { 1 };
    version.split('.').take(kept).collect::<Vec<_>>().join(".")
}

impl Retired {
    pub(crate) fn read(directory: &Path) -> Result<Self> {
        let path = directory.join(FILE);
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is not as expected", path.display()))
    }

    pub(crate) fn write(&self, directory: &Path) -> Result<()> {
        let path = directory.join(FILE);
        if self.packages.is_empty() {
            return match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(error).with_context(|| format!("cannot remove {}", path.display()))
                }
                _ => Ok(()),
            };
        }
        let text = serde_json::to_string_pretty(self).context("what is retired cannot be written")?;
        std::fs::write(&path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
    }

    /// Whether this is kept by the releases of a series.
    pub(crate) fn is_of(&self, series: &str) -> bool {
        self.series == series
    }

    /// Leaves a package out: what it lost cannot stand beside what it has now.
    pub(crate) fn drop_package(&mut self, package: &str) -> bool {
        self.packages.remove(package).is_some()
    }

    /// What `old` has and `new` lacks.
    ///
    /// * `release`: the release of the source that lacks it, such as `0.162.0`.
    pub(crate) fn find(
        old: &BTreeMap<String, String>,
        new: &BTreeMap<String, String>,
        release: &str,
        series: &str,
    ) -> Result<Self> {
        let (old, new) = (parse(old)?, parse(new)?);
        let known = Known::of(&new);
        let nothing = json!({"tags": [], "paths": {}, "components": {"schemas": {}}});
        let mut packages = BTreeMap::new();
        for (name, before) in &old {
            let part = Part::between(before, new.get(name).unwrap_or(&nothing), release, &known);
            if part.is_some() {
                packages.insert(name.clone(), part);
            }
        }
        let packages = packages.into_iter().filter_map(|(name, part)| Some((name, part?))).collect();
        Ok(Self {
            note: "What the API removed, kept as deprecated until the next release that may break callers. Written by \
                   `cargo xtask follow`."
                .to_owned(),
            series: series.to_owned(),
            packages,
        })
    }

    /// Puts what is kept back into the documents.
    pub(crate) fn merge(&self, contents: &mut BTreeMap<String, String>) -> Result<()> {
        let version = contents.values().next().map(|text| serde_json::from_str::<Value>(text)).transpose()?;
        let version = version.map(|document| document["info"]["version"].clone()).unwrap_or_default();
        for (name, part) in &self.packages {
            let mut document = match contents.get(name) {
                Some(text) => serde_json::from_str(text).with_context(|| format!("{name}.json"))?,
                None => {
                    json!({"openapi": "3.1.0", "info": {"title": name, "version": version}, "tags": [], "paths": {},
                    "components": {"schemas": {}}})
                }
            };
            part.merge(&mut document).with_context(|| format!("what {name} lost does not fit into it"))?;
            contents.insert(name.clone(), document.to_string());
        }
        Ok(())
    }
}

fn parse(contents: &BTreeMap<String, String>) -> Result<BTreeMap<String, Value>> {
    contents
        .iter()
        .map(|(name, text)| {
            Ok((name.clone(), serde_json::from_str(text).with_context(|| format!("{name}.json is not valid JSON"))?))
        })
        .collect()
}

/// What the new documents use: it cannot be used a second time.
struct Known {
    operations: BTreeSet<String>,
    accessors: BTreeSet<String>,
}

impl Known {
    fn of(documents: &BTreeMap<String, Value>) -> Self {
        let all = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let tags = documents.values().flat_map(|document| document["tags"].as_array().into_iter().flatten());
        Self {
            operations: documents.values().flat_map(operations).map(|(_, _, it)| all(&it["operationId"])).collect(),
            accessors: tags.map(|tag| all(&tag["x-databricks-accessor"])).collect(),
        }
    }
}

/// All operations of a document with path and method.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let others = operation["x-databricks-same-endpoint"].as_array().into_iter().flatten();
            found.extend(std::iter::once(operation).chain(others).map(|it| (path.as_str(), method.as_str(), it)));
        }
    }
    found
}

fn operation_mut<'a>(document: &'a mut Value, id: &str) -> Option<&'a mut Value> {
    for item in document["paths"].as_object_mut()?.values_mut() {
        for operation in item.as_object_mut()?.values_mut() {
            if operation["operationId"] == id {
                return Some(operation);
            }
            let others = operation.get_mut("x-databricks-same-endpoint").and_then(Value::as_array_mut);
            if let Some(found) = others.into_iter().flatten().find(|it| it["operationId"] == id) {
                return Some(found);
            }
        }
    }
    None
}

const BODY: &str = "/requestBody/content/application~1json/schema/properties";

/// A name without what its spellings differ in: two of one spelling would have one name in Rust.
fn spelling(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn retired(value: &Value, release: &str) -> Value {
    let mut value = value.clone();
    if let Some(object) = value.as_object_mut() {
        object.insert("deprecated".to_owned(), true.into());
        object.insert(MARK.to_owned(), release.into());
        object.remove("x-databricks-same-endpoint");
    }
    value
}

/// The members of `before` that `after` lacks in any spelling.
fn lost(before: Option<&Value>, after: Option<&Value>, release: &str) -> Map<String, Value> {
    let has: BTreeSet<_> =
        after.and_then(Value::as_object).into_iter().flatten().map(|(wire, _)| spelling(wire)).collect();
    before
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(wire, member)| !has.contains(&spelling(wire)) && member.get("x-databricks-source").is_none())
        .map(|(wire, member)| (wire.clone(), retired(member, release)))
        .collect()
}

impl Part {
    /// `None`: nothing is lost.
    fn between(before: &Value, after: &Value, release: &str, known: &Known) -> Option<Self> {
        let mut part = Self::default();
        let present = operations(after);
        for (path, method, operation) in operations(before) {
            let id = operation["operationId"].as_str().unwrap_or_default();
            let Some((_, _, now)) = present.iter().find(|(_, _, it)| it["operationId"] == id) else {
                if !known.operations.contains(id) {
                    let operation = retired(operation, release);
                    part.operations.push(Gone { path: path.to_owned(), method: method.to_owned(), operation });
                }
                continue;
            };
            let has = |name: &Value| {
                now["parameters"].as_array().into_iter().flatten().any(|it| it["name"] == *name)
                    || now.pointer(BODY).is_some_and(|body| body.get(name.as_str().unwrap_or_default()).is_some())
            };
            let parameters: Vec<_> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|it| it["in"] != "path" && !has(&it["name"]))
                .map(|it| {
                    let mut it = retired(it, release);
                    it["required"] = false.into();
                    it
                })
                .collect();
            if !parameters.is_empty() {
                part.parameters.insert(id.to_owned(), parameters);
            }
            let mut body = lost(operation.pointer(BODY), now.pointer(BODY), release);
            body.retain(|wire, _| !has(&wire.as_str().into()) && now.pointer(BODY).is_some());
            if !body.is_empty() {
                part.body.insert(id.to_owned(), body);
            }
        }
        for tag in before["tags"].as_array().into_iter().flatten() {
            let used = part.operations.iter().any(|gone| gone.operation["tags"][0] == tag["name"]);
            let there = after["tags"].as_array().is_some_and(|tags| tags.iter().any(|it| it["name"] == tag["name"]));
            if used && !there {
                let mut tag = tag.clone();
                let taken = |it: &Value| it.as_str().is_some_and(|it| known.accessors.contains(it));
                if tag.get("x-databricks-accessor").is_some_and(taken)
                    && let Some(tag) = tag.as_object_mut()
                {
                    tag.remove("x-databricks-accessor");
                }
                tag["x-databricks-deprecated"] = true.into();
                part.tags.push(tag);
            }
        }
        part.schemas(before, after, release);
        let Self { tags, operations, parameters, body, schemas, members, values } = &part;
        let empty = tags.is_empty()
            && operations.is_empty()
            && parameters.is_empty()
            && body.is_empty()
            && schemas.is_empty()
            && members.is_empty()
            && values.is_empty();
        (!empty).then_some(part)
    }

    fn schemas(&mut self, before: &Value, after: &Value, release: &str) {
        for (name, schema) in before["components"]["schemas"].as_object().into_iter().flatten() {
            let Some(now) = after["components"]["schemas"].get(name) else {
                self.schemas.insert(name.clone(), retired(schema, release));
                continue;
            };
            match (schema["enum"].as_array(), now["enum"].as_array()) {
                (Some(values), Some(kept)) => {
                    let has: BTreeSet<_> = kept.iter().filter_map(Value::as_str).map(spelling).collect();
                    let values: Vec<_> = values
                        .iter()
                        .filter_map(Value::as_str)
                        .filter(|value| !has.contains(&spelling(value)))
                        .map(str::to_owned)
                        .collect();
                    if !values.is_empty() {
                        self.values.insert(name.clone(), values);
                    }
                }
                (None, None) => {
                    let members = lost(schema.get("properties"), now.get("properties"), release);
                    if !members.is_empty() {
                        self.members.insert(name.clone(), members);
                    }
                }
                _ => {}
            }
        }
    }

    fn merge(&self, document: &mut Value) -> Result<()> {
        if let Some(tags) = document["tags"].as_array_mut() {
            tags.extend(self.tags.iter().cloned());
        }
        for gone in &self.operations {
            let mut operation = gone.operation.clone();
            let tags = document["tags"].as_array().into_iter().flatten();
            let tag = tags.into_iter().find(|tag| tag["name"] == operation["tags"][0]);
            let accessor = tag.and_then(|tag| tag.get("x-databricks-accessor")).cloned();
            if let Some(object) = operation.as_object_mut() {
                object.remove("x-databricks-accessor");
                object.extend(accessor.map(|accessor| ("x-databricks-accessor".to_owned(), accessor)));
            }
            match document["paths"][&gone.path].get_mut(&gone.method).and_then(Value::as_object_mut) {
                Some(first) => {
                    let others = first.entry("x-databricks-same-endpoint").or_insert_with(|| json!([]));
                    others.as_array_mut().context("a shared endpoint that is not a list")?.push(operation);
                }
                None => document["paths"][&gone.path][&gone.method] = operation,
            }
        }
        for (id, parameters) in &self.parameters {
            let operation = operation_mut(document, id).with_context(|| format!("no operation {id}"))?;
            let list = operation.as_object_mut().context("an operation that is not an object")?;
            let list = list.entry("parameters").or_insert_with(|| json!([]));
            list.as_array_mut().context("parameters that are not a list")?.extend(parameters.iter().cloned());
        }
        for (id, members) in &self.body {
            let operation = operation_mut(document, id).with_context(|| format!("no operation {id}"))?;
            let properties = operation.pointer_mut(BODY).and_then(Value::as_object_mut);
            properties.with_context(|| format!("{id} has no members in its body"))?.extend(members.clone());
        }
        let schemas = document["components"]["schemas"].as_object_mut().context("no schemas")?;
        schemas.extend(self.schemas.clone());
        for (name, members) in &self.members {
            let schema = schemas.get_mut(name).and_then(Value::as_object_mut);
            let schema = schema.with_context(|| format!("no schema {name}"))?;
            let properties = schema.entry("properties").or_insert_with(|| json!({}));
            properties.as_object_mut().context("members that are not an object")?.extend(members.clone());
        }
        for (name, values) in &self.values {
            let schema = schemas.get_mut(name).and_then(Value::as_object_mut);
            let schema = schema.with_context(|| format!("no enum {name}"))?;
            for key in ["enum", "x-databricks-deprecated-values"] {
                let list = schema.entry(key).or_insert_with(|| json!([]));
                let list = list.as_array_mut().context("values that are not a list")?;
                list.extend(values.iter().map(|value| Value::from(value.as_str())));
            }
        }
        Ok(())
    }
}
