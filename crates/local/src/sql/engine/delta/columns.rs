//! A table's columns and what SQL states of it, as the metadata of a Delta table, and back.
//!
//! What Delta has a place for is there: comments, defaults, generated columns, identity, lengths of strings, constraints.
//! The rest is one property.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::log::Snapshot;
use super::records::{Format, Metadata};
use super::{broken, feed, kinds};
use crate::sql::Failure;
use crate::sql::engine::spark::types;
use crate::sql::engine::store::missing::feature;
use crate::sql::engine::store::policy::Policy;
use crate::sql::engine::store::table::{Column, Constraint, Identity, Reference, TableState};
use crate::sql::engine::store::{About, Properties};

/// The property of what SQL states and Delta has no place for.
const OWN: &str = "databricks-local.sql";
/// What the names of properties of constraints begin with.
const CHECK: &str = "delta.constraints.";
pub(super) const CLUSTERING: &str = "delta.clustering";
/// Members of the metadata of columns.
const DEFAULT: &str = "CURRENT_DEFAULT";
const GENERATED: &str = "delta.generationExpression";
const LENGTH: &str = "__CHAR_VARCHAR_TYPE_STRING";
const VARIANT: &str = "databricks-local.type";

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Own {
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: Properties,
    /// Properties that ask for what the files here are not.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    properties: Properties,
    /// By the names of columns.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    column_tags: BTreeMap<String, Properties>,
    #[serde(skip_serializing_if = "Option::is_none")]
    row_filter: Option<Policy>,
    /// By the names of columns.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    masks: BTreeMap<String, Policy>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    primary_keys: BTreeMap<String, Vec<String>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    foreign_keys: BTreeMap<String, (Vec<String>, Reference)>,
    /// Files that COPY INTO has loaded.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    loaded: BTreeSet<(String, i64)>,
    /// Columns of partitions and clusters as they were written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    partitions: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    clusters: Vec<String>,
}

/// Whether readers and writers of the files may know of a property: others of Delta's own change what the files are to
/// them, such as the mapping of columns, and the files stay as they are.
fn is_harmless(name: &str) -> bool {
    const SOFT: [&str; 7] = [
        "delta.appendOnly",
        feed::PROPERTY,
        "delta.logRetentionDuration",
        "delta.deletedFileRetentionDuration",
        "delta.targetFileSize",
        "delta.dataSkippingNumIndexedCols",
        "delta.dataSkippingStatsColumns",
    ];
    !name.to_lowercase().starts_with("delta.") || SOFT.contains(&name)
}

fn schema(state: &TableState) -> Result<String, Failure> {
    let mut unknown = Vec::new();
    let mut fields = Vec::new();
    for column in &state.columns {
        let stored = kinds::stored(&column.kind);
        let Some(kind) = kinds::write(&stored) else {
            unknown.push(format!("{}: {}", column.name, types::name(&column.kind)));
            continue;
        };
        let mut metadata = Map::new();
        let mut state = |name: &str, value: Value| metadata.insert(name.to_owned(), value);
        if let Some(comment) = &column.comment {
            state("comment", json!(comment));
        }
        if let Some(default) = &column.default {
            state(DEFAULT, json!(default));
        }
        if let Some(generated) = &column.generated {
            state(GENERATED, json!(generated));
        }
        if column.length.is_some() {
            state(LENGTH, json!(column.type_text()));
        }
        if kinds::has_variant(&column.kind) {
            state(VARIANT, json!(types::name(&column.kind)));
        }
        if let Some(identity) = &column.identity {
            state("delta.identity.start", json!(identity.start));
            state("delta.identity.step", json!(identity.step));
            state("delta.identity.allowExplicitInsert", json!(!identity.always));
            if identity.next != identity.start {
                // The number that was given last, from which others go on.
                state("delta.identity.highWaterMark", json!(identity.next.saturating_sub(identity.step)));
            }
        }
        fields.push(json!({"name": column.name, "type": kind, "nullable": column.nullable, "metadata": metadata}));
    }
    if !unknown.is_empty() {
        let text = format!("Found columns using unsupported data types: [{}].", unknown.join(", "));
        return Err(Failure::class("DELTA_UNSUPPORTED_DATA_TYPES", &text, "0AKDC"));
    }
    Ok(json!({"type": "struct", "fields": fields}).to_string())
}

/// The names of columns as the table spells them.
fn spelled(state: &TableState, names: &[String]) -> Vec<String> {
    names.iter().map(|n| state.position(n).map_or_else(|| n.clone(), |at| state.columns[at].name.clone())).collect()
}

/// What a state is to readers of the log; `id` is the table's.
pub(super) fn metadata(state: &TableState, id: &str) -> Result<Metadata, Failure> {
    feed::check_columns(state)?;
    let partitions = spelled(state, &state.partitions);
    if !partitions.is_empty() && partitions.len() == state.columns.len() {
        let text = "Cannot use all columns for partition columns.";
        return Err(Failure::class("DELTA_CANNOT_USE_ALL_COLUMNS_FOR_PARTITION", text, "428FT"));
    }
    let mut own = Own {
        owner: state.about.owner.clone(),
        tags: state.about.tags.clone(),
        loaded: state.loaded.clone(),
        row_filter: state.filter.clone(),
        ..Own::default()
    };
    if partitions != state.partitions {
        own.partitions.clone_from(&state.partitions);
    }
    own.clusters.clone_from(&state.clusters);
    for column in state.columns.iter().filter(|c| !c.tags.is_empty()) {
        own.column_tags.insert(column.name.clone(), column.tags.clone());
    }
    let masks = state.columns.iter().filter_map(|c| Some((c.name.clone(), c.mask.clone()?)));
    own.masks = masks.collect();
    let (mut configuration, withheld): (Properties, Properties) =
        state.about.properties.clone().into_iter().partition(|(name, _)| is_harmless(name));
    own.properties = withheld;
    if let Some(name) = state.about.properties.keys().find(|name| *name == OWN || name.starts_with(CHECK)) {
        return Err(feature(&format!("the property {name}; constraints are added by ALTER TABLE … ADD CONSTRAINT")));
    }
    for (name, constraint) in &state.constraints {
        match constraint {
            Constraint::Check(expression) => {
                configuration.insert(format!("{CHECK}{name}"), expression.clone());
            }
            Constraint::PrimaryKey(columns) => {
                own.primary_keys.insert(name.clone(), columns.clone());
            }
            Constraint::ForeignKey(columns, references) => {
                own.foreign_keys.insert(name.clone(), (columns.clone(), references.clone()));
            }
        }
    }
    if own != Own::default() {
        let text = serde_json::to_string(&own).map_err(|e| Failure::internal(e.to_string()))?;
        configuration.insert(OWN.to_owned(), text);
    }
    Ok(Metadata {
        id: id.to_owned(),
        name: None,
        description: state.about.comment.clone(),
        format: Format { provider: "parquet".to_owned(), options: BTreeMap::new() },
        schema_string: schema(state)?,
        partition_columns: partitions,
        configuration,
        created_time: Some(state.about.created_ms),
    })
}

/// The columns that a table is clustered by, as the feature writes them.
pub(super) fn clustering(state: &TableState) -> String {
    let columns: Vec<Vec<String>> =
        spelled(state, &state.clusters)
            .into_iter()
            .map(|name| {
                if state.position(&name).is_some() { vec![name] } else { name.split('.').map(str::to_owned).collect() }
            })
            .collect();
    json!({"clusteringColumns": columns}).to_string()
}

/// The state that a version says, without its rows.
pub(super) fn state(place: &str, snapshot: &Snapshot) -> Result<TableState, Failure> {
    let metadata = &snapshot.metadata;
    let wrong = |why: &str| broken(place, &format!("its schema {why}"));
    let schema: Value =
        serde_json::from_str(&metadata.schema_string).map_err(|e| wrong(&format!("is not JSON: {e}")))?;
    let fields = schema.get("fields").and_then(Value::as_array).ok_or_else(|| wrong("has no columns"))?;
    let mut columns: Vec<Column> = Vec::new();
    for field in fields {
        let read = column(field).map_err(|why| wrong(&why))?;
        if columns.iter().any(|other| other.key() == read.key()) {
            return Err(wrong(&format!("has two columns `{}`", read.name)));
        }
        columns.push(read);
    }
    let mut properties = metadata.configuration.clone();
    let own: Own = match properties.remove(OWN) {
        Some(text) => serde_json::from_str(&text).map_err(|e| wrong(&format!("has a wrong property {OWN}: {e}")))?,
        None => Own::default(),
    };
    properties.extend(own.properties);
    let mut constraints = BTreeMap::new();
    properties.retain(|name, value| match name.strip_prefix(CHECK) {
        Some(check) => {
            constraints.insert(check.to_owned(), Constraint::Check(value.clone()));
            false
        }
        None => true,
    });
    constraints.extend(own.primary_keys.into_iter().map(|(name, columns)| (name, Constraint::PrimaryKey(columns))));
    let foreign = own.foreign_keys.into_iter();
    constraints.extend(foreign.map(|(name, (columns, of))| (name, Constraint::ForeignKey(columns, of))));
    for (name, tags) in own.column_tags {
        if let Some(column) = columns.iter_mut().find(|c| c.name == name) {
            column.tags = tags;
        }
    }
    for (name, mask) in own.masks {
        if let Some(column) = columns.iter_mut().find(|c| c.name == name) {
            column.mask = Some(mask);
        }
    }
    Ok(TableState {
        about: About {
            comment: metadata.description.clone(),
            properties,
            tags: own.tags,
            owner: own.owner,
            created_ms: metadata.created_time.unwrap_or_default(),
        },
        columns,
        partitions: if own.partitions.is_empty() { metadata.partition_columns.clone() } else { own.partitions },
        clusters: if own.clusters.is_empty() { clusters(snapshot) } else { own.clusters },
        constraints,
        filter: own.row_filter,
        batches: Vec::new(),
        loaded: own.loaded,
    })
}

/// The columns of clusters that a writer from outside has stated.
fn clusters(snapshot: &Snapshot) -> Vec<String> {
    let stated: Option<Value> = snapshot.domains.get(CLUSTERING).and_then(|text| serde_json::from_str(text).ok());
    let columns =
        stated.as_ref().and_then(|s| s.get("clusteringColumns")).and_then(Value::as_array).into_iter().flatten();
    let name = |parts: &Value| {
        let parts: Vec<&str> = parts.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        parts.join(".")
    };
    columns.map(name).filter(|name| !name.is_empty()).collect()
}

fn column(field: &Value) -> Result<Column, String> {
    let name = field.get("name").and_then(Value::as_str).ok_or("has a column without a name")?;
    let stored = field.get("type").ok_or_else(|| format!("has no type of `{name}`"))?;
    let kind = kinds::read(stored).ok_or_else(|| format!("has a type of `{name}` that is not known here: {stored}"))?;
    let none = Map::new();
    let metadata = field.get("metadata").and_then(Value::as_object).unwrap_or(&none);
    let text = |name: &str| metadata.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut column = Column::new(name, kind);
    if let Some(own) = text(VARIANT) {
        let kind: DataType = types::parse(&own).map_err(|e| format!("has a wrong type of `{name}`: {e}"))?;
        if kinds::stored(&kind) != column.kind {
            return Err(format!("has two types of `{name}`: {own} and {stored}"));
        }
        column.kind = kind;
    }
    column.nullable = field.get("nullable").and_then(Value::as_bool).unwrap_or(true);
    column.comment = text("comment");
    column.default = text(DEFAULT);
    column.generated = text(GENERATED);
    column.length = text(LENGTH).and_then(|text| length(&text));
    let number = |name: &str| metadata.get(name).and_then(Value::as_i64);
    if let (Some(start), Some(step)) = (number("delta.identity.start"), number("delta.identity.step")) {
        let always = metadata.get("delta.identity.allowExplicitInsert").and_then(Value::as_bool) != Some(true);
        let next = number("delta.identity.highWaterMark").map_or(start, |last| last.saturating_add(step));
        column.identity = Some(Identity { always, start, step, next });
    }
    Ok(column)
}

/// `char(3)`: most characters, and whether they are filled up.
fn length(text: &str) -> Option<(usize, bool)> {
    let (word, rest) = text.split_once('(')?;
    let length = rest.strip_suffix(')')?.trim().parse().ok()?;
    match word.trim() {
        "char" => Some((length, true)),
        "varchar" => Some((length, false)),
        _ => None,
    }
}
