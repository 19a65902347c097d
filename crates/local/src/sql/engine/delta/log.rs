//! The log of a table: which files a version has, and the commits that led there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::records::{Action, Add, Metadata, Protocol, key};
use super::{broken, checkpoint, io};
use crate::sql::Failure;

/// The directory of the log below that of the table.
pub(super) const LOG: &str = "_delta_log";
/// Commits after which the log is written down as a whole, so that the next start need not read all of them.
pub(super) const CHECKPOINT: u64 = 100;

/// The files of a table, wherever they are.
pub(super) trait Source {
    /// What errors call the table.
    fn place(&self) -> String;

    /// Names of the files of the log.
    fn names(&self) -> Result<Vec<String>, Failure>;

    /// The bytes of a file, by its path below the table.
    fn bytes(&self, path: &str) -> Result<Vec<u8>, Failure>;
}

/// A table in a directory.
#[derive(Clone, Debug)]
pub(super) struct Directory(pub(super) PathBuf);

impl Source for Directory {
    fn place(&self) -> String {
        self.0.display().to_string()
    }

    fn names(&self) -> Result<Vec<String>, Failure> {
        let path = self.0.join(LOG);
        let failed = |e: std::io::Error| io("read the directory", &path, &e);
        let entries = std::fs::read_dir(&path).map_err(failed)?;
        entries.map(|e| Ok(e.map_err(failed)?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn bytes(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let path = self.0.join(path);
        std::fs::read(&path).map_err(|e| io("read the file", &path, &e))
    }
}

/// A version of a table.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    pub(super) version: u64,
    /// Of its commit, in milliseconds since 1970.
    pub(super) timestamp: i64,
    pub(super) protocol: Protocol,
    pub(super) metadata: Metadata,
    pub(super) domains: BTreeMap<String, String>,
    pub(super) files: BTreeMap<(String, String), Add>,
}

/// What the names in a log say.
#[derive(Debug, Default)]
pub(super) struct Versions {
    commits: BTreeSet<u64>,
    /// In one file each.
    checkpoints: BTreeSet<u64>,
    /// In a form that is not read here.
    others: BTreeSet<u64>,
}

impl Versions {
    pub(super) fn of(source: &dyn Source) -> Result<Self, Failure> {
        let mut all = Self::default();
        for name in source.names()? {
            let Some(version) = name.get(..20).and_then(|digits| digits.parse::<u64>().ok()) else { continue };
            match &name[20..] {
                ".json" => all.commits.insert(version),
                ".checkpoint.parquet" => all.checkpoints.insert(version),
                rest if rest.starts_with(".checkpoint.") => all.others.insert(version),
                _ => false,
            };
        }
        Ok(all)
    }

    pub(super) fn latest(&self) -> Option<u64> {
        self.commits.iter().chain(&self.checkpoints).max().copied()
    }

    /// The oldest that can be read.
    pub(super) fn earliest(&self) -> Option<u64> {
        let from = self.commits.first().copied().filter(|first| *first == 0);
        from.or_else(|| self.checkpoints.first().copied())
    }
}

pub(super) fn commit_path(version: u64) -> String {
    format!("{LOG}/{version:020}.json")
}

/// The records of one commit.
pub(super) fn commit(source: &dyn Source, version: u64) -> Result<Vec<Action>, Failure> {
    let path = commit_path(version);
    let wrong = |why: &dyn std::fmt::Display| broken(&source.place(), &format!("{path}: {why}"));
    let bytes = source.bytes(&path)?;
    let text = std::str::from_utf8(&bytes).map_err(|e| wrong(&e))?;
    let mut out = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let line: Value = serde_json::from_str(line).map_err(|e| wrong(&e))?;
        out.extend(Action::read(&line).map_err(|e| wrong(&e))?);
    }
    Ok(out)
}

/// When a commit was made.
pub(super) fn time_of(actions: &[Action]) -> Option<i64> {
    actions.iter().find_map(|action| match action {
        Action::CommitInfo(info) => {
            info.get("inCommitTimestamp").or_else(|| info.get("timestamp")).and_then(Value::as_i64)
        }
        _ => None,
    })
}

impl Snapshot {
    /// The version that is asked for, or the latest.
    pub(super) fn read(source: &dyn Source, version: Option<u64>) -> Result<Self, Failure> {
        let versions = Versions::of(source)?;
        let (Some(earliest), Some(latest)) = (versions.earliest(), versions.latest()) else {
            return Err(if versions.others.is_empty() {
                let text = format!("{} is not a Delta table: it has no log.", source.place());
                Failure::class("DELTA_MISSING_DELTA_TABLE", &text, "42P01")
            } else {
                super::protocol::unknown_checkpoint(&source.place())
            });
        };
        let wanted = version.unwrap_or(latest);
        if !(earliest..=latest).contains(&wanted) {
            return Err(super::at::no_version(wanted, earliest, latest));
        }
        let from = versions.checkpoints.range(..=wanted).next_back().copied();
        let mut snapshot = Self::default();
        if let Some(from) = from {
            let path = format!("{LOG}/{from:020}.checkpoint.parquet");
            snapshot.apply(checkpoint::read(&path, source.bytes(&path)?)?);
        }
        for version in from.map_or(0, |from| from + 1)..=wanted {
            if !versions.commits.contains(&version) {
                return Err(broken(&source.place(), &format!("version {version} is missing")));
            }
            let actions = commit(source, version)?;
            snapshot.timestamp = time_of(&actions).unwrap_or(snapshot.timestamp);
            snapshot.apply(actions);
        }
        if from == Some(wanted) && versions.commits.contains(&wanted) {
            snapshot.timestamp = time_of(&commit(source, wanted)?).unwrap_or_default();
        }
        snapshot.version = wanted;
        if snapshot.protocol == Protocol::default() || snapshot.metadata.schema_string.is_empty() {
            return Err(broken(&source.place(), "it states no protocol or no columns"));
        }
        Ok(snapshot)
    }

    fn apply(&mut self, actions: Vec<Action>) {
        // Removals count for what was there before the commit.
        for action in &actions {
            if let Action::Remove(gone) = action {
                self.files.remove(&key(&gone.path, gone.deletion_vector.as_ref()));
            }
        }
        for action in actions {
            match action {
                Action::Add(add) => {
                    self.files.insert(key(&add.path, add.deletion_vector.as_ref()), add);
                }
                Action::MetaData(metadata) => self.metadata = metadata,
                Action::Protocol(protocol) => self.protocol = protocol,
                Action::DomainMetadata(domain) if domain.removed => {
                    self.domains.remove(&domain.domain);
                }
                Action::DomainMetadata(domain) => {
                    self.domains.insert(domain.domain, domain.configuration);
                }
                Action::CommitInfo(_) | Action::Remove(_) | Action::Cdc(_) => {}
            }
        }
    }
}

/// Writes a file that is there as a whole or not at all, and on disk where that is asked for. Its name is on disk once the
/// directory has [settled](settle).
pub(super) fn put(path: &Path, bytes: &[u8], lasting: bool, modified_ms: Option<i64>) -> Result<(), Failure> {
    let failed = |e: std::io::Error| io("write the file", path, &e);
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let write = || {
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        if let Some(ms) = modified_ms.and_then(|ms| u64::try_from(ms).ok()) {
            // Readers from outside take the time of a version from its file.
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_millis(ms))?;
        }
        if lasting {
            file.sync_all()?;
        }
        std::fs::rename(&part, path)
    };
    write().map_err(|e| {
        // What is left of it is of no use; that it may stay changes nothing.
        let _ = std::fs::remove_file(&part);
        failed(e)
    })
}

/// Puts the names in a directory on disk.
pub(super) fn settle(directory: &Path) -> Result<(), Failure> {
    if cfg!(unix) {
        let synced = File::open(directory).and_then(|d| d.sync_all());
        synced.map_err(|e| io("write the directory", directory, &e))?;
    }
    Ok(())
}

/// Writes the next commit; there is one writer.
pub(super) fn append(
    directory: &Path,
    version: u64,
    actions: &[Action],
    timestamp: i64,
    lasting: bool,
) -> Result<(), Failure> {
    let path = directory.join(commit_path(version));
    if path.exists() {
        let text =
            format!("version {version} was written by another program, which a table of this workspace is not for");
        return Err(broken(&directory.display().to_string(), &text));
    }
    let mut bytes = Vec::new();
    for action in actions {
        serde_json::to_writer(&mut bytes, action).map_err(|e| io("write the file", &path, &e))?;
        bytes.push(b'\n');
    }
    put(&path, &bytes, lasting, Some(timestamp))?;
    if lasting { settle(&directory.join(LOG)) } else { Ok(()) }
}
