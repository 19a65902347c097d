//! INSERT in its forms.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::record_batch::RecordBatch;

use super::super::core::rows_name;
use super::super::guard;
use super::super::scope::{Listing, Named, Read, Reply, Scope};
use super::super::store::missing::feature;
use super::super::store::operation::Operation;
use super::super::store::table::TableState;
use super::super::store::{Name, quoted};
use super::assemble::{self, Source};
use super::change::{ROW, numbered, only, row_of, together, without};
use super::columns::unresolved;
use super::cursor::Cursor;
use super::{evolve, partition, policies};
use crate::sql::Failure;

/// What goes before the rows are added.
enum Before {
    Nothing,
    Empty,
    /// Rows for which the condition holds go.
    Where(String),
}

pub(super) async fn insert(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let evolves = c.eat("WITH SCHEMA EVOLUTION");
    let mut before = if c.eat("OVERWRITE") {
        Before::Empty
    } else {
        c.expect("INTO")?;
        Before::Nothing
    };
    if c.is("DIRECTORY") || c.is("LOCAL DIRECTORY") {
        return Err(feature("INSERT OVERWRITE DIRECTORY"));
    }
    c.eat("TABLE");
    let parts = c.name()?;
    let partition = if c.eat("PARTITION") { Some(partition::read(c)?) } else { None };
    let (name, table) = scope.table(&parts)?;
    let mut columns = None;
    let mut by_name = false;
    if c.is("(") {
        let mark = c.clone();
        match c.list(Cursor::identifier) {
            Ok(list) => columns = Some(list),
            // A query in brackets.
            Err(_) => c.back_to(&mark),
        }
    }
    if c.eat("BY NAME") {
        by_name = true;
    }
    if c.eat("REPLACE WHERE") {
        before = Before::Where(c.until(&["SELECT", "VALUES", "WITH", "TABLE", "FROM"], false)?.to_owned());
    } else if c.is("REPLACE USING") || c.is("REPLACE ON") {
        return Err(feature("INSERT … REPLACE USING and REPLACE ON"));
    }
    let _writing = table.writer.lock().await;
    let mut state = table.state().as_ref().clone();
    match before {
        Before::Nothing => {}
        Before::Empty => policies::refuse_hidden(&state, "INSERT OVERWRITE")?,
        Before::Where(_) if guard::applies(&state) => {
            return Err(feature("INSERT … REPLACE WHERE of a table with a row filter or column masks"));
        }
        Before::Where(_) => {}
    }
    if let Some(list) = &columns {
        check_list(list, &state)?;
    }
    let mut query = source(c, &state, columns.as_deref())?;
    if let Some(partition) = &partition {
        if by_name || evolves || matches!(before, Before::Where(_)) {
            return Err(feature("INSERT with a PARTITION clause beside BY NAME, REPLACE WHERE or SCHEMA EVOLUTION"));
        }
        if matches!(before, Before::Empty) {
            before = Before::Where(partition.condition()?);
        }
        columns = Some(partition.columns(&state, columns)?);
        query = partition.query(&query);
    }
    let read = scope.read(&query, Named::new()).await?;
    if evolves {
        evolve(&name, &mut state, &read, columns.as_deref(), by_name)?;
    }
    let evolved = state.schema() != table.state().schema();
    let sources = sources(&name, &state, &read, columns.as_deref(), by_name)?;
    let made = assemble::rows(scope, &name, &mut state, &read, &sources).await?;
    let mut operation = Operation::write("Overwrite", read.rows());
    match before {
        Before::Nothing => operation = Operation::write("Append", read.rows()),
        Before::Empty => state.batches.clear(),
        Before::Where(condition) => {
            let removed = replaced(scope, &name, &mut state, &made, &condition).await?;
            operation = operation.where_(Some(&condition)).feeding("delete", removed);
            for batch in &made {
                operation = operation.feeding("insert", batch.clone());
            }
        }
    }
    if evolved && operation.feed.is_empty() && !state.batches.is_empty() {
        // Files that are there are written anew with the new columns.
        for batch in &made {
            operation = operation.feeding("insert", batch.clone());
        }
    }
    state.batches.extend(made);
    table.commit(state, &scope.change(operation))?;
    Ok(Listing::counts(&[("num_affected_rows", read.rows()), ("num_inserted_rows", read.rows())]))
}

/// Gives the table the columns that the rows have and it lacks: by name, or behind its own.
fn evolve(
    name: &Name,
    state: &mut TableState,
    read: &Read,
    columns: Option<&[String]>,
    by_name: bool,
) -> Result<(), Failure> {
    let width = state.columns.len();
    let added: Vec<usize> = match columns {
        _ if by_name => evolve::lacking(state, read),
        // The list names columns that are there.
        Some(_) => Vec::new(),
        None => (width..read.names.len()).collect(),
    };
    let given: Vec<(usize, DataType)> = (0..read.names.len())
        .filter_map(|at| {
            let column = match columns {
                _ if by_name => state.position(&read.names[at])?,
                Some(list) => state.position(list.get(at)?)?,
                None => Some(at).filter(|at| *at < width)?,
            };
            Some((column, read.kinds[at].clone()))
        })
        .collect();
    let added: Vec<(String, DataType)> =
        added.into_iter().map(|at| (read.names[at].clone(), read.kinds[at].clone())).collect();
    evolve::widen(state, &given, name)?;
    evolve::add(state, &added)
}

fn check_list(list: &[String], state: &TableState) -> Result<(), Failure> {
    for (at, column) in list.iter().enumerate() {
        if state.position(column).is_none() {
            return Err(unresolved(column, state));
        }
        if list[..at].iter().any(|other| other.eq_ignore_ascii_case(column)) {
            return Err(Failure::class(
                "COLUMN_ALREADY_EXISTS",
                &format!(
                    "The column {} already exists. Choose another name or rename the existing column.",
                    quoted(&[column])
                ),
                "42711",
            ));
        }
    }
    Ok(())
}

/// The text of the query; `DEFAULT` in VALUES is the default of its column.
fn source(c: &mut Cursor<'_>, state: &TableState, columns: Option<&[String]>) -> Result<String, Failure> {
    if c.eat("DEFAULT VALUES") {
        return Err(c.error());
    }
    if c.eat("TABLE") {
        return Ok(format!("SELECT * FROM {}", c.rest()?));
    }
    if !c.is("VALUES") {
        return Ok(c.rest()?.to_owned());
    }
    let mark = c.clone();
    c.eat("VALUES");
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut defaults = false;
    loop {
        let mut row = Vec::new();
        if c.eat("(") {
            loop {
                let text = c.until(&[], true)?;
                let at = match columns {
                    Some(list) => list.get(row.len()).and_then(|n| state.position(n)),
                    None => Some(row.len()),
                };
                if text.eq_ignore_ascii_case("default") {
                    defaults = true;
                    let default = at.and_then(|at| state.columns.get(at)).and_then(|c| c.default.clone());
                    row.push(default.map_or_else(|| "NULL".to_owned(), |d| format!("({d})")));
                } else {
                    row.push(text.to_owned());
                }
                if !c.eat(",") {
                    break;
                }
            }
            c.expect(")")?;
        } else {
            row.push(c.until(&[], true)?.to_owned());
        }
        rows.push(row);
        if !c.eat(",") {
            break;
        }
    }
    if !defaults || !c.at_end() {
        c.back_to(&mark);
        return Ok(c.rest()?.to_owned());
    }
    let rows: Vec<_> = rows.into_iter().map(|r| format!("({})", r.join(", "))).collect();
    Ok(format!("VALUES {}", rows.join(", ")))
}

/// Where each column of the table takes its values from.
fn sources(
    name: &Name,
    state: &TableState,
    read: &Read,
    columns: Option<&[String]>,
    by_name: bool,
) -> Result<Vec<Source>, Failure> {
    let mut sources = vec![Source::Absent; state.columns.len()];
    if by_name {
        for (at, given) in read.names.iter().enumerate() {
            let position = state.position(given).ok_or_else(|| {
                Failure::class(
                    "INCOMPATIBLE_DATA_FOR_TABLE.EXTRA_COLUMNS",
                    &format!(
                        "Cannot write incompatible data for the table {}: Cannot write extra columns `{given}`.",
                        name.quoted()
                    ),
                    "KD000",
                )
            })?;
            if sources[position] != Source::Absent {
                let text = format!(
                    "Cannot write incompatible data for the table {}: Ambiguous column name in the input data `{given}`.",
                    name.quoted()
                );
                return Err(Failure::class("INCOMPATIBLE_DATA_FOR_TABLE.AMBIGUOUS_COLUMN_NAME", &text, "KD000"));
            }
            sources[position] = Source::Given(at);
        }
        return Ok(sources);
    }
    let wanted: Vec<usize> = match columns {
        Some(list) => list.iter().filter_map(|n| state.position(n)).collect(),
        // Columns that make their values themselves are left out if the rows are too short for them.
        None => {
            let all: Vec<usize> = (0..state.columns.len()).collect();
            let plain: Vec<usize> = all
                .iter()
                .copied()
                .filter(|at| state.columns[*at].generated.is_none() && state.columns[*at].identity.is_none())
                .collect();
            if plain.len() == read.names.len() { plain } else { all }
        }
    };
    if wanted.len() != read.names.len() {
        let class = if read.names.len() < wanted.len() { "NOT_ENOUGH_DATA_COLUMNS" } else { "TOO_MANY_DATA_COLUMNS" };
        let reason = class.to_lowercase().replace('_', " ");
        let list = |names: Vec<&str>| names.into_iter().map(|n| quoted(&[n])).collect::<Vec<_>>().join(", ");
        return Err(Failure::class(
            &format!("INSERT_COLUMN_ARITY_MISMATCH.{class}"),
            &format!(
                "Cannot write to {}, the reason is {reason}:\nTable columns: {}.\nData columns: {}.",
                name.quoted(),
                list(wanted.iter().map(|at| state.columns[*at].name.as_str()).collect()),
                list(read.names.iter().map(String::as_str).collect())
            ),
            "21S01",
        ));
    }
    for (at, position) in wanted.into_iter().enumerate() {
        sources[position] = Source::Given(at);
    }
    Ok(sources)
}

/// Takes the rows out that a condition holds for, and gives them; the new ones must fulfil it too.
async fn replaced(
    scope: &Scope<'_>,
    name: &Name,
    state: &mut TableState,
    made: &[RecordBatch],
    condition: &str,
) -> Result<RecordBatch, Failure> {
    for batch in made {
        if !assemble::failing(scope, condition, batch).await?.is_empty() {
            return Err(Failure::class(
                "DELTA_REPLACE_WHERE_MISMATCH",
                &format!(
                    "Written data does not conform to partial table overwrite condition or constraint '{condition}'."
                ),
                "44000",
            ));
        }
    }
    let batch = together(state)?;
    let rows: Named = [("kept".to_owned(), Arc::new(numbered(&batch, ROW, None)?))].into();
    let text = format!("SELECT {ROW} FROM {} AS {} WHERE ({condition})", rows_name("kept"), quoted(&[&name.object]));
    let gone: BTreeMap<usize, ()> =
        scope.read(&text, rows).await?.values().iter().map(|row| (row_of(row.first()), ())).collect();
    let removed: Vec<usize> = gone.keys().copied().collect();
    state.batches = vec![without(&batch, &gone)?];
    only(&batch, &removed)
}
