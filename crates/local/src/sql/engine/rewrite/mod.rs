//! From the platform's SQL to what the engine plans: markers, literals, names of columns.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, Expr, Function, FunctionArguments, GroupByExpr, Ident, LimitClause, OrderByKind, Query, Select,
    SelectFlavor, SelectItem, Statement, TableFactor, UnaryOperator, Value, VisitorMut, WildcardAdditionalOptions,
};

use super::core::{Core, Setting, Substituted};
use super::params::{cast, literal};
use super::store::missing::feature;
use super::store::providers::Overlay;
use super::{depth, functions, generators, walk};
use crate::sql::Failure;
use expressions::{strip, suffixed};
pub(super) use parse::{check, parse};
#[cfg(feature = "delta")]
pub(super) use relations::changes_of;

mod clauses;
mod expressions;
mod joins;
mod laterals;
mod naming;
mod outermost;
mod parse;
mod paths;
mod quantified;
mod relations;
mod routines;
pub(super) mod sessions;
mod tuples;
mod windows;
pub(super) mod workspace;

/// Sets apart names that occur twice in a result, which the engine refuses and the platform does not.
pub(super) const DUPLICATE: char = '\u{1}';

pub(super) struct Rewriter<'a> {
    core: &'a Core,
    setting: &'a Setting,
    overlay: &'a Overlay,
    /// Names of variables that stand for their values.
    substituted: &'a Substituted,
    /// Aliases that later columns of the same SELECT use.
    laterals: BTreeSet<String>,
    /// Names of common table expressions, which hide temporary views.
    ctes: BTreeSet<String>,
    unbound: Option<String>,
    /// Expressions around the one that is visited.
    depth: usize,
    /// Parameters of the lambdas around it.
    parameters: Vec<String>,
    /// Generators that were taken out of projections.
    views: usize,
    /// SQL functions around this text.
    routines: usize,
    /// Calls of SQL functions that were replaced, in this text and those around it.
    expanded: Arc<AtomicUsize>,
    refused: Option<Failure>,
}

impl<'a> Rewriter<'a> {
    pub(super) fn new(
        core: &'a Core,
        setting: &'a Setting,
        overlay: &'a Overlay,
        substituted: &'a Substituted,
    ) -> Self {
        Self {
            core,
            setting,
            overlay,
            substituted,
            laterals: BTreeSet::new(),
            ctes: BTreeSet::new(),
            unbound: None,
            depth: 0,
            parameters: Vec::new(),
            views: 0,
            routines: 0,
            expanded: Arc::default(),
            refused: None,
        }
    }

    pub(super) fn with_laterals(mut self, laterals: &BTreeSet<String>) -> Self {
        self.laterals.clone_from(laterals);
        self
    }

    pub(super) fn apply(mut self, statement: &mut Statement) -> Result<(), Failure> {
        let _: ControlFlow<()> = walk::change(statement, &mut self);
        if let Some(failure) = self.refused {
            return Err(failure);
        }
        match self.unbound {
            None => Ok(()),
            Some(name) => Err(Failure::class(
                "UNBOUND_SQL_PARAMETER",
                &format!("Found the unbound parameter: {name}. Give it a value in `parameters`."),
                "42P02",
            )),
        }
    }

    /// Ends the walk with a failure.
    fn refuse(&mut self, failure: Failure) -> ControlFlow<()> {
        self.refused = Some(failure);
        ControlFlow::Break(())
    }

    fn bind(&mut self, marker: &str) -> Option<Expr> {
        let name = marker.strip_prefix(':').unwrap_or(marker);
        let bound = self.setting.parameters.get(name).cloned();
        if bound.is_none() && self.unbound.is_none() {
            self.unbound = Some(name.to_owned());
        }
        bound
    }

    /// Functions that tell about the session.
    fn session_function(&self, function: &Function) -> Result<Option<Expr>, Failure> {
        let name = function.name.to_string().to_ascii_lowercase();
        if matches!(name.as_str(), "is_account_group_member" | "is_member") {
            return self.is_member(&name, function).map(Some);
        }
        if let Some(value) = self.workspace_function(&name, function)? {
            return Ok(Some(value));
        }
        Ok(self.session_value(&name, function).map(|value| literal(Value::SingleQuotedString(value.to_owned()))))
    }

    /// Whether the user is in a group. Which groups that are is known before rows are read.
    fn is_member(&self, name: &str, function: &Function) -> Result<Expr, Failure> {
        let all = if name == "is_member" { "users" } else { "account users" };
        let group = match relations::arguments(function)?.as_slice() {
            [(None, Expr::Value(value))] => match &value.value {
                Value::SingleQuotedString(group) => group.clone(),
                _ => return Err(feature(&format!("{name} of what is not a string"))),
            },
            // Such as the column of a row filter.
            [(None, group)] => {
                let own = self.overlay.groups.iter().skip(1).map(|own| own.to_lowercase()).chain([all.to_owned()]);
                return Ok(Expr::InList {
                    expr: Box::new(functions::call("lower", vec![group.clone()])),
                    list: own.map(|own| literal(Value::SingleQuotedString(own))).collect(),
                    negated: false,
                });
            }
            [_] => return Err(feature(&format!("named arguments of {name}"))),
            other => {
                let text = format!("The `{name}` requires 1 parameters but the actual number is {}.", other.len());
                return Err(Failure::class("WRONG_NUM_ARGS.WITHOUT_SUGGESTION", &text, "42605"));
            }
        };
        let own = self.overlay.groups.iter().skip(1).any(|own| own.eq_ignore_ascii_case(&group));
        Ok(literal(Value::Boolean(own || group.eq_ignore_ascii_case(all))))
    }

    /// `x.name` of a lambda's parameter, which is a structure: the engine takes it for a column of a table `x`.
    fn member_of_parameter(&self, expr: &Expr) -> Option<Expr> {
        let Expr::CompoundIdentifier(parts) = expr else { return None };
        let (first, members) = parts.split_first()?;
        if !self.parameters.contains(&first.value.to_lowercase()) {
            return None;
        }
        let own = Expr::Identifier(Ident::with_quote('`', first.value.to_lowercase()));
        Some(members.iter().fold(own, |value, member| {
            super::functions::call("get_member", vec![value, literal(Value::SingleQuotedString(member.value.clone()))])
        }))
    }

    fn session_value(&self, name: &str, function: &Function) -> Option<&str> {
        let bare = match &function.args {
            FunctionArguments::None => true,
            FunctionArguments::List(list) => list.args.is_empty(),
            FunctionArguments::Subquery(_) => false,
        };
        if !bare {
            return None;
        }
        Some(match name {
            "current_user" | "session_user" | "user" => &self.overlay.user,
            "current_timezone" => &self.overlay.time_zone,
            "current_catalog" => &self.setting.catalog,
            "current_schema" | "current_database" => &self.setting.schema,
            _ => return None,
        })
    }
}

impl VisitorMut for Rewriter<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let prepared = clauses::pipes(query)
            .and_then(|()| clauses::groupings(query))
            .and_then(|()| clauses::set_operations(&mut query.body));
        if let Err(failure) = prepared {
            return self.refuse(failure);
        }
        clauses::ordinals(query);
        clauses::rename_ctes(query, &self.ctes, self.views + self.ctes.len());
        for cte in query.with.iter_mut().flat_map(|w| &mut w.cte_tables) {
            relations::lower_alias(&mut cte.alias);
            relations::named_values(&cte.query, &mut cte.alias);
            self.ctes.insert(cte.alias.name.value.clone());
        }
        ControlFlow::Continue(())
    }

    /// Names every column, since the engine's own names tell of its types.
    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        // `FROM t |> …` has no SELECT of its own.
        if matches!(select.flavor, SelectFlavor::FromFirstNoSelect) && select.projection.is_empty() {
            select.flavor = SelectFlavor::Standard;
            select.projection.push(SelectItem::Wildcard(WildcardAdditionalOptions::default()));
        }
        joins::relations(&mut select.from);
        let prepared = sessions::put(select)
            .and_then(|()| clauses::conditions(select))
            .and_then(|()| tuples::conditions(select))
            .and_then(|()| laterals::put(self, select));
        if let Err(failure) = prepared {
            return self.refuse(failure);
        }
        match windows::take(select, self.views) {
            Ok(found) => self.views += usize::from(found),
            Err(failure) => return self.refuse(failure),
        }
        laterals::subqueries(self, select);
        self.views += generators::take_generators(select, self.views);
        let mut seen = BTreeSet::new();
        for (position, item) in select.projection.iter_mut().enumerate() {
            let (name, plain) = match item {
                SelectItem::UnnamedExpr(e) => {
                    // The value that takes the place of a variable has no name of its own.
                    let plain =
                        matches!(e, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) && self.variable(e).is_none();
                    (self.title(e), plain)
                }
                SelectItem::ExprWithAlias { alias, .. } => {
                    alias.value = alias.value.to_lowercase();
                    (alias.value.clone(), true)
                }
                _ => continue,
            };
            let fresh = seen.insert(name.to_lowercase());
            if fresh && plain {
                continue;
            }
            let name = if fresh { name } else { format!("{name}{DUPLICATE}{position}") };
            let alias = Ident::with_quote('`', name);
            match item {
                SelectItem::UnnamedExpr(e) => {
                    let expr = std::mem::replace(e, literal(Value::Null));
                    *item = SelectItem::ExprWithAlias { expr, alias };
                }
                SelectItem::ExprWithAlias { alias: old, .. } => *old = alias,
                _ => {}
            }
        }
        ControlFlow::Continue(())
    }

    /// UNPIVOT states names of columns as they are written.
    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        joins::nested(factor);
        if let TableFactor::Unpivot { columns, .. } = factor {
            for column in columns {
                let own = |e: &Expr| match e {
                    Expr::Identifier(ident) => Some(ident.value.clone()),
                    Expr::CompoundIdentifier(parts) => parts.last().map(|p| p.value.clone()),
                    _ => None,
                };
                let name = match &column.expr {
                    Expr::Tuple(list) => list.iter().map(own).collect::<Option<Vec<_>>>().map(|names| names.join("_")),
                    one => own(one),
                };
                if column.alias.is_none() {
                    column.alias = name.map(|name| Ident::with_quote('`', name));
                }
            }
        }
        match self.files(factor).and_then(|()| self.changes(factor)).and_then(|()| self.version(factor)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(failure) => self.refuse(failure),
        }
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        // A sign belongs to the literal behind it.
        if let Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } = expr
            && let Expr::Cast { kind: CastKind::SafeCast, expr: number, .. } = inner.as_mut()
            && let Some(digits) = suffixed(number)
            && !digits.starts_with('-')
        {
            **number = literal(Value::SingleQuotedString(format!("-{digits}")));
            *expr = std::mem::replace(inner.as_mut(), literal(Value::Null));
        }
        // The smallest integers are literals with their sign.
        if let Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } = expr
            && let Expr::Value(value) = inner.as_ref()
            && let Value::Number(digits, false) = &value.value
        {
            let kind = match digits.as_str() {
                "2147483648" => Some(DataType::Int(None)),
                "9223372036854775808" => Some(DataType::BigInt(None)),
                _ => None,
            };
            if let Some(kind) = kind {
                *expr = cast(literal(Value::SingleQuotedString(format!("-{digits}"))), kind);
            }
        }
        quantified::quantify(expr);
        if let Expr::Lambda(lambda) = expr {
            self.parameters.extend(lambda.params.iter().map(|p| p.name.value.to_lowercase()));
        }
        self.depth += 1;
        if self.depth > depth::EXPRESSIONS {
            return self.refuse(depth::too_complex("expressions inside each other", depth::EXPRESSIONS));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        self.depth -= 1;
        if let Expr::Lambda(lambda) = expr {
            self.parameters.truncate(self.parameters.len() - lambda.params.iter().count());
        }
        if let Some(member) = self.member_of_parameter(expr) {
            *expr = member;
            return ControlFlow::Continue(());
        }
        self.expression(expr)
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        match self.relation(factor) {
            Ok(()) => ControlFlow::Continue(()),
            Err(failure) => self.refuse(failure),
        }
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        joins::qualify(select);
        generators::join_views(select);
        if let GroupByExpr::Expressions(list, _) = &mut select.group_by {
            list.iter_mut().for_each(strip);
        }
        ControlFlow::Continue(())
    }

    /// Ordinals and limits have to be plain numbers.
    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if let Some(order) = &mut query.order_by
            && let OrderByKind::Expressions(list) = &mut order.kind
        {
            list.iter_mut().for_each(|o| strip(&mut o.expr));
        }
        match &mut query.limit_clause {
            Some(LimitClause::LimitOffset { limit, offset, .. }) => {
                limit.iter_mut().for_each(strip);
                offset.iter_mut().for_each(|o| strip(&mut o.value));
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => {
                strip(offset);
                strip(limit);
            }
            None => {}
        }
        ControlFlow::Continue(())
    }
}
