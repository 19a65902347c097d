//! UPDATE, DELETE and TRUNCATE.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, BooleanArray, Int64Array, UInt64Array};
use datafusion::arrow::compute::{concat_batches, filter_record_batch, take_record_batch};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::super::core::rows_name;
use super::super::scope::{Listing, Named, Reply, Scope};
use super::super::spark::types;
use super::super::spark::value::{V, build, read};
use super::super::store::operation::Operation;
use super::super::store::table::{Column, Rows, TableState, retitled};
use super::super::store::{Name, quoted};
use super::super::{errors, guard};
use super::assemble;
use super::columns::unresolved;
use super::cursor::Cursor;
use super::{expressions, policies};
use crate::sql::Failure;

/// The column of a snapshot that counts its rows.
pub(super) const ROW: &str = "__row";

pub(super) fn arrow(error: ArrowError) -> Failure {
    errors::failure(&error.into())
}

/// All rows of a table as one batch.
pub(super) fn together(state: &TableState) -> Result<RecordBatch, Failure> {
    concat_batches(&state.schema(), &state.batches).map_err(arrow)
}

/// Rows with their numbers in front.
pub(super) fn numbered(batch: &RecordBatch, column: &str, numbers: Option<&[usize]>) -> Result<Rows, Failure> {
    let mut fields = vec![Arc::new(Field::new(column, DataType::Int64, false))];
    fields.extend(batch.schema().fields().iter().cloned());
    let schema = Arc::new(Schema::new(fields));
    let ids: Int64Array = match numbers {
        Some(numbers) => numbers.iter().map(|n| i64::try_from(*n).unwrap_or(i64::MAX)).collect(),
        None => (0..i64::try_from(batch.num_rows()).unwrap_or(i64::MAX)).collect(),
    };
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(ids)];
    arrays.extend(batch.columns().iter().cloned());
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(arrow)?;
    Ok(Rows { schema, batches: vec![batch] })
}

/// The rows of a table with their numbers in front, as the statement sees them.
pub(super) async fn seen(
    scope: &Scope<'_>,
    name: &Name,
    state: &TableState,
    batch: &RecordBatch,
) -> Result<Rows, Failure> {
    let all = numbered(batch, ROW, None)?;
    if !guard::applies(state) {
        return Ok(all);
    }
    let text = guard::query(&scope.core.store, name, state, Some(ROW))?;
    let rows: Named = [(guard::RAW.to_owned(), Arc::new(guard::raw(&all, 1)?))].into();
    let read = policies::apart(scope).read(&text, rows).await?;
    let fields = all.schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let batches = read.batches.iter().map(|batch| retitled(batch, &schema)).collect::<Result<_, _>>();
    Ok(Rows { batches: batches.map_err(|e| errors::failure(&e))?, schema })
}

pub(super) fn row_of(v: Option<&V>) -> usize {
    v.and_then(|v| usize::try_from(v.i()).ok()).unwrap_or(usize::MAX)
}

/// The rows without those of the numbers.
pub(super) fn without(batch: &RecordBatch, gone: &BTreeMap<usize, ()>) -> Result<RecordBatch, Failure> {
    let keep: BooleanArray = (0..batch.num_rows()).map(|row| Some(!gone.contains_key(&row))).collect();
    filter_record_batch(batch, &keep).map_err(arrow)
}

/// The rows of the numbers alone.
pub(super) fn only(batch: &RecordBatch, rows: &[usize]) -> Result<RecordBatch, Failure> {
    let rows: UInt64Array = rows.iter().map(|n| *n as u64).collect();
    take_record_batch(batch, &rows).map_err(arrow)
}

/// New values of columns by the number of their row.
pub(super) type Changes = BTreeMap<usize, BTreeMap<usize, V>>;

/// Puts the new values in, and checks the rows that have changed.
pub(super) async fn apply(
    scope: &Scope<'_>,
    name: &Name,
    state: &TableState,
    batch: &RecordBatch,
    changes: &Changes,
) -> Result<RecordBatch, Failure> {
    let mut arrays = batch.columns().to_vec();
    let touched: std::collections::BTreeSet<usize> = changes.values().flat_map(|c| c.keys().copied()).collect();
    for column in touched {
        let old = &arrays[column];
        let values: Vec<V> = (0..old.len())
            .map(|row| match changes.get(&row).and_then(|c| c.get(&column)) {
                Some(new) => new.clone(),
                None => read(old, row),
            })
            .collect();
        arrays[column] = build(&state.columns[column].kind, &values).map_err(|e| errors::failure(&e))?;
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let changed = RecordBatch::try_new_with_options(batch.schema(), arrays, &options).map_err(arrow)?;
    let absent: Vec<usize> =
        state.columns.iter().enumerate().filter(|(_, c)| c.generated.is_some()).map(|(at, _)| at).collect();
    let changed =
        if absent.is_empty() { changed } else { assemble::generate(scope, name, state, changed, &absent).await? };
    // What a statement states of a generated column must be what is generated.
    for (row, values) in changes {
        for (at, given) in values.iter().filter(|(at, _)| absent.contains(at)) {
            if !super::super::spark::value::same(given, &read(changed.column(*at), *row)) {
                return Err(assemble::not_generated(state, *at, &changed, *row));
            }
        }
    }
    let rows: Vec<usize> = changes.keys().copied().collect();
    assemble::check(scope, state, &only(&changed, &rows)?).await?;
    Ok(changed)
}

/// `a = e, b = DEFAULT`: positions of columns and texts of their values.
pub(super) fn assignments(
    c: &mut Cursor<'_>,
    state: &TableState,
    names: &[String],
    ends: &[&str],
) -> Result<Vec<(usize, String)>, Failure> {
    let mut all: Vec<(usize, String)> = Vec::new();
    loop {
        let mut parts = c.name()?;
        if parts.len() > 1 && names.iter().any(|n| n.eq_ignore_ascii_case(&parts[0])) {
            parts.remove(0);
        }
        let [column] = parts.as_slice() else {
            return Err(super::super::store::missing::feature("assignments to members of structures"));
        };
        let at = state.position(column).ok_or_else(|| unresolved(column, state))?;
        let target = &state.columns[at];
        if target.identity.is_some() {
            return Err(Failure::class(
                "DELTA_IDENTITY_COLUMNS_UPDATE_NOT_SUPPORTED",
                &format!("UPDATE on IDENTITY column {} is not supported.", target.name),
                "42808",
            ));
        }
        c.expect("=")?;
        let text = c.until(ends, true)?;
        let text = if text.eq_ignore_ascii_case("default") {
            target.default.clone().unwrap_or_else(|| "NULL".to_owned())
        } else {
            text.to_owned()
        };
        if all.iter().any(|(other, _)| *other == at) {
            return Err(Failure::class(
                "DELTA_CONFLICT_SET_COLUMN",
                &format!("There is a conflict from these SET columns: `{}`.", target.name),
                "42701",
            ));
        }
        all.push((at, text));
        if !c.eat(",") {
            return Ok(all);
        }
    }
}

/// The alias behind a table, or its own name.
pub(super) fn alias(c: &mut Cursor<'_>, name: &Name, words: &[&str]) -> Result<String, Failure> {
    if c.eat("AS") || !(c.at_end() || words.iter().any(|w| c.is(w))) {
        return c.identifier();
    }
    Ok(name.object.clone())
}

/// An overflow has another class where rows are changed than where they are inserted.
pub(super) fn overflow(failure: Failure, from: &DataType, column: &Column) -> Failure {
    if !failure.message.starts_with("[CAST_OVERFLOW_IN_TABLE_INSERT]") {
        return failure;
    }
    let text = format!(
        "Failed to write a value of {} type into the {} type column {} due to an overflow. Use `try_cast` on the input value to \
         tolerate overflow and return NULL instead.",
        types::name(from),
        types::name(&column.kind),
        quoted(&[&column.name])
    );
    Failure::class("DELTA_CAST_OVERFLOW_IN_TABLE_WRITE", &text, "22003")
}

/// Refuses conditions on rows that hold for other rows each time.
fn check_condition(condition: Option<&str>) -> Result<(), Failure> {
    let Some(condition) = condition.filter(|text| expressions::is_random(text)) else { return Ok(()) };
    let text = format!(
        "The operator expects a deterministic expression, but the actual expression is \"({})\".",
        condition.trim()
    );
    Err(Failure::class("INVALID_NON_DETERMINISTIC_EXPRESSIONS", &text, "42K0E"))
}

pub(super) async fn update(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let (name, table) = scope.table(&c.name()?)?;
    let alias = alias(c, &name, &["SET"])?;
    c.expect("SET")?;
    let _writing = table.writer.lock().await;
    let mut state = table.state().as_ref().clone();
    let set = assignments(c, &state, std::slice::from_ref(&alias), &["WHERE"])?;
    let where_ = if c.eat("WHERE") { Some(c.rest()?.to_owned()) } else { None };
    let condition = where_.as_ref().map(|text| format!(" WHERE {text}")).unwrap_or_default();
    c.done()?;
    check_condition(where_.as_deref())?;
    state.check_removable()?;
    let batch = together(&state)?;
    let rows: Named = [("target".to_owned(), Arc::new(seen(scope, &name, &state, &batch).await?))].into();
    let values: Vec<_> = set.iter().map(|(_, text)| format!("({text})")).collect();
    let text =
        format!("SELECT {ROW}, {} FROM {} AS {}{condition}", values.join(", "), rows_name("target"), quoted(&[&alias]));
    let read = scope.read(&text, rows).await?;
    let mut changes = Changes::new();
    let found = read.values();
    for (at, (column, _)) in set.iter().enumerate() {
        let given: Vec<V> = found.iter().map(|r| r.get(at + 1).cloned().unwrap_or(V::Null)).collect();
        let made = assemble::values_of(&given, &read.kinds[at + 1], &state.columns[*column], &name)
            .map_err(|failure| overflow(failure, &read.kinds[at + 1], &state.columns[*column]))?;
        for (row, value) in found.iter().zip(made) {
            changes.entry(row_of(row.first())).or_default().insert(*column, value);
        }
    }
    let count = changes.len();
    if count > 0 {
        let changed = apply(scope, &name, &state, &batch, &changes).await?;
        let rows: Vec<usize> = changes.keys().copied().collect();
        let operation = Operation::new("UPDATE")
            .where_(where_.as_deref())
            .counting("numUpdatedRows", count)
            .feeding("update_preimage", only(&batch, &rows)?)
            .feeding("update_postimage", only(&changed, &rows)?);
        state.batches = vec![changed];
        table.commit(state, &scope.change(operation))?;
    }
    Ok(Listing::counts(&[("num_affected_rows", count)]))
}

pub(super) async fn delete(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    c.expect("FROM")?;
    let (name, table) = scope.table(&c.name()?)?;
    let alias = alias(c, &name, &["WHERE"])?;
    let condition = if c.eat("WHERE") { Some(c.rest()?) } else { None };
    c.done()?;
    let _writing = table.writer.lock().await;
    let mut state = table.state().as_ref().clone();
    check_condition(condition)?;
    state.check_removable()?;
    let mut operation = Operation::new("DELETE").where_(condition);
    let count = match condition {
        None if state.filter.is_none() => {
            let count = state.rows();
            state.batches.clear();
            count
        }
        condition => {
            let batch = together(&state)?;
            let rows: Named = [("target".to_owned(), Arc::new(seen(scope, &name, &state, &batch).await?))].into();
            let condition = condition.unwrap_or("true");
            let text = format!("SELECT {ROW} FROM {} AS {} WHERE {condition}", rows_name("target"), quoted(&[&alias]));
            let read = scope.read(&text, rows).await?;
            let gone: BTreeMap<usize, ()> = read.values().iter().map(|r| (row_of(r.first()), ())).collect();
            state.batches = vec![without(&batch, &gone)?];
            let rows: Vec<usize> = gone.keys().copied().collect();
            operation = operation.feeding("delete", only(&batch, &rows)?);
            gone.len()
        }
    };
    if count > 0 {
        table.commit(state, &scope.change(operation.counting("numDeletedRows", count)))?;
    }
    Ok(Listing::counts(&[("num_affected_rows", count)]))
}

pub(super) async fn truncate(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let (_, table) = scope.table(&c.name()?)?;
    if c.is("PARTITION") {
        return Err(super::super::store::missing::feature("TRUNCATE TABLE with a PARTITION clause"));
    }
    c.done()?;
    let _writing = table.writer.lock().await;
    let mut state = table.state().as_ref().clone();
    policies::refuse_hidden(&state, "TRUNCATE TABLE")?;
    state.batches.clear();
    table.commit(state, &scope.change(Operation::new("TRUNCATE")))?;
    Ok(Reply::Nothing)
}
