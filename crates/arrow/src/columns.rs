//! Arrow's types for the columns of a result, as the service chooses them.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, IntervalUnit, Schema, SchemaRef, TimeUnit};
use databricks_sdk::sql::{Column, SqlType};

/// The schema of a result that came without one, since it has no rows.
pub(crate) fn schema(columns: &[Column]) -> SchemaRef {
    let fields: Fields =
        columns.iter().map(|column| Field::new(&column.name, data_type(column.sql_type()), true)).collect();
    Arc::new(Schema::new(fields))
}

/// Whether two schemas have the same names and types.
pub(crate) fn same(a: &Schema, b: &Schema) -> bool {
    let columns = |schema: &Schema| {
        schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect::<Vec<_>>()
    };
    columns(a) == columns(b)
}

fn data_type(kind: &SqlType) -> DataType {
    match kind {
        SqlType::Boolean => DataType::Boolean,
        SqlType::TinyInt => DataType::Int8,
        SqlType::SmallInt => DataType::Int16,
        SqlType::Int => DataType::Int32,
        SqlType::BigInt => DataType::Int64,
        SqlType::Float => DataType::Float32,
        SqlType::Double => DataType::Float64,
        SqlType::Decimal { precision, scale, .. } => DataType::Decimal128(*precision, *scale),
        SqlType::Binary => DataType::Binary,
        SqlType::Date => DataType::Date32,
        SqlType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        SqlType::TimestampNtz => DataType::Timestamp(TimeUnit::Microsecond, None),
        SqlType::YearMonthInterval => DataType::Interval(IntervalUnit::YearMonth),
        SqlType::DayTimeInterval => DataType::Duration(TimeUnit::Microsecond),
        SqlType::Void => DataType::Null,
        SqlType::Array(item) => DataType::List(Arc::new(Field::new_list_field(data_type(item), true))),
        SqlType::Map(pair) => {
            let entries = Fields::from(vec![
                Field::new("key", data_type(&pair.0), false),
                Field::new("value", data_type(&pair.1), true),
            ]);
            DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries), false)), false)
        }
        SqlType::Struct(fields) => {
            DataType::Struct(fields.iter().map(|(name, kind)| Field::new(name, data_type(kind), true)).collect())
        }
        // Strings, variants as JSON, and what a newer service may add.
        _ => DataType::Utf8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_counterpart() {
        for (text, expected) in [
            ("STRING", DataType::Utf8),
            ("DECIMAL(12,3)", DataType::Decimal128(12, 3)),
            ("TIMESTAMP", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))),
            ("TIMESTAMP_NTZ", DataType::Timestamp(TimeUnit::Microsecond, None)),
            ("INTERVAL YEAR TO MONTH", DataType::Interval(IntervalUnit::YearMonth)),
            ("INTERVAL DAY", DataType::Duration(TimeUnit::Microsecond)),
            ("ARRAY<BIGINT>", DataType::new_list(DataType::Int64, true)),
            ("STRUCT<a: INT>", DataType::Struct(Fields::from(vec![Field::new("a", DataType::Int32, true)]))),
            ("VARIANT", DataType::Utf8),
            ("GEOMETRY(4326)", DataType::Utf8),
        ] {
            let schema = schema(&[Column::new("c", "", text)]);
            assert_eq!(schema.field(0).data_type(), &expected, "{text}");
        }
    }
}
