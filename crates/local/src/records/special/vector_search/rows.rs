//! The rows of an index, and the nearest of them.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::filters::Filter;
use super::{INDEXES, direct};
use crate::records::call::{Call, member, set, text};
use crate::records::store::{Change, Record};
use crate::reply::{ApiError, Json, Reply};

/// Rows that a search gives unless it asks for another number, and at most.
const USUAL: i64 = 10;
const MOST: i64 = 10_000;

/// They go with the index.
fn collection(index: &Record) -> String {
    format!("vector_search_indexes/{}/rows", text(index, "name"))
}

/// What an index wants of its rows.
struct Form {
    key: String,
    /// Names of the columns, where the index states them.
    columns: Vec<String>,
    /// Columns of vectors and how long these are.
    vectors: Vec<(String, Option<usize>)>,
}

impl Form {
    fn of(index: &Record) -> Self {
        let spec = member(index, "direct_access_index_spec");
        let schema =
            spec["schema_json"].as_str().and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok());
        let vectors = spec["embedding_vector_columns"].as_array().into_iter().flatten();
        let vectors = vectors.filter_map(|column| {
            let dimension = column["embedding_dimension"].as_u64().and_then(|n| usize::try_from(n).ok());
            Some((column["name"].as_str()?.to_owned(), dimension))
        });
        Self {
            key: text(index, "primary_key").to_owned(),
            columns: schema.map(|schema| schema.keys().cloned().collect()).unwrap_or_default(),
            vectors: vectors.collect(),
        }
    }

    /// The key of a row, or why the row cannot be kept.
    fn check(&self, row: &Map<String, Value>) -> Result<String, String> {
        let key = match row.get(&self.key) {
            Some(Value::String(text)) if !text.is_empty() => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => return Err(format!("a row has no {}", self.key)),
        };
        if let Some(other) = row.keys().find(|name| !self.columns.is_empty() && !self.columns.contains(name)) {
            return Err(format!("the index has no column {other}"));
        }
        for (name, dimension) in &self.vectors {
            let found = vector(row.get(name)).ok_or_else(|| format!("{name} is a list of numbers"))?;
            if let Some(wanted) = dimension.filter(|wanted| *wanted != found.len()) {
                return Err(format!("{name} has {} numbers in place of {wanted}", found.len()));
            }
        }
        Ok(key)
    }
}

fn vector(value: Option<&Value>) -> Option<Vec<f64>> {
    value?.as_array()?.iter().map(Value::as_f64).collect()
}

fn count(change: &mut Change<'_>, index: &Record) {
    let rows = change.list(&collection(index)).len();
    let mut index = index.clone();
    set(&mut index, "status", json!({"ready": true, "indexed_row_count": rows}));
    let name = text(&index, "name").to_owned();
    change.put(INDEXES, &name, index);
}

pub(super) fn upsert(call: &Call<'_>) -> Reply {
    let text = call.body.str("inputs_json")?;
    let rows: Vec<Map<String, Value>> = serde_json::from_str(text)
        .map_err(|e| ApiError::invalid_parameter(format!("inputs_json is not a list of objects in JSON: {e}")))?;
    call.transact(|change| {
        let index = direct(change, call)?;
        let form = Form::of(&index);
        for row in &rows {
            // One that is wrong leaves the others out as well, so that nobody takes a part for the whole.
            let key = form.check(row).map_err(ApiError::invalid_parameter)?;
            change.put(&collection(&index), &key, row.clone());
        }
        count(change, &index);
        Ok(Json(json!({"status": "SUCCESS", "result": {"success_row_count": rows.len(), "failed_primary_keys": []}})))
    })
}

pub(super) fn delete(call: &Call<'_>) -> Reply {
    let keys: Vec<&str> = call.query.all("primary_keys").collect();
    if keys.is_empty() {
        return Err(crate::extract::missing("primary_keys"));
    }
    call.transact(|change| {
        let index = direct(change, call)?;
        for key in &keys {
            change.remove(&collection(&index), key);
        }
        count(change, &index);
        Ok(Json(json!({"status": "SUCCESS", "result": {"success_row_count": keys.len(), "failed_primary_keys": []}})))
    })
}

/// A value in the form of Protocol Buffers.
fn encoded(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(b) => json!({"bool_value": b}),
        Value::Number(n) => json!({"number_value": n}),
        Value::String(s) => json!({"string_value": s}),
        Value::Array(all) => json!({"list_value": {"values": all.iter().map(encoded).collect::<Vec<_>>()}}),
        Value::Object(members) => json!({"struct_value": structure(members)}),
    }
}

fn structure(members: &Map<String, Value>) -> Value {
    let fields: Vec<_> = members.iter().map(|(key, value)| json!({"key": key, "value": encoded(value)})).collect();
    json!({"fields": fields})
}

/// Rows by key: first numbers by their size, then texts.
fn by_key(a: &str, b: &str) -> Ordering {
    match (a.parse::<i64>(), b.parse::<i64>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        _ => a.cmp(b),
    }
}

fn wanted(call: &Call<'_>) -> Result<usize, ApiError> {
    let number = call.body.opt_i64("num_results")?.unwrap_or(USUAL);
    if !(1..=MOST).contains(&number) {
        return Err(ApiError::invalid_parameter(format!("num_results is a number from 1 to {MOST}")));
    }
    Ok(usize::try_from(number).unwrap_or_default())
}

pub(super) fn scan(call: &Call<'_>) -> Reply {
    let (number, after) = (wanted(call)?, call.body.opt_str("last_primary_key")?.filter(|key| !key.is_empty()));
    let change = call.desk.records.change();
    let index = direct(&change, call)?;
    let mut rows = change.list(&collection(&index));
    rows.sort_by(|(a, _), (b, _)| by_key(a, b));
    let rows = rows.into_iter().filter(|(key, _)| after.is_none_or(|after| by_key(key, after) == Ordering::Greater));
    let rows: Vec<_> = rows.take(number).collect();
    let mut out = json!({"data": rows.iter().map(|(_, row)| structure(row)).collect::<Vec<_>>()});
    if let Some((key, _)) = rows.last() {
        out["last_primary_key"] = json!(key);
    }
    Ok(Json(out))
}

fn refused(what: &str) -> ApiError {
    let message = format!("The embedded workspace does not search indexes {what}");
    ApiError::new(http::StatusCode::NOT_IMPLEMENTED, "NOT_IMPLEMENTED", message)
}

pub(super) fn query(call: &Call<'_>) -> Reply {
    let columns = call.body.opt_strings("columns")?.filter(|all| !all.is_empty());
    let columns = columns.ok_or_else(|| crate::extract::missing("columns"))?;
    if call.body.opt_str("query_text")?.is_some_and(|text| !text.is_empty()) {
        return Err(refused("by text: no model turns it into a vector; state query_vector"));
    }
    if let Some(kind) = call.body.opt_str("query_type")?.filter(|kind| !matches!(*kind, "" | "ANN")) {
        return Err(refused(&format!("in the way of {kind}; ANN is what it has")));
    }
    for member in ["facets", "sort_columns", "reranker", "columns_to_rerank", "query_columns"] {
        if call.body.0.get(member).is_some_and(|value| !value.is_null() && *value != json!([])) {
            return Err(refused(&format!("with {member}")));
        }
    }
    let asked = vector(call.body.0.get("query_vector")).ok_or_else(|| crate::extract::missing("query_vector"))?;
    let filter = Filter::parse(call.body.opt_str("filters_json")?.unwrap_or_default())?;
    let threshold = call.body.0.get("score_threshold").and_then(Value::as_f64).unwrap_or(0.0);
    let number = wanted(call)?;
    let change = call.desk.records.change();
    let index = direct(&change, call)?;
    let form = Form::of(&index);
    let Some((name, dimension)) = form.vectors.first() else {
        return Err(refused("that have no column of vectors"));
    };
    if let Some(wanted) = dimension.filter(|wanted| *wanted != asked.len()) {
        let message = format!("query_vector has {} numbers, and {name} has {wanted}", asked.len());
        return Err(ApiError::invalid_parameter(message));
    }
    if let Some(other) = columns.iter().find(|column| !form.columns.is_empty() && !form.columns.contains(column)) {
        return Err(ApiError::invalid_parameter(format!("The index has no column '{other}'")));
    }
    let mut found = Vec::new();
    for (key, row) in change.list(&collection(&index)) {
        if !filter.holds(row) {
            continue;
        }
        let own = vector(row.get(name)).unwrap_or_default();
        let square: f64 = own.iter().zip(&asked).map(|(a, b)| (a - b) * (a - b)).sum();
        let score = 1.0 / (1.0 + square);
        if score >= threshold {
            found.push((score, key, row));
        }
    }
    // The nearest first; of equally near ones the order is that of keys.
    found.sort_by(|(a, x, _), (b, y, _)| b.total_cmp(a).then_with(|| by_key(x, y)));
    found.truncate(number);
    let data: Vec<Value> = found
        .iter()
        .map(|(score, _, row)| {
            let cells = columns.iter().map(|column| row.get(column).cloned().unwrap_or(Value::Null));
            cells.chain([json!(score)]).collect()
        })
        .collect();
    let names: Vec<Value> =
        columns.iter().map(String::as_str).chain(["score"]).map(|name| json!({"name": name})).collect();
    Ok(Json(json!({
        "manifest": {"column_count": names.len(), "columns": names},
        "result": {"row_count": data.len(), "data_array": data},
    })))
}
