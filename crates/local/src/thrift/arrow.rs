//! Arrow results: the schema and each batch as a message of its own, without the stream around them.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::reader::StreamReader;
use datafusion::arrow::ipc::writer::{
    DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions, write_message,
};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::reply::timestamp;
use super::request::Malformed;
use super::wire::Struct;
use crate::sql::Failure;
use crate::sql::column::Column;
use crate::sql::engine::{cells, spark::types};

pub(super) type Batch = RecordBatch;

/// Which types the client takes as Arrow has them; the others are sent as strings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Native {
    pub(super) timestamps: bool,
    decimals: bool,
    nested: bool,
}

impl Native {
    /// Of `useArrowNativeTypes`. Intervals, which it names too, are strings always: there is no Arrow type in which all
    /// clients read them.
    pub(super) fn read(request: &Struct) -> Result<Self, Malformed> {
        let none = Struct::default();
        let given = request.strukt(1286, "useArrowNativeTypes")?.unwrap_or(&none);
        let flag = |id, name| given.boolean(id, name).map(|b| b.unwrap_or(false));
        Ok(Self {
            timestamps: flag(1, "timestampAsArrow")?,
            decimals: flag(2, "decimalAsArrow")?,
            nested: flag(3, "complexTypesAsArrow")?,
        })
    }

    fn takes(self, kind: &DataType) -> bool {
        match kind {
            DataType::Timestamp(_, _) => self.timestamps,
            DataType::Decimal128(_, _) => self.decimals,
            kind => self.nested || !types::is_nested(kind),
        }
    }
}

/// The schema in which a result is sent, with the SQL names of the types noted at its fields.
pub(super) fn sent(schema: Option<&SchemaRef>, columns: &[Column], native: Native) -> SchemaRef {
    let fields = columns.iter().enumerate().map(|(at, column)| {
        let kind = schema.and_then(|s| s.fields().get(at)).map_or(DataType::Utf8, |f| f.data_type().clone());
        let kind = if native.takes(&kind) { kind } else { DataType::Utf8 };
        let note = [("Spark:DataType:SqlName".to_owned(), column.kind.text.clone())];
        Field::new(column.name.as_str(), kind, true).with_metadata(note.into())
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The message of a schema.
pub(super) fn schema_message(schema: &Schema) -> Result<Vec<u8>, Failure> {
    let options = IpcWriteOptions::default();
    let mut tracker = DictionaryTracker::new(false);
    let encoded = IpcDataGenerator::default().schema_to_bytes_with_dictionary_tracker(schema, &mut tracker, &options);
    let mut out = Vec::new();
    write_message(&mut out, encoded, &options).map_err(|e| failed(&e))?;
    Ok(out)
}

/// The message of a batch in the types that are sent. Results have no dictionaries, so that one message is all.
pub(super) fn batch_message(batch: &RecordBatch, sent: &SchemaRef) -> Result<Vec<u8>, Failure> {
    let columns = batch.columns().iter().zip(sent.fields()).map(|(column, field)| {
        if column.data_type() == field.data_type() { Arc::clone(column) } else { as_text(column) }
    });
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let batch = RecordBatch::try_new_with_options(SchemaRef::clone(sent), columns.collect(), &options)
        .map_err(|e| failed(&e))?;
    let options = IpcWriteOptions::default();
    let mut tracker = DictionaryTracker::new(false);
    let (_, encoded) = IpcDataGenerator::default()
        .encode(&batch, &mut tracker, &options, &mut IpcWriteContext::default())
        .map_err(|e| failed(&e))?;
    let mut out = Vec::new();
    write_message(&mut out, encoded, &options).map_err(|e| failed(&e))?;
    Ok(out)
}

fn as_text(column: &ArrayRef) -> ArrayRef {
    let is_time = matches!(column.data_type(), DataType::Timestamp(_, _));
    let texts = (0..column.len()).map(|row| {
        let text = cells::text(column, row)?;
        Some(if is_time { timestamp(&text) } else { text })
    });
    Arc::new(texts.collect::<StringArray>())
}

/// The first cell, if it is a BIGINT.
pub(super) fn first_number(batches: &[RecordBatch]) -> Option<i64> {
    let column = batches.first()?.columns().first()?;
    let numbers = column.as_primitive_opt::<Int64Type>()?;
    (!numbers.is_empty() && numbers.is_valid(0)).then(|| numbers.value(0))
}

/// Reads the batches of a chunk.
pub(super) struct Reader {
    stream: StreamReader<BufReader<File>>,
    /// What is left of the batch that was begun, and how many bytes each of its rows has.
    rest: Option<(RecordBatch, u64)>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl Reader {
    pub(super) fn open(file: &Path) -> Result<Self, Failure> {
        let file = File::open(file).map_err(|e| Failure::io(&e))?;
        let stream = StreamReader::try_new(BufReader::new(file), None).map_err(|e| failed(&e))?;
        Ok(Self { stream, rest: None })
    }

    /// Adds at most one batch to `out`; gives its rows, 0 at the end, and about how many bytes it has.
    pub(super) fn take(&mut self, out: &mut Vec<RecordBatch>, rows: u64, bytes: u64) -> Result<(u64, u64), Failure> {
        let (batch, width) = match self.rest.take() {
            Some(rest) => rest,
            None => loop {
                match self.stream.next() {
                    None => return Ok((0, 0)),
                    Some(batch) => {
                        let batch = batch.map_err(|e| failed(&e))?;
                        if batch.num_rows() > 0 {
                            let width = width(&batch);
                            break (batch, width);
                        }
                    }
                }
            },
        };
        let count = batch.num_rows();
        let most = rows.min((bytes / width).max(1));
        let taken = usize::try_from(most).map_or(count, |most| most.min(count));
        if taken < count {
            self.rest = Some((batch.slice(taken, count - taken), width));
        }
        out.push(batch.slice(0, taken));
        Ok((taken as u64, taken as u64 * width))
    }
}

/// Bytes of a row of the batch, as if all were alike: what a slice has in memory is what it was cut from.
fn width(batch: &RecordBatch) -> u64 {
    let size: usize = batch.columns().iter().map(|c| c.get_buffer_memory_size()).sum();
    (size / batch.num_rows().max(1)).max(1) as u64
}

fn failed(error: &ArrowError) -> Failure {
    Failure::io(&std::io::Error::other(error.to_string()))
}
