//! Functions on numbers with the platform's meaning and result types.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, ArrayRef, AsArray as _, Decimal128Array, Float32Array, Float64Array, Int64Array,
};
use datafusion::arrow::compute::kernels::numeric;
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Float32Type, Float64Type, Int64Type};
use datafusion::arrow::error::ArrowError;
use datafusion::common::{ScalarValue, exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::prelude::SessionContext;

/// The function that stands for the sign in front of an expression.
pub(super) const NEGATE: &str = "negate";

pub(super) fn register(context: &SessionContext) {
    for (name, kind, call) in [
        (NEGATE, negated_type as Kind, negate as Call),
        ("ceil", whole_type, |a| whole(a, f64::ceil, true)),
        ("floor", whole_type, |a| whole(a, f64::floor, false)),
        ("sqrt", double_type, |a| map(a, |n| Some(n.sqrt()))),
        ("ln", double_type, |a| map(a, |n| (n > 0.0 || n.is_nan()).then(|| n.ln()))),
        ("log2", double_type, |a| map(a, |n| (n > 0.0 || n.is_nan()).then(|| n.log2()))),
        ("log10", double_type, |a| map(a, |n| (n > 0.0 || n.is_nan()).then(|| n.log10()))),
        ("log", double_type, log),
    ] {
        context.register_udf(ScalarUDF::new_from_impl(Numeric {
            name,
            signature: Signature::variadic_any(Volatility::Immutable),
            kind,
            call,
        }));
    }
    context.register_udf(ScalarUDF::new_from_impl(Round { inner: datafusion::functions::math::round() }));
}

type Kind = fn(&str, &[DataType]) -> Result<DataType>;
type Call = fn(&[ArrayRef]) -> Result<ArrayRef>;

#[derive(Debug)]
struct Numeric {
    name: &'static str,
    signature: Signature,
    kind: Kind,
    call: Call,
}

/// There is one of each name.
impl PartialEq for Numeric {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Numeric {}

impl Hash for Numeric {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Numeric {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        (self.kind)(self.name, arguments)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = args.args.iter().all(|a| matches!(a, ColumnarValue::Scalar(_)));
        let result = (self.call)(&ColumnarValue::values_to_arrays(&args.args)?)?;
        Ok(if scalar {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)
        } else {
            ColumnarValue::Array(result)
        })
    }
}

fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null)
}

/// Whether the type is a number, or is read as one.
fn check(name: &str, arguments: &[DataType]) -> Result<()> {
    match arguments.iter().find(|kind| !kind.is_numeric() && !is_text(kind)) {
        Some(kind) => {
            plan_err!("cannot coerce an argument of {name} from {} to a number", super::output::column_type(kind).text)
        }
        None => Ok(()),
    }
}

fn double_type(name: &str, arguments: &[DataType]) -> Result<DataType> {
    check(name, arguments)?;
    let expected = if name == "log" { 2 } else { 1 };
    if arguments.len() != expected {
        return plan_err!("{name} does not match the signature with {} arguments", arguments.len());
    }
    Ok(DataType::Float64)
}

fn negated_type(_: &str, arguments: &[DataType]) -> Result<DataType> {
    match arguments {
        [kind] if kind.is_numeric() || matches!(kind, DataType::Interval(_) | DataType::Duration(_)) => {
            Ok(kind.clone())
        }
        [kind] if is_text(kind) => Ok(DataType::Float64),
        [kind, ..] => plan_err!("cannot coerce {} to a number that has a sign", super::output::column_type(kind).text),
        [] => plan_err!("the sign has no operand"),
    }
}

fn whole_type(name: &str, arguments: &[DataType]) -> Result<DataType> {
    check(name, arguments)?;
    match arguments {
        [DataType::Decimal128(precision, scale)] if *scale > 0 => Ok(DataType::Decimal128(
            u8::try_from((i16::from(*precision) - i16::from(*scale) + 1).clamp(1, 38)).unwrap_or(38),
            0,
        )),
        [DataType::Decimal128(precision, scale)] => Ok(DataType::Decimal128(*precision, *scale)),
        [_] => Ok(DataType::Int64),
        _ => plan_err!("{name} does not match the signature with {} arguments", arguments.len()),
    }
}

fn strict(array: &ArrayRef, kind: &DataType) -> Result<ArrayRef> {
    Ok(cast_with_options(array, kind, &CastOptions { safe: false, ..CastOptions::default() })?)
}

fn only(arrays: &[ArrayRef]) -> Result<&ArrayRef> {
    match arrays {
        [array] => Ok(array),
        _ => exec_err!("the function takes one argument, got {}", arrays.len()),
    }
}

fn negate(arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let array = only(arrays)?;
    if is_text(array.data_type()) {
        return Ok(numeric::neg(&strict(array, &DataType::Float64)?)?);
    }
    Ok(numeric::neg(array)?)
}

fn map(arrays: &[ArrayRef], call: impl Fn(f64) -> Option<f64>) -> Result<ArrayRef> {
    let array = strict(only(arrays)?, &DataType::Float64)?;
    let values: Float64Array = array.as_primitive::<Float64Type>().iter().map(|n| n.and_then(&call)).collect();
    Ok(Arc::new(values))
}

/// `log(base, number)`.
fn log(arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let [base, number] = arrays else { return exec_err!("log takes a base and a number") };
    let (base, number) = (strict(base, &DataType::Float64)?, strict(number, &DataType::Float64)?);
    let pairs = base.as_primitive::<Float64Type>().iter().zip(number.as_primitive::<Float64Type>());
    let values: Float64Array = pairs
        .map(|pair| match pair {
            (Some(base), Some(number)) if base <= 0.0 || number <= 0.0 => None,
            (Some(base), Some(number)) => Some(number.ln() / base.ln()),
            _ => None,
        })
        .collect();
    Ok(Arc::new(values))
}

fn whole(arrays: &[ArrayRef], call: fn(f64) -> f64, up: bool) -> Result<ArrayRef> {
    let array = only(arrays)?;
    match array.data_type() {
        kind if kind.is_integer() => strict(array, &DataType::Int64),
        DataType::Decimal128(precision, scale) => {
            if *scale <= 0 {
                return Ok(Arc::clone(array));
            }
            let unit = 10i128.pow(u32::from(scale.unsigned_abs()).min(38));
            let rounded: Decimal128Array = array
                .as_primitive::<Decimal128Type>()
                .iter()
                .map(|n| n.map(|n| n.div_euclid(unit) + i128::from(up && n.rem_euclid(unit) != 0)))
                .collect();
            let precision = whole_type("", &[DataType::Decimal128(*precision, *scale)])?;
            let DataType::Decimal128(precision, scale) = precision else {
                return exec_err!("a decimal becomes a decimal");
            };
            Ok(Arc::new(rounded.with_precision_and_scale(precision, scale)?))
        }
        _ => {
            let doubles = strict(array, &DataType::Float64)?;
            let values = doubles.as_primitive::<Float64Type>().iter().map(|n| n.map(|n| bigint(call(n))).transpose());
            Ok(Arc::new(values.collect::<Result<Int64Array, ArrowError>>()?))
        }
    }
}

/// The bounds are powers of two, which a double has exactly.
fn bigint(value: f64) -> Result<i64, ArrowError> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&value) {
        return Ok(value as i64);
    }
    Err(ArrowError::ArithmeticOverflow(format!("{value} does not fit BIGINT")))
}

/// `round`, where doubles round by their decimal digits: 1.005 to two places is 1.01.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Round {
    inner: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for Round {
    fn name(&self) -> &'static str {
        "round"
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.inner().return_type(arguments)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<datafusion::arrow::datatypes::FieldRef> {
        let source = args.arg_fields.first().map(|field| field.data_type().clone());
        let field = self.inner.inner().return_field_from_args(args)?;
        // One digit more before the point, and just those that stay after it.
        if let (Some(DataType::Decimal128(precision, scale)), DataType::Decimal128(_, kept)) =
            (source, field.data_type())
            && (1..=scale).contains(kept)
        {
            let digits = i16::from(precision) - i16::from(scale) + 1 + i16::from(*kept);
            let kind = DataType::Decimal128(u8::try_from(digits.clamp(1, 38)).unwrap_or(38), *kept);
            return Ok(Arc::new(field.as_ref().clone().with_data_type(kind)));
        }
        Ok(field)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.inner().coerce_types(arguments)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if !args.args.first().is_some_and(|a| a.data_type().is_floating()) {
            let kind = args.return_field.data_type().clone();
            return self.inner.inner().invoke_with_args(args)?.cast_to(&kind, None);
        }
        let scalar = args.args.iter().all(|a| matches!(a, ColumnarValue::Scalar(_)));
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [values, rest @ ..] = arrays.as_slice() else { return exec_err!("round takes a number") };
        let places = rest.first().map(|places| strict(places, &DataType::Int64)).transpose()?;
        let places = |row: usize| match &places {
            None => Some(0),
            Some(places) if places.is_null(row) => None,
            Some(places) => Some(places.as_primitive::<Int64Type>().value(row)),
        };
        let result: ArrayRef = if values.data_type() == &DataType::Float32 {
            let values = values.as_primitive::<Float32Type>().iter().enumerate();
            Arc::new(values.map(|(row, n)| n.zip(places(row)).map(|(n, p)| half_up(n, p))).collect::<Float32Array>())
        } else {
            let values = strict(values, &DataType::Float64)?;
            let values = values.as_primitive::<Float64Type>().iter().enumerate();
            Arc::new(values.map(|(row, n)| n.zip(places(row)).map(|(n, p)| half_up(n, p))).collect::<Float64Array>())
        };
        Ok(if scalar {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)
        } else {
            ColumnarValue::Array(result)
        })
    }
}

/// Rounds the fewest digits that read back as the value, half away from zero.
fn half_up<T: std::fmt::LowerExp + std::str::FromStr + Copy>(value: T, places: i64) -> T {
    let text = format!("{value:e}");
    let Some((mantissa, exponent)) = text.split_once('e') else { return value };
    let Ok(exponent) = exponent.parse::<i64>() else { return value };
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |m| ("-", m));
    let digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).map(|b| b - b'0').collect();
    // So many digits stay: those before the point and `places` after it.
    let kept = exponent.saturating_add(1).saturating_add(places);
    if kept >= digits.len() as i64 {
        return value;
    }
    let kept_digits = usize::try_from(kept).unwrap_or(0);
    let up = kept >= 0 && digits.get(kept_digits).is_some_and(|d| *d >= 5);
    let whole = digits[..kept_digits].iter().fold(0u128, |n, d| n * 10 + u128::from(*d)) + u128::from(up);
    format!("{sign}{whole}e{}", places.saturating_neg()).parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_round_by_their_digits() {
        for (value, places, rounded) in [
            (1.005, 2, 1.01),
            (2.5, 0, 3.0),
            (-2.5, 0, -3.0),
            (0.4, 0, 0.0),
            (0.5, 0, 1.0),
            (0.05, 0, 0.0),
            (1234.5, -2, 1200.0),
            (1250.0, -2, 1300.0),
            (9.99, 1, 10.0),
            (1e300, 2, 1e300),
            (1e-300, 2, 0.0),
        ] {
            assert_eq!(half_up(value, places), rounded, "{value} {places}");
        }
        assert!(half_up(f64::NAN, 0).is_nan());
        assert_eq!(half_up(f64::INFINITY, 0), f64::INFINITY);
    }
}
