//! Functions in SQL, put in place of their calls.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use datafusion::sql::sqlparser::ast::{
    Expr, Function as Call, Ident, ObjectName, Query, SelectItem, SetExpr, Statement, TableFactor, Value, Visitor,
    VisitorMut,
};

use super::super::core::Setting;
use super::super::functions;
use super::super::params::literal;
use super::super::store::missing::feature as unsupported;
use super::super::store::{Function, Name, Relation, Returns};
use super::super::walk;
use super::{Rewriter, parse, relations};
use crate::sql::Failure;

/// Functions in SQL inside each other.
const NESTED: usize = 30;
/// Calls of functions in SQL in one statement, those inside of each other counted.
const CALLS: usize = 1_000;

impl Rewriter<'_> {
    /// The function in SQL that a call means.
    pub(super) fn routine(&self, call: &Call) -> Option<(Name, std::sync::Arc<Function>)> {
        let parts = relations::parts(&call.name);
        if matches!(parts.as_slice(), [only] if functions::is_builtin(only)) {
            return None;
        }
        let full = self.full(&parts)?;
        self.core.store.function(&full).map(|f| (full, f))
    }

    /// The expression that a call of a function in SQL stands for.
    pub(super) fn expand(&mut self, name: &Name, function: &Function, call: &Call) -> Result<Expr, Failure> {
        let Returns::Value(kind) = &function.returns else {
            return Err(Failure::class(
                "NOT_A_SCALAR_FUNCTION",
                &format!(
                    "{} appears as a scalar expression here, but the function was defined as a table function.",
                    name.quoted()
                ),
                "42887",
            ));
        };
        let text = function.body.trim_start();
        let text = if starts_query(text) { format!("SELECT ({text})") } else { format!("SELECT {text}") };
        let mut query = self.body(name, function, &text, call)?;
        let expr = match query.body.as_mut() {
            SetExpr::Select(select) if query.with.is_none() => match select.projection.pop() {
                Some(SelectItem::ExprWithAlias { expr, .. } | SelectItem::UnnamedExpr(expr)) => expr,
                _ => return Err(unsupported("the body of this SQL function")),
            },
            _ => return Err(unsupported("the body of this SQL function")),
        };
        let kind = literal(Value::SingleQuotedString(kind.clone()));
        Ok(functions::call("cast_to", vec![expr, kind]))
    }

    /// The query that a call of a table function in SQL stands for.
    pub(super) fn table_function(
        &mut self,
        name: &Name,
        function: &Function,
        call: &Call,
    ) -> Result<Box<Query>, Failure> {
        let Returns::Table(columns) = &function.returns else {
            return Err(Failure::class(
                "NOT_A_TABLE_FUNCTION",
                &format!(
                    "{} appears as a table function here, but the function was defined as a scalar function.",
                    name.quoted()
                ),
                "42887",
            ));
        };
        for (_, argument) in relations::arguments(call)? {
            if !Names::of(&argument).idents.is_empty() {
                return Err(unsupported("columns as arguments of a table function in SQL"));
            }
        }
        let text = if columns.is_empty() {
            function.body.clone()
        } else {
            let names: Vec<_> = columns.iter().map(|(n, _)| super::super::store::quoted(&[n])).collect();
            let casts: Vec<_> =
                columns.iter().zip(&names).map(|((_, kind), n)| format!("CAST({n} AS {kind}) AS {n}")).collect();
            format!("SELECT {} FROM ({}) AS __returned({})", casts.join(", "), function.body, names.join(", "))
        };
        self.body(name, function, &text, call)
    }

    /// The body with arguments in place of parameters.
    fn body(&mut self, name: &Name, function: &Function, text: &str, call: &Call) -> Result<Box<Query>, Failure> {
        if self.routines >= NESTED {
            return Err(super::depth::too_complex("SQL functions inside each other", NESTED));
        }
        if self.expanded.fetch_add(1, Ordering::Relaxed) >= CALLS {
            return Err(super::depth::too_complex("calls of SQL functions", CALLS));
        }
        let Statement::Query(written) = parse(text)? else { return Err(unsupported("the body of this SQL function")) };
        let mut statement = Statement::Query(written.clone());
        let setting =
            Setting { catalog: function.catalog.clone(), schema: function.schema.clone(), ..Setting::default() };
        let none = BTreeSet::new();
        let extra = std::sync::Arc::default();
        let overlay = super::Overlay { extra, rights: None, ..self.overlay.clone() };
        let mut inner = Rewriter::new(self.core, &setting, &overlay, &none);
        inner.routines = self.routines + 1;
        inner.expanded = std::sync::Arc::clone(&self.expanded);
        inner.apply(&mut statement)?;
        let values = self.values(name, function, call)?;
        self.check_capture(name, function, &written, &values)?;
        let tables = Names::of(written.as_ref()).tables;
        let mut put = Substitute { function: &name.object, values: &values, tables: &tables };
        let _: ControlFlow<()> = walk::change(&mut statement, &mut put);
        match statement {
            Statement::Query(query) => Ok(query),
            _ => Err(unsupported("the body of this SQL function")),
        }
    }

    /// Arguments by the name of their parameter.
    fn values(&mut self, name: &Name, function: &Function, call: &Call) -> Result<BTreeMap<String, Expr>, Failure> {
        let arguments = relations::arguments(call)?;
        let count = arguments.len();
        let wrong = || {
            let needed = function.parameters.iter().filter(|p| p.default.is_none()).count();
            let all = function.parameters.len();
            let expected = if needed == all { all.to_string() } else { format!("[{needed}, {all}]") };
            Failure::class(
                "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
                &format!("The {} requires {expected} parameters but the actual number is {count}.", name.quoted()),
                "42605",
            )
        };
        let mut given = BTreeMap::new();
        for (position, (written, value)) in arguments.into_iter().enumerate() {
            let parameter = match &written {
                Some(n) => function.parameters.iter().find(|p| p.name.to_lowercase() == *n),
                None => function.parameters.get(position),
            };
            given.insert(parameter.ok_or_else(wrong)?.name.to_lowercase(), value);
        }
        let mut out = BTreeMap::new();
        for parameter in &function.parameters {
            let key = parameter.name.to_lowercase();
            let value = match (given.remove(&key), &parameter.default) {
                (Some(value), _) => value,
                (None, Some(default)) => {
                    let mut statement = parse(&format!("SELECT {default}"))?;
                    let none = BTreeSet::new();
                    Rewriter::new(self.core, self.setting, self.overlay, &none).apply(&mut statement)?;
                    only_expression(statement).ok_or_else(|| unsupported("this default of a parameter"))?
                }
                (None, None) => return Err(wrong()),
            };
            if volatile(&value) {
                return Err(unsupported("random arguments of SQL functions"));
            }
            let kind = literal(Value::SingleQuotedString(parameter.kind.clone()));
            out.insert(key, functions::call("cast_to", vec![value, kind]));
        }
        Ok(out)
    }

    /// Refuses bodies in whose tables a parameter or an argument would mean a column.
    fn check_capture(
        &self,
        name: &Name,
        function: &Function,
        body: &Query,
        values: &BTreeMap<String, Expr>,
    ) -> Result<(), Failure> {
        let inside = Names::of(body);
        if inside.relations.is_empty() {
            return Ok(());
        }
        let mut columns: BTreeSet<String> = inside.aliases.clone();
        for relation in &inside.relations {
            columns.extend(relation.last().cloned());
            let parts: Vec<String> = relation.clone();
            let full = match parts.as_slice() {
                [o] => Name { catalog: function.catalog.clone(), schema: function.schema.clone(), object: o.clone() },
                [s, o] => Name { catalog: function.catalog.clone(), schema: s.clone(), object: o.clone() },
                [c, s, o] => Name { catalog: c.clone(), schema: s.clone(), object: o.clone() },
                _ => continue,
            };
            match self.core.store.relation(&full) {
                Some(Relation::Table(t)) => {
                    columns.extend(t.state().columns.iter().map(super::super::store::table::Column::key));
                }
                Some(Relation::View(v)) => columns.extend(v.columns.iter().map(|c| c.name.to_lowercase())),
                None => {}
            }
        }
        let hidden = inside.idents.iter().find(|n| values.contains_key(*n) && columns.contains(*n));
        if let Some(parameter) = hidden {
            return Err(unsupported(&format!(
                "the parameter `{parameter}` beside a column of that name; write `{}`.`{parameter}`",
                name.object
            )));
        }
        let captured = values.values().flat_map(|v| Names::of(v).idents).find(|n| columns.contains(n));
        match captured {
            Some(column) => Err(unsupported(&format!(
                "the argument `{column}` beside a column or table of that name in the function; give it another name in a subquery"
            ))),
            None => Ok(()),
        }
    }
}

fn starts_query(text: &str) -> bool {
    let word: String = text.chars().take_while(char::is_ascii_alphabetic).collect();
    ["select", "with", "values", "from"].contains(&word.to_ascii_lowercase().as_str())
}

fn only_expression(statement: Statement) -> Option<Expr> {
    let Statement::Query(query) = statement else { return None };
    let SetExpr::Select(mut select) = *query.body else { return None };
    match select.projection.pop()? {
        SelectItem::ExprWithAlias { expr, .. } | SelectItem::UnnamedExpr(expr) => Some(expr),
        _ => None,
    }
}

fn volatile(expr: &Expr) -> bool {
    Names::of(expr)
        .calls
        .iter()
        .any(|c| ["rand", "random", "randn", "uuid", "shuffle", "randstr", "uniform"].contains(&c.as_str()))
}

/// The names in a part of a statement, in lower case.
#[derive(Default)]
struct Names {
    /// Columns, or the first part of their name.
    idents: BTreeSet<String>,
    relations: Vec<Vec<String>>,
    /// Names that queries give to columns and tables.
    aliases: BTreeSet<String>,
    /// Names under which columns of tables are named.
    tables: BTreeSet<String>,
    calls: BTreeSet<String>,
}

impl Names {
    fn of(part: &impl datafusion::sql::sqlparser::ast::Visit) -> Self {
        let mut names = Self::default();
        let _: ControlFlow<()> = walk::read(part, &mut names);
        names
    }
}

impl Visitor for Names {
    type Break = ();

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        self.relations.push(relations::parts(relation));
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table { alias: Some(alias), .. }
            | TableFactor::Derived { alias: Some(alias), .. }
            | TableFactor::Function { alias: Some(alias), .. }
            | TableFactor::NestedJoin { alias: Some(alias), .. }
            | TableFactor::Pivot { alias: Some(alias), .. }
            | TableFactor::Unpivot { alias: Some(alias), .. } => {
                self.tables.insert(alias.name.value.to_lowercase());
            }
            TableFactor::Table { name, .. } => self.tables.extend(relations::parts(name).pop()),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &datafusion::sql::sqlparser::ast::Select) -> ControlFlow<()> {
        for item in &select.projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item {
                self.aliases.insert(alias.value.to_lowercase());
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(ident) => {
                self.idents.insert(ident.value.to_lowercase());
            }
            Expr::CompoundIdentifier(parts) => {
                self.idents.extend(parts.first().map(|p| p.value.to_lowercase()));
            }
            Expr::Function(f) => {
                self.calls.insert(f.name.to_string().to_lowercase());
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Members of a value that is a structure.
fn member(value: Expr, members: &[Ident]) -> Expr {
    members.iter().fold(value, |value, member| {
        functions::call("get_member", vec![value, literal(Value::SingleQuotedString(member.value.clone()))])
    })
}

struct Substitute<'a> {
    function: &'a str,
    values: &'a BTreeMap<String, Expr>,
    /// Names of tables in the body, which come before parameters with members.
    tables: &'a BTreeSet<String>,
}

impl VisitorMut for Substitute<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let value = match expr {
            Expr::Identifier(ident) => self.values.get(&ident.value.to_lowercase()).cloned(),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [of, name, members @ ..] if of.value.eq_ignore_ascii_case(self.function) => {
                    self.values.get(&name.value.to_lowercase()).map(|value| member(value.clone(), members))
                }
                [name, members @ ..] if !self.tables.contains(&name.value.to_lowercase()) => {
                    self.values.get(&name.value.to_lowercase()).map(|value| member(value.clone(), members))
                }
                _ => None,
            },
            _ => None,
        };
        if let Some(value) = value {
            *expr = value;
        }
        ControlFlow::Continue(())
    }
}
