//! The names of what SQL has made, as records that another start finds: catalogs, schemas, tables by their directory, views
//! and functions. A name is written after the directory that it leads to, and removed before it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{Depot, Keeper};
use crate::random::Ids;
use crate::sql::Failure;
use crate::sql::engine::sample;
use crate::sql::engine::store::table::Table;
use crate::sql::engine::store::{About, Catalog, Function, Relation, Schema, View};
use crate::state::kept::{Kept, Staged};

type Record = Map<String, Value>;
type Catalogs = BTreeMap<String, Catalog>;

/// Where names and tables are kept.
#[derive(Debug)]
pub(crate) struct Keeping {
    pub(in super::super) depot: Arc<Depot>,
    names: Kept,
    /// The records as they were written last.
    last: Mutex<BTreeMap<String, Record>>,
}

impl Keeping {
    /// `data` is the directory of a workspace that outlives its process, `temporary` that of one that does not.
    pub(crate) fn new(names: Kept, data: Option<&Path>, temporary: &Path, ids: &Arc<Ids>) -> io::Result<Self> {
        let directory = crate::scratch::kept(&data.unwrap_or(temporary).join("tables"))?;
        let depot = Depot { directory, lasting: data.is_some(), ids: Arc::clone(ids) };
        Ok(Self { depot: Arc::new(depot), names, last: Mutex::default() })
    }

    /// What was kept; `None` at the first start.
    pub(in super::super) fn load(&self) -> io::Result<Option<Catalogs>> {
        let records: BTreeMap<String, Record> = self.names.all().into_iter().collect();
        if records.is_empty() {
            return Ok(None);
        }
        let mut all = Catalogs::new();
        let mut directories = BTreeSet::new();
        // Keys are in the order in which things are inside of each other.
        for (key, record) in &records {
            let wrong = |why: String| io::Error::other(format!("the record of {key} cannot be read: {why}"));
            let (kind, path) = key.split_once(' ').ok_or_else(|| wrong("it has no name".to_owned()))?;
            let path: Vec<String> = serde_json::from_str(path).map_err(|e| wrong(e.to_string()))?;
            match (kind, path.as_slice()) {
                ("1catalog", [catalog]) => {
                    let about: About = member(record, "about").map_err(wrong)?;
                    all.insert(catalog.clone(), Catalog { about, ..Catalog::default() });
                }
                ("2schema", [catalog, schema]) => {
                    let about: About = member(record, "about").map_err(wrong)?;
                    let found = all.get_mut(catalog).ok_or_else(|| wrong("its catalog is missing".to_owned()))?;
                    found.schemas.insert(schema.clone(), Schema { about, ..Schema::default() });
                }
                (kind, [catalog, schema, object]) => {
                    let found = all.get_mut(catalog).and_then(|c| c.schemas.get_mut(schema));
                    let found = found.ok_or_else(|| wrong("its schema is missing".to_owned()))?;
                    if kind == "4function" {
                        let function: Function = member(record, "function").map_err(wrong)?;
                        found.functions.insert(object.clone(), Arc::new(function));
                        continue;
                    }
                    let relation = if let Some(directory) = record.get("table").and_then(Value::as_str) {
                        directories.insert(directory.to_owned());
                        let opened = Keeper::open(&self.depot, directory);
                        let (keeper, state) = opened.map_err(|failure| {
                            io::Error::other(format!(
                                "the table {catalog}.{schema}.{object} in {} cannot be opened: {}",
                                self.depot.directory.join(directory).display(),
                                failure.message
                            ))
                        })?;
                        Relation::Table(Arc::new(Table::opened(keeper, state)))
                    } else if let Some(name) = record.get("sample").and_then(Value::as_str) {
                        let found = sample::named(name).map_err(io::Error::other)?;
                        found.ok_or_else(|| wrong(format!("there is no sample {name}")))?
                    } else {
                        Relation::View(Arc::new(member::<View>(record, "view").map_err(wrong)?))
                    };
                    found.relations.insert(object.clone(), relation);
                }
                _ => return Err(wrong("its kind is not known".to_owned())),
            }
        }
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = records;
        self.sweep(&directories);
        Ok(Some(all))
    }

    /// Removes tables that no name leads to: of a CREATE or DROP that the end of the process has met.
    fn sweep(&self, directories: &BTreeSet<String>) {
        let Ok(entries) = std::fs::read_dir(&self.depot.directory) else { return };
        for entry in entries.flatten() {
            if !directories.contains(&*entry.file_name().to_string_lossy()) {
                // What cannot be removed is tried again at the next start.
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Keeps what has changed since the last time; returns once it is on disk.
    pub(in super::super) fn save(&self, all: &Catalogs) -> Result<(), Failure> {
        self.save_by(all, |changes| {
            let saved = if changes.is_empty() { Ok(()) } else { self.names.save(changes) };
            saved.map_err(|e| Failure::internal(format!("The change could not be stored: {}", e.message())))
        })
    }

    /// As [`save`](Self::save), where `commit` keeps the change together with others.
    pub(in super::super) fn save_with(
        &self,
        all: &Catalogs,
        commit: impl FnOnce(Staged) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.save_by(all, |changes| commit(self.names.stage(changes)))
    }

    fn save_by(
        &self,
        all: &Catalogs,
        commit: impl FnOnce(Vec<(String, Option<Record>)>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let failed = |e: serde_json::Error| Failure::internal(format!("The name could not be stored: {e}"));
        let records = records(all).map_err(failed)?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = records.iter().filter(|(key, record)| last.get(*key) != Some(record));
        let mut changes: Vec<(String, Option<Record>)> =
            changed.map(|(key, record)| (key.clone(), Some(record.clone()))).collect();
        changes.extend(last.keys().filter(|key| !records.contains_key(*key)).map(|key| (key.clone(), None)));
        commit(changes)?;
        *last = records;
        Ok(())
    }
}

fn member<T: DeserializeOwned>(record: &Record, name: &str) -> Result<T, String> {
    let value = record.get(name).cloned().unwrap_or(Value::Null);
    serde_json::from_value(value).map_err(|e| format!("{name}: {e}"))
}

fn record(name: &str, value: &impl Serialize) -> Result<Record, serde_json::Error> {
    Ok(Record::from_iter([(name.to_owned(), serde_json::to_value(value)?)]))
}

/// A record for each name.
fn records(all: &Catalogs) -> Result<BTreeMap<String, Record>, serde_json::Error> {
    let mut out = BTreeMap::new();
    for (catalog, inside) in all {
        out.insert(format!("1catalog {}", json!([catalog])), record("about", &inside.about)?);
        for (schema, inside) in &inside.schemas {
            out.insert(format!("2schema {}", json!([catalog, schema])), record("about", &inside.about)?);
            for (object, relation) in &inside.relations {
                let kept = match relation {
                    Relation::Table(table) => match (table.directory(), table.sample()) {
                        (Some(directory), _) => record("table", &directory)?,
                        (None, Some(sample)) => record("sample", &sample)?,
                        (None, None) => continue,
                    },
                    Relation::View(view) => record("view", view.as_ref())?,
                };
                out.insert(format!("3relation {}", json!([catalog, schema, object])), kept);
            }
            for (object, function) in &inside.functions {
                let key = format!("4function {}", json!([catalog, schema, object]));
                out.insert(key, record("function", function.as_ref())?);
            }
        }
    }
    Ok(out)
}
