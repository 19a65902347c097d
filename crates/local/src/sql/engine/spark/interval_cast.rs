//! Casts to intervals.

use datafusion::error::Result;

use super::value::V;
use super::{interval, types};

/// An interval of a span; fields below its last are cut off.
pub(super) fn to_interval(v: &V, (first, last): (u8, u8)) -> Option<Result<V>> {
    let unit = types::unit(last);
    let n = match v {
        V::Str(t) => match interval_text(t, first, last)? {
            V::Ym(months) if last <= 1 => i64::from(months),
            V::Dt(us) if first >= 2 => us,
            _ => return None,
        },
        V::Int(n) => n.checked_mul(unit)?,
        V::Ym(_) | V::Dt(_) => v.i() - v.i() % unit,
        _ => return None,
    };
    if last <= 1 { i32::try_from(n).ok().map(|n| Ok(V::Ym(n))) } else { Some(Ok(V::Dt(n))) }
}

fn interval_text(t: &str, first: u8, last: u8) -> Option<V> {
    let upper = t.trim().to_ascii_uppercase();
    if let Some(rest) = upper.strip_prefix("INTERVAL") {
        let rest = rest.trim();
        if let Some(inner) = rest.strip_prefix('\'') {
            let (body, tail) = inner.split_once('\'')?;
            let words: Vec<&str> = tail.split_whitespace().collect();
            return match words.as_slice() {
                [from] => interval::literal(body, from, ""),
                [from, "TO", end] => interval::literal(body, from, end),
                _ => None,
            };
        }
    }
    if let Some((m, d, us)) = interval::parse_units(&upper) {
        return interval::of(m, d, us);
    }
    match (first, last) {
        (0, 1) => interval::parse_year_month(t).map(V::Ym),
        (0 | 1, _) => {
            let months = t.trim().parse::<i64>().ok()?.checked_mul(types::unit(last))?;
            i32::try_from(months).ok().map(V::Ym)
        }
        _ => {
            let name = |field: u8| types::FIELDS.get(usize::from(field)).copied();
            interval::parse_day_time(t, name(first)?, name(last)?).map(V::Dt)
        }
    }
}
