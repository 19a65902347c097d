//! The files of one table, and what its log says now.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::record_batch::RecordBatch;
use serde_json::{Map, Value, json};

use super::at::{self, At};
use super::log::{self, CHECKPOINT, Directory, LOG, Snapshot, Versions};
use super::records::{Action, Add, Domain, Remove};
use super::{Depot, checkpoint, columns, feed, files, io, kinds, protocol, write};
use crate::sql::Failure;
use crate::sql::engine::store::operation::Change;
use crate::sql::engine::store::table::TableState;

/// A batch of the state, and the files that hold its rows.
#[derive(Clone, Debug)]
struct Held {
    columns: Vec<ArrayRef>,
    files: Vec<Add>,
}

impl Held {
    fn is(&self, batch: &RecordBatch) -> bool {
        self.columns.len() == batch.num_columns()
            && self.columns.iter().zip(batch.columns()).all(|(a, b)| Arc::ptr_eq(a, b))
    }
}

/// The files of a table. Who holds the table's writer changes them.
#[derive(Debug)]
pub(in super::super) struct Keeper {
    depot: Arc<Depot>,
    directory: PathBuf,
    /// What the log says, without the files, which `held` has.
    now: Snapshot,
    held: Vec<Held>,
    /// Names and types of the columns in the files, and which are those of partitions.
    layout: Layout,
}

/// A version, and what its commit tells of it.
type Commit = (u64, Map<String, Value>);
type Layout = (Vec<(String, DataType)>, Vec<usize>);

fn layout(state: &TableState) -> Layout {
    let columns = state.columns.iter().map(|c| (c.name.clone(), kinds::stored(&c.kind)));
    (columns.collect(), state.partitions.iter().filter_map(|p| state.position(p)).collect())
}

impl Keeper {
    /// Makes a table with a log of one commit.
    pub(in super::super) fn create(
        depot: &Arc<Depot>,
        state: &TableState,
        change: &Change<'_>,
    ) -> Result<Self, Failure> {
        let id = depot.ids.uuid();
        let directory = depot.directory.join(&id);
        crate::scratch::kept(&directory.join(LOG)).map_err(|e| io("make the directory", &directory, &e))?;
        let mut keeper = Self {
            depot: Arc::clone(depot),
            directory,
            now: Snapshot::default(),
            held: Vec::new(),
            layout: layout(state),
        };
        keeper.now.metadata.id.clone_from(&id);
        let made = keeper.write(state, change, None).and_then(|()| {
            if depot.lasting {
                log::settle(&keeper.directory).and_then(|()| log::settle(&depot.directory))
            } else {
                Ok(())
            }
        });
        if let Err(failure) = made {
            // No name leads there.
            let _ = std::fs::remove_dir_all(&keeper.directory);
            return Err(failure);
        }
        Ok(keeper)
    }

    /// The table of a directory, as its log says.
    pub(in super::super) fn open(depot: &Arc<Depot>, name: &str) -> Result<(Self, TableState), Failure> {
        let directory = depot.directory.join(name);
        let source = Directory(directory.clone());
        let mut now = Snapshot::read(&source, None)?;
        protocol::check(&directory.display().to_string(), &now)?;
        let mut state = columns::state(&directory.display().to_string(), &now)?;
        let mut held = Vec::new();
        let mut left = usize::MAX;
        for add in std::mem::take(&mut now.files).into_values() {
            let batch = files::rows(&source, &add, &state, &mut left)?;
            held.push(Held { columns: batch.columns().to_vec(), files: vec![add] });
            state.batches.push(batch);
        }
        let layout = layout(&state);
        Ok((Self { depot: Arc::clone(depot), directory, now, held, layout }, state))
    }

    /// The name of the directory.
    pub(in super::super) fn name(&self) -> String {
        self.directory.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Removes the files of a table that no name leads to.
    pub(in super::super) fn remove(&self) {
        // What stays is removed at the next start.
        let _ = std::fs::remove_dir_all(&self.directory);
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn now(&self) -> &Snapshot {
        &self.now
    }

    /// The files of the present version and their bytes.
    pub(super) fn paths(&self) -> BTreeMap<String, i64> {
        self.held.iter().flat_map(|h| &h.files).map(|add| (add.path.clone(), add.size)).collect()
    }

    /// Number and bytes of the files of the present version.
    pub(super) fn size(&self) -> (usize, i64) {
        let files = self.held.iter().flat_map(|h| &h.files);
        files.fold((0, 0), |(count, bytes), add| (count + 1, bytes + add.size))
    }

    /// Number and bytes of the files of a version.
    pub(super) fn size_at(&self, at: At) -> Result<(usize, usize), Failure> {
        let version = self.version(at)?;
        let files = Snapshot::read(&Directory(self.directory.clone()), Some(version))?.files;
        let bytes: i64 = files.values().map(|add| add.size).sum();
        Ok((files.len(), usize::try_from(bytes).unwrap_or(0)))
    }

    /// Writes a change down. Once this has returned, the change is there at the next start.
    pub(in super::super) fn commit(&mut self, state: &TableState, change: &Change<'_>) -> Result<(), Failure> {
        self.write(state, change, Some(self.now.version))
    }

    fn write(&mut self, state: &TableState, change: &Change<'_>, before: Option<u64>) -> Result<(), Failure> {
        let new_layout = layout(state);
        let stays = new_layout == self.layout;
        let mut next = Snapshot {
            version: before.map_or(0, |v| v + 1),
            // Times of commits rise, as readers of the log expect.
            timestamp: before.map_or(change.now_ms, |_| change.now_ms.max(self.now.timestamp + 1)),
            protocol: protocol::of(state, &self.now.protocol),
            metadata: columns::metadata(state, &self.now.metadata.id)?,
            domains: self.now.domains.clone(),
            files: BTreeMap::new(),
        };
        let mut old: Vec<Option<&Held>> = self.held.iter().map(Some).collect();
        let mut held = Vec::new();
        let mut added = BTreeMap::new();
        let mut from = 0;
        for batch in state.batches.iter().filter(|b| b.num_rows() > 0) {
            // Batches stay in their order, so that the next one is nearly always the one.
            let same = |at: &usize| stays && old[*at].is_some_and(|h| h.is(batch));
            let known = (from..old.len()).find(same).or_else(|| (0..from.min(old.len())).find(same));
            if let Some(at) = known {
                held.extend(old[at].take().cloned());
                from = at + 1;
                continue;
            }
            let place = (next.version, added.len(), next.timestamp);
            let files = write::rows(&self.depot, &self.directory, state, batch, place);
            let files = files.inspect_err(|_| write::discard(&self.directory, &added))?;
            added.extend(files.iter().map(|add| (add.path.clone(), add.clone())));
            held.push(Held { columns: batch.columns().to_vec(), files });
        }
        let gone: Vec<Add> = old.into_iter().flatten().flat_map(|h| h.files.clone()).collect();
        // Rows that changed are told apart from those that were only written anew.
        let mut changed = Vec::new();
        let operation = &change.operation;
        if feed::is_on(&state.about.properties) && !gone.is_empty() && !operation.feed.is_empty() {
            changed = feed::write(&self.depot, &self.directory, state, operation, next.version)
                .inspect_err(|_| write::discard(&self.directory, &added))?;
        }
        let info = info(change, &next, before, &added, &gone);
        let mut actions = vec![Action::CommitInfo(info)];
        if next.protocol != self.now.protocol {
            actions.push(Action::Protocol(next.protocol.clone()));
        }
        if next.metadata != self.now.metadata || before.is_none() {
            actions.push(Action::MetaData(next.metadata.clone()));
        }
        self.cluster(state, &mut next, &mut actions);
        actions.extend(gone.into_iter().map(|add| {
            Action::Remove(Remove {
                path: add.path,
                deletion_timestamp: Some(next.timestamp),
                data_change: !operation.keeps_rows,
                extended_file_metadata: true,
                partition_values: Some(add.partition_values),
                size: Some(add.size),
                deletion_vector: None,
            })
        }));
        let data_change = !operation.keeps_rows;
        actions.extend(added.values().cloned().map(|add| Action::Add(Add { data_change, ..add })));
        actions.extend(changed.iter().cloned().map(Action::Cdc));
        let lasting = self.depot.lasting;
        let written = if lasting && !added.is_empty() { log::settle(&self.directory) } else { Ok(()) };
        written
            .and_then(|()| log::append(&self.directory, next.version, &actions, next.timestamp, lasting))
            .inspect_err(|_| {
                write::discard(&self.directory, &added);
                feed::discard(&self.directory, &changed);
            })?;
        self.now = next;
        self.held = held;
        self.layout = new_layout;
        if self.now.version > 0 && self.now.version.is_multiple_of(CHECKPOINT) {
            let files = self.held.iter().flat_map(|h| &h.files);
            let files = files.map(|add| ((add.path.clone(), String::new()), add.clone())).collect();
            // The commits are there without it, too.
            let _ = checkpoint::write(&self.directory, &Snapshot { files, ..self.now.clone() }, lasting);
        }
        Ok(())
    }

    /// States the columns of clusters, if they have changed.
    fn cluster(&self, state: &TableState, next: &mut Snapshot, actions: &mut Vec<Action>) {
        let stated = (!state.clusters.is_empty()).then(|| columns::clustering(state));
        let before = next.domains.get(columns::CLUSTERING);
        if stated.as_ref() == before {
            return;
        }
        let domain = columns::CLUSTERING.to_owned();
        // The feature stays where there were clusters, with no columns.
        let configuration = stated.unwrap_or_else(|| json!({"clusteringColumns": []}).to_string());
        if before == Some(&configuration) {
            return;
        }
        next.domains.insert(domain.clone(), configuration.clone());
        actions.push(Action::DomainMetadata(Domain { domain, configuration, removed: false }));
    }

    /// The version that a statement asks for.
    pub(super) fn version(&self, at: At) -> Result<u64, Failure> {
        let source = Directory(self.directory.clone());
        let versions = Versions::of(&source)?;
        let earliest = versions.earliest().unwrap_or_default();
        let wanted = match at {
            At::Version(version) if (earliest..=self.now.version).contains(&version) => return Ok(version),
            At::Version(version) => return Err(at::no_version(version, earliest, self.now.version)),
            At::Time(time) => time.div_euclid(1000),
        };
        if wanted > self.now.timestamp {
            return Err(at::too_late(wanted, self.now.timestamp));
        }
        let mut time = self.now.timestamp;
        for version in (earliest..=self.now.version).rev() {
            time = log::time_of(&log::commit(&source, version)?).unwrap_or(time);
            if time <= wanted {
                return Ok(version);
            }
        }
        Err(at::too_early(wanted, time))
    }

    /// The state that a version had.
    pub(super) fn state_of(&self, version: u64) -> Result<TableState, Failure> {
        let source = Directory(self.directory.clone());
        let snapshot = Snapshot::read(&source, Some(version))?;
        let mut state = columns::state(&source.0.display().to_string(), &snapshot)?;
        let same = layout(&state) == self.layout;
        let mut left = usize::MAX;
        for add in snapshot.files.values() {
            let held = self.held.iter().find(|h| same && matches!(h.files.as_slice(), [one] if one.path == add.path));
            let batch = match held {
                Some(held) => RecordBatch::try_new(state.schema(), held.columns.clone())
                    .map_err(|e| super::super::errors::failure(&e.into()))?,
                None => files::rows(&source, add, &state, &mut left)?,
            };
            state.batches.push(batch);
        }
        Ok(state)
    }

    /// All commits, the latest first, as many as are asked for.
    pub(super) fn commits(&self, most: usize) -> Result<Vec<Commit>, Failure> {
        let source = Directory(self.directory.clone());
        let info = |version| {
            let actions = log::commit(&source, version)?;
            let info = actions.into_iter().find_map(|action| match action {
                Action::CommitInfo(info) => Some(info),
                _ => None,
            });
            Ok((version, info.unwrap_or_default()))
        };
        (0..=self.now.version).rev().take(most).map(info).collect()
    }
}

/// What the history of the table tells of a commit.
fn info(
    change: &Change<'_>,
    next: &Snapshot,
    before: Option<u64>,
    added: &BTreeMap<String, Add>,
    gone: &[Add],
) -> Map<String, Value> {
    let operation = &change.operation;
    let partitions = json!(next.metadata.partition_columns).to_string();
    let parameter = |(name, value): &(&str, String)| {
        let value = if *name == "partitionBy" { partitions.clone() } else { value.clone() };
        ((*name).to_owned(), Value::from(value))
    };
    let parameters: Map<String, Value> = operation.parameters.iter().map(parameter).collect();
    let mut metrics: Map<String, Value> =
        operation.metrics.iter().map(|(name, count)| ((*name).to_owned(), count.to_string().into())).collect();
    let bytes: i64 = added.values().map(|add| add.size).sum();
    let counts = match operation.name {
        "WRITE" | "CREATE TABLE AS SELECT" | "CREATE OR REPLACE TABLE AS SELECT" | "REPLACE TABLE AS SELECT" => {
            vec![("numFiles", added.len() as i64), ("numOutputBytes", bytes)]
        }
        "UPDATE" | "DELETE" => vec![("numAddedFiles", added.len() as i64), ("numRemovedFiles", gone.len() as i64)],
        "MERGE" => vec![("numTargetFilesAdded", added.len() as i64), ("numTargetFilesRemoved", gone.len() as i64)],
        _ => Vec::new(),
    };
    metrics.extend(counts.into_iter().map(|(name, count)| (name.to_owned(), count.to_string().into())));
    let mut info = Map::new();
    let mut state = |name: &str, value: Value| info.insert(name.to_owned(), value);
    state("timestamp", json!(next.timestamp));
    if let Some(user) = change.user {
        state("userName", json!(user));
    }
    state("operation", json!(operation.name));
    state("operationParameters", Value::Object(parameters));
    if let Some(before) = before {
        state("readVersion", json!(before));
    }
    state("isolationLevel", json!("WriteSerializable"));
    state("isBlindAppend", json!(operation.blind && gone.is_empty()));
    state("operationMetrics", Value::Object(metrics));
    state("engineInfo", json!(concat!("databricks-local/", env!("CARGO_PKG_VERSION"))));
    info
}
