//! The rows of several Parquet files as those of one table.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, StringArray, new_null_array};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::RESCUED;
use super::query::FileQuery;
use crate::sql::Failure;
use crate::sql::engine::errors;
use crate::sql::engine::scope::Read;
use crate::sql::engine::spark::types;
use crate::sql::engine::store::missing::feature;
use crate::sql::engine::store::table::{Rows, SPELLING};

/// Columns by name: those of the schema that is stated, else all that a file has.
pub(super) fn rows(query: &FileQuery, files: &[Read], stated: Option<&[(String, DataType)]>) -> Result<Rows, Failure> {
    let mut columns: Vec<(String, DataType)> = stated.map(<[_]>::to_vec).unwrap_or_default();
    for file in files {
        for (name, kind) in file.names.iter().zip(&file.kinds) {
            match columns.iter().find(|(known, _)| known.to_lowercase() == name.to_lowercase()) {
                Some((_, known)) if known == kind => {}
                Some((_, known)) => {
                    return Err(feature(&format!(
                        "the column {name} of Parquet files as {} and as {}",
                        types::name(known),
                        types::name(kind)
                    )));
                }
                None if stated.is_some() => {}
                None => columns.push((name.clone(), kind.clone())),
            }
        }
    }
    // A name takes the columns of one file, and the platform leaves open of which.
    if !query.function && files.iter().any(|file| file.names.len() != columns.len()) {
        return Err(feature("Parquet files of different columns under one name; use read_files"));
    }
    let rescued = query.function && stated.is_none() && query.option(&["schemaevolutionmode"]).is_none();
    let mut fields: Vec<Field> = columns.iter().map(|(name, kind)| field(name, kind)).collect();
    if rescued {
        fields.push(field(RESCUED, &DataType::Utf8));
    }
    let schema = Arc::new(Schema::new(fields));
    let mut batches = Vec::new();
    for file in files {
        let places =
            columns.iter().map(|(name, _)| file.names.iter().position(|own| own.to_lowercase() == name.to_lowercase()));
        let places: Vec<Option<usize>> = places.collect();
        for batch in &file.batches {
            let rows = batch.num_rows();
            let own = places.iter().zip(&columns).map(|(place, (_, kind))| match place {
                Some(at) => Arc::clone(batch.column(*at)),
                None => new_null_array(kind, rows),
            });
            let mut own: Vec<ArrayRef> = own.collect();
            if rescued {
                own.push(Arc::new(StringArray::new_null(rows)));
            }
            let options = RecordBatchOptions::new().with_row_count(Some(rows));
            let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), own, &options);
            batches.push(batch.map_err(|e| errors::failure(&e.into()))?);
        }
    }
    Ok(Rows { schema, batches })
}

fn field(name: &str, kind: &DataType) -> Field {
    let spelled = HashMap::from([(SPELLING.to_owned(), name.to_owned())]);
    Field::new(name.to_lowercase(), kind.clone(), true).with_metadata(spelled)
}
