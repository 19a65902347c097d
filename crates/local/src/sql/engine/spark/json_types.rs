//! Types that JSON values have.

use datafusion::arrow::datatypes::DataType;
use serde_json::Value;
use std::collections::BTreeMap;

use super::types::{self, common, list};

/// The type that a JSON value has.
pub(crate) fn inferred(value: &Value, sort: bool) -> DataType {
    match value {
        Value::Null => DataType::Utf8,
        Value::Bool(_) => DataType::Boolean,
        Value::Number(n) if n.is_f64() => DataType::Float64,
        Value::Number(n) if n.is_i64() => DataType::Int64,
        Value::Number(n) => types::decimal(i32::try_from(n.to_string().len()).unwrap_or(38), 0),
        Value::String(_) => DataType::Utf8,
        Value::Array(items) => {
            list(items.iter().map(|v| inferred(v, sort)).reduce(|a, b| merged(&a, &b)).unwrap_or(DataType::Utf8))
        }
        Value::Object(o) => {
            let mut fields: Vec<_> = o.iter().map(|(k, v)| (k.clone(), inferred(v, sort))).collect();
            if sort {
                fields.sort_by(|a, b| a.0.cmp(&b.0));
            }
            types::structure(fields)
        }
    }
}

pub(super) fn merged(a: &DataType, b: &DataType) -> DataType {
    match (a, b) {
        (a, b) if a == b => a.clone(),
        (DataType::Struct(x), DataType::Struct(y)) => {
            let mut fields: BTreeMap<String, DataType> =
                x.iter().map(|f| (f.name().clone(), f.data_type().clone())).collect();
            for f in y {
                let kind = fields.get(f.name()).map_or_else(|| f.data_type().clone(), |k| merged(k, f.data_type()));
                fields.insert(f.name().clone(), kind);
            }
            types::structure(fields)
        }
        (a, b) if a.is_numeric() && b.is_numeric() => common(a, b).unwrap_or(DataType::Utf8),
        _ => DataType::Utf8,
    }
}

pub(crate) fn variant_schema(value: &Value) -> String {
    match value {
        Value::Null => "VOID".to_owned(),
        Value::Bool(_) => "BOOLEAN".to_owned(),
        Value::Number(n) if n.is_i64() => "BIGINT".to_owned(),
        Value::Number(n) => {
            let t = n.to_string();
            let fraction = t.split_once('.').map_or(0, |(_, f)| f.len());
            let digits = t.trim_start_matches(['-', '0', '.']).bytes().filter(u8::is_ascii_digit).count();
            if t.contains(['e', 'E']) || digits > 38 {
                "DOUBLE".to_owned()
            } else {
                format!("DECIMAL({},{fraction})", digits.max(fraction).max(1))
            }
        }
        Value::String(_) => "STRING".to_owned(),
        Value::Array(items) => {
            let inner = items
                .iter()
                .map(variant_schema)
                .reduce(|a, b| merged_schema(&a, &b))
                .unwrap_or_else(|| "VOID".to_owned());
            format!("ARRAY<{inner}>")
        }
        Value::Object(o) => {
            let mut parts: Vec<_> = o.iter().map(|(k, v)| format!("{k}: {}", variant_schema(v))).collect();
            parts.sort();
            format!("OBJECT<{}>", parts.join(", "))
        }
    }
}

pub(crate) fn merged_schema(a: &str, b: &str) -> String {
    match (a, b) {
        (a, b) if a == b => a.to_owned(),
        ("VOID", other) | (other, "VOID") => other.to_owned(),
        _ => "VARIANT".to_owned(),
    }
}
