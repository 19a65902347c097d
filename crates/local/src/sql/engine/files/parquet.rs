//! Parquet files: their columns by name, in the types that the platform reads them as.

use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit as ParquetTimeUnit, Type as Physical};
use parquet::errors::ParquetError;
use parquet::schema::types::Type;

use crate::sql::Failure;
use crate::sql::engine::scope::Read;
use crate::sql::engine::spark::types;
use crate::sql::engine::store::missing::feature;

/// Bytes of the rows of all files of one call, once they are decoded.
pub(in super::super) const LIMIT: usize = 512 << 20;

/// The rows of a file; `left` is how many bytes of rows there may still be.
pub(in super::super) fn read(path: &str, content: Vec<u8>, left: &mut usize) -> Result<Read, Failure> {
    let content = Bytes::from(content);
    let broken = |e: ParquetError| unreadable(path, &e);
    // What the writer's Arrow types were says nothing about the types that the platform reads.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let metadata = ArrowReaderMetadata::load(&content, options.clone()).map_err(broken)?;
    let root = metadata.parquet_schema().root_schema();
    for field in root.get_fields() {
        check(path, field, true)?;
    }
    let hinted = hinted(root, metadata.schema());
    let metadata = ArrowReaderMetadata::load(&content, options.with_schema(hinted)).map_err(broken)?;
    let fields = metadata.schema().fields();
    let kinds = fields.iter().map(|f| platform(path, f.data_type())).collect::<Result<Vec<_>, _>>()?;
    let names: Vec<String> = fields.iter().map(|f| f.name().clone()).collect();
    for (at, name) in names.iter().enumerate() {
        if names[..at].iter().any(|other| other.to_lowercase() == name.to_lowercase()) {
            let text = format!(
                "The column `{name}` of {path} already exists. Choose another name or rename the existing column."
            );
            return Err(Failure::class("COLUMN_ALREADY_EXISTS", &text, "42711"));
        }
    }
    let schema = Arc::new(Schema::new(
        names.iter().zip(&kinds).map(|(name, kind)| Field::new(name, kind.clone(), true)).collect::<Vec<_>>(),
    ));
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(content, metadata).build().map_err(broken)?;
    let mut batches = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|e| unreadable(path, &e))?;
        let batch = converted(&batch, &schema).map_err(|e| unreadable(path, &e))?;
        *left = left
            .checked_sub(batch.get_array_memory_size())
            .ok_or_else(|| feature(&format!("more than {LIMIT} bytes of rows of Parquet files in one statement")))?;
        batches.push(batch);
    }
    Ok(Read { names, kinds, batches })
}

fn unreadable(path: &str, why: &dyn std::fmt::Display) -> Failure {
    let text = format!("Encountered error while reading file {path}. {why}");
    Failure::class("FAILED_READ_FILE.NO_HINT", &text, "KD001")
}

fn illegal(path: &str, what: &str) -> Failure {
    feature(&format!("Parquet columns of the type {what}, as in {path}"))
}

/// Refuses types that the platform does not read, and those that would come out as others.
fn check(path: &str, field: &Type, top: bool) -> Result<(), Failure> {
    let info = field.get_basic_info();
    let enumeration = matches!(info.logical_type_ref(), Some(LogicalType::Enum))
        || (info.logical_type_ref().is_none() && info.converted_type() == ConvertedType::ENUM);
    match info.logical_type_ref() {
        None
        | Some(
            LogicalType::String
            | LogicalType::Map
            | LogicalType::List
            | LogicalType::Decimal { .. }
            | LogicalType::Date
            | LogicalType::Integer { .. }
            | LogicalType::Json
            | LogicalType::Bson,
        ) => {}
        Some(LogicalType::Enum) if top => {}
        Some(LogicalType::Timestamp(at)) => {
            if matches!(at.unit, ParquetTimeUnit::NANOS) {
                let text = format!("Illegal Parquet type: INT64 (TIMESTAMP(NANOS,{})).", at.is_adjusted_to_u_t_c);
                return Err(Failure::class("PARQUET_TYPE_ILLEGAL", &text, "42846"));
            }
        }
        Some(other) => return Err(illegal(path, &format!("{other:?}"))),
    }
    if field.is_group() {
        return field.get_fields().iter().try_for_each(|inner| check(path, inner, false));
    }
    match field.get_physical_type() {
        Physical::INT96 if !top => Err(illegal(path, "INT96 inside of another")),
        _ if enumeration && !top => Err(illegal(path, "ENUM inside of another")),
        _ => Ok(()),
    }
}

/// The types as they are decoded: old timestamps in microseconds, which nanoseconds have no room for; names of
/// enumerations as strings.
fn hinted(root: &Type, schema: &Schema) -> SchemaRef {
    let fields = root.get_fields().iter().zip(schema.fields()).map(|(column, field)| {
        let field = field.as_ref().clone();
        if column.is_group() {
            return field;
        }
        if column.get_physical_type() == Physical::INT96 {
            return field.with_data_type(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
        }
        let info = column.get_basic_info();
        let enumeration =
            matches!(info.logical_type_ref(), Some(LogicalType::Enum)) || info.converted_type() == ConvertedType::ENUM;
        if enumeration { field.with_data_type(DataType::Utf8) } else { field }
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The platform's type of a column.
fn platform(path: &str, kind: &DataType) -> Result<DataType, Failure> {
    Ok(match kind {
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 => DataType::Int64,
        DataType::UInt64 => types::decimal(20, 0),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            DataType::Binary
        }
        DataType::Timestamp(_, None) => types::ntz(),
        DataType::Timestamp(_, Some(_)) => types::timestamp(),
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64
        | DataType::Date32
        | DataType::Decimal128(_, _) => kind.clone(),
        DataType::List(f) | DataType::LargeList(f) => types::list(platform(path, f.data_type())?),
        DataType::Struct(fields) => {
            let members = fields.iter().map(|f| Ok((f.name().clone(), platform(path, f.data_type())?)));
            types::structure(members.collect::<Result<Vec<_>, Failure>>()?)
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                types::map(platform(path, pair[0].data_type())?, platform(path, pair[1].data_type())?)
            }
            other => return Err(illegal(path, &other.to_string())),
        },
        other => return Err(illegal(path, &other.to_string())),
    })
}

fn converted(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, datafusion::arrow::error::ArrowError> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| match column.data_type() == field.data_type() {
        true => Ok(Arc::clone(column)),
        false => cast_with_options(column, field.data_type(), &strict),
    });
    let columns = columns.collect::<Result<Vec<ArrayRef>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
}
