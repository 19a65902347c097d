//! Operators as functions: arithmetic in ANSI mode, and its `try_` forms.

use datafusion::arrow::datatypes::{DataType, i256};
use datafusion::error::Result;

use super::cast::{self, pow10, rescale};
use super::function::{Call, Def, Env, Shape, by_signature, t, unexpected};
use super::math::fits;
use super::times::{self, DAY};
use super::types::{self, as_decimal, common, is_interval, is_text, is_time};
use super::value::V;
use super::zone::Zone;
use super::{fail, overflow, zero_division};

pub(crate) const FUNCTIONS: &[Def] = &[
    t("op_add", add_type, add),
    t("op_subtract", subtract_type, subtract),
    t("op_add_days", days_type, |e, a| days(e, a, add, 1)),
    t("op_subtract_days", days_type, |e, a| days(e, a, subtract, -1)),
    t("op_multiply", multiply_type, multiply),
    t("op_divide", divide_type, divide),
    t("op_mod", mod_type, modulo),
    t("mod", mod_type, modulo),
    t("pmod", mod_type, |e, a| {
        let r = modulo(e, a)?;
        Ok(match (&r, &a[1]) {
            (V::Int(r), V::Int(n)) if *r < 0 => V::Int((r + n) % n),
            (V::Dec(r), V::Dec(n)) if *r < 0 => V::Dec((r + n) % n),
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

/// A date and an interval of whole days make a date; other types are as in any sum.
fn days_type(c: &Call<'_>) -> Result<Shape> {
    match c.kinds {
        [DataType::Date32, day @ DataType::Duration(_)] => {
            Ok(Shape { kinds: vec![DataType::Date32, day.clone()], result: DataType::Date32 })
        }
        _ => add_type(c),
    }
}

fn days(e: &Env<'_>, a: &[V], sum: fn(&Env<'_>, &[V]) -> Result<V>, sign: i64) -> Result<V> {
    match (&a[0], &a[1]) {
        (V::Date(date), V::Dt(us)) => {
            i32::try_from(i64::from(*date) + sign * (us / DAY)).map(V::Date).map_err(|_| overflow("date"))
        }
        _ => sum(e, a),
    }
}

fn lenient(r: Result<V>) -> Result<V> {
    Ok(r.unwrap_or(V::Null))
}

fn two<'a>(c: &Call<'a>) -> Result<(&'a DataType, &'a DataType)> {
    match c.kinds {
        [a, b] => Ok((a, b)),
        other => Err(super::function::wrong_count(c.name, "2", other.len())),
    }
}

fn mismatch(c: &Call<'_>, a: &DataType, b: &DataType) -> datafusion::error::DataFusionError {
    fail(
        "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES",
        "42K09",
        &format!(
            "Cannot resolve \"{}\" due to data type mismatch: the left and right operands of the binary operator have incompatible types (\"{}\" and \"{}\").",
            c.name.trim_start_matches("op_"),
            types::name(a),
            types::name(b)
        ),
    )
}

/// The digits that a literal has; a wider type would make quotients wider.
fn digits(c: &Call<'_>, at: usize) -> Option<(i32, i32)> {
    let kind = &c.kinds[at];
    if kind.is_integer()
        && let Some(Some(V::Int(n))) = c.constants.get(at)
    {
        return Some((i32::try_from(n.unsigned_abs().to_string().len()).unwrap_or(20), 0));
    }
    as_decimal(kind)
}

/// A decimal with the scale cut where 38 digits do not suffice.
fn bounded(p: i32, s: i32) -> DataType {
    if p <= 38 {
        return types::decimal(p, s);
    }
    let whole = p - s;
    types::decimal(38, (38 - whole).max(s.min(6)))
}

fn numbers(c: &Call<'_>, of_decimals: fn((i32, i32), (i32, i32)) -> DataType) -> Result<Shape> {
    let (a, b) = two(c)?;
    let text = |k: &DataType, other: &DataType| {
        if !is_text(k) {
            k.clone()
        } else if other.is_integer() {
            DataType::Int64
        } else {
            DataType::Float64
        }
    };
    let (x, y) = (text(a, b), text(b, a));
    let (x, y) = match (&x, &y) {
        (DataType::Null, DataType::Null) => (DataType::Float64, DataType::Float64),
        (DataType::Null, k) => (k.clone(), k.clone()),
        (k, DataType::Null) => (k.clone(), k.clone()),
        _ => (x, y),
    };
    if !x.is_numeric() || !y.is_numeric() {
        return Err(mismatch(c, a, b));
    }
    let decimal = |k: &DataType| matches!(k, DataType::Decimal128(_, _));
    if (decimal(&x) || decimal(&y)) && !x.is_floating() && !y.is_floating() {
        let own =
            |at: usize, k: &DataType| if &c.kinds[at] == k { digits(c, at) } else { as_decimal(k) }.unwrap_or((10, 0));
        let (l, r) = (own(0, &x), own(1, &y));
        let result = of_decimals(l, r);
        return Ok(Shape { kinds: vec![types::decimal(l.0, l.1), types::decimal(r.0, r.1)], result });
    }
    let shared = common(&x, &y).ok_or_else(|| mismatch(c, a, b))?;
    Ok(Shape { kinds: vec![shared.clone(), shared.clone()], result: shared })
}

/// A point in time that an interval is added to.
fn point(kind: &DataType, step: &DataType) -> DataType {
    match (kind, step) {
        (DataType::Date32, k) if k == &types::year_month() => DataType::Date32,
        (DataType::Date32, _) => types::timestamp(),
        (k, _) if is_time(k) || matches!(k, DataType::Time64(_)) => k.clone(),
        _ => types::timestamp(),
    }
}

fn add_type(c: &Call<'_>) -> Result<Shape> {
    let (a, b) = two(c)?;
    let same = |kinds: Vec<DataType>, result: DataType| Ok(Shape { kinds, result });
    match (a, b) {
        (DataType::Date32, DataType::Int64) => Err(unexpected(c.name, 1, DAYS, b)),
        (DataType::Int64, DataType::Date32) => Err(unexpected(c.name, 0, DAYS, a)),
        (DataType::Date32, k) if k.is_integer() => same(vec![DataType::Date32, DataType::Int32], DataType::Date32),
        (k, DataType::Date32) if k.is_integer() => same(vec![DataType::Int32, DataType::Date32], DataType::Date32),
        (x, y) if is_interval(x) && is_interval(y) => {
            let shared = if x == y { x.clone() } else { types::calendar() };
            same(vec![shared.clone(), shared.clone()], shared)
        }
        (x, y) if is_interval(y) && (is_time(x) || is_text(x) || matches!(x, DataType::Time64(_))) => {
            let p = point(x, y);
            same(vec![p.clone(), y.clone()], p)
        }
        (x, y) if is_interval(x) && (is_time(y) || is_text(y)) => {
            let p = point(y, x);
            same(vec![x.clone(), p.clone()], p)
        }
        (DataType::Null, k) | (k, DataType::Null) if is_interval(k) || is_time(k) => {
            same(vec![k.clone(), k.clone()], k.clone())
        }
        // A string is read as a number beside a number alone.
        (x, y) if (is_text(x) || x.is_null()) && (is_text(y) || y.is_null()) && (is_text(x) || is_text(y)) => {
            Err(fail(
                "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE",
                "42K09",
                &format!(
                    "Cannot resolve \"{}\" due to data type mismatch: the binary operator requires the input type \"NUMERIC\", not \"{}\".",
                    c.name.trim_start_matches("op_"),
                    types::name(if is_text(x) { x } else { y })
                ),
            ))
        }
        _ => numbers(c, sum_type),
    }
}

/// What may be added to a date.
const DAYS: &str = "(\"INT\" or \"SMALLINT\" or \"TINYINT\")";

fn sum_type((p, s): (i32, i32), (q, t): (i32, i32)) -> DataType {
    let scale = s.max(t);
    bounded((p - s).max(q - t) + scale + 1, scale)
}

fn subtract_type(c: &Call<'_>) -> Result<Shape> {
    let (a, b) = two(c)?;
    match (a, b) {
        (DataType::Date32, DataType::Date32) => {
            Ok(Shape { kinds: vec![DataType::Date32; 2], result: types::day_time() })
        }
        (x, y) if (is_time(x) || is_text(x)) && is_time(y) || is_time(x) && is_text(y) => {
            let shared = common(x, y).ok_or_else(|| mismatch(c, a, b))?;
            Ok(Shape { kinds: vec![shared.clone(), shared], result: types::day_time() })
        }
        (DataType::Time64(_), DataType::Time64(_)) => {
            Ok(Shape { kinds: vec![types::time(); 2], result: types::day_time() })
        }
        (x, y) if is_interval(x) && !is_interval(y) => Err(mismatch(c, x, y)),
        _ => add_type(c),
    }
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
                V::Dt(us) => (0, 0, *us),
                V::Cal(m, d, us) => (i64::from(*m), i64::from(*d), *us),
                _ => return Err(over()),
            };
            V::Ts(times::add_interval(*t, m, d, us, &Zone::UTC).ok_or_else(over)?)
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
        (V::Ts(x), V::Ts(y)) | (V::Time(x), V::Time(y)) => V::Dt(x.checked_sub(*y).ok_or_else(over)?),
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
    match (a, b) {
        (k, n) if is_interval(k) && k != &types::calendar() && (n.is_numeric() || is_text(n)) => {
            Ok(Shape { kinds: vec![k.clone(), DataType::Float64], result: k.clone() })
        }
        (n, k) if is_interval(k) && k != &types::calendar() && (n.is_numeric() || is_text(n)) => {
            Ok(Shape { kinds: vec![DataType::Float64, k.clone()], result: k.clone() })
        }
        _ => numbers(c, |(p, s), (q, t)| bounded(p + q + 1, s + t)),
    }
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
    if is_interval(a) && a != &types::calendar() && (b.is_numeric() || is_text(b)) {
        return Ok(Shape { kinds: vec![a.clone(), DataType::Float64], result: a.clone() });
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
    if is_interval(a) && a == b {
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
pub(crate) const TRY_CAST: Def = t("try_cast_to", cast_type, |e, a| Ok(cast::attempt(&a[0], &e.kinds[0], e.result)));
