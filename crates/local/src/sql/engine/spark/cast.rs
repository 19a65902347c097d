//! Casts in ANSI mode: what does not fit is an error, or NULL in the `try_` form.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;

use super::interval_cast::to_interval;
pub(crate) use super::numerals::{float, parse_decimal, pow10, rescale};
use super::times::{self, DAY, SECOND};
use super::types::{self, element, is_nested, is_text, is_time, is_variant, key_value};
use super::value::{V, order};
use super::{fail, interval, text, zone};

/// Whether values of a type can be cast to another at all.
pub(crate) fn possible(from: &DataType, to: &DataType) -> bool {
    use DataType::{Boolean, Interval, List, Map, Null, Struct, Time64, Utf8};
    if from == to || from == &Null || to == &Utf8 {
        return true;
    }
    if is_variant(to) {
        return !matches!(from, Interval(_));
    }
    if is_variant(from) {
        return true;
    }
    match (from, to) {
        (Utf8, kind) => !is_nested(kind),
        (List(a), List(b)) => possible(a.data_type(), b.data_type()),
        (Map(_, _), Map(_, _)) => {
            let ((a, b), (c, d)) = (key_value(from), key_value(to));
            possible(&a, &c) && possible(&b, &d)
        }
        (Struct(a), Struct(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| possible(a.data_type(), b.data_type()))
        }
        (a, b) if is_nested(a) || is_nested(b) => false,
        (a, b) if a.is_numeric() && b.is_numeric() => true,
        (a, Boolean) | (Boolean, a) if a.is_numeric() => true,
        (a, DataType::Timestamp(_, Some(_))) if a.is_numeric() => true,
        (DataType::Timestamp(_, Some(_)), b) if b.is_numeric() => true,
        (a, b) if is_time(a) && is_time(b) => true,
        (Time64(_), kind) | (kind, Time64(_)) => {
            kind.is_numeric() && from == &time64() || matches!((from, to), (DataType::Timestamp(_, None), Time64(_)))
        }
        (a, b) if types::is_year_month(a) && types::is_year_month(b) => true,
        (a, b) if types::is_day_time(a) && types::is_day_time(b) => true,
        // A number counts in the last field.
        (a, b) if a.is_integer() => types::span(b).is_some(),
        (a, b) if b.is_integer() => types::span(a).is_some(),
        _ => false,
    }
}

fn time64() -> DataType {
    types::time()
}

fn mismatch(from: &DataType, to: &DataType) -> datafusion::error::DataFusionError {
    let day = |k: &DataType| k == &DataType::Date32;
    let zoned = |k: &DataType| matches!(k, DataType::Timestamp(_, Some(_)));
    let truth = |k: &DataType| k == &DataType::Boolean;
    let class = if (from.is_numeric() && day(to)) || (day(from) && to.is_numeric()) {
        // Functions do what the cast does not.
        "DATATYPE_MISMATCH.CAST_WITH_FUNC_SUGGESTION"
    } else if (truth(from) && zoned(to))
        || (truth(to) && (day(from) || zoned(from)))
        || (from.is_integer() && to == &DataType::Binary)
    {
        // Possible outside of ANSI mode.
        "DATATYPE_MISMATCH.CAST_WITH_CONF_SUGGESTION"
    } else {
        "DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION"
    };
    fail(class, "42K09", &format!("Cannot cast \"{}\" to \"{}\".", types::name(from), types::name(to)))
}

pub(crate) fn check(from: &DataType, to: &DataType) -> Result<()> {
    if possible(from, to) { Ok(()) } else { Err(mismatch(from, to)) }
}

fn malformed(v: &V, from: &DataType, to: &DataType) -> datafusion::error::DataFusionError {
    let shown = match v {
        V::Str(s) => format!("'{s}'"),
        other => text::text(other, from),
    };
    fail(
        "CAST_INVALID_INPUT",
        "22018",
        &format!(
            "The value {shown} of the type \"{}\" cannot be cast to \"{}\" because it is malformed. Correct the value as per the syntax, \
             or change its target type. Use `try_cast` to tolerate malformed input and return NULL instead.",
            types::name(from),
            types::name(to)
        ),
    )
}

/// A string that is not an interval of that type.
fn unmatched(text: &str, to: &DataType) -> datafusion::error::DataFusionError {
    let class = if types::is_year_month(to) {
        "INVALID_INTERVAL_FORMAT.UNMATCHED_FORMAT_STRING"
    } else {
        "INVALID_INTERVAL_FORMAT.UNMATCHED_FORMAT_STRING_WITH_NOTICE"
    };
    fail(class, "22006", &format!("Error parsing '{text}' to interval: it does not match {}.", types::name(to)))
}

fn outside(v: &V, from: &DataType, to: &DataType) -> datafusion::error::DataFusionError {
    fail(
        "CAST_OVERFLOW",
        "22003",
        &format!(
            "The value {} of the type \"{}\" cannot be cast to \"{}\" due to an overflow. Use `try_cast` to tolerate overflow and return \
             NULL instead.",
            text::text(v, from),
            types::name(from),
            types::name(to)
        ),
    )
}

fn does_not_fit(v: &V, from: &DataType, p: u8, s: i8) -> datafusion::error::DataFusionError {
    fail(
        "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
        "22003",
        &format!("The {} cannot be represented as Decimal({p}, {s}).", text::text(v, from)),
    )
}

/// NULL where the cast cannot be; of an array, a map or a structure the members are NULL that cannot.
pub(crate) fn attempt(v: &V, from: &DataType, to: &DataType) -> V {
    if v.is_null() || is_variant(from) || is_variant(to) {
        return cast(v, from, to).unwrap_or(V::Null);
    }
    match (from, to) {
        (DataType::List(old), DataType::List(new)) => {
            V::List(v.items().iter().map(|v| attempt(v, old.data_type(), new.data_type())).collect())
        }
        (DataType::Map(_, _), DataType::Map(_, _)) => {
            let ((k, x), (l, y)) = (key_value(from), key_value(to));
            V::Map(v.entries().iter().map(|(a, b)| (attempt(a, &k, &l), attempt(b, &x, &y))).collect())
        }
        (DataType::Struct(old), DataType::Struct(new)) => {
            let values = v.items().iter().zip(old.iter().zip(new));
            V::Struct(values.map(|(v, (a, b))| attempt(v, a.data_type(), b.data_type())).collect())
        }
        _ => cast(v, from, to).unwrap_or(V::Null),
    }
}

/// Refuses what an attempt cannot do: keys of maps are never NULL, so that their cast must not fail.
pub(crate) fn check_attempt(from: &DataType, to: &DataType) -> Result<()> {
    check(from, to)?;
    if is_variant(from) || is_variant(to) {
        return Ok(());
    }
    match (from, to) {
        (DataType::List(old), DataType::List(new)) => check_attempt(old.data_type(), new.data_type()),
        (DataType::Struct(old), DataType::Struct(new)) => {
            old.iter().zip(new).try_for_each(|(a, b)| check_attempt(a.data_type(), b.data_type()))
        }
        (DataType::Map(_, _), DataType::Map(_, _)) => {
            let ((k, x), (l, y)) = (key_value(from), key_value(to));
            if never_fails(&k, &l) { check_attempt(&x, &y) } else { Err(mismatch(from, to)) }
        }
        _ => Ok(()),
    }
}

fn never_fails(from: &DataType, to: &DataType) -> bool {
    let wider = || match (bounds(from), bounds(to)) {
        (Some((_, own)), Some((_, new))) => own <= new,
        (Some(_), None) => matches!(to, DataType::Float32 | DataType::Float64),
        _ => from == &DataType::Float32 && to == &DataType::Float64,
    };
    from == to || matches!(from, DataType::Null) || to == &DataType::Utf8 || wider()
}

pub(crate) fn bounds(kind: &DataType) -> Option<(i64, i64)> {
    Some(match kind {
        DataType::Int8 => (i8::MIN.into(), i8::MAX.into()),
        DataType::Int16 => (i16::MIN.into(), i16::MAX.into()),
        DataType::Int32 => (i32::MIN.into(), i32::MAX.into()),
        DataType::Int64 => (i64::MIN, i64::MAX),
        _ => return None,
    })
}

pub(crate) fn cast(v: &V, from: &DataType, to: &DataType) -> Result<V> {
    if v.is_null() || from == to {
        return Ok(v.clone());
    }
    if is_variant(to) {
        let json = super::super::spark::json::to_json_value(v, from)?;
        return Ok(V::Struct(vec![V::Str(json.to_string())]));
    }
    if is_variant(from) {
        return super::super::spark::json::variant_to(v, to);
    }
    let bad = || malformed(v, from, to);
    let over = || outside(v, from, to);
    if let Some(span) = types::span(to) {
        return to_interval(v, span).unwrap_or_else(|| {
            Err(match v {
                V::Str(text) => unmatched(text, to),
                V::Int(_) | V::Ym(_) | V::Dt(_) => over(),
                _ => mismatch(from, to),
            })
        });
    }
    Ok(match to {
        DataType::Null => V::Null,
        DataType::Utf8 => V::Str(text::text(v, from)),
        DataType::Binary => match v {
            V::Str(s) => V::Bin(s.as_bytes().to_vec()),
            _ => return Err(mismatch(from, to)),
        },
        DataType::Boolean => match v {
            V::Str(s) => match s.trim().to_ascii_lowercase().as_str() {
                "t" | "true" | "y" | "yes" | "1" => V::Bool(true),
                "f" | "false" | "n" | "no" | "0" => V::Bool(false),
                _ => return Err(bad()),
            },
            V::Int(n) => V::Bool(*n != 0),
            V::Dec(n) => V::Bool(*n != 0),
            V::Double(_) | V::Float(_) => V::Bool(v.f() != 0.0),
            _ => return Err(mismatch(from, to)),
        },
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => {
            let (low, high) = bounds(to).unwrap_or_default();
            let n = match v {
                V::Str(s) => s.trim().parse::<i64>().map_err(|_| bad())?,
                V::Int(n) => *n,
                V::Bool(b) => i64::from(*b),
                V::Double(_) | V::Float(_) => {
                    let d = v.f().trunc();
                    // The bounds of BIGINT are powers of two, which a double has.
                    if !(low as f64..(high as f64 + 1.0)).contains(&d) {
                        return Err(over());
                    }
                    d as i64
                }
                V::Dec(n) => {
                    let DataType::Decimal128(_, s) = from else { return Err(bad()) };
                    i64::try_from(n / pow10(i32::from(*s))).map_err(|_| over())?
                }
                V::Ts(us) => us.div_euclid(SECOND),
                V::Ym(_) | V::Dt(_) => v.i() / types::span(from).map_or(1, |(_, last)| types::unit(last)),
                V::Time(us) => us / SECOND,
                _ => return Err(mismatch(from, to)),
            };
            if !(low..=high).contains(&n) {
                return Err(if is_text(from) { bad() } else { over() });
            }
            V::Int(n)
        }
        DataType::Float32 => V::Float(match v {
            V::Str(s) => float(s).ok_or_else(bad)? as f32,
            V::Double(d) => *d as f32,
            V::Int(n) => *n as f32,
            V::Bool(b) => f32::from(u8::from(*b)),
            V::Dec(_) => text::text(v, from).parse().map_err(|_| bad())?,
            V::Ts(us) => (*us as f64 / 1e6) as f32,
            _ => return Err(mismatch(from, to)),
        }),
        DataType::Float64 => V::Double(match v {
            V::Str(s) => float(s).ok_or_else(bad)?,
            V::Float(f) => f64::from(*f),
            V::Int(n) => *n as f64,
            V::Bool(b) => f64::from(u8::from(*b)),
            V::Dec(_) => text::text(v, from).parse().map_err(|_| bad())?,
            V::Ts(us) => *us as f64 / 1e6,
            V::Time(us) => *us as f64 / 1e6,
            _ => return Err(mismatch(from, to)),
        }),
        DataType::Decimal128(p, s) => {
            let digits = match v {
                V::Str(t) => parse_decimal(t.trim(), i32::from(*s)).ok_or_else(bad)?,
                V::Int(n) => i128::from(*n).checked_mul(pow10(i32::from(*s))),
                V::Bool(b) => i128::from(*b).checked_mul(pow10(i32::from(*s))),
                V::Dec(n) => {
                    let DataType::Decimal128(_, old) = from else { return Err(bad()) };
                    rescale(*n, i32::from(*old), i32::from(*s))
                }
                V::Double(_) | V::Float(_) => {
                    // ANSI mode or not, what is no number has no decimal.
                    if !v.f().is_finite() {
                        return Ok(V::Null);
                    }
                    parse_decimal(&text::text(v, from), i32::from(*s)).ok_or_else(bad)?
                }
                V::Ts(us) | V::Time(us) => rescale(i128::from(*us), 6, i32::from(*s)),
                _ => return Err(mismatch(from, to)),
            };
            let digits = digits.filter(|d| d.unsigned_abs() < pow10(i32::from(*p)).unsigned_abs());
            V::Dec(digits.ok_or_else(|| does_not_fit(v, from, *p, *s))?)
        }
        DataType::Date32 => match v {
            V::Str(t) => {
                let d = times::parse_date(t).ok_or_else(bad)?;
                V::Date(i32::try_from(d).map_err(|_| bad())?)
            }
            V::Ts(us) => V::Date(i32::try_from(zone::of(from).local(*us).div_euclid(DAY)).map_err(|_| over())?),
            _ => return Err(mismatch(from, to)),
        },
        DataType::Timestamp(_, instant) => match v {
            V::Str(t) => {
                let (local, written) = times::parse_timestamp(t).ok_or_else(bad)?;
                V::Ts(written.filter(|_| instant.is_some()).unwrap_or(zone::of(to)).utc(local))
            }
            V::Date(d) => V::Ts(zone::of(to).utc(i64::from(*d) * DAY)),
            V::Ts(us) => V::Ts(zone::of(to).utc(zone::of(from).local(*us))),
            V::Int(n) => V::Ts(n.checked_mul(SECOND).ok_or_else(over)?),
            V::Double(_) | V::Float(_) => {
                let us = v.f() * 1e6;
                if !us.is_finite() || us.abs() >= 9.2e18 {
                    return Err(over());
                }
                V::Ts(us.trunc() as i64)
            }
            V::Dec(n) => {
                let DataType::Decimal128(_, s) = from else { return Err(bad()) };
                V::Ts(rescale(*n, i32::from(*s), 6).and_then(|n| i64::try_from(n).ok()).ok_or_else(over)?)
            }
            V::Bool(b) => V::Ts(i64::from(*b) * SECOND),
            _ => return Err(mismatch(from, to)),
        },
        DataType::Time64(_) => match v {
            V::Str(t) => {
                let mut rest = t.trim();
                let us =
                    times::parse_clock(&mut rest).filter(|_| rest.is_empty() && t.contains(':')).ok_or_else(bad)?;
                V::Time(us)
            }
            V::Ts(us) => V::Time(us.rem_euclid(DAY)),
            _ => return Err(mismatch(from, to)),
        },
        DataType::Interval(_) => match v {
            V::Str(t) => {
                let (m, d, us) = interval::parse_units(t).ok_or_else(bad)?;
                V::Cal(m as i32, d as i32, us)
            }
            V::Ym(m) => V::Cal(*m, 0, 0),
            V::Dt(us) => V::Cal(0, (us / DAY) as i32, us % DAY),
            _ => return Err(mismatch(from, to)),
        },
        DataType::List(f) => {
            let old = element(from);
            V::List(v.items().iter().map(|v| cast(v, &old, f.data_type())).collect::<Result<_>>()?)
        }
        DataType::Map(_, _) => {
            let ((k, x), (l, y)) = (key_value(from), key_value(to));
            V::Map(v.entries().iter().map(|(a, b)| Ok((cast(a, &k, &l)?, cast(b, &x, &y)?))).collect::<Result<_>>()?)
        }
        DataType::Struct(fields) => {
            let DataType::Struct(old) = from else { return Err(mismatch(from, to)) };
            let values = v.items().iter().zip(old.iter().zip(fields));
            V::Struct(values.map(|(v, (a, b))| cast(v, a.data_type(), b.data_type())).collect::<Result<_>>()?)
        }
        _ => return Err(mismatch(from, to)),
    })
}

/// Sorted and without doubles.
pub(crate) fn distinct(values: &mut Vec<V>) {
    let mut seen: Vec<V> = Vec::new();
    values.retain(|v| {
        let fresh = !seen.iter().any(|s| order(s, v) == std::cmp::Ordering::Equal);
        if fresh {
            seen.push(v.clone());
        }
        fresh
    });
}
