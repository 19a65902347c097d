//! Random numbers between two others.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;

use super::function::{Call, Env, Shape, unexpected, wrong_count};
use super::types;
use super::value::V;
use super::{cast, overflow};

/// Whole numbers give the wider type, and a decimal gives its own.
pub(super) fn shape(c: &Call<'_>) -> Result<Shape> {
    if !(2..=3).contains(&c.kinds.len()) {
        return Err(wrong_count(c.name, "[2, 3]", c.kinds.len()));
    }
    for (at, kind) in c.kinds.iter().enumerate() {
        if !kind.is_numeric() && kind != &DataType::Null {
            return Err(unexpected(c.name, at, if at < 2 { "\"NUMERIC\"" } else { "\"INTEGRAL\"" }, kind));
        }
    }
    let whole = |p: &u8, s: &i8| i32::from(*p) - i32::from(*s);
    let result = match (&c.kinds[0], &c.kinds[1]) {
        (DataType::Null, _) | (_, DataType::Null) => DataType::Float64,
        (DataType::Float64, _) | (_, DataType::Float64) => DataType::Float64,
        (DataType::Float32, _) | (_, DataType::Float32) => DataType::Float32,
        (x @ DataType::Decimal128(p, s), DataType::Decimal128(q, t)) if whole(p, s) > whole(q, t) => x.clone(),
        (_, y @ DataType::Decimal128(_, _)) => y.clone(),
        (x @ DataType::Decimal128(_, _), _) => x.clone(),
        (x, y) => types::common(x, y).unwrap_or(DataType::Int64),
    };
    let mut kinds = c.kinds.to_vec();
    if kinds.len() == 3 {
        kinds[2] = DataType::Int64;
    }
    Ok(Shape { kinds, result })
}

/// `share` of the way from the one number to the other.
pub(super) fn value(e: &Env<'_>, a: &[V], share: f64) -> Result<V> {
    let number = |at: usize| match (&a[at], &e.kinds[at]) {
        (V::Dec(n), DataType::Decimal128(_, s)) => *n as f64 / cast::pow10(i32::from(*s)) as f64,
        (v, _) => v.f(),
    };
    let (x, y) = (number(0), number(1));
    Ok(match (&a[0], &a[1], e.result) {
        (V::Int(x), V::Int(y), _) => {
            let (x, y) = (i128::from(*x), i128::from(*y));
            V::Int(i64::try_from(x + ((y - x) as f64 * share) as i128).map_err(|_| overflow(e.name))?)
        }
        (_, _, DataType::Decimal128(p, s)) => {
            let scale = cast::pow10(i32::from(*s)) as f64;
            // As a cast of the number rounds.
            let digits = ((x + (y - x) * share) * scale).round() as i128;
            if digits.unsigned_abs() >= cast::pow10(i32::from(*p)).unsigned_abs() {
                return Err(overflow(e.name));
            }
            V::Dec(digits)
        }
        (_, _, DataType::Float32) => V::Float((x + (y - x) * share) as f32),
        _ => V::Double(x + (y - x) * share),
    })
}
