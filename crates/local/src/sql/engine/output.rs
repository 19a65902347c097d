//! From the engine's types to those that the platform has.

use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{
    DataType, Decimal128Type, Field, Fields, IntervalUnit, Schema, SchemaRef, TimeUnit,
};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::Result;

use super::spark::value::{V, build, read};
use super::spark::zone::{self, Zone};
use super::spark::{text, types};
use crate::sql::column::{Column, ColumnType};

/// The shape of a result.
pub(super) struct Output {
    pub(super) columns: Vec<Column>,
    pub(super) schema: SchemaRef,
}

impl Output {
    /// `name` gives the name of a column by its position and the engine's field.
    pub(super) fn new(schema: &Schema, name: impl Fn(usize, &Field) -> String) -> Self {
        let names: Vec<String> = schema.fields().iter().enumerate().map(|(at, f)| name(at, f)).collect();
        let fields: Vec<Field> = schema
            .fields()
            .iter()
            .zip(&names)
            .map(|(f, name)| Field::new(name, outward(&wire(f.data_type())), true))
            .collect();
        let kinds = schema.fields().iter().map(|f| column_type(&wire(f.data_type())));
        let columns = names.into_iter().zip(kinds).map(|(name, kind)| Column { name, kind }).collect();
        Self { columns, schema: Arc::new(Schema::new(fields)) }
    }

    pub(super) fn convert(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        convert(batch, &self.schema)
    }
}

/// The schema in which rows are kept: the engine's names, the platform's types.
pub(super) fn stored(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|f| Field::new(f.name(), wire(f.data_type()), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The rows in the types of `schema`, which are those of the batch on the wire or inside of the store.
pub(super) fn convert(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| {
            let inner = wire(column.data_type());
            let column = if column.data_type() == field.data_type() {
                Arc::clone(column)
            } else if &inner != field.data_type() {
                let column = cast_with_options(column, &inner, &strict)?;
                let values: Vec<V> = (0..column.len()).map(|row| shown(&read(&column, row), &inner)).collect();
                build(field.data_type(), &values).map_err(|e| ArrowError::ExternalError(Box::new(e)))?
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
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}

/// The type in which a result is sent: intervals, times and VARIANT are strings there.
fn outward(kind: &DataType) -> DataType {
    match kind {
        kind if types::is_interval(kind) || types::is_variant(kind) || matches!(kind, DataType::Time64(_)) => {
            DataType::Utf8
        }
        // In the session's zone, which clients show; the point in time is the same.
        DataType::Timestamp(unit, Some(_)) if zone::session() != Zone::UTC => {
            DataType::Timestamp(*unit, Some(zone::session().to_string().into()))
        }
        DataType::List(f) => DataType::List(Arc::new(Field::new(f.name(), outward(f.data_type()), f.is_nullable()))),
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|f| f.as_ref().clone().with_data_type(outward(f.data_type())));
            DataType::Struct(fields.collect::<Fields>())
        }
        DataType::Map(f, sorted) => {
            let entries = f.as_ref().clone().with_data_type(outward(f.data_type()));
            DataType::Map(Arc::new(entries), *sorted)
        }
        other => other.clone(),
    }
}

/// A value in the type that `outward` gives.
fn shown(v: &V, kind: &DataType) -> V {
    match (v, kind) {
        (V::Null, _) => V::Null,
        (V::Struct(json), kind) if types::is_variant(kind) => json.first().cloned().unwrap_or(V::Null),
        (v, kind) if outward(kind) == DataType::Utf8 => V::Str(text::text(v, kind)),
        (V::List(items), DataType::List(f)) => V::List(items.iter().map(|v| shown(v, f.data_type())).collect()),
        (V::Struct(values), DataType::Struct(fields)) => {
            V::Struct(values.iter().zip(fields).map(|(v, f)| shown(v, f.data_type())).collect())
        }
        (V::Map(entries), kind) => {
            let (key, value) = types::key_value(kind);
            V::Map(entries.iter().map(|(k, v)| (shown(k, &key), shown(v, &value))).collect())
        }
        (v, _) => v.clone(),
    }
}

/// The Arrow type that the platform sends for what the engine computed.
pub(crate) fn wire(kind: &DataType) -> DataType {
    let inner = |f: &Field| Arc::new(Field::new(f.name(), wire(f.data_type()), true));
    match kind {
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 | DataType::UInt64 => DataType::Int64,
        DataType::Float16 => DataType::Float32,
        DataType::Utf8View | DataType::LargeUtf8 | DataType::Time32(_) => DataType::Utf8,
        kind if types::span(kind).is_some() && matches!(kind, DataType::FixedSizeBinary(_)) => kind.clone(),
        DataType::BinaryView | DataType::LargeBinary | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Time64(_) => DataType::Time64(TimeUnit::Microsecond),
        DataType::Duration(_) => DataType::Duration(TimeUnit::Microsecond),
        DataType::Interval(IntervalUnit::DayTime) => DataType::Interval(IntervalUnit::MonthDayNano),
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
        kind if types::is_interval(kind) => return ColumnType::new("INTERVAL", types::name(kind)),
        kind if types::is_variant(kind) => ("VARIANT", "VARIANT"),
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
