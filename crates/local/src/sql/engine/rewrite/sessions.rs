//! `GROUP BY session_window(time, gap)`: rows whose times follow each other within a gap.
//!
//! FROM and WHERE become a query that gives each row the session that it is in, as a column of that name, and the call is
//! replaced by the column:
//!
//! 1. a row begins a session if its time is behind the end of all before it (of the same keys),
//! 2. the number of those that began is the number of the session,
//! 3. the session begins with the least time and ends a gap behind the greatest.

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Ident, ObjectNamePart, Query, Select,
    SelectItem, SetExpr, TableFactor, TableWithJoins, Value,
};

use super::super::spark::interval;
use super::super::store::missing::feature as unsupported;
use super::super::walk;
use super::relations;
use crate::sql::Failure;

/// The function, and the column that takes its place.
pub(in super::super) const NAME: &str = "session_window";

fn is_session(expr: &Expr) -> bool {
    matches!(expr, Expr::Function(f) if matches!(f.name.0.as_slice(),
        [ObjectNamePart::Identifier(only)] if only.value.eq_ignore_ascii_case(NAME)))
}

/// Puts the sessions of the rows into FROM, where a SELECT groups by them.
pub(super) fn put(select: &mut Select) -> Result<(), Failure> {
    let GroupByExpr::Expressions(list, modifiers) = &mut select.group_by else { return Ok(()) };
    let Some(at) = list.iter().position(is_session) else { return Ok(()) };
    if !modifiers.is_empty() {
        return Err(unsupported("session_window with ROLLUP, CUBE or GROUPING SETS"));
    }
    let written = list[at].clone();
    let keys: Vec<Expr> = list.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, key)| key.clone()).collect();
    if keys.iter().any(is_session) {
        return Err(unsupported("more than one session_window in one GROUP BY"));
    }
    let aliased = |name: &Ident| {
        select.projection.iter().any(|item| {
            matches!(item, SelectItem::ExprWithAlias { alias, expr }
                if alias.value.eq_ignore_ascii_case(&name.value) && !matches!(expr, Expr::Identifier(_)))
        })
    };
    for key in &keys {
        match key {
            Expr::Value(_) => {
                return Err(unsupported("positions in a GROUP BY with session_window; write the columns"));
            }
            Expr::Identifier(name) if aliased(name) => {
                return Err(unsupported("aliases in a GROUP BY with session_window; write the expressions"));
            }
            _ => {}
        }
    }
    let (time, gap) = arguments(&written)?;
    let one = match select.from.as_slice() {
        [TableWithJoins { joins, .. }] => joins.is_empty(),
        _ => false,
    };
    if !one || !select.lateral_views.is_empty() {
        return Err(unsupported("session_window over more than one relation; group a subquery that joins them"));
    }
    let Some(from) = select.from.pop() else { return Ok(()) };
    let alias = name_of(&from.relation);
    let mut relation = sessions(&gap, keys.len(), &alias)?;
    let mut put = Put { time, keys, condition: select.selection.take(), from: Some(from) };
    put.put_into(&mut relation);
    select.from.push(TableWithJoins { relation, joins: Vec::new() });
    // The same call names the column everywhere in the SELECT.
    let text = written.to_string();
    let column = || Expr::Identifier(Ident::with_quote('`', NAME));
    let mut replace = |expr: &mut Expr| {
        if is_session(expr) && expr.to_string().eq_ignore_ascii_case(&text) {
            *expr = column();
        }
    };
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            walk::expressions(expr, &mut replace);
        }
    }
    if let Some(having) = &mut select.having {
        walk::expressions(having, &mut replace);
    }
    if let GroupByExpr::Expressions(list, _) = &mut select.group_by {
        list[at] = column();
    }
    Ok(())
}

/// The time, and the gap in microseconds.
fn arguments(call: &Expr) -> Result<(Expr, i64), Failure> {
    let Expr::Function(Function { args: FunctionArguments::List(list), .. }) = call else {
        return Err(unsupported("this form of session_window"));
    };
    let [
        FunctionArg::Unnamed(FunctionArgExpr::Expr(time)),
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(gap))),
    ] = list.args.as_slice()
    else {
        if list.args.len() == 2 {
            return Err(unsupported("session_window with a gap that is not a string such as '5 minutes'"));
        }
        let text = format!("The `session_window` requires 2 parameters but the actual number is {}.", list.args.len());
        return Err(Failure::class("WRONG_NUM_ARGS.WITHOUT_SUGGESTION", &text, "42605"));
    };
    let (Value::SingleQuotedString(text) | Value::DoubleQuotedString(text)) = &gap.value else {
        return Err(unsupported("session_window with a gap that is not a string such as '5 minutes'"));
    };
    let read = || {
        let (months, days, us) = interval::parse_units(text)?;
        let us = days.checked_mul(86_400_000_000)?.checked_add(us)?;
        (months == 0).then_some(us)
    };
    match read() {
        Some(us) if us > 0 => Ok((time.clone(), us)),
        _ => {
            Err(unsupported(&format!("session_window with the gap '{text}'; it has to be positive and without months")))
        }
    }
}

/// The name by which expressions name the relation.
fn name_of(relation: &TableFactor) -> String {
    let alias = match relation {
        TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. }
        | TableFactor::Function { alias: Some(alias), .. } => Some(alias.name.value.clone()),
        TableFactor::Table { name, .. } => name.0.last().and_then(|part| part.as_ident()).map(|i| i.value.clone()),
        _ => None,
    };
    alias.unwrap_or_else(|| "__sessions".to_owned())
}

/// The relation with the sessions, where names such as `__time` stand for what is put in.
fn sessions(gap: &i64, keys: usize, alias: &str) -> Result<TableFactor, Failure> {
    let seconds = format!("{}.{:06}", gap / 1_000_000, gap % 1_000_000);
    let names: Vec<String> = (0..keys).map(|n| format!("__key{n}")).collect();
    let keys: Vec<String> = names.iter().map(|key| format!("{key}, ")).collect();
    let (keys, alias) = (keys.concat(), alias.replace('`', "``"));
    let partition = if names.is_empty() { String::new() } else { format!("PARTITION BY {} ", names.join(", ")) };
    let made = relations::query(&format!(
        "SELECT * FROM (\
           SELECT *, struct(min(__time + interval_literal('0', 'SECOND', '')) OVER (PARTITION BY {keys}__session) AS start, \
                            max(__time + interval_literal('{seconds}', 'SECOND', '')) OVER (PARTITION BY {keys}__session) AS `end`) AS {NAME} \
           FROM (SELECT *, sum(__begins) OVER ({partition}ORDER BY __time \
                             ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS __session \
                 FROM (SELECT *, CASE WHEN __time <= max(__time + interval_literal('{seconds}', 'SECOND', '')) OVER ({partition}ORDER BY __time \
                                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) THEN 0 ELSE 1 END AS __begins \
                       FROM __from WHERE __condition AND __time IS NOT NULL) AS `{alias}`) AS `{alias}`) AS `{alias}`"
    ))?;
    first_relation(*made).ok_or_else(|| Failure::internal("the text of sessions has no relation"))
}

fn first_relation(query: Query) -> Option<TableFactor> {
    match *query.body {
        SetExpr::Select(select) => select.from.into_iter().next().map(|from| from.relation),
        _ => None,
    }
}

/// What the names in the text of `sessions` stand for.
struct Put {
    time: Expr,
    keys: Vec<Expr>,
    condition: Option<Expr>,
    from: Option<TableWithJoins>,
}

impl Put {
    fn put_into(&mut self, relation: &mut TableFactor) {
        let TableFactor::Derived { subquery, .. } = relation else { return };
        let SetExpr::Select(select) = subquery.body.as_mut() else { return };
        let mut replace = |expr: &mut Expr| {
            let Expr::Identifier(name) = expr else { return };
            match name.value.as_str() {
                "__time" => *expr = self.time.clone(),
                "__condition" => {
                    let always = || Expr::Value(Value::Boolean(true).into());
                    *expr = self.condition.clone().map_or_else(always, |it| Expr::Nested(Box::new(it)));
                }
                name => {
                    let key = name.strip_prefix("__key").and_then(|n| self.keys.get(n.parse::<usize>().ok()?));
                    if let Some(key) = key {
                        *expr = key.clone();
                    }
                }
            }
        };
        for item in &mut select.projection {
            if let SelectItem::ExprWithAlias { expr, .. } = item {
                walk::expressions(expr, &mut replace);
            }
        }
        if let Some(condition) = &mut select.selection {
            walk::expressions(condition, &mut replace);
        }
        if let Some(inner) = select.from.first_mut() {
            if matches!(inner.relation, TableFactor::Derived { .. }) {
                self.put_into(&mut inner.relation);
            } else if let Some(from) = self.from.take() {
                *inner = from;
            }
        }
    }
}
