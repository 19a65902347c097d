//! Types of columns that are read as strings: the narrowest that holds all values.

use std::collections::BTreeMap;

use datafusion::arrow::datatypes::DataType;
use serde_json::Value;

use crate::sql::engine::spark::{cast, times, types};

/// The type of one value.
fn of(text: &str) -> DataType {
    if text.parse::<i32>().is_ok() {
        return DataType::Int32;
    }
    if text.parse::<i64>().is_ok() {
        return DataType::Int64;
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.is_empty() && digits.len() <= 38 && digits.bytes().all(|b| b.is_ascii_digit()) {
        return types::decimal(i32::try_from(digits.len()).unwrap_or(38), 0);
    }
    if is_double(text) {
        return DataType::Float64;
    }
    // A date may be read of a time, too; that would lose the rest.
    if text.len() >= 4 && !text.contains([' ', ':', 'T']) && times::parse_date(text).is_some() {
        return DataType::Date32;
    }
    if text.contains('-') && times::parse_timestamp(text).is_some() {
        return types::timestamp();
    }
    if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
        return DataType::Boolean;
    }
    DataType::Utf8
}

fn is_double(text: &str) -> bool {
    matches!(text, "NaN" | "Inf" | "-Inf") || (text.bytes().any(|b| b.is_ascii_digit()) && cast::float(text).is_some())
}

/// The type that holds the values of both.
fn merged(a: &DataType, b: &DataType) -> DataType {
    if a.is_null() || a == b {
        return b.clone();
    }
    match (a, b) {
        (x, y) if x.is_numeric() && y.is_numeric() => {
            if x.is_floating() || y.is_floating() {
                return DataType::Float64;
            }
            types::common(x, y).unwrap_or(DataType::Float64)
        }
        (DataType::Date32, DataType::Timestamp(_, _)) | (DataType::Timestamp(_, _), DataType::Date32) => {
            types::timestamp()
        }
        _ => DataType::Utf8,
    }
}

/// The type of a column; a column without values is one of strings.
pub(super) fn column<'a>(values: impl Iterator<Item = &'a str>) -> DataType {
    let mut kind = DataType::Null;
    for value in values {
        kind = merged(&kind, &of(value));
        if kind == DataType::Utf8 {
            break;
        }
    }
    if kind.is_null() { DataType::Utf8 } else { kind }
}

/// The type of a JSON value; members in the order of their names, as the platform infers them.
pub(super) fn json(value: &Value) -> DataType {
    match value {
        Value::Null => DataType::Null,
        Value::Bool(_) => DataType::Boolean,
        Value::Number(n) if n.is_i64() => DataType::Int64,
        Value::Number(n) if n.is_f64() => DataType::Float64,
        Value::Number(n) => types::decimal(i32::try_from(n.to_string().len()).unwrap_or(38), 0),
        Value::String(_) => DataType::Utf8,
        Value::Array(items) => types::list(items.iter().map(json).fold(DataType::Null, |a, b| json_merged(&a, &b))),
        Value::Object(members) => {
            let mut fields: Vec<_> = members.iter().map(|(name, v)| (name.clone(), json(v))).collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            types::structure(fields)
        }
    }
}

/// The type that holds the JSON values of both.
pub(super) fn json_merged(a: &DataType, b: &DataType) -> DataType {
    match (a, b) {
        (a, b) if a == b => a.clone(),
        (DataType::Null, other) | (other, DataType::Null) => other.clone(),
        (DataType::List(x), DataType::List(y)) => types::list(json_merged(x.data_type(), y.data_type())),
        (DataType::Struct(x), DataType::Struct(y)) => {
            let mut fields: BTreeMap<String, DataType> =
                x.iter().map(|f| (f.name().clone(), f.data_type().clone())).collect();
            for f in y {
                let kind = match fields.get(f.name()) {
                    Some(kind) => json_merged(kind, f.data_type()),
                    None => f.data_type().clone(),
                };
                fields.insert(f.name().clone(), kind);
            }
            types::structure(fields)
        }
        (x, y) if x.is_numeric() && y.is_numeric() => merged(x, y),
        _ => DataType::Utf8,
    }
}

/// With strings where no value has told a type.
pub(super) fn known(kind: &DataType) -> DataType {
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
    fn the_narrowest_type_holds_all() {
        for (values, kind) in [
            (vec!["1", "-2"], "int"),
            (vec!["1", "3000000000"], "bigint"),
            (vec!["1", "12345678901234567890"], "decimal(20,0)"),
            (vec!["1", "2.5"], "double"),
            (vec!["2024-01-31", "1999-01-01"], "date"),
            (vec!["2024-01-31", "1999-01-01 10:00:00"], "timestamp"),
            (vec!["true", "FALSE"], "boolean"),
            (vec!["true", "1"], "string"),
            (vec!["1", "2024-01-01"], "string"),
            (vec![], "string"),
        ] {
            assert_eq!(types::simple(&column(values.iter().copied())), kind, "{values:?}");
        }
    }

    #[test]
    fn json_without_a_value_tells_no_type() {
        let all =
            [r#"{"b": null, "a": 1, "l": []}"#, r#"{"a": 1.5, "b": {"x": "y"}, "l": [1, null]}"#, r#"{"c": null}"#];
        let kind = all
            .iter()
            .map(|text| json(&serde_json::from_str(text).unwrap()))
            .fold(DataType::Null, |a, b| json_merged(&a, &b));
        assert_eq!(types::simple(&known(&kind)), "struct<a:double,b:struct<x:string>,c:string,l:array<bigint>>");
    }
}
