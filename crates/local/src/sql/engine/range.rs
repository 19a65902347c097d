//! The table function `range([start,] end [, step [, partitions]])`: one column `id`, made as it is read.

use std::sync::Arc;

use datafusion::arrow::array::Int64Array;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{TableFunctionImpl, TableProvider};
use datafusion::common::{ScalarValue, plan_datafusion_err, plan_err};
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;

const BATCH: i64 = 8192;

#[derive(Debug)]
pub(super) struct RangeFunction;

impl TableFunctionImpl for RangeFunction {
    fn call(&self, arguments: &[Expr]) -> Result<Arc<dyn TableProvider>> {
        let numbers = arguments.iter().map(integer).collect::<Result<Vec<_>>>()?;
        let (start, end, step) = match numbers.as_slice() {
            [end] => (0, *end, 1),
            [start, end] => (*start, *end, 1),
            // The number of partitions is a matter of the cluster's.
            [start, end, step] | [start, end, step, _] => (*start, *end, *step),
            _ => return plan_err!("range takes one to four arguments, got {}", numbers.len()),
        };
        if step == 0 {
            return plan_err!("range needs a step other than zero");
        }
        let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]));
        let numbers = Numbers { schema: Arc::clone(&schema), start, end, step };
        Ok(Arc::new(StreamingTable::try_new(schema, vec![Arc::new(numbers)])?))
    }
}

fn integer(argument: &Expr) -> Result<i64> {
    let value = match argument {
        Expr::Literal(value, _) => value.cast_to(&DataType::Int64)?,
        Expr::Negative(inner) => return integer(inner).map(|n| -n),
        Expr::Cast(cast) => return integer(&cast.expr),
        other => return plan_err!("range takes integers, got {other}"),
    };
    match value {
        ScalarValue::Int64(Some(n)) => Ok(n),
        other => Err(plan_datafusion_err!("range takes integers, got {other}")),
    }
}

#[derive(Debug)]
struct Numbers {
    schema: SchemaRef,
    start: i64,
    end: i64,
    step: i64,
}

impl PartitionStream for Numbers {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let schema = Arc::clone(&self.schema);
        let (end, step) = (self.end, self.step);
        let inside = move |n: i64| if step > 0 { n < end } else { n > end };
        let batches =
            futures_util::stream::iter(std::iter::successors(Some(self.start).filter(|n| inside(*n)), move |from| {
                from.checked_add(step.checked_mul(BATCH)?).filter(|n| inside(*n))
            }));
        let batches = futures_util::StreamExt::map(batches, move |from| {
            let ids = std::iter::successors(Some(from), |n| n.checked_add(step))
                .take(BATCH as usize)
                .take_while(|n| inside(*n));
            let ids = Int64Array::from_iter_values(ids);
            Ok(RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(ids)])?)
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches))
    }
}
