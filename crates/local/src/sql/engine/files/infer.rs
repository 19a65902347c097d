//! Types of columns that are read as strings: the narrowest that holds all values.

use datafusion::arrow::datatypes::DataType;

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
}
