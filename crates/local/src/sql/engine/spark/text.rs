//! Values as strings: what a cast to STRING writes.

use datafusion::arrow::datatypes::{DataType, IntervalUnit};

use super::types::{self, key_value};
use super::value::V;
use super::{interval, times, zone};

pub(crate) fn text(v: &V, kind: &DataType) -> String {
    match (v, kind) {
        (V::Null, _) => "null".to_owned(),
        (V::Bool(b), _) => b.to_string(),
        (V::Int(n), _) => n.to_string(),
        (V::Float(f), _) => float(*f),
        (V::Double(d), _) => double(*d),
        (V::Dec(n), DataType::Decimal128(_, s)) => decimal(*n, i32::from(*s)),
        (V::Dec(n), _) => n.to_string(),
        (V::Str(s), _) => s.clone(),
        (V::Bin(b), _) => String::from_utf8_lossy(b).into_owned(),
        (V::Date(d), _) => times::date_text(i64::from(*d)),
        (V::Ts(us), kind) => times::timestamp_text(zone::of(kind).local(*us)),
        (V::Time(us), _) => times::clock(*us),
        (V::Ym(m), kind) => interval::year_month_text(*m, types::span(kind).unwrap_or((0, 1))),
        (V::Dt(us), kind) => interval::day_time_text(*us, types::span(kind).unwrap_or((2, 5))),
        (V::Cal(m, d, us), DataType::Interval(IntervalUnit::MonthDayNano)) => interval::calendar_text(*m, *d, *us),
        (V::Cal(..), _) => String::new(),
        (V::List(items), kind) => {
            let element = types::element(kind);
            let parts: Vec<_> = items.iter().map(|v| text(v, &element)).collect();
            format!("[{}]", parts.join(", "))
        }
        (V::Map(entries), kind) => {
            let (key, value) = key_value(kind);
            let parts: Vec<_> =
                entries.iter().map(|(k, v)| format!("{} -> {}", text(k, &key), text(v, &value))).collect();
            format!("{{{}}}", parts.join(", "))
        }
        (V::Struct(values), kind) if types::is_variant(kind) => match values.first() {
            Some(V::Str(json)) => variant_text(json),
            _ => "null".to_owned(),
        },
        (V::Struct(values), DataType::Struct(fields)) => {
            let parts: Vec<_> = values.iter().zip(fields).map(|(v, f)| text(v, f.data_type())).collect();
            format!("{{{}}}", parts.join(", "))
        }
        (V::Struct(_), _) => String::new(),
    }
}

/// A string inside of a VARIANT is written without quotes, all else as JSON.
fn variant_text(json: &str) -> String {
    match serde_json::from_str(json) {
        Ok(serde_json::Value::String(s)) => s,
        _ => json.to_owned(),
    }
}

pub(crate) fn decimal(digits: i128, scale: i32) -> String {
    let scale = usize::try_from(scale).unwrap_or(0);
    if scale == 0 {
        return digits.to_string();
    }
    let sign = if digits < 0 { "-" } else { "" };
    let text = format!("{:0>width$}", digits.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = text.split_at(text.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

/// As the platform's language writes a double: `1.0`, `1.0E10`, `NaN`, `Infinity`.
pub(crate) fn double(value: f64) -> String {
    float_text(value.is_finite(), &format!("{value:?}"), &format!("{value:e}"), value.abs())
}

pub(crate) fn float(value: f32) -> String {
    float_text(value.is_finite(), &format!("{value:?}"), &format!("{value:e}"), f64::from(value.abs()))
}

fn float_text(finite: bool, debug: &str, scientific: &str, magnitude: f64) -> String {
    if !finite {
        return debug.replace("inf", "Infinity");
    }
    if magnitude == 0.0 || (1e-3..1e7).contains(&magnitude) {
        return debug.to_owned();
    }
    let (digits, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let fraction = if digits.contains('.') { "" } else { ".0" };
    format!("{digits}{fraction}E{exponent}")
}
