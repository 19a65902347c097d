//! Joins that the engine has in another form, handed one by one to planners of their own: USING and NATURAL, and
//! `LATERAL (SELECT …)` without FROM.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, Ident, Join, JoinConstraint, JoinOperator, ObjectNamePart, Query, Select, SetExpr, TableAlias,
    TableFactor, TableWithJoins, Value, VisitorMut,
};

use super::super::generators;
use super::super::lateral::COMPUTED;
use super::super::params::literal;
use super::super::pivot::ALL_ROWS;
use super::super::shared::SHARED;
use super::super::walk;

/// What a join asks for, if it is one with a condition.
fn constraint(operator: &JoinOperator) -> Option<&JoinConstraint> {
    match operator {
        JoinOperator::Join(c)
        | JoinOperator::Inner(c)
        | JoinOperator::Left(c)
        | JoinOperator::LeftOuter(c)
        | JoinOperator::Right(c)
        | JoinOperator::RightOuter(c)
        | JoinOperator::FullOuter(c)
        | JoinOperator::LeftSemi(c)
        | JoinOperator::LeftAnti(c) => Some(c),
        _ => None,
    }
}

/// Who plans a join, by the alias that stands for it.
fn planner(join: &Join) -> Option<&'static str> {
    if shares(join) {
        return Some(SHARED);
    }
    let always = |constraint: &JoinConstraint| matches!(constraint, JoinConstraint::None) || is_true(constraint);
    let all = match &join.join_operator {
        JoinOperator::CrossJoin(constraint) | JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => {
            always(constraint)
        }
        JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => {
            always(constraint) && !filters(&join.relation)
        }
        _ => false,
    };
    (all && computes(&join.relation)).then_some(COMPUTED)
}

fn filters(factor: &TableFactor) -> bool {
    let TableFactor::Derived { subquery, .. } = factor else { return false };
    matches!(subquery.body.as_ref(), SetExpr::Select(select) if select.selection.is_some())
}

fn is_true(constraint: &JoinConstraint) -> bool {
    matches!(constraint, JoinConstraint::On(Expr::Value(v)) if v.value == Value::Boolean(true))
}

/// Whether a relation is a SELECT without FROM that reads those before it.
fn computes(factor: &TableFactor) -> bool {
    let TableFactor::Derived { lateral: true, subquery, .. } = factor else { return false };
    let plain = subquery.with.is_none()
        && subquery.order_by.is_none()
        && subquery.limit_clause.is_none()
        && subquery.fetch.is_none()
        && subquery.pipe_operators.is_empty();
    let SetExpr::Select(select) = subquery.body.as_ref() else { return false };
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(list, _) if list.is_empty());
    plain
        && select.from.is_empty()
        && select.lateral_views.is_empty()
        && select.distinct.is_none()
        && !grouped
        && select.having.is_none()
        && select.qualify.is_none()
        && !select.projection.iter().any(generators::makes_rows)
}

/// Relations of a FROM. One that reads those before it is joined with them.
pub(super) fn relations(from: &mut Vec<TableWithJoins>) {
    for at in (1..from.len()).rev() {
        if !from.get(at).is_some_and(|table| computes(&table.relation)) {
            continue;
        }
        let Some(TableWithJoins { relation, joins: own }) = (at < from.len()).then(|| from.remove(at)) else {
            continue;
        };
        let before: Vec<TableWithJoins> = from.drain(..at).collect();
        let mut before = before.into_iter();
        let Some(mut first) = before.next() else { continue };
        let cross =
            |relation| Join { relation, global: false, join_operator: JoinOperator::CrossJoin(JoinConstraint::None) };
        first.joins.extend(before.map(|table| {
            cross(if table.joins.is_empty() {
                table.relation
            } else {
                TableFactor::NestedJoin { table_with_joins: Box::new(table), alias: None }
            })
        }));
        first.joins.push(cross(relation));
        first.joins.extend(own);
        from.insert(0, first);
        break;
    }
    from.iter_mut().for_each(joins);
}

fn shares(join: &Join) -> bool {
    matches!(constraint(&join.join_operator), Some(JoinConstraint::Using(_) | JoinConstraint::Natural))
}

/// `SEMI JOIN` and `ANTI JOIN` look from the left, as they do with the word. A join with a planner of its own, and all before
/// it, becomes one relation.
fn joins(table: &mut TableWithJoins) {
    for join in &mut table.joins {
        let operator = std::mem::replace(&mut join.join_operator, JoinOperator::CrossApply);
        let lateral = matches!(&join.relation, TableFactor::Derived { lateral: true, .. });
        let all = || JoinConstraint::On(literal(Value::Boolean(true)));
        join.join_operator = match operator {
            JoinOperator::Left(JoinConstraint::None) if lateral => JoinOperator::Left(all()),
            JoinOperator::LeftOuter(JoinConstraint::None) if lateral => JoinOperator::LeftOuter(all()),
            JoinOperator::Semi(constraint) => JoinOperator::LeftSemi(constraint),
            JoinOperator::Anti(constraint) => JoinOperator::LeftAnti(constraint),
            other => other,
        };
    }
    while let Some((at, name)) =
        table.joins.iter().enumerate().find_map(|(at, join)| planner(join).map(|name| (at, name)))
    {
        let rest = table.joins.split_off(at + 1);
        let mut joins = std::mem::replace(&mut table.joins, rest);
        let Some(own) = joins.pop() else { return };
        let before = table.relation.clone();
        let left = if joins.is_empty() {
            before
        } else {
            let table_with_joins = Box::new(TableWithJoins { relation: before, joins });
            TableFactor::NestedJoin { table_with_joins, alias: None }
        };
        table.relation = TableFactor::NestedJoin {
            table_with_joins: Box::new(TableWithJoins { relation: left, joins: vec![own] }),
            alias: Some(TableAlias {
                explicit: true,
                name: Ident::with_quote('`', name),
                columns: Vec::new(),
                at: None,
            }),
        };
    }
}

/// Joins in brackets, but those that were made here.
pub(super) fn nested(factor: &mut TableFactor) {
    if let TableFactor::NestedJoin { table_with_joins, alias } = factor
        && alias.as_ref().is_none_or(|alias| ![SHARED, COMPUTED, ALL_ROWS].contains(&alias.name.value.as_str()))
    {
        joins(table_with_joins);
    }
}

/// Names of shared columns are told from columns of queries around this one, which the engine would take for them: of the
/// two sides it finds no single one.
pub(super) fn qualify(select: &mut Select) {
    let [TableWithJoins { relation, joins }] = select.from.as_slice() else { return };
    let TableFactor::NestedJoin { table_with_joins, alias: Some(alias) } = relation else { return };
    if alias.name.value != SHARED || !joins.is_empty() {
        return;
    }
    let Some(Some(JoinConstraint::Using(names))) =
        table_with_joins.joins.first().map(|join| constraint(&join.join_operator))
    else {
        return;
    };
    let names = names.iter().filter_map(|name| match name.0.as_slice() {
        [ObjectNamePart::Identifier(one)] => Some(one.value.to_lowercase()),
        _ => None,
    });
    let mut qualify = Qualify { names: names.collect(), queries: 0, parameters: Vec::new() };
    let from = std::mem::take(&mut select.from);
    let _: ControlFlow<()> = walk::change(select, &mut qualify);
    select.from = from;
}

struct Qualify {
    names: BTreeSet<String>,
    /// Queries around the place that is visited.
    queries: usize,
    /// Parameters of lambdas around the place.
    parameters: Vec<String>,
}

fn parameters(expr: &Expr) -> Vec<String> {
    match expr {
        Expr::Lambda(lambda) => lambda.params.iter().map(|p| p.name.value.to_lowercase()).collect(),
        _ => Vec::new(),
    }
}

impl VisitorMut for Qualify {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        self.parameters.extend(parameters(expr));
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        self.parameters.truncate(self.parameters.len() - parameters(expr).len());
        if let Expr::Identifier(name) = expr
            && self.queries == 0
            && let own = name.value.to_lowercase()
            && self.names.contains(&own)
            && !self.parameters.contains(&own)
        {
            *expr = Expr::CompoundIdentifier(vec![Ident::with_quote('`', SHARED), Ident::with_quote('`', own)]);
        }
        ControlFlow::Continue(())
    }
}
