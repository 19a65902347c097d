//! Data files: the rows of a batch in Parquet.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde_json::{Map, Value, json};

use super::records::{Add, Cdc};
use super::{Depot, feed, io, kinds, log, partition};
use crate::sql::Failure;
use crate::sql::engine::errors;
use crate::sql::engine::spark::types;
use crate::sql::engine::spark::value::{V, build, read};
use crate::sql::engine::store::table::TableState;

/// Writes the rows of a batch, which has the columns of the table, in a file for each partition. `version` is the one that
/// is written, with `number` files so far, at `now_ms`.
pub(super) fn rows(
    depot: &Depot,
    directory: &Path,
    state: &TableState,
    batch: &RecordBatch,
    (version, number, now_ms): (u64, usize, i64),
) -> Result<Vec<Add>, Failure> {
    let inside = inside(state);
    let mut out = Vec::new();
    for (at, (values, rows)) in partition::split(state, batch)?.into_iter().enumerate() {
        // In the order in which rows came, which they are read in again.
        let name = format!("part-{version:012}-{:05}-{}.snappy.parquet", number + at, depot.ids.uuid());
        let path = directory.join(&name);
        let (bytes, nulls) = encoded(state, &inside, &rows, None).map_err(|e| match e {
            Encoding::Refused(failure) => failure,
            Encoding::Failed(why) => io("write the file", &path, &why),
        })?;
        log::put(&path, &bytes, depot.lasting, None)?;
        let stats = json!({"numRecords": rows.num_rows(), "minValues": {}, "maxValues": {}, "nullCount": nulls});
        out.push(Add {
            path: name,
            partition_values: values,
            size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            modification_time: now_ms,
            data_change: true,
            stats: Some(stats.to_string()),
            deletion_vector: None,
        });
    }
    Ok(out)
}

/// The columns that files hold: those of partitions are in the log.
fn inside(state: &TableState) -> Vec<usize> {
    let outside: Vec<usize> = state.partitions.iter().filter_map(|p| state.position(p)).collect();
    (0..state.columns.len()).filter(|at| !outside.contains(at)).collect()
}

/// Writes rows that a version has changed in one way, in files below `below`; `number` of them are there so far.
pub(super) fn changes(
    depot: &Depot,
    directory: &Path,
    below: &str,
    state: &TableState,
    batch: &RecordBatch,
    kind: &str,
    (version, number): (u64, usize),
) -> Result<Vec<Cdc>, Failure> {
    let inside = inside(state);
    let mut out = Vec::new();
    for (at, (partition_values, rows)) in partition::split(state, batch)?.into_iter().enumerate() {
        let path = format!("{below}/cdc-{version:012}-{:05}-{}.snappy.parquet", number + at, depot.ids.uuid());
        let place = directory.join(&path);
        let (bytes, _) = encoded(state, &inside, &rows, Some(kind)).map_err(|e| match e {
            Encoding::Refused(failure) => failure,
            Encoding::Failed(why) => io("write the file", &place, &why),
        })?;
        log::put(&place, &bytes, depot.lasting, None)?;
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        out.push(Cdc { path, partition_values, size, data_change: false });
    }
    Ok(out)
}

enum Encoding {
    Refused(Failure),
    Failed(String),
}

fn encoded(
    state: &TableState,
    inside: &[usize],
    rows: &RecordBatch,
    change: Option<&str>,
) -> Result<(Vec<u8>, Map<String, Value>), Encoding> {
    let refused = |e: &datafusion::error::DataFusionError| Encoding::Refused(errors::failure(e));
    let mut fields = Vec::new();
    let mut arrays = Vec::new();
    let mut nulls = Map::new();
    for at in inside {
        let column = &state.columns[*at];
        let array = stored(rows.column(*at), &column.kind).map_err(|e| refused(&e))?;
        if !types::is_nested(array.data_type()) {
            nulls.insert(column.name.clone(), json!(array.null_count()));
        }
        fields.push(Field::new(&column.name, array.data_type().clone(), true));
        arrays.push(array);
    }
    if let Some(kind) = change {
        let kinds = build(&DataType::Utf8, &vec![V::Str(kind.to_owned()); rows.num_rows()]).map_err(|e| refused(&e))?;
        fields.push(Field::new(feed::KIND, DataType::Utf8, true));
        arrays.push(kinds);
    }
    let failed = |e: &dyn std::fmt::Display| Encoding::Failed(e.to_string());
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(|e| failed(&e))?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).set_coerce_types(true).build();
    // The types are those of Parquet and of the table's schema; those of Arrow are of no use to other readers.
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(Vec::new(), schema, options).map_err(|e| failed(&e))?;
    writer.write(&batch).map_err(|e| failed(&e))?;
    Ok((writer.into_inner().map_err(|e| failed(&e))?, nulls))
}

/// A column as the files hold it.
fn stored(array: &ArrayRef, kind: &DataType) -> datafusion::error::Result<ArrayRef> {
    let wanted = kinds::stored(kind);
    if kinds::has_variant(kind) {
        let values: Vec<V> = (0..array.len()).map(|row| kinds::to_stored(&read(array, row), kind)).collect();
        return build(&wanted, &values);
    }
    if array.data_type() == &wanted {
        return Ok(Arc::clone(array));
    }
    Ok(cast_with_options(array, &wanted, &CastOptions { safe: false, ..CastOptions::default() })?)
}

/// Removes files that no commit names.
pub(super) fn discard(directory: &Path, files: &BTreeMap<String, Add>) {
    for path in files.keys() {
        // It takes up room and nothing else.
        let _ = std::fs::remove_file(directory.join(path));
    }
}
