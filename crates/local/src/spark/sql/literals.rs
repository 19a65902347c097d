//! Values of markers as the literals that Spark takes for them: it refuses casts there.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, date};
use jiff::tz::TimeZone;

use super::messages::{
    DataType, Decimal, DecimalKind, Expression, Kind, Literal, Plain, Relation, RelationCommon, Sql, Value,
};
use crate::sql::Failure;
use crate::sql::request::Parameter;

/// A statement and its values. Those that are numbered in their order belong to question marks.
pub(super) fn bound(text: &str, parameters: &[Parameter]) -> Result<Relation, Failure> {
    let mut sql = Sql { query: text.to_owned(), named: BTreeMap::new(), positional: Vec::new() };
    let numbered = parameters.iter().enumerate().all(|(at, p)| p.name == (at + 1).to_string());
    for parameter in parameters {
        let expression = Expression { literal: Some(Literal { value: Some(value(parameter)?) }) };
        if numbered {
            sql.positional.push(expression);
        } else {
            sql.named.insert(parameter.name.clone(), expression);
        }
    }
    Ok(Relation { common: Some(RelationCommon { plan_id: Some(0) }), sql: Some(sql) })
}

fn value(parameter: &Parameter) -> Result<Value, Failure> {
    let upper = parameter.kind.trim().to_ascii_uppercase();
    let (name, arguments) = match upper.split_once('(') {
        Some((name, rest)) => (name.trim_end(), rest.trim_end().strip_suffix(')')),
        None => (upper.as_str(), None),
    };
    let wrong = || {
        let text = format!("The value of the parameter {} is not of the type {}.", parameter.name, parameter.kind);
        Failure::class("INVALID_PARAMETER_VALUE", &text, "22023")
    };
    let Some(text) = parameter.value.as_deref() else {
        return Ok(Value::Null(DataType { kind: Some(kind(name, arguments).ok_or_else(|| refused(parameter))?) }));
    };
    let trimmed = text.trim();
    fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
        text.parse().ok()
    }
    let read = match name {
        "STRING" => Some(Value::Text(text.to_owned())),
        "BOOLEAN" if trimmed.eq_ignore_ascii_case("true") => Some(Value::Boolean(true)),
        "BOOLEAN" if trimmed.eq_ignore_ascii_case("false") => Some(Value::Boolean(false)),
        "BOOLEAN" => None,
        "TINYINT" | "BYTE" => number::<i8>(trimmed).map(|n| Value::Byte(n.into())),
        "SMALLINT" | "SHORT" => number::<i16>(trimmed).map(|n| Value::Short(n.into())),
        "INT" | "INTEGER" => number(trimmed).map(Value::Integer),
        "BIGINT" | "LONG" => number(trimmed).map(Value::Long),
        "FLOAT" | "REAL" => number(trimmed).map(Value::Float),
        "DOUBLE" => number(trimmed).map(Value::Double),
        "DECIMAL" | "DEC" | "NUMERIC" => {
            let (precision, scale) = decimal(arguments).ok_or_else(|| refused(parameter))?;
            fits(trimmed, precision, scale).then(|| {
                let (precision, scale) = (Some(precision), Some(scale));
                Value::Decimal(Decimal { value: trimmed.to_owned(), precision, scale })
            })
        }
        "DATE" => trimmed.parse::<Date>().ok().and_then(|day| {
            let days = day.since((jiff::Unit::Day, date(1970, 1, 1))).ok()?.get_days();
            Some(Value::Date(days))
        }),
        // Without a zone it depends on the engine's session what it is.
        "TIMESTAMP" => trimmed.parse::<Timestamp>().ok().map(|t| Value::Timestamp(t.as_microsecond())),
        "TIMESTAMP_NTZ" => trimmed
            .parse::<DateTime>()
            .ok()
            .and_then(|t| Some(Value::TimestampNtz(t.to_zoned(TimeZone::UTC).ok()?.timestamp().as_microsecond()))),
        _ => return Err(refused(parameter)),
    };
    read.ok_or_else(wrong)
}

fn kind(name: &str, arguments: Option<&str>) -> Option<Kind> {
    let plain = Plain {};
    Some(match name {
        "VOID" => Kind::Null(plain),
        "STRING" => Kind::Text(plain),
        "BOOLEAN" => Kind::Boolean(plain),
        "TINYINT" | "BYTE" => Kind::Byte(plain),
        "SMALLINT" | "SHORT" => Kind::Short(plain),
        "INT" | "INTEGER" => Kind::Integer(plain),
        "BIGINT" | "LONG" => Kind::Long(plain),
        "FLOAT" | "REAL" => Kind::Float(plain),
        "DOUBLE" => Kind::Double(plain),
        "DECIMAL" | "DEC" | "NUMERIC" => {
            let (precision, scale) = decimal(arguments)?;
            Kind::Decimal(DecimalKind { scale: Some(scale), precision: Some(precision) })
        }
        "DATE" => Kind::Date(plain),
        "TIMESTAMP" => Kind::Timestamp(plain),
        "TIMESTAMP_NTZ" => Kind::TimestampNtz(plain),
        _ => return None,
    })
}

/// Precision and scale, as Spark reads them.
fn decimal(arguments: Option<&str>) -> Option<(i32, i32)> {
    let Some(arguments) = arguments else { return Some((10, 0)) };
    let (precision, scale) = arguments.split_once(',').unwrap_or((arguments, "0"));
    let (precision, scale) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
    ((1..=38).contains(&precision) && (0..=precision).contains(&scale)).then_some((precision, scale))
}

/// Whether a number has no more digits than its type, so that nothing is rounded.
fn fits(text: &str, precision: i32, scale: i32) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let length = |part: &str| i32::try_from(part.len()).unwrap_or(i32::MAX);
    all_digits(whole)
        && all_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && length(fraction) <= scale
        && length(whole.trim_start_matches('0')) <= precision - scale
}

fn refused(parameter: &Parameter) -> Failure {
    Failure::bad_request(format!(
        "The parameter {} has the type {}, which is not passed on to the attached Spark engine; state a STRING and cast it in \
         the statement",
        parameter.name, parameter.kind
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, text: Option<&str>) -> Result<Value, Failure> {
        value(&Parameter { name: "p".into(), kind: kind.into(), value: text.map(str::to_owned) })
    }

    #[test]
    fn values_have_their_types() {
        let decimal = Decimal { value: "-12.50".into(), precision: Some(4), scale: Some(2) };
        for (kind, text, expected) in [
            ("string", " a ", Value::Text(" a ".into())),
            ("boolean", "TRUE", Value::Boolean(true)),
            ("tinyint", "-128", Value::Byte(-128)),
            ("INT", "7", Value::Integer(7)),
            ("BIGINT", "9000000000", Value::Long(9_000_000_000)),
            ("DOUBLE", "1.5", Value::Double(1.5)),
            ("decimal(4, 2)", "-12.50", Value::Decimal(decimal)),
            ("DATE", "1969-12-31", Value::Date(-1)),
            ("DATE", "2026-11-29", Value::Date(20_786)),
            ("TIMESTAMP", "1970-01-01T01:00:00.000001+01:00", Value::Timestamp(1)),
            ("TIMESTAMP_NTZ", "1970-01-01 00:00:01", Value::TimestampNtz(1_000_000)),
        ] {
            assert_eq!(read(kind, Some(text)).unwrap(), expected, "{kind}");
        }
        let null = Value::Null(DataType { kind: Some(Kind::Integer(Plain {})) });
        assert_eq!(read("INT", None).unwrap(), null);
    }

    #[test]
    fn what_is_not_of_its_type_is_refused() {
        for (kind, text) in [
            ("INT", "1.5"),
            ("TINYINT", "128"),
            ("BOOLEAN", "yes"),
            ("DECIMAL(4,2)", "123.4"),
            ("DECIMAL(4,2)", "1.234"),
            ("DECIMAL(4,2)", "."),
            ("DATE", "today"),
            ("TIMESTAMP", "2026-11-29 10:00:00"),
        ] {
            assert!(read(kind, Some(text)).unwrap_err().message.contains("is not of the type"), "{kind} {text}");
        }
        for kind in ["ARRAY<INT>", "DECIMAL(99,1)", "INTERVAL DAY"] {
            assert!(read(kind, Some("1")).unwrap_err().message.contains("not passed on"), "{kind}");
            assert!(read(kind, None).unwrap_err().message.contains("not passed on"), "{kind}");
        }
    }

    #[test]
    fn numbered_values_belong_to_question_marks() {
        let parameter = |name: &str| Parameter::string(name.into(), "x".into());
        let sql = bound("SELECT ?", &[parameter("1"), parameter("2")]).unwrap().sql.unwrap();
        assert_eq!((sql.positional.len(), sql.named.len()), (2, 0));
        let sql = bound("SELECT :2", &[parameter("2"), parameter("a")]).unwrap().sql.unwrap();
        assert_eq!((sql.positional.len(), sql.named.len()), (0, 2));
    }
}
