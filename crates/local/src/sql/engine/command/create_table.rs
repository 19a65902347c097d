//! CREATE TABLE in its forms: columns, from a query, like another table, as a copy of one.

use std::sync::Arc;

use super::super::scope::{Listing, Named, Read, Reply, Scope};
use super::super::store::missing::{self, feature};
use super::super::store::operation::Operation;
use super::super::store::table::{Column, Constraint, Table, TableState, retitled};
use super::super::store::{Name, Relation};
use super::super::{errors, guard};
use super::cursor::Cursor;
use super::{columns, expressions, policies, properties, version};
use crate::sql::{Failure, LOCATION};

/// What is done if there is a table of that name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum There {
    Refuse,
    Keep,
    Replace { needed: bool },
}

pub(super) async fn create(
    scope: &Scope<'_>,
    c: &mut Cursor<'_>,
    replace: bool,
    temporary: bool,
) -> Result<Reply, Failure> {
    if temporary {
        return Err(feature("temporary tables; make a temporary view"));
    }
    let there = if c.eat("IF NOT EXISTS") {
        There::Keep
    } else if replace {
        There::Replace { needed: false }
    } else {
        There::Refuse
    };
    define(scope, c, there).await
}

/// `REPLACE TABLE`: the table has to be there.
pub(super) async fn replace(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    define(scope, c, There::Replace { needed: true }).await
}

async fn define(scope: &Scope<'_>, c: &mut Cursor<'_>, there: There) -> Result<Reply, Failure> {
    let parts = c.name()?;
    let name = scope.resolve(&parts)?;
    let mut state = TableState { about: scope.about(), ..TableState::default() };
    if c.eat("LIKE") {
        let (_, source) = scope.relation(&c.name()?)?;
        state.columns = columns_like(&source)?;
        if let Relation::Table(table) = &source {
            let other = table.state();
            if guard::applies(&other) {
                return Err(feature("CREATE TABLE … LIKE a table with a row filter or column masks; name the columns"));
            }
            state.partitions.clone_from(&other.partitions);
            state.clusters.clone_from(&other.clusters);
            state.about.properties.clone_from(&other.about.properties);
            state.about.properties.remove(LOCATION);
            let checks = other.constraints.iter().filter(|(_, c)| matches!(c, Constraint::Check(_)));
            state.constraints = checks.map(|(name, check)| (name.clone(), check.clone())).collect();
            state.about.comment.clone_from(&other.about.comment);
        }
        properties::clauses(c, &mut state)?;
        c.done()?;
        return put(scope, &name, state, there, "").await;
    }
    let shallow = c.eat("SHALLOW CLONE");
    if shallow || c.eat("DEEP CLONE") || c.eat("CLONE") {
        let (of, source) = scope.table(&c.name()?)?;
        if let Some(rights) = &scope.rights {
            rights.may_read(&scope.core.store, &of)?;
        }
        guard::refuse_clone(&of, &source.state(), "SOURCE")?;
        let about = state.about;
        let (found, size) = version::state(scope, c, &source).await?;
        state = found.as_ref().clone();
        state.filter = None;
        state.columns.iter_mut().for_each(|column| column.mask = None);
        state.about = super::super::store::About {
            properties: state.about.properties.clone(),
            comment: state.about.comment.clone(),
            ..about
        };
        properties::clauses(c, &mut state)?;
        c.done()?;
        let before = scope.core.store.relation(&name);
        if there == There::Keep && before.is_some() {
            return Ok(Reply::Nothing);
        }
        let removed = match &before {
            Some(Relation::Table(table)) => version::size(table),
            _ => None,
        };
        put(scope, &name, state, there, "CLONE").await?;
        let (Some((files, bytes)), (gone, gone_bytes)) = (size, removed.unwrap_or_default()) else {
            return Ok(Reply::Nothing);
        };
        return Ok(Listing::counts(&[
            ("source_table_size", bytes),
            ("source_num_of_files", files),
            ("num_removed_files", gone),
            ("num_copied_files", if shallow { 0 } else { files }),
            ("removed_files_size", gone_bytes),
            ("copied_files_size", if shallow { 0 } else { bytes }),
        ]));
    }
    let mut titles = None;
    if c.is("(") {
        let before = c.clone();
        // Names alone belong to a query.
        let names = c.list(Cursor::identifier).ok();
        if names.is_some() && !c.at_end() {
            titles = names;
        } else {
            c.back_to(&before);
            let mut constraints = std::collections::BTreeMap::new();
            let all = c.list(|c| {
                if ["CONSTRAINT", "PRIMARY KEY", "FOREIGN KEY", "CHECK ("].iter().any(|w| c.is(w)) {
                    let (name, constraint) = columns::constraint(c, None, constraints.len())?;
                    columns::add(&mut constraints, name, constraint)?;
                    return Ok(None);
                }
                columns::column(c, &mut constraints).map(Some)
            })?;
            state.columns = all.into_iter().flatten().collect();
            state.constraints = constraints;
        }
    }
    properties::clauses(c, &mut state)?;
    let query = if c.eat("AS") || ["SELECT", "WITH", "VALUES", "FROM", "("].iter().any(|w| c.is(w)) {
        Some(c.rest()?)
    } else {
        None
    };
    c.done()?;
    // A table that is there already is kept without a look at the query.
    if there == There::Keep && scope.core.store.relation(&name).is_some() {
        return Ok(Reply::Nothing);
    }
    scope.core.store.schema(&name.catalog, &name.schema, |_| ())?;
    let Some(query) = query else {
        columns::check(scope, &mut state)?;
        state_policies(scope, &name, &mut state).await?;
        expressions::check(scope, &state).await?;
        return put(scope, &name, state, there, "").await;
    };
    if !state.columns.is_empty() {
        return Err(Failure::class(
            "UNSUPPORTED_FEATURE.SCHEMA_FOR_CTAS",
            "Schema may not be specified in a Create Table As Select (CTAS) statement.",
            "42601",
        ));
    }
    let read = scope.read(query, Named::new()).await?;
    let names = titles.unwrap_or_else(|| read.names.clone());
    if names.len() != read.names.len() {
        return Err(arity(&name, names.len(), read.names.len()));
    }
    state.columns = names.iter().zip(&read.kinds).map(|(n, k)| Column::new(n, k.clone())).collect();
    if let Some(at) = read.kinds.iter().position(|k| k == &datafusion::arrow::datatypes::DataType::Null) {
        return Err(Failure::class(
            "DELTA_UNSUPPORTED_DATA_TYPES",
            &format!("Found columns using unsupported data types: [{}: VoidType].", names[at]),
            "0AKDC",
        ));
    }
    columns::check(scope, &mut state)?;
    state_policies(scope, &name, &mut state).await?;
    state.batches = renamed(&read, &state)?;
    put(scope, &name, state, there, " AS SELECT").await
}

/// Checks the filter and the masks that the table is made with.
async fn state_policies(scope: &Scope<'_>, name: &Name, state: &mut TableState) -> Result<(), Failure> {
    let filter = state.filter.take();
    policies::set_masks(scope, name, state, |_| true).await?;
    match filter {
        Some(filter) => policies::set_filter(scope, name, state, filter).await,
        None => Ok(()),
    }
}

fn arity(name: &Name, wanted: usize, got: usize) -> Failure {
    let class = if got < wanted { "NOT_ENOUGH_DATA_COLUMNS" } else { "TOO_MANY_DATA_COLUMNS" };
    Failure::class(
        &format!("CREATE_TABLE_COLUMN_LIST_MISMATCH.{class}"),
        &format!("Cannot create {}: it has {wanted} names of columns and its query gives {got}.", name.quoted()),
        "21S01",
    )
}

fn renamed(read: &Read, state: &TableState) -> Result<Vec<datafusion::arrow::record_batch::RecordBatch>, Failure> {
    let schema = state.schema();
    read.batches.iter().map(|b| retitled(b, &schema).map_err(|e| errors::failure(&e))).collect()
}

fn columns_like(source: &Relation) -> Result<Vec<Column>, Failure> {
    match source {
        Relation::Table(table) => Ok(table.state().columns.clone()),
        Relation::View(view) => view
            .columns
            .iter()
            .map(|c| {
                let mut column = columns::typed(&c.name, &c.kind)?;
                column.comment.clone_from(&c.comment);
                Ok(column)
            })
            .collect(),
    }
}

/// `form` is what the history says behind CREATE TABLE, or `CLONE`.
async fn put(scope: &Scope<'_>, name: &Name, state: TableState, there: There, form: &str) -> Result<Reply, Failure> {
    let replaces = matches!(there, There::Replace { .. });
    let operation = match (form, there) {
        ("CLONE", _) => "CLONE",
        (" AS SELECT", There::Replace { needed: true }) => "REPLACE TABLE AS SELECT",
        (" AS SELECT", There::Replace { .. }) => "CREATE OR REPLACE TABLE AS SELECT",
        (" AS SELECT", _) => "CREATE TABLE AS SELECT",
        (_, There::Replace { needed: true }) => "REPLACE TABLE",
        (_, There::Replace { .. }) => "CREATE OR REPLACE TABLE",
        _ => "CREATE TABLE",
    };
    let change = || {
        let rows = state.rows();
        let operation = Operation { blind: !replaces, ..Operation::new(operation) };
        let operation = operation
            .with("isManaged", "true")
            .with("description", state.about.comment.clone().unwrap_or_default())
            .with("partitionBy", "[]")
            .with("properties", serde_json::json!(state.about.properties).to_string());
        scope.change(if rows > 0 { operation.counting("numOutputRows", rows) } else { operation })
    };
    let store = &scope.core.store;
    loop {
        match (store.relation(name), there) {
            (Some(_), There::Keep) => return Ok(Reply::Nothing),
            (Some(_), There::Refuse) => return Err(missing::table_exists(name)),
            (Some(Relation::View(_)), There::Replace { .. }) => return Err(missing::not_a_table(name)),
            (Some(Relation::Table(table)), There::Replace { .. }) => {
                let _writing = table.writer.lock().await;
                // It may have been dropped while others wrote.
                let same =
                    |found: Option<Relation>| matches!(found, Some(Relation::Table(t)) if Arc::ptr_eq(&t, &table));
                if same(store.relation(name)) {
                    let mut state = state.clone();
                    let before = table.state();
                    if form == "CLONE" {
                        guard::refuse_clone(name, &before, "TARGET")?;
                    }
                    policies::inherit(&mut state, &before);
                    policies::refuse_checks(name, &state)?;
                    table.commit(state, &change())?;
                    return Ok(Reply::Nothing);
                }
                continue;
            }
            (None, There::Replace { needed: true }) => {
                return Err(missing::table(&[&name.catalog, &name.schema, &name.object]));
            }
            (None, _) => {}
        }
        store.schema(&name.catalog, &name.schema, |_| ())?;
        let table = Arc::new(Table::create(state.clone(), &change())?);
        let made = store.change_schema(&name.catalog, &name.schema, |schema| {
            // Others may have made one of that name meanwhile: then all begins anew.
            let free = !schema.relations.contains_key(&name.object);
            if free {
                schema.relations.insert(name.object.clone(), Relation::Table(Arc::clone(&table)));
            }
            Ok(free)
        })?;
        if made {
            return Ok(Reply::Nothing);
        }
    }
}
