//! Operators as functions: arithmetic in ANSI mode, and its `try_` forms.

use datafusion::arrow::datatypes::{DataType, i256};
use datafusion::error::Result;

use super::cast::{self, pow10, rescale};
use super::function::{Call, Def, Env, Shape, by_signature, t};
use super::math::fits;
use super::op_types::{add_type, bounded, numbers, scaling, subtract_type, sum_type, two};
use super::times::{self, DAY};
use super::types::{self, is_text};
use super::value::V;
use super::zone::{self, Zone};
use super::{fail, overflow, zero_division};

pub(crate) const FUNCTIONS: &[Def] = &[
    t("op_add", add_type, add),
    t("op_subtract", subtract_type, subtract),
    t("op_multiply", multiply_type, multiply),
    t("op_divide", divide_type, divide),
    t("op_mod", mod_type, modulo),
    t("mod", mod_type, modulo),
    t("pmod", mod_type, |e, a| {
        let r = modulo(e, a)?;
        Ok(match (&r, &a[1]) {
            // The sum wraps as the platform's does, which has 32 bits for the smaller ones.
            (V::Int(r), V::Int(n)) if *r < 0 => match e.result {
                DataType::Int64 => V::Int(r.wrapping_add(*n).wrapping_rem(*n)),
                _ => V::Int(i64::from(r.wrapping_add(*n) as i32).wrapping_rem(*n)),
            },
            (V::Dec(r), V::Dec(n)) if *r < 0 => {
                let (_, scale, precision, own) = scales(e);
                let moved = rescale(*n, scale, own).and_then(|n| r.checked_add(n)?.checked_rem(n));
                in_precision(moved, precision, e)?
            }
            (V::Double(r), V::Double(n)) if *r < 0.0 => V::Double((r + n) % n),
            (V::Float(r), V::Float(n)) if *r < 0.0 => V::Float((r + n) % n),
            _ => r,
        })
    }),
    t("op_div", div_type, div),
    t("try_add", add_type, |e, a| lenient(add(e, a))),
    t("try_subtract", subtract_type, |e, a| lenient(subtract(e, a))),
    t("try_multiply", multiply_type, |e, a| lenient(multiply(e, a))),
    t("try_divide", divide_type, |e, a| lenient(divide(e, a))),
    t("try_mod", mod_type, |e, a| lenient(modulo(e, a))),
];

fn lenient(r: Result<V>) -> Result<V> {
    Ok(r.unwrap_or(V::Null))
}

fn negated(v: &V) -> Option<V> {
    Some(match v {
        V::Int(n) => V::Int(n.checked_neg()?),
        V::Ym(n) => V::Ym(n.checked_neg()?),
        V::Dt(n) => V::Dt(n.checked_neg()?),
        V::Cal(m, d, us) => V::Cal(m.checked_neg()?, d.checked_neg()?, us.checked_neg()?),
        V::Double(x) => V::Double(-x),
        V::Float(x) => V::Float(-x),
        V::Dec(n) => V::Dec(-n),
        other => other.clone(),
    })
}

fn add(e: &Env<'_>, a: &[V]) -> Result<V> {
    let over = || overflow(&types::name(e.result).to_lowercase());
    Ok(match (&a[0], &a[1]) {
        (V::Int(x), V::Int(y)) => fits(V::Int(x.checked_add(*y).ok_or_else(over)?), e.result, "integer addition")?,
        (V::Double(x), V::Double(y)) => V::Double(x + y),
        (V::Float(x), V::Float(y)) => V::Float(x + y),
        (V::Dec(x), V::Dec(y)) => decimals(e, *x, *y)?,
        (V::Date(d), V::Int(n)) | (V::Int(n), V::Date(d)) => {
            V::Date(i32::try_from(i64::from(*d) + n).map_err(|_| over())?)
        }
        (V::Date(d), V::Ym(m)) | (V::Ym(m), V::Date(d)) => {
            V::Date(times::add_months(i64::from(*d), i64::from(*m)) as i32)
        }
        (V::Date(d), V::Dt(us)) | (V::Dt(us), V::Date(d)) => {
            V::Date(i32::try_from(i64::from(*d) + us / DAY).map_err(|_| over())?)
        }
        (V::Date(_), V::Cal(_, _, us)) | (V::Cal(_, _, us), V::Date(_)) if *us != 0 => {
            return Err(fail(
                "INVALID_INTERVAL_WITH_MICROSECONDS_ADDITION",
                "22006",
                "Cannot add an interval to a date because its microseconds part is not 0. If necessary set \"ansi_mode\" to \"false\" to bypass this error.",
            ));
        }
        (V::Date(d), V::Cal(m, n, _)) | (V::Cal(m, n, _), V::Date(d)) => {
            let moved = times::add_months(i64::from(*d), i64::from(*m)) + i64::from(*n);
            V::Date(i32::try_from(moved).map_err(|_| over())?)
        }
        (V::Time(t), V::Dt(us)) | (V::Dt(us), V::Time(t)) => {
            let sum = t + us;
            if !(0..DAY).contains(&sum) {
                return Err(fail(
                    "DATETIME_OVERFLOW",
                    "22008",
                    "Datetime operation overflow: add an interval to a time.",
                ));
            }
            V::Time(sum)
        }
        (V::Ts(t), step) | (step, V::Ts(t)) => {
            let (m, d, us) = match step {
                V::Ym(m) => (i64::from(*m), 0, 0),
                // Whole days are those of the calendar.
                V::Dt(us) => (0, us / DAY, us % DAY),
                V::Cal(m, d, us) => (i64::from(*m), i64::from(*d), *us),
                _ => return Err(over()),
            };
            // A string with an interval is read as a TIMESTAMP.
            let zone = e.kinds.iter().map(zone::of).find(|zone| *zone != Zone::UTC).unwrap_or(Zone::UTC);
            let sum = times::add_interval(*t, m, d, us, &zone).ok_or_else(over)?;
            if is_text(e.result) { V::Str(times::timestamp_text(zone.local(sum))) } else { V::Ts(sum) }
        }
        (V::Ym(x), V::Ym(y)) => V::Ym(x.checked_add(*y).ok_or_else(over)?),
        (V::Dt(x), V::Dt(y)) => V::Dt(x.checked_add(*y).ok_or_else(over)?),
        (V::Cal(a, b, c), V::Cal(x, y, z)) => V::Cal(
            a.checked_add(*x).ok_or_else(over)?,
            b.checked_add(*y).ok_or_else(over)?,
            c.checked_add(*z).ok_or_else(over)?,
        ),
        _ => V::Null,
    })
}

fn subtract(e: &Env<'_>, a: &[V]) -> Result<V> {
    let over = || overflow("subtraction");
    Ok(match (&a[0], &a[1]) {
        (V::Int(x), V::Int(y)) => fits(V::Int(x.checked_sub(*y).ok_or_else(over)?), e.result, "integer subtraction")?,
        (V::Date(x), V::Date(y)) => V::Dt((i64::from(*x) - i64::from(*y)) * DAY),
        (V::Ts(x), V::Ts(y)) => {
            // By the clocks of the session.
            let (x, y) = (zone::of(&e.kinds[0]).local(*x), zone::of(&e.kinds[1]).local(*y));
            V::Dt(x.checked_sub(y).ok_or_else(over)?)
        }
        (V::Time(x), V::Time(y)) => V::Dt(x.checked_sub(*y).ok_or_else(over)?),
        (x, y) => return add(e, &[x.clone(), negated(y).ok_or_else(over)?]),
    })
}

fn scales(e: &Env<'_>) -> (i32, i32, i32, i32) {
    let of = |k: &DataType| if let DataType::Decimal128(p, s) = k { (i32::from(*p), i32::from(*s)) } else { (38, 0) };
    (of(&e.kinds[0]).1, of(&e.kinds[1]).1, of(e.result).0, of(e.result).1)
}

fn in_precision(n: Option<i128>, p: i32, e: &Env<'_>) -> Result<V> {
    match n.filter(|n| n.unsigned_abs() < pow10(p).unsigned_abs()) {
        Some(n) => Ok(V::Dec(n)),
        None => Err(fail(
            "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
            "22003",
            &format!(
                "The value of the decimal operation cannot be represented as {}. If necessary use `try_` functions.",
                types::name(e.result)
            ),
        )),
    }
}

fn decimals(e: &Env<'_>, x: i128, y: i128) -> Result<V> {
    let (s, t, p, r) = scales(e);
    let wide = s.max(t);
    let sum = rescale(x, s, wide)
        .zip(rescale(y, t, wide))
        .and_then(|(x, y)| x.checked_add(y))
        .and_then(|n| rescale(n, wide, r));
    in_precision(sum, p, e)
}

fn multiply_type(c: &Call<'_>) -> Result<Shape> {
    let (a, b) = two(c)?;
    if let Some(shape) = scaling(a, b) {
        return Ok(shape);
    }
    if let Some(mut shape) = scaling(b, a) {
        shape.kinds.reverse();
        return Ok(shape);
    }
    numbers(c, |(p, s), (q, t)| bounded(p + q + 1, s + t))
}

fn scaled(v: &V, by: f64) -> Option<V> {
    let x = (v.i() as f64 * by).round();
    Some(match v {
        V::Ym(_) => V::Ym((x.abs() < 2_147_483_648.0).then_some(x as i32)?),
        _ => V::Dt((x.abs() < 9.2e18).then_some(x as i64)?),
    })
}

fn multiply(e: &Env<'_>, a: &[V]) -> Result<V> {
    let over = || overflow("multiplication");
    Ok(match (&a[0], &a[1]) {
        (V::Int(x), V::Int(y)) => {
            fits(V::Int(x.checked_mul(*y).ok_or_else(over)?), e.result, "integer multiplication")?
        }
        (V::Double(x), V::Double(y)) => V::Double(x * y),
        (V::Float(x), V::Float(y)) => V::Float(x * y),
        (V::Dec(x), V::Dec(y)) => {
            let (s, t, p, r) = scales(e);
            let product = i256::from_i128(*x).checked_mul(i256::from_i128(*y));
            let product = product.and_then(|n| cut(n, s + t, r));
            return in_precision(product, p, e);
        }
        (v @ (V::Ym(_) | V::Dt(_)), n) | (n, v @ (V::Ym(_) | V::Dt(_))) => scaled(v, n.f()).ok_or_else(over)?,
        _ => V::Null,
    })
}

/// Rounds away digits after the point.
fn cut(n: i256, from: i32, to: i32) -> Option<i128> {
    if to >= from {
        return n.to_i128().and_then(|n| rescale(n, from, to));
    }
    let unit = i256::from_i128(10).checked_pow((from - to).unsigned_abs())?;
    let (q, r) = (n.checked_div(unit)?, n.checked_rem(unit)?);
    let half = r.wrapping_abs().checked_add(r.wrapping_abs())? >= unit;
    let away = if n.is_negative() { i256::MINUS_ONE } else { i256::ONE };
    if half { q.checked_add(away)? } else { q }.to_i128()
}

fn divide_type(c: &Call<'_>) -> Result<Shape> {
    let (a, b) = two(c)?;
    if let Some(shape) = scaling(a, b) {
        return Ok(shape);
    }
    let shape = numbers(c, |(p, s), (q, t)| {
        let scale = (s + q + 1).max(6);
        bounded(p - s + t + scale, scale)
    })?;
    if matches!(shape.result, DataType::Decimal128(_, _)) {
        return Ok(shape);
    }
    Ok(Shape { kinds: vec![DataType::Float64; 2], result: DataType::Float64 })
}

fn divide(e: &Env<'_>, a: &[V]) -> Result<V> {
    match (&a[0], &a[1]) {
        (V::Double(_), V::Double(y)) if *y == 0.0 => Err(zero_division()),
        (V::Double(x), V::Double(y)) => Ok(V::Double(x / y)),
        (V::Dec(x), V::Dec(y)) => {
            let (s, t, p, r) = scales(e);
            if *y == 0 {
                return Err(zero_division());
            }
            in_precision(super::super::arithmetic::divide_rounded(*x, *y, r - s + t).ok(), p, e)
        }
        (V::Ym(_) | V::Dt(_), n) if n.f() == 0.0 => Err(fail(
            "INTERVAL_DIVIDED_BY_ZERO",
            "22012",
            "Division by zero. Use `try_divide` to tolerate divisor being 0 and return NULL instead.",
        )),
        (v @ (V::Ym(_) | V::Dt(_)), n) => scaled(v, 1.0 / n.f()).ok_or_else(|| overflow("division")),
        _ => Ok(V::Null),
    }
}

fn mod_type(c: &Call<'_>) -> Result<Shape> {
    numbers(c, |(p, s), (q, t)| {
        let scale = s.max(t);
        bounded((p - s).min(q - t) + scale, scale)
    })
}

fn modulo(e: &Env<'_>, a: &[V]) -> Result<V> {
    let zero = || {
        fail(
            "REMAINDER_BY_ZERO",
            "22012",
            "Remainder by zero. Use `try_mod` to tolerate divisor being 0 and return NULL instead.",
        )
    };
    match (&a[0], &a[1]) {
        (_, V::Int(0) | V::Dec(0)) => Err(zero()),
        (_, n @ (V::Double(_) | V::Float(_))) if n.f() == 0.0 => Err(zero()),
        (V::Int(x), V::Int(y)) => Ok(V::Int(x.wrapping_rem(*y))),
        (V::Double(x), V::Double(y)) => Ok(V::Double(x % y)),
        (V::Float(x), V::Float(y)) => Ok(V::Float(x % y)),
        (V::Dec(x), V::Dec(y)) => {
            let (s, t, p, r) = scales(e);
            let wide = s.max(t);
            let rest = rescale(*x, s, wide)
                .zip(rescale(*y, t, wide))
                .and_then(|(x, y)| x.checked_rem(y))
                .and_then(|n| rescale(n, wide, r));
            in_precision(rest, p, e)
        }
        _ => Ok(V::Null),
    }
}

fn div_type(c: &Call<'_>) -> Result<Shape> {
    let (a, b) = two(c)?;
    if (types::is_year_month(a) && types::is_year_month(b)) || (types::is_day_time(a) && types::is_day_time(b)) {
        return Ok(Shape { kinds: vec![a.clone(), b.clone()], result: DataType::Int64 });
    }
    if [a, b].iter().any(|k| matches!(k, DataType::Decimal128(_, _))) {
        let shape = numbers(c, sum_type)?;
        return Ok(Shape { kinds: shape.kinds, result: DataType::Int64 });
    }
    by_signature("l l -> l", c)
}

fn div(e: &Env<'_>, a: &[V]) -> Result<V> {
    match (&a[0], &a[1]) {
        (V::Dec(_), V::Dec(0)) | (_, V::Int(0) | V::Ym(0) | V::Dt(0)) => Err(zero_division()),
        (V::Dec(x), V::Dec(y)) => {
            let (s, t, _, _) = scales(e);
            let wide = s.max(t);
            let q =
                rescale(*x, s, wide).zip(rescale(*y, t, wide)).map(|(x, y)| x / y).and_then(|n| i64::try_from(n).ok());
            Ok(V::Int(q.ok_or_else(|| overflow("div"))?))
        }
        (x, y) => Ok(V::Int(x.i().checked_div(y.i()).ok_or_else(|| overflow("div"))?)),
    }
}

/// `CAST(value AS type)`; the type is the text of the second argument.
fn cast_type(c: &Call<'_>) -> Result<Shape> {
    let (Some(kind), Some(Some(V::Str(to)))) = (c.kinds.first(), c.constants.get(1)) else {
        return Err(fail("PARSE_SYNTAX_ERROR", "42601", "A cast has a value and a type."));
    };
    let result = types::parse(to)?;
    cast::check(kind, &result)?;
    Ok(Shape { kinds: vec![kind.clone(), DataType::Utf8], result })
}

pub(crate) const CAST: Def = t("cast_to", cast_type, |e, a| cast::cast(&a[0], &e.kinds[0], e.result));
fn try_cast_type(c: &Call<'_>) -> Result<Shape> {
    let shape = cast_type(c)?;
    cast::check_attempt(&shape.kinds[0], &shape.result)?;
    Ok(shape)
}

pub(crate) const TRY_CAST: Def =
    t("try_cast_to", try_cast_type, |e, a| Ok(cast::attempt(&a[0], &e.kinds[0], e.result)));
