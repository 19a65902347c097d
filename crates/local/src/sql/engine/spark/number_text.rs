//! Numbers as text in other bases and forms.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;

use super::cast::pow10;
use super::function::Env;
use super::rounding::half;
use super::text;
use super::value::V;

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(2 * bytes.len());
    for b in bytes {
        // Writing to a string cannot fail.
        let _ = write!(out, "{b:02x}");
    }
    out
}

pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let padded = if text.len() % 2 == 1 { format!("0{text}") } else { text.to_owned() };
    if !padded.is_ascii() {
        return None;
    }
    (0..padded.len()).step_by(2).map(|i| u8::from_str_radix(&padded[i..i + 2], 16).ok()).collect()
}

pub(super) fn conv(text: &str, from: i64, to: i64) -> Option<String> {
    let (Ok(base), Ok(target)) = (u64::try_from(from), u64::try_from(to.abs())) else { return None };
    if !(2..=36).contains(&base) || !(2..=36).contains(&target) {
        return None;
    }
    let trimmed = text.trim();
    let (negative, body) = trimmed.strip_prefix('-').map_or((false, trimmed), |r| (true, r));
    if body.is_empty() {
        return None;
    }
    let mut n = 0u64;
    for c in body.chars() {
        let Some(d) = c.to_digit(base as u32) else { break };
        n = match n.checked_mul(base).and_then(|n| n.checked_add(u64::from(d))) {
            Some(n) => n,
            None => {
                n = u64::MAX;
                break;
            }
        };
    }
    if negative {
        n = if to > 0 && (n as i64) < 0 { u64::MAX } else { (n as i64).wrapping_neg() as u64 };
    }
    let mut minus = false;
    if to < 0 && (n as i64) < 0 {
        minus = true;
        n = (n as i64).wrapping_neg() as u64;
    }
    let mut out = Vec::new();
    loop {
        let digit = u32::try_from(n % target).ok().and_then(|d| char::from_digit(d, target as u32))?;
        out.push(digit.to_ascii_uppercase());
        n /= target;
        if n == 0 {
            break;
        }
    }
    if minus {
        out.push('-');
    }
    Some(out.into_iter().rev().collect())
}

pub(super) fn format_number(e: &Env<'_>, a: &[V]) -> Result<V> {
    let places = match &a[1] {
        V::Int(n) if *n < 0 => return Ok(V::Null),
        V::Int(n) => usize::try_from(*n).unwrap_or(0).min(340),
        v => {
            let pattern = v.text();
            let (whole, fraction) = pattern.split_once('.').unwrap_or((pattern, ""));
            let text = plain(&a[0], &e.kinds[0], fraction.len());
            let least = fraction.bytes().take_while(|b| *b == b'0').count();
            let (w, f) = text.split_once('.').unwrap_or((&text, ""));
            let mut f = f.to_owned();
            while f.len() > least && f.ends_with('0') {
                f.pop();
            }
            let (sign, digits) = w.strip_prefix('-').map_or(("", w), |d| ("-", d));
            let w = if whole.contains(',') { super::printf::grouped(digits) } else { digits.to_owned() };
            return Ok(if f.is_empty() { format!("{sign}{w}") } else { format!("{sign}{w}.{f}") }.into());
        }
    };
    let text = plain(&a[0], &e.kinds[0], places);
    let (sign, body) = text.strip_prefix('-').map_or(("", text.as_str()), |d| ("-", d));
    let (w, f) = body.split_once('.').map_or((body, None), |(w, f)| (w, Some(f)));
    let w = super::printf::grouped(w);
    Ok(f.map_or_else(|| format!("{sign}{w}"), |f| format!("{sign}{w}.{f}")).into())
}

/// Digits without exponent, rounded half to even as the platform's formats do.
pub(super) fn plain(v: &V, kind: &DataType, places: usize) -> String {
    let places_i = i32::try_from(places).unwrap_or(38);
    match (v, kind) {
        (V::Int(n), _) => {
            if places > 0 {
                format!("{n}.{}", "0".repeat(places))
            } else {
                n.to_string()
            }
        }
        (V::Dec(n), DataType::Decimal128(_, s)) => {
            let s = i32::from(*s);
            if places_i >= s {
                return format!(
                    "{}{}",
                    text::decimal(*n, s),
                    if s == 0 && places > 0 { ".".to_owned() } else { String::new() }
                ) + &"0".repeat(usize::try_from(places_i - s).unwrap_or(0));
            }
            let unit = pow10(s - places_i);
            let (q, r) = (n / unit, n % unit);
            let up = r.abs() * 2 > unit || (r.abs() * 2 == unit && q % 2 != 0);
            text::decimal(if up { q + r.signum() } else { q }, places_i)
        }
        (v, _) => format!("{:.places$}", half(v.f(), places as i64, true)),
    }
}
