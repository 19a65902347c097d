//! Schema evolution: columns that rows bring and their table lacks, and types that have become too narrow.

use datafusion::arrow::datatypes::DataType;

use super::super::errors;
use super::super::scope::Read;
use super::super::spark::types;
use super::super::store::Name;
use super::super::store::table::{Column, TableState};
use super::{alter_column, columns};
use crate::sql::Failure;

/// The columns of a query that a table lacks, by their places in the query.
pub(super) fn lacking(state: &TableState, read: &Read) -> Vec<usize> {
    (0..read.names.len()).filter(|at| state.position(&read.names[*at]).is_none()).collect()
}

/// Adds columns at the end; rows that are there have NULL in them.
pub(super) fn add(state: &mut TableState, added: &[(String, DataType)]) -> Result<(), Failure> {
    if added.is_empty() {
        return Ok(());
    }
    let mut from: Vec<Option<usize>> = (0..state.columns.len()).map(Some).collect();
    for (name, kind) in added {
        if kind == &DataType::Null {
            let text = format!("Cannot add column `{name}` with type VOID. Please explicitly specify a non-void type.");
            return Err(Failure::class("DELTA_MERGE_ADD_VOID_COLUMN", &text, "42K09"));
        }
        if state.position(name).is_some() {
            return Err(columns::twice(name));
        }
        state.columns.push(Column::new(name, kind.clone()));
        from.push(None);
    }
    columns::check_names(state)?;
    state.rebuild(&from).map_err(|e| errors::failure(&e))
}

/// Whether a type becomes another without a statement that says so, on tables that allow it.
fn follows(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (from, to) if from.is_integer() => to.is_integer() && from.primitive_width() < to.primitive_width(),
        (DataType::Float32, DataType::Float64) => true,
        (DataType::Decimal128(..), DataType::Decimal128(..)) | (DataType::Date32, DataType::Timestamp(_, None)) => {
            from != to && alter_column::is_wider(from, to)
        }
        _ => false,
    }
}

/// Widens columns to the types of the values that they are given, where the table allows it.
pub(super) fn widen(state: &mut TableState, given: &[(usize, DataType)], table: &Name) -> Result<(), Failure> {
    if !alter_column::may_widen(state) {
        return Ok(());
    }
    for (at, kind) in given {
        if follows(&state.columns[*at].kind, kind) {
            alter_column::widen(state, *at, &types::name(kind), table)?;
        }
    }
    Ok(())
}
