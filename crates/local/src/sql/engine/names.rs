//! How columns are spelled: the engine puts names in lower case, the platform returns them as they were written.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::arrow::datatypes::Field;
use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, Ident, ObjectName, Query, Select, SelectItem, SetExpr, Statement, TableFactor, Visitor,
};

use super::rewrite::DUPLICATE;
use super::store::table::SPELLING;
use super::walk;

/// Spellings of columns by their name in lower case.
type Spellings = HashMap<String, String>;

/// The names that a statement has written.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Those of the result's columns, if each is named; `None` is a name that the engine is given later.
    positions: Option<Vec<Option<String>>>,
    spellings: Spellings,
    /// How often an alias is given to a column, by its name in lower case.
    pub(super) aliases: HashMap<String, usize>,
    /// Whether a query has groups.
    pub(super) grouped: bool,
    /// Tables and views, as they are written.
    pub(super) relations: Vec<Vec<String>>,
}

impl Names {
    pub(super) fn of(statement: &Statement) -> Self {
        let mut names = Self::default();
        if let Statement::Query(query) = statement {
            names.result(query);
        }
        let _: ControlFlow<()> = walk::read(statement, &mut names);
        names
    }

    /// The name of a column of the result, by its position and the engine's field.
    pub(super) fn spelled(&self, position: usize, field: &Field) -> String {
        let name = field.name().split(DUPLICATE).next().unwrap_or_default();
        if let Some(written) = self.positions.as_ref().and_then(|p| p.get(position)) {
            return written.clone().unwrap_or_else(|| name.to_owned());
        }
        let stored = || field.metadata().get(SPELLING).filter(|s| s.to_lowercase() == name.to_lowercase());
        self.spellings.get(&name.to_lowercase()).or_else(stored).cloned().unwrap_or_else(|| name.to_owned())
    }

    fn add(&mut self, ident: &Ident) {
        self.spellings.entry(ident.value.to_lowercase()).or_insert_with(|| ident.value.clone());
    }

    /// Takes the names of the columns that a query gives.
    fn result(&mut self, query: &Query) {
        if !query.pipe_operators.is_empty() {
            return;
        }
        let mut body = query.body.as_ref();
        let select = loop {
            match body {
                SetExpr::Select(select) => break select,
                SetExpr::Query(query) => body = query.body.as_ref(),
                SetExpr::SetOperation { left, .. } => body = left.as_ref(),
                _ => return,
            }
        };
        self.projection(select);
        self.positions = select.projection.iter().map(written).collect();
    }

    fn projection(&mut self, select: &Select) {
        for item in &select.projection {
            if let Some(Some(name)) = written(item) {
                self.spellings.entry(name.to_lowercase()).or_insert(name);
            }
        }
    }
}

impl Visitor for Names {
    type Break = ();

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        self.grouped |= !matches!(&select.group_by, GroupByExpr::Expressions(list, _) if list.is_empty());
        for item in &select.projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item {
                *self.aliases.entry(alias.value.to_lowercase()).or_default() += 1;
            }
        }
        self.projection(select);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } = factor
        {
            alias.columns.iter().for_each(|c| self.add(&c.name));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let parts = relation.0.iter().filter_map(|part| part.as_ident()).map(|ident| ident.value.clone());
        self.relations.push(parts.collect());
        ControlFlow::Continue(())
    }
}

/// The name that an item of a projection writes: `None` for a wildcard, `Some(None)` for an expression without a name.
fn written(item: &SelectItem) -> Option<Option<String>> {
    match item {
        SelectItem::UnnamedExpr(Expr::Identifier(ident)) | SelectItem::ExprWithAlias { alias: ident, .. } => {
            Some(Some(ident.value.clone()))
        }
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => Some(parts.last().map(|ident| ident.value.clone())),
        SelectItem::UnnamedExpr(_) => Some(None),
        _ => None,
    }
}
