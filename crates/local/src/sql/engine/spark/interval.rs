//! Intervals: three types, their literals and their strings.

use datafusion::arrow::datatypes::DataType;

use super::times::{DAY, SECOND};
use super::types;
use super::value::V;

/// `INTERVAL '1-2' YEAR TO MONTH`, `INTERVAL '14' MONTH`.
pub(crate) fn year_month_text(months: i32, (first, last): (u8, u8)) -> String {
    let sign = if months < 0 { "-" } else { "" };
    let m = months.unsigned_abs();
    let body = match (first, last) {
        (0, 0) => format!("{}", m / 12),
        (1, 1) => format!("{m}"),
        _ => format!("{}-{}", m / 12, m % 12),
    };
    format!("INTERVAL '{sign}{body}' {}", types::fields(first, last))
}

/// `INTERVAL '1 02:03:04.5' DAY TO SECOND`, `INTERVAL '26' HOUR`: the first field holds all that is wider.
pub(crate) fn day_time_text(us: i64, (first, last): (u8, u8)) -> String {
    let mut body = String::from(if us < 0 { "-" } else { "" });
    let mut rest = us.unsigned_abs();
    for field in first..=last {
        let unit = types::unit(field).unsigned_abs();
        if field > first {
            body.push(if field == 3 { ' ' } else { ':' });
        }
        if field == 2 {
            body.push_str(&(rest / unit).to_string());
        } else {
            body.push_str(&format!("{:02}", rest / unit));
        }
        rest %= unit;
        if field == 5 && rest != 0 {
            let fraction = format!(".{rest:06}");
            body.push_str(fraction.trim_end_matches('0'));
        }
    }
    format!("INTERVAL '{body}' {}", types::fields(first, last))
}

/// The field that a unit of a literal counts in.
fn field(name: &str) -> Option<u8> {
    let lower = name.to_ascii_lowercase();
    Some(match lower.strip_suffix('s').unwrap_or(&lower) {
        "year" => 0,
        "month" | "quarter" => 1,
        "day" | "week" => 2,
        "hour" => 3,
        "minute" => 4,
        "second" | "millisecond" | "microsecond" => 5,
        _ => return None,
    })
}

/// The type of a literal: from the widest to the narrowest of its fields.
pub(crate) fn literal_type(text: &str, from: &str, to: &str) -> Option<DataType> {
    let units: Vec<u8> = if from.is_empty() {
        text.split_whitespace().filter_map(field).collect()
    } else {
        [from, to].into_iter().filter_map(field).collect()
    };
    let (first, last) = (units.iter().min()?, units.iter().max()?);
    if *first <= 1 && *last >= 2 { Some(types::calendar()) } else { types::interval(*first, *last) }
}

pub(crate) fn calendar_text(months: i32, days: i32, us: i64) -> String {
    let mut parts = Vec::new();
    for (n, name) in [(i64::from(months / 12), "years"), (i64::from(months % 12), "months"), (i64::from(days), "days")]
    {
        if n != 0 {
            parts.push(format!("{n} {name}"));
        }
    }
    let s = us / SECOND;
    for (n, name) in [(s / 3600, "hours"), (s / 60 % 60, "minutes")] {
        if n != 0 {
            parts.push(format!("{n} {name}"));
        }
    }
    let rest = us % (60 * SECOND);
    if rest != 0 {
        let sign = if rest < 0 { "-" } else { "" };
        let n = rest.unsigned_abs();
        let mut text = format!("{sign}{}", n / 1_000_000);
        if !n.is_multiple_of(1_000_000) {
            let fraction = format!(".{:06}", n % 1_000_000);
            text.push_str(fraction.trim_end_matches('0'));
        }
        parts.push(format!("{text} seconds"));
    }
    if parts.is_empty() { "0 seconds".to_owned() } else { parts.join(" ") }
}

/// A number with a fraction of up to six digits, in microseconds of its unit.
fn scaled(text: &str, unit: i64) -> Option<i64> {
    let (sign, body) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
    let whole: i64 = if whole.is_empty() && !fraction.is_empty() { 0 } else { whole.parse().ok()? };
    let mut total = whole.checked_mul(unit)?;
    if !fraction.is_empty() {
        if fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
        total = total.checked_add(digits.parse::<i64>().ok()?.checked_mul(unit)? / SECOND)?;
    }
    Some(sign * total)
}

/// The value of a unit: months, days, microseconds.
pub(crate) fn unit(text: &str, name: &str) -> Option<(i64, i64, i64)> {
    let whole = || text.trim().parse::<i64>().ok();
    Some(match name.to_ascii_lowercase().as_str() {
        "year" | "years" => (whole()?.checked_mul(12)?, 0, 0),
        "quarter" | "quarters" => (whole()?.checked_mul(3)?, 0, 0),
        "month" | "months" => (whole()?, 0, 0),
        "week" | "weeks" => (0, whole()?.checked_mul(7)?, 0),
        "day" | "days" => (0, whole()?, 0),
        "hour" | "hours" => (0, 0, whole()?.checked_mul(3600 * SECOND)?),
        "minute" | "minutes" => (0, 0, whole()?.checked_mul(60 * SECOND)?),
        "second" | "seconds" => (0, 0, scaled(text.trim(), SECOND)?),
        "millisecond" | "milliseconds" => (0, 0, whole()?.checked_mul(1000)?),
        "microsecond" | "microseconds" => (0, 0, whole()?),
        _ => return None,
    })
}

/// `2 years 3 months`, `interval 1 day`.
pub(crate) fn parse_units(text: &str) -> Option<(i64, i64, i64)> {
    let lower = text.trim().to_ascii_lowercase();
    let body = lower.strip_prefix("interval").unwrap_or(&lower);
    let words: Vec<&str> = body.split_whitespace().collect();
    if words.is_empty() || !words.len().is_multiple_of(2) {
        return None;
    }
    let mut total = (0i64, 0i64, 0i64);
    for pair in words.chunks(2) {
        let (m, d, us) = unit(pair[0], pair[1])?;
        total = (total.0.checked_add(m)?, total.1.checked_add(d)?, total.2.checked_add(us)?);
    }
    Some(total)
}

/// `1-2`.
pub(crate) fn parse_year_month(text: &str) -> Option<i32> {
    let (sign, body) = signed(text.trim());
    let (y, m) = body.split_once('-')?;
    let months: i32 = m.parse().ok().filter(|m| (0..12).contains(m))?;
    Some(sign * y.parse::<i32>().ok()?.checked_mul(12)?.checked_add(months)?)
}

fn signed(text: &str) -> (i32, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// `1 02:03:04.5` and its parts, by the first and last field.
pub(crate) fn parse_day_time(text: &str, from: &str, to: &str) -> Option<i64> {
    const FIELDS: [(&str, i64); 4] =
        [("DAY", DAY), ("HOUR", 3600 * SECOND), ("MINUTE", 60 * SECOND), ("SECOND", SECOND)];
    let (sign, body) = signed(text.trim());
    let first = FIELDS.iter().position(|f| f.0 == from)?;
    let last = FIELDS.iter().position(|f| f.0 == to)?;
    let parts: Vec<&str> = body.split([' ', ':']).filter(|p| !p.is_empty()).collect();
    if parts.len() != (last + 1).checked_sub(first)? {
        return None;
    }
    let mut total = 0i64;
    for (part, (_, unit)) in parts.iter().zip(&FIELDS[first..=last]) {
        total = total.checked_add(scaled(part, *unit)?)?;
    }
    Some(i64::from(sign) * total)
}

/// An interval literal's value: a pair of fields, or units in a row.
pub(crate) fn literal(text: &str, from: &str, to: &str) -> Option<V> {
    let (from, to) = (from.trim_end_matches(['s', 'S']).to_uppercase(), to.trim_end_matches(['s', 'S']).to_uppercase());
    if !to.is_empty() && from != to {
        if from == "YEAR" && to == "MONTH" {
            return parse_year_month(text).map(V::Ym);
        }
        return parse_day_time(text, &from, &to).map(V::Dt);
    }
    let (m, d, us) = if from.is_empty() { parse_units(text)? } else { unit(text, &from)? };
    // The units decide, not the amounts: no month is a number of months.
    let units = if from.is_empty() { text.to_ascii_lowercase() } else { from.to_ascii_lowercase() };
    let months = ["year", "month", "quarter"].iter().any(|u| units.contains(u));
    let others = ["week", "day", "hour", "minute", "second"].iter().any(|u| units.contains(u));
    match (months, others) {
        (true, false) => i32::try_from(m).ok().map(V::Ym),
        (true, true) => Some(V::Cal(i32::try_from(m).ok()?, i32::try_from(d).ok()?, us)),
        _ => of(m, d, us),
    }
}

/// Seconds of a literal that is a time zone: at most 18 hours, and no part of a second.
pub(crate) fn offset(text: &str, from: &str, to: &str) -> Option<i32> {
    let V::Dt(us) = literal(text, from, to)? else { return None };
    let seconds = i32::try_from(us / SECOND).ok()?;
    (us % SECOND == 0 && seconds.abs() <= 18 * 3600).then_some(seconds)
}

/// The narrowest of the three types.
pub(crate) fn of(months: i64, days: i64, us: i64) -> Option<V> {
    let narrow = i32::try_from(months).ok()?;
    Some(match (months != 0, days != 0 || us != 0) {
        (true, false) => V::Ym(narrow),
        (false, _) => V::Dt(days.checked_mul(DAY)?.checked_add(us)?),
        (true, true) => V::Cal(narrow, i32::try_from(days).ok()?, us),
    })
}
