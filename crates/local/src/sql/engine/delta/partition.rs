//! Partitions: rows with the same values of some columns are in files of their own, and the log has the values.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, UInt64Array, new_null_array};
use datafusion::arrow::compute::take_record_batch;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::record_batch::RecordBatch;

use crate::sql::Failure;
use crate::sql::engine::errors;
use crate::sql::engine::spark::cast::cast;
use crate::sql::engine::spark::types;
use crate::sql::engine::spark::value::{V, build, read};
use crate::sql::engine::store::missing::feature;
use crate::sql::engine::store::table::TableState;

pub(super) type Values = BTreeMap<String, Option<String>>;

/// The rows of each partition.
pub(super) fn split(state: &TableState, batch: &RecordBatch) -> Result<Vec<(Values, RecordBatch)>, Failure> {
    let columns: Vec<usize> = state.partitions.iter().filter_map(|p| state.position(p)).collect();
    if columns.is_empty() {
        return Ok(vec![(Values::new(), batch.clone())]);
    }
    let mut groups: BTreeMap<Vec<Option<String>>, Vec<u64>> = BTreeMap::new();
    for row in 0..batch.num_rows() {
        let values = columns.iter().map(|at| {
            let column = &state.columns[*at];
            written(&column.name, &read(batch.column(*at), row), &column.kind)
        });
        groups.entry(values.collect::<Result<_, _>>()?).or_default().push(row as u64);
    }
    let names: Vec<&String> = columns.iter().map(|at| &state.columns[*at].name).collect();
    let parts = groups.into_iter().map(|(values, rows)| {
        let rows = take_record_batch(batch, &UInt64Array::from(rows)).map_err(|e| errors::failure(&e.into()))?;
        Ok((names.iter().map(|n| (*n).clone()).zip(values).collect(), rows))
    });
    parts.collect()
}

/// A value as the log has it; what it would not give back is refused.
fn written(column: &str, v: &V, kind: &DataType) -> Result<Option<String>, Failure> {
    if v.is_null() {
        return Ok(None);
    }
    let refused = |what: &str| feature(&format!("{what} in the partition column `{column}` of a Delta table"));
    if types::is_nested(kind) || kind == &DataType::Binary {
        return Err(refused(&format!("values of the type {}", types::name(kind))));
    }
    let text = match cast(v, kind, &DataType::Utf8).map_err(|e| errors::failure(&e))? {
        V::Str(text) if text.is_empty() => return Err(refused("empty strings, which are read as NULL,")),
        V::Str(text) => text,
        _ => return Err(refused("such a value")),
    };
    let back = cast(&V::Str(text.clone()), &DataType::Utf8, kind).ok();
    if back.as_ref() == Some(v) { Ok(Some(text)) } else { Err(refused(&format!("the value {text}"))) }
}

/// The column of a partition: one value in all rows.
pub(super) fn column(name: &str, kind: &DataType, value: Option<&String>, rows: usize) -> Result<ArrayRef, Failure> {
    let Some(text) = value.filter(|text| !text.is_empty()) else { return Ok(new_null_array(kind, rows)) };
    let wrong = |why: &str| feature(&format!("the value '{text}' of the partition column `{name}`{why}"));
    let v = cast(&V::Str(text.clone()), &DataType::Utf8, kind).map_err(|e| wrong(&format!(": {e}")))?;
    if v.is_null() {
        return Err(wrong(""));
    }
    Ok(Arc::clone(&build(kind, &vec![v; rows]).map_err(|e| errors::failure(&e))?))
}
