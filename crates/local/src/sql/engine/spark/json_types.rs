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
