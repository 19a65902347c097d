//! Arithmetic as the platform has it: whole numbers divide to a double, decimals to a decimal, zero and overflow are
//! errors, and `||` with NULL is NULL.

use std::sync::Arc;

use datafusion::arrow::array::{AsArray as _, Decimal128Array, Float64Array};
use datafusion::arrow::compute::kernels::numeric;
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Float64Type, i256};
use datafusion::arrow::error::ArrowError;
use datafusion::common::{DFSchema, ScalarValue, not_impl_err};
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry as _;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{ColumnarValue, Expr, ExprSchemable as _, ScalarUDF, Volatility, cast, create_udf};
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
    /// Takes over `a / b`: decimals have a decimal quotient, all other numbers a double.
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        match expr.op {
            BinaryOperator::Divide => {}
            BinaryOperator::StringConcat => {
                return Ok(PlannerResult::Planned(super::strings::concatenation().call(vec![expr.left, expr.right])));
            }
            BinaryOperator::Plus => return checked(expr, schema, "add"),
            BinaryOperator::Minus
                if is_date(&expr.left.get_type(schema)?) && is_date(&expr.right.get_type(schema)?) =>
            {
                return not_impl_err!(
                    "dates that are subtracted give an interval, which the embedded workspace cannot return"
                );
            }
            BinaryOperator::Minus => return checked(expr, schema, "subtract"),
            BinaryOperator::Multiply => return checked(expr, schema, "multiply"),
            _ => return Ok(PlannerResult::Original(expr)),
        }
        let (left, right) = (expr.left.get_type(schema)?, expr.right.get_type(schema)?);
        if let (Some(left), Some(right)) = (decimal(&expr.left, &left), decimal(&expr.right, &right))
            && (is_decimal(&expr.left.get_type(schema)?) || is_decimal(&expr.right.get_type(schema)?))
        {
            return Ok(PlannerResult::Planned(divide_decimals(expr, left, right)));
        }
        let plain = |kind: &DataType| kind.is_numeric() || kind.is_null();
        if !plain(&left) || !plain(&right) {
            return Ok(PlannerResult::Original(expr));
        }
        Ok(PlannerResult::Planned(
            self.function.call(vec![cast(expr.left, DataType::Float64), cast(expr.right, DataType::Float64)]),
        ))
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
            Ok(if scalar {
                ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)
            } else {
                ColumnarValue::Array(result)
            })
        }),
    );
    Ok(PlannerResult::Planned(function.call(vec![cast(expr.left, wider.clone()), cast(expr.right, wider)])))
}

/// Precision and scale.
type Digits = (u8, i8);

fn is_decimal(kind: &DataType) -> bool {
    matches!(kind, DataType::Decimal128(_, _))
}

/// The decimal that an exact number is; a literal has just the digits that it needs.
fn decimal(expr: &Expr, kind: &DataType) -> Option<Digits> {
    let literal = match expr {
        Expr::Literal(value, _) => Some(value),
        Expr::Cast(cast) => match cast.expr.as_ref() {
            Expr::Literal(value, _) if value.data_type().is_integer() => Some(value),
            _ => None,
        },
        _ => None,
    };
    let precision = match kind {
        DataType::Decimal128(precision, scale) => return Some((*precision, *scale)),
        DataType::Int8 => 3,
        DataType::Int16 => 5,
        DataType::Int32 => 10,
        DataType::Int64 => 20,
        _ => return None,
    };
    let digits = literal.and_then(|value| u8::try_from(value.to_string().trim_start_matches('-').len()).ok());
    Some((digits.filter(|digits| *digits <= precision).unwrap_or(precision), 0))
}

/// The digits of a quotient, with the scale cut where 38 do not suffice.
fn quotient((p1, s1): Digits, (p2, s2): Digits) -> Digits {
    let [p1, s1, p2, s2] = [i16::from(p1), i16::from(s1), i16::from(p2), i16::from(s2)];
    let scale = (s1 + p2 + 1).max(6);
    let whole = p1 - s1 + s2;
    let (precision, scale) =
        if whole + scale <= 38 { (whole + scale, scale) } else { (38, (38 - whole).max(scale.min(6))) };
    (u8::try_from(precision.max(1)).unwrap_or(38), i8::try_from(scale).unwrap_or(0))
}

fn divide_decimals(expr: RawBinaryExpr, left: Digits, right: Digits) -> Expr {
    let (precision, scale) = quotient(left, right);
    let kinds = [left, right].map(|(precision, scale)| DataType::Decimal128(precision, scale));
    let shift = i32::from(scale) - i32::from(left.1) + i32::from(right.1);
    let function = create_udf(
        "divide",
        kinds.to_vec(),
        DataType::Decimal128(precision, scale),
        Volatility::Immutable,
        Arc::new(move |arguments: &[ColumnarValue]| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let [left, right] = arrays.as_slice() else {
                return datafusion::common::exec_err!("division takes two operands");
            };
            let pairs = left.as_primitive::<Decimal128Type>().iter().zip(right.as_primitive::<Decimal128Type>());
            let quotients = pairs.map(|pair| match pair {
                (Some(left), Some(right)) => divide_rounded(left, right, shift).map(Some),
                _ => Ok(None),
            });
            let quotients = quotients
                .collect::<Result<Decimal128Array, ArrowError>>()?
                .with_precision_and_scale(precision, scale)?;
            let overflow = |e: ArrowError| ArrowError::ArithmeticOverflow(e.to_string());
            quotients.validate_decimal_precision(precision).map_err(overflow)?;
            Ok(ColumnarValue::Array(Arc::new(quotients)))
        }),
    );
    let [left, right] = kinds;
    function.call(vec![cast(expr.left, left), cast(expr.right, right)])
}

/// `left * 10^shift / right`, half away from zero.
pub(super) fn divide_rounded(left: i128, right: i128, shift: i32) -> Result<i128, ArrowError> {
    if right == 0 {
        return Err(ArrowError::DivideByZero);
    }
    let overflow = || ArrowError::ArithmeticOverflow(format!("the quotient of {left} and {right} has too many digits"));
    let unit = i256::from_i128(10).checked_pow(shift.unsigned_abs()).ok_or_else(overflow)?;
    let (mut numerator, mut denominator) = (i256::from_i128(left), i256::from_i128(right));
    let scaled = if shift < 0 { &mut denominator } else { &mut numerator };
    *scaled = scaled.checked_mul(unit).ok_or_else(overflow)?;
    let whole = numerator.checked_div(denominator).ok_or_else(overflow)?;
    let rest = numerator.checked_rem(denominator).ok_or_else(overflow)?.wrapping_abs();
    let half = denominator.wrapping_abs().wrapping_sub(rest) <= rest;
    let away = if (left < 0) == (right < 0) { i256::ONE } else { i256::MINUS_ONE };
    let rounded = if half { whole.checked_add(away).ok_or_else(overflow)? } else { whole };
    rounded.to_i128().ok_or_else(overflow)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_have_the_platforms_digits() {
        assert_eq!(quotient((2, 1), (1, 0)), (7, 6));
        assert_eq!(quotient((1, 0), (2, 1)), (8, 6));
        assert_eq!(quotient((38, 10), (38, 10)), (38, 6));
        assert_eq!(divide_rounded(10, 3, 5).unwrap(), 333_333);
        assert_eq!(divide_rounded(-20, 3, 5).unwrap(), -666_667);
        assert_eq!(divide_rounded(25, 10, 0).unwrap(), 3);
        assert!(matches!(divide_rounded(1, 0, 0), Err(ArrowError::DivideByZero)));
    }
}
