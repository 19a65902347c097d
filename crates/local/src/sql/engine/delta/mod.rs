//! Managed tables as Delta tables: a change is a commit in the table's log before any statement sees it, so that versions
//! of a table can be read again and a table outlives the process.
//!
//! Statements read rows in memory; the files beside them are what another start, an older version and readers from
//! outside take. The log is written here, with the Parquet crate that reads files of volumes: delta-rs would bring two more
//! HTTP clients, a second TLS library and another build of the SQL engine, of which a log in a directory needs nothing.
//! It is the witness from outside instead: `tests/interop/delta` reads with it what is written here.

use std::path::PathBuf;

pub(super) mod at;
mod checkpoint;
mod columns;
pub(super) mod feed;
mod files;
mod keeper;
pub(crate) mod kept;
mod kinds;
mod log;
pub(super) mod outside;
mod partition;
mod protocol;
mod records;
pub(super) mod restore;
mod statement;
pub(super) mod times;
mod write;

pub(super) use keeper::Keeper;
pub(super) use statement::{detail, history, size, size_at, state_at};

use super::spark::value::V;
use crate::random::Ids;
use crate::sql::Failure;

/// Where tables are, and how they are written.
#[derive(Debug)]
pub(crate) struct Depot {
    /// Has a directory for each table.
    pub(crate) directory: PathBuf,
    /// Whether a change is on disk before it is acknowledged: where nothing outlives the process it need not be.
    pub(crate) lasting: bool,
    pub(crate) ids: std::sync::Arc<Ids>,
}

/// What went wrong with the files of a table.
fn io(what: &str, path: &std::path::Path, error: &dyn std::fmt::Display) -> Failure {
    Failure {
        code: "IO_ERROR".to_owned(),
        message: format!(
            "Cannot {what} {}: {error}. Check that the disk has room and that the directory is there.",
            path.display()
        ),
        sql_state: None,
    }
}

/// A log that is not as the protocol of Delta says.
fn broken(path: &str, why: &str) -> Failure {
    Failure::class(
        "DELTA_STATE_RECOVER_ERROR",
        &format!("The log of the Delta table at {path} cannot be read: {why}."),
        "XXKDS",
    )
}

fn text(value: impl Into<String>) -> V {
    V::Str(value.into())
}
