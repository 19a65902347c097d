//! Sums and means.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;

use super::cast;
use super::function::{Call, Env, Shape, by_signature, wrong_count};
use super::statistics::present;
use super::types;
use super::value::V;

pub(super) fn sum_type(c: &Call<'_>) -> Result<Shape> {
    let [kind] = c.kinds else { return Err(wrong_count(c.name, "1", c.kinds.len())) };
    let (read, result) = match kind {
        k if k.is_integer() => (DataType::Int64, DataType::Int64),
        DataType::Decimal128(p, s) => (kind.clone(), types::decimal(i32::from(*p) + 10, i32::from(*s))),
        k if types::span(k).is_some() => (k.clone(), k.clone()),
        _ => return by_signature("d -> d", c),
    };
    Ok(Shape { kinds: vec![read], result })
}

pub(super) fn total(e: &Env<'_>, rows: &[Vec<V>]) -> Result<V> {
    let over = || super::overflow("sum");
    let mut sum = None;
    for v in present(rows) {
        sum = Some(match (sum, v) {
            (None, v) => v.clone(),
            (Some(V::Int(x)), V::Int(y)) => V::Int(x.checked_add(*y).ok_or_else(over)?),
            (Some(V::Double(x)), V::Double(y)) => V::Double(x + y),
            (Some(V::Dec(x)), V::Dec(y)) => V::Dec(x.checked_add(*y).ok_or_else(over)?),
            (Some(V::Ym(x)), V::Ym(y)) => V::Ym(x.checked_add(*y).ok_or_else(over)?),
            (Some(V::Dt(x)), V::Dt(y)) => V::Dt(x.checked_add(*y).ok_or_else(over)?),
            (Some(other), _) => other,
        });
    }
    if let (Some(V::Dec(n)), DataType::Decimal128(p, _)) = (&sum, e.result)
        && n.unsigned_abs() >= cast::pow10(i32::from(*p)).unsigned_abs()
    {
        return Err(over());
    }
    Ok(sum.unwrap_or(V::Null))
}

pub(super) fn average_type(c: &Call<'_>) -> Result<Shape> {
    let [kind] = c.kinds else { return Err(wrong_count(c.name, "1", c.kinds.len())) };
    let (read, result) = match kind {
        DataType::Decimal128(p, s) => (kind.clone(), types::decimal(i32::from(*p) + 4, i32::from(*s) + 4)),
        k if types::span(k).is_some() => (k.clone(), types::full(k)),
        _ => return by_signature("d -> d", c),
    };
    Ok(Shape { kinds: vec![read], result })
}

pub(super) fn average(e: &Env<'_>, rows: &[Vec<V>]) -> Result<V> {
    let n = present(rows).count();
    let sum = total(&Env { result: &e.kinds[0], ..*e }, rows)?;
    Ok(match (sum, e.result, &e.kinds[0]) {
        (V::Double(x), _, _) => V::Double(x / n as f64),
        (V::Dec(x), DataType::Decimal128(_, r), DataType::Decimal128(_, s)) => {
            V::Dec(super::super::arithmetic::divide_rounded(x, n as i128, i32::from(*r) - i32::from(*s))?)
        }
        (V::Ym(x), _, _) => V::Ym((f64::from(x) / n as f64).round() as i32),
        (V::Dt(x), _, _) => V::Dt((x as f64 / n as f64).round() as i64),
        _ => V::Null,
    })
}
