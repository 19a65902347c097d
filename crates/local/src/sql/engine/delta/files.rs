//! Data files as rows of the table.

use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, new_null_array};
use datafusion::arrow::compute::{CastOptions, cast_with_options, concat_batches};
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use percent_encoding::percent_decode_str;

use super::log::Source;
use super::records::Add;
use super::{broken, kinds, partition};
use crate::sql::Failure;
use crate::sql::engine::errors;
use crate::sql::engine::files::parquet;
use crate::sql::engine::spark::types;
use crate::sql::engine::spark::value::{V, build, read};
use crate::sql::engine::store::table::{Column, TableState};

/// The rows of one file with the columns of `state`; `left` is how many bytes of rows there may still be.
pub(super) fn rows(
    source: &dyn Source,
    add: &Add,
    state: &TableState,
    left: &mut usize,
) -> Result<RecordBatch, Failure> {
    let path = percent_decode_str(&add.path).decode_utf8_lossy();
    if path.contains("://") || path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Err(broken(&source.place(), &format!("the file {path} is outside of the table")));
    }
    let found = parquet::read(&format!("{}/{path}", source.place()), source.bytes(&path)?, left)?;
    let schema = state.schema();
    let mut batches = Vec::new();
    for batch in &found.batches {
        let columns = state.columns.iter().map(|column| {
            let own = state.partitions.iter().any(|p| p.eq_ignore_ascii_case(&column.name));
            if own {
                let value = add.partition_values.get(&column.name).and_then(Option::as_ref);
                return partition::column(&column.name, &column.kind, value, batch.num_rows());
            }
            let at = found.names.iter().position(|name| *name == column.name);
            let at = at.or_else(|| found.names.iter().position(|name| name.to_lowercase() == column.key()));
            match at {
                // Columns that were added later are NULL in older files.
                None => Ok(new_null_array(&column.kind, batch.num_rows())),
                Some(at) => read_back(&source.place(), batch.column(at), column),
            }
        });
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let made = RecordBatch::try_new_with_options(Arc::clone(&schema), columns, &options);
        batches.push(made.map_err(|e| errors::failure(&e.into()))?);
    }
    concat_batches(&schema, &batches).map_err(|e| errors::failure(&e.into()))
}

fn read_back(place: &str, array: &ArrayRef, column: &Column) -> Result<ArrayRef, Failure> {
    let failed = |e: &datafusion::error::DataFusionError| errors::failure(e);
    let wanted = kinds::stored(&column.kind);
    let array = if array.data_type() == &wanted {
        Arc::clone(array)
    } else if fits(array.data_type(), &wanted) {
        cast_with_options(array, &wanted, &CastOptions { safe: false, ..CastOptions::default() })
            .map_err(|e| errors::failure(&e.into()))?
    } else {
        let (is, of) = (types::name(array.data_type()), types::name(&wanted));
        return Err(broken(place, &format!("the column `{}` is {is} in a file and {of} in the schema", column.name)));
    };
    if !kinds::has_variant(&column.kind) {
        return Ok(array);
    }
    let values: Vec<V> = (0..array.len()).map(|row| kinds::from_stored(&read(&array, row), &column.kind)).collect();
    build(&column.kind, &values).map_err(|e| failed(&e))
}

/// Whether all values of a type are values of another, as after a column was widened.
fn fits(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (DataType::Int8 | DataType::Int16 | DataType::Int32, DataType::Float64) => true,
        (DataType::Decimal128(p, s), DataType::Decimal128(q, t)) => {
            s <= t && i32::from(*p) - i32::from(*s) <= i32::from(*q) - i32::from(*t)
        }
        (DataType::Float32, DataType::Float64) => true,
        (from, to) if from.is_integer() && to.is_integer() => from.primitive_width() <= to.primitive_width(),
        // Structures may have got members, whose order is that of the schema.
        (DataType::Struct(a), DataType::Struct(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|(a, b)| a.name() == b.name() && fits(a.data_type(), b.data_type()))
        }
        (DataType::List(a), DataType::List(b)) | (DataType::Map(a, _), DataType::Map(b, _)) => {
            fits(a.data_type(), b.data_type())
        }
        (from, to) => from == to,
    }
}
