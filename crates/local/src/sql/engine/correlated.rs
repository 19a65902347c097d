//! Subqueries that read the relations around them, as joins: those behind LATERAL, and values of a row that the engine has no
//! join for.
//!
//! A subquery that reads columns of an outer relation is computed once for all values that these columns have: the values,
//! each once, are a relation of their own (the domain), which is joined in where the subquery reads its tables and carried
//! along to its result. Groups, windows and limits are then those of each value. At the end the outer relation, which must be
//! the same as where the values were taken from ([`once`]), is joined with the result by the values. This is how Neumann and Kemper unnest queries ("Unnesting Arbitrary Queries", BTW 2015).

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Column, JoinType};
use datafusion::error::{DataFusionError, Result};
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{
    Aggregate, Distinct, Expr, ExprFunctionExt as _, FetchType, Filter, Join, Limit, LogicalPlan, LogicalPlanBuilder,
    Operator, Projection, Sort, SortExpr, Subquery, SubqueryAlias, Union, Unnest, Window, binary_expr, lit,
};
use datafusion::optimizer::AnalyzerRule;

use super::once::{is_volatile, once};
use super::spark::aggregates::single;
use super::spark::fail;
use super::store::missing::feature;

/// What no column of a statement begins with.
const OWN: &str = "__outer";

#[derive(Debug)]
pub(super) struct Correlated;

impl AnalyzerRule for Correlated {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let mut number = 0;
        let joined = plan.transform_up_with_subqueries(|node| match node {
            LogicalPlan::Join(join) => unnested(join, &mut number),
            LogicalPlan::Projection(_) | LogicalPlan::Filter(_) | LogicalPlan::Aggregate(_) => {
                values(node, &mut number)
            }
            other => Ok(Transformed::no(other)),
        });
        Ok(joined?.data)
    }

    fn name(&self) -> &str {
        "correlated_subqueries"
    }
}

fn refused(what: &str) -> DataFusionError {
    super::errors::carried(feature(&format!("{what} in a subquery that reads the relations around it")))
}

/// What Spark says of a LATERAL subquery that gives other values each time.
pub(super) fn volatile() -> DataFusionError {
    fail(
        "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.NON_DETERMINISTIC_LATERAL_SUBQUERIES",
        "0A000",
        "Unsupported subquery expression: Non-deterministic lateral subqueries are not supported when joining with outer \
         relations that produce more than one row.",
    )
}

/// Whether a relation is seen to have no more than one row.
pub(super) fn is_one_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(Projection { input, .. }) => is_one_row(input),
        LogicalPlan::Filter(Filter { input, .. }) => is_one_row(input),
        LogicalPlan::SubqueryAlias(alias) => is_one_row(&alias.input),
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::Values(values) => values.values.len() == 1,
        LogicalPlan::Limit(limit) => matches!(limit.get_fetch_type(), Ok(FetchType::Literal(Some(0 | 1)))),
        LogicalPlan::EmptyRelation(_) => true,
        _ => false,
    }
}

/// The subquery on the right side of a join, and the aliases around it, the outermost first.
fn lateral(plan: &LogicalPlan) -> Option<(&Subquery, Vec<&SubqueryAlias>)> {
    match plan {
        LogicalPlan::Subquery(subquery) => Some((subquery, Vec::new())),
        LogicalPlan::SubqueryAlias(alias) => {
            let (subquery, mut aliases) = lateral(&alias.input)?;
            aliases.insert(0, alias);
            Some((subquery, aliases))
        }
        _ => None,
    }
}

/// A lateral join as one that is none, if its right side reads the left one.
fn unnested(join: Join, number: &mut usize) -> Result<Transformed<LogicalPlan>> {
    let Some((subquery, aliases)) = lateral(&join.right) else { return Ok(Transformed::no(LogicalPlan::Join(join))) };
    if is_volatile(&subquery.subquery)? && !is_one_row(&join.left) {
        return Err(volatile());
    }
    let outer = outer_columns(&subquery.subquery)?;
    if outer.is_empty() {
        return Ok(Transformed::no(LogicalPlan::Join(join)));
    }
    if !matches!(join.join_type, JoinType::Inner | JoinType::Left) {
        return Err(refused(&format!("a {} join", join.join_type)));
    }
    let left = once(join.left.as_ref().clone())?;
    let mut domain = Domain::of(&left, outer, number)?;
    let (mut right, mut carried) = domain.push(subquery.subquery.as_ref().clone())?;
    for alias in aliases.into_iter().rev() {
        (right, carried) = renamed(right, &carried, alias)?;
    }
    let same = domain.outer.iter().zip(&carried).map(|(own, value)| equal(own, value));
    let conditions: Vec<Expr> = join
        .on
        .iter()
        .map(|(left, right)| left.clone().eq(right.clone()))
        .chain(join.filter.clone())
        .chain(same)
        .collect();
    let columns: Vec<Expr> = join.schema.columns().into_iter().map(Expr::Column).collect();
    let plan = LogicalPlanBuilder::from(left).join_on(right, join.join_type, conditions)?.project(columns)?.build()?;
    Ok(Transformed::yes(plan))
}

/// A node with the values of its subqueries as columns of its input, where the engine cannot compute them or where it would
/// give NULL for the aggregate of no rows.
fn values(node: LogicalPlan, number: &mut usize) -> Result<Transformed<LogicalPlan>> {
    let mut found: Vec<Subquery> = Vec::new();
    let grouped = matches!(node, LogicalPlan::Aggregate(_));
    node.apply_expressions(|expr| {
        expr.apply(|expr| {
            if let Expr::ScalarSubquery(subquery) = expr
                && (grouped || !is_plain(&subquery.subquery))
                && !found.contains(subquery)
                && !outer_columns(&subquery.subquery)?.is_empty()
            {
                found.push(subquery.clone());
            }
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    let [input] = node.inputs()[..] else { return Ok(Transformed::no(node)) };
    if found.is_empty() {
        return Ok(Transformed::no(node));
    }
    let own = input.schema().columns();
    let input = once(input.clone())?;
    let mut plan = input.clone();
    let mut put: Vec<(Subquery, Column)> = Vec::new();
    for subquery in found {
        let outer = outer_columns(&subquery.subquery)?;
        let mut domain = Domain::of(&input, outer, number)?;
        let (right, carried) = domain.push(subquery.subquery.as_ref().clone())?;
        *domain.number += 1;
        let name = format!("{OWN}_value_{}", domain.number);
        let value = right.schema().columns().into_iter().find(|c| !carried.contains(c));
        let (Some(value), Some(single)) = (value, single()) else { return Err(refused("no column")) };
        // A row for each value of the outer columns, or an error.
        let one = single.call(vec![Expr::Column(value)]).alias(&name);
        let right = LogicalPlanBuilder::from(right).aggregate(columns(&carried).collect::<Vec<_>>(), [one])?.build()?;
        let same: Vec<Expr> = domain.outer.iter().zip(&carried).map(|(own, value)| equal(own, value)).collect();
        plan = LogicalPlanBuilder::from(plan).join_on(right, JoinType::Left, same)?.build()?;
        put.push((subquery, Column::from_name(name)));
    }
    let old = node.schema().columns();
    let expressions = node.expressions().into_iter().map(|expr| {
        let replaced = expr.transform_up(|expr| {
            let Expr::ScalarSubquery(subquery) = &expr else { return Ok(Transformed::no(expr)) };
            let column = put.iter().find(|(known, _)| known == subquery).map(|(_, column)| column.clone());
            Ok(column.map_or_else(|| Transformed::no(expr), |column| Transformed::yes(Expr::Column(column))))
        });
        Ok(replaced?.data)
    });
    let expressions: Vec<Expr> = expressions.collect::<Result<_>>()?;
    let builder = LogicalPlanBuilder::from(plan);
    let plan = match node {
        LogicalPlan::Projection(_) => builder.project(named(expressions, &old))?,
        LogicalPlan::Filter(_) => {
            let all = own.into_iter().map(Expr::Column);
            expressions.into_iter().try_fold(builder, LogicalPlanBuilder::filter)?.project(all)?
        }
        LogicalPlan::Aggregate(aggregate) => {
            let (groups, functions) = expressions.split_at(aggregate.group_expr.len());
            let plan = builder.aggregate(groups.to_vec(), functions.to_vec())?.build()?;
            let made = plan.schema().columns().into_iter().map(Expr::Column).collect();
            LogicalPlanBuilder::from(plan).project(named(made, &old))?
        }
        _ => return Err(refused("a value")),
    };
    Ok(Transformed::yes(plan.build()?))
}

/// Expressions under the names that later ones know them by.
fn named(expressions: Vec<Expr>, old: &[Column]) -> Vec<Expr> {
    let named = expressions.into_iter().zip(old).map(|(expr, old)| {
        let (relation, name) = expr.qualified_name();
        if relation == old.relation && name == old.name {
            expr
        } else {
            expr.alias_qualified(old.relation.clone(), &old.name)
        }
    });
    named.collect()
}

/// Aggregate functions that give NULL for no rows, or whose value for none the engine knows.
const PLAIN: [&str; 12] = [
    "count",
    "sum",
    "avg",
    "mean",
    "min",
    "max",
    "stddev",
    "stddev_pop",
    "variance",
    "var_pop",
    "any_value",
    "bool_or",
];

/// Whether a subquery is an aggregate of plain functions over plain relations, which the engine joins itself.
fn is_plain(plan: &LogicalPlan) -> bool {
    let mut aggregates = 0;
    let mut plain = true;
    let _ = plan.apply(|node| {
        match node {
            LogicalPlan::Aggregate(aggregate) => {
                aggregates += 1;
                let known = |expr: &Expr| match expr.clone().unalias() {
                    Expr::AggregateFunction(f) => PLAIN.contains(&f.func.name()),
                    _ => false,
                };
                plain &= aggregate.group_expr.is_empty() && aggregate.aggr_expr.iter().all(known);
            }
            LogicalPlan::Projection(_)
            | LogicalPlan::Filter(_)
            | LogicalPlan::SubqueryAlias(_)
            | LogicalPlan::Join(_)
            | LogicalPlan::TableScan(_) => {}
            _ => plain = false,
        }
        Ok(TreeNodeRecursion::Continue)
    });
    plain && aggregates == 1
}

fn equal(left: &Column, right: &Column) -> Expr {
    binary_expr(Expr::Column(left.clone()), Operator::IsNotDistinctFrom, Expr::Column(right.clone()))
}

/// The columns of relations outside that a subquery reads, each once.
fn outer_columns(plan: &LogicalPlan) -> Result<Vec<Column>> {
    let mut all: Vec<Column> = Vec::new();
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::OuterReferenceColumn(_, column) = expr
                    && !all.contains(column)
                {
                    all.push(column.clone());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    // Subqueries inside of this one have outer columns that are columns of it.
    let mut own = Vec::new();
    plan.apply(|node| {
        own.extend(node.inputs().into_iter().flat_map(|input| input.schema().columns()));
        Ok(TreeNodeRecursion::Continue)
    })?;
    let direct = |column: &Column| {
        let mut found = false;
        let _ = plan.apply(|node| {
            found |=
                node.all_out_ref_exprs().iter().any(|e| matches!(e, Expr::OuterReferenceColumn(_, c) if c == column));
            Ok(TreeNodeRecursion::Continue)
        });
        found
    };
    all.retain(|column| direct(column) || !own.contains(column));
    Ok(all)
}

fn renamed(plan: LogicalPlan, carried: &[Column], alias: &SubqueryAlias) -> Result<(LogicalPlan, Vec<Column>)> {
    let plan = LogicalPlanBuilder::from(plan).alias(alias.alias.clone())?.build()?;
    let carried = carried.iter().map(|c| Column::new(Some(alias.alias.clone()), &c.name)).collect();
    Ok((plan, carried))
}

/// The values of the outer columns.
struct Domain<'a> {
    values: LogicalPlan,
    outer: Vec<Column>,
    /// How many names were made.
    number: &'a mut usize,
}

impl<'a> Domain<'a> {
    fn of(relation: &LogicalPlan, outer: Vec<Column>, number: &'a mut usize) -> Result<Self> {
        if !outer.iter().all(|column| relation.schema().has_column(column)) {
            return Err(refused("a column of a query further out"));
        }
        let columns = outer.iter().cloned().map(Expr::Column);
        let values = LogicalPlanBuilder::from(relation.clone()).project(columns)?.distinct()?.build()?;
        Ok(Self { values, outer, number })
    }

    /// The relation of the values, under names of its own at each use.
    fn relation(&mut self) -> Result<(LogicalPlan, Vec<Column>)> {
        *self.number += 1;
        let names: Vec<Column> =
            (0..self.outer.len()).map(|i| Column::from_name(format!("{OWN}_{}_{i}", self.number))).collect();
        let columns = self.outer.iter().zip(&names).map(|(c, n)| Expr::Column(c.clone()).alias(&n.name));
        Ok((LogicalPlanBuilder::from(self.values.clone()).project(columns)?.build()?, names))
    }

    fn reads(&self, plan: &LogicalPlan) -> Result<bool> {
        Ok(outer_columns(plan)?.iter().any(|c| self.outer.contains(c)))
    }

    /// An expression with the carried values in place of the outer columns.
    fn own(&self, expr: Expr, carried: &[Column]) -> Result<Expr> {
        let put = expr.transform_up(|expr| {
            if let Expr::ScalarSubquery(inner) = &expr
                && self.reads(&inner.subquery)?
            {
                return Err(refused("a subquery"));
            }
            if let Expr::Exists(inner) = &expr
                && self.reads(&inner.subquery.subquery)?
            {
                return Err(refused("EXISTS"));
            }
            if let Expr::InSubquery(inner) = &expr
                && self.reads(&inner.subquery.subquery)?
            {
                return Err(refused("IN with a subquery"));
            }
            let Expr::OuterReferenceColumn(_, column) = &expr else { return Ok(Transformed::no(expr)) };
            let place = self.outer.iter().position(|outer| outer == column);
            let value =
                place.and_then(|place| carried.get(place)).ok_or_else(|| refused("a column from further out"))?;
            Ok(Transformed::yes(Expr::Column(value.clone())))
        });
        Ok(put?.data)
    }

    fn all(&self, list: Vec<Expr>, carried: &[Column]) -> Result<Vec<Expr>> {
        list.into_iter().map(|expr| self.own(expr, carried)).collect()
    }

    /// The plan for all values at once, and the columns that carry the value of a row.
    fn push(&mut self, plan: LogicalPlan) -> Result<(LogicalPlan, Vec<Column>)> {
        if !self.reads(&plan)? {
            let (values, names) = self.relation()?;
            return Ok((LogicalPlanBuilder::from(plan).cross_join(values)?.build()?, names));
        }
        Ok(match plan {
            LogicalPlan::Projection(Projection { expr, input, schema, .. }) => {
                let (input, carried) = self.push(Arc::unwrap_or_clone(input))?;
                let own = named(self.all(expr, &carried)?, &schema.columns());
                let all: Vec<Expr> = own.into_iter().chain(columns(&carried)).collect();
                (LogicalPlanBuilder::from(input).project(all)?.build()?, carried)
            }
            LogicalPlan::Filter(Filter { predicate, input, .. }) => {
                let (input, carried) = self.push(Arc::unwrap_or_clone(input))?;
                let predicate = self.own(predicate, &carried)?;
                (LogicalPlanBuilder::from(input).filter(predicate)?.build()?, carried)
            }
            LogicalPlan::SubqueryAlias(alias) => {
                let (input, carried) = self.push(alias.input.as_ref().clone())?;
                renamed(input, &carried, &alias)?
            }
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let (input, carried) = self.push(Arc::unwrap_or_clone(input))?;
                (LogicalPlanBuilder::from(input).distinct()?.build()?, carried)
            }
            LogicalPlan::Sort(Sort { expr, input, fetch: None }) => {
                let (input, carried) = self.push(Arc::unwrap_or_clone(input))?;
                let order = self.order(expr, &carried)?;
                (LogicalPlanBuilder::from(input).sort(order)?.build()?, carried)
            }
            LogicalPlan::Limit(limit) => self.limit(limit)?,
            LogicalPlan::Window(Window { window_expr, input, .. }) => {
                let (input, carried) = self.push(Arc::unwrap_or_clone(input))?;
                self.windows(window_expr, input, carried)?
            }
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate)?,
            LogicalPlan::Join(join) => self.join(join)?,
            LogicalPlan::Union(union) => {
                let mut first = None;
                let mut inputs = Vec::new();
                for input in union.inputs {
                    let (input, carried) = self.push(Arc::unwrap_or_clone(input))?;
                    // The values come last in each, whatever is before them.
                    let own = input.schema().columns().into_iter().filter(|c| !carried.contains(c));
                    let all: Vec<Expr> = own.map(Expr::Column).chain(columns(&carried)).collect();
                    inputs.push(Arc::new(LogicalPlanBuilder::from(input).project(all)?.build()?));
                    first.get_or_insert(carried);
                }
                (LogicalPlan::Union(Union::try_new_with_loose_types(inputs)?), first.unwrap_or_default())
            }
            LogicalPlan::Unnest(Unnest { input, exec_columns, options, .. }) => {
                let (input, carried) = self.push(Arc::unwrap_or_clone(input))?;
                let plan = LogicalPlanBuilder::from(input).unnest_columns_with_options(exec_columns, options)?;
                (plan.build()?, carried)
            }
            other => return Err(refused(&format!("{}", other.display()))),
        })
    }

    fn order(&self, order: Vec<SortExpr>, carried: &[Column]) -> Result<Vec<SortExpr>> {
        order.into_iter().map(|sort| Ok(SortExpr { expr: self.own(sort.expr, carried)?, ..sort })).collect()
    }

    /// The rows of each value are numbered.
    fn limit(&mut self, limit: Limit) -> Result<(LogicalPlan, Vec<Column>)> {
        if let LogicalPlan::Projection(Projection { expr, input, schema, .. }) = limit.input.as_ref() {
            // The order is that below, where columns are that it alone needs.
            let below = LogicalPlan::Limit(Limit { input: Arc::clone(input), ..limit.clone() });
            return self.push(LogicalPlan::Projection(Projection::try_new_with_schema(
                expr.clone(),
                Arc::new(below),
                Arc::clone(schema),
            )?));
        }
        let (order, input) = match Arc::unwrap_or_clone(limit.input) {
            LogicalPlan::Sort(Sort { expr, input, fetch: None }) => (expr, Arc::unwrap_or_clone(input)),
            input => (Vec::new(), input),
        };
        let (input, carried) = self.push(input)?;
        let order = self.order(order, &carried)?;
        let outside: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
        *self.number += 1;
        let place = format!("{OWN}_place_{}", self.number);
        let mut number = row_number().partition_by(columns(&carried).collect());
        if !order.is_empty() {
            number = number.order_by(order);
        }
        let number = number.build()?;
        let name = number.schema_name().to_string();
        let numbered = LogicalPlanBuilder::from(input).window([number])?;
        let all = outside.iter().cloned().chain([Expr::Column(Column::from_name(name)).alias(&place)]);
        let mut plan = numbered.project(all.collect::<Vec<_>>())?;
        let place = || Expr::Column(Column::from_name(&place));
        let skip = limit.skip.map_or_else(|| lit(0_i64), |skip| *skip);
        plan = plan.filter(place().gt(skip.clone()))?;
        if let Some(fetch) = limit.fetch {
            plan = plan.filter(place().lt_eq(skip + *fetch))?;
        }
        Ok((plan.project(outside)?.build()?, carried))
    }

    /// The rows of each value are a partition.
    fn windows(
        &self,
        windows: Vec<Expr>,
        input: LogicalPlan,
        carried: Vec<Column>,
    ) -> Result<(LogicalPlan, Vec<Column>)> {
        let mut all: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
        let mut made = Vec::new();
        for expr in windows {
            let name = expr.schema_name().to_string();
            let Expr::WindowFunction(mut window) = self.own(expr.unalias(), &carried)? else {
                return Err(refused("a window that is no function"));
            };
            window.params.partition_by.extend(columns(&carried));
            let window = Expr::WindowFunction(window);
            all.push(Expr::Column(Column::from_name(window.schema_name().to_string())).alias(name));
            made.push(window);
        }
        Ok((LogicalPlanBuilder::from(input).window(made)?.project(all)?.build()?, carried))
    }

    /// Groups of each value. Without GROUP BY there is a row for each value, those included that no row has.
    fn aggregate(&mut self, aggregate: Aggregate) -> Result<(LogicalPlan, Vec<Column>)> {
        let names: Vec<Column> = aggregate.schema.columns();
        let (mut input, mut carried) = self.push(Arc::unwrap_or_clone(aggregate.input))?;
        let groups = self.all(aggregate.group_expr, &carried)?;
        let mut functions = self.all(aggregate.aggr_expr, &carried)?;
        if groups.iter().any(|expr| matches!(expr, Expr::GroupingSet(_))) {
            return Err(refused("GROUPING SETS, ROLLUP or CUBE"));
        }
        if groups.is_empty() {
            let (values, own) = self.relation()?;
            let there = format!("{OWN}_there_{}", self.number);
            let marked = input.schema().columns().into_iter().map(Expr::Column).chain([lit(true).alias(&there)]);
            let marked = LogicalPlanBuilder::from(input).project(marked.collect::<Vec<_>>())?.build()?;
            let same = own.iter().zip(&carried).map(|(a, b)| equal(a, b)).collect::<Vec<_>>();
            input = LogicalPlanBuilder::from(values).join_on(marked, JoinType::Left, same)?.build()?;
            carried = own;
            let there = Expr::Column(Column::from_name(there)).is_not_null();
            functions = functions.into_iter().map(|expr| only_where(expr, &there)).collect::<Result<_>>()?;
        }
        let keyed: Vec<Expr> = groups.iter().cloned().chain(columns(&carried)).collect();
        let plan = LogicalPlanBuilder::from(input).aggregate(keyed, functions)?.build()?;
        // Later expressions know the columns by the names that they had.
        let made = plan.schema().columns();
        let (grouped, computed) = made.split_at(groups.len());
        let computed = &computed[carried.len()..];
        let old = grouped.iter().chain(computed).zip(names).map(|(new, old)| {
            let own = Expr::Column(new.clone());
            if new == &old { own } else { own.alias_qualified(old.relation, old.name) }
        });
        let all: Vec<Expr> = old.chain(columns(&carried)).collect();
        Ok((LogicalPlanBuilder::from(plan).project(all)?.build()?, carried))
    }

    fn join(&mut self, join: Join) -> Result<(LogicalPlan, Vec<Column>)> {
        if !matches!(join.join_type, JoinType::Inner | JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti) {
            return Err(refused(&format!("a {} join", join.join_type)));
        }
        let (left, carried) = self.push(Arc::unwrap_or_clone(join.left))?;
        let mut conditions: Vec<Expr> = join
            .on
            .into_iter()
            .map(|(l, r)| Ok(self.own(l, &carried)?.eq(self.own(r, &carried)?)))
            .collect::<Result<_>>()?;
        if let Some(filter) = join.filter {
            conditions.push(self.own(filter, &carried)?);
        }
        let mut right = Arc::unwrap_or_clone(join.right);
        if self.reads(&right)? {
            let (pushed, also) = self.push(right)?;
            right = pushed;
            conditions.extend(carried.iter().zip(&also).map(|(a, b)| equal(a, b)));
        }
        Ok((LogicalPlanBuilder::from(left).join_on(right, join.join_type, conditions)?.build()?, carried))
    }
}

fn columns(carried: &[Column]) -> impl Iterator<Item = Expr> + '_ {
    carried.iter().cloned().map(Expr::Column)
}

/// An aggregate function that sees only rows for which a condition holds.
fn only_where(expr: Expr, condition: &Expr) -> Result<Expr> {
    let Expr::AggregateFunction(AggregateFunction { func, mut params }) = expr.unalias() else {
        return Err(refused("an aggregate that is no function"));
    };
    let filter = match params.filter.take() {
        Some(own) => condition.clone().and(*own),
        None => condition.clone(),
    };
    params.filter = Some(Box::new(filter));
    Ok(Expr::AggregateFunction(AggregateFunction { func, params }))
}
