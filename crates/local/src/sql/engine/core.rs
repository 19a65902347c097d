//! The planner over the store: text of a query to a plan, for statements and for the views that they read.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::metadata::FieldMetadata;
use datafusion::common::{SchemaError, TableReference};
use datafusion::datasource::ViewTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast;

use super::params::literal;
use super::rewrite::{Rewriter, parse};
use super::spark::aggregates;
use super::spark::zone::{self, Zone};
use super::store::providers::{Extra, LOCAL, Overlay};
use super::store::table::{Rows, SPELLING, TableState};
use super::store::{Name, Store, View};
use super::{clocks, depth, errors, expand, files, functions, guard, names};
use crate::sql::Failure;

/// The functions and rules of the engine, and what the catalogs hold.
pub(super) struct Core {
    pub(super) base: SessionContext,
    pub(super) store: Store,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").finish_non_exhaustive()
    }
}

/// What the names in a text stand for.
#[derive(Clone, Debug, Default)]
pub(super) struct Setting {
    pub(super) catalog: String,
    pub(super) schema: String,
    /// Values of markers.
    pub(super) parameters: BTreeMap<String, ast::Expr>,
    /// Variables by name.
    pub(super) variables: BTreeMap<String, ast::Expr>,
    /// Variables by the name of their block, or `session`, and their own.
    pub(super) qualified: BTreeMap<(String, String), ast::Expr>,
}

/// Names of variables that no column has, with those of their blocks, which are empty for plain names.
pub(super) type Substituted = BTreeSet<(String, String)>;

impl Setting {
    /// The variable that a name of one part, or of two, stands for; members of structures count.
    pub(super) fn variable(&self, block: &str, name: &str) -> Option<ast::Expr> {
        if block.is_empty() {
            return self.variables.get(name).cloned();
        }
        let whole = self.qualified.get(&(block.to_owned(), name.to_owned())).cloned();
        let member = || {
            let name = literal(ast::Value::SingleQuotedString(name.to_owned()));
            self.variables.get(block).map(|value| functions::call("get_member", vec![value.clone(), name]))
        };
        whole.or_else(member)
    }
}

/// A plan, and the names that its text has written.
pub(super) struct Planned {
    pub(super) plan: LogicalPlan,
    pub(super) names: names::Names,
    pub(super) session: SessionContext,
}

impl Core {
    /// A session on the store with the names of `setting`.
    pub(super) fn session(&self, setting: &Setting, overlay: &Overlay) -> SessionContext {
        let mut state = self.base.state();
        let options = state.config_mut().options_mut();
        options.catalog.default_catalog.clone_from(&setting.catalog);
        options.catalog.default_schema.clone_from(&setting.schema);
        options.execution.time_zone = Some(overlay.time_zone.as_ref().to_owned());
        let session = SessionContext::new_with_state(state);
        if zone::session() != Zone::UTC {
            aggregates::register(&session, zone::session());
        }
        session.register_catalog_list(Arc::new(overlay.clone()));
        session
    }

    /// Plans a query, whose literals are in plain form.
    pub(super) async fn plan(&self, text: &str, setting: &Setting, overlay: &Overlay) -> Result<Planned, Failure> {
        let statement = parse(text)?;
        if !matches!(statement, ast::Statement::Query(_)) {
            return Err(Failure::class("PARSE_SYNTAX_ERROR", "Syntax error: a query was expected.", "42601"));
        }
        let mut original = statement;
        let mut names = names::Names::of(&original);
        let session = self.session(setting, overlay);
        let state = session.state();
        // Columns come before variables, so that these are found by failing.
        let mut substituted = Substituted::new();
        // Aliases that later columns of the same SELECT use, found in the same way.
        let mut laterals = BTreeSet::new();
        let plan = loop {
            let mut statement = original.clone();
            Rewriter::new(self, setting, overlay, &substituted).with_laterals(&laterals).apply(&mut statement)?;
            let planned = state.statement_to_plan(Statement::Statement(Box::new(statement))).await;
            match planned {
                Ok(plan) => break plan,
                Err(error) if expand::structure(&error).is_some() => {
                    let path = expand::structure(&error).unwrap_or_default();
                    // Boxed, since the type of a value is found by planning it.
                    if !Box::pin(expand::members(self, &mut original, &path, setting, overlay)).await {
                        return Err(errors::of_query(&error, &names));
                    }
                    names = names::Names::of(&original);
                }
                Err(error) => match missing_column(&error) {
                    Some((block, name))
                        if block.is_empty()
                            && names.aliases.get(&name) == Some(&1)
                            && laterals.insert(name.clone()) => {}
                    Some((block, name))
                        if setting.variable(&block, &name).is_some()
                            && substituted.insert((block.clone(), name.clone())) => {}
                    _ => return Err(errors::of_query(&error, &names)),
                },
            }
        };
        depth::check_plan(&plan)?;
        super::only_what_stays_inside(&plan)?;
        Ok(Planned { plan, names, session })
    }

    /// A view as the engine reads it: its query, with the names of its columns.
    pub(super) async fn view(&self, view: &View, overlay: &Overlay) -> Result<Arc<dyn TableProvider>> {
        let setting = Setting { catalog: view.catalog.clone(), schema: view.schema.clone(), ..Setting::default() };
        let seen = if view.temporary {
            overlay.clone()
        } else {
            // Of what the statement has beside the store, only files.
            let files = overlay.extra.rows.iter().filter(|(name, _)| name.starts_with(files::PREFIX));
            let rows = files.map(|(name, rows)| (name.clone(), Arc::clone(rows))).collect();
            Overlay { extra: Arc::new(Extra { rows, ..Extra::default() }), ..overlay.clone() }
        };
        let planned = self.plan(&view.text, &setting, &seen).await.map_err(errors::carried)?;
        let plan = clocks::read(planned.plan, view, overlay)?;
        if plan.schema().columns().len() != view.columns.len() {
            return Err(errors::carried(Failure::class(
                "INCOMPATIBLE_VIEW_SCHEMA_CHANGE",
                "The SQL query of the view has an incompatible schema change. Please try to re-create the view.",
                "51024",
            )));
        }
        let plan = titled(plan, view.columns.iter().map(|shown| shown.name.as_str()))?;
        Ok(Arc::new(ViewTable::new(plan, Some(view.text.clone()))))
    }

    /// A table with a row filter or column masks as its readers see it.
    pub(super) async fn guarded(
        &self,
        name: &Name,
        state: &TableState,
        overlay: &Overlay,
    ) -> Result<Arc<dyn TableProvider>> {
        let text = guard::query(&self.store, name, state, None).map_err(errors::carried)?;
        let rows = guard::raw(&Rows::of(state), 0).map_err(errors::carried)?;
        let rows = [(guard::RAW.to_owned(), Arc::new(rows))].into();
        let seen = Overlay { extra: Arc::new(Extra { rows, ..Extra::default() }), ..overlay.clone() };
        let setting = Setting { catalog: name.catalog.clone(), schema: name.schema.clone(), ..Setting::default() };
        let planned = self.plan(&text, &setting, &seen).await.map_err(errors::carried)?;
        let plan = titled(planned.plan, state.columns.iter().map(|column| column.name.as_str()))?;
        Ok(Arc::new(ViewTable::new(plan, None)))
    }
}

/// The columns of a plan under other names.
fn titled<'n>(plan: LogicalPlan, names: impl Iterator<Item = &'n str>) -> Result<LogicalPlan> {
    let fields = plan.schema().columns();
    let columns = fields.into_iter().zip(names).map(|(column, name)| {
        let spelled = FieldMetadata::from(HashMap::from([(SPELLING.to_owned(), name.to_owned())]));
        Expr::Column(column).alias_with_metadata(name.to_lowercase(), Some(spelled))
    });
    LogicalPlanBuilder::from(plan).project(columns.collect::<Vec<_>>())?.build()
}

/// The name that no column has, with the one in front of it, which is empty if there is none.
fn missing_column(error: &DataFusionError) -> Option<(String, String)> {
    let DataFusionError::SchemaError(error, _) = error.find_root() else { return None };
    let SchemaError::FieldNotFound { field, .. } = error.as_ref() else { return None };
    let block = match &field.relation {
        None => String::new(),
        Some(TableReference::Bare { table }) => table.to_lowercase(),
        // The last name is that of a member.
        Some(TableReference::Partial { schema, table }) => return Some((schema.to_lowercase(), table.to_lowercase())),
        Some(TableReference::Full { .. }) => return None,
    };
    Some((block, field.name.to_lowercase()))
}

/// The full name of rows that a statement has read.
pub(super) fn rows_name(name: &str) -> String {
    format!("`{LOCAL}`.`{}`.`{name}`", super::store::providers::ROWS)
}
