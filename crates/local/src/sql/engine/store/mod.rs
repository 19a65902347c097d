//! What the catalogs hold: schemas, tables, views, functions and volumes, with what SQL states of them.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::sql::{Failure, LOCATION};
#[cfg(not(feature = "delta"))]
use crate::state::kept::Staged;

#[cfg(feature = "delta")]
pub(super) mod backing;
pub(super) mod information;
mod keys;
pub(super) mod missing;
pub(super) mod operation;
pub(super) mod policy;
pub(super) mod providers;
pub(super) mod table;

use table::Table;

/// Catalog, schema and object, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) catalog: String,
    pub(super) schema: String,
    pub(super) object: String,
}

impl Name {
    pub(super) fn quoted(&self) -> String {
        quoted(&[&self.catalog, &self.schema, &self.object])
    }

    pub(super) fn plain(&self) -> String {
        format!("{}.{}.{}", self.catalog, self.schema, self.object)
    }
}

/// Parts of a name in backticks.
pub(super) fn quoted<S: AsRef<str>>(parts: &[S]) -> String {
    parts.iter().map(|p| format!("`{}`", p.as_ref().replace('`', "``"))).collect::<Vec<_>>().join(".")
}

pub(super) type Properties = BTreeMap<String, String>;

/// What is stated of any object.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "delta", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct About {
    pub(super) comment: Option<String>,
    pub(super) properties: Properties,
    pub(super) tags: Properties,
    pub(super) owner: Option<String>,
    pub(super) created_ms: i64,
}

impl About {
    /// What kind of table it is about.
    pub(super) fn table_type(&self) -> &'static str {
        if self.properties.contains_key(LOCATION) { "EXTERNAL" } else { "MANAGED" }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Catalog {
    pub(super) about: About,
    pub(super) schemas: BTreeMap<String, Schema>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Schema {
    pub(super) about: About,
    pub(super) relations: BTreeMap<String, Relation>,
    pub(super) functions: BTreeMap<String, Arc<Function>>,
    pub(super) volumes: BTreeMap<String, About>,
}

impl Schema {
    pub(super) fn is_empty(&self) -> bool {
        self.relations.is_empty() && self.functions.is_empty() && self.volumes.is_empty()
    }
}

#[derive(Clone, Debug)]
pub(super) enum Relation {
    Table(Arc<Table>),
    View(Arc<View>),
}

/// A view: its query as text, which is planned anew at each use.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "delta", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct View {
    pub(super) about: About,
    pub(super) text: String,
    /// Where names without a catalog or schema are looked for.
    pub(super) catalog: String,
    pub(super) schema: String,
    /// Names as they were written, types as the platform writes them, comments.
    pub(super) columns: Vec<ViewColumn>,
    pub(super) temporary: bool,
    /// The time zone that the session had set; its literals and casts are meant in it.
    #[cfg_attr(feature = "delta", serde(default))]
    pub(super) time_zone: Option<String>,
}

#[derive(Clone, Debug)]
#[cfg_attr(feature = "delta", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct ViewColumn {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) comment: Option<String>,
}

#[derive(Clone, Debug)]
#[cfg_attr(feature = "delta", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct FunctionParameter {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) default: Option<String>,
    pub(super) comment: Option<String>,
}

/// A function in SQL: an expression, or a query for functions of tables.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "delta", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Function {
    pub(super) about: About,
    pub(super) parameters: Vec<FunctionParameter>,
    /// The type of the value; of a function of tables the columns of its rows.
    pub(super) returns: Returns,
    pub(super) body: String,
    pub(super) catalog: String,
    pub(super) schema: String,
    pub(super) deterministic: bool,
}

#[derive(Clone, Debug)]
#[cfg_attr(feature = "delta", derive(serde::Serialize, serde::Deserialize))]
pub(super) enum Returns {
    Value(String),
    /// Names and types; none if the query states them.
    Table(Vec<(String, String)>),
}

/// A privilege that a principal was granted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Grant {
    pub(super) principal: String,
    pub(super) privilege: String,
    /// `TABLE`, `SCHEMA`, `CATALOG`, `FUNCTION`, `VOLUME`.
    pub(super) kind: String,
    pub(super) object: String,
}

/// All catalogs.
#[derive(Debug, Default)]
pub(super) struct Store {
    catalogs: RwLock<BTreeMap<String, Catalog>>,
    grants: RwLock<Vec<Grant>>,
    /// Where names and tables are kept.
    #[cfg(feature = "delta")]
    keeping: std::sync::OnceLock<super::delta::kept::Keeping>,
}

impl Store {
    pub(super) fn read<T>(&self, work: impl FnOnce(&BTreeMap<String, Catalog>) -> T) -> T {
        work(&self.catalogs.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes what the catalogs hold; where names are kept, the change is on disk before others see it.
    #[cfg(not(feature = "delta"))]
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&mut BTreeMap<String, Catalog>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.mirror(work)
    }

    /// Changes what the catalogs hold; undone where `commit` fails, which keeps what goes with the change.
    #[cfg(not(feature = "delta"))]
    pub(super) fn write_with<T>(
        &self,
        work: impl FnOnce(&mut BTreeMap<String, Catalog>) -> Result<T, Failure>,
        commit: impl FnOnce(Staged) -> Result<(), Failure>,
    ) -> Result<T, Failure> {
        self.mirror(|all| {
            let before = all.clone();
            let done = work(all).and_then(|done| commit(Staged::default()).map(|()| done));
            if done.is_err() {
                *all = before;
            }
            done
        })
    }

    /// Changes what is kept elsewhere.
    pub(super) fn mirror<T>(&self, work: impl FnOnce(&mut BTreeMap<String, Catalog>) -> T) -> T {
        work(&mut self.catalogs.write().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn grants<T>(&self, work: impl FnOnce(&mut Vec<Grant>) -> T) -> T {
        work(&mut self.grants.write().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn relation(&self, name: &Name) -> Option<Relation> {
        self.read(|c| c.get(&name.catalog)?.schemas.get(&name.schema)?.relations.get(&name.object).cloned())
    }

    pub(super) fn function(&self, name: &Name) -> Option<Arc<Function>> {
        self.read(|c| c.get(&name.catalog)?.schemas.get(&name.schema)?.functions.get(&name.object).cloned())
    }

    /// Reads a schema that has to be there.
    pub(super) fn schema<T>(&self, catalog: &str, schema: &str, work: impl FnOnce(&Schema) -> T) -> Result<T, Failure> {
        self.read(|all| {
            let found = all.get(catalog).ok_or_else(|| missing::catalog(catalog))?;
            found.schemas.get(schema).map(work).ok_or_else(|| missing::schema(catalog, schema))
        })
    }

    /// Changes a schema that has to be there.
    pub(super) fn change_schema<T>(
        &self,
        catalog: &str,
        schema: &str,
        work: impl FnOnce(&mut Schema) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.write(|all| {
            let found = all.get_mut(catalog).ok_or_else(|| missing::catalog(catalog))?;
            let schema = found.schemas.get_mut(schema).ok_or_else(|| missing::schema(catalog, schema))?;
            work(schema)
        })
    }

    /// Changes a catalog that has to be there.
    pub(super) fn change_catalog<T>(
        &self,
        catalog: &str,
        work: impl FnOnce(&mut Catalog) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.write(|all| work(all.get_mut(catalog).ok_or_else(|| missing::catalog(catalog))?))
    }

    /// Makes a catalog with an empty schema `default`; `false` if there is one of that name.
    pub(super) fn create_catalog(&self, name: &str, about: About) -> Result<bool, Failure> {
        self.write(|all| {
            if all.contains_key(name) {
                return Ok(false);
            }
            let mut catalog = Catalog { about, ..Catalog::default() };
            catalog.schemas.insert("default".to_owned(), Schema::default());
            all.insert(name.to_owned(), catalog);
            Ok(true)
        })
    }

    /// Removes a catalog with all that it holds; `false` if there is none of that name.
    pub(super) fn drop_catalog(&self, name: &str) -> Result<bool, Failure> {
        self.write(|all| Ok(all.remove(name).is_some()))
    }
}
