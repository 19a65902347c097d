//! Functions, casts and types with the platform's meaning, on values one by one.
//!
//! A function here is a signature (`"s i? -> s"`), which states how arguments are read and what comes out, and a
//! plain Rust function on values. The arrays of the engine are taken apart and put together in `function`.

use datafusion::error::DataFusionError;

mod addresses;
pub(crate) mod aggregates;
pub(crate) mod cast;
mod clock;
mod collections;
mod csv_text;
mod date_making;
mod date_parts;
mod date_steps;
mod datetime;
mod encodings;
mod frequent_items;
pub(crate) mod function;
pub(crate) mod generators;
mod hash;
mod hyperbolic;
pub(crate) mod interval;
mod interval_cast;
mod java_random;
pub(crate) mod json;
pub(crate) mod json_access;
mod json_path;
pub(crate) mod json_types;
mod json_write;
mod lambda_rows;
pub(crate) mod lambdas;
mod maps;
mod math;
mod members;
mod membership;
mod misc;
mod number_format;
mod number_text;
mod numerals;
mod op_types;
mod ops;
pub(crate) mod pattern;
mod percentiles;
mod printf;
pub(crate) mod random;
mod regex;
mod rounding;
mod sentences;
mod sequences;
mod similarity;
mod sketches;
mod spans;
mod statistics;
mod strings;
pub(crate) mod text;
pub(crate) mod times;
mod top_items;
mod totals;
mod type_text;
pub(crate) mod types;
mod uniform;
mod urls;
pub(crate) mod value;
mod variant_shape;
mod vectors;
mod windows;
pub(crate) mod zone;
#[cfg(feature = "parquet")]
mod zstd;

/// Bytes of one value.
pub(crate) const VALUE_LIMIT: usize = 64 << 20;
/// Bytes of the values that one call on a batch of rows makes.
const BATCH_LIMIT: usize = 256 << 20;

/// All functions on values, by name.
pub(crate) fn functions() -> impl Iterator<Item = function::Def> {
    let tables = [
        addresses::FUNCTIONS,
        clock::FUNCTIONS,
        collections::FUNCTIONS,
        csv_text::FUNCTIONS,
        datetime::FUNCTIONS,
        encodings::FUNCTIONS,
        hash::FUNCTIONS,
        json::FUNCTIONS,
        json_access::FUNCTIONS,
        maps::FUNCTIONS,
        math::FUNCTIONS,
        members::FUNCTIONS,
        misc::FUNCTIONS,
        number_format::FUNCTIONS,
        ops::FUNCTIONS,
        regex::FUNCTIONS,
        similarity::FUNCTIONS,
        strings::FUNCTIONS,
        top_items::FUNCTIONS,
        urls::FUNCTIONS,
        vectors::FUNCTIONS,
        windows::FUNCTIONS,
        #[cfg(feature = "parquet")]
        zstd::FUNCTIONS,
    ];
    let single = [strings::CONCAT, strings::STRING, datetime::INTERVAL, ops::CAST, ops::TRY_CAST];
    tables.into_iter().flatten().copied().chain(single)
}

/// The function that gives its argument as it is.
pub(crate) fn maybe_null() -> Option<function::Def> {
    misc::FUNCTIONS.iter().find(|def| def.name == "maybe_null").copied()
}

/// Makes sure that a value of so many bytes, and all of a batch together, can be held.
pub(crate) fn bounded(name: &str, size: usize, total: usize) -> datafusion::error::Result<()> {
    if size > VALUE_LIMIT || total > BATCH_LIMIT {
        return Err(datafusion::common::resources_datafusion_err!(
            "{name} would make a value of {size} bytes; the embedded workspace holds {VALUE_LIMIT} bytes in one value and {BATCH_LIMIT} \
             in one batch of rows"
        ));
    }
    Ok(())
}

/// A mistake of the statement's with its error class and SQLSTATE.
#[derive(Debug)]
pub(crate) struct ClassError {
    pub(crate) class: &'static str,
    pub(crate) state: &'static str,
    pub(crate) text: String,
}

impl std::fmt::Display for ClassError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for ClassError {}

pub(crate) fn fail(class: &'static str, state: &'static str, text: &str) -> DataFusionError {
    DataFusionError::External(Box::new(ClassError { class, state, text: text.to_owned() }))
}

pub(crate) fn overflow(text: &str) -> DataFusionError {
    fail(
        "ARITHMETIC_OVERFLOW",
        "22003",
        &format!("{text} caused overflow. Use 'try_' functions to tolerate overflow and return NULL instead."),
    )
}

pub(crate) fn zero_division() -> DataFusionError {
    fail(
        "DIVIDE_BY_ZERO",
        "22012",
        "Division by zero. Use `try_divide` to tolerate divisor being 0 and return NULL instead.",
    )
}

/// A value that a function does not take.
pub(crate) fn invalid(function: &str, parameter: &str, why: &str) -> DataFusionError {
    fail(
        "INVALID_PARAMETER_VALUE",
        "22023",
        &format!("The value of parameter(s) `{parameter}` in `{function}` is invalid: {why}"),
    )
}

/// The member of a structure, by its name.
pub(crate) fn member_function() -> Option<function::Def> {
    members::FUNCTIONS.iter().find(|d| d.name == "get_member").copied()
}

/// `CAST` as a function of a value and the text of a type.
pub(crate) fn cast_function() -> function::Def {
    ops::CAST
}

/// Whether a text fits a pattern in which `*` is any text and `?` any letter.
pub(crate) fn pattern_like(pattern: &str, text: &str) -> bool {
    let like: String = pattern
        .chars()
        .flat_map(|c| match c {
            '*' => vec!['%'],
            '?' => vec!['_'],
            '%' | '_' | '\\' => vec!['\\', c],
            other => vec![other],
        })
        .collect();
    regex::like(text, &like, None, false).unwrap_or(false)
}
