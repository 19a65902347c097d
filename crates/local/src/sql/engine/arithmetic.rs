//! Arithmetic as the platform has it: whole numbers divide to a double, zero and overflow are errors, and `||` with NULL is
//! NULL.

use std::sync::Arc;

use datafusion::arrow::array::{AsArray as _, Float64Array};
use datafusion::arrow::compute::kernels::numeric;
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::arrow::error::ArrowError;
use datafusion::common::{DFSchema, ScalarValue, not_impl_err};
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry as _;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{ColumnarValue, ExprSchemable as _, ScalarUDF, Volatility, cast, create_udf};
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::BinaryOperator;

pub(super) fn register(context: &SessionContext) -> Result<()> {
    let function = create_udf(
        "divide_or_fail",
        vec![DataType::Float64, DataType::Float64],
        DataType::Float64,
        Volatility::Immutable,
        Arc::new(divide),
    );
    let planner = Planner { function: Arc::new(function) };
    context.state_ref().write().register_expr_planner(Arc::new(planner))
}

#[derive(Debug)]
struct Planner {
    function: Arc<ScalarUDF>,
}

impl ExprPlanner for Planner {
    /// Takes over `a / b` unless a decimal is involved: decimals stay exact, and the engine refuses zero there itself.
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        match expr.op {
            BinaryOperator::Divide => {}
            BinaryOperator::StringConcat => {
                return Ok(PlannerResult::Planned(super::strings::concatenation().call(vec![expr.left, expr.right])));
            }
            BinaryOperator::Plus => return checked(expr, schema, "add"),
            BinaryOperator::Minus if is_date(&expr.left.get_type(schema)?) && is_date(&expr.right.get_type(schema)?) => {
                return not_impl_err!("dates that are subtracted give an interval, which the embedded workspace cannot return");
            }
            BinaryOperator::Minus => return checked(expr, schema, "subtract"),
            BinaryOperator::Multiply => return checked(expr, schema, "multiply"),
            _ => return Ok(PlannerResult::Original(expr)),
        }
        let plain = |kind: &DataType| kind.is_integer() || kind.is_floating() || kind.is_null();
        if !plain(&expr.left.get_type(schema)?) || !plain(&expr.right.get_type(schema)?) {
            return Ok(PlannerResult::Original(expr));
        }
        Ok(PlannerResult::Planned(self.function.call(vec![cast(expr.left, DataType::Float64), cast(expr.right, DataType::Float64)])))
    }
}

fn is_date(kind: &DataType) -> bool {
    matches!(kind, DataType::Date32 | DataType::Date64)
}

/// Takes over whole numbers, which the engine lets wrap around.
fn checked(expr: RawBinaryExpr, schema: &DFSchema, name: &'static str) -> Result<PlannerResult<RawBinaryExpr>> {
    let (left, right) = (expr.left.get_type(schema)?, expr.right.get_type(schema)?);
    if !left.is_signed_integer() || !right.is_signed_integer() {
        return Ok(PlannerResult::Original(expr));
    }
    let wider = if left.primitive_width() >= right.primitive_width() { left } else { right };
    let function = create_udf(
        name,
        vec![wider.clone(), wider.clone()],
        wider.clone(),
        Volatility::Immutable,
        Arc::new(move |arguments: &[ColumnarValue]| {
            let scalar = arguments.iter().all(|a| matches!(a, ColumnarValue::Scalar(_)));
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let [left, right] = arrays.as_slice() else {
                return datafusion::common::exec_err!("{name} takes two operands");
            };
            let result = match name {
                "add" => numeric::add(left, right),
                "subtract" => numeric::sub(left, right),
                _ => numeric::mul(left, right),
            }?;
            Ok(if scalar { ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?) } else { ColumnarValue::Array(result) })
        }),
    );
    Ok(PlannerResult::Planned(function.call(vec![cast(expr.left, wider.clone()), cast(expr.right, wider)])))
}

fn divide(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let arrays = ColumnarValue::values_to_arrays(arguments)?;
    let [left, right] = arrays.as_slice() else {
        return datafusion::common::exec_err!("division takes two operands");
    };
    let (left, right) = (left.as_primitive::<Float64Type>(), right.as_primitive::<Float64Type>());
    let quotients = left
        .iter()
        .zip(right)
        .map(|pair| match pair {
            (Some(_), Some(0.0)) => Err(ArrowError::DivideByZero),
            (Some(l), Some(r)) => Ok(Some(l / r)),
            _ => Ok(None),
        })
        .collect::<Result<Float64Array, _>>()?;
    Ok(ColumnarValue::Array(Arc::new(quotients)))
}
