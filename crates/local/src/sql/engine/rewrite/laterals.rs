//! Columns of a SELECT that need another form: those that use the alias of an earlier one, and subqueries.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Ident, Query, Select,
    SelectItem, SetExpr, TableFactor, UnaryOperator, Value, Visitor, VisitorMut,
};

use super::super::functions;
use super::super::params::literal;
use super::super::walk;
use super::{Rewriter, depth, outermost, relations};
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
            SelectItem::UnnamedExpr(e) => Some(rewriter.title(e)),
            _ => None,
        };
        let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else { continue };
        let mut substitute = Substitute { known: &known, size: 0 };
        let _: ControlFlow<()> = walk::change(expr, &mut substitute);
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

/// Subqueries in columns: EXISTS as a count, IN as a search in an array, and values that can be NULL where there is no row.
pub(super) fn subqueries(rewriter: &Rewriter<'_>, select: &mut Select) {
    for item in &mut select.projection {
        let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = &*item else { continue };
        let mut value = expr.clone();
        walk::expressions(&mut value, &mut negation);
        let mut changed = false;
        let _: ControlFlow<()> = outermost::visit(&mut value, &mut |expr| {
            if let Some(value) = of_subquery(expr) {
                *expr = value;
                changed = true;
            }
            ControlFlow::Continue(())
        });
        if matches!(value, Expr::Subquery(_)) {
            value = functions::call("maybe_null", vec![value]);
            changed = true;
        }
        if !changed {
            continue;
        }
        let alias = match &*item {
            SelectItem::ExprWithAlias { alias, .. } => alias.clone(),
            _ => Ident::with_quote('`', rewriter.title(expr)),
        };
        *item = SelectItem::ExprWithAlias { expr: value, alias };
    }
}

/// `NOT value IN (query)` as `value NOT IN (query)`, which is not the opposite where it is not known.
fn negation(expr: &mut Expr) {
    if let Expr::UnaryOp { op: UnaryOperator::Not, expr: inner } = expr
        && let Expr::InSubquery { negated: negated @ false, .. } = inner.as_mut()
    {
        *negated = true;
        *expr = std::mem::replace(inner.as_mut(), literal(Value::Null));
    }
}

/// The value of EXISTS and IN, if the expression is one of them.
fn of_subquery(expr: &Expr) -> Option<Expr> {
    match expr {
        Expr::Exists { subquery, negated } => counted(subquery).map(|counted| {
            let op = if *negated { BinaryOperator::Eq } else { BinaryOperator::Gt };
            let (left, right) = (Box::new(Expr::Subquery(counted)), Box::new(number("0")));
            Expr::Nested(Box::new(Expr::BinaryOp { left, op, right }))
        }),
        Expr::InSubquery { expr, subquery, negated } if !is_tuple_or_null(expr) => gathered(subquery).map(|values| {
            let found = functions::call("in_values", vec![expr.as_ref().clone(), Expr::Subquery(values)]);
            // A column is false where it is not known whether the value is there.
            let unknown = literal(Value::Boolean(*negated));
            functions::negated(functions::call("coalesce", vec![found, unknown]), *negated)
        }),
        _ => None,
    }
}

/// What is not looked for in an array: members of tuples can be NULL on their own, and NULL itself gives NULL.
fn is_tuple_or_null(expr: &Expr) -> bool {
    match expr {
        Expr::Value(v) => matches!(v.value, Value::Null),
        other => matches!(other, Expr::Tuple(_)),
    }
}

/// The values of a query of one column, as an array.
fn gathered(query: &Query) -> Option<Box<Query>> {
    let array = |value: Expr| SelectItem::UnnamedExpr(functions::call(functions::GATHERED, vec![value]));
    if is_plain(query) {
        let mut query = Box::new(query.clone());
        if let SetExpr::Select(select) = query.body.as_mut()
            && let [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }] =
                select.projection.as_slice()
            && !has_calls(value)
        {
            select.projection = vec![array(value.clone())];
            query.order_by = None;
            return Some(query);
        }
    }
    let column = Ident::with_quote('`', "__value");
    let mut outer = relations::query("SELECT 1 FROM (SELECT 1) AS __values(__value)").ok()?;
    let SetExpr::Select(select) = outer.body.as_mut() else { return None };
    select.projection = vec![array(Expr::Identifier(column))];
    if let Some(TableFactor::Derived { subquery, .. }) = select.from.first_mut().map(|from| &mut from.relation) {
        **subquery = query.clone();
    }
    Some(outer)
}

/// Whether a value has calls, of which one may be an aggregate.
fn has_calls(value: &Expr) -> bool {
    struct Calls;
    impl Visitor for Calls {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            if matches!(expr, Expr::Function(_)) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    }
    walk::read(value, &mut Calls).is_break()
}

/// Whether rows of a query are those of its tables that fit its conditions.
fn is_plain(query: &Query) -> bool {
    let plain = query.with.is_none()
        && query.limit_clause.is_none()
        && query.fetch.is_none()
        && query.pipe_operators.is_empty();
    let SetExpr::Select(select) = query.body.as_ref() else { return false };
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(list, _) if list.is_empty());
    plain && !grouped && select.having.is_none() && select.distinct.is_none() && select.qualify.is_none()
}

fn number(text: &str) -> Expr {
    literal(Value::Number(text.to_owned(), false))
}

/// The number of rows of a plain query.
fn counted(query: &Query) -> Option<Box<Query>> {
    if !is_plain(query) {
        return None;
    }
    let mut query = Box::new(query.clone());
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    // An aggregate without groups has one row, whatever is below it.
    if select.projection.iter().any(|item| match item {
        SelectItem::UnnamedExpr(e) | SelectItem::ExprWithAlias { expr: e, .. } => has_calls(e),
        _ => false,
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
