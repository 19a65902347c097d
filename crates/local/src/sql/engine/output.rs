//! From the engine's types to those that the platform has.

use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Field, Fields, Schema, SchemaRef, TimeUnit};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::Result;

use super::rewrite::DUPLICATE;
use crate::sql::Failure;
use crate::sql::column::{Column, ColumnType};

/// The shape of a result.
pub(super) struct Output {
    pub(super) columns: Vec<Column>,
    pub(super) schema: SchemaRef,
    counts: Counts,
}

/// Statements whose result the engine counts in one column `count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counts {
    None,
    Inserts,
    Changes,
}

impl Output {
    pub(super) fn new(schema: &Schema, counts: Counts) -> Result<Self, Failure> {
        let names: &[&str] = match counts {
            Counts::None => &[],
            Counts::Inserts => &["num_affected_rows", "num_inserted_rows"],
            Counts::Changes => &["num_affected_rows"],
        };
        let fields: Vec<Field> = if counts != Counts::None {
            names.iter().map(|name| Field::new(*name, DataType::Int64, true)).collect()
        } else {
            if let Some(field) = schema.fields().iter().find(|f| holds_interval(f.data_type())) {
                let text = format!(
                    "The column {} is an interval, which the embedded workspace cannot return; cast it to a number or a string there.",
                    field.name()
                );
                return Err(Failure::class("UNSUPPORTED_FEATURE", &text, "0A000"));
            }
            schema
                .fields()
                .iter()
                .map(|f| {
                    let name = f.name().split(DUPLICATE).next().unwrap_or_default();
                    Field::new(name, wire(f.data_type()), true)
                })
                .collect()
        };
        let columns =
            fields.iter().map(|f| Column { name: f.name().clone(), kind: column_type(f.data_type()) }).collect();
        Ok(Self { columns, schema: Arc::new(Schema::new(fields)), counts })
    }

    /// Gives each column the name that `name` returns for its position and the engine's name.
    pub(super) fn rename(&mut self, name: impl Fn(usize, &str) -> String) {
        if self.counts != Counts::None {
            return;
        }
        for (position, column) in self.columns.iter_mut().enumerate() {
            column.name = name(position, &column.name);
        }
        let fields = self.schema.fields().iter().zip(&self.columns);
        let fields: Vec<_> = fields.map(|(field, column)| field.as_ref().clone().with_name(&column.name)).collect();
        self.schema = Arc::new(Schema::new(fields));
    }

    pub(super) fn convert(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let first = batch.columns().first();
        let columns = self
            .schema
            .fields()
            .iter()
            .enumerate()
            .map(|(i, field)| {
                let column = if self.counts != Counts::None { first } else { batch.columns().get(i) };
                let column = column.ok_or_else(|| ArrowError::SchemaError(format!("the result has no column {i}")))?;
                let column = if column.data_type() == field.data_type() {
                    Arc::clone(column)
                } else {
                    cast_with_options(column, field.data_type(), &strict)?
                };
                // The engine adds decimals without a look at their precision.
                if let DataType::Decimal128(precision, _) = column.data_type() {
                    let outside = |e: ArrowError| ArrowError::ArithmeticOverflow(e.to_string());
                    column.as_primitive::<Decimal128Type>().validate_decimal_precision(*precision).map_err(outside)?;
                }
                Ok(column)
            })
            .collect::<Result<Vec<ArrayRef>, ArrowError>>()?;
        let options = datafusion::arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}

/// The engine does not know which of the platform's interval types one is.
fn holds_interval(kind: &DataType) -> bool {
    match kind {
        DataType::Interval(_) | DataType::Duration(_) => true,
        DataType::List(f) | DataType::Map(f, _) => holds_interval(f.data_type()),
        DataType::Struct(fields) => fields.iter().any(|f| holds_interval(f.data_type())),
        _ => false,
    }
}

/// The Arrow type that the platform sends for what the engine computed.
pub(super) fn wire(kind: &DataType) -> DataType {
    let inner = |f: &Field| Arc::new(Field::new(f.name(), wire(f.data_type()), true));
    match kind {
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 | DataType::UInt64 => DataType::Int64,
        DataType::Float16 => DataType::Float32,
        DataType::Utf8View | DataType::LargeUtf8 | DataType::Time32(_) | DataType::Time64(_) => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Date64 => DataType::Date32,
        DataType::Timestamp(_, None) => DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamp(_, _) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) => DataType::Decimal128(*p, *s),
        DataType::Decimal256(p, s) => DataType::Decimal128((*p).min(38), *s),
        DataType::Dictionary(_, value) => wire(value),
        DataType::List(f) | DataType::LargeList(f) | DataType::ListView(f) | DataType::FixedSizeList(f, _) => {
            DataType::List(inner(f))
        }
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|f| inner(f)).collect::<Fields>()),
        other => other.clone(),
    }
}

/// The platform's names of a wire type.
pub(super) fn column_type(kind: &DataType) -> ColumnType {
    let (name, text) = match kind {
        DataType::Null => ("NULL", "VOID"),
        DataType::Boolean => ("BOOLEAN", "BOOLEAN"),
        DataType::Int8 => ("BYTE", "TINYINT"),
        DataType::Int16 => ("SHORT", "SMALLINT"),
        DataType::Int32 => ("INT", "INT"),
        DataType::Int64 => ("LONG", "BIGINT"),
        DataType::Float32 => ("FLOAT", "FLOAT"),
        DataType::Float64 => ("DOUBLE", "DOUBLE"),
        DataType::Date32 => ("DATE", "DATE"),
        DataType::Timestamp(_, None) => ("TIMESTAMP", "TIMESTAMP_NTZ"),
        DataType::Timestamp(_, _) => ("TIMESTAMP", "TIMESTAMP"),
        DataType::Binary => ("BINARY", "BINARY"),
        DataType::Decimal128(p, s) => return ColumnType::decimal(*p, *s),
        DataType::List(f) => {
            let text = format!("ARRAY<{}>", column_type(f.data_type()).text);
            return ColumnType::new("ARRAY", text);
        }
        DataType::Struct(fields) => {
            let members: Vec<_> =
                fields.iter().map(|f| format!("{}: {}", f.name(), column_type(f.data_type()).text)).collect();
            return ColumnType::new("STRUCT", format!("STRUCT<{}>", members.join(", ")));
        }
        DataType::Map(entries, _) => {
            let text = match entries.data_type() {
                DataType::Struct(pair) => {
                    let parts: Vec<_> = pair.iter().map(|f| column_type(f.data_type()).text).collect();
                    format!("MAP<{}>", parts.join(", "))
                }
                _ => "MAP".to_owned(),
            };
            return ColumnType::new("MAP", text);
        }
        _ => ("STRING", "STRING"),
    };
    ColumnType::new(name, text)
}
