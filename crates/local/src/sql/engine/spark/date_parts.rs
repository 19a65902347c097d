//! Parts of dates, times and intervals.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;

use super::function::{Call, Env, Shape};
use super::times::{self, DAY, SECOND, civil};
use super::types;
use super::value::V;
use super::{fail, zone};

pub(super) fn field_name(c: &Call<'_>) -> Result<String> {
    match c.constants.first() {
        Some(Some(V::Str(s))) => Ok(s.to_ascii_uppercase()),
        _ => Err(fail(
            "NON_FOLDABLE_ARGUMENT",
            "42K08",
            &format!(
                "The function `{}` requires the parameter `field` to be a foldable expression of the type \"STRING\", but the actual argument is a non-foldable.",
                c.name
            ),
        )),
    }
}

pub(super) fn part_type(c: &Call<'_>) -> Result<Shape> {
    let [_, kind] = c.kinds else { return Err(super::function::wrong_count(c.name, "2", c.kinds.len())) };
    let field = field_name(c)?;
    let second = matches!(field.as_str(), "SECOND" | "S" | "SEC" | "SECONDS" | "SECS");
    let source = match kind {
        k if types::is_interval(k) || matches!(k, DataType::Timestamp(_, None) | DataType::Time64(_)) => k.clone(),
        DataType::Date32 if !second => DataType::Date32,
        _ => types::timestamp(),
    };
    let known = if types::is_interval(&source) {
        interval_part(&V::Cal(0, 0, 0), &field).is_some()
    } else {
        time_part(0, &field).is_some()
    };
    if !known {
        return Err(fail(
            "INVALID_EXTRACT_FIELD",
            "42601",
            &format!("Cannot extract `{field}` from an expression of the type \"{}\".", types::name(kind)),
        ));
    }
    let result = if second {
        types::decimal(8, 6)
    } else if types::is_interval(&source) {
        match field.as_str() {
            f if f.starts_with("MON") => DataType::Int8,
            f if f.starts_with('H') || f.starts_with("MIN") => DataType::Int8,
            "M" => DataType::Int8,
            _ => DataType::Int32,
        }
    } else {
        DataType::Int32
    };
    Ok(Shape { kinds: vec![DataType::Utf8, source], result })
}

pub(super) fn part(e: &Env<'_>, a: &[V]) -> Result<V> {
    let field = a[0].text().to_ascii_uppercase();
    let n = match &a[1] {
        V::Date(d) => time_part(i64::from(*d) * DAY, &field),
        V::Ts(us) => time_part(zone::of(&e.kinds[1]).local(*us), &field),
        V::Time(us) => time_part(*us, &field),
        v => interval_part(v, &field),
    };
    let n = n.ok_or_else(|| fail("INVALID_EXTRACT_FIELD", "42601", &format!("Cannot extract `{field}`.")))?;
    Ok(if matches!(e.result, DataType::Decimal128(_, _)) { V::Dec(i128::from(n)) } else { V::Int(n) })
}

/// Seconds are microseconds, the digits of a decimal.
pub(super) fn time_part(us: i64, field: &str) -> Option<i64> {
    let (d, time) = times::split(us);
    let (y, m, day) = civil(d);
    Some(match field {
        "YEAR" | "Y" | "YEARS" | "YR" | "YRS" => y,
        "YEAROFWEEK" => times::iso_week(d).0,
        "QUARTER" | "QTR" => (m - 1) / 3 + 1,
        "MONTH" | "MON" | "MONS" | "MONTHS" => m,
        "WEEK" | "W" | "WEEKS" => times::iso_week(d).1,
        "DAY" | "D" | "DAYS" => day,
        "DAYOFWEEK" | "DOW" => times::weekday(d) % 7 + 1,
        "DAYOFWEEK_ISO" | "DOW_ISO" => times::weekday(d),
        "DOY" => times::day_of_year(d),
        "HOUR" | "H" | "HOURS" | "HR" | "HRS" => time / (3600 * SECOND),
        "MINUTE" | "M" | "MIN" | "MINS" | "MINUTES" => time / (60 * SECOND) % 60,
        "SECOND" | "S" | "SEC" | "SECONDS" | "SECS" => time % (60 * SECOND),
        _ => return None,
    })
}

pub(super) fn interval_part(v: &V, field: &str) -> Option<i64> {
    let (months, days, us) = match v {
        V::Ym(m) => (i64::from(*m), 0, 0),
        V::Dt(us) => (0, us / DAY, us % DAY),
        V::Cal(m, d, us) => (i64::from(*m), i64::from(*d), *us),
        _ => return None,
    };
    Some(match field {
        "YEAR" | "Y" | "YEARS" | "YR" | "YRS" => months / 12,
        "MONTH" | "MON" | "MONS" | "MONTHS" => months % 12,
        "DAY" | "D" | "DAYS" => days,
        "HOUR" | "H" | "HOURS" | "HR" | "HRS" => us / (3600 * SECOND),
        "MINUTE" | "M" | "MIN" | "MINS" | "MINUTES" => us / (60 * SECOND) % 60,
        "SECOND" | "S" | "SEC" | "SECONDS" | "SECS" => us % (60 * SECOND),
        _ => return None,
    })
}
