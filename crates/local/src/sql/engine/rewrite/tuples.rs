//! `(a, b) IN (query)`: as EXISTS, where what is not known counts as false.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Ident, Query, Select, SetExpr, Statement, TableAlias, TableAliasColumnDef, TableFactor,
    TableWithJoins,
};

use super::super::store::missing::feature;
use super::super::walk;
use super::parse;
use crate::sql::Failure;

/// Replaces the conditions of WHERE that hold together; others are refused, since there NULL is not the same as false.
pub(super) fn conditions(select: &mut Select) -> Result<(), Failure> {
    select.selection.as_mut().map_or(Ok(()), conjunct)?;
    let mut left = false;
    let mut look = |expr: &mut Expr| left |= matches!(expr, Expr::InSubquery { expr, .. } if is_tuple(expr));
    if let Some(condition) = &mut select.selection {
        walk::expressions(condition, &mut look);
    }
    walk::expressions(&mut select.projection, &mut look);
    if left { Err(feature("tuples with IN (SELECT …) but as a condition of WHERE")) } else { Ok(()) }
}

fn is_tuple(expr: &Expr) -> bool {
    matches!(expr, Expr::Tuple(members) if members.len() > 1)
}

fn conjunct(expr: &mut Expr) -> Result<(), Failure> {
    match expr {
        Expr::Nested(inner) => conjunct(inner),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => conjunct(left).and_then(|()| conjunct(right)),
        Expr::InSubquery { expr: tuple, subquery, negated: false } => match tuple.as_ref() {
            Expr::Tuple(members) if members.len() > 1 => {
                let subquery = Box::new(exists(members, subquery)?);
                *expr = Expr::Exists { subquery, negated: false };
                Ok(())
            }
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// The rows of a query that are the tuple.
fn exists(members: &[Expr], query: &Query) -> Result<Query, Failure> {
    let Statement::Query(mut outer) = parse("SELECT 1")? else { return Err(feature("this form of IN")) };
    let SetExpr::Select(select) = outer.body.as_mut() else { return Err(feature("this form of IN")) };
    let name = |at: usize| Ident::new(format!("__tuple_{at}"));
    let columns = (0..members.len()).map(|at| TableAliasColumnDef { name: name(at), data_type: None }).collect();
    let alias = TableAlias { explicit: true, name: Ident::new("__tuple"), columns, at: None };
    let relation =
        TableFactor::Derived { lateral: false, subquery: Box::new(query.clone()), alias: Some(alias), sample: None };
    select.from = vec![TableWithJoins { relation, joins: Vec::new() }];
    let same = members.iter().enumerate().map(|(at, member)| {
        let (left, right) = (Box::new(Expr::Identifier(name(at))), Box::new(member.clone()));
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right }
    });
    select.selection = same.reduce(|left, right| Expr::BinaryOp {
        left: Box::new(left),
        op: BinaryOperator::And,
        right: Box::new(right),
    });
    Ok(*outer)
}
