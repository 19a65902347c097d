//! Delta tables on volumes, which other programs have written: ``delta.`/Volumes/…` ``. They are read, not changed.

use super::super::host::Host;
use super::super::store::table::Rows;
use super::at::At;
use super::log::{LOG, Snapshot, Source, Versions, commit, time_of};
use super::{at, columns, files, protocol};
use crate::sql::Failure;

/// Bytes of the rows of one table.
const LIMIT: usize = 512 << 20;

struct Volume<'a> {
    host: &'a dyn Host,
    path: String,
}

impl Source for Volume<'_> {
    fn place(&self) -> String {
        self.path.clone()
    }

    fn names(&self) -> Result<Vec<String>, Failure> {
        let log = format!("{}/{LOG}/", self.path);
        // That there is no such directory is told by the log that is missing.
        let found = self.host.files(&self.path)?;
        Ok(found.into_iter().filter_map(|f| f.path.strip_prefix(&log).map(str::to_owned)).collect())
    }

    fn bytes(&self, path: &str) -> Result<Vec<u8>, Failure> {
        self.host.content(&format!("{}/{path}", self.path))
    }
}

/// The version that was written last at or before a time.
fn version_at(source: &dyn Source, wanted: i64) -> Result<u64, Failure> {
    let versions = Versions::of(source)?;
    let (earliest, latest) = (versions.earliest().unwrap_or_default(), versions.latest().unwrap_or_default());
    let mut oldest = i64::MAX;
    for version in (earliest..=latest).rev() {
        let Some(time) = time_of(&commit(source, version)?) else { continue };
        if version == latest && wanted > time {
            return Err(at::too_late(wanted, time));
        }
        if time <= wanted {
            return Ok(version);
        }
        oldest = time;
    }
    Err(at::too_early(wanted, oldest))
}

/// The rows of a table on a volume.
pub(in super::super) fn read(host: &dyn Host, path: &str, at: Option<At>) -> Result<Rows, Failure> {
    let source = Volume { host, path: path.trim_end_matches('/').to_owned() };
    let version = match at {
        None => None,
        Some(At::Version(version)) => Some(version),
        Some(At::Time(time)) => Some(version_at(&source, time.div_euclid(1000))?),
    };
    let snapshot = Snapshot::read(&source, version)?;
    protocol::check(&source.path, &snapshot)?;
    let mut state = columns::state(&source.path, &snapshot)?;
    let mut left = LIMIT;
    for add in snapshot.files.values() {
        state.batches.push(files::rows(&source, add, &state, &mut left)?);
    }
    Ok(Rows::of(&state))
}
