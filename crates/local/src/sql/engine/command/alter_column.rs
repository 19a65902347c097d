//! ALTER TABLE … ALTER COLUMN.

use super::super::scope::Scope;
use super::super::spark::types;
use super::super::spark::value::build;
use super::super::store::Name;
use super::super::store::missing::feature;
use super::super::store::operation::Operation;
use super::super::store::table::{Column, TableState};
use super::cursor::Cursor;
use super::{alter_table, assemble, change, columns, expressions, policies, properties};
use crate::sql::Failure;
use datafusion::arrow::array::Array as _;
use datafusion::arrow::datatypes::DataType;

/// Changes what is stated of a column.
pub(super) async fn edit(
    scope: &Scope<'_>,
    table: &[String],
    column: &str,
    operation: Operation,
    change: impl FnOnce(&mut Column) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (_, table) = scope.table(table)?;
    let _writing = table.writer.lock().await;
    let mut state = table.state().as_ref().clone();
    let at = state.position(column).ok_or_else(|| alter_table::not_there(column, &state))?;
    change(&mut state.columns[at])?;
    table.commit(state, &scope.change(operation.with("column", column)))
}

pub(super) async fn alter(
    scope: &Scope<'_>,
    c: &mut Cursor<'_>,
    table: &Name,
    state: &mut TableState,
) -> Result<(), Failure> {
    let parts = c.name()?;
    let [name] = parts.as_slice() else { return Err(feature("changing members of structures")) };
    let at = state.position(name).ok_or_else(|| alter_table::not_there(name, state))?;
    if c.eat("COMMENT") {
        state.columns[at].comment = Some(c.string()?);
    } else if c.eat("TYPE") {
        let kind = c.kind()?;
        widen(state, at, kind, table)?;
    } else if c.eat("SET NOT NULL") {
        let batch = change::together(state)?;
        let nulls = batch.column(at).null_count();
        if nulls > 0 {
            return Err(Failure::class(
                "DELTA_NEW_NOT_NULL_VIOLATION",
                &format!(
                    "{nulls} rows in {} violate the new NOT NULL constraint on {}.",
                    table.plain(),
                    state.columns[at].name
                ),
                "23512",
            ));
        }
        state.columns[at].nullable = false;
    } else if c.eat("DROP NOT NULL") {
        state.columns[at].nullable = true;
    } else if c.eat("SET DEFAULT") {
        state.columns[at].default = Some(c.until(&[], true)?.to_owned());
        expressions::check(scope, state).await?;
    } else if c.eat("DROP DEFAULT") {
        state.columns[at].default = None;
    } else if c.eat("DROP IDENTITY") {
        state.columns[at].identity = None;
    } else if c.eat("SYNC IDENTITY") {
        return Err(feature("SYNC IDENTITY"));
    } else if c.is("FIRST") || c.is("AFTER") {
        move_to(c, state, at)?;
    } else if c.eat("SET TAGS") {
        let tags = properties::pairs(c)?;
        state.columns[at].tags.extend(tags);
    } else if c.eat("UNSET TAGS") {
        for tag in properties::keys(c)? {
            state.columns[at].tags.remove(&tag);
        }
    } else if c.eat("SET MASK") {
        let column = state.columns[at].name.clone();
        state.columns[at].mask = Some(policies::mask(c)?);
        policies::set_masks(scope, table, state, |name| name == column).await?;
    } else if c.eat("DROP MASK") {
        state.columns[at].mask = None;
    } else if !c.at_end() {
        // `CHANGE COLUMN a a TYPE COMMENT …`
        let mut none = std::collections::BTreeMap::new();
        let column = columns::column(c, &mut none)?;
        if !column.name.eq_ignore_ascii_case(name) {
            return Err(feature("renaming a column by CHANGE COLUMN; use RENAME COLUMN"));
        }
        if column.type_text() != state.columns[at].type_text() {
            widen(state, at, &types::name(&column.kind), table)?;
        }
        if column.comment.is_some() {
            state.columns[at].comment = column.comment;
        }
    } else {
        return Err(c.error());
    }
    Ok(())
}

fn move_to(c: &mut Cursor<'_>, state: &mut TableState, at: usize) -> Result<(), Failure> {
    let mut order: Vec<usize> = (0..state.columns.len()).filter(|i| *i != at).collect();
    if c.eat("FIRST") {
        order.insert(0, at);
    } else {
        c.expect("AFTER")?;
        let other = c.identifier()?;
        let other = state.position(&other).ok_or_else(|| alter_table::not_there(&other, state))?;
        let place = order.iter().position(|i| *i == other).map_or(order.len(), |p| p + 1);
        order.insert(place, at);
    }
    state.columns = order.iter().map(|i| state.columns[*i].clone()).collect();
    let from: Vec<_> = order.into_iter().map(Some).collect();
    state.rebuild(&from).map_err(|e| super::super::errors::failure(&e))
}

/// Whether a type holds all values of another.
pub(super) fn is_wider(from: &DataType, to: &DataType) -> bool {
    use DataType::{Date32, Decimal128, Float32, Float64, Int8, Int16, Int32, Int64, Timestamp};
    match (from, to) {
        (Int8, Int16 | Int32 | Int64 | Float64)
        | (Int16, Int32 | Int64 | Float64)
        | (Int32, Int64 | Float64)
        | (Float32, Float64)
        | (Date32, Timestamp(_, None)) => true,
        (Int8 | Int16 | Int32, Decimal128(p, s)) => i16::from(*p) - i16::from(*s) >= 10,
        (Int64, Decimal128(p, s)) => i16::from(*p) - i16::from(*s) >= 20,
        (Decimal128(p, s), Decimal128(q, t)) => {
            t >= s && i16::from(*q) - i16::from(*p) >= i16::from(*t) - i16::from(*s)
        }
        _ => false,
    }
}

/// Whether a table lets the types of its columns become wider.
pub(super) fn may_widen(state: &TableState) -> bool {
    state.about.properties.get("delta.enableTypeWidening").is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// Gives a column another type: one that holds all values of the present one, if the table allows that.
pub(super) fn widen(state: &mut TableState, at: usize, kind: &str, table: &Name) -> Result<(), Failure> {
    let new = columns::typed(&state.columns[at].name, kind)?;
    let old = &state.columns[at];
    let longer = match (old.length, new.length) {
        (None, None) => false,
        (Some((_, false)), None) => new.kind == DataType::Utf8,
        (Some((a, false)), Some((b, false))) => b >= a,
        _ => false,
    };
    let possible = is_wider(&old.kind, &new.kind);
    if old.kind != new.kind && !(possible && may_widen(state))
        || old.kind == new.kind && old.length != new.length && !longer
    {
        let advice = if possible {
            " To widen the types of columns, first run ALTER TABLE table_name SET TBLPROPERTIES ('delta.enableTypeWidening' = \
             'true')."
        } else {
            ""
        };
        return Err(Failure::class(
            "DELTA_UNSUPPORTED_ALTER_TABLE_CHANGE_COL_OP",
            &format!(
                "ALTER TABLE CHANGE COLUMN is not supported for changing column {} from {} to {}.{advice}",
                old.name,
                old.type_text().to_uppercase(),
                new.type_text().to_uppercase()
            ),
            "0AKDC",
        ));
    }
    if old.kind != new.kind && old.generated.is_some() {
        let text = format!(
            "Column {} is a generated column or a column used by a generated column. The data type is {} and cannot be converted to \
             data type {}",
            old.name,
            old.type_text().to_uppercase(),
            new.type_text().to_uppercase()
        );
        return Err(Failure::class("DELTA_GENERATED_COLUMN_UPDATE_TYPE_MISMATCH", &text, "42K09"));
    }
    if old.kind != new.kind
        && let Some(reader) = alter_table::Reader::of(state, &old.name)
    {
        return Err(reader.refuses(old, "alter", Some(&new.type_text().to_uppercase())));
    }
    let batch = change::together(state)?;
    let column = Column { kind: new.kind.clone(), length: new.length, ..old.clone() };
    let mut arrays = batch.columns().to_vec();
    let values: Vec<_> = (0..arrays[at].len()).map(|row| super::super::spark::value::read(&arrays[at], row)).collect();
    let values = assemble::values_of(&values, &old.kind, &column, table)?;
    arrays[at] = build(&new.kind, &values).map_err(|e| super::super::errors::failure(&e))?;
    state.columns[at] = column;
    let made = datafusion::arrow::record_batch::RecordBatch::try_new(state.schema(), arrays).map_err(change::arrow)?;
    state.batches = vec![made];
    Ok(())
}
