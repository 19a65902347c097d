//! Percentiles.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;

use super::fail;
use super::function::{Call, Env, Shape, unexpected, wrong_count};
use super::statistics::sorted;
use super::types::{self, list};
use super::value::V;

pub(super) fn continuous(c: &Call<'_>, kind: &DataType) -> Result<(DataType, DataType)> {
    match kind {
        k if types::span(k).is_some() => Ok((k.clone(), types::full(k))),
        k if k.is_numeric() || types::is_text(k) || k == &DataType::Null => Ok((DataType::Float64, DataType::Float64)),
        k => Err(unexpected(c.name, 0, "\"NUMERIC\" or \"ANSI INTERVAL\"", k)),
    }
}

pub(super) fn median_type(c: &Call<'_>) -> Result<Shape> {
    let [kind] = c.kinds else { return Err(wrong_count(c.name, "1", c.kinds.len())) };
    let (read, result) = continuous(c, kind)?;
    Ok(Shape { kinds: vec![read], result })
}

pub(super) fn shaped(c: &Call<'_>, read: DataType, result: DataType) -> Shape {
    let several = matches!(c.kinds[1], DataType::List(_));
    let mut kinds = vec![read, if several { list(DataType::Float64) } else { DataType::Float64 }];
    kinds.extend(c.kinds.iter().skip(2).map(|_| DataType::Int64));
    Shape { kinds, result: if several { list(result) } else { result } }
}

pub(super) fn percentile_type(c: &Call<'_>) -> Result<Shape> {
    if !(2..=3).contains(&c.kinds.len()) {
        return Err(wrong_count(c.name, "[2, 3]", c.kinds.len()));
    }
    let (read, result) = continuous(c, &c.kinds[0])?;
    Ok(shaped(c, read, result))
}

pub(super) fn approx_type(c: &Call<'_>) -> Result<Shape> {
    if !(2..=3).contains(&c.kinds.len()) {
        return Err(wrong_count(c.name, "[2, 3]", c.kinds.len()));
    }
    let kind = if types::is_text(&c.kinds[0]) { DataType::Float64 } else { c.kinds[0].clone() };
    Ok(shaped(c, kind.clone(), kind))
}

/// The value for one share, or for each of an array.
pub(super) fn each(e: &Env<'_>, rows: &[Vec<V>], value: impl Fn(f64, &DataType) -> Result<V>) -> Result<V> {
    let Some(shares) = rows.first().map(|r| &r[1]) else { return Ok(V::Null) };
    let checked = |v: &V| {
        let p = v.f();
        if (0.0..=1.0).contains(&p) {
            Ok(p)
        } else {
            Err(fail(
                "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
                "42K09",
                &format!("The percentage must be between [0.0, 1.0], but got {p}."),
            ))
        }
    };
    match shares {
        V::List(items) => {
            let kind = types::element(e.result);
            let values = items.iter().map(|p| value(checked(p)?, &kind)).collect::<Result<Vec<_>>>()?;
            Ok(if values.iter().all(V::is_null) { V::Null } else { V::List(values) })
        }
        one => value(checked(one)?, e.result),
    }
}

pub(super) fn interpolated(sorted: &[V], p: f64, kind: &DataType) -> Result<V> {
    if sorted.is_empty() {
        return Ok(V::Null);
    }
    let number = |v: &V| match v {
        V::Ym(_) | V::Dt(_) => v.i() as f64,
        v => v.f(),
    };
    let at = p * (sorted.len() - 1) as f64;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    let (x, y) = (number(&sorted[low]), number(&sorted[high]));
    let value = if low == high || x == y { x } else { (high as f64 - at) * x + (at - low as f64) * y };
    Ok(match kind {
        k if types::is_year_month(k) => V::Ym(value as i32),
        k if types::is_day_time(k) => V::Dt(value as i64),
        _ => V::Double(value),
    })
}

pub(super) fn at_rank(sorted: &[V], p: f64) -> V {
    if sorted.is_empty() {
        return V::Null;
    }
    let rank = ((p * sorted.len() as f64).ceil() as usize).clamp(1, sorted.len());
    sorted[rank - 1].clone()
}

pub(super) fn approx(e: &Env<'_>, rows: &[Vec<V>]) -> Result<V> {
    let sorted = sorted(rows, 0);
    each(e, rows, |p, _| Ok(at_rank(&sorted, p)))
}
