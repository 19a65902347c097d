//! The engine's errors in the platform's error classes.

use datafusion::arrow::error::ArrowError;
use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;

use super::names::Names;
use super::spark::ClassError;
use super::store::{missing, quoted};
use crate::sql::Failure;

/// A failure on its way through the engine.
#[derive(Debug)]
struct Carried(Failure);

impl std::fmt::Display for Carried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Carried {}

pub(super) fn carried(failure: Failure) -> DataFusionError {
    DataFusionError::External(Box::new(Carried(failure)))
}

/// The failure of planning a query, with names as the query has written them.
pub(super) fn of_query(error: &DataFusionError, names: &Names) -> Failure {
    let text = error.find_root().strip_backtrace();
    let missing_table = text.split_once("table '").and_then(|(_, rest)| rest.split_once("' not found"));
    if let Some((full, _)) = missing_table {
        let parts: Vec<String> = full.split('.').map(str::to_owned).collect();
        let written = names.relations.iter().find(|r| {
            parts.len() >= r.len() && r.iter().rev().zip(parts.iter().rev()).all(|(a, b)| a.to_lowercase() == *b)
        });
        return missing::table(written.unwrap_or(&parts));
    }
    let found = failure(error);
    if found.message.starts_with("[MISSING_AGGREGATION]") && !names.grouped {
        let text = "The query does not include a GROUP BY clause. Add GROUP BY or turn it into the window functions using OVER clauses.";
        return Failure::class("MISSING_GROUP_BY", text, "42803");
    }
    found
}

/// A column in HAVING that is neither grouped nor in an aggregate.
fn having(text: &str) -> Option<Failure> {
    let (_, rest) = text.split_once("column \"")?;
    let (column, rest) = rest.split_once('"')?;
    let shown = |name: &str| quoted(&name.trim_matches('"').split('.').collect::<Vec<_>>());
    let near: Vec<String> = match rest.split_once("currently only ").and_then(|(_, r)| r.split_once(" appears")) {
        Some((list, _)) => list.split(", ").map(shown).collect(),
        None => Vec::new(),
    };
    let name = quoted(&[column.rsplit('.').next().unwrap_or(column)]);
    Some(Failure::class(
        "UNRESOLVED_COLUMN.WITH_SUGGESTION",
        &format!(
            "A column, variable, or function parameter with name {name} cannot be resolved. Did you mean one of the following? [{}].",
            near.join(", ")
        ),
        "42703",
    ))
}

pub(super) fn failure(error: &DataFusionError) -> Failure {
    let root = error.find_root();
    // The first line is the error; what follows are hints for the engine's own users.
    let full = root.strip_backtrace();
    let text = without_prefixes(full.lines().next().unwrap_or_default());
    let text = &with_type_names(text);
    let class = |class, state| Failure::class(class, text, state);
    match root {
        DataFusionError::External(e) if e.is::<Carried>() => {
            e.downcast_ref::<Carried>().map_or_else(|| by_text(text), |e| e.0.clone())
        }
        DataFusionError::External(e) if e.is::<ClassError>() => {
            e.downcast_ref::<ClassError>().map_or_else(|| by_text(text), |e| Failure::class(e.class, &e.text, e.state))
        }
        DataFusionError::SQL(_, _) => class("PARSE_SYNTAX_ERROR", "42601"),
        DataFusionError::SchemaError(e, _) => match e.as_ref() {
            SchemaError::FieldNotFound { field, valid_fields } => unresolved(field, valid_fields),
            SchemaError::AmbiguousReference { field } => {
                let name = quoted(&[&field.name]);
                Failure::class("AMBIGUOUS_REFERENCE", &format!("Reference {name} is ambiguous."), "42704")
            }
            _ => class("COLUMN_ALREADY_EXISTS", "42711"),
        },
        DataFusionError::ArrowError(e, _) => match e.as_ref() {
            ArrowError::DivideByZero => divided_by_zero(),
            ArrowError::ArithmeticOverflow(_) => class("ARITHMETIC_OVERFLOW", "22003"),
            ArrowError::CastError(_) if text.starts_with("Can't cast value") => class("CAST_OVERFLOW", "22003"),
            ArrowError::CastError(_) | ArrowError::ParseError(_) => class("CAST_INVALID_INPUT", "22018"),
            _ => by_text(text),
        },
        DataFusionError::NotImplemented(_) if text.contains("does not support logical expression") => {
            missing::feature("subqueries and windows at this place of a statement")
        }
        // The parser's tree, which tells nobody anything.
        DataFusionError::NotImplemented(_) if text.contains("Span(") => {
            let told = text.split(['{', '(']).next().unwrap_or_default().trim_end();
            missing::feature(&format!("this part of a statement ({told})"))
        }
        DataFusionError::NotImplemented(_) => class("UNSUPPORTED_FEATURE", "0A000"),
        DataFusionError::ResourcesExhausted(_) => {
            Failure { code: "RESOURCE_EXHAUSTED".to_owned(), message: text.to_owned(), sql_state: None }
        }
        DataFusionError::Internal(_) => Failure::internal(text),
        DataFusionError::Plan(_) if text.starts_with("Invalid qualifier ") => {
            let name = text.trim_start_matches("Invalid qualifier ");
            let text = format!("Cannot resolve {name}.* given the relations and structures of the query.");
            Failure::class("CANNOT_RESOLVE_STAR_EXPAND", &text, "42704")
        }
        _ => by_text(text),
    }
}

/// With the platform's names of types in place of the engine's.
fn with_type_names(text: &str) -> String {
    const TYPES: [(&str, &str); 10] = [
        ("Boolean type", "BOOLEAN type"),
        ("Date32", "DATE"),
        ("Decimal128", "DECIMAL"),
        ("Float32", "FLOAT"),
        ("Float64", "DOUBLE"),
        ("Int16", "SMALLINT"),
        ("Int32", "INT"),
        ("Int64", "BIGINT"),
        ("Int8", "TINYINT"),
        ("Utf8", "STRING"),
    ];
    TYPES.iter().fold(text.to_owned(), |text, (engine, platform)| text.replace(engine, platform))
}

/// Without the words in front that tell of the engine's parts.
fn without_prefixes(mut text: &str) -> &str {
    const PREFIXES: [&str; 11] = [
        "Arithmetic overflow: ",
        "Arrow error: ",
        "Cast error: ",
        "Compute error: ",
        "Error during planning: ",
        "Execution error: ",
        "Internal error: ",
        "Invalid argument error: ",
        "Parser error: ",
        "Schema error: ",
        "This feature is not implemented: ",
    ];
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)) {
        text = rest;
    }
    text
}

/// Errors that the engine distinguish by their string only.
fn by_text(text: &str) -> Failure {
    let class = |class, state| Failure::class(class, text, state);
    let lower = text.to_ascii_lowercase();
    let has = |part: &str| lower.contains(part);
    const BY_TEXT: [(&str, &str, &str); 19] = [
        ("cannot infer common argument type for logical", "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES", "42K09"),
        ("unary operator 'not' requires", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", "42K09"),
        ("unary operator '-' only supports", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", "42K09"),
        (
            "too many columns! the subquery",
            "INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN",
            "42823",
        ),
        ("cannot infer common argument type for comparison", "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES", "42K09"),
        ("order by column out of bounds", "ORDER_BY_POS_OUT_OF_RANGE", "42805"),
        ("cannot find column with position", "GROUP_BY_POS_OUT_OF_RANGE", "42805"),
        ("cannot create filter with non-boolean", "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN", "42K09"),
        ("limit must be >= 0", "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE", "42K0E"),
        ("offset must be >= 0", "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE", "42K0E"),
        ("must be in group by", "MISSING_AGGREGATION", "42803"),
        ("must appear in the group by", "MISSING_AGGREGATION", "42803"),
        ("aggregate functions are not allowed in the where", "INVALID_WHERE_CONDITION", "42903"),
        ("aggregate function calls cannot be nested", "NESTED_AGGREGATE_FUNCTION", "42607"),
        ("different number of columns", "NUM_COLUMNS_MISMATCH", "42826"),
        ("incompatible inputs for union", "INCOMPATIBLE_COLUMN_TYPE", "42825"),
        ("scalar subquery returned more than one row", "SCALAR_SUBQUERY_TOO_MANY_ROWS", "21000"),
        ("specified more than once", "DUPLICATED_CTE_NAMES", "42602"),
        ("having clause references", "MISSING_AGGREGATION", "42803"),
    ];
    if has("column in having")
        && let Some(failure) = having(text)
    {
        return failure;
    }
    if let Some((_, name, state)) = BY_TEXT.iter().find(|(part, _, _)| has(part)) {
        class(name, state)
    } else if has("divide by zero") {
        divided_by_zero()
    } else if has("invalid function") {
        class("UNRESOLVED_ROUTINE", "42883")
    } else if has("already exist") {
        class("TABLE_OR_VIEW_ALREADY_EXISTS", "42P07")
    } else if has("schema") && (has("not found") || has("doesn't exist") || has("failed to resolve")) {
        class("SCHEMA_NOT_FOUND", "42704")
    } else if has("table") && (has("not found") || has("doesn't exist") || has("does not exist")) {
        class("TABLE_OR_VIEW_NOT_FOUND", "42P01")
    } else if has("too large to store in a decimal") || has("too small to store in a decimal") {
        class("NUMERIC_VALUE_OUT_OF_RANGE", "22003")
    } else if has("cannot cast") || has("cast error") {
        class("CAST_INVALID_INPUT", "22018")
    } else if has("overflow") {
        class("ARITHMETIC_OVERFLOW", "22003")
    } else if has("coerce") || has("signature") {
        class("DATATYPE_MISMATCH", "42K09")
    } else {
        Failure::bad_request(text)
    }
}

fn divided_by_zero() -> Failure {
    Failure::class("DIVIDE_BY_ZERO", "Division by zero.", "22012")
}

/// A column that is missing, with the names that are most like it.
fn unresolved(field: &Column, valid: &[Column]) -> Failure {
    let parts = |c: &Column| -> Vec<String> {
        let table = c.relation.as_ref().map(|r| r.table().to_owned()).filter(|t| !t.starts_with("__"));
        table.into_iter().chain([c.name.clone()]).collect()
    };
    let mut near: Vec<(usize, String)> =
        valid.iter().map(|c| (distance(&c.name, &field.name), quoted(&parts(c)))).collect();
    near.sort();
    near.dedup();
    let shown: Vec<_> = near.into_iter().take(5).map(|(_, name)| name).collect();
    let mut text =
        format!("A column, variable, or function parameter with name {} cannot be resolved.", quoted(&parts(field)));
    if shown.is_empty() {
        return Failure::class("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", &text, "42703");
    }
    text.push_str(&format!(" Did you mean one of the following? [{}].", shown.join(", ")));
    Failure::class("UNRESOLVED_COLUMN.WITH_SUGGESTION", &text, "42703")
}

/// How many letters differ between two names.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(corner + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

/// With the place of the name that is not resolved, as the service states it behind the error.
pub(super) fn placed(mut failure: Failure, statement: &str) -> Failure {
    const PLACED: [&str; 4] =
        ["[TABLE_OR_VIEW_NOT_FOUND]", "[UNRESOLVED_COLUMN", "[UNRESOLVED_ROUTINE]", "[AMBIGUOUS_REFERENCE]"];
    if !PLACED.iter().any(|class| failure.message.starts_with(class)) || failure.message.contains(" pos ") {
        return failure;
    }
    // The first name in the message is the one that is missing; its last part stands in the statement.
    let written = || -> Option<usize> {
        let start = failure.message.find('`')?;
        let rest = &failure.message[start..];
        let end = rest.find(|c: char| c.is_whitespace()).unwrap_or(rest.len());
        let parts: Vec<&str> = rest[..end].trim_end_matches('.').trim_matches('`').split("`.`").collect();
        let lower = statement.to_lowercase();
        let first = parts.first()?.to_lowercase();
        let word = |at: usize| {
            let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            !inside(lower[..at].chars().next_back()) && !inside(lower[at + first.len()..].chars().next())
        };
        lower.match_indices(first.as_str()).map(|(at, _)| at).find(|at| word(*at))
    };
    if let Some(at) = written().filter(|at| statement.is_char_boundary(*at)) {
        let before = &statement[..at];
        let line = before.matches('\n').count() + 1;
        let position = before.rsplit('\n').next().unwrap_or_default().chars().count();
        failure.message.push_str(&format!("; line {line} pos {position}"));
    }
    failure
}
