//! RESTORE TABLE: an older version becomes the present one, as another commit.

use super::super::scope::{Listing, Reply, Scope};
use super::super::store::operation::Operation;
use super::super::store::table::{Table, TableState};
use super::at::At;
use super::statement::{state_at, with_log};
use crate::sql::Failure;

/// The present state with the columns, properties and rows of an older one. Owner, tags, filter and masks are the catalog's.
fn restored(now: &TableState, older: &TableState) -> TableState {
    let mut state = older.clone();
    state.about.owner.clone_from(&now.about.owner);
    state.about.tags.clone_from(&now.about.tags);
    state.filter.clone_from(&now.filter);
    for column in &mut state.columns {
        column.mask = None;
        let Some(present) = now.columns.iter().find(|c| c.key() == column.key()) else { continue };
        column.tags.clone_from(&present.tags);
        column.mask.clone_from(&present.mask);
        // Numbers that were given are not given again.
        if let (Some(own), Some(other)) = (&mut column.identity, &present.identity) {
            let further = if own.step > 0 { other.next > own.next } else { other.next < own.next };
            if further && own.step == other.step {
                own.next = other.next;
            }
        }
    }
    state
}

pub(in super::super) async fn restore(scope: &Scope<'_>, table: &Table, at: At) -> Result<Reply, Failure> {
    with_log(scope, table).await?;
    let _writing = table.writer.lock().await;
    let older = state_at(table, at).map_err(|failure| as_of_restore(failure, at))?;
    let state = restored(&table.state(), &older);
    let size = || table.backing().look(|keeper| keeper.size()).unwrap_or_default();
    let paths = || table.backing().look(super::Keeper::paths).unwrap_or_default();
    let before = paths();
    let (version, time) = match at {
        At::Version(version) => (version.to_string(), String::new()),
        At::Time(time) => (String::new(), super::super::spark::times::timestamp_text(time)),
    };
    let mut operation = Operation::new("RESTORE");
    operation = match at {
        At::Version(_) => operation.with("version", version),
        At::Time(_) => operation.with("timestamp", time),
    };
    table.commit(state, &scope.change(operation))?;
    let after = paths();
    let bytes = |of: &std::collections::BTreeMap<String, i64>, other: &std::collections::BTreeMap<String, i64>| {
        let differs = of.iter().filter(|(path, _)| !other.contains_key(*path));
        differs.fold((0, 0), |(count, bytes), (_, size)| (count + 1, bytes + usize::try_from(*size).unwrap_or(0)))
    };
    let ((restored, restored_bytes), (removed, removed_bytes)) = (bytes(&after, &before), bytes(&before, &after));
    let (files, total) = size();
    Ok(Listing::counts(&[
        ("table_size_after_restore", usize::try_from(total).unwrap_or(0)),
        ("num_of_files_after_restore", files),
        ("num_removed_files", removed),
        ("num_restored_files", restored),
        ("removed_files_size", removed_bytes),
        ("restored_files_size", restored_bytes),
    ]))
}

/// RESTORE has errors of its own for versions that are not there.
fn as_of_restore(failure: Failure, at: At) -> Failure {
    let At::Version(version) = at else { return failure };
    match failure.message.split_once("Available versions:") {
        Some((_, rest)) => {
            let rest = rest.split(" SQLSTATE").next().unwrap_or(rest);
            let text = format!("Cannot restore table to version {version}. Available versions:{rest}");
            Failure::class("DELTA_CANNOT_RESTORE_TABLE_VERSION", &text, "22003")
        }
        None => failure,
    }
}
