//! Other names for catalogs, schemas, tables, views and volumes. All that they hold moves with them; views whose text has
//! the old name fail from then on, as on the platform, and foreign keys follow.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Engine;
use super::host::Host;
use super::mirror;
use super::store::operation::{Change, Operation};
use super::store::table::{Constraint, Table, TableState};
use super::store::{Catalog, Name, Relation, Schema, Store, missing, quoted};
use crate::records::renames::Renamed;
use crate::sql::Failure;

type Catalogs = BTreeMap<String, Catalog>;

/// What gets another name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Catalog,
    Schema,
    /// A table or a view.
    Relation,
    Volume,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Catalog => "CATALOG",
            Self::Schema => "SCHEMA",
            Self::Relation => "TABLE",
            Self::Volume => "VOLUME",
        }
    }
}

/// A new name for what has an old one; both have the parts that their kind has, in lower case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Renaming<'a> {
    pub(crate) kind: Kind,
    pub(crate) from: &'a [&'a str],
    pub(crate) to: &'a [&'a str],
}

impl Engine {
    /// Gives a securable another name.
    ///
    /// # Errors
    ///
    /// If it is missing, the name is taken, or the change cannot be stored.
    pub(crate) async fn rename(&self, host: &dyn Host, renaming: Renaming<'_>) -> Result<(), Failure> {
        mirror::pull(&self.core.store, host);
        rename(&self.core.store, host, renaming, None).await
    }
}

/// As [`Engine::rename`], by a user that is known.
pub(super) async fn rename(
    store: &Store,
    host: &dyn Host,
    renaming: Renaming<'_>,
    user: Option<&str>,
) -> Result<(), Failure> {
    let (from, to) = (renaming.from.join("."), renaming.to.join("."));
    let renamed = Renamed { kind: renaming.kind.name(), from: &from, to: &to };
    store.write_with(|all| place(all, renaming), |names| host.rename(&renamed, names))?;
    if renaming.kind != Kind::Volume {
        follow(store, host, renaming, user).await?;
    }
    Ok(())
}

/// Moves what the catalogs hold.
fn place(all: &mut Catalogs, renaming: Renaming<'_>) -> Result<(), Failure> {
    match (renaming.kind, renaming.from, renaming.to) {
        (Kind::Catalog, [from], [to]) => {
            if all.contains_key(*to) {
                return Err(missing::exists("CATALOG_ALREADY_EXISTS", "catalog", &quoted(&[to]), "42710"));
            }
            let found = all.remove(*from).ok_or_else(|| missing::catalog(from))?;
            all.insert((*to).to_owned(), found);
            Ok(())
        }
        (Kind::Schema, [catalog, from], [_, to]) => {
            let inside = all.get_mut(*catalog).ok_or_else(|| missing::catalog(catalog))?;
            if inside.schemas.contains_key(*to) {
                return Err(missing::exists("SCHEMA_ALREADY_EXISTS", "schema", &quoted(&[catalog, to]), "42P06"));
            }
            let found = inside.schemas.remove(*from).ok_or_else(|| missing::schema(catalog, from))?;
            inside.schemas.insert((*to).to_owned(), found);
            Ok(())
        }
        (kind, from, to) => {
            let (from, to) = (three_parts(from)?, three_parts(to)?);
            let taken = |schema: &Schema| match kind {
                Kind::Volume => schema.volumes.contains_key(&to.object),
                _ => schema.relations.contains_key(&to.object),
            };
            if taken(schema(all, &to)?) {
                return Err(match kind {
                    Kind::Volume => missing::exists("VOLUME_ALREADY_EXISTS", "volume", &to.quoted(), "42000"),
                    _ => missing::table_exists(&to),
                });
            }
            let source = schema(all, &from)?;
            if kind == Kind::Volume {
                let about = source.volumes.remove(&from.object).ok_or_else(|| missing::volume(&from))?;
                schema(all, &to)?.volumes.insert(to.object, about);
            } else {
                let relation = source.relations.remove(&from.object);
                let relation = relation.ok_or_else(|| missing::table(&[&from.catalog, &from.schema, &from.object]))?;
                schema(all, &to)?.relations.insert(to.object, relation);
            }
            Ok(())
        }
    }
}

fn three_parts(parts: &[&str]) -> Result<Name, Failure> {
    let [catalog, schema, object] = parts else { return Err(Failure::internal("a name has three parts")) };
    Ok(Name { catalog: (*catalog).to_owned(), schema: (*schema).to_owned(), object: (*object).to_owned() })
}

fn schema<'a>(all: &'a mut Catalogs, name: &Name) -> Result<&'a mut Schema, Failure> {
    let catalog = all.get_mut(&name.catalog).ok_or_else(|| missing::catalog(&name.catalog))?;
    catalog.schemas.get_mut(&name.schema).ok_or_else(|| missing::schema(&name.catalog, &name.schema))
}

/// Writes the new name into the foreign keys that refer to what has it.
async fn follow(store: &Store, host: &dyn Host, renaming: Renaming<'_>, user: Option<&str>) -> Result<(), Failure> {
    for table in store.read(|all| referring(all, renaming)) {
        let _writing = table.writer.lock().await;
        let mut state = table.state().as_ref().clone();
        if point(&mut state, renaming) {
            let operation = Operation::new("ADD CONSTRAINT");
            table.commit(state, &Change { store, now_ms: host.now_ms(), user, operation })?;
        }
    }
    Ok(())
}

/// The tables with such keys.
fn referring(all: &Catalogs, renaming: Renaming<'_>) -> Vec<Arc<Table>> {
    let relations = all.values().flat_map(|c| c.schemas.values()).flat_map(|s| s.relations.values());
    let tables = relations.filter_map(|relation| match relation {
        Relation::Table(table) => Some(table),
        Relation::View(_) => None,
    });
    let refers = |table: &&Arc<Table>| table.state().constraints.values().any(|found| refers(found, renaming));
    tables.filter(refers).cloned().collect()
}

fn refers(constraint: &Constraint, renaming: Renaming<'_>) -> bool {
    let Constraint::ForeignKey(_, reference) = constraint else { return false };
    let parts = reference.table.iter().take(renaming.from.len()).map(String::as_str);
    reference.table.len() == 3 && parts.eq(renaming.from.iter().copied())
}

/// Makes the keys of the table that refer to the old name refer to the new one; `false` if none does.
fn point(state: &mut TableState, renaming: Renaming<'_>) -> bool {
    let mut changed = false;
    for constraint in state.constraints.values_mut().filter(|found| refers(found, renaming)) {
        let Constraint::ForeignKey(_, reference) = constraint else { continue };
        for (part, new) in reference.table.iter_mut().zip(renaming.to) {
            (*new).clone_into(part);
        }
        changed = true;
    }
    changed
}
