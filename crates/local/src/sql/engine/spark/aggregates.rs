//! Aggregates that see all rows of a group at once.
//!
//! A state is the list of the rows' arguments; the value is computed from it at the end. That takes memory where an
//! engine for production would not, and makes each aggregate a plain function.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{ScalarValue, resources_datafusion_err};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Expr, Signature, Volatility};
use datafusion::physical_expr::expressions::Literal;
use datafusion::prelude::SessionContext;

use super::super::output::wire;
use super::function::{Call, Env, Shape, Typing, by_signature, constant, plain};
use super::random::UNSEEDED;
use super::value::{V, build, read};
use super::zone::{self, Zone};
use super::{VALUE_LIMIT, cast, types};
use super::{sketches, statistics, top_items, vectors};

/// What computes the value of a group from the arguments of its rows.
pub(crate) type Finish = fn(&Env<'_>, &[Vec<V>]) -> Result<V>;

#[derive(Clone, Copy)]
pub(crate) struct Agg {
    pub(crate) name: &'static str,
    pub(crate) signature: &'static str,
    pub(crate) typing: Option<Typing>,
    pub(crate) finish: Finish,
}

/// All aggregates of values, by name.
fn all() -> impl Iterator<Item = &'static Agg> {
    [statistics::AGGREGATES, sketches::AGGREGATES, top_items::AGGREGATES, vectors::AGGREGATES].into_iter().flatten()
}

pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    all().map(|a| a.name).filter(|n| !n.starts_with("__")).chain(["approx_count_distinct"])
}

/// The function that gives the one value of a group, and fails if there are more.
pub(crate) fn single() -> Option<AggregateUDF> {
    let agg = statistics::AGGREGATES.iter().find(|agg| agg.name == "__single").copied()?;
    let signature = Signature::variadic_any(Volatility::Immutable);
    Some(AggregateUDF::new_from_impl(Aggregate { agg, zone: Zone::UTC, signature }))
}

/// The functions, for sessions in that time zone.
pub(crate) fn register(context: &SessionContext, zone: Zone) {
    for agg in all() {
        context.register_udaf(AggregateUDF::new_from_impl(Aggregate {
            agg: *agg,
            zone,
            signature: Signature::variadic_any(Volatility::Immutable),
        }));
    }
}

struct Aggregate {
    agg: Agg,
    /// The zone of the session, which accumulators are not told of.
    zone: Zone,
    signature: Signature,
}

impl std::fmt::Debug for Aggregate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Aggregate").field("name", &self.agg.name).finish()
    }
}

impl PartialEq for Aggregate {
    fn eq(&self, other: &Self) -> bool {
        self.agg.name == other.agg.name
    }
}

impl Eq for Aggregate {}

impl Hash for Aggregate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.agg.name.hash(state);
    }
}

impl Aggregate {
    fn shape(&self, kinds: &[DataType]) -> Result<Shape> {
        let kinds: Vec<_> = kinds.iter().map(wire).collect();
        let constants = vec![None; kinds.len()];
        let names = vec![String::new(); kinds.len()];
        let call = Call { name: self.agg.name, kinds: &kinds, constants: &constants, names: &names };
        let shape = match self.agg.typing {
            Some(typing) => typing(&call)?,
            None => by_signature(self.agg.signature, &call)?,
        };
        for (from, to) in kinds.iter().zip(&shape.kinds) {
            cast::check(from, to)?;
        }
        Ok(shape)
    }
}

impl AggregateUDFImpl for Aggregate {
    fn name(&self) -> &str {
        self.agg.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        Ok(self.shape(kinds)?.result)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let from: Vec<_> = args.expr_fields.iter().map(|f| wire(f.data_type())).collect();
        let shape = self.shape(&from)?;
        let _zone = zone::Entered::new(self.zone);
        let known =
            args.exprs.iter().map(|e| e.downcast_ref::<Literal>().and_then(|literal| constant(literal.value())));
        let constants = known
            .zip(from.iter().zip(&shape.kinds))
            .map(|(v, (from, to))| v.map(|v| cast::cast(&v, from, to)).transpose())
            .collect::<Result<_>>()?;
        let (agg, zone, distinct) = (self.agg, self.zone, args.is_distinct);
        Ok(Box::new(State { agg, zone, from, shape, constants, rows: Vec::new(), bytes: 0, distinct }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let kinds: Vec<_> = args.input_fields.iter().map(|f| f.data_type().clone()).collect();
        Ok(vec![Arc::new(Field::new("rows", rows_type(&self.shape(&kinds)?.kinds), true))])
    }

    fn default_value(&self, kind: &DataType) -> Result<ScalarValue> {
        ScalarValue::try_from(kind)
    }

    fn schema_name(&self, params: &datafusion::logical_expr::expr::AggregateFunctionParams) -> Result<String> {
        let args: Vec<String> = params.args.iter().map(Expr::to_string).collect();
        let distinct = if params.distinct { "DISTINCT " } else { "" };
        let filter = params.filter.as_ref().map(|f| format!(" FILTER {f}")).unwrap_or_default();
        Ok(format!("{}({distinct}{}){filter}", self.agg.name, args.join(", ")))
    }
}

fn rows_type(kinds: &[DataType]) -> DataType {
    types::list(types::structure(kinds.iter().enumerate().map(|(i, k)| (format!("a{i}"), k.clone()))))
}

struct State {
    agg: Agg,
    zone: Zone,
    from: Vec<DataType>,
    shape: Shape,
    /// Values of arguments that are constant.
    constants: Vec<Option<V>>,
    rows: Vec<Vec<V>>,
    bytes: usize,
    distinct: bool,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("name", &self.agg.name).field("rows", &self.rows.len()).finish()
    }
}

impl State {
    fn push(&mut self, row: Vec<V>) -> Result<()> {
        self.bytes += row.iter().map(|v| v.bytes().len() + size_of::<V>()).sum::<usize>();
        if self.bytes > 4 * VALUE_LIMIT {
            return Err(resources_datafusion_err!(
                "{} would hold more than {} bytes of one group; the embedded workspace does not",
                self.agg.name,
                4 * VALUE_LIMIT
            ));
        }
        self.rows.push(row);
        Ok(())
    }

    fn rows_of(&self, values: &[ArrayRef]) -> Result<Vec<Vec<V>>> {
        let arrays = values.iter().map(plain).collect::<Result<Vec<_>>>()?;
        let count = arrays.first().map_or(0, |a| a.len());
        (0..count)
            .map(|row| {
                let cells = arrays.iter().zip(self.from.iter().zip(&self.shape.kinds));
                cells.map(|(a, (from, to))| cast::cast(&read(a, row), from, to)).collect()
            })
            .collect()
    }
}

impl Accumulator for State {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let _zone = zone::Entered::new(self.zone);
        for row in self.rows_of(values)? {
            self.push(row)?;
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        // A frame moves over ordered rows: what leaves it came first.
        let count = values.first().map_or(0, |a| a.len()).min(self.rows.len());
        self.rows.drain(..count);
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let _zone = zone::Entered::new(self.zone);
        let env = Env {
            name: self.agg.name,
            kinds: &self.shape.kinds,
            result: &self.shape.result,
            constants: &self.constants,
            random: &UNSEEDED,
        };
        let value = if self.distinct {
            let mut seen: HashMap<String, ()> = HashMap::new();
            let rows: Vec<_> =
                self.rows.iter().filter(|row| seen.insert(format!("{row:?}"), ()).is_none()).cloned().collect();
            (self.agg.finish)(&env, &rows)?
        } else {
            (self.agg.finish)(&env, &self.rows)?
        };
        ScalarValue::try_from_array(&build(&self.shape.result, &[value])?, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.bytes
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let rows = V::List(std::mem::take(&mut self.rows).into_iter().map(V::Struct).collect());
        self.bytes = 0;
        Ok(vec![ScalarValue::try_from_array(&build(&rows_type(&self.shape.kinds), &[rows])?, 0)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(lists) = states.first() else { return Ok(()) };
        for row in 0..lists.len() {
            if lists.is_null(row) {
                continue;
            }
            let items = lists.as_list::<i32>().value(row);
            for i in 0..items.len() {
                if let V::Struct(values) = read(&items, i) {
                    self.push(values)?;
                }
            }
        }
        Ok(())
    }
}
