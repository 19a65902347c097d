//! Values of named parameters as typed expressions.

use datafusion::sql::sqlparser::ast::{CastKind, DataType, Expr, Value};
use datafusion::sql::sqlparser::dialect::DatabricksDialect;
use datafusion::sql::sqlparser::parser::Parser;

use crate::sql::Failure;
use crate::sql::request::Parameter;

/// The expression that takes the place of the parameter's marker.
///
/// Values are checked here, so that an error names the parameter and not a place in a rewritten statement.
pub(super) fn expression(parameter: &Parameter) -> Result<Expr, Failure> {
    let upper = parameter.kind.trim().to_ascii_uppercase();
    let word = upper.split(['(', '<', ' ']).next().unwrap_or_default();
    let sql = match word {
        "LONG" => "BIGINT",
        "SHORT" => "SMALLINT",
        "BYTE" => "TINYINT",
        "INTEGER" => "INT",
        "REAL" => "FLOAT",
        "STRING" | "CHAR" | "VARCHAR" => "STRING",
        "TIMESTAMP" | "TIMESTAMP_LTZ" => "TIMESTAMP(6) WITH TIME ZONE",
        "TIMESTAMP_NTZ" => "TIMESTAMP(6)",
        "BINARY" => "BYTEA",
        "DEC" | "NUMERIC" | "DECIMAL" if !upper.contains('(') => "DECIMAL(10,0)",
        "BIGINT" | "SMALLINT" | "TINYINT" | "INT" | "FLOAT" | "DOUBLE" | "BOOLEAN" | "DATE" | "DEC" | "NUMERIC"
        | "DECIMAL" => upper.as_str(),
        "VOID" => return Ok(literal(Value::Null)),
        _ => {
            return Err(Failure::bad_request(format!(
                "Parameter '{}' has type {}, which is not a simple type that parameters can have",
                parameter.name, parameter.kind
            )));
        }
    };
    let kind =
        Parser::new(&DatabricksDialect {}).try_with_sql(sql).and_then(|mut p| p.parse_data_type()).map_err(|e| {
            Failure::bad_request(format!(
                "The type {} of parameter '{}' cannot be read: {e}",
                parameter.kind, parameter.name
            ))
        })?;
    let Some(value) = &parameter.value else {
        return Ok(cast(literal(Value::Null), kind));
    };
    if !reads(word, value.trim()) {
        return Err(Failure::class(
            "CAST_INVALID_INPUT",
            &format!("The value '{value}' of parameter '{}' cannot be read as {}.", parameter.name, parameter.kind),
            "22018",
        ));
    }
    let whole = matches!(word, "LONG" | "BIGINT" | "INT" | "INTEGER" | "SHORT" | "SMALLINT" | "BYTE" | "TINYINT");
    Ok(match word {
        "STRING" | "CHAR" | "VARCHAR" => literal(Value::SingleQuotedString(value.clone())),
        // A number that a LIMIT can take as well.
        _ if whole && value.trim().bytes().all(|b| b.is_ascii_digit()) => {
            cast(literal(Value::Number(value.trim().to_owned(), false)), kind)
        }
        "BINARY" => cast(literal(Value::SingleQuotedString(value.clone())), kind),
        _ => cast(literal(Value::SingleQuotedString(value.trim().to_owned())), kind),
    })
}

fn reads(kind: &str, value: &str) -> bool {
    match kind {
        "LONG" | "BIGINT" => value.parse::<i64>().is_ok(),
        "INT" | "INTEGER" => value.parse::<i32>().is_ok(),
        "SHORT" | "SMALLINT" => value.parse::<i16>().is_ok(),
        "BYTE" | "TINYINT" => value.parse::<i8>().is_ok(),
        "FLOAT" | "REAL" | "DOUBLE" => value.parse::<f64>().is_ok(),
        "DECIMAL" | "DEC" | "NUMERIC" => {
            let digits = value.trim_start_matches(['-', '+']);
            digits.bytes().any(|b| b.is_ascii_digit())
                && digits.bytes().filter(|b| *b == b'.').count() <= 1
                && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        }
        "BOOLEAN" => ["true", "false"].iter().any(|t| value.eq_ignore_ascii_case(t)),
        "DATE" => value.parse::<jiff::civil::Date>().is_ok(),
        "TIMESTAMP" | "TIMESTAMP_NTZ" | "TIMESTAMP_LTZ" => {
            value.parse::<jiff::Timestamp>().is_ok() || value.parse::<jiff::civil::DateTime>().is_ok()
        }
        _ => true,
    }
}

pub(super) fn literal(value: Value) -> Expr {
    Expr::Value(value.into())
}

pub(super) fn cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::Cast, expr: Box::new(expr), data_type, array: false, format: None }
}
