//! Dates, times and intervals that are made of their parts.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;

use super::datetime::{interval_overflow, named};
use super::function::{Call, Env, Shape};
use super::times::{self, DAY, SECOND};
use super::types;
use super::value::V;
use super::{cast, fail, zone};

pub(super) fn make_type(c: &Call<'_>, result: DataType) -> Result<Shape> {
    let kinds = match c.kinds.len() {
        1 => vec![DataType::Date32],
        2 => vec![DataType::Date32, types::time()],
        3 if c.kinds[0] == DataType::Date32 => vec![DataType::Date32, types::time(), DataType::Utf8],
        n @ (6 | 7) => {
            let mut kinds = vec![DataType::Int32; 5];
            kinds.push(types::decimal(16, 6));
            if n == 7 {
                kinds.push(DataType::Utf8);
            }
            kinds
        }
        n => return Err(super::function::wrong_count(c.name, "[6, 7]", n)),
    };
    Ok(Shape { kinds, result })
}

pub(super) fn make_timestamp(e: &Env<'_>, a: &[V], lenient: bool) -> Result<V> {
    if a.len() <= 3 {
        let local = a[0].i() * DAY + a.get(1).map_or(0, V::i);
        let zone = match a.get(2) {
            Some(z) => named(z.text())?,
            None => zone::of(e.result),
        };
        return Ok(V::Ts(zone.utc(local)));
    }
    let bad = || {
        if lenient {
            Ok(V::Null)
        } else {
            Err(fail(
                "DATETIME_FIELD_OUT_OF_BOUNDS.WITHOUT_SUGGESTION",
                "22023",
                &format!("A field of {} is out of its bounds.", e.name),
            ))
        }
    };
    let Some(d) = times::checked_days(a[0].i(), a[1].i(), a[2].i()) else { return bad() };
    let (h, m) = (a[3].i(), a[4].i());
    let V::Dec(s) = a[5] else { return Ok(V::Null) };
    let s = i64::try_from(s).unwrap_or(i64::MAX);
    if !(0..24).contains(&h) || !(0..60).contains(&m) || !(0..=60 * SECOND).contains(&s) {
        return bad();
    }
    let local = d * DAY + (h * 3600 + m * 60) * SECOND + s;
    let zone = match a.get(6) {
        Some(z) if e.result == &types::timestamp() => named(z.text())?,
        _ => zone::of(e.result),
    };
    Ok(V::Ts(zone.utc(local)))
}

pub(super) fn parts_type(c: &Call<'_>, most: usize, fraction: bool, result: DataType) -> Result<Shape> {
    if c.kinds.len() > most {
        return Err(super::function::wrong_count(c.name, &format!("[0, {most}]"), c.kinds.len()));
    }
    let kinds = (0..c.kinds.len())
        .map(|i| if fraction && i + 1 == most { types::decimal(18, 6) } else { DataType::Int32 })
        .collect();
    Ok(Shape { kinds, result })
}

pub(super) fn seconds(v: &V, kind: &DataType) -> Option<i64> {
    match (v, kind) {
        (V::Dec(n), DataType::Decimal128(_, s)) => {
            cast::rescale(*n, i32::from(*s), 6).and_then(|n| i64::try_from(n).ok())
        }
        _ => Some(v.i() * SECOND),
    }
}

pub(super) fn make_interval(e: &Env<'_>, a: &[V]) -> Result<V> {
    let n = |i: usize| a.get(i).map_or(0, V::i);
    let micros = if a.len() > 6 { seconds(&a[6], &e.kinds[6]) } else { Some(0) };
    let made = (|| {
        let months = i32::try_from(n(0).checked_mul(12)?.checked_add(n(1))?).ok()?;
        let days = i32::try_from(n(2).checked_mul(7)?.checked_add(n(3))?).ok()?;
        let us = n(4).checked_mul(3600 * SECOND)?.checked_add(n(5).checked_mul(60 * SECOND)?)?.checked_add(micros?)?;
        Some(V::Cal(months, days, us))
    })();
    made.ok_or_else(|| interval_overflow(e.name))
}
