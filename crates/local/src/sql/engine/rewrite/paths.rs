//! `value:path`, which reaches into JSON text and VARIANT.

use datafusion::sql::sqlparser::ast::{Expr, JsonPath, JsonPathElem, Value};

use super::super::functions;
use super::super::params::literal;
use super::super::spark::json_access::{ALL, INDEX, KEY, NAME, NAME_OF_FUNCTION};
use super::expressions::uncast;
use crate::sql::Failure;

/// The call that a path stands for: each of its steps is an argument.
pub(super) fn call(value: Expr, path: &JsonPath) -> Result<Expr, Failure> {
    let mut arguments = vec![value];
    for part in &path.path {
        arguments.push(literal(Value::SingleQuotedString(step(part)?)));
    }
    Ok(functions::call(NAME_OF_FUNCTION, arguments))
}

/// The name that the platform gives to a column which is a path: that of the last member.
pub(super) fn name(path: &JsonPath) -> Option<String> {
    path.path.iter().rev().find_map(|part| match part {
        JsonPathElem::Dot { key, .. } => Some(key.clone()),
        JsonPathElem::Bracket { key } | JsonPathElem::ColonBracket { key } => match text(key)? {
            Value::SingleQuotedString(name) | Value::DoubleQuotedString(name) => Some(name.clone()),
            _ => None,
        },
    })
}

fn text(key: &Expr) -> Option<&Value> {
    match uncast(key) {
        Expr::Value(value) => Some(&value.value),
        _ => None,
    }
}

fn step(part: &JsonPathElem) -> Result<String, Failure> {
    let key = match part {
        JsonPathElem::Dot { key, quoted: false } => return Ok(format!("{NAME}{key}")),
        JsonPathElem::Dot { key, quoted: true } => return Ok(format!("{KEY}{key}")),
        JsonPathElem::Bracket { key } | JsonPathElem::ColonBracket { key } => key,
    };
    match (key, text(key)) {
        (Expr::Wildcard(_), _) => Ok(ALL.to_string()),
        (_, Some(Value::SingleQuotedString(name) | Value::DoubleQuotedString(name))) => Ok(format!("{KEY}{name}")),
        (_, Some(Value::Number(digits, _))) if digits.parse::<u32>().is_ok() => Ok(format!("{INDEX}{digits}")),
        _ => Err(Failure::class(
            "PARSE_SYNTAX_ERROR",
            &format!(
                "Syntax error at or near '{key}': a step of a path behind `:` is a name, a string or a number in brackets, or `[*]`."
            ),
            "42601",
        )),
    }
}
