//! Cells as text: what the platform writes into JSON and CSV results.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use datafusion::arrow::array::{Array, AsArray as _};
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimeUnit, TimestampMicrosecondType,
};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::array_value_to_string;

use super::spark::times;
use super::spark::zone::Zone;
use crate::sql::request::Format;
use crate::sql::row_text::{encode_row, json_text};

/// Encodes one row in `format`.
pub(super) fn encode(out: &mut Vec<u8>, format: Format, batch: &RecordBatch, row: usize) {
    let cells: Vec<_> = batch.columns().iter().map(|c| text(c, row)).collect();
    encode_row(out, format, cells.iter().map(Option::as_deref));
}

/// The string of a cell, `None` for NULL.
pub(crate) fn text(array: &dyn Array, row: usize) -> Option<String> {
    if array.is_null(row) || array.data_type() == &DataType::Null {
        return None;
    }
    Some(match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).to_string(),
        DataType::Float64 => double(array.as_primitive::<Float64Type>().value(row)),
        DataType::Float32 => float(array.as_primitive::<Float32Type>().value(row)),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Decimal128(_, _) => array.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Date32 => date(array.as_primitive::<Date32Type>().value(row)),
        DataType::Timestamp(TimeUnit::Microsecond, None) => {
            timestamp(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) => {
            let us = array.as_primitive::<TimestampMicrosecondType>().value(row);
            let zone = Zone::parse(zone).unwrap_or(Zone::UTC);
            let mut out = timestamp(zone.local(us));
            // Writing to a string cannot fail.
            let _ = write!(out, "{}", if zone.offset(us) == 0 { Zone::UTC } else { Zone::fixed(zone.offset(us)) });
            out
        }
        DataType::Binary => STANDARD.encode(array.as_binary::<i32>().value(row)),
        DataType::List(_) | DataType::Struct(_) | DataType::Map(_, _) => {
            let mut out = Vec::new();
            nested(&mut out, array, row);
            String::from_utf8_lossy(&out).into_owned()
        }
        _ => array_value_to_string(array, row).unwrap_or_default(),
    })
}

/// A value inside an array, map or struct, as JSON.
fn nested(out: &mut Vec<u8>, array: &dyn Array, row: usize) {
    if array.is_null(row) {
        out.extend_from_slice(b"null");
        return;
    }
    match array.data_type() {
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            out.push(b'[');
            for i in 0..items.len() {
                if i > 0 {
                    out.push(b',');
                }
                nested(out, &items, i);
            }
            out.push(b']');
        }
        DataType::Struct(fields) => {
            out.push(b'{');
            for (i, (field, column)) in fields.iter().zip(array.as_struct().columns()).enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                json_text(out, field.name());
                out.push(b':');
                nested(out, column, row);
            }
            out.push(b'}');
        }
        DataType::Map(_, _) => {
            let entries = array.as_map().value(row);
            out.push(b'{');
            for i in 0..entries.len() {
                if i > 0 {
                    out.push(b',');
                }
                json_text(out, &text(entries.column(0), i).unwrap_or_default());
                out.push(b':');
                nested(out, entries.column(1), i);
            }
            out.push(b'}');
        }
        kind => {
            // Numbers that JSON has and truth values stand as they are, the rest as strings.
            let value = text(array, row).unwrap_or_default();
            let finite = !matches!(value.as_str(), "NaN" | "Infinity" | "-Infinity");
            if (kind.is_numeric() || kind == &DataType::Boolean) && finite {
                out.extend_from_slice(value.as_bytes());
            } else {
                json_text(out, &value);
            }
        }
    }
}

/// As the platform's language writes a double: `1.0`, `1.0E10`, `NaN`, `Infinity`.
fn double(value: f64) -> String {
    float_text(value.is_finite(), &format!("{value:?}"), &format!("{value:e}"), value.abs())
}

fn float(value: f32) -> String {
    float_text(value.is_finite(), &format!("{value:?}"), &format!("{value:e}"), f64::from(value.abs()))
}

fn float_text(finite: bool, debug: &str, scientific: &str, magnitude: f64) -> String {
    if !finite {
        return debug.replace("inf", "Infinity");
    }
    if magnitude == 0.0 || (1e-3..1e7).contains(&magnitude) {
        // Rust's form has the fraction that the platform's has too, and the fewest digits that read back the same.
        return debug.to_owned();
    }
    let (digits, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let fraction = if digits.contains('.') { "" } else { ".0" };
    format!("{digits}{fraction}E{exponent}")
}

fn date(days: i32) -> String {
    times::date_text(i64::from(days))
}

/// ISO 8601 with milliseconds, or microseconds where there are any.
fn timestamp(local: i64) -> String {
    let Ok(t) = jiff::Timestamp::from_microsecond(local) else {
        // Beyond the years of the library.
        return times::timestamp_text(local).replacen(' ', "T", 1);
    };
    let mut out = String::with_capacity(32);
    let format = if local % 1000 == 0 { "%Y-%m-%dT%H:%M:%S%.3f" } else { "%Y-%m-%dT%H:%M:%S%.6f" };
    // Writing to a string cannot fail.
    let _ = write!(out, "{}", t.strftime(format));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_read_as_the_platform_writes_them() {
        for (value, text) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (-2.5, "-2.5"),
            (0.0, "0.0"),
            (1e7, "1.0E7"),
            (12_345_678.9, "1.23456789E7"),
            (1e-4, "1.0E-4"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(double(value), text);
        }
        assert_eq!(float(0.1), "0.1");
    }

    #[test]
    fn times_have_milliseconds() {
        assert_eq!(date(19_723), "2024-01-01");
        assert_eq!(date(-1), "1969-12-31");
        assert_eq!(timestamp(0), "1970-01-01T00:00:00.000");
        assert_eq!(timestamp(1_704_067_200_123_456), "2024-01-01T00:00:00.123456");
    }
}
