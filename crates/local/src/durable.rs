//! Records on disk: an embedded transactional store, so that nothing acknowledged is lost when the process ends.

use std::io;
use std::path::Path;

use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use serde_json::{Map, Value};

/// Key: collection, a zero byte, and the record's key. Value: sequence (8 bytes, little endian) and JSON.
const RECORDS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("records");

/// The file of the store.
const FILE: &str = "records.redb";

/// One record as it was kept: collection, key, sequence, members.
pub(crate) type Kept = (String, String, u64, Map<String, Value>);

/// The store of one workspace. One process at a time has it.
pub(crate) struct Durable(Database);

impl std::fmt::Debug for Durable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Durable(..)")
    }
}

impl Durable {
    /// Opens or makes the store in `directory`.
    ///
    /// # Errors
    ///
    /// When another process has it open, or it cannot be read.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let database = Database::create(directory.join(FILE)).map_err(io::Error::other)?;
        let write = database.begin_write().map_err(io::Error::other)?;
        write.open_table(RECORDS).map_err(io::Error::other)?;
        write.commit().map_err(io::Error::other)?;
        Ok(Self(database))
    }

    /// Everything that is kept.
    pub(crate) fn read(&self) -> io::Result<Vec<Kept>> {
        let read = self.0.begin_read().map_err(io::Error::other)?;
        let table = read.open_table(RECORDS).map_err(io::Error::other)?;
        let mut out = Vec::new();
        for row in table.iter().map_err(io::Error::other)? {
            let (key, value) = row.map_err(io::Error::other)?;
            out.push(decode(key.value(), value.value()).ok_or(io::ErrorKind::InvalidData)?);
        }
        Ok(out)
    }

    /// Writes changes as one transaction; `None` removes. Returns when they are on disk.
    pub(crate) fn write<'a>(
        &self,
        changes: impl Iterator<Item = (&'a str, &'a str, Option<(u64, &'a Map<String, Value>)>)>,
    ) -> io::Result<()> {
        let write = self.0.begin_write().map_err(io::Error::other)?;
        {
            let mut table = write.open_table(RECORDS).map_err(io::Error::other)?;
            for (collection, key, kept) in changes {
                let key = [collection.as_bytes(), b"\0", key.as_bytes()].concat();
                match kept {
                    Some((sequence, record)) => {
                        let mut value = sequence.to_le_bytes().to_vec();
                        serde_json::to_writer(&mut value, record).map_err(io::Error::other)?;
                        table.insert(key.as_slice(), value.as_slice()).map_err(io::Error::other)?;
                    }
                    None => {
                        table.remove(key.as_slice()).map_err(io::Error::other)?;
                    }
                }
            }
        }
        write.commit().map_err(io::Error::other)
    }
}

fn decode(key: &[u8], value: &[u8]) -> Option<Kept> {
    let split = key.iter().position(|b| *b == 0)?;
    let collection = String::from_utf8(key.get(..split)?.to_vec()).ok()?;
    let key = String::from_utf8(key.get(split + 1..)?.to_vec()).ok()?;
    let (sequence, json) = value.split_first_chunk::<8>()?;
    Some((collection, key, u64::from_le_bytes(*sequence), serde_json::from_slice(json).ok()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_written_is_there_after_it_is_opened_again() {
        let directory = tempfile::tempdir().unwrap();
        let record = Map::from_iter([("a".to_owned(), json!([1, "x"]))]);
        let store = Durable::open(directory.path()).unwrap();
        store.write([("c", "1", Some((7, &record))), ("c", "2", Some((8, &record)))].into_iter()).unwrap();
        store.write([("c", "2", None)].into_iter()).unwrap();
        assert!(Durable::open(directory.path()).is_err(), "two processes at once");
        drop(store);
        let kept = Durable::open(directory.path()).unwrap().read().unwrap();
        assert_eq!(kept, [("c".to_owned(), "1".to_owned(), 7, record)]);
    }
}
