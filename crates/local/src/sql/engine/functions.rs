//! Which functions there are, and those that the engine has under another name or with other arguments.
//!
//! A function that the engine has but that means something else on the platform is refused by name: a wrong value
//! without a word is worse than none.

use datafusion::sql::sqlparser::ast::{
    DataType, DateTimeField, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName,
    ObjectNamePart, Value,
};

use super::params::{cast, literal};
use super::strings;
use crate::sql::Failure;

/// Functions that mean the same on both sides, or that the workspace defines itself.
const KNOWN: &[&str] = &[
    // Conditional and struct
    "coalesce",
    "greatest",
    "ifnull",
    "least",
    "named_struct",
    "nullif",
    "nvl",
    "nvl2",
    // Strings
    "ascii",
    "bit_length",
    "btrim",
    "char_length",
    "character_length",
    "concat",
    "concat_ws",
    "contains",
    "endswith",
    "find_in_set",
    "instr",
    "left",
    "length",
    "levenshtein",
    "locate",
    "lower",
    "lpad",
    "ltrim",
    "octet_length",
    "overlay",
    "position",
    "regexp_count",
    "regexp_instr",
    "regexp_like",
    "regexp_replace",
    "repeat",
    "replace",
    "reverse",
    "right",
    "rpad",
    "rtrim",
    "space",
    "split_part",
    "startswith",
    "string",
    "substr",
    "substring",
    "substring_index",
    "translate",
    "trim",
    "upper",
    "uuid",
    // Numbers
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "ceil",
    "cos",
    "cosh",
    "cot",
    "degrees",
    "exp",
    "floor",
    "isnan",
    "ln",
    "log",
    "log10",
    "log2",
    "nanvl",
    "pi",
    "pow",
    "power",
    "radians",
    "rand",
    "random",
    "round",
    "sign",
    "signum",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    // Times
    "current_date",
    "current_timestamp",
    "date_format",
    "date_part",
    "date_trunc",
    "datepart",
    "make_date",
    "now",
    "to_date",
    "to_timestamp",
    // Aggregates and windows
    "any_value",
    "approx_count_distinct",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "collect_list",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "cume_dist",
    "dense_rank",
    "every",
    "first",
    "first_value",
    "grouping",
    "lag",
    "last",
    "last_value",
    "lead",
    "max",
    "mean",
    "min",
    "nth_value",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
    "some",
    "std",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "var_pop",
    "var_samp",
    "variance",
    // Sessions
    "current_catalog",
    "current_database",
    "current_schema",
    "current_user",
    "session_user",
    "user",
    // Tables
    "range",
];

fn unknown(name: &str, why: &str) -> Failure {
    Failure::class(
        "UNRESOLVED_ROUTINE",
        &format!("Cannot resolve routine `{name}`: the embedded workspace does not have {why}."),
        "42883",
    )
}

/// Refuses what the workspace does not have.
pub(super) fn check_name(name: &ObjectName) -> Result<(), Failure> {
    let lower = name.to_string().replace('`', "").to_ascii_lowercase();
    if KNOWN.contains(&lower.as_str()) { Ok(()) } else { Err(unknown(&lower, "this function")) }
}

/// Puts the engine's call in place of the platform's; gives what takes the place of the whole expression, if that
/// changes.
pub(super) fn rewrite(function: &mut Function) -> Result<Option<Expr>, Failure> {
    check_name(&function.name)?;
    let name = function.name.to_string().replace('`', "").to_ascii_lowercase();
    let FunctionArguments::List(list) = &mut function.args else { return Ok(None) };
    let arguments = &mut list.args;
    let count = arguments.len();
    let mut rename = |to: &str| function.name = ObjectName(vec![ObjectNamePart::Identifier(Ident::new(to))]);
    let only = |allowed: usize| {
        if count > allowed { Err(unknown(&name, &format!("its form with {count} arguments"))) } else { Ok(()) }
    };
    match name.as_str() {
        "position" => rename("locate"),
        "substring" => rename("substr"),
        "startswith" => rename("starts_with"),
        "endswith" => rename("ends_with"),
        "sign" => rename("signum"),
        "any_value" | "first" => {
            only(1)?;
            rename("first_value");
        }
        "last" => {
            only(1)?;
            rename("last_value");
        }
        "every" => rename("bool_and"),
        "some" => rename("bool_or"),
        "std" => rename("stddev"),
        "variance" => rename("var_samp"),
        "approx_count_distinct" => {
            only(1)?;
            rename("approx_distinct");
        }
        "array_agg" | "collect_list" => {
            only(1)?;
            rename("array_agg");
            function.null_treatment = Some(datafusion::sql::sqlparser::ast::NullTreatment::IgnoreNulls);
        }
        "log" if count == 1 => rename("ln"),
        "ceil" | "floor" | "sqrt" | "ln" | "log2" | "log10" | "ltrim" | "rtrim" | "trim" => only(1)?,
        "regexp_like" | "regexp_count" | "regexp_instr" => only(2)?,
        "regexp_replace" => {
            only(3)?;
            match arguments.get_mut(2).and_then(expression) {
                Some(Expr::Value(value)) => {
                    if let Value::SingleQuotedString(text) = &mut value.value {
                        *text = references(text);
                    }
                }
                _ => return Err(unknown(&name, "it with a replacement that is not a literal")),
            }
            arguments.push(unnamed(literal(Value::SingleQuotedString("g".to_owned()))));
        }
        "date_format" => {
            let pattern =
                arguments.get_mut(1).and_then(expression).ok_or_else(|| unknown(&name, "it without a pattern"))?;
            java_pattern(pattern, &name)?;
            rename("to_char");
        }
        "to_date" | "to_timestamp" => {
            if let Some(pattern) = arguments.get_mut(1).and_then(expression) {
                java_pattern(pattern, &name)?;
            }
            if name == "to_timestamp" {
                return Ok(Some(cast(Expr::Function(function.clone()), instant())));
            }
        }
        "date_part" | "datepart" => match arguments.first_mut().and_then(expression) {
            Some(Expr::Value(value)) => {
                let field = value.value.to_string();
                check_field(field.trim_matches('\''))?;
                rename("date_part");
            }
            _ => return Err(unknown(&name, "it with a field that is not a literal")),
        },
        "date_trunc" => {
            if let Some(value) = arguments.get_mut(1).and_then(expression) {
                let inner = std::mem::replace(value, literal(Value::Null));
                *value = cast(inner, instant());
            }
        }
        _ => {}
    }
    Ok(None)
}

/// `struct(…)`, whose fields have the names of columns and aliases, else `col1` and so on.
pub(super) fn structure(values: Vec<Expr>) -> Expr {
    let mut pairs = Vec::with_capacity(2 * values.len());
    for (position, value) in values.into_iter().enumerate() {
        let (name, value) = match value {
            Expr::Named { expr, name } => (name.value, *expr),
            Expr::Identifier(ident) => (ident.value.clone(), Expr::Identifier(ident)),
            Expr::CompoundIdentifier(parts) => {
                (parts.last().map(|i| i.value.clone()).unwrap_or_default(), Expr::CompoundIdentifier(parts))
            }
            other => (format!("col{}", position + 1), other),
        };
        pairs.push(literal(Value::SingleQuotedString(name)));
        pairs.push(value);
    }
    call("named_struct", pairs)
}

/// The platform's `TIMESTAMP`, a point in time.
pub(super) fn instant() -> DataType {
    DataType::Timestamp(Some(6), datafusion::sql::sqlparser::ast::TimezoneInfo::WithTimeZone)
}

/// `CAST(… AS STRING)`, in the platform's form of each type.
pub(super) fn string_of(expr: Expr) -> Expr {
    call(strings::TO_STRING, vec![expr])
}

pub(super) fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    use datafusion::sql::sqlparser::ast::FunctionArgumentList;
    Expr::Function(Function {
        name: ObjectName(vec![ObjectNamePart::Identifier(Ident::new(name))]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: arguments.into_iter().map(unnamed).collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// Fields of `extract` that count alike on both sides.
pub(super) fn check_extract(field: &DateTimeField) -> Result<(), Failure> {
    check_field(&field.to_string())
}

fn check_field(field: &str) -> Result<(), Failure> {
    const FIELDS: [&str; 9] = ["YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DOY", "HOUR", "MINUTE", "ISOYEAR"];
    if FIELDS.iter().any(|f| f.eq_ignore_ascii_case(field)) {
        return Ok(());
    }
    let text = format!("The embedded workspace cannot extract {field}; it extracts {}.", FIELDS[..8].join(", "));
    Err(Failure::class("UNSUPPORTED_FEATURE", &text, "0A000"))
}

fn unnamed(expr: Expr) -> FunctionArg {
    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))
}

fn expression(argument: &mut FunctionArg) -> Option<&mut Expr> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    }
}

/// References to groups, `$1` in the platform's replacements, in the engine's form; `\$` is a dollar.
fn references(replacement: &str) -> String {
    let mut out = String::new();
    let mut rest = replacement.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some('$') => out.push_str("$$"),
                Some(other) => out.push(other),
                None => {}
            },
            '$' => {
                // One digit: which groups there are is not known here.
                let digit = rest.next_if(char::is_ascii_digit);
                out.push_str(&digit.map_or_else(|| "$$".to_owned(), |d| format!("${{{d}}}")));
            }
            other => out.push(other),
        }
    }
    out
}

/// A pattern of Java's `DateTimeFormatter`, which has to be a literal, in the engine's form.
fn java_pattern(expr: &mut Expr, function: &str) -> Result<(), Failure> {
    let Expr::Value(value) = expr else { return Err(unknown(function, "it with a pattern that is not a literal")) };
    let Value::SingleQuotedString(text) = &mut value.value else {
        return Err(unknown(function, "it with a pattern that is not a string"));
    };
    *text = strftime(text).ok_or_else(|| {
        Failure::class(
            "INVALID_DATETIME_PATTERN",
            &format!("The embedded workspace cannot read the datetime pattern '{text}'."),
            "22007",
        )
    })?;
    Ok(())
}

fn strftime(pattern: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '\'' {
            if rest.next_if_eq(&'\'').is_some() {
                out.push('\'');
                continue;
            }
            loop {
                match rest.next()? {
                    '\'' if rest.next_if_eq(&'\'').is_some() => out.push('\''),
                    '\'' => break,
                    '%' => out.push_str("%%"),
                    other => out.push(other),
                }
            }
            continue;
        }
        if !c.is_ascii_alphabetic() {
            out.push_str(if c == '%' { "%%" } else { "" });
            if c != '%' {
                out.push(c);
            }
            continue;
        }
        let mut run = 1;
        while rest.next_if_eq(&c).is_some() {
            run += 1;
        }
        out.push_str(match (c, run) {
            ('y', 4) => "%Y",
            ('y', 2) => "%y",
            ('M', 1) => "%-m",
            ('M', 2) => "%m",
            ('M', 3) => "%b",
            ('M', 4) => "%B",
            ('d', 1) => "%-d",
            ('d', 2) => "%d",
            ('H', 1) => "%-H",
            ('H', 2) => "%H",
            ('h', 1) => "%-I",
            ('h', 2) => "%I",
            ('m', 1) => "%-M",
            ('m', 2) => "%M",
            ('s', 1) => "%-S",
            ('s', 2) => "%S",
            ('S', 3) => "%3f",
            ('S', 6) => "%6f",
            ('a', 1) => "%p",
            ('E', 1..=3) => "%a",
            ('E', 4) => "%A",
            ('D', 3) => "%j",
            _ => return None,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_java() {
        for (java, engine) in [
            ("yyyy/MM/dd", Some("%Y/%m/%d")),
            ("d. MMM yy 'at' HH:mm:ss.SSS", Some("%-d. %b %y at %H:%M:%S.%3f")),
            ("'100%' ''", Some("100%% '")),
            ("w", None),
            ("'open", None),
        ] {
            assert_eq!(strftime(java).as_deref(), engine, "{java}");
        }
    }

    #[test]
    fn references_to_groups_have_one_digit() {
        assert_eq!(references(r"$1a-$2\$\\x$"), r"${1}a-${2}$$\x$$");
    }
}
