//! `window(time, …)`: each row comes once for each window of time that it is in, as if a lateral view had made them.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Ident, LateralView, ObjectName,
    Select, SelectItem,
};

use super::super::functions::{self, call};
use super::super::store::missing::feature;
use super::outermost;
use crate::sql::Failure;

/// The column that stands for the windows.
const COLUMN: &str = "window";

/// Puts a column in place of the calls of a SELECT, and the view under it that gives the column; `number` makes the view's name its own.
/// Says whether there was a call.
pub(super) fn take(select: &mut Select, number: usize) -> Result<bool, Failure> {
    let name = Ident::new(format!("__windows_{number}"));
    let mut found: Option<Function> = None;
    let mut several = false;
    let mut replace = |expr: &mut Expr| {
        if let Expr::Function(function) = &*expr
            && is_window(function)
        {
            several |= found.as_ref().is_some_and(|first| first != function);
            found.get_or_insert_with(|| function.clone());
            *expr = Expr::CompoundIdentifier(vec![name.clone(), Ident::new(COLUMN)]);
        }
        ControlFlow::Continue(())
    };
    let _: ControlFlow<()> = outermost::visit(&mut select.projection, &mut replace);
    if let GroupByExpr::Expressions(list, _) = &mut select.group_by {
        let _: ControlFlow<()> = outermost::visit(list, &mut replace);
    }
    let _: ControlFlow<()> = outermost::visit(&mut select.having, &mut replace);
    let Some(window) = found else { return Ok(false) };
    if several {
        return Err(Failure::class(
            "_LEGACY_ERROR_TEMP_1039",
            "Multiple time/session window expressions would result in a cartesian product of rows, therefore they are currently not supported.",
            "0A000",
        ));
    }
    if select.from.is_empty() {
        return Err(feature("window() in a query without FROM"));
    }
    if select.projection.iter().any(|item| matches!(item, SelectItem::Wildcard(_))) {
        return Err(feature("window() beside *, which would show it twice; name the columns"));
    }
    let windows = call("time_windows", arguments(window)?);
    select.lateral_views.push(LateralView {
        lateral_view: call("explode", vec![windows]),
        lateral_view_name: ObjectName::from(vec![name]),
        lateral_col_alias: vec![Ident::new(COLUMN)],
        outer: false,
    });
    Ok(true)
}

fn is_window(function: &Function) -> bool {
    function.over.is_none() && functions::name_of(function) == "window"
}

fn arguments(function: Function) -> Result<Vec<Expr>, Failure> {
    let FunctionArguments::List(list) = function.args else { return Ok(Vec::new()) };
    let plain = list.args.into_iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Ok(expr),
        _ => Err(feature("names of arguments of window()")),
    });
    plain.collect()
}
