//! The engine's errors in the platform's error classes.

use datafusion::arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;

use super::spark::ClassError;
use crate::sql::Failure;

pub(super) fn failure(error: &DataFusionError) -> Failure {
    let root = error.find_root();
    // The first line is the error; what follows are hints for the engine's own users.
    let full = root.strip_backtrace();
    let text = without_prefixes(full.lines().next().unwrap_or_default());
    let text = &with_type_names(text);
    let class = |class, state| Failure::class(class, text, state);
    match root {
        DataFusionError::External(e) if e.is::<ClassError>() => {
            e.downcast_ref::<ClassError>().map_or_else(|| by_text(text), |e| Failure::class(e.class, &e.text, e.state))
        }
        DataFusionError::SQL(_, _) => class("PARSE_SYNTAX_ERROR", "42601"),
        DataFusionError::SchemaError(e, _) => match e.as_ref() {
            SchemaError::FieldNotFound { .. } => class("UNRESOLVED_COLUMN.WITH_SUGGESTION", "42703"),
            SchemaError::AmbiguousReference { .. } => class("AMBIGUOUS_REFERENCE", "42704"),
            _ => class("COLUMN_ALREADY_EXISTS", "42711"),
        },
        DataFusionError::ArrowError(e, _) => match e.as_ref() {
            ArrowError::DivideByZero => divided_by_zero(),
            ArrowError::ArithmeticOverflow(_) => class("ARITHMETIC_OVERFLOW", "22003"),
            ArrowError::CastError(_) if text.starts_with("Can't cast value") => class("CAST_OVERFLOW", "22003"),
            ArrowError::CastError(_) | ArrowError::ParseError(_) => class("CAST_INVALID_INPUT", "22018"),
            _ => by_text(text),
        },
        DataFusionError::NotImplemented(_) => class("UNSUPPORTED_FEATURE", "0A000"),
        DataFusionError::ResourcesExhausted(_) => {
            Failure { code: "RESOURCE_EXHAUSTED".to_owned(), message: text.to_owned(), sql_state: None }
        }
        DataFusionError::Internal(_) => Failure::internal(text),
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
    if has("divide by zero") {
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
