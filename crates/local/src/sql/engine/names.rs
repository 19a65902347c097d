//! How columns are spelled: the engine puts names in lower case, the platform returns them as they were written.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, Query, Select, SelectItem, SetExpr, Statement, TableFactor, Visit as _, Visitor,
};

/// Spellings of columns by their name in lower case.
type Spellings = HashMap<String, String>;

/// Spellings of the columns of tables and views, by the last part of the table's name.
#[derive(Debug, Default)]
pub(super) struct TableNames(Mutex<HashMap<String, Spellings>>);

impl TableNames {
    /// Remembers the columns of a table or view that the statement has created.
    pub(super) fn record(&self, names: Names) {
        if let Some(table) = names.defines {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(table, names.spellings);
        }
    }

    /// The name of a column of the result, by its position and the engine's name.
    pub(super) fn spelled(&self, names: &Names, position: usize, name: &str) -> String {
        if let Some(written) = names.positions.as_ref().and_then(|p| p.get(position)) {
            return written.clone().unwrap_or_else(|| name.to_owned());
        }
        let tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_tables = || names.tables.iter().find_map(|table| tables.get(table)?.get(name));
        names.spellings.get(name).or_else(of_tables).cloned().unwrap_or_else(|| name.to_owned())
    }
}

/// The names that a statement has written.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Those of the result's columns, if each is named; `None` is a name that the engine is given later.
    positions: Option<Vec<Option<String>>>,
    spellings: Spellings,
    tables: Vec<String>,
    defines: Option<String>,
}

impl Names {
    pub(super) fn of(statement: &Statement) -> Self {
        let mut names = Self::default();
        match statement {
            Statement::Query(query) => names.result(query),
            Statement::CreateTable(create) => {
                names.defines = table(&create.name);
                create.columns.iter().for_each(|c| names.add(&c.name));
                create.query.iter().for_each(|q| names.result(q));
            }
            Statement::CreateView(create) => {
                names.defines = table(&create.name);
                create.columns.iter().for_each(|c| names.add(&c.name));
                names.result(&create.query);
            }
            _ => {}
        }
        let _: ControlFlow<()> = statement.visit(&mut names);
        names
    }

    fn add(&mut self, ident: &Ident) {
        self.spellings.entry(ident.value.to_lowercase()).or_insert_with(|| ident.value.clone());
    }

    /// Takes the names of the columns that a query gives.
    fn result(&mut self, query: &Query) {
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
        self.tables.extend(table(relation));
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

fn table(name: &ObjectName) -> Option<String> {
    name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.to_lowercase())
}
