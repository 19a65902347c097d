//! Values of type TIME.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};

use super::function::{Call, Def, Env, Shape, f, t, unexpected, wrong_count};
use super::times::{DAY, SECOND};
use super::value::V;
use super::{ClassError, cast, fail, types};

pub(crate) const FUNCTIONS: &[Def] = &[
    t("time_from_seconds", |c| counted(c, true), |e, a| made(e, seconds(e, &a[0]))),
    t("time_from_millis", |c| counted(c, false), |e, a| made(e, a[0].i().checked_mul(1000))),
    t("time_from_micros", |c| counted(c, false), |e, a| made(e, Some(a[0].i()))),
    t("time_to_seconds", |c| taken(c, types::decimal(14, 6)), |_, a| Ok(V::Dec(a[0].i().into()))),
    t("time_to_millis", |c| taken(c, DataType::Int64), |_, a| Ok(V::Int(a[0].i() / 1000))),
    t("time_to_micros", |c| taken(c, DataType::Int64), |_, a| Ok(V::Int(a[0].i()))),
    f("time_trunc", "s t -> t", |e, a| {
        let unit = unit(e, a[0].text())?;
        Ok(V::Time(a[1].i() / unit * unit))
    }),
    f("time_diff", "s t t -> l", |e, a| Ok(V::Int((a[2].i() - a[1].i()) / unit(e, a[0].text())?))),
    // The time of day of a local time.
    f("clock_of", "N -> t", |_, a| Ok(V::Time(a[0].i().rem_euclid(DAY)))),
];

/// A number that a time is made of.
fn counted(c: &Call<'_>, fraction: bool) -> Result<Shape> {
    let [kind] = c.kinds else { return Err(wrong_count(c.name, "1", c.kinds.len())) };
    let kind = match kind {
        DataType::Null => DataType::Int64,
        kind if kind.is_integer() => DataType::Int64,
        kind if kind.is_numeric() && fraction => kind.clone(),
        kind => return Err(unexpected(c.name, 0, if fraction { "\"NUMERIC\"" } else { "\"INTEGRAL\"" }, kind)),
    };
    Ok(Shape { kinds: vec![kind], result: types::time() })
}

fn taken(c: &Call<'_>, result: DataType) -> Result<Shape> {
    let [kind] = c.kinds else { return Err(wrong_count(c.name, "1", c.kinds.len())) };
    if !matches!(kind, DataType::Time64(_) | DataType::Null) {
        return Err(unexpected(c.name, 0, "\"TIME\"", kind));
    }
    Ok(Shape { kinds: vec![types::time()], result })
}

/// Seconds as microseconds; what is smaller does not count.
fn seconds(e: &Env<'_>, v: &V) -> Option<i64> {
    match (v, &e.kinds[0]) {
        (V::Dec(n), DataType::Decimal128(_, scale)) => {
            let scale = i32::from(*scale);
            let micros = if scale > 6 { n / cast::pow10(scale - 6) } else { n.checked_mul(cast::pow10(6 - scale))? };
            i64::try_from(micros).ok()
        }
        (V::Int(n), _) => n.checked_mul(SECOND),
        (v, _) => Some(v.f() * 1e6).filter(|us| us.abs() < 1e15).map(|us| us as i64),
    }
}

fn made(e: &Env<'_>, micros: Option<i64>) -> Result<V> {
    micros.filter(|us| (0..DAY).contains(us)).map(V::Time).ok_or_else(|| {
        fail(
            "DATETIME_FIELD_OUT_OF_BOUNDS.WITHOUT_SUGGESTION",
            "22023",
            &format!("{} makes times from 00:00:00 to 23:59:59.999999; the value is outside of them.", e.name),
        )
    })
}

/// The microseconds of a unit.
fn unit(e: &Env<'_>, unit: &str) -> Result<i64> {
    Ok(match unit.to_ascii_uppercase().as_str() {
        "HOUR" => 3600 * SECOND,
        "MINUTE" => 60 * SECOND,
        "SECOND" => SECOND,
        "MILLISECOND" => 1000,
        "MICROSECOND" => 1,
        _ => return Err(bad_unit(e.name, unit)),
    })
}

/// The error of a text that is no time, in place of one that a cast or a pattern has.
pub(super) fn unread(a: &[V], error: DataFusionError) -> DataFusionError {
    let class = match &error {
        DataFusionError::External(inner) => inner.downcast_ref::<ClassError>().map(|error| error.class),
        _ => None,
    };
    match class {
        Some("CAST_INVALID_INPUT" | "CANNOT_PARSE_TIMESTAMP") => fail(
            "CANNOT_PARSE_TIME",
            "22010",
            &format!(
                "The input string '{}' cannot be parsed to a TIME value; use try_to_time to get NULL instead.",
                a.first().map_or("", V::text)
            ),
        ),
        _ => error,
    }
}

fn bad_unit(name: &str, unit: &str) -> DataFusionError {
    fail(
        "INVALID_PARAMETER_VALUE.TIME_UNIT",
        "22023",
        &format!(
            "The value of parameter(s) `unit` in `{name}` is invalid: expects one of the units 'HOUR', 'MINUTE', 'SECOND', \
             'MILLISECOND', 'MICROSECOND', but got '{unit}'."
        ),
    )
}
