//! PIVOT and UNPIVOT, planned over the columns of what they stand behind, and the joins that are rewritten for a planner.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::common::metadata::FieldMetadata;
use datafusion::common::{Column, DFSchema};
use datafusion::error::Result;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning};
use datafusion::logical_expr::{Expr, ExprFunctionExt as _, LogicalPlan, LogicalPlanBuilder, lit, when};
use datafusion::sql::sqlparser::ast::{self, ExprWithAlias, NullInclusion, PivotValueSource, TableAlias, TableFactor};

use super::lateral::COMPUTED;
use super::shared::SHARED;
use super::spark::fail;
use super::store::table::SPELLING;
use super::{lateral, shared};

/// The alias of two queries whose rows are compared one by one: `INTERSECT ALL` and `EXCEPT ALL`.
pub(super) const ALL_ROWS: &str = "__all_rows";

#[derive(Debug)]
pub(super) struct Pivots;

impl RelationPlanner for Pivots {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let (plan, alias) = match relation {
            TableFactor::Pivot { table, aggregate_functions, value_column, value_source, alias, .. } => {
                let PivotValueSource::List(values) = value_source else {
                    return Err(refused("PIVOT without a list of values"));
                };
                (pivot(*table, &aggregate_functions, value_column, values, context)?, alias)
            }
            TableFactor::Unpivot { table, value, name, columns, null_inclusion, alias } => {
                let keep = matches!(null_inclusion, Some(NullInclusion::IncludeNulls));
                (unpivot(*table, &value, &name, columns, keep, context)?, alias)
            }
            TableFactor::NestedJoin { table_with_joins, alias: Some(alias) } if alias.name.value == ALL_ROWS => {
                (with_doubles(*table_with_joins, context)?, None)
            }
            TableFactor::NestedJoin { table_with_joins, alias: Some(alias) } if alias.name.value == SHARED => {
                (shared::plan(*table_with_joins, context)?, None)
            }
            TableFactor::NestedJoin { table_with_joins, alias: Some(alias) } if alias.name.value == COMPUTED => {
                (lateral::plan(*table_with_joins, context)?, None)
            }
            other => return Ok(RelationPlanning::Original(Box::new(other))),
        };
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(aliased(plan, alias, context)?, None))))
    }
}

/// Rows with how often each was there before, so that equal rows are told apart.
fn numbered(plan: LogicalPlan) -> Result<LogicalPlan> {
    let columns: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
    let number = row_number().partition_by(columns).build()?.alias("__nth");
    LogicalPlanBuilder::from(plan).window([number.clone()])?.build()
}

fn with_doubles(sides: ast::TableWithJoins, context: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
    let Some(join) = sides.joins.into_iter().next() else { return Err(refused("a set operation on one query")) };
    let left = context.plan(sides.relation)?;
    let right = context.plan(join.relation)?;
    let width = left.schema().fields().len();
    if width != right.schema().fields().len() {
        return Err(fail(
            "NUM_COLUMNS_MISMATCH",
            "42826",
            &format!(
                "Set operations can only be performed on inputs with the same number of columns, but the first input has {width} columns \
                 and the second input has {} columns.",
                right.schema().fields().len()
            ),
        ));
    }
    let (left, right) = (numbered(left)?, numbered(right)?);
    let plan = match join.join_operator {
        ast::JoinOperator::Semi(_) => LogicalPlanBuilder::intersect(left, right, false)?,
        _ => LogicalPlanBuilder::except(left, right, false)?,
    };
    let columns = plan.schema().columns().into_iter().take(width).map(Expr::Column);
    LogicalPlanBuilder::from(plan).project(columns.collect::<Vec<_>>())?.build()
}

fn refused(what: &str) -> datafusion::error::DataFusionError {
    fail("UNSUPPORTED_FEATURE", "0A000", &format!("The embedded workspace does not support {what}."))
}

fn aliased(plan: LogicalPlan, alias: Option<TableAlias>, context: &dyn RelationPlannerContext) -> Result<LogicalPlan> {
    let Some(alias) = alias else { return Ok(plan) };
    let name = context.normalize_ident(alias.name);
    let columns = plan.schema().columns();
    let plan = if alias.columns.is_empty() {
        LogicalPlanBuilder::from(plan)
    } else {
        if alias.columns.len() != columns.len() {
            return Err(fail(
                "ASSIGNMENT_ARITY_MISMATCH",
                "42802",
                "The number of column aliases does not match the number of columns.",
            ));
        }
        let renamed = columns.into_iter().zip(alias.columns);
        let renamed = renamed.map(|(c, to)| Expr::Column(c).alias(context.normalize_ident(to.name)));
        LogicalPlanBuilder::from(plan).project(renamed.collect::<Vec<_>>())?
    };
    plan.alias(name)?.build()
}

/// An expression under a name, in lower case for the engine and as it was written for the result.
fn titled(expr: Expr, title: &str) -> Expr {
    let spelled = HashMap::from([(SPELLING.to_owned(), title.to_owned())]);
    expr.alias_with_metadata(title.to_lowercase(), Some(FieldMetadata::from(spelled)))
}

/// The parts of a bracketed list, or the one expression.
fn members(expr: ast::Expr) -> Vec<ast::Expr> {
    match expr {
        ast::Expr::Tuple(list) => list,
        ast::Expr::Nested(inner) => members(*inner),
        // Brackets around several are structures once they were rewritten: names and values in turn.
        ast::Expr::Function(f) if f.name.to_string() == "named_struct" => match f.args {
            ast::FunctionArguments::List(list) => list
                .args
                .into_iter()
                .skip(1)
                .step_by(2)
                .filter_map(|a| match a {
                    ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(e)) => Some(e),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        },
        one => vec![one],
    }
}

/// What a value is called where it makes a column.
fn shown(expr: &ast::Expr) -> String {
    match expr {
        ast::Expr::Value(v) => match &v.value {
            ast::Value::SingleQuotedString(s) => s.clone(),
            ast::Value::Null => "null".to_owned(),
            other => other.to_string(),
        },
        ast::Expr::Position { expr, .. } | ast::Expr::Cast { expr, .. } | ast::Expr::Nested(expr) => shown(expr),
        ast::Expr::Function(f) if f.name.to_string() == "cast_to" => match &f.args {
            ast::FunctionArguments::List(list) => match list.args.first() {
                Some(ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(e))) => shown(e),
                _ => f.to_string(),
            },
            _ => f.to_string(),
        },
        other => other.to_string(),
    }
}

fn pivot(
    table: TableFactor,
    aggregates: &[ExprWithAlias],
    columns: Vec<ast::Expr>,
    values: Vec<ExprWithAlias>,
    context: &mut dyn RelationPlannerContext,
) -> Result<LogicalPlan> {
    let input = context.plan(table)?;
    let schema = Arc::clone(input.schema());
    let columns: Vec<ast::Expr> = columns.into_iter().flat_map(members).collect();
    let keys = columns.into_iter().map(|c| context.sql_to_expr(c, &schema)).collect::<Result<Vec<_>>>()?;
    let mut used: BTreeSet<Column> = keys.iter().flat_map(|k| k.column_refs().into_iter().cloned()).collect();
    let mut made = Vec::new();
    for aggregate in aggregates {
        let expr = context.sql_to_expr(aggregate.expr.clone(), &schema)?;
        used.extend(expr.column_refs().into_iter().cloned());
        let name = aggregate.alias.as_ref().map_or_else(|| aggregate.expr.to_string(), |a| a.value.clone());
        made.push((expr, name));
    }
    let group: Vec<Expr> = schema.columns().into_iter().filter(|c| !used.contains(c)).map(Expr::Column).collect();
    let (mut sums, mut out): (Vec<Expr>, Vec<Expr>) = (Vec::new(), group.clone());
    for value in values {
        let parts = members(value.expr.clone());
        if parts.len() != keys.len() {
            return Err(fail(
                "PIVOT_VALUE_DATA_TYPE_MISMATCH",
                "42K09",
                "A value of PIVOT has another number of parts than its columns.",
            ));
        }
        let name = value.alias.map_or_else(|| parts.iter().map(shown).collect::<Vec<_>>().join("_"), |a| a.value);
        let same = keys
            .iter()
            .zip(parts)
            .map(|(key, part)| {
                let part = context.sql_to_expr(part, &DFSchema::empty())?;
                Ok(datafusion::logical_expr::binary_expr(
                    key.clone(),
                    datafusion::logical_expr::Operator::IsNotDistinctFrom,
                    part,
                ))
            })
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .reduce(Expr::and)
            .ok_or_else(|| refused("PIVOT without columns"))?;
        let at = sums.len();
        let rows = AggregateFunction::new_udf(
            count_udaf(),
            vec![lit(1_i64)],
            false,
            Some(Box::new(same.clone())),
            vec![],
            None,
        );
        sums.push(Expr::AggregateFunction(rows).alias(format!("__rows_{at}")));
        for (expr, aggregate) in &made {
            let Expr::AggregateFunction(mut f) = expr.clone().unalias() else {
                return Err(refused("expressions over aggregates in PIVOT"));
            };
            f.params.filter = Some(Box::new(match f.params.filter {
                Some(own) => own.and(same.clone()),
                None => same.clone(),
            }));
            let held = format!("__value_{}", sums.len());
            sums.push(Expr::AggregateFunction(f).alias(&held));
            let title = if made.len() == 1 { name.clone() } else { format!("{name}_{aggregate}") };
            let there = Expr::Column(Column::from_name(format!("__rows_{at}"))).gt(lit(0_i64));
            let case = when(there, Expr::Column(Column::from_name(held))).end()?;
            out.push(titled(case, &title));
        }
    }
    LogicalPlanBuilder::from(input).aggregate(group, sums)?.project(out)?.build()
}

fn unpivot(
    table: TableFactor,
    value: &ast::Expr,
    name: &ast::Ident,
    columns: Vec<ExprWithAlias>,
    keep: bool,
    context: &mut dyn RelationPlannerContext,
) -> Result<LogicalPlan> {
    let input = context.plan(table)?;
    let schema = Arc::clone(input.schema());
    let titles: Vec<String> = members(value.clone()).iter().map(|v| shown(v).to_lowercase()).collect();
    let name = name.value.clone();
    let mut sets = Vec::new();
    let mut used = BTreeSet::new();
    for column in columns {
        let parts = members(column.expr);
        if parts.len() != titles.len() {
            return Err(fail(
                "UNPIVOT_VALUE_SIZE_MISMATCH",
                "428C4",
                "All unpivot value columns must have the same size as there are value column names.",
            ));
        }
        let title = column.alias.map_or_else(|| parts.iter().map(shown).collect::<Vec<_>>().join("_"), |a| a.value);
        let parts = parts.into_iter().map(|p| context.sql_to_expr(p, &schema)).collect::<Result<Vec<_>>>()?;
        used.extend(parts.iter().flat_map(|p| p.column_refs().into_iter().cloned()));
        sets.push((title, parts));
    }
    let kept: Vec<Expr> = schema.columns().into_iter().filter(|c| !used.contains(c)).map(Expr::Column).collect();
    let mut all: Option<LogicalPlanBuilder> = None;
    for (title, parts) in sets {
        let made = parts.into_iter().zip(&titles).map(|(part, title)| part.alias(title));
        let projected: Vec<Expr> =
            kept.iter().cloned().chain([titled(lit(title.clone()), &name)]).chain(made).collect();
        let one = LogicalPlanBuilder::from(input.clone()).project(projected)?;
        all = Some(match all {
            None => one,
            Some(before) => before.union(one.build()?)?,
        });
    }
    let mut plan = all.ok_or_else(|| refused("UNPIVOT without columns"))?;
    if !keep {
        let nulls = titles.iter().map(|t| Expr::Column(Column::from_name(t)).is_not_null()).reduce(Expr::or);
        if let Some(some) = nulls {
            plan = plan.filter(some)?;
        }
    }
    plan.build()
}
