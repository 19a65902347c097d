//! Types that JSON values have.

use std::collections::BTreeMap;

use datafusion::arrow::datatypes::DataType;
use serde_json::Value;

use super::types::{self, common};

/// The type of a JSON value; members in the order of their names, as the platform infers them.
pub(crate) fn json(value: &Value) -> DataType {
    match value {
        Value::Null => DataType::Null,
        Value::Bool(_) => DataType::Boolean,
        Value::Number(n) if n.is_i64() => DataType::Int64,
        Value::Number(n) if n.is_f64() => DataType::Float64,
        Value::Number(n) => types::decimal(i32::try_from(n.to_string().len()).unwrap_or(38), 0),
        Value::String(_) => DataType::Utf8,
        Value::Array(items) => types::list(items.iter().map(json).fold(DataType::Null, |a, b| merged(&a, &b))),
        Value::Object(members) => {
            let mut fields: Vec<_> = members.iter().map(|(name, v)| (name.clone(), json(v))).collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            types::structure(fields)
        }
    }
}

/// The type that holds the JSON values of both.
pub(crate) fn merged(a: &DataType, b: &DataType) -> DataType {
    match (a, b) {
        (a, b) if a == b => a.clone(),
        (DataType::Null, other) | (other, DataType::Null) => other.clone(),
        (DataType::List(x), DataType::List(y)) => types::list(merged(x.data_type(), y.data_type())),
        (DataType::Struct(x), DataType::Struct(y)) => {
            let mut fields: BTreeMap<String, DataType> =
                x.iter().map(|f| (f.name().clone(), f.data_type().clone())).collect();
            for f in y {
                let kind = match fields.get(f.name()) {
                    Some(kind) => merged(kind, f.data_type()),
                    None => f.data_type().clone(),
                };
                fields.insert(f.name().clone(), kind);
            }
            types::structure(fields)
        }
        (x, y) if x.is_numeric() && y.is_numeric() => common(x, y).unwrap_or(DataType::Utf8),
        _ => DataType::Utf8,
    }
}

/// With strings where no value has told a type.
pub(crate) fn known(kind: &DataType) -> DataType {
    match kind {
        DataType::Null => DataType::Utf8,
        DataType::List(f) => types::list(known(f.data_type())),
        DataType::Struct(fields) => types::structure(fields.iter().map(|f| (f.name().clone(), known(f.data_type())))),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_without_a_value_tells_no_type() {
        let all =
            [r#"{"b": null, "a": 1, "l": []}"#, r#"{"a": 1.5, "b": {"x": "y"}, "l": [1, null]}"#, r#"{"c": null}"#];
        let kind = all
            .iter()
            .map(|text| json(&serde_json::from_str(text).unwrap()))
            .fold(DataType::Null, |a, b| merged(&a, &b));
        assert_eq!(types::simple(&known(&kind)), "struct<a:double,b:struct<x:string>,c:string,l:array<bigint>>");
    }
}
