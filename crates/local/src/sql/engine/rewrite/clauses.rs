//! Clauses that the engine has in another form: pipes, names of common table expressions, groupings, sets with their doubles.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AssignmentTarget, ExceptSelectItem, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr,
    GroupByWithModifier, Ident, Join, JoinConstraint, JoinOperator, ObjectName, OrderByKind, PipeOperator, Query,
    ReplaceSelectElement, ReplaceSelectItem, Select, SelectItem, SetExpr, SetOperator, SetQuantifier, TableAlias,
    TableFactor, TableWithJoins, Value, Visitor, VisitorMut, WildcardAdditionalOptions, WindowType,
};

use super::super::pivot::ALL_ROWS;
use super::super::store::missing::feature as unsupported;
use super::super::walk;
use super::{outermost, relations};
use crate::sql::Failure;

fn lower(ident: &Ident) -> Ident {
    Ident::with_quote('`', ident.value.to_lowercase())
}

/// `SELECT * FROM (query)`, whose parts take the place of those that are written here.
fn around(query: Query) -> Result<Box<Query>, Failure> {
    let mut outer = relations::query("SELECT * FROM (SELECT 1) AS __piped")?;
    if let SetExpr::Select(select) = outer.body.as_mut()
        && let Some(TableFactor::Derived { subquery, .. }) = select.from.first_mut().map(|from| &mut from.relation)
    {
        **subquery = query;
    }
    Ok(outer)
}

/// `|> DROP` and `|> SET`, which the engine lacks, as a SELECT of what is left.
/// `ORDER BY 1` by the name of a column that is a part of a value the rows are grouped by: the engine would look for the part
/// among the groups.
pub(super) fn ordinals(query: &mut Query) {
    let (SetExpr::Select(select), Some(order)) = (query.body.as_mut(), &mut query.order_by) else { return };
    if matches!(&select.group_by, GroupByExpr::Expressions(list, _) if list.is_empty()) {
        return;
    }
    let OrderByKind::Expressions(list) = &mut order.kind else { return };
    for part in list {
        let Expr::Value(value) = &part.expr else { continue };
        let Value::Number(number, _) = &value.value else { continue };
        let place = number.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
        let Some(item) = place.and_then(|at| select.projection.get(at)) else { continue };
        let SelectItem::UnnamedExpr(expr @ Expr::CompoundIdentifier(parts)) = item else { continue };
        let Some(name) = parts.last().cloned() else { continue };
        let same = |item: &&SelectItem| match item {
            SelectItem::UnnamedExpr(Expr::Identifier(ident)) | SelectItem::ExprWithAlias { alias: ident, .. } => {
                ident.value.eq_ignore_ascii_case(&name.value)
            }
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => {
                parts.last().is_some_and(|other| other.value.eq_ignore_ascii_case(&name.value))
            }
            _ => false,
        };
        if select.projection.iter().filter(same).count() == 1
            && let Some(at) = place
        {
            part.expr = Expr::Identifier(name.clone());
            let named = SelectItem::ExprWithAlias { expr: expr.clone(), alias: name };
            select.projection[at] = named;
        }
    }
}

pub(super) fn pipes(query: &mut Query) -> Result<(), Failure> {
    let lacks = |op: &PipeOperator| matches!(op, PipeOperator::Drop { .. } | PipeOperator::Set { .. });
    while let Some(at) = query.pipe_operators.iter().position(lacks) {
        let mut inner = query.clone();
        let with = inner.with.take();
        let mut rest = inner.pipe_operators.split_off(at);
        let mut options = vec![];
        match rest.remove(0) {
            PipeOperator::Drop { columns } => {
                let mut columns = columns.iter().map(lower);
                let Some(first_element) = columns.next() else { return Err(unsupported("DROP without columns")) };
                options.push(WildcardAdditionalOptions {
                    opt_except: Some(ExceptSelectItem { first_element, additional_elements: columns.collect() }),
                    ..WildcardAdditionalOptions::default()
                });
            }
            // Each assignment reads what those before it have set.
            PipeOperator::Set { assignments } => {
                for assignment in assignments {
                    let AssignmentTarget::ColumnName(name) = &assignment.target else {
                        return Err(unsupported("SET of several columns at once"));
                    };
                    let [column] = name.0.as_slice() else { return Err(unsupported("SET of members of a column")) };
                    let Some(column) = column.as_ident() else { return Err(unsupported("SET of this column")) };
                    let item =
                        ReplaceSelectElement { expr: assignment.value, column_name: lower(column), as_keyword: true };
                    options.push(WildcardAdditionalOptions {
                        opt_replace: Some(ReplaceSelectItem { items: vec![Box::new(item)] }),
                        ..WildcardAdditionalOptions::default()
                    });
                }
            }
            _ => return Err(unsupported("this pipe operator")),
        }
        let mut out = inner;
        for option in options {
            let mut outer = around(out)?;
            if let SetExpr::Select(select) = outer.body.as_mut() {
                select.projection = vec![SelectItem::Wildcard(option)];
            }
            out = *outer;
        }
        out.with = with;
        out.pipe_operators = rest;
        *query = out;
    }
    Ok(())
}

/// `INTERSECT ALL` and `EXCEPT ALL` as a relation that the planner of relations counts rows for; `MINUS` is another
/// word for `EXCEPT`.
pub(super) fn set_operations(body: &mut SetExpr) -> Result<(), Failure> {
    let mut work = vec![body];
    while let Some(body) = work.pop() {
        if let SetExpr::SetOperation { op, set_quantifier, .. } = body
            && *op != SetOperator::Union
            && *set_quantifier == SetQuantifier::All
        {
            *body = with_doubles(body)?;
            continue;
        }
        if let SetExpr::SetOperation { op, left, right, .. } = body {
            if *op == SetOperator::Minus {
                *op = SetOperator::Except;
            }
            work.push(left);
            work.push(right);
        }
    }
    Ok(())
}

fn with_doubles(body: &SetExpr) -> Result<SetExpr, Failure> {
    let SetExpr::SetOperation { op, left, right, .. } = body else { return Ok(body.clone()) };
    let side = |body: &SetExpr| -> Result<TableFactor, Failure> {
        let mut query = relations::query("SELECT 1")?;
        *query.body = body.clone();
        Ok(TableFactor::Derived { lateral: false, subquery: query, alias: None, sample: None })
    };
    let join_operator = match op {
        SetOperator::Intersect => JoinOperator::Semi(JoinConstraint::None),
        _ => JoinOperator::Anti(JoinConstraint::None),
    };
    let joins = vec![Join { relation: side(right)?, global: false, join_operator }];
    let factor = TableFactor::NestedJoin {
        table_with_joins: Box::new(TableWithJoins { relation: side(left)?, joins }),
        alias: Some(TableAlias {
            explicit: true,
            name: Ident::with_quote('`', ALL_ROWS),
            columns: Vec::new(),
            at: None,
        }),
    };
    let mut outer = relations::query("SELECT * FROM x")?;
    if let SetExpr::Select(select) = outer.body.as_mut()
        && let Some(from) = select.from.first_mut()
    {
        from.relation = factor;
    }
    Ok(*outer.body)
}

/// Gives a common table expression another name where one of that name is there already, which the engine does not allow.
pub(super) fn rename_ctes(query: &mut Query, taken: &BTreeSet<String>, number: usize) {
    let Some(count) = query.with.as_ref().map(|with| with.cte_tables.len()) else { return };
    for at in 0..count {
        let Some(with) = query.with.as_mut() else { return };
        let recursive = with.recursive;
        let Some(cte) = with.cte_tables.get(at) else { return };
        let old = cte.alias.name.value.to_lowercase();
        let twice = with.cte_tables[..at].iter().any(|c| c.alias.name.value.eq_ignore_ascii_case(&old));
        if !taken.contains(&old) || twice {
            continue;
        }
        let new = format!("__{number}_{old}");
        let mut renamer = Renamer { old, new: new.clone(), hidden: 0 };
        with.cte_tables[at].alias.name = Ident::with_quote('`', new);
        if recursive {
            let _: ControlFlow<()> = walk::change(&mut with.cte_tables[at].query, &mut renamer);
        }
        for later in &mut with.cte_tables[at + 1..] {
            let _: ControlFlow<()> = walk::change(&mut later.query, &mut renamer);
        }
        let _: ControlFlow<()> = walk::change(&mut query.body, &mut renamer);
        let _: ControlFlow<()> = walk::change(&mut query.order_by, &mut renamer);
        let _: ControlFlow<()> = walk::change(&mut query.pipe_operators, &mut renamer);
    }
}

struct Renamer {
    old: String,
    new: String,
    /// Queries around this one that have a common table expression of the old name.
    hidden: usize,
}

impl Renamer {
    fn hides(&self, query: &Query) -> bool {
        query
            .with
            .as_ref()
            .is_some_and(|with| with.cte_tables.iter().any(|c| c.alias.name.value.eq_ignore_ascii_case(&self.old)))
    }
}

impl VisitorMut for Renamer {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        self.hidden += usize::from(self.hides(query));
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        self.hidden -= usize::from(self.hides(query));
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, alias, args: None, .. } = factor
            && self.hidden == 0
            && matches!(relations::parts(name).as_slice(), [one] if *one == self.old)
        {
            *name = ObjectName::from(vec![Ident::with_quote('`', self.new.clone())]);
            alias.get_or_insert_with(|| TableAlias {
                explicit: true,
                name: Ident::with_quote('`', self.old.clone()),
                columns: Vec::new(),
                at: None,
            });
        }
        ControlFlow::Continue(())
    }
}

/// Puts the columns of the groups into `grouping_id()`.
pub(super) fn groupings(query: &mut Query) -> Result<(), Failure> {
    let SetExpr::Select(select) = query.body.as_mut() else { return Ok(()) };
    modifiers(&mut select.group_by);
    let (columns, sets) = grouped(select);
    let mut failed = None;
    let mut put = |expr: &mut Expr| match grouping(expr, &columns, sets) {
        Ok(()) => ControlFlow::Continue(()),
        Err(failure) => {
            failed = Some(failure);
            ControlFlow::Break(())
        }
    };
    let order = query.order_by.as_mut().and_then(|order| match &mut order.kind {
        OrderByKind::Expressions(list) => Some(list),
        OrderByKind::All(_) => None,
    });
    let walked = || {
        outermost::visit(&mut select.projection, &mut put)?;
        outermost::visit(&mut select.having, &mut put)?;
        outermost::visit(&mut select.qualify, &mut put)?;
        order.map_or(ControlFlow::Continue(()), |list| outermost::visit(list, &mut put))
    };
    let _: ControlFlow<()> = walked();
    failed.map_or(Ok(()), Err)
}

/// `GROUP BY a, b WITH ROLLUP` as `GROUP BY ROLLUP (a, b)`, and the like.
fn modifiers(group_by: &mut GroupByExpr) {
    let GroupByExpr::Expressions(list, modifiers) = group_by else { return };
    let each = |list: &[Expr]| list.iter().map(|e| vec![e.clone()]).collect::<Vec<_>>();
    let sets = match modifiers.as_slice() {
        [GroupByWithModifier::Rollup] => Expr::Rollup(each(list)),
        [GroupByWithModifier::Cube] => Expr::Cube(each(list)),
        [GroupByWithModifier::GroupingSets(sets)] => sets.clone(),
        _ => return,
    };
    *list = vec![sets];
    modifiers.clear();
}

/// The expressions of GROUP BY, each once, and whether they form sets.
fn grouped(select: &Select) -> (Vec<Expr>, bool) {
    let GroupByExpr::Expressions(list, modifiers) = &select.group_by else { return (Vec::new(), false) };
    let mut sets = !modifiers.is_empty();
    let mut columns: Vec<Expr> = Vec::new();
    for expr in list {
        let parts: Vec<&Expr> = match expr {
            Expr::Rollup(of) | Expr::Cube(of) | Expr::GroupingSets(of) => {
                sets = true;
                of.iter().flatten().collect()
            }
            one => vec![one],
        };
        for part in parts {
            let written = part.to_string();
            if !columns.iter().any(|c| c.to_string().eq_ignore_ascii_case(&written)) {
                columns.push(part.clone());
            }
        }
    }
    (columns, sets)
}

/// Checks a call of `grouping` or `grouping_id` and puts the columns of the groups into it.
fn grouping(expr: &mut Expr, columns: &[Expr], sets: bool) -> Result<(), Failure> {
    let Expr::Function(Function { name, args: FunctionArguments::List(list), .. }) = expr else { return Ok(()) };
    let name = name.to_string().to_ascii_lowercase();
    if !(name == "grouping" || name == "grouping_id") {
        return Ok(());
    }
    if !sets {
        return Err(Failure::class(
            "UNSUPPORTED_GROUPING_EXPRESSION",
            "grouping()/grouping_id() can only be used with GroupingSets/Cube/Rollup.",
            "42K0E",
        ));
    }
    let given: Vec<String> = list.args.iter().map(|a| a.to_string().to_lowercase()).collect();
    let known: Vec<String> = columns.iter().map(|c| c.to_string().to_lowercase()).collect();
    if name == "grouping" {
        let Some(other) = given.iter().find(|g| !known.contains(*g)) else { return Ok(()) };
        let text = format!("Column of grouping ({other}) can't be found in grouping columns {}.", known.join(", "));
        return Err(Failure::class("GROUPING_COLUMN_MISMATCH", &text, "42803"));
    }
    if given.is_empty() {
        list.args = columns.iter().cloned().map(|c| FunctionArg::Unnamed(FunctionArgExpr::Expr(c))).collect();
    } else if given != known {
        let (given, known) = (given.join(", "), known.join(", "));
        let text = format!("Columns of grouping_id ({given}) does not match grouping columns ({known}).");
        return Err(Failure::class("GROUPING_ID_COLUMN_MISMATCH", &text, "42803"));
    }
    Ok(())
}

/// Refuses window functions in WHERE.
pub(super) fn conditions(select: &Select) -> Result<(), Failure> {
    struct Windows {
        queries: usize,
    }
    impl Visitor for Windows {
        type Break = ();
        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.queries += 1;
            ControlFlow::Continue(())
        }
        fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.queries -= 1;
            ControlFlow::Continue(())
        }
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            let over = |f: &Function| matches!(f.over, Some(WindowType::WindowSpec(_) | WindowType::NamedWindow(_)));
            match expr {
                Expr::Function(f) if self.queries == 0 && over(f) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    if walk::read(&select.selection, &mut Windows { queries: 0 }).is_break() {
        return Err(Failure::class(
            "WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE",
            "It is not allowed to use window functions inside WHERE clause.",
            "42601",
        ));
    }
    Ok(())
}
