//! What REST and SQL both have: volumes and functions, which are records of REST's, and grants. A statement begins with
//! what the records say, and notes there what it changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::host::{Host, Kept};
use super::scope::Scope;
use super::spark::types;
use super::store::{About, Function, FunctionParameter, Grant, Name, Returns, Store};
use crate::sql::Failure;
use crate::sql::column::ColumnType;
use crate::sql::securables::stated;

/// Brings the store in step with the records.
pub(super) fn pull(store: &Store, host: &dyn Host) {
    store.grants(|all| *all = grants(host));
    store.mirror(|catalogs| {
        // Read while the store is held, as they are written.
        let volumes = by_schema(host.securables(Kept::Volumes));
        let functions = by_schema(host.securables(Kept::Functions));
        for (catalog, found) in catalogs.iter_mut() {
            for (name, schema) in &mut found.schemas {
                let key = (catalog.clone(), name.clone());
                let none = BTreeMap::new();
                let kept = volumes.get(&key).unwrap_or(&none);
                schema.volumes.retain(|name, _| kept.contains_key(name));
                for (name, record) in kept {
                    let about = schema.volumes.entry(name.clone()).or_default();
                    about.comment = stated(record, "comment");
                    about.owner = stated(record, "owner");
                    about.tags = tags(record);
                    about.created_ms = record.get("created_at").and_then(Value::as_i64).unwrap_or_default();
                }
                let kept = functions.get(&key).unwrap_or(&none);
                schema.functions.retain(|name, _| kept.contains_key(name));
                for (object, record) in kept {
                    if schema.functions.contains_key(object) {
                        continue;
                    }
                    if let Some(function) = function(record, catalog, name) {
                        schema.functions.insert(object.clone(), Arc::new(function));
                    }
                }
            }
        }
    });
}

type Records = BTreeMap<String, Map<String, Value>>;

fn by_schema(records: Vec<Map<String, Value>>) -> BTreeMap<(String, String), Records> {
    let mut out: BTreeMap<(String, String), Records> = BTreeMap::new();
    for record in records {
        let part = |name: &str| stated(&record, name).map(|s| s.to_lowercase());
        if let (Some(catalog), Some(schema), Some(name)) = (part("catalog_name"), part("schema_name"), part("name")) {
            out.entry((catalog, schema)).or_default().insert(name, record);
        }
    }
    out
}

/// A function in SQL that REST has made; others are not called by SQL.
fn function(record: &Map<String, Value>, catalog: &str, schema: &str) -> Option<Function> {
    if stated(record, "routine_body")? != "SQL" {
        return None;
    }
    let list = |name: &str| -> Vec<Map<String, Value>> {
        let list = record.get(name).and_then(|p| p.get("parameters")).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_object).cloned().collect()
    };
    let parameters = list("input_params").into_iter().map(|p| {
        Some(FunctionParameter {
            name: stated(&p, "name")?,
            kind: stated(&p, "type_text")?,
            default: stated(&p, "parameter_default"),
            comment: stated(&p, "comment"),
        })
    });
    let returns = if stated(record, "data_type")? == "TABLE_TYPE" {
        let columns = list("return_params").into_iter().map(|p| Some((stated(&p, "name")?, stated(&p, "type_text")?)));
        Returns::Table(columns.collect::<Option<Vec<_>>>()?)
    } else {
        Returns::Value(stated(record, "full_data_type").or_else(|| stated(record, "data_type"))?)
    };
    Some(Function {
        about: About {
            comment: stated(record, "comment"),
            owner: stated(record, "owner"),
            tags: tags(record),
            created_ms: record.get("created_at").and_then(Value::as_i64).unwrap_or_default(),
            ..About::default()
        },
        parameters: parameters.collect::<Option<Vec<_>>>()?,
        returns,
        body: stated(record, "routine_definition")?,
        catalog: catalog.to_owned(),
        schema: schema.to_owned(),
        deterministic: record.get("is_deterministic") != Some(&Value::Bool(false)),
    })
}

fn parameter(position: usize, name: &str, kind: &str, of: &str) -> Map<String, Value> {
    let written = kind.to_lowercase();
    let described = json!({"name": name, "type": written, "nullable": true, "metadata": {}});
    let mut out = Map::new();
    out.insert("name".to_owned(), json!(name));
    out.insert("type_text".to_owned(), json!(written));
    out.insert("type_name".to_owned(), json!(ColumnType::from_sql(kind).name));
    out.insert("type_json".to_owned(), json!(described.to_string()));
    out.insert("position".to_owned(), json!(position));
    out.insert("parameter_type".to_owned(), json!(of));
    out
}

fn place(name: &Name, about: &About) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("catalog_name".to_owned(), json!(name.catalog));
    out.insert("schema_name".to_owned(), json!(name.schema));
    out.insert("name".to_owned(), json!(name.object));
    if let Some(comment) = &about.comment {
        out.insert("comment".to_owned(), json!(comment));
    }
    if let Some(owner) = &about.owner {
        out.insert("owner".to_owned(), json!(owner));
    }
    // REST has no such member and shows none.
    out.insert(TAGS.to_owned(), json!(about.tags));
    out
}

const TAGS: &str = "sql_tags";

fn tags(record: &Map<String, Value>) -> BTreeMap<String, String> {
    let all = record.get(TAGS).and_then(Value::as_object).into_iter().flatten();
    all.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

fn record(name: &Name, function: &Function) -> Map<String, Value> {
    let mut out = place(name, &function.about);
    let inputs = function.parameters.iter().enumerate().map(|(at, p)| {
        let mut shown = parameter(at, &p.name, &p.kind, "PARAM");
        shown.insert("parameter_mode".to_owned(), json!("IN"));
        if let Some(default) = &p.default {
            shown.insert("parameter_default".to_owned(), json!(default));
        }
        if let Some(comment) = &p.comment {
            shown.insert("comment".to_owned(), json!(comment));
        }
        Value::Object(shown)
    });
    out.insert("input_params".to_owned(), json!({"parameters": inputs.collect::<Vec<_>>()}));
    let (data_type, full) = match &function.returns {
        Returns::Value(kind) => {
            let full = types::parse(kind).map_or_else(|_| kind.clone(), |kind| types::name(&kind));
            (ColumnType::from_sql(kind).name.to_owned(), full)
        }
        Returns::Table(columns) => {
            let all = columns.iter().enumerate();
            let all: Vec<Value> =
                all.map(|(at, (name, kind))| Value::Object(parameter(at, name, kind, "COLUMN"))).collect();
            out.insert("return_params".to_owned(), json!({"parameters": all}));
            let text: Vec<String> = columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
            ("TABLE_TYPE".to_owned(), format!("({})", text.join(", ")))
        }
    };
    for (member, value) in [
        ("data_type", json!(data_type)),
        ("full_data_type", json!(full)),
        ("routine_body", json!("SQL")),
        ("routine_definition", json!(function.body)),
        ("parameter_style", json!("S")),
        ("is_deterministic", json!(function.deterministic)),
        ("sql_data_access", json!("CONTAINS_SQL")),
        ("is_null_call", json!(false)),
        ("security_type", json!("DEFINER")),
        ("specific_name", json!(name.object)),
    ] {
        out.insert(member.to_owned(), value);
    }
    out
}

/// Notes a volume as it is from now on; the caller holds the store, so that no statement sees the one without the other.
pub(super) fn keep_volume(host: &dyn Host, name: &Name, about: &About) -> Result<(), Failure> {
    host.keep(Kept::Volumes, &name.plain(), place(name, about))
}

/// Notes a function as it is from now on.
pub(super) fn keep_function(host: &dyn Host, name: &Name, function: &Function) -> Result<(), Failure> {
    host.keep(Kept::Functions, &name.plain(), record(name, function))
}

/// Gives privileges to principals or takes them away.
pub(super) fn grant(
    scope: &Scope<'_>,
    securable: (&str, &str),
    principals: &[String],
    privileges: &[String],
    give: bool,
) -> Result<(), Failure> {
    for principal in principals {
        scope.host.grant(securable, principal, privileges, give)?;
    }
    scope.core.store.grants(|all| *all = grants(scope.host));
    Ok(())
}

fn grants(host: &dyn Host) -> Vec<Grant> {
    let all = host.grants().into_iter().map(|g| Grant {
        principal: g.principal,
        privilege: g.privilege,
        kind: g.kind,
        object: g.object,
    });
    all.collect()
}
