//! `value IN (SELECT …)` where it is a value and no condition.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;

use super::fail;
use super::function::{Call, Shape, wrong_count};
use super::types::{self, common};
use super::value::{V, same};

pub(super) fn in_values_type(c: &Call<'_>) -> Result<Shape> {
    let [value, list] = c.kinds else { return Err(wrong_count(c.name, "2", c.kinds.len())) };
    let element = types::element(list);
    let shared = common(value, &element).ok_or_else(|| {
        fail(
            "DATATYPE_MISMATCH.IN_SUBQUERY_DATA_TYPE_MISMATCH",
            "42K09",
            &format!(
                "The data type of one or more elements in the left hand side of an IN subquery is not compatible with the data type of \
                 the output of the subquery: \"{}\" and \"{}\".",
                types::name(value),
                types::name(&element)
            ),
        )
    })?;
    Ok(Shape { kinds: vec![shared.clone(), types::list(shared)], result: DataType::Boolean })
}

/// NULL where the value or one that does not match is NULL: it may be the same.
pub(super) fn in_values(value: &V, items: &[V]) -> V {
    if items.is_empty() {
        return V::Bool(false);
    }
    if value.is_null() {
        return V::Null;
    }
    match items.iter().any(|item| !item.is_null() && same(item, value)) {
        true => V::Bool(true),
        false if items.iter().any(V::is_null) => V::Null,
        false => V::Bool(false),
    }
}
