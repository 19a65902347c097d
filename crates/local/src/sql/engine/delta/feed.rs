//! The change data feed: which rows each version of a table has added, taken away and changed.
//!
//! A commit that only adds or only takes away whole files says so itself. Where files are written anew, the changed rows are in
//! files of their own beside them, and the commit names these.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::array::new_null_array;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::at::{self, At};
use super::keeper::Keeper;
use super::log::{self, Directory, Snapshot, Source as _, Versions};
use super::records::{Action, Add, Cdc, Metadata};
use super::{Depot, columns, files, io, write};
use crate::sql::Failure;
use crate::sql::engine::errors;
use crate::sql::engine::spark::types;
use crate::sql::engine::spark::value::{V, build};
use crate::sql::engine::store::operation::Operation;
use crate::sql::engine::store::table::{Column, Rows, Table, TableState, schema_of};

/// The property that turns the feed on.
pub(super) const PROPERTY: &str = "delta.enableChangeDataFeed";
const DIRECTORY: &str = "_change_data";
pub(super) const KIND: &str = "_change_type";
const VERSION: &str = "_commit_version";
const TIME: &str = "_commit_timestamp";

pub(in super::super) fn is_on(properties: &BTreeMap<String, String>) -> bool {
    properties.get(PROPERTY).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// Refuses columns that have the names of the feed's own.
pub(super) fn check_columns(state: &TableState) -> Result<(), Failure> {
    let own: Vec<&str> = [KIND, VERSION, TIME].into_iter().filter(|name| state.position(name).is_some()).collect();
    if own.is_empty() || !is_on(&state.about.properties) {
        return Ok(());
    }
    let text = format!(
        "Unable to enable Change Data Capture on the table. The table already contains reserved columns [{}] that will be used \
         internally as metadata for the table's Change Data Feed. To enable Change Data Feed on the table rename/drop these \
         columns.",
        own.join(",")
    );
    Err(Failure::class("DELTA_TABLE_ALREADY_CONTAINS_CDC_COLUMNS", &text, "42711"))
}

/// Writes the rows that a commit has changed; their files are named by the records.
pub(super) fn write(
    depot: &Depot,
    directory: &Path,
    state: &TableState,
    operation: &Operation,
    version: u64,
) -> Result<Vec<Cdc>, Failure> {
    let place = directory.join(DIRECTORY);
    std::fs::create_dir_all(&place).map_err(|e| io("make the directory", &place, &e))?;
    let mut out = Vec::new();
    for (kind, batch) in operation.feed.iter().filter(|(_, batch)| batch.num_rows() > 0) {
        let written = write::changes(depot, directory, DIRECTORY, state, batch, kind, (version, out.len()));
        out.extend(written.inspect_err(|_| discard(directory, &out))?);
    }
    if depot.lasting {
        log::settle(&place)?;
    }
    Ok(out)
}

/// Removes files that no commit names.
pub(super) fn discard(directory: &Path, written: &[Cdc]) {
    for file in written {
        // It takes up room and nothing else.
        let _ = std::fs::remove_file(directory.join(&file.path));
    }
}

/// From which version to which a query asks for changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Range {
    pub(in super::super) from: At,
    pub(in super::super) to: Option<At>,
}

/// Separates the name of a table from the range; no name of the platform's has it.
const MARK: char = '\u{4}';

impl Range {
    /// The name under which the planner asks for the changes.
    pub(in super::super) fn name(self, table: &str) -> String {
        let to = self.to.map_or_else(String::new, |to| to.name(""));
        format!("{table}{MARK}{}{MARK}{to}", self.from.name(""))
    }

    /// The table and the range of such a name.
    pub(in super::super) fn of(name: &str) -> Option<(&str, Self)> {
        let (table, range) = name.split_once(MARK)?;
        let (from, to) = range.split_once(MARK)?;
        let (_, from) = At::of(from)?;
        let to = if to.is_empty() { None } else { Some(At::of(to)?.1) };
        Some((table, Self { from, to }))
    }
}

/// The changes of a table.
pub(in super::super) fn read(table: &Table, range: Range) -> Result<Rows, Failure> {
    let found = table.backing().look(|keeper| keeper.changes(&table.state(), range));
    // A sample that was never changed has recorded nothing.
    found.unwrap_or_else(|| Err(not_recorded(0, 0, 0)))
}

fn not_recorded(version: u64, start: u64, end: u64) -> Failure {
    let text = format!(
        "Error getting change data for range [{start} , {end}] as change data was not recorded for version [{version}]. If you've \
         enabled change data feed on this table, use `DESCRIBE HISTORY` to see when it was first enabled. Otherwise, to start \
         recording change data, use `ALTER TABLE table_name SET TBLPROPERTIES ({PROPERTY}=true)`."
    );
    Failure::class("DELTA_MISSING_CHANGE_DATA", &text, "KD002")
}

fn backwards(start: u64, end: u64) -> Failure {
    let text = format!("CDC range from start {start} to end {end} was invalid. End cannot be before start.");
    Failure::class("DELTA_INVALID_CDC_RANGE", &text, "22003")
}

/// One version's log records, as far as the feed needs them.
struct Commit {
    version: u64,
    actions: Vec<Action>,
}

impl Keeper {
    fn source(&self) -> Directory {
        Directory(PathBuf::from(self.directory()))
    }

    /// Times of all versions that can be read, from the first.
    fn times(&self) -> Result<Vec<(u64, i64)>, Failure> {
        let source = self.source();
        let earliest = Versions::of(&source)?.earliest().unwrap_or_default();
        let mut last = 0;
        (earliest..=self.now().version)
            .map(|version| {
                last = log::time_of(&log::commit(&source, version)?).unwrap_or(last);
                Ok((version, last))
            })
            .collect()
    }

    /// First and last version of a range; `None` where it lies between two versions.
    fn versions(&self, range: Range) -> Result<Option<(u64, u64)>, Failure> {
        let latest = self.now().version;
        let start = match range.from {
            At::Version(version) if version > latest => {
                let text =
                    format!("Start version {version} for change data feed exceeds the latest table version {latest}.");
                return Err(Failure::class("DELTA_CDC_START_VERSION_AFTER_LATEST", &text, "22003"));
            }
            At::Version(version) => version,
            At::Time(time) => {
                // A version is at or after a time that falls into its own millisecond.
                let wanted = -(-time).div_euclid(1000);
                let found = self.times()?.into_iter().find(|(_, at)| *at >= wanted);
                found.ok_or_else(|| at::too_late(wanted, self.now().timestamp))?.0
            }
        };
        let end = match range.to {
            None => latest,
            Some(At::Version(version)) if version < start => return Err(backwards(start, version)),
            Some(At::Version(version)) => version.min(latest),
            Some(at @ At::Time(time)) => {
                let end = self.version(at)?;
                match range.from {
                    At::Time(from) if from > time => return Err(backwards(start, end)),
                    At::Time(_) if end + 1 == start => return Ok(None),
                    _ if end < start => return Err(backwards(start, end)),
                    _ => end,
                }
            }
        };
        Ok(Some((start, end)))
    }

    /// The changes of a range.
    fn changes(&self, now: &TableState, range: Range) -> Result<Rows, Failure> {
        let Some((start, end)) = self.versions(range)? else {
            return Ok(Rows { schema: schema_of(&columns_of(now)), batches: Vec::new() });
        };
        let source = self.source();
        let first = Snapshot::read(&source, Some(start))?;
        if !is_on(&first.metadata.configuration) {
            return Err(not_recorded(start, start, end));
        }
        let mut metadata = first.metadata.clone();
        let begins = self.state(&metadata)?;
        let ends = self.state(&Snapshot::read(&source, Some(end))?.metadata)?;
        // Where columns are mapped they are those of the last version that is asked for, else those of the table now.
        let (now, latest) =
            if [now, &begins, &ends].into_iter().any(is_mapped) { (&ends, end) } else { (now, self.now().version) };
        let schema = schema_of(&columns_of(now));
        let shape = Shape { start, end, latest, now, schema: &schema };
        shape.check(&begins, start)?;
        // What a version takes away is in files of the one before.
        let mut before = match start.checked_sub(1) {
            Some(version) => Snapshot::read(&source, Some(version))?.metadata,
            None => metadata.clone(),
        };
        let (mut batches, mut time, mut left) = (Vec::new(), 0, usize::MAX);
        for version in start..=end {
            let commit = Commit { version, actions: log::commit(&source, version)? };
            time = log::time_of(&commit.actions).unwrap_or(time);
            for action in &commit.actions {
                let Action::MetaData(new) = action else { continue };
                if !is_on(&new.configuration) {
                    return Err(not_recorded(version, start, end));
                }
                metadata = new.clone();
                shape.check(&self.state(&metadata)?, version)?;
            }
            let (own, older) = (self.state(&metadata)?, self.state(&before)?);
            batches.extend(shape.rows(&source, &commit, (&own, &older), time, &mut left)?);
            before.clone_from(&metadata);
        }
        Ok(Rows { schema: Arc::clone(&schema), batches })
    }

    /// The columns that metadata states.
    fn state(&self, metadata: &Metadata) -> Result<TableState, Failure> {
        let snapshot = Snapshot { metadata: metadata.clone(), ..Snapshot::default() };
        columns::state(&self.source().place(), &snapshot)
    }
}

/// Whether columns of a table may get other names.
fn is_mapped(state: &TableState) -> bool {
    let mode = state.about.properties.get("delta.columnMapping.mode");
    mode.is_some_and(|mode| !mode.eq_ignore_ascii_case("none"))
}

/// The columns of the changes.
fn columns_of(state: &TableState) -> Vec<Column> {
    let mut all = state.columns.clone();
    all.push(Column::new(KIND, DataType::Utf8));
    all.push(Column::new(VERSION, DataType::Int64));
    all.push(Column::new(TIME, types::timestamp()));
    all
}

/// What the changes of a range are read as.
struct Shape<'a> {
    start: u64,
    end: u64,
    latest: u64,
    now: &'a TableState,
    schema: &'a SchemaRef,
}

impl Shape<'_> {
    /// Refuses versions whose columns are not among those that are read: their values would be left out.
    fn check(&self, then: &TableState, version: u64) -> Result<(), Failure> {
        let is_there = |column: &Column| {
            let same = self.now.columns.iter().find(|other| other.key() == column.key());
            same.is_some_and(|other| other.kind == column.kind)
        };
        if then.columns.iter().all(is_there) {
            return Ok(());
        }
        let fields: Vec<_> =
            self.now.columns.iter().map(|c| format!("{}: {}", c.name, c.type_text().to_uppercase())).collect();
        let (class, what) = if version == self.start {
            ("DELTA_CHANGE_DATA_FEED_INCOMPATIBLE_DATA_SCHEMA", "data schema")
        } else {
            ("DELTA_CHANGE_DATA_FEED_INCOMPATIBLE_SCHEMA_CHANGE", "schema change")
        };
        let text = format!(
            "Retrieving table changes between version {} and {} failed because of an incompatible {what}. Your read schema is \
             STRUCT<{}> at version {}, but we found an incompatible {what} at version {version}. Ask for versions after the last \
             change of the columns.",
            self.start,
            self.end,
            fields.join(", "),
            self.latest
        );
        Err(Failure::class(class, &text, "0AKDC"))
    }

    /// The changes of one commit.
    fn rows(
        &self,
        source: &Directory,
        commit: &Commit,
        (own, older): (&TableState, &TableState),
        time: i64,
        left: &mut usize,
    ) -> Result<Vec<RecordBatch>, Failure> {
        let recorded = commit.actions.iter().filter_map(|action| match action {
            Action::Cdc(file) => Some(Add {
                path: file.path.clone(),
                partition_values: file.partition_values.clone(),
                size: file.size,
                ..Add::default()
            }),
            _ => None,
        });
        let recorded: Vec<Add> = recorded.collect();
        let mut out = Vec::new();
        if !recorded.is_empty() {
            let mut with_kind = own.clone();
            with_kind.columns.push(Column::new(KIND, DataType::Utf8));
            for file in &recorded {
                let rows = files::rows(source, file, &with_kind, left)?;
                let kind = rows.columns().last().cloned();
                out.push(self.shaped(&rows, own, kind, commit.version, time)?);
            }
            return Ok(out);
        }
        for action in &commit.actions {
            let (file, state, kind) = match action {
                Action::Add(add) if add.data_change => (add.clone(), own, "insert"),
                Action::Remove(gone) if gone.data_change => {
                    let partition_values = gone.partition_values.clone().unwrap_or_default();
                    (Add { path: gone.path.clone(), partition_values, ..Add::default() }, older, "delete")
                }
                _ => continue,
            };
            let rows = files::rows(source, &file, state, left)?;
            let kind = build(&DataType::Utf8, &vec![V::Str(kind.to_owned()); rows.num_rows()]);
            let kind = kind.map_err(|e| errors::failure(&e))?;
            out.push(self.shaped(&rows, state, Some(kind), commit.version, time)?);
        }
        Ok(out)
    }

    /// Rows of an older state under the columns that are read.
    fn shaped(
        &self,
        rows: &RecordBatch,
        state: &TableState,
        kind: Option<ArrayRef>,
        version: u64,
        time: i64,
    ) -> Result<RecordBatch, Failure> {
        let failed = |e| errors::failure(&e);
        let count = rows.num_rows();
        let mut arrays: Vec<ArrayRef> = Vec::new();
        for column in &self.now.columns {
            let at = state.columns.iter().position(|c| c.key() == column.key() && c.kind == column.kind);
            arrays.push(match at {
                Some(at) => Arc::clone(rows.column(at)),
                None => new_null_array(&column.kind, count),
            });
        }
        arrays.push(kind.unwrap_or_else(|| new_null_array(&DataType::Utf8, count)));
        let version = V::Int(i64::try_from(version).unwrap_or(i64::MAX));
        arrays.push(build(&DataType::Int64, &vec![version; count]).map_err(failed)?);
        let time = V::Ts(time.saturating_mul(1000));
        arrays.push(build(&types::timestamp(), &vec![time; count]).map_err(failed)?);
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        RecordBatch::try_new_with_options(Arc::clone(self.schema), arrays, &options).map_err(|e| failed(e.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_ranges() {
        for range in [
            Range { from: At::Version(0), to: None },
            Range { from: At::Version(3), to: Some(At::Version(7)) },
            Range { from: At::Time(-1), to: Some(At::Time(5)) },
            Range { from: At::Time(1), to: Some(At::Version(0)) },
        ] {
            assert_eq!(Range::of(&range.name("a b")), Some(("a b", range)));
        }
        assert_eq!(Range::of("t"), None);
        assert_eq!(Range::of(&At::Version(1).name("t")), None);
    }
}
