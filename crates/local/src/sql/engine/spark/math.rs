//! Functions on numbers.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;

use super::cast::{self, bounds, pow10, rescale};
use super::function::{Call, Def, Env, Shape, by_signature, f, n, t, tn, unexpected};
use super::value::{V, order};
use super::{fail, invalid, overflow, text, types};

macro_rules! double {
    ($name:literal, $call:expr) => {
        f($name, "d -> d", |_, a| {
            let call: fn(f64) -> f64 = $call;
            Ok(V::Double(call(a[0].f())))
        })
    };
}

/// NULL where the logarithm is not defined.
macro_rules! logarithm {
    ($name:literal, $least:literal, $call:expr) => {
        f($name, "d -> d", |_, a| {
            let call: fn(f64) -> f64 = $call;
            let x = a[0].f();
            Ok(if x <= $least { V::Null } else { V::Double(call(x)) })
        })
    };
}

pub(crate) const FUNCTIONS: &[Def] = &[
    double!("acos", f64::acos),
    double!("acosh", f64::acosh),
    double!("asin", f64::asin),
    double!("asinh", |x| if x == f64::NEG_INFINITY { x } else { (x.abs() + (x * x + 1.0).sqrt()).ln().copysign(x) }),
    double!("atan", f64::atan),
    double!("atanh", f64::atanh),
    double!("cbrt", f64::cbrt),
    double!("cos", f64::cos),
    double!("cosh", f64::cosh),
    double!("cot", |x| 1.0 / x.tan()),
    double!("csc", |x| 1.0 / x.sin()),
    double!("sec", |x| 1.0 / x.cos()),
    double!("degrees", f64::to_degrees),
    double!("radians", f64::to_radians),
    double!("exp", f64::exp),
    double!("expm1", f64::exp_m1),
    double!("sin", f64::sin),
    double!("sinh", f64::sinh),
    double!("sqrt", f64::sqrt),
    double!("tan", f64::tan),
    double!("tanh", f64::tanh),
    double!("rint", f64::round_ties_even),
    logarithm!("ln", 0.0, f64::ln),
    logarithm!("log10", 0.0, f64::log10),
    logarithm!("log2", 0.0, f64::log2),
    logarithm!("log1p", -1.0, f64::ln_1p),
    f("log", "d d? -> d", |_, a| {
        Ok(match a {
            [x] => {
                if x.f() <= 0.0 {
                    V::Null
                } else {
                    V::Double(x.f().ln())
                }
            }
            [base, x, ..] if base.f() > 0.0 && x.f() > 0.0 => V::Double(x.f().ln() / base.f().ln()),
            _ => V::Null,
        })
    }),
    f("atan2", "d d -> d", |_, a| Ok(V::Double(a[0].f().atan2(a[1].f())))),
    f("hypot", "d d -> d", |_, a| Ok(V::Double(a[0].f().hypot(a[1].f())))),
    f("pow", "d d -> d", |_, a| Ok(V::Double(a[0].f().powf(a[1].f())))),
    f("power", "d d -> d", |_, a| Ok(V::Double(a[0].f().powf(a[1].f())))),
    f("pi", "-> d", |_, _| Ok(V::Double(std::f64::consts::PI))),
    f("e", "-> d", |_, _| Ok(V::Double(std::f64::consts::E))),
    t("sign", sign_type, sign),
    t("signum", sign_type, sign),
    t("abs", signed_type, |e, a| {
        fits(
            match &a[0] {
                V::Int(n) => V::Int(n.checked_abs().ok_or_else(|| overflow("abs"))?),
                V::Float(x) => V::Float(x.abs()),
                V::Double(x) => V::Double(x.abs()),
                V::Dec(n) => V::Dec(n.abs()),
                V::Ym(n) => V::Ym(n.checked_abs().ok_or_else(|| overflow("abs"))?),
                V::Dt(n) => V::Dt(n.checked_abs().ok_or_else(|| overflow("abs"))?),
                other => other.clone(),
            },
            e.result,
            "abs",
        )
    }),
    t("negate", signed_type, negative),
    t("negative", signed_type, negative),
    t("positive", signed_type, |_, a| Ok(a[0].clone())),
    t("ceil", whole_type, |e, a| whole(e, a, true)),
    t("ceiling", whole_type, |e, a| whole(e, a, true)),
    t("floor", whole_type, |e, a| whole(e, a, false)),
    t("round", round_type, |e, a| round(e, a, false)),
    t("bround", round_type, |e, a| round(e, a, true)),
    f("factorial", "i -> l", |_, a| {
        let n = a[0].i();
        Ok(if (0..=20).contains(&n) { V::Int((1..=n).product()) } else { V::Null })
    }),
    f("bin", "l -> s", |_, a| Ok(format!("{:b}", a[0].i()).into())),
    t(
        "hex",
        |call| {
            let kind = match call.kinds {
                [DataType::Binary] => DataType::Binary,
                [k] if k.is_numeric() => DataType::Int64,
                _ => return by_signature("s -> s", call),
            };
            Ok(Shape { kinds: vec![kind], result: DataType::Utf8 })
        },
        |_, a| {
            Ok(match &a[0] {
                V::Int(n) => format!("{n:X}"),
                v => hex(v.bytes()).to_uppercase(),
            }
            .into())
        },
    ),
    f("unhex", "s -> x", |_, a| match unhex(a[0].text()) {
        Some(bytes) => Ok(V::Bin(bytes)),
        None => Ok(V::Null),
    }),
    f("conv", "s i i -> s", |_, a| Ok(conv(a[0].text(), a[1].i(), a[2].i()).into())),
    f("isnan", "d -> b", |_, a| Ok(a[0].f().is_nan().into())),
    n("nanvl", "d d -> d", |_, a| {
        Ok(if matches!(&a[0], V::Double(x) if x.is_nan()) { a[1].clone() } else { a[0].clone() })
    }),
    n("isnan_null", "d -> b", |_, a| Ok((!a[0].is_null() && a[0].f().is_nan()).into())),
    f("bit_count", "a -> i", |e, a| {
        Ok(V::Int(match &e.kinds[0] {
            DataType::Boolean => a[0].i(),
            _ => i64::from((a[0].i() as u64).count_ones()),
        }))
    }),
    f("bit_get", "l i -> y", bit_get),
    f("getbit", "l i -> y", bit_get),
    t("shiftleft", shift_type, |e, a| {
        Ok(match &e.kinds[0] {
            DataType::Int64 => V::Int(a[0].i().wrapping_shl(a[1].i() as u32)),
            _ => V::Int(i64::from((a[0].i() as i32).wrapping_shl(a[1].i() as u32))),
        })
    }),
    t("shiftright", shift_type, |e, a| {
        Ok(match &e.kinds[0] {
            DataType::Int64 => V::Int(a[0].i().wrapping_shr(a[1].i() as u32)),
            _ => V::Int(i64::from((a[0].i() as i32).wrapping_shr(a[1].i() as u32))),
        })
    }),
    t("shiftrightunsigned", shift_type, |e, a| {
        Ok(match &e.kinds[0] {
            DataType::Int64 => V::Int((a[0].i() as u64).wrapping_shr(a[1].i() as u32) as i64),
            _ => V::Int(i64::from((a[0].i() as u32).wrapping_shr(a[1].i() as u32) as i32)),
        })
    }),
    f("bitwise_not", "n -> $1", |_, a| Ok(V::Int(!a[0].i()))),
    f("bit_and_op", "= = -> =", |_, a| Ok(V::Int(a[0].i() & a[1].i()))),
    f("bit_or_op", "= = -> =", |_, a| Ok(V::Int(a[0].i() | a[1].i()))),
    f("bit_xor_op", "= = -> =", |_, a| Ok(V::Int(a[0].i() ^ a[1].i()))),
    t(
        "width_bucket",
        |call| {
            if call.kinds.first().is_some_and(types::is_interval) {
                by_signature("= = = l -> l", call)
            } else {
                by_signature("d d d l -> l", call)
            }
        },
        |_, a| {
            let number = |v: &V| match v {
                V::Ym(_) | V::Dt(_) => v.i() as f64,
                v => v.f(),
            };
            let (x, low, high, n) = (number(&a[0]), number(&a[1]), number(&a[2]), a[3].i());
            if n <= 0 || low == high || x.is_nan() || !low.is_finite() || !high.is_finite() || n == i64::MAX {
                return Ok(V::Null);
            }
            let (lower, upper) = (low.min(high), low.max(high));
            let below = if low < high { x < lower } else { x > upper };
            let above = if low < high { x >= upper } else { x <= lower };
            Ok(V::Int(if below {
                0
            } else if above {
                n + 1
            } else if low < high {
                (n as f64 * (x - lower) / (upper - lower)) as i64 + 1
            } else {
                (n as f64 * (upper - x) / (upper - lower)) as i64 + 1
            }))
        },
    ),
    t(
        "format_number",
        |call| match call.kinds {
            [_, k] if k.is_integer() => by_signature("n i -> s", call),
            _ => by_signature("n s -> s", call),
        },
        format_number,
    ),
    n("greatest", "= = =* -> =", |_, a| {
        Ok(a.iter().filter(|v| !v.is_null()).max_by(|x, y| order(x, y)).cloned().unwrap_or(V::Null))
    }),
    n("least", "= = =* -> =", |_, a| {
        Ok(a.iter().filter(|v| !v.is_null()).min_by(|x, y| order(x, y)).cloned().unwrap_or(V::Null))
    }),
    f("uniform", "= = l? -> =", |_, a| {
        let r = random()?;
        Ok(match (&a[0], &a[1]) {
            (V::Int(x), V::Int(y)) => V::Int(x + ((y - x) as f64 * r) as i64),
            (x, y) => V::Double(x.f() + (y.f() - x.f()) * r),
        })
    }),
    Def {
        name: "rand",
        signature: "l? -> d",
        typing: None,
        eval: |_, _| random().map(V::Double),
        nulls: true,
        volatile: true,
    },
    Def {
        name: "random",
        signature: "l? -> d",
        typing: None,
        eval: |_, _| random().map(V::Double),
        nulls: true,
        volatile: true,
    },
    Def {
        name: "randn",
        signature: "l? -> d",
        typing: None,
        eval: |_, _| {
            let (u, v) = (1.0 - random()?, random()?);
            Ok(V::Double((-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()))
        },
        nulls: true,
        volatile: true,
    },
    tn(
        "zeroifnull",
        |call| match call.kinds {
            [DataType::Null] => by_signature("i -> i", call),
            _ => by_signature("n -> $1", call),
        },
        |e, a| if a[0].is_null() { cast::cast(&V::Int(0), &DataType::Int32, e.result) } else { Ok(a[0].clone()) },
    ),
    f("nullifzero", "n -> $1", |_, a| {
        Ok(match &a[0] {
            V::Int(0) | V::Dec(0) => V::Null,
            V::Double(_) | V::Float(_) if a[0].f() == 0.0 => V::Null,
            v => v.clone(),
        })
    }),
];

fn random() -> Result<f64> {
    let n = getrandom::u64().map_err(|e| fail("INTERNAL_ERROR", "XX000", &e.to_string()))?;
    Ok((n >> 11) as f64 / (1u64 << 53) as f64)
}

pub(crate) fn fits(v: V, kind: &DataType, name: &str) -> Result<V> {
    if let (V::Int(n), Some((low, high))) = (&v, bounds(kind))
        && !(low..=high).contains(n)
    {
        // The sign and `abs` have the wider class.
        if matches!(kind, DataType::Int8 | DataType::Int16) && name.starts_with("integer ") {
            let text = format!(
                "{name} of {} caused overflow. Use a `try_` function to tolerate overflow and return NULL instead.",
                types::name(kind)
            );
            return Err(fail("BINARY_ARITHMETIC_OVERFLOW", "22003", &text));
        }
        return Err(overflow(name));
    }
    Ok(v)
}

fn signed_type(call: &Call<'_>) -> Result<Shape> {
    match call.kinds {
        [k] if types::is_interval(k) => Ok(Shape { kinds: vec![k.clone()], result: k.clone() }),
        _ => by_signature("n -> $1", call),
    }
}

fn negative(e: &Env<'_>, a: &[V]) -> Result<V> {
    let over = || overflow(e.name);
    fits(
        match &a[0] {
            V::Int(n) => V::Int(n.checked_neg().ok_or_else(over)?),
            V::Float(x) => V::Float(-x),
            V::Double(x) => V::Double(-x),
            V::Dec(n) => V::Dec(-n),
            V::Ym(n) => V::Ym(n.checked_neg().ok_or_else(over)?),
            V::Dt(n) => V::Dt(n.checked_neg().ok_or_else(over)?),
            V::Cal(m, d, us) => V::Cal(-m, -d, -us),
            other => other.clone(),
        },
        e.result,
        "negative",
    )
}

fn sign_type(call: &Call<'_>) -> Result<Shape> {
    match call.kinds {
        [k] if types::is_interval(k) => Ok(Shape { kinds: vec![k.clone()], result: DataType::Float64 }),
        _ => by_signature("d -> d", call),
    }
}

fn sign(_: &Env<'_>, a: &[V]) -> Result<V> {
    Ok(V::Double(match &a[0] {
        V::Ym(_) | V::Dt(_) => a[0].i().signum() as f64,
        v if v.f() == 0.0 || v.f().is_nan() => v.f(),
        v => v.f().signum(),
    }))
}

fn shift_type(call: &Call<'_>) -> Result<Shape> {
    match call.kinds {
        [DataType::Int64, _] => by_signature("l i -> l", call),
        _ => by_signature("i i -> i", call),
    }
}

fn bit_get(_: &Env<'_>, a: &[V]) -> Result<V> {
    match a[1].i() {
        n @ 0..=63 => Ok(V::Int(a[0].i() >> n & 1)),
        n => Err(invalid("getbit", "pos", &format!("expects an integer value in [0, 64), but got {n}."))),
    }
}

/// The number of digits after the point, which has to be constant.
fn places(call: &Call<'_>) -> Result<i32> {
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

fn with_places(kind: &DataType, result: DataType, call: &Call<'_>) -> Shape {
    let mut kinds = vec![kind.clone()];
    if call.kinds.len() > 1 {
        kinds.push(DataType::Int32);
    }
    Shape { kinds, result }
}

fn whole_type(call: &Call<'_>) -> Result<Shape> {
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

fn whole(e: &Env<'_>, a: &[V], up: bool) -> Result<V> {
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

fn round_type(call: &Call<'_>) -> Result<Shape> {
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

fn round(e: &Env<'_>, a: &[V], even: bool) -> Result<V> {
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

fn conv(text: &str, from: i64, to: i64) -> Option<String> {
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

fn format_number(e: &Env<'_>, a: &[V]) -> Result<V> {
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
fn plain(v: &V, kind: &DataType, places: usize) -> String {
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
