//! Texts of files as columns and rows.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::query::FileQuery;
use super::{csv, infer};
use crate::sql::Failure;
use crate::sql::engine::errors;
use crate::sql::engine::spark::value::{V, build};
use crate::sql::engine::spark::{cast, json, json_types, types};
use crate::sql::engine::store::missing::feature;
use crate::sql::engine::store::table::{Rows, SPELLING};

/// Columns and the values of their rows.
pub(super) struct Table {
    pub(super) columns: Vec<(String, DataType)>,
    pub(super) rows: Vec<Vec<V>>,
}

pub(super) fn schema(text: &str) -> Result<Vec<(String, DataType)>, Failure> {
    match types::parse_schema(text).map_err(|e| errors::failure(&e))? {
        DataType::Struct(fields) => Ok(fields.iter().map(|f| (f.name().clone(), f.data_type().clone())).collect()),
        _ => Err(feature("a schema that is not a list of columns")),
    }
}

/// A value that does not fit is NULL, or an error where the mode says so.
fn fitted(query: &FileQuery, value: V, kind: &DataType) -> Result<V, Failure> {
    if query.option(&["mode"]).is_some_and(|m| m.eq_ignore_ascii_case("failfast")) {
        return cast::cast(&value, &DataType::Utf8, kind).map_err(|_| {
            Failure::class(
                "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
                "Malformed records are detected in record parsing. Parse Mode: FAILFAST.",
                "22023",
            )
        });
    }
    Ok(match &value {
        V::Str(text) if types::is_time(kind) => json::read_time(text, kind, &query.options),
        value => cast::attempt(value, &DataType::Utf8, kind),
    })
}

pub(super) fn csv(
    query: &FileQuery,
    texts: &[String],
    schema: Option<&[(String, DataType)]>,
) -> Result<Table, Failure> {
    let signs = csv::Signs {
        separator: query.sign(&["sep", "delimiter"], Some(','))?.unwrap_or(','),
        quote: query.sign(&["quote"], Some('"'))?.unwrap_or('"'),
        escape: query.sign(&["escape"], Some('\\'))?.unwrap_or('\\'),
        comment: query.sign(&["comment"], None)?,
        lines: query.is_true("multiline"),
    };
    let header = query.is_true("header");
    let null = query.option(&["nullvalue"]);
    let mut names: Vec<String> = Vec::new();
    let mut rows: Vec<Vec<Option<String>>> = Vec::new();
    for text in texts {
        let mut records = csv::records(text, &signs)?.into_iter();
        let mut own: Vec<String> = Vec::new();
        if header {
            let Some(first) = records.next() else { continue };
            own = first.into_iter().enumerate().map(|(at, n)| n.unwrap_or_else(|| format!("_c{at}"))).collect();
        }
        let records: Vec<_> = records.collect();
        let width = records.iter().map(Vec::len).max().unwrap_or(0);
        if header && width > own.len() {
            return Err(feature("CSV records with more values than the header has names"));
        }
        own.extend((own.len()..width).map(|at| format!("_c{at}")));
        let places: Vec<usize> = own
            .iter()
            .map(|name| match names.iter().position(|n| n.eq_ignore_ascii_case(name)) {
                Some(at) => at,
                None => {
                    names.push(name.clone());
                    names.len() - 1
                }
            })
            .collect();
        if places.iter().collect::<BTreeSet<_>>().len() != places.len() {
            let text = "The column names of the CSV header are not unique.";
            return Err(Failure::class("COLUMN_ALREADY_EXISTS", text, "42711"));
        }
        for record in records {
            let mut row = vec![None; names.len()];
            for (value, at) in record.into_iter().zip(&places) {
                row[*at] = value.filter(|v| null != Some(v.as_str()));
            }
            rows.push(row);
        }
    }
    let columns: Vec<(String, DataType)> = match schema {
        Some(given) => {
            let differs = header && given.iter().zip(&names).any(|((n, _), own)| !n.eq_ignore_ascii_case(own));
            if differs || given.len() < names.len() {
                return Err(feature("a schema whose columns are not those of the CSV files, in their order"));
            }
            given.to_vec()
        }
        None => {
            let inferred = match query.option(&["inferschema", "infercolumntypes"]) {
                Some(stated) => stated.eq_ignore_ascii_case("true"),
                None => query.function,
            };
            let kind = |at: usize| {
                if inferred {
                    infer::column(rows.iter().filter_map(|r| r.get(at).and_then(Option::as_deref)))
                } else {
                    DataType::Utf8
                }
            };
            let kinds: Vec<_> = (0..names.len()).map(kind).collect();
            names.into_iter().zip(kinds).collect()
        }
    };
    let rows = rows.into_iter().map(|row| {
        let cells = columns.iter().enumerate();
        let cells = cells.map(|(at, (_, kind))| match row.get(at).cloned().flatten() {
            Some(text) => fitted(query, V::Str(text), kind),
            None => Ok(V::Null),
        });
        cells.collect::<Result<Vec<_>, _>>()
    });
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    Ok(Table { columns, rows })
}

pub(super) fn json_lines(
    query: &FileQuery,
    texts: &[String],
    schema: Option<&[(String, DataType)]>,
) -> Result<Table, Failure> {
    let malformed = |why: String| {
        Failure::class(
            "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
            &format!("Malformed records are detected in record parsing: {why}."),
            "22023",
        )
    };
    let mut values = Vec::new();
    for text in texts {
        let parts: Vec<&str> = if query.is_true("multiline") { vec![text] } else { text.lines().collect() };
        for part in parts.into_iter().filter(|p| !p.trim().is_empty()) {
            match serde_json::from_str(part).map_err(|e| malformed(e.to_string()))? {
                serde_json::Value::Array(all) => values.extend(all),
                one => values.push(one),
            }
        }
    }
    if let Some(other) = values.iter().find(|v| !v.is_object()) {
        return Err(malformed(format!("{other} is not an object")));
    }
    let columns: Vec<(String, DataType)> = match schema {
        Some(given) => given.to_vec(),
        None => {
            let kind = values.iter().map(json_types::json).fold(DataType::Null, |a, b| json_types::merged(&a, &b));
            match json_types::known(&kind) {
                DataType::Struct(fields) => fields.iter().map(|f| (f.name().clone(), f.data_type().clone())).collect(),
                _ => Vec::new(),
            }
        }
    };
    let kind = types::structure(columns.iter().map(|(name, kind)| (name.clone(), kind.clone())));
    let rows = values.iter().map(|v| json::from_value(v, &kind, &query.options).items().to_vec()).collect();
    Ok(Table { columns, rows })
}

pub(super) fn text(query: &FileQuery, texts: &[String]) -> Table {
    let whole = query.is_true("wholetext");
    let rows = texts.iter().flat_map(|text| {
        let parts: Vec<V> = if whole { vec![text.as_str().into()] } else { text.lines().map(V::from).collect() };
        parts.into_iter().map(|v| vec![v])
    });
    Table { columns: vec![("value".to_owned(), DataType::Utf8)], rows: rows.collect() }
}

pub(super) fn provider(table: &Table) -> Result<Rows, Failure> {
    let fields = table.columns.iter().map(|(name, kind)| {
        let spelled = HashMap::from([(SPELLING.to_owned(), name.clone())]);
        Field::new(name.to_lowercase(), kind.clone(), true).with_metadata(spelled)
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let arrays = table.columns.iter().enumerate().map(|(at, (_, kind))| {
        let cells: Vec<V> = table.rows.iter().map(|r| r.get(at).cloned().unwrap_or(V::Null)).collect();
        build(kind, &cells)
    });
    let arrays = arrays.collect::<Result<Vec<_>, _>>().map_err(|e| errors::failure(&e))?;
    let options = RecordBatchOptions::new().with_row_count(Some(table.rows.len()));
    let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options)
        .map_err(|e| errors::failure(&e.into()))?;
    Ok(Rows { schema, batches: vec![batch] })
}
