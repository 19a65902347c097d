//! Types where two meet: comparisons, lists, branches of CASE. The engine would compare `'10'` and `9` as strings.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{Column, DFSchema, ScalarValue, TableReference};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr, TypePlanner};
use datafusion::logical_expr::type_coercion::binary::BinaryTypeCoercer;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Between, Case, Expr, ExprSchemable as _, LogicalPlan, LogicalPlanBuilder, Operator, ScalarUDF, Union, lit,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion::sql::sqlparser::ast;

use super::output::wire;
use super::spark::function::udf;
use super::spark::types::{self, common};

/// Types as the platform writes them, in definitions of columns.
#[derive(Debug)]
pub(super) struct Types;

impl TypePlanner for Types {
    fn plan_type_field(&self, kind: &ast::DataType) -> Result<Option<FieldRef>> {
        Ok(types::parse(&kind.to_string()).ok().map(|kind| Arc::new(Field::new("", kind, true)) as FieldRef))
    }
}

/// Whole numbers with their type: the parser's tree has no literals with a type, and a function sees constants only as
/// literals. They come as `POSITION(number IN 'INT')`, which nothing else leaves in a statement.
#[derive(Debug)]
pub(super) struct Literals;

impl ExprPlanner for Literals {
    fn plan_position(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        if let [Expr::Literal(ScalarValue::Utf8(Some(kind)), _), number] = args.as_slice()
            && let Some(kind) = literal_type(kind)
        {
            let value = match number {
                Expr::Literal(value, _) => value.cast_to(&kind)?,
                Expr::Negative(inner) => match inner.as_ref() {
                    Expr::Literal(value, _) => value.cast_to(&kind)?.arithmetic_negate()?,
                    _ => return Ok(PlannerResult::Original(args)),
                },
                _ => return Ok(PlannerResult::Original(args)),
            };
            return Ok(PlannerResult::Planned(lit(value)));
        }
        Ok(PlannerResult::Original(args))
    }

    /// Comparisons whose types the engine cannot compare, but the platform can.
    fn plan_binary_op(&self, mut expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        if let Some(op) = comparison(&expr.op)
            && let (Ok(left), Ok(right)) = (expr.left.get_type(schema), expr.right.get_type(schema))
            && BinaryTypeCoercer::new(&left, &op, &right).get_result_type().is_err()
        {
            let (left, right) = (wire(&left), wire(&right));
            if let Some(shared) = needed(&[&left, &right]).map_err(|_| differs(&expr.op, &left, &right))? {
                let to = Coerce::default();
                expr.left = to.to(expr.left, &left, &shared);
                expr.right = to.to(expr.right, &right, &shared);
            }
        }
        Ok(PlannerResult::Original(expr))
    }

    /// Members of structures, whose names have no case.
    fn plan_compound_identifier(
        &self,
        field: &Field,
        qualifier: Option<&TableReference>,
        nested: &[String],
    ) -> Result<PlannerResult<Vec<Expr>>> {
        let Some(member) = super::spark::member_function().map(udf) else {
            return datafusion::common::plan_err!("members of structures cannot be read");
        };
        let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
        let value = nested.iter().fold(column, |value, name| member.call(vec![value, lit(name.clone())]));
        Ok(PlannerResult::Planned(value))
    }
}

fn literal_type(name: &str) -> Option<DataType> {
    Some(match name {
        "TINYINT" => DataType::Int8,
        "SMALLINT" => DataType::Int16,
        "INT" => DataType::Int32,
        "BIGINT" => DataType::Int64,
        _ => return None,
    })
}

/// Functions whose result has digits by those of their arguments.
const ARITHMETIC: [&str; 13] = [
    "op_add",
    "op_subtract",
    "op_multiply",
    "op_divide",
    "op_mod",
    "op_div",
    "mod",
    "pmod",
    "try_add",
    "try_subtract",
    "try_multiply",
    "try_divide",
    "try_mod",
];

#[derive(Debug)]
pub(super) struct Coerce {
    cast: Arc<ScalarUDF>,
}

impl Default for Coerce {
    fn default() -> Self {
        Self { cast: Arc::new(udf(super::spark::cast_function())) }
    }
}

impl AnalyzerRule for Coerce {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        Ok(plan.transform_up_with_subqueries(|node| self.node(node))?.data)
    }

    fn name(&self) -> &str {
        "platform_types"
    }
}

impl Coerce {
    fn node(&self, node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        if let LogicalPlan::Union(union) = &node {
            return self.union(union).map(|plan| match plan {
                Some(plan) => Transformed::yes(plan),
                None => Transformed::no(node),
            });
        }
        let mut schema = merge_schema(&node.inputs());
        if let LogicalPlan::TableScan(scan) = &node {
            schema.merge(&DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?);
        }
        let names = datafusion::logical_expr::expr_rewriter::NamePreserver::new(&node);
        let changed = node.map_expressions(|expr| {
            let name = names.save(&expr);
            let changed = expr.transform_up(|e| self.expr(e, &schema))?;
            Ok(changed.update_data(|e| name.restore(e)))
        })?;
        changed.map_data(LogicalPlan::recompute_schema)
    }

    /// A union whose inputs have the types of the platform where they differ.
    fn union(&self, union: &Union) -> Result<Option<LogicalPlan>> {
        let kinds = |plan: &LogicalPlan| -> Vec<DataType> {
            plan.schema().fields().iter().map(|f| wire(f.data_type())).collect()
        };
        let all: Vec<Vec<DataType>> = union.inputs.iter().map(|i| kinds(i)).collect();
        let width = all.first().map_or(0, Vec::len);
        if all.iter().any(|k| k.len() != width) {
            return Ok(None);
        }
        let mut shared = Vec::new();
        for at in 0..width {
            let column: Vec<&DataType> = all.iter().map(|k| &k[at]).collect();
            // What has nothing in common is the engine's to refuse.
            shared.push(needed(&column).unwrap_or(None));
        }
        if shared.iter().all(Option::is_none) {
            return Ok(None);
        }
        let inputs = union.inputs.iter().zip(&all).map(|(input, own)| {
            let columns = input.schema().columns().into_iter().enumerate().map(|(at, column)| {
                let name = column.name.clone();
                match &shared[at] {
                    Some(kind) => self.to(Expr::Column(column), &own[at], kind).alias(name),
                    None => Expr::Column(column),
                }
            });
            LogicalPlanBuilder::from(input.as_ref().clone()).project(columns.collect::<Vec<_>>())?.build().map(Arc::new)
        });
        Union::try_new_with_loose_types(inputs.collect::<Result<_>>()?).map(|u| Some(LogicalPlan::Union(u)))
    }

    fn expr(&self, expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
        let kind = |e: &Expr| e.get_type(schema).map(|k| wire(&k));
        match expr {
            Expr::BinaryExpr(mut b) if compares(b.op) => {
                let (Ok(l), Ok(r)) = (kind(&b.left), kind(&b.right)) else {
                    return Ok(Transformed::no(Expr::BinaryExpr(b)));
                };
                let written = || format!("({} {} {})", b.left, b.op, b.right);
                let Some(shared) = needed(&[&l, &r]).map_err(|_| differs(&written(), &l, &r))? else {
                    return Ok(Transformed::no(Expr::BinaryExpr(b)));
                };
                *b.left = self.to(*b.left, &l, &shared);
                *b.right = self.to(*b.right, &r, &shared);
                Ok(Transformed::yes(Expr::BinaryExpr(b)))
            }
            Expr::Between(Between { expr, negated, low, high }) => {
                let kinds = [kind(&expr)?, kind(&low)?, kind(&high)?];
                let Some(shared) = needed(&kinds.iter().collect::<Vec<_>>())? else {
                    return Ok(Transformed::no(Expr::Between(Between { expr, negated, low, high })));
                };
                Ok(Transformed::yes(Expr::Between(Between {
                    expr: Box::new(self.to(*expr, &kinds[0], &shared)),
                    negated,
                    low: Box::new(self.to(*low, &kinds[1], &shared)),
                    high: Box::new(self.to(*high, &kinds[2], &shared)),
                })))
            }
            Expr::InList(InList { expr, list, negated }) => {
                let own = kind(&expr)?;
                let kinds = list.iter().map(kind).collect::<Result<Vec<_>>>()?;
                let Some(shared) = needed(&std::iter::once(&own).chain(&kinds).collect::<Vec<_>>())? else {
                    return Ok(Transformed::no(Expr::InList(InList { expr, list, negated })));
                };
                let expr = Box::new(self.to(*expr, &own, &shared));
                let list = list.into_iter().zip(&kinds).map(|(e, k)| self.to(e, k, &shared)).collect();
                Ok(Transformed::yes(Expr::InList(InList { expr, list, negated })))
            }
            Expr::Case(case) => self.case(case, schema),
            // The type is known here; the value is not computed for it.
            Expr::ScalarFunction(f) if f.name() == "typeof" && f.args.len() == 1 => {
                Ok(Transformed::yes(lit(types::simple(&kind(&f.args[0])?))))
            }
            Expr::ScalarFunction(f) if ARITHMETIC.contains(&f.name()) && f.args.len() == 2 => self.exact(f, schema),
            Expr::AggregateFunction(mut f) if matches!(f.func.name(), "sum" | "avg") => {
                let Some(argument) = f.params.args.first_mut() else {
                    return Ok(Transformed::no(Expr::AggregateFunction(f)));
                };
                let own = kind(argument)?;
                if own != DataType::Utf8 {
                    return Ok(Transformed::no(Expr::AggregateFunction(f)));
                }
                *argument = self.to(std::mem::take(argument), &own, &DataType::Float64);
                Ok(Transformed::yes(Expr::AggregateFunction(f)))
            }
            Expr::WindowFunction(mut f) if matches!(f.fun.name(), "sum" | "avg") => {
                let Some(argument) = f.params.args.first_mut() else {
                    return Ok(Transformed::no(Expr::WindowFunction(f)));
                };
                let own = kind(argument)?;
                if own != DataType::Utf8 {
                    return Ok(Transformed::no(Expr::WindowFunction(f)));
                }
                *argument = self.to(std::mem::take(argument), &own, &DataType::Float64);
                Ok(Transformed::yes(Expr::WindowFunction(f)))
            }
            Expr::ScalarFunction(mut f) if f.name() == "coalesce" => {
                let kinds = f.args.iter().map(kind).collect::<Result<Vec<_>>>()?;
                if let Some(shared) = needed(&kinds.iter().collect::<Vec<_>>())? {
                    f.args = f.args.into_iter().zip(&kinds).map(|(e, k)| self.to(e, k, &shared)).collect();
                }
                // The engine's own computes an argument only where those before it are NULL.
                f.func = datafusion::functions::core::coalesce();
                Ok(Transformed::yes(Expr::ScalarFunction(f)))
            }
            other => Ok(Transformed::no(other)),
        }
    }

    /// Whole numbers beside decimals as decimals of the digits that they have now: once constants are computed, a cast
    /// could not be told from a literal, which has fewer.
    fn exact(&self, mut f: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
        let kinds = f.args.iter().map(|e| e.get_type(schema).map(|k| wire(&k))).collect::<Result<Vec<_>>>()?;
        let decimal = kinds.iter().any(|k| matches!(k, DataType::Decimal128(_, _)));
        let Some(at) = kinds.iter().position(DataType::is_integer).filter(|_| decimal) else {
            return Ok(Transformed::no(Expr::ScalarFunction(f)));
        };
        let digits = match &f.args[at] {
            Expr::Literal(value, _) if !value.is_null() && kinds[at] != DataType::Int8 => {
                let text = value.to_string();
                i32::try_from(text.trim_start_matches('-').len()).ok()
            }
            _ => types::as_decimal(&kinds[at]).map(|(digits, _)| digits),
        };
        let Some(digits) = digits else { return Ok(Transformed::no(Expr::ScalarFunction(f))) };
        let argument = std::mem::take(&mut f.args[at]);
        f.args[at] = self.to(argument, &kinds[at], &types::decimal(digits, 0));
        Ok(Transformed::yes(Expr::ScalarFunction(f)))
    }

    fn case(&self, mut case: Case, schema: &DFSchema) -> Result<Transformed<Expr>> {
        let kind = |e: &Expr| e.get_type(schema).map(|k| wire(&k));
        let mut kinds = case.when_then_expr.iter().map(|(_, then)| kind(then)).collect::<Result<Vec<_>>>()?;
        if let Some(other) = &case.else_expr {
            kinds.push(kind(other)?);
        }
        if case.expr.is_none() {
            for (when, _) in &case.when_then_expr {
                let own = kind(when)?;
                if !(own == DataType::Boolean || own.is_null() || own == DataType::Utf8) {
                    return Err(super::spark::function::unexpected("CASE WHEN", 0, "\"BOOLEAN\"", &own));
                }
            }
        }
        let mut changed = false;
        if let Some(shared) = needed(&kinds.iter().collect::<Vec<_>>())? {
            changed = true;
            for ((_, then), k) in case.when_then_expr.iter_mut().zip(&kinds) {
                **then = self.to(std::mem::take(then.as_mut()), k, &shared);
            }
            if let (Some(other), Some(k)) = (&mut case.else_expr, kinds.last()) {
                **other = self.to(std::mem::take(other.as_mut()), k, &shared);
            }
        }
        if let Some(operand) = &mut case.expr {
            let own = kind(operand)?;
            let kinds = case.when_then_expr.iter().map(|(when, _)| kind(when)).collect::<Result<Vec<_>>>()?;
            if let Some(shared) = needed(&std::iter::once(&own).chain(&kinds).collect::<Vec<_>>())? {
                changed = true;
                **operand = self.to(std::mem::take(operand.as_mut()), &own, &shared);
                for ((when, _), k) in case.when_then_expr.iter_mut().zip(&kinds) {
                    **when = self.to(std::mem::take(when.as_mut()), k, &shared);
                }
            }
        }
        Ok(if changed { Transformed::yes(Expr::Case(case)) } else { Transformed::no(Expr::Case(case)) })
    }

    fn to(&self, expr: Expr, from: &DataType, to: &DataType) -> Expr {
        if from == to {
            return expr;
        }
        if from == &DataType::Null
            && let Ok(null) = ScalarValue::try_from(to)
        {
            return lit(null);
        }
        self.cast.call(vec![expr, lit(types::name(to))])
    }
}

fn comparison(op: &ast::BinaryOperator) -> Option<Operator> {
    Some(match op {
        ast::BinaryOperator::Eq => Operator::Eq,
        ast::BinaryOperator::NotEq => Operator::NotEq,
        ast::BinaryOperator::Lt => Operator::Lt,
        ast::BinaryOperator::LtEq => Operator::LtEq,
        ast::BinaryOperator::Gt => Operator::Gt,
        ast::BinaryOperator::GtEq => Operator::GtEq,
        ast::BinaryOperator::Spaceship => Operator::IsNotDistinctFrom,
        _ => return None,
    })
}

/// Two types that are not compared.
fn differs(op: &dyn std::fmt::Display, left: &DataType, right: &DataType) -> datafusion::error::DataFusionError {
    let text = format!(
        "Cannot resolve \"{op}\" due to data type mismatch: the left and right operands of the binary operator have incompatible types \
         (\"{}\" and \"{}\").",
        types::name(left),
        types::name(right)
    );
    super::spark::fail("DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES", "42K09", &text)
}

fn compares(op: Operator) -> bool {
    matches!(
        op,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}

/// The type that all are read as, unless they are of one type already.
fn needed(kinds: &[&DataType]) -> Result<Option<DataType>> {
    let Some((first, rest)) = kinds.split_first() else { return Ok(None) };
    if rest.iter().all(|k| k == first) {
        return Ok(None);
    }
    let shared = kinds.iter().try_fold(DataType::Null, |a, b| common(&a, b));
    match shared {
        Some(DataType::Null) => Ok(None),
        Some(shared) => Ok(Some(shared)),
        None => {
            let all: Vec<_> = kinds.iter().map(|k| (*k).clone()).collect();
            Err(super::spark::function::different("=", &all))
        }
    }
}
