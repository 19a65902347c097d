//! Values of single cells: what functions compute with, between the engine's arrays.

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray as _, BinaryBuilder, BooleanArray, Date32Array, Decimal128Array, DurationMicrosecondArray,
    FixedSizeBinaryBuilder, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array,
    IntervalMonthDayNanoArray, IntervalYearMonthArray, ListArray, MapArray, NullArray, StringBuilder, StructArray,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType,
    Time64MicrosecondType, TimeUnit, TimestampMicrosecondType,
};
use datafusion::error::Result;

use super::{fail, types};

/// A value; its type is kept beside it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum V {
    Null,
    Bool(bool),
    /// TINYINT to BIGINT.
    Int(i64),
    Float(f32),
    Double(f64),
    /// The digits of a decimal; the scale is in the type.
    Dec(i128),
    Str(String),
    Bin(Vec<u8>),
    /// Days since 1970.
    Date(i32),
    /// Microseconds since 1970, with or without time zone.
    Ts(i64),
    /// Microseconds since midnight.
    Time(i64),
    /// Months.
    Ym(i32),
    /// Microseconds.
    Dt(i64),
    /// Months, days, microseconds.
    Cal(i32, i32, i64),
    List(Vec<V>),
    Map(Vec<(V, V)>),
    Struct(Vec<V>),
}

impl V {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(crate) fn str(s: impl Into<String>) -> Self {
        Self::Str(s.into())
    }

    pub(crate) fn int(n: usize) -> Self {
        Self::Int(i64::try_from(n).unwrap_or(i64::MAX))
    }

    /// The string of a string value; empty for others, which signatures keep away.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Str(s) => s,
            _ => "",
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Str(s) => s.as_bytes(),
            Self::Bin(b) => b,
            _ => &[],
        }
    }

    pub(crate) fn i(&self) -> i64 {
        match self {
            Self::Int(n) => *n,
            Self::Date(n) | Self::Ym(n) => i64::from(*n),
            Self::Ts(n) | Self::Dt(n) | Self::Time(n) => *n,
            Self::Bool(b) => i64::from(*b),
            _ => 0,
        }
    }

    pub(crate) fn f(&self) -> f64 {
        match self {
            Self::Double(d) => *d,
            Self::Float(f) => f64::from(*f),
            Self::Int(n) => *n as f64,
            _ => 0.0,
        }
    }

    pub(crate) fn bool(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    pub(crate) fn items(&self) -> &[V] {
        match self {
            Self::List(v) | Self::Struct(v) => v,
            _ => &[],
        }
    }

    pub(crate) fn entries(&self) -> &[(V, V)] {
        match self {
            Self::Map(v) => v,
            _ => &[],
        }
    }
}

impl From<bool> for V {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl<T: Into<V>> From<Option<T>> for V {
    fn from(v: Option<T>) -> Self {
        v.map_or(Self::Null, Into::into)
    }
}

impl From<i64> for V {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl From<f64> for V {
    fn from(n: f64) -> Self {
        Self::Double(n)
    }
}

impl From<String> for V {
    fn from(s: String) -> Self {
        Self::Str(s)
    }
}

impl From<&str> for V {
    fn from(s: &str) -> Self {
        Self::Str(s.to_owned())
    }
}

/// The platform's order: NULL first, NaN above all numbers and equal to itself.
pub(crate) fn order(a: &V, b: &V) -> Ordering {
    match (a, b) {
        (V::Null, V::Null) => Ordering::Equal,
        (V::Null, _) => Ordering::Less,
        (_, V::Null) => Ordering::Greater,
        (V::Bool(a), V::Bool(b)) => a.cmp(b),
        (V::Int(a), V::Int(b)) | (V::Ts(a), V::Ts(b)) | (V::Dt(a), V::Dt(b)) | (V::Time(a), V::Time(b)) => a.cmp(b),
        (V::Float(a), V::Float(b)) => floats(f64::from(*a), f64::from(*b)),
        (V::Double(a), V::Double(b)) => floats(*a, *b),
        (V::Dec(a), V::Dec(b)) => a.cmp(b),
        (V::Str(a), V::Str(b)) => a.as_bytes().cmp(b.as_bytes()),
        (V::Bin(a), V::Bin(b)) => a.cmp(b),
        (V::Date(a), V::Date(b)) | (V::Ym(a), V::Ym(b)) => a.cmp(b),
        (V::Cal(a, b, c), V::Cal(x, y, z)) => (a, b, c).cmp(&(x, y, z)),
        (V::List(a), V::List(b)) | (V::Struct(a), V::Struct(b)) => {
            for (a, b) in a.iter().zip(b) {
                match order(a, b) {
                    Ordering::Equal => {}
                    other => return other,
                }
            }
            a.len().cmp(&b.len())
        }
        (V::Map(a), V::Map(b)) => {
            let flat = |m: &[(V, V)]| {
                let mut m = m.to_vec();
                m.sort_by(|x, y| order(&x.0, &y.0));
                V::List(m.into_iter().map(|(k, v)| V::Struct(vec![k, v])).collect())
            };
            order(&flat(a), &flat(b))
        }
        _ => Ordering::Equal,
    }
}

fn floats(a: f64, b: f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        _ => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
    }
}

pub(crate) fn same(a: &V, b: &V) -> bool {
    order(a, b) == Ordering::Equal
}

/// The value of a row of an array of a wire type.
pub(crate) fn read(array: &dyn Array, row: usize) -> V {
    if array.is_null(row) {
        return V::Null;
    }
    match array.data_type() {
        DataType::Boolean => V::Bool(array.as_boolean().value(row)),
        DataType::Int8 => V::Int(array.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => V::Int(array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => V::Int(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => V::Int(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => V::Float(array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => V::Double(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, _) => V::Dec(array.as_primitive::<Decimal128Type>().value(row)),
        DataType::Utf8 => V::Str(array.as_string::<i32>().value(row).to_owned()),
        DataType::Binary => V::Bin(array.as_binary::<i32>().value(row).to_vec()),
        DataType::Date32 => V::Date(array.as_primitive::<Date32Type>().value(row)),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            V::Ts(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        DataType::Time64(TimeUnit::Microsecond) => V::Time(array.as_primitive::<Time64MicrosecondType>().value(row)),
        DataType::Interval(IntervalUnit::YearMonth) => V::Ym(array.as_primitive::<IntervalYearMonthType>().value(row)),
        DataType::Duration(TimeUnit::Microsecond) => V::Dt(array.as_primitive::<DurationMicrosecondType>().value(row)),
        kind @ DataType::FixedSizeBinary(_) => {
            let bytes = array.as_fixed_size_binary().value(row).first_chunk::<8>().copied().unwrap_or_default();
            let n = i64::from_be_bytes(bytes) ^ i64::MIN;
            if types::is_year_month(kind) { V::Ym(n as i32) } else { V::Dt(n) }
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let v = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
            V::Cal(v.months, v.days, v.nanoseconds / 1000)
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            V::List((0..items.len()).map(|i| read(&items, i)).collect())
        }
        DataType::Map(_, _) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            V::Map((0..entries.len()).map(|i| (read(keys, i), read(values, i))).collect())
        }
        DataType::Struct(_) => V::Struct(array.as_struct().columns().iter().map(|c| read(c, row)).collect()),
        _ => V::Null,
    }
}

/// An array of `kind` that holds the values.
pub(crate) fn build(kind: &DataType, values: &[V]) -> Result<ArrayRef> {
    macro_rules! each {
        ($array:ty, $pattern:pat => $value:expr) => {
            Arc::new(
                values
                    .iter()
                    .map(|v| match v {
                        $pattern => Some($value),
                        _ => None,
                    })
                    .collect::<$array>(),
            )
        };
    }
    Ok(match kind {
        DataType::Null => Arc::new(NullArray::new(values.len())),
        DataType::Boolean => each!(BooleanArray, V::Bool(b) => *b),
        DataType::Int8 => each!(Int8Array, V::Int(n) => *n as i8),
        DataType::Int16 => each!(Int16Array, V::Int(n) => *n as i16),
        DataType::Int32 => each!(Int32Array, V::Int(n) => *n as i32),
        DataType::Int64 => each!(Int64Array, V::Int(n) => *n),
        DataType::Float32 => each!(Float32Array, V::Float(n) => *n),
        DataType::Float64 => each!(Float64Array, V::Double(n) => *n),
        DataType::Date32 => each!(Date32Array, V::Date(n) => *n),
        DataType::Time64(TimeUnit::Microsecond) => each!(Time64MicrosecondArray, V::Time(n) => *n),
        DataType::Duration(TimeUnit::Microsecond) => each!(DurationMicrosecondArray, V::Dt(n) => *n),
        DataType::Interval(IntervalUnit::YearMonth) => each!(IntervalYearMonthArray, V::Ym(n) => *n),
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            each!(IntervalMonthDayNanoArray, V::Cal(m, d, us) =>
                IntervalMonthDayNano::new(*m, *d, us.saturating_mul(1000)))
        }
        // Bytes that are ordered as the amounts are, with zeros behind.
        DataType::FixedSizeBinary(width) if types::span(kind).is_some() => {
            let mut b = FixedSizeBinaryBuilder::with_capacity(values.len(), *width);
            for v in values {
                match v {
                    V::Ym(_) | V::Dt(_) => {
                        let mut bytes = (v.i() ^ i64::MIN).to_be_bytes().to_vec();
                        bytes.resize(usize::try_from(*width).unwrap_or_default(), 0);
                        b.append_value(&bytes)?;
                    }
                    _ => b.append_null(),
                }
            }
            Arc::new(b.finish())
        }
        DataType::Decimal128(p, s) => {
            let array: Decimal128Array =
                values.iter().map(|v| if let V::Dec(n) = v { Some(*n) } else { None }).collect();
            Arc::new(array.with_precision_and_scale(*p, *s)?)
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let array: TimestampMicrosecondArray =
                values.iter().map(|v| if let V::Ts(n) = v { Some(*n) } else { None }).collect();
            Arc::new(array.with_timezone_opt(zone.clone()))
        }
        DataType::Utf8 => {
            let mut b = StringBuilder::new();
            for v in values {
                match v {
                    V::Str(s) => b.append_value(s),
                    _ => b.append_null(),
                }
            }
            Arc::new(b.finish())
        }
        DataType::Binary => {
            let mut b = BinaryBuilder::new();
            for v in values {
                match v {
                    V::Bin(s) => b.append_value(s),
                    _ => b.append_null(),
                }
            }
            Arc::new(b.finish())
        }
        DataType::List(field) => {
            let lengths = values.iter().map(|v| v.items().len());
            let flat: Vec<V> = values.iter().flat_map(|v| v.items().iter().cloned()).collect();
            let nulls = nulls(values);
            let offsets = OffsetBuffer::from_lengths(lengths);
            Arc::new(ListArray::try_new(Arc::clone(field), offsets, build(field.data_type(), &flat)?, nulls)?)
        }
        DataType::Struct(fields) => {
            let columns = fields
                .iter()
                .enumerate()
                .map(|(i, f)| {
                    let column: Vec<V> = values.iter().map(|v| v.items().get(i).cloned().unwrap_or(V::Null)).collect();
                    build(f.data_type(), &column)
                })
                .collect::<Result<Vec<_>>>()?;
            Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls(values), values.len())?)
        }
        DataType::Map(field, sorted) => {
            let DataType::Struct(pair) = field.data_type() else {
                return Err(fail("INTERNAL_ERROR", "XX000", "a map without entries"));
            };
            let (mut keys, mut items) = (Vec::new(), Vec::new());
            for (k, v) in values.iter().flat_map(V::entries) {
                keys.push(k.clone());
                items.push(v.clone());
            }
            let columns = vec![build(pair[0].data_type(), &keys)?, build(pair[1].data_type(), &items)?];
            let entries = StructArray::try_new_with_length(pair.clone(), columns, None, keys.len())?;
            let offsets = OffsetBuffer::from_lengths(values.iter().map(|v| v.entries().len()));
            Arc::new(MapArray::try_new(Arc::clone(field), offsets, entries, nulls(values), *sorted)?)
        }
        other => {
            return Err(fail(
                "UNSUPPORTED_FEATURE",
                "0A000",
                &format!("The embedded workspace has no values of the engine's type {other}."),
            ));
        }
    })
}

fn nulls(values: &[V]) -> Option<NullBuffer> {
    values.iter().any(V::is_null).then(|| values.iter().map(|v| !v.is_null()).collect())
}
