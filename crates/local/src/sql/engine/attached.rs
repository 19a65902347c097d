//! Statements on the attached Spark engine: its batches in the types that results have.

use std::io::Cursor;

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::reader::StreamReader;

use super::host::Host;
use super::output::Output;
use super::{StatementEngine, Writer};
use crate::spark::sql::SparkSql;
use crate::sql::Failure;
use crate::sql::column::Column;
use crate::sql::request::StatementRequest;
use crate::sql::spill::{Flow, Spill};

#[async_trait(?Send)]
impl StatementEngine for SparkSql {
    async fn run(&self, request: &StatementRequest, _: &dyn Host, spill: &mut Spill) -> Result<Vec<Column>, Failure> {
        let mut batches = self.start(request)?;
        let Some(first) = batches.next().await? else {
            return Err(Failure::internal("The attached Spark engine gave a result without columns or rows"));
        };
        let mut reader = open(first)?;
        let schema = reader.schema();
        for field in schema.fields() {
            known(field)?;
        }
        if schema.fields().is_empty() {
            return Ok(Vec::new());
        }
        let output = Output::new(&schema, |_, field| field.name().clone());
        let mut writer = Writer::new(spill, &output);
        'all: loop {
            for batch in reader {
                let converted = output.convert(&batch.map_err(unreadable)?).map_err(|e| super::errors::failure(&e))?;
                if writer.write(&converted)? == Flow::Full {
                    break 'all;
                }
            }
            let Some(next) = batches.next().await? else { break };
            reader = open(next)?;
            if reader.schema().fields().iter().map(|f| f.data_type()).ne(schema.fields().iter().map(|f| f.data_type()))
            {
                return Err(Failure::internal("The attached Spark engine changed the types of a result on the way"));
            }
        }
        writer.finish()?;
        Ok(output.columns)
    }

    fn close_session(&self, id: &str) {
        Self::close_session(self, id);
    }
}

fn open(stream: Bytes) -> Result<StreamReader<Cursor<Bytes>>, Failure> {
    StreamReader::try_new(Cursor::new(stream), None).map_err(unreadable)
}

fn unreadable(error: ArrowError) -> Failure {
    Failure::internal(format!("The attached Spark engine sent rows that cannot be read: {error}"))
}

/// Refuses columns whose type would be shown as another.
fn known(field: &Field) -> Result<(), Failure> {
    let refused = |what: &str| {
        Err(Failure::bad_request(format!(
            "The column {} has the type {what}, which is not taken over from the attached Spark engine: cast it to STRING in \
             the statement",
            field.name()
        )))
    };
    match field.data_type() {
        DataType::Null
        | DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        // Sail counts with these.
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal128(..)
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::Date32
        | DataType::Timestamp(..) => Ok(()),
        DataType::List(inner) | DataType::LargeList(inner) | DataType::Map(inner, _) => known(inner),
        DataType::Struct(fields) => {
            if fields.iter().any(|f| f.metadata().contains_key("variant")) {
                return refused("VARIANT");
            }
            fields.iter().try_for_each(|f| known(f))
        }
        other => refused(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::datatypes::{Fields, IntervalUnit, TimeUnit};

    use super::*;

    #[test]
    fn types_without_a_counterpart_are_refused_by_name() {
        let field = |kind| Field::new("c", kind, true);
        let list = |kind| DataType::List(Arc::new(field(kind)));
        assert!(known(&field(list(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))))).is_ok());
        for kind in [DataType::Interval(IntervalUnit::YearMonth), DataType::Duration(TimeUnit::Microsecond)] {
            assert!(known(&field(kind.clone())).unwrap_err().message.contains("The column c has the type"));
            assert!(known(&field(list(kind))).is_err());
        }
        let metadata = field(DataType::Binary).with_metadata([("variant".to_owned(), "true".to_owned())].into());
        let variant = DataType::Struct(Fields::from(vec![field(DataType::Binary), metadata]));
        assert!(known(&field(variant)).unwrap_err().message.contains("VARIANT"));
    }
}
