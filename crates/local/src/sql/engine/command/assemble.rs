//! Rows on their way into a table: types, defaults, numbers that count up, generated values, constraints.

use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef};
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::super::core::rows_name;
use super::super::errors;
use super::super::scope::{Named, Read, Scope};
use super::super::spark::value::{V, build, read};
use super::super::spark::{cast, text, types};
use super::super::store::Name;
use super::super::store::table::{Column, Constraint, Rows, TableState};
use crate::sql::Failure;

/// Where the values of a column come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A column of the rows.
    Given(usize),
    /// Not given: the default, the next number, or NULL.
    Absent,
}

/// The rows of a query as rows of the table, ready to be added; numbers that count up move on in `state`.
pub(super) async fn rows(
    scope: &Scope<'_>,
    name: &Name,
    state: &mut TableState,
    source: &Read,
    sources: &[Source],
) -> Result<Vec<RecordBatch>, Failure> {
    let failed = |e| errors::failure(&e);
    let schema = state.schema();
    let count = source.rows();
    let given = source.provider()?;
    let joined =
        datafusion::arrow::compute::concat_batches(&given.schema, &given.batches).map_err(|e| failed(e.into()))?;
    let mut arrays: Vec<Option<ArrayRef>> = Vec::new();
    for (position, from) in sources.iter().enumerate() {
        let column = &state.columns[position];
        let made = match from {
            Source::Given(at) => {
                if column.identity.as_ref().is_some_and(|i| i.always) {
                    return Err(Failure::class(
                        "DELTA_IDENTITY_COLUMNS_EXPLICIT_INSERT_NOT_SUPPORTED",
                        &format!(
                            "Providing values for GENERATED ALWAYS AS IDENTITY column {} is not supported.",
                            column.name
                        ),
                        "42808",
                    ));
                }
                Some(assign(joined.column(*at), &source.kinds[*at], column, name)?)
            }
            Source::Absent if column.identity.is_some() => Some(numbers(&mut state.columns[position], count)?),
            Source::Absent if column.generated.is_some() => None,
            Source::Absent => match &column.default {
                Some(default) => Some(defaults(scope, default, column, name, count).await?),
                None if !column.nullable => {
                    return Err(Failure::class(
                        "DELTA_MISSING_NOT_NULL_COLUMN_VALUE",
                        &format!(
                            "Column {}, which has a NOT NULL constraint, is missing from the data being written into the table.",
                            column.name
                        ),
                        "23502",
                    ));
                }
                None => Some(build(&column.kind, &vec![V::Null; count]).map_err(failed)?),
            },
        };
        arrays.push(made);
    }
    let filled: Vec<ArrayRef> = arrays
        .iter()
        .zip(&state.columns)
        .map(|(a, c)| match a {
            Some(a) => Ok(Arc::clone(a)),
            None => build(&c.kind, &vec![V::Null; count]),
        })
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    let batch = RecordBatch::try_new_with_options(schema, filled, &options).map_err(|e| failed(e.into()))?;
    let absent: Vec<usize> =
        arrays.iter().enumerate().filter(|(_, a)| a.is_none()).map(|(position, _)| position).collect();
    let batch = generate(scope, name, state, batch, &absent).await?;
    check(scope, state, &batch).await?;
    Ok(vec![batch])
}

/// Values of one type as values of a column.
pub(super) fn assign(array: &ArrayRef, from: &DataType, column: &Column, table: &Name) -> Result<ArrayRef, Failure> {
    if from == &column.kind && column.length.is_none() {
        return Ok(Arc::clone(array));
    }
    let values: Vec<V> = (0..array.len()).map(|row| read(array, row)).collect();
    build(&column.kind, &values_of(&values, from, column, table)?).map_err(|e| errors::failure(&e))
}

pub(super) fn values_of(values: &[V], from: &DataType, column: &Column, table: &Name) -> Result<Vec<V>, Failure> {
    storable(from, column, table)?;
    values.iter().map(|v| value(v, from, column)).collect()
}

/// Whether values of a type may be stored in a column at all.
pub(super) fn storable(from: &DataType, column: &Column, table: &Name) -> Result<(), Failure> {
    let to = &column.kind;
    let fits = match (from, to) {
        (a, b) if a == b => true,
        (DataType::Null, _) => true,
        // Strings are read, as in a cast; others are not made numbers or truth values in silence.
        (a, DataType::Boolean) if a.is_numeric() => false,
        (DataType::Boolean, b) if b.is_numeric() => false,
        (a, b) if a.is_numeric() && types::is_time(b) => false,
        (a, b) if types::is_time(a) && b.is_numeric() => false,
        (a, DataType::Binary) if a.is_numeric() => false,
        (a, b) => cast::possible(a, b),
    };
    if fits {
        return Ok(());
    }
    Err(Failure::class(
        "INCOMPATIBLE_DATA_FOR_TABLE.CANNOT_SAFELY_CAST",
        &format!(
            "Cannot write incompatible data for the table {}: Cannot safely cast `{}` \"{}\" to \"{}\".",
            table.quoted(),
            column.name,
            types::name(from),
            types::name(to)
        ),
        "KD000",
    ))
}

fn value(v: &V, from: &DataType, column: &Column) -> Result<V, Failure> {
    let cast = cast::cast(v, from, &column.kind).map_err(|e| {
        let failure = errors::failure(&e);
        if from.is_numeric() && failure.sql_state.as_deref() == Some("22003") {
            return Failure::class(
                "CAST_OVERFLOW_IN_TABLE_INSERT",
                &format!(
                    "Fail to assign a value of \"{}\" type to the \"{}\" type column or variable `{}` due to an overflow. Use \
                     `try_cast` on the input value to tolerate overflow and return NULL instead.",
                    types::name(from),
                    types::name(&column.kind),
                    column.name
                ),
                "22003",
            );
        }
        failure
    })?;
    let (Some((length, filled)), V::Str(s)) = (column.length, &cast) else { return Ok(cast) };
    let count = s.chars().count();
    if count > length && s.chars().skip(length).any(|c| c != ' ') {
        return Err(Failure::class(
            "DELTA_EXCEED_CHAR_VARCHAR_LIMIT",
            &format!(
                "Value \"{s}\" exceeds char/varchar type length limitation. Failed check: length({}) <= {length}.",
                column.name
            ),
            "22001",
        ));
    }
    let cut: String = s.chars().take(length).collect();
    Ok(V::Str(if filled { format!("{cut:<length$}") } else { cut }))
}

fn numbers(column: &mut Column, count: usize) -> Result<ArrayRef, Failure> {
    let Some(identity) = &mut column.identity else { return Err(Failure::internal("the column counts nothing")) };
    let mut values = Vec::with_capacity(count);
    for _ in 0..count {
        values.push(V::Int(identity.next));
        identity.next = identity.next.checked_add(identity.step).ok_or_else(|| {
            Failure::class("ARITHMETIC_OVERFLOW", "The numbers of the identity column have come to their end.", "22003")
        })?;
    }
    build(&DataType::Int64, &values).map_err(|e| errors::failure(&e))
}

async fn defaults(
    scope: &Scope<'_>,
    default: &str,
    column: &Column,
    table: &Name,
    count: usize,
) -> Result<ArrayRef, Failure> {
    let read = scope.read(&format!("SELECT ({default}) FROM range({count})"), Named::new()).await?;
    let values: Vec<V> = read.values().into_iter().filter_map(|row| row.into_iter().next()).collect();
    let kind = read.kinds.first().cloned().unwrap_or(DataType::Null);
    build(&column.kind, &values_of(&values, &kind, column, table)?).map_err(|e| errors::failure(&e))
}

fn one(name: &str, batch: &RecordBatch) -> Named {
    let rows = Rows { schema: batch.schema(), batches: vec![batch.clone()] };
    [(name.to_owned(), Arc::new(rows))].into()
}

/// Fills in generated columns; those that were given must have the value that is generated.
pub(super) async fn generate(
    scope: &Scope<'_>,
    table: &Name,
    state: &TableState,
    batch: RecordBatch,
    absent: &[usize],
) -> Result<RecordBatch, Failure> {
    let mut arrays = batch.columns().to_vec();
    for (position, column) in state.columns.iter().enumerate() {
        let Some(expression) = &column.generated else { continue };
        let read =
            scope.read(&format!("SELECT ({expression}) FROM {}", rows_name("made")), one("made", &batch)).await?;
        let made: Vec<V> = read.values().into_iter().filter_map(|row| row.into_iter().next()).collect();
        let kind = read.kinds.first().cloned().unwrap_or(DataType::Null);
        let made = build(&column.kind, &values_of(&made, &kind, column, table)?).map_err(|e| errors::failure(&e))?;
        if !absent.contains(&position) {
            let given = &arrays[position];
            let differs = (0..given.len())
                .find(|row| !super::super::spark::value::same(&read_at(given, *row), &read_at(&made, *row)));
            if let Some(row) = differs {
                return Err(not_generated(state, position, &batch, row));
            }
        }
        arrays[position] = made;
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(batch.schema(), arrays, &options).map_err(|e| errors::failure(&e.into()))
}

/// The error of a value that is not the one that its column generates.
pub(super) fn not_generated(state: &TableState, at: usize, batch: &RecordBatch, row: usize) -> Failure {
    let column = &state.columns[at];
    let expression = column.generated.as_deref().unwrap_or_default();
    violated(&format!("Generated Column (`{}` <=> {expression})", column.name), "", state, batch, row)
}

fn read_at(array: &ArrayRef, row: usize) -> V {
    read(array, row)
}

fn violated(name: &str, expression: &str, state: &TableState, batch: &RecordBatch, row: usize) -> Failure {
    let shown: Vec<String> = state
        .columns
        .iter()
        .zip(batch.columns())
        .filter(|(c, _)| expression.is_empty() || expression.to_lowercase().contains(&c.key()))
        .map(|(c, array)| format!(" - {} : {}", c.name, text::text(&read(array, row), &c.kind)))
        .collect();
    let expression = if expression.is_empty() { String::new() } else { format!(" ({expression})") };
    Failure::class(
        "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES",
        &format!("CHECK constraint {name}{expression} violated by row with values:\n{}", shown.join("\n")),
        "23001",
    )
}

/// Checks NOT NULL and CHECK.
pub(super) async fn check(scope: &Scope<'_>, state: &TableState, batch: &RecordBatch) -> Result<(), Failure> {
    if batch.num_rows() == 0 {
        return Ok(());
    }
    for (column, array) in state.columns.iter().zip(batch.columns()) {
        if !column.nullable && array.null_count() > 0 {
            return Err(Failure::class(
                "DELTA_NOT_NULL_CONSTRAINT_VIOLATED",
                &format!("NOT NULL constraint violated for column: {}.", column.name),
                "23502",
            ));
        }
    }
    for (name, constraint) in &state.constraints {
        let Constraint::Check(expression) = constraint else { continue };
        let rows = failing(scope, expression, batch).await?;
        if let Some(row) = rows.first() {
            return Err(violated(name, expression, state, batch, *row));
        }
    }
    Ok(())
}

/// The rows for which a condition is not true.
pub(super) async fn failing(scope: &Scope<'_>, condition: &str, batch: &RecordBatch) -> Result<Vec<usize>, Failure> {
    let read =
        scope.read(&format!("SELECT ({condition}) FROM {}", rows_name("checked")), one("checked", batch)).await?;
    let values = read.values();
    let fails = |row: &Vec<V>| !matches!(row.first(), Some(V::Bool(true)));
    Ok(values.iter().enumerate().filter(|(_, row)| fails(row)).map(|(at, _)| at).collect())
}
