//! Versions of tables: `VERSION AS OF` and `TIMESTAMP AS OF` behind a name, RESTORE, DESCRIBE HISTORY.

use std::sync::Arc;

use super::super::scope::{Reply, Scope};
use super::super::store::table::{Table, TableState};
use super::cursor::Cursor;
use crate::sql::Failure;

/// How many files a table has, and how many bytes; `None` where its rows are in memory alone.
pub(super) type Size = Option<(usize, usize)>;

/// The present size of a table.
pub(super) fn size(table: &Table) -> Size {
    #[cfg(feature = "delta")]
    return table.backing().look(super::super::delta::size);
    #[cfg(not(feature = "delta"))]
    {
        let _ = table;
        None
    }
}

/// The state that a clause behind a table names, and its size; the present one if there is none.
#[cfg(feature = "delta")]
pub(super) async fn state(
    scope: &Scope<'_>,
    c: &mut Cursor<'_>,
    table: &Arc<Table>,
) -> Result<(Arc<TableState>, Size), Failure> {
    let at = clause(scope, c).await?;
    let state = match at {
        Some(at) => super::super::delta::state_at(table, at)?,
        None => table.state(),
    };
    Ok((state, super::super::delta::size_at(scope, table, at).await?))
}

#[cfg(feature = "delta")]
pub(super) async fn clause(
    scope: &Scope<'_>,
    c: &mut Cursor<'_>,
) -> Result<Option<super::super::delta::at::At>, Failure> {
    use super::super::delta::at::At;
    if c.eat("VERSION AS OF") {
        let version = c.integer()?;
        return u64::try_from(version).map(|v| Some(At::Version(v))).map_err(|_| c.error());
    }
    if !c.eat("TIMESTAMP AS OF") {
        return Ok(None);
    }
    let expression = c.until(&["TBLPROPERTIES", "LOCATION"], false)?.to_owned();
    time(scope, &expression).await.map(Some)
}

/// The time that an expression gives.
#[cfg(feature = "delta")]
pub(in super::super) async fn time(
    scope: &Scope<'_>,
    expression: &str,
) -> Result<super::super::delta::at::At, Failure> {
    use super::super::delta::at;
    use super::super::spark::value::V;
    // Boxed, since this is on the way of every plan.
    match Box::pin(scope.value(&format!("CAST(({expression}) AS TIMESTAMP)"))).await?.0 {
        V::Ts(time) => Ok(at::At::Time(time)),
        _ => Err(at::invalid(expression)),
    }
}

#[cfg(feature = "delta")]
pub(super) async fn restore(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    c.eat("TABLE");
    let (name, table) = scope.table(&c.name()?)?;
    c.eat("TO");
    let at = clause(scope, c).await?.ok_or_else(|| c.error())?;
    c.done()?;
    super::super::guard::refuse_time_travel(&name, &table.state())?;
    super::super::delta::restore::restore(scope, &table, at).await
}

#[cfg(feature = "delta")]
pub(super) async fn history(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let (name, table) = scope.table(&c.name()?)?;
    // It shows conditions on rows.
    if let Some(rights) = &scope.rights {
        rights.may_read(&scope.core.store, &name)?;
    }
    super::super::guard::refuse_history(&name, &table.state())?;
    let most = if c.eat("LIMIT") { usize::try_from(c.integer()?).map_err(|_| c.error())? } else { usize::MAX };
    c.done()?;
    super::super::delta::history(scope, &table, most).await
}

#[cfg(not(feature = "delta"))]
use super::super::store::missing::feature;

#[cfg(not(feature = "delta"))]
pub(super) async fn state(
    _: &Scope<'_>,
    c: &mut Cursor<'_>,
    table: &Arc<Table>,
) -> Result<(Arc<TableState>, Size), Failure> {
    if c.is("VERSION") || c.is("TIMESTAMP") || c.is("@") {
        return Err(feature("older versions of a table"));
    }
    Ok((table.state(), None))
}

#[cfg(not(feature = "delta"))]
pub(super) async fn restore(_: &Scope<'_>, _: &mut Cursor<'_>) -> Result<Reply, Failure> {
    Err(feature("RESTORE"))
}

#[cfg(not(feature = "delta"))]
pub(super) async fn history(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    scope.table(&c.name()?)?;
    Err(feature("the history of tables"))
}
