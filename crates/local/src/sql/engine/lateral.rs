//! `LATERAL (SELECT …)` without FROM: columns that are computed from those of the relations before it.

use datafusion::common::TableReference;
use datafusion::common::tree_node::TreeNode as _;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{self, SelectItem, SetExpr, TableFactor};

use super::correlated::{is_one_row, volatile};
use super::spark::fail;

/// The alias of a nested join that is planned by [`plan`].
pub(super) const COMPUTED: &str = "__computed";

fn refused(what: &str) -> DataFusionError {
    fail(
        "UNSUPPORTED_FEATURE",
        "0A000",
        &format!("The embedded workspace does not support {what} in LATERAL (SELECT …)."),
    )
}

pub(super) fn plan(sides: ast::TableWithJoins, context: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
    let Some(TableFactor::Derived { subquery, alias, .. }) = sides.joins.into_iter().next().map(|join| join.relation)
    else {
        return Err(refused("a relation without columns"));
    };
    let SetExpr::Select(select) = *subquery.body else { return Err(refused("a set operation")) };
    if !select.from.is_empty() {
        return Err(refused("generator functions"));
    }
    let mut input = context.plan(sides.relation)?;
    let outer_is_one_row = is_one_row(&input);
    if let Some(condition) = select.selection {
        let condition = context.sql_to_expr(condition, input.schema())?;
        if condition.is_volatile() && !outer_is_one_row {
            return Err(volatile());
        }
        input = LogicalPlanBuilder::from(input).filter(condition)?.build()?;
    }
    let (table, names) = match alias {
        None => (None, Vec::new()),
        Some(alias) => {
            let names: Vec<String> = alias.columns.into_iter().map(|c| context.normalize_ident(c.name)).collect();
            (Some(TableReference::bare(context.normalize_ident(alias.name))), names)
        }
    };
    if !names.is_empty() && names.len() != select.projection.len() {
        return Err(fail(
            "ASSIGNMENT_ARITY_MISMATCH",
            "42802",
            "The number of column aliases does not match the number of columns.",
        ));
    }
    let mut all: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
    for (at, item) in select.projection.into_iter().enumerate() {
        // Every column has a name by now, but those that are columns themselves.
        let (expr, alias) = match item {
            SelectItem::UnnamedExpr(expr) => (expr, None),
            SelectItem::ExprWithAlias { expr, alias } => (expr, Some(alias)),
            _ => return Err(refused("`*`")),
        };
        let expr = context.sql_to_expr(expr, input.schema())?;
        if expr.exists(|e| Ok(matches!(e, Expr::AggregateFunction(_) | Expr::WindowFunction(_))))? {
            return Err(refused("aggregates and windows"));
        }
        if expr.is_volatile() && !outer_is_one_row {
            return Err(volatile());
        }
        let name = match (names.get(at), alias, &expr) {
            (Some(name), _, _) => name.clone(),
            (None, Some(alias), _) => context.normalize_ident(alias),
            (None, None, Expr::Column(column)) => column.name.clone(),
            (None, None, other) => other.schema_name().to_string(),
        };
        all.push(expr.alias_qualified(table.clone(), name));
    }
    LogicalPlanBuilder::from(input).project(all)?.build()
}
