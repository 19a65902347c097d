//! What `value:path` gives: text from JSON text, VARIANT from VARIANT.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;
use serde_json::Value;

use super::function::{Call, Def, Env, Shape, t};
use super::json::{json_of, variant};
use super::types::{self, is_text, is_variant};
use super::value::V;

/// A member by its name; names of JSON text are the same without case.
pub(crate) const NAME: char = '.';
/// A member by its name as it is written, in brackets or backticks.
pub(crate) const KEY: char = '=';
/// An item by its number from 0.
pub(crate) const INDEX: char = '#';
/// All items.
pub(crate) const ALL: char = '*';

/// No statement writes it.
pub(crate) const NAME_OF_FUNCTION: &str = "json_access";

pub(crate) const FUNCTIONS: &[Def] = &[t(NAME_OF_FUNCTION, shape, access)];

fn shape(call: &Call<'_>) -> Result<Shape> {
    let mut kinds = call.kinds.to_vec();
    let result = match call.kinds.first() {
        Some(kind) if is_variant(kind) => types::variant(),
        Some(kind) if is_text(kind) || kind == &DataType::Null => DataType::Utf8,
        Some(kind) => {
            let text = format!(
                "The column before `:` has to be a VARIANT, or JSON in a STRING, and is {}.",
                types::name(kind)
            );
            return Err(super::fail("COLUMN_IS_NOT_VARIANT_TYPE", "42K09", &text));
        }
        None => return Err(super::function::wrong_count(call.name, "> 0", 0)),
    };
    kinds[0] = result.clone();
    Ok(Shape { kinds, result })
}

fn access(env: &Env<'_>, arguments: &[V]) -> Result<V> {
    let Some((value, steps)) = arguments.split_first() else { return Ok(V::Null) };
    let is_variant = is_variant(env.result);
    let root = if is_variant {
        json_of(value)
    } else {
        match serde_json::from_str(value.text()) {
            Ok(root) => root,
            // Text that is not JSON has no members.
            Err(_) => return Ok(V::Null),
        }
    };
    if is_variant && steps.iter().any(|s| s.text().starts_with(ALL)) {
        return Err(super::fail(
            "INVALID_VARIANT_GET_PATH",
            "22023",
            "The path with `[*]` is not a valid variant extraction path in `:`; take the array and use explode.",
        ));
    }
    let mut found = vec![root];
    for step in steps {
        found = found.iter().flat_map(|v| next(v, step.text(), is_variant)).collect();
    }
    let several = steps.iter().any(|s| s.text().starts_with(ALL));
    Ok(match found.as_slice() {
        [] => V::Null,
        [one] if is_variant => variant(one),
        [Value::Null] => V::Null,
        [Value::String(text)] if !several => text.as_str().into(),
        [one] if !several => one.to_string().into(),
        all => Value::Array(all.to_vec()).to_string().into(),
    })
}

fn next(value: &Value, step: &str, is_variant: bool) -> Vec<Value> {
    let mut signs = step.chars();
    let (kind, rest) = (signs.next(), signs.as_str());
    let found = match (kind, value) {
        (Some(NAME), Value::Object(members)) if !is_variant => {
            members.get(rest).or_else(|| members.iter().find(|(k, _)| k.eq_ignore_ascii_case(rest)).map(|(_, v)| v))
        }
        (Some(NAME | KEY), Value::Object(members)) => members.get(rest),
        (Some(INDEX), Value::Array(items)) => rest.parse::<usize>().ok().and_then(|at| items.get(at)),
        (Some(ALL), Value::Array(items)) => return items.clone(),
        _ => None,
    };
    found.cloned().into_iter().collect()
}
