//! Rounding.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;

use super::cast::{pow10, rescale};
use super::function::{Call, Env, Shape, unexpected};
use super::math::fits;
use super::value::V;
use super::{fail, overflow, types};

/// The number of digits after the point, which has to be constant.
pub(super) fn places(call: &Call<'_>) -> Result<i32> {
    match call.constants.get(1) {
        None if call.kinds.len() < 2 => Ok(0),
        Some(Some(V::Int(n))) => Ok(i32::try_from(*n).unwrap_or(i32::MAX)),
        Some(Some(V::Null)) => Ok(0),
        _ => Err(fail(
            "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
            "42K09",
            &format!(
                "Cannot resolve \"{}\" due to data type mismatch: the input `scale` should be a foldable \"INT\" expression.",
                call.name
            ),
        )),
    }
}

pub(super) fn with_places(kind: &DataType, result: DataType, call: &Call<'_>) -> Shape {
    let mut kinds = vec![kind.clone()];
    if call.kinds.len() > 1 {
        kinds.push(DataType::Int32);
    }
    Shape { kinds, result }
}

pub(super) fn whole_type(call: &Call<'_>) -> Result<Shape> {
    let [kind, rest @ ..] = call.kinds else { return Err(super::function::wrong_count(call.name, "[1, 2]", 0)) };
    if rest.len() > 1 {
        return Err(super::function::wrong_count(call.name, "[1, 2]", call.kinds.len()));
    }
    let kind = if types::is_text(kind) || kind == &DataType::Null { DataType::Float64 } else { kind.clone() };
    if !kind.is_numeric() {
        return Err(unexpected(call.name, 0, "\"NUMERIC\"", &kind));
    }
    if rest.is_empty() {
        return Ok(Shape {
            result: match &kind {
                DataType::Decimal128(p, s) => types::decimal(i32::from(*p) - i32::from(*s) + i32::from(*s > 0), 0),
                _ => DataType::Int64,
            },
            kinds: vec![kind],
        });
    }
    let to = places(call)?;
    // With a number of places all numbers are decimals.
    let decimal = match &kind {
        DataType::Float64 => (30, 15),
        DataType::Float32 => (14, 7),
        k => types::as_decimal(k).unwrap_or((38, 0)),
    };
    let scale = to.clamp(0, 38).min(decimal.1);
    let result = types::decimal((decimal.0 - decimal.1 + 1).max(-to + 1) + scale, scale);
    Ok(Shape { kinds: vec![types::decimal(decimal.0, decimal.1), DataType::Int32], result })
}

pub(super) fn whole(e: &Env<'_>, a: &[V], up: bool) -> Result<V> {
    let over = || overflow(e.name);
    Ok(match (&a[0], &e.kinds[0]) {
        (V::Dec(n), DataType::Decimal128(_, s)) => {
            let DataType::Decimal128(_, to) = e.result else { return Err(over()) };
            let asked = a.get(1).map_or(0, V::i).clamp(-38, i64::from(*s)) as i32;
            let unit = pow10(i32::from(*s) - asked);
            let q = n.div_euclid(unit) + i128::from(up && n.rem_euclid(unit) != 0);
            V::Dec(
                rescale(q, asked, i32::from(*to))
                    .or_else(|| q.checked_mul(pow10(i32::from(*to) - asked)))
                    .ok_or_else(over)?,
            )
        }
        (V::Int(n), _) => V::Int(*n),
        (v, _) => {
            let d = if up { v.f().ceil() } else { v.f().floor() };
            if !(-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&d) {
                return Err(over());
            }
            V::Int(d as i64)
        }
    })
}

pub(super) fn round_type(call: &Call<'_>) -> Result<Shape> {
    if call.kinds.is_empty() || call.kinds.len() > 2 {
        return Err(super::function::wrong_count(call.name, "[1, 2]", call.kinds.len()));
    }
    let kind = &call.kinds[0];
    let kind = if types::is_text(kind) || kind == &DataType::Null { DataType::Float64 } else { kind.clone() };
    if !kind.is_numeric() {
        return Err(unexpected(call.name, 0, "\"NUMERIC\"", &kind));
    }
    let to = places(call)?;
    let result = match &kind {
        DataType::Decimal128(p, s) => {
            let (p, s) = (i32::from(*p), i32::from(*s));
            if to < 0 {
                types::decimal((p - s + 1).max(-to + 1), 0)
            } else {
                types::decimal(p - s + 1 + to.min(s), to.min(s))
            }
        }
        k => k.clone(),
    };
    Ok(with_places(&kind, result, call))
}

pub(super) fn round(e: &Env<'_>, a: &[V], even: bool) -> Result<V> {
    let to = a.get(1).map_or(0, V::i).clamp(-400, 400) as i32;
    let over = || overflow(e.name);
    let units = |n: i128, drop: i32| -> i128 {
        if drop > 38 {
            return 0;
        }
        let unit = pow10(drop);
        let (q, r) = (n / unit, n % unit);
        let twice = r.abs().saturating_mul(2);
        let up = twice > unit || (twice == unit && (!even || q % 2 != 0));
        if up { q + r.signum() } else { q }
    };
    Ok(match (&a[0], &e.kinds[0]) {
        (V::Int(n), _) if to >= 0 => V::Int(*n),
        (V::Int(n), _) => {
            let q = units(i128::from(*n), -to).checked_mul(pow10((-to).min(38))).ok_or_else(over)?;
            fits(V::Int(i64::try_from(q).map_err(|_| over())?), e.result, e.name)?
        }
        (V::Dec(n), DataType::Decimal128(_, s)) => {
            let s = i32::from(*s);
            if to >= s {
                V::Dec(*n)
            } else {
                let q = units(*n, s - to);
                V::Dec(if to < 0 { q.checked_mul(pow10((-to).min(38))).ok_or_else(over)? } else { q })
            }
        }
        (V::Float(x), _) => V::Float(half(*x, i64::from(to), even)),
        (v, _) => V::Double(half(v.f(), i64::from(to), even)),
    })
}

/// Rounds the fewest digits that read back as the value.
pub(crate) fn half<T: std::fmt::LowerExp + std::str::FromStr + Copy>(value: T, places: i64, even: bool) -> T {
    let text = format!("{value:e}");
    let Some((mantissa, exponent)) = text.split_once('e') else { return value };
    let Ok(exponent) = exponent.parse::<i64>() else { return value };
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |m| ("-", m));
    let digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).map(|b| b - b'0').collect();
    // So many digits stay: those before the point and `places` after it.
    let kept = exponent.saturating_add(1).saturating_add(places);
    if kept >= digits.len() as i64 {
        return value;
    }
    let count = usize::try_from(kept).unwrap_or(0);
    let whole = digits[..count].iter().fold(0u128, |n, d| n * 10 + u128::from(*d));
    let next = if kept >= 0 { digits.get(count).copied().unwrap_or(0) } else { 0 };
    let tie = next == 5 && digits[count..].iter().skip(1).all(|d| *d == 0);
    let up = next > 5 || (next == 5 && (!tie || !even || whole % 2 == 1));
    format!("{sign}{}e{}", whole + u128::from(up), places.saturating_neg()).parse().unwrap_or(value)
}
