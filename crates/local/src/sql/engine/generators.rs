//! Generators in a projection and lateral views, put where the planner finds them: into FROM.

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, Ident, Join, JoinOperator, LateralView, ObjectName, Query, Select,
    SelectItem, SelectItemQualifiedWildcardKind, SetExpr, TableAlias, TableAliasColumnDef, TableFactor, TableWithJoins,
    Value, WildcardAdditionalOptions,
};

use super::params::literal;
use super::rewrite::parse;
use super::spark::generators::{NAMES, VIEW};

fn is_generator(function: &Function) -> bool {
    let name = function.name.to_string().replace('`', "").to_ascii_lowercase();
    NAMES.contains(&name.as_str())
}

/// Whether a column is a call of a generator.
pub(super) fn makes_rows(item: &SelectItem) -> bool {
    match item {
        SelectItem::UnnamedExpr(Expr::Function(f))
        | SelectItem::ExprWithAlias { expr: Expr::Function(f), .. }
        | SelectItem::ExprWithAliases { expr: Expr::Function(f), .. } => is_generator(f),
        _ => false,
    }
}

/// Makes lateral views of generators in the projection; gives their number.
pub(super) fn take_generators(select: &mut Select, from: usize) -> usize {
    let mut taken = 0;
    for item in &mut select.projection {
        let (call, columns) = match item {
            SelectItem::UnnamedExpr(Expr::Function(f)) if is_generator(f) => (f.clone(), Vec::new()),
            SelectItem::ExprWithAlias { expr: Expr::Function(f), alias } if is_generator(f) => {
                (f.clone(), vec![alias.clone()])
            }
            SelectItem::ExprWithAliases { expr: Expr::Function(f), aliases } if is_generator(f) => {
                (f.clone(), aliases.clone())
            }
            _ => continue,
        };
        let name = ObjectName::from(vec![Ident::new(format!("__generator_{}", from + taken))]);
        taken += 1;
        select.lateral_views.push(LateralView {
            lateral_view: Expr::Function(call),
            lateral_view_name: name.clone(),
            lateral_col_alias: columns,
            outer: false,
        });
        let kind = SelectItemQualifiedWildcardKind::ObjectName(name);
        *item = SelectItem::QualifiedWildcard(kind, WildcardAdditionalOptions::default());
    }
    taken
}

fn argument(expr: Expr) -> FunctionArg {
    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))
}

/// The relation as a query, in which the planner of lateral views finds it.
fn as_query(from: TableWithJoins) -> Option<Box<Query>> {
    let Ok(datafusion::sql::sqlparser::ast::Statement::Query(mut query)) = parse("SELECT 1") else { return None };
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    select.from = vec![from];
    Some(query)
}

fn view(call: Expr, outer: bool, inner: Option<TableWithJoins>, alias: Option<TableAlias>) -> TableFactor {
    let mut args = vec![argument(call), argument(literal(Value::Boolean(outer)))];
    if let Some(query) = inner.and_then(as_query) {
        args.push(argument(Expr::Subquery(query)));
    }
    TableFactor::Function {
        lateral: false,
        name: ObjectName::from(vec![Ident::new(VIEW)]),
        args,
        with_ordinality: false,
        alias,
    }
}

/// All relations of FROM as one, if there are any.
fn together(from: Vec<TableWithJoins>) -> Option<TableWithJoins> {
    let mut all = from.into_iter();
    let mut first = all.next()?;
    for TableWithJoins { relation, joins } in all {
        let relation = if joins.is_empty() {
            relation
        } else {
            TableFactor::NestedJoin { table_with_joins: Box::new(TableWithJoins { relation, joins }), alias: None }
        };
        first.joins.push(Join {
            relation,
            global: false,
            join_operator: JoinOperator::CrossJoin(datafusion::sql::sqlparser::ast::JoinConstraint::None),
        });
    }
    Some(first)
}

/// Puts the lateral views of a query over its FROM.
pub(super) fn join_views(select: &mut Select) {
    let mut before: Vec<TableWithJoins> = Vec::new();
    for mut item in std::mem::take(&mut select.from) {
        let lateral = match &item.relation {
            TableFactor::Function { lateral: true, name, args, alias, .. } => {
                Some((name.clone(), args.clone(), alias.clone()))
            }
            _ => None,
        };
        if let Some((name, args, alias)) = lateral
            && NAMES.contains(&name.to_string().to_ascii_lowercase().as_str())
        {
            let Expr::Function(mut call) = super::functions::call("explode", Vec::new()) else { continue };
            call.name = name;
            if let datafusion::sql::sqlparser::ast::FunctionArguments::List(list) = &mut call.args {
                list.args = args;
            }
            item.relation = view(Expr::Function(call), false, together(std::mem::take(&mut before)), alias);
        }
        before.push(item);
    }
    for lateral in std::mem::take(&mut select.lateral_views) {
        let name =
            lateral.lateral_view_name.0.last().and_then(|p| p.as_ident()).cloned().unwrap_or_else(|| Ident::new("t"));
        let columns =
            lateral.lateral_col_alias.into_iter().map(|name| TableAliasColumnDef { name, data_type: None }).collect();
        let alias = TableAlias { explicit: true, name, columns, at: None };
        let relation = view(lateral.lateral_view, lateral.outer, together(std::mem::take(&mut before)), Some(alias));
        before.push(TableWithJoins { relation, joins: Vec::new() });
    }
    select.from = before;
}
