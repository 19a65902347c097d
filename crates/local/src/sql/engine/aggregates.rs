//! Aggregates with the platform's meaning: a sum that does not fit is an error, an array of no rows is empty, and no
//! value grows beyond what the process can hold.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray as _};
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Int64Type};
use datafusion::arrow::error::ArrowError;
use datafusion::common::{ScalarValue, exec_err, not_impl_err, resources_datafusion_err};
use datafusion::error::Result;
use datafusion::functions_aggregate::array_agg::array_agg_udaf;
use datafusion::functions_aggregate::average::avg_udaf;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, Signature, Volatility,
};
use datafusion::prelude::SessionContext;

use super::arithmetic::divide_rounded;
use super::output::wire;
use super::spark::function::{unexpected, wrong_count};
use super::spark::value::{V, build, read};
use super::spark::{VALUE_LIMIT, types};

pub(super) fn register(context: &SessionContext) {
    let signature = Signature::user_defined(Volatility::Immutable);
    let sum = Sum { inner: sum_udaf(), signature: signature.clone(), mean: false };
    context.register_udaf(AggregateUDF::new_from_impl(sum));
    context.register_udaf(AggregateUDF::new_from_impl(Sum { inner: avg_udaf(), signature, mean: true }));
    context.register_udaf(AggregateUDF::new_from_impl(Collect { inner: array_agg_udaf() }));
}

/// `sum` of whole numbers and decimals, which the engine lets wrap around, `avg` of decimals, which it does not
/// round, and both of intervals; other types are left to it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Sum {
    inner: Arc<AggregateUDF>,
    signature: Signature,
    mean: bool,
}

/// Whether the sum is counted here.
fn exact(kind: &DataType) -> bool {
    matches!(kind, DataType::Int64 | DataType::Decimal128(_, _)) || types::span(kind).is_some()
}

impl AggregateUDFImpl for Sum {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [kind] = arguments else { return Err(wrong_count(self.name(), "1", arguments.len())) };
        Ok(vec![match wire(kind) {
            kind if kind.is_integer() && !self.mean => DataType::Int64,
            kind @ DataType::Decimal128(_, _) => kind,
            kind if types::span(&kind).is_some() => kind,
            kind if kind.is_numeric() || kind.is_null() || kind == DataType::Utf8 => DataType::Float64,
            kind => return Err(unexpected(self.name(), 0, "\"NUMERIC\" or \"ANSI INTERVAL\"", &kind)),
        }])
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [kind] if types::span(kind).is_some() => Ok(if self.mean { types::full(kind) } else { kind.clone() }),
            _ => self.inner.return_type(arguments),
        }
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let kind = args.return_field.data_type().clone();
        if !exact(&kind) {
            return self.inner.accumulator(args);
        }
        if args.is_distinct && self.mean {
            return not_impl_err!("the embedded workspace has no avg(DISTINCT …) of decimals");
        }
        if args.is_distinct && types::span(&kind).is_some() {
            return not_impl_err!("the embedded workspace has no sum(DISTINCT …) of intervals");
        }
        if args.is_distinct {
            return Ok(Box::new(DistinctTotal { inner: self.inner.accumulator(args)?, kind }));
        }
        let scale = args.expr_fields.first().map_or(0, |field| scale(field.data_type()));
        Ok(Box::new(Total { kind, scale, mean: self.mean, sum: 0, rows: 0 }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let scale = args.input_fields.first().map_or(0, |field| scale(field.data_type()));
        if args.is_distinct || !exact(args.return_field.data_type()) {
            return self.inner.state_fields(args);
        }
        let total = Field::new(format!("{}[total]", args.name), DataType::Decimal128(38, scale), true);
        let rows = Field::new(format!("{}[rows]", args.name), DataType::Int64, true);
        Ok(vec![Arc::new(total), Arc::new(rows)])
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        !exact(args.return_field.data_type()) && self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        self.inner.create_groups_accumulator(args)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if !exact(args.return_field.data_type()) {
            return self.inner.create_sliding_accumulator(args);
        }
        if args.is_distinct {
            return not_impl_err!("the embedded workspace has no sum(DISTINCT …) over a moving window");
        }
        self.accumulator(args)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

fn scale(kind: &DataType) -> i8 {
    if let DataType::Decimal128(_, scale) = kind { *scale } else { 0 }
}

fn overflow(kind: &DataType) -> ArrowError {
    ArrowError::ArithmeticOverflow(format!("the sum does not fit {}", super::output::column_type(kind).text))
}

/// The sum as the type `kind`, if it fits.
fn fitting(sum: i128, kind: &DataType) -> Result<ScalarValue> {
    match kind {
        DataType::Decimal128(precision, scale) => {
            let limit = 10i128.pow(u32::from(*precision).min(38));
            if sum.abs() >= limit {
                return Err(overflow(kind).into());
            }
            Ok(ScalarValue::Decimal128(Some(sum), *precision, *scale))
        }
        kind if types::span(kind).is_some() => {
            let value = if types::is_year_month(kind) {
                i32::try_from(sum).map(V::Ym).ok()
            } else {
                i64::try_from(sum).map(V::Dt).ok()
            };
            let value = value.ok_or_else(|| overflow(kind))?;
            ScalarValue::try_from_array(&build(kind, &[value])?, 0)
        }
        kind => i64::try_from(sum).map(|sum| ScalarValue::Int64(Some(sum))).map_err(|_| overflow(kind).into()),
    }
}

/// The values of a column of whole numbers or decimals.
fn numbers(array: &ArrayRef) -> Box<dyn Iterator<Item = i128> + '_> {
    match array.data_type() {
        DataType::Decimal128(_, _) => Box::new(array.as_primitive::<Decimal128Type>().iter().flatten()),
        kind if types::span(kind).is_some() => {
            let amounts = (0..array.len()).filter(|row| !array.is_null(*row));
            Box::new(amounts.map(|row| i128::from(read(array, row).i())))
        }
        _ => Box::new(array.as_primitive::<Int64Type>().iter().flatten().map(i128::from)),
    }
}

fn first(values: &[ArrayRef]) -> Result<&ArrayRef> {
    match values.first() {
        Some(values) => Ok(values),
        None => exec_err!("the aggregate has no argument"),
    }
}

#[derive(Debug)]
struct Total {
    /// The type of the result.
    kind: DataType,
    /// Digits after the point in `sum`.
    scale: i8,
    mean: bool,
    sum: i128,
    rows: i64,
}

impl Total {
    fn add(&mut self, number: i128) -> Result<()> {
        self.sum = self.sum.checked_add(number).ok_or_else(|| overflow(&self.kind))?;
        Ok(())
    }
}

impl Accumulator for Total {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for number in numbers(first(values)?) {
            self.rows += 1;
            self.add(number)?;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.rows == 0 {
            return ScalarValue::try_from(&self.kind);
        }
        if !self.mean {
            return fitting(self.sum, &self.kind);
        }
        let shift = i32::from(scale(&self.kind)) - i32::from(self.scale);
        fitting(divide_rounded(self.sum, i128::from(self.rows), shift)?, &self.kind)
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Decimal128(Some(self.sum), 38, self.scale), ScalarValue::Int64(Some(self.rows))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [sums, rows] = states else { return exec_err!("a sum has two states") };
        for sum in numbers(sums) {
            self.add(sum)?;
        }
        self.rows += rows.as_primitive::<Int64Type>().iter().flatten().sum::<i64>();
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for number in numbers(first(values)?) {
            self.rows -= 1;
            self.add(-number)?;
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }
}

/// The engine's accumulator of distinct values, with the sum counted here.
#[derive(Debug)]
struct DistinctTotal {
    inner: Box<dyn Accumulator>,
    kind: DataType,
}

impl Accumulator for DistinctTotal {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.inner.update_batch(values)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut total = Total { kind: self.kind.clone(), scale: scale(&self.kind), mean: false, sum: 0, rows: 0 };
        if let Some(ScalarValue::List(list)) = self.inner.state()?.first() {
            for values in list.iter().flatten() {
                total.update_batch(&[values])?;
            }
        }
        total.evaluate()
    }

    fn size(&self) -> usize {
        self.inner.size() + size_of::<DataType>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.inner.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.inner.merge_batch(states)
    }
}

/// `array_agg` and `string_agg`, whose values are bounded.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Collect {
    inner: Arc<AggregateUDF>,
}

impl AggregateUDFImpl for Collect {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arguments)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arguments)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Bounded { name: self.inner.name().to_owned(), inner: self.inner.accumulator(args)?, bytes: 0 }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.inner.state_fields(args)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }

    fn with_beneficial_ordering(self: Arc<Self>, beneficial: bool) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        let inner = Arc::clone(self.inner.inner()).with_beneficial_ordering(beneficial)?;
        Ok(inner.map(|inner| {
            let inner = Arc::new(AggregateUDF::new_from_shared_impl(inner));
            Arc::new(Self { inner }) as Arc<dyn AggregateUDFImpl>
        }))
    }

    fn supports_null_handling_clause(&self) -> bool {
        self.inner.supports_null_handling_clause()
    }
}

#[derive(Debug)]
struct Bounded {
    name: String,
    inner: Box<dyn Accumulator>,
    bytes: usize,
}

impl Bounded {
    /// Counts the rows of `values`, which may be a part of a larger array.
    fn count(&mut self, values: &[ArrayRef]) -> Result<()> {
        let part = first(values)?;
        let bytes = part.to_data().get_slice_memory_size().unwrap_or_else(|_| part.get_array_memory_size());
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > VALUE_LIMIT {
            return Err(resources_datafusion_err!(
                "{} would make a value of more than {VALUE_LIMIT} bytes; the embedded workspace holds no larger one",
                self.name
            ));
        }
        Ok(())
    }
}

impl Accumulator for Bounded {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.count(values)?;
        self.inner.update_batch(values)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let value = self.inner.evaluate()?;
        // An array of no rows is empty on the platform.
        Ok(match value {
            ScalarValue::List(list) if list.len() == 1 && list.is_null(0) => {
                ScalarValue::List(ScalarValue::new_list_nullable(&[], &list.value_type()))
            }
            value => value,
        })
    }

    fn size(&self) -> usize {
        self.inner.size() + self.name.len()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.inner.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.count(states)?;
        self.inner.merge_batch(states)
    }
}
