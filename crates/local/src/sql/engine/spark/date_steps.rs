//! Steps between dates and times, and buckets of them.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};

use super::date_parts::field_name;
use super::function::{Call, Env, Shape};
use super::times::{self, DAY, SECOND, civil};
use super::types;
use super::value::V;
use super::{fail, overflow, zone};

pub(super) fn add_type(c: &Call<'_>) -> Result<Shape> {
    let [_, _, kind] = c.kinds else { return Err(super::function::wrong_count(c.name, "3", c.kinds.len())) };
    let unit = field_name(c)?;
    let kind = match kind {
        DataType::Timestamp(_, None) => types::ntz(),
        // A date stays one where whole days are added.
        DataType::Date32
            if matches!(unit.as_str(), "YEAR" | "QUARTER" | "MONTH" | "WEEK" | "DAY" | "DAYOFYEAR")
                && c.name == "dateadd_unit" =>
        {
            DataType::Date32
        }
        _ => types::timestamp(),
    };
    Ok(Shape { kinds: vec![DataType::Utf8, DataType::Int64, kind.clone()], result: kind })
}

pub(super) fn bad_unit(name: &str, unit: &str) -> DataFusionError {
    fail(
        "INVALID_PARAMETER_VALUE.DATETIME_UNIT",
        "22023",
        &format!(
            "The value of parameter(s) `unit` in `{name}` is invalid: expects one of the units without quotes YEAR, QUARTER, MONTH, WEEK, DAY, DAYOFYEAR, HOUR, MINUTE, SECOND, MILLISECOND, MICROSECOND, but got the string literal '{unit}'."
        ),
    )
}

pub(super) fn timestamp_add(e: &Env<'_>, a: &[V]) -> Result<V> {
    let unit = a[0].text().to_ascii_uppercase();
    let n = a[1].i();
    let scaled = |by: i64| n.checked_mul(by).ok_or_else(|| overflow(e.name));
    let (months, days, us) = match unit.as_str() {
        "YEAR" => (scaled(12)?, 0, 0),
        "QUARTER" => (scaled(3)?, 0, 0),
        "MONTH" => (n, 0, 0),
        "WEEK" => (0, scaled(7)?, 0),
        "DAY" | "DAYOFYEAR" => (0, n, 0),
        "HOUR" => (0, 0, scaled(3600 * SECOND)?),
        "MINUTE" => (0, 0, scaled(60 * SECOND)?),
        "SECOND" => (0, 0, scaled(SECOND)?),
        "MILLISECOND" => (0, 0, scaled(1000)?),
        "MICROSECOND" => (0, 0, n),
        _ => return Err(bad_unit(e.name, &unit)),
    };
    times::add_interval(a[2].i(), months, days, us, &zone::of(&e.kinds[2])).map(V::Ts).ok_or_else(|| overflow(e.name))
}

/// By the clocks of the session: a day in which they are set forward has 24 hours.
pub(super) fn difference(e: &Env<'_>, a: &[V]) -> Result<V> {
    let unit = a[0].text();
    let local = |at: usize| zone::of(&e.kinds[at]).local(a[at].i());
    let (from, to) = (local(1), local(2));
    let months = || {
        let ((da, ta), (db, tb)) = (times::split(from), times::split(to));
        let ((ya, ma, d), (yb, mb, f)) = (civil(da), civil(db));
        let n = (yb - ya) * 12 + mb - ma;
        let (early, late) = ((d, ta), (f, tb));
        if n > 0 && late < early {
            n - 1
        } else if n < 0 && late > early {
            n + 1
        } else {
            n
        }
    };
    let us = to.checked_sub(from).ok_or_else(|| overflow(e.name))?;
    Ok(V::Int(match unit.to_ascii_uppercase().as_str() {
        "YEAR" => months() / 12,
        "QUARTER" => months() / 3,
        "MONTH" => months(),
        "WEEK" => us / (7 * DAY),
        "DAY" | "DAYOFYEAR" => us / DAY,
        "HOUR" => us / (3600 * SECOND),
        "MINUTE" => us / (60 * SECOND),
        "SECOND" => us / SECOND,
        "MILLISECOND" => us / 1000,
        "MICROSECOND" => us,
        other => return Err(bad_unit(e.name, other)),
    }))
}

pub(super) fn bucket(e: &Env<'_>, a: &[V]) -> Result<V> {
    if a.iter().any(V::is_null) {
        return Ok(V::Null);
    }
    let zone = zone::of(e.result);
    // Whole days and months are those of the calendar; other lengths pass on all clocks alike.
    let passes = matches!(&a[0], V::Dt(width) if width % DAY != 0);
    let at = |v: &V| match v {
        V::Date(d) => i64::from(*d) * DAY,
        v if passes => v.i(),
        v => zone.local(v.i()),
    };
    let start = if passes { zone.utc(0) } else { 0 };
    let (us, origin) = (at(&a[1]), a.get(2).map_or(start, at));
    let not_positive = || super::invalid(e.name, "bucket_width", "it must be positive");
    let out = match &a[0] {
        V::Dt(width) if *width > 0 => origin + (us - origin).div_euclid(*width) * width,
        V::Ym(width) if *width > 0 => {
            let width = i64::from(*width);
            let (d, t) = times::split(origin);
            let (y, m, _) = civil(times::split(us).0);
            let (oy, om, _) = civil(d);
            let mut n = ((y - oy) * 12 + m - om).div_euclid(width);
            let start = |n: i64| times::add_months(d, n * width) * DAY + t;
            while start(n) > us {
                n -= 1;
            }
            start(n)
        }
        _ => return Err(not_positive()),
    };
    Ok(if e.result == &DataType::Date32 {
        V::Date(out.div_euclid(DAY) as i32)
    } else {
        V::Ts(if passes { out } else { zone.utc(out) })
    })
}
