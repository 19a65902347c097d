//! Joins with USING and NATURAL, handed to the planner of shared columns one by one.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, Join, JoinConstraint, JoinOperator, ObjectNamePart, Query, Select, TableAlias, TableFactor,
    TableWithJoins, VisitMut as _, VisitorMut,
};

use super::super::pivot::ALL_ROWS;
use super::super::shared::SHARED;

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

fn shares(join: &Join) -> bool {
    matches!(constraint(&join.join_operator), Some(JoinConstraint::Using(_) | JoinConstraint::Natural))
}

/// `SEMI JOIN` and `ANTI JOIN` look from the left, as they do with the word. A join with shared columns, and all before it,
/// becomes one relation.
pub(super) fn joins(table: &mut TableWithJoins) {
    for join in &mut table.joins {
        let operator = std::mem::replace(&mut join.join_operator, JoinOperator::CrossApply);
        join.join_operator = match operator {
            JoinOperator::Semi(constraint) => JoinOperator::LeftSemi(constraint),
            JoinOperator::Anti(constraint) => JoinOperator::LeftAnti(constraint),
            other => other,
        };
    }
    while let Some(at) = table.joins.iter().position(shares) {
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
                name: Ident::with_quote('`', SHARED),
                columns: Vec::new(),
                at: None,
            }),
        };
    }
}

/// Joins in brackets, but those that were made here.
pub(super) fn nested(factor: &mut TableFactor) {
    if let TableFactor::NestedJoin { table_with_joins, alias } = factor
        && alias.as_ref().is_none_or(|alias| ![SHARED, ALL_ROWS].contains(&alias.name.value.as_str()))
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
    let _: ControlFlow<()> = select.visit(&mut qualify);
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
