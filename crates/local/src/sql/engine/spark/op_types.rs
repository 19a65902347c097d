//! The types of sums, differences, products and quotients.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;

use super::fail;
use super::function::{Call, Shape, unexpected};
use super::types::{self, as_decimal, common, is_interval, is_text, is_time};
use super::value::V;

pub(super) fn two<'a>(c: &Call<'a>) -> Result<(&'a DataType, &'a DataType)> {
    match c.kinds {
        [a, b] => Ok((a, b)),
        other => Err(super::function::wrong_count(c.name, "2", other.len())),
    }
}

pub(super) fn mismatch(c: &Call<'_>, a: &DataType, b: &DataType) -> datafusion::error::DataFusionError {
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
    // Of literals only those of TINYINT have all digits of their type.
    if kind.is_integer()
        && kind != &DataType::Int8
        && let Some(Some(V::Int(n))) = c.constants.get(at)
    {
        return Some((i32::try_from(n.unsigned_abs().to_string().len()).unwrap_or(20), 0));
    }
    as_decimal(kind)
}

/// A decimal with the scale cut where 38 digits do not suffice.
pub(super) fn bounded(p: i32, s: i32) -> DataType {
    if p <= 38 {
        return types::decimal(p, s);
    }
    let whole = p - s;
    types::decimal(38, (38 - whole).max(s.min(6)))
}

pub(super) fn numbers(c: &Call<'_>, of_decimals: fn((i32, i32), (i32, i32)) -> DataType) -> Result<Shape> {
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

/// A sum or difference of a point in time and an interval.
fn moved(point: &DataType, step: &DataType) -> Option<Shape> {
    let result = match point {
        DataType::Date32 if types::is_year_month(step) || types::is_days(step) || step == &types::calendar() => {
            DataType::Date32
        }
        DataType::Date32 => types::timestamp(),
        kind if is_time(kind) => kind.clone(),
        DataType::Time64(_) if types::is_day_time(step) => point.clone(),
        // The string is read as a timestamp, and the result is a string again.
        kind if is_text(kind) && !types::is_year_month(step) => {
            return Some(Shape { kinds: vec![types::timestamp(), step.clone()], result: DataType::Utf8 });
        }
        _ => return None,
    };
    Some(Shape { kinds: vec![result.clone(), step.clone()], result })
}

/// Two intervals, or an interval and NULL or a string that is one.
fn intervals(c: &Call<'_>, a: &DataType, b: &DataType) -> Result<Shape> {
    let fits = |k: &DataType| is_interval(k) || k.is_null();
    let Some(shared) = common(a, b).filter(|_| fits(a) && fits(b)) else {
        // To an interval of days or seconds a point in time is added, whatever stands there.
        let added = [a, b].into_iter().any(|k| types::is_day_time(k) || k == &types::calendar());
        let at = usize::from(is_interval(a));
        let other = if at == 1 { b } else { a };
        return Err(if added { unexpected(c.name, at, "\"TIMESTAMP\"", other) } else { mismatch(c, a, b) });
    };
    Ok(Shape { kinds: vec![shared.clone(), shared.clone()], result: shared })
}

pub(super) fn add_type(c: &Call<'_>) -> Result<Shape> {
    let (a, b) = two(c)?;
    if is_interval(b)
        && let Some(shape) = moved(a, b)
    {
        return Ok(shape);
    }
    if is_interval(a)
        && let Some(mut shape) = moved(b, a)
    {
        shape.kinds.reverse();
        return Ok(shape);
    }
    if is_interval(a) || is_interval(b) {
        return intervals(c, a, b);
    }
    match (a, b) {
        // NULL is an interval there.
        (DataType::Date32, DataType::Null) | (DataType::Null, DataType::Date32) => {
            Ok(Shape { kinds: vec![types::timestamp(); 2], result: types::timestamp() })
        }
        (DataType::Date32, _) => days(c, 1),
        (_, DataType::Date32) => days(c, 0),
        (DataType::Null, k) | (k, DataType::Null) if is_time(k) => {
            Ok(Shape { kinds: vec![k.clone(), k.clone()], result: k.clone() })
        }
        _ => sum(c, a, b),
    }
}

/// A date and a number of days, which stands at `at`.
fn days(c: &Call<'_>, at: usize) -> Result<Shape> {
    let kind = &c.kinds[at];
    if !(matches!(kind, DataType::Int8 | DataType::Int16 | DataType::Int32) || kind.is_null()) {
        return Err(unexpected(c.name, at, DAYS, kind));
    }
    let mut kinds = vec![DataType::Date32; 2];
    kinds[at] = DataType::Int32;
    Ok(Shape { kinds, result: DataType::Date32 })
}

/// Of numbers; a string is a number beside a number alone.
fn sum(c: &Call<'_>, a: &DataType, b: &DataType) -> Result<Shape> {
    let no_number = |k: &DataType| is_text(k) || k == &DataType::Boolean || is_time(k);
    let void = a.is_null() || b.is_null();
    if let Some(shared) = common(a, b)
        && no_number(&shared)
        && [a, b].into_iter().all(|k| no_number(k) || k.is_null())
        && !(void && shared == DataType::Boolean)
    {
        return Err(fail(
            "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE",
            "42K09",
            &format!(
                "Cannot resolve \"{}\" due to data type mismatch: the binary operator requires the input type \"NUMERIC\", not \"{}\".",
                c.name.trim_start_matches("op_"),
                types::name(&shared)
            ),
        ));
    }
    numbers(c, sum_type)
}

/// What may be added to a date.
const DAYS: &str = "(\"INT\" or \"SMALLINT\" or \"TINYINT\")";

pub(super) fn sum_type((p, s): (i32, i32), (q, t): (i32, i32)) -> DataType {
    let scale = s.max(t);
    bounded((p - s).max(q - t) + scale + 1, scale)
}

pub(super) fn subtract_type(c: &Call<'_>) -> Result<Shape> {
    let (a, b) = two(c)?;
    if is_interval(b)
        && let Some(shape) = moved(a, b)
    {
        return Ok(shape);
    }
    if is_interval(a) && b == &DataType::Date32 {
        return Err(unexpected(c.name, 0, "\"DATE\"", a));
    }
    if is_interval(a) || is_interval(b) {
        return intervals(c, a, b);
    }
    let stamp = |k: &DataType| matches!(k, DataType::Timestamp(_, _));
    let hours = || types::interval(3, 5).unwrap_or_else(types::day_time);
    let whole_days = || types::interval(2, 2).unwrap_or_else(types::day_time);
    match (a, b) {
        (DataType::Time64(_), DataType::Time64(_)) => Ok(Shape { kinds: vec![types::time(); 2], result: hours() }),
        (x, y) if stamp(x) || stamp(y) => {
            let other = |k: &DataType| is_time(k) || is_text(k) || k.is_null();
            let shared = common(x, y).filter(|_| other(x) && other(y)).ok_or_else(|| mismatch(c, a, b))?;
            Ok(Shape { kinds: vec![shared.clone(), shared], result: types::day_time() })
        }
        (x, DataType::Date32) => {
            if !(x == b || is_text(x) || x.is_null()) {
                return Err(unexpected(c.name, 0, "\"DATE\"", x));
            }
            Ok(Shape { kinds: vec![DataType::Date32; 2], result: whole_days() })
        }
        (DataType::Date32, y) if is_text(y) || y.is_null() => {
            Ok(Shape { kinds: vec![DataType::Date32; 2], result: whole_days() })
        }
        (DataType::Date32, _) => days(c, 1),
        _ => sum(c, a, b),
    }
}

/// An interval and a number that it is multiplied with or divided by.
pub(super) fn scaling(interval: &DataType, number: &DataType) -> Option<Shape> {
    types::span(interval).filter(|_| number.is_numeric() || is_text(number) || number.is_null())?;
    Some(Shape { kinds: vec![interval.clone(), DataType::Float64], result: types::full(interval) })
}
