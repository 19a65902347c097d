//! Columns of a SELECT that need another form: those that use the alias of an earlier one, and subqueries.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Ident, Query, Select,
    SelectItem, SetExpr, Value, VisitMut as _, VisitorMut,
};

use super::super::functions;
use super::super::params::literal;
use super::{Rewriter, depth};
use crate::sql::Failure;

/// Expressions of one SELECT, once aliases are replaced.
const SIZE: usize = 20_000;

/// Puts the expressions of earlier aliases in place of their names.
pub(super) fn put(rewriter: &Rewriter<'_>, select: &mut Select) -> Result<(), Failure> {
    if rewriter.laterals.is_empty() {
        return Ok(());
    }
    let mut known: BTreeMap<String, (Expr, usize)> = BTreeMap::new();
    let mut total = 0;
    for item in &mut select.projection {
        let name = match item {
            SelectItem::UnnamedExpr(e) => Some(rewriter.name(e)),
            _ => None,
        };
        let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else { continue };
        let mut substitute = Substitute { known: &known, size: 0 };
        let _: ControlFlow<()> = expr.visit(&mut substitute);
        let size = substitute.size;
        total += size;
        if total > SIZE {
            return Err(depth::too_complex("expressions, with those of aliases in place of their names", SIZE));
        }
        if let SelectItem::ExprWithAlias { expr, alias } = item {
            let key = alias.value.to_lowercase();
            if rewriter.laterals.contains(&key) {
                known.insert(key, (Expr::Nested(Box::new(expr.clone())), size));
            }
        } else if let SelectItem::UnnamedExpr(expr) = item
            && let Some(name) = name
        {
            *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias: Ident::with_quote('`', name) };
        }
    }
    Ok(())
}

/// Puts expressions in, and counts those that there are then.
struct Substitute<'a> {
    known: &'a BTreeMap<String, (Expr, usize)>,
    size: usize,
}

impl VisitorMut for Substitute<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        self.size += 1;
        if let Expr::Identifier(ident) = expr
            && let Some((value, size)) = self.known.get(&ident.value.to_lowercase())
        {
            self.size = self.size.saturating_add(*size);
            // What is too large is refused afterwards, and is not put in before.
            if self.size <= SIZE {
                *expr = value.clone();
            }
        }
        ControlFlow::Continue(())
    }
}

/// Subqueries as columns: EXISTS as a count, and values that can be NULL where there is no row.
pub(super) fn subqueries(select: &mut Select) {
    for item in &mut select.projection {
        let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = &*item else { continue };
        let value = match expr {
            Expr::Exists { subquery, negated } => counted(subquery).map(|counted| {
                let op = if *negated { BinaryOperator::Eq } else { BinaryOperator::Gt };
                let (left, right) = (Box::new(Expr::Subquery(counted)), Box::new(number("0")));
                Expr::BinaryOp { left, op, right }
            }),
            Expr::Subquery(_) => Some(functions::call("maybe_null", vec![expr.clone()])),
            _ => None,
        };
        let Some(value) = value else { continue };
        let alias = match &*item {
            SelectItem::ExprWithAlias { alias, .. } => alias.clone(),
            _ if matches!(expr, Expr::Exists { .. }) => Ident::with_quote('`', "exists()"),
            _ => Ident::with_quote('`', "scalarsubquery()"),
        };
        *item = SelectItem::ExprWithAlias { expr: value, alias };
    }
}

fn number(text: &str) -> Expr {
    literal(Value::Number(text.to_owned(), false))
}

/// The number of rows of a plain query.
fn counted(query: &Query) -> Option<Box<Query>> {
    let mut query = Box::new(query.clone());
    let plain = query.with.is_none() && query.limit_clause.is_none() && query.fetch.is_none();
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(list, _) if list.is_empty());
    if !plain || grouped || select.having.is_some() || select.distinct.is_some() || select.qualify.is_some() {
        return None;
    }
    // An aggregate without groups has one row, whatever is below it.
    if select.projection.iter().any(|i| {
        matches!(
            i,
            SelectItem::UnnamedExpr(Expr::Function(_)) | SelectItem::ExprWithAlias { expr: Expr::Function(_), .. }
        )
    }) {
        return None;
    }
    let mut count = functions::call("count", Vec::new());
    if let Expr::Function(Function { args: FunctionArguments::List(list), .. }) = &mut count {
        list.args.push(FunctionArg::Unnamed(FunctionArgExpr::Wildcard));
    }
    select.projection = vec![SelectItem::UnnamedExpr(count)];
    query.order_by = None;
    Some(query)
}
