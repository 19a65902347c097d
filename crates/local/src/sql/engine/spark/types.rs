//! Types: how they are written, and which one holds the values of two others.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Fields, IntervalUnit, TimeUnit};

pub(crate) use super::spans::{FIELDS, fields, full, interval, is_day_time, is_days, is_year_month, span, unit};
pub(crate) use super::type_text::{parse, parse_schema};

/// The only member of the structure that stands for a VARIANT: its JSON text.
const VARIANT: &str = "\u{2}variant";

pub(crate) fn list(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", item, true)))
}

pub(crate) fn map(key: DataType, value: DataType) -> DataType {
    let pair = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, true)]);
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair), false)), false)
}

pub(crate) fn structure<S: Into<String>>(fields: impl IntoIterator<Item = (S, DataType)>) -> DataType {
    DataType::Struct(fields.into_iter().map(|(n, t)| Field::new(n, t, true)).collect())
}

pub(crate) fn variant() -> DataType {
    structure([(VARIANT, DataType::Utf8)])
}

pub(crate) fn is_variant(kind: &DataType) -> bool {
    matches!(kind, DataType::Struct(f) if f.len() == 1 && f[0].name() == VARIANT)
}

pub(crate) fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

pub(crate) fn ntz() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, None)
}

pub(crate) fn time() -> DataType {
    DataType::Time64(TimeUnit::Microsecond)
}

pub(crate) fn day_time() -> DataType {
    DataType::Duration(TimeUnit::Microsecond)
}

pub(crate) fn year_month() -> DataType {
    DataType::Interval(IntervalUnit::YearMonth)
}

pub(crate) fn calendar() -> DataType {
    DataType::Interval(IntervalUnit::MonthDayNano)
}

pub(crate) fn decimal(precision: i32, scale: i32) -> DataType {
    DataType::Decimal128(precision.clamp(1, 38) as u8, scale.clamp(0, 38) as i8)
}

pub(crate) fn element(kind: &DataType) -> DataType {
    match kind {
        DataType::List(f) => f.data_type().clone(),
        _ => DataType::Null,
    }
}

pub(crate) fn key_value(kind: &DataType) -> (DataType, DataType) {
    match kind {
        DataType::Map(f, _) => match f.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => (pair[0].data_type().clone(), pair[1].data_type().clone()),
            _ => (DataType::Null, DataType::Null),
        },
        _ => (DataType::Null, DataType::Null),
    }
}

pub(crate) fn is_text(kind: &DataType) -> bool {
    kind == &DataType::Utf8
}

pub(crate) fn is_time(kind: &DataType) -> bool {
    matches!(kind, DataType::Date32 | DataType::Timestamp(_, _))
}

pub(crate) fn is_interval(kind: &DataType) -> bool {
    matches!(kind, DataType::Interval(_)) || span(kind).is_some()
}

pub(crate) fn is_nested(kind: &DataType) -> bool {
    matches!(kind, DataType::List(_) | DataType::Map(_, _) | DataType::Struct(_))
}

/// As SQL writes it, in capital letters.
pub(crate) fn name(kind: &DataType) -> String {
    match kind {
        DataType::Null => "VOID".to_owned(),
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Int8 => "TINYINT".to_owned(),
        DataType::Int16 => "SMALLINT".to_owned(),
        DataType::Int32 => "INT".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::Float32 => "FLOAT".to_owned(),
        DataType::Float64 => "DOUBLE".to_owned(),
        DataType::Utf8 => "STRING".to_owned(),
        DataType::Binary => "BINARY".to_owned(),
        DataType::Date32 => "DATE".to_owned(),
        DataType::Timestamp(_, None) => "TIMESTAMP_NTZ".to_owned(),
        DataType::Timestamp(_, _) => "TIMESTAMP".to_owned(),
        DataType::Time64(_) => "TIME(6)".to_owned(),
        DataType::Decimal128(p, s) => format!("DECIMAL({p},{s})"),
        kind if is_interval(kind) => match span(kind) {
            Some((first, last)) => format!("INTERVAL {}", fields(first, last)),
            None => "INTERVAL".to_owned(),
        },
        DataType::List(f) => format!("ARRAY<{}>", name(f.data_type())),
        DataType::Map(_, _) => {
            let (k, v) = key_value(kind);
            format!("MAP<{}, {}>", name(&k), name(&v))
        }
        kind if is_variant(kind) => "VARIANT".to_owned(),
        DataType::Struct(fields) => {
            let parts: Vec<_> =
                fields.iter().map(|f| format!("{}: {}", quoted(f.name()), name(f.data_type()))).collect();
            format!("STRUCT<{}>", parts.join(", "))
        }
        other => other.to_string(),
    }
}

/// A name as it stands in a type, in backticks where it has to.
fn quoted(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.is_empty();
    if plain { name.to_owned() } else { format!("`{}`", name.replace('`', "``")) }
}

/// As `typeof` and `DESCRIBE` write it.
pub(crate) fn simple(kind: &DataType) -> String {
    match kind {
        DataType::List(f) => format!("array<{}>", simple(f.data_type())),
        DataType::Map(_, _) => {
            let (k, v) = key_value(kind);
            format!("map<{},{}>", simple(&k), simple(&v))
        }
        kind if is_variant(kind) => "variant".to_owned(),
        DataType::Struct(fields) => {
            let parts: Vec<_> = fields.iter().map(|f| format!("{}:{}", f.name(), simple(f.data_type()))).collect();
            format!("struct<{}>", parts.join(","))
        }
        other => name(other).to_lowercase(),
    }
}

fn digits(kind: &DataType) -> Option<(i32, i32)> {
    Some(match kind {
        DataType::Int8 => (3, 0),
        DataType::Int16 => (5, 0),
        DataType::Int32 => (10, 0),
        DataType::Int64 => (20, 0),
        DataType::Decimal128(p, s) => (i32::from(*p), i32::from(*s)),
        _ => return None,
    })
}

/// The decimal that an exact number is.
pub(crate) fn as_decimal(kind: &DataType) -> Option<(i32, i32)> {
    digits(kind)
}

/// The type that both are read as where they meet, if there is one.
pub(crate) fn common(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType::{Binary, Boolean, Date32, Decimal128, Float32, Float64, Int64, List, Map, Null, Struct, Utf8};
    if a == b {
        return Some(a.clone());
    }
    Some(match (a, b) {
        (Null, other) | (other, Null) => other.clone(),
        (List(x), List(y)) => list(common(x.data_type(), y.data_type())?),
        (Map(_, _), Map(_, _)) => {
            let ((k, v), (l, w)) = (key_value(a), key_value(b));
            map(common(&k, &l)?, common(&v, &w)?)
        }
        (Struct(x), Struct(y)) if x.len() == y.len() => {
            let fields =
                x.iter().zip(y.iter()).map(|(f, g)| Some((f.name().clone(), common(f.data_type(), g.data_type())?)));
            structure(fields.collect::<Option<Vec<_>>>()?)
        }
        (Utf8, other) | (other, Utf8) => match other {
            kind if kind.is_integer() => Int64,
            Float32 | Float64 | Decimal128(_, _) => Float64,
            Boolean | Binary | Date32 | DataType::Timestamp(_, _) | DataType::Time64(_) => other.clone(),
            kind if is_interval(kind) => other.clone(),
            _ => return None,
        },
        (x, y) if x.is_numeric() && y.is_numeric() => {
            if x.is_integer() && y.is_integer() {
                return Some(if x.primitive_width() >= y.primitive_width() { x.clone() } else { y.clone() });
            }
            if x == &Float64 || y == &Float64 {
                return Some(Float64);
            }
            if x == &Float32 || y == &Float32 {
                return Some(Float64);
            }
            let ((p, s), (q, t)) = (digits(x)?, digits(y)?);
            let scale = s.max(t);
            let whole = (p - s).max(q - t);
            if whole + scale > 38 { decimal(38, (38 - whole).max(0)) } else { decimal(whole + scale, scale) }
        }
        (x, y) if (is_year_month(x) && is_year_month(y)) || (is_day_time(x) && is_day_time(y)) => {
            let ((first, last), (from, to)) = (span(x)?, span(y)?);
            interval(first.min(from), last.max(to))?
        }
        (Date32, DataType::Timestamp(_, _)) => b.clone(),
        (DataType::Timestamp(_, _), Date32) => a.clone(),
        (DataType::Timestamp(_, x), DataType::Timestamp(_, _)) => {
            if x.is_some() {
                a.clone()
            } else {
                b.clone()
            }
        }
        _ => return None,
    })
}
