//! The store as the engine's planner sees it: catalogs, schemas and tables by name. Views are planned at each use.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::error::Result as Outcome;
use futures_util::FutureExt as _;

use super::super::core::Core;
use super::super::depth;
use super::super::errors::carried;
use super::super::guard;
use super::super::host::Secrets;
use super::super::rights::Rights;
#[cfg(feature = "delta")]
use super::table::Table;
use super::table::{Rows, TableState};
use super::{Name, Relation, View, information};
use crate::sql::Failure;

/// The catalog of what lives as long as a statement or a session; no name of the platform's begins like this.
pub(in super::super) const LOCAL: &str = "__local";
/// Its schema of rows that a statement has read.
pub(in super::super) const ROWS: &str = "rows";
/// Its schema of temporary views.
pub(in super::super) const VIEWS: &str = "views";
pub(in super::super) const INFORMATION: &str = "information_schema";
/// Views inside each other.
const NESTED_VIEWS: usize = 100;
/// Uses of views in one statement, those inside of each other counted.
const VIEW_USES: usize = 500;

/// What a statement sees beside the store.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Extra {
    pub(in super::super) rows: BTreeMap<String, Arc<Rows>>,
    pub(in super::super) views: BTreeMap<String, Arc<View>>,
    /// The times that expressions behind TIMESTAMP AS OF give.
    #[cfg(feature = "delta")]
    pub(in super::super) times: BTreeMap<String, super::super::delta::at::At>,
}

/// The catalogs for one statement.
#[derive(Clone, Debug)]
pub(in super::super) struct Overlay {
    pub(in super::super) core: Arc<Core>,
    pub(in super::super) extra: Arc<Extra>,
    /// Views around what is planned.
    pub(in super::super) depth: usize,
    /// Views that the statement has read, each use counted.
    pub(in super::super) used: Arc<AtomicUsize>,
    /// Who runs the statement.
    pub(in super::super) user: Arc<str>,
    /// What the user may read; views read with the rights of their owner.
    pub(in super::super) rights: Option<Arc<Rights>>,
    /// Who runs the statement, and groups that hold the user.
    pub(in super::super) groups: Arc<[String]>,
    /// The name of the session's time zone.
    pub(in super::super) time_zone: Arc<str>,
    /// The secrets that the user may read.
    pub(in super::super) secrets: Arc<dyn Secrets>,
    /// The identifier of the metastore.
    pub(in super::super) metastore: Arc<str>,
}

impl Overlay {
    /// Refuses views that are too deep inside each other, or too many.
    fn enter(&self, name: &str) -> Outcome<()> {
        if self.depth >= NESTED_VIEWS {
            return Err(carried(Failure::class(
                "VIEW_EXCEED_MAX_NESTED_DEPTH",
                &format!("The depth of view `{name}` exceeds the maximum view resolution depth ({NESTED_VIEWS})."),
                "54K00",
            )));
        }
        if self.used.fetch_add(1, Ordering::Relaxed) >= VIEW_USES {
            return Err(carried(depth::too_complex("uses of views", VIEW_USES)));
        }
        Ok(())
    }

    /// A table with a row filter or column masks; their functions run with the rights of their owner.
    async fn guarded(&self, name: &Name, state: Arc<TableState>) -> Outcome<Arc<dyn TableProvider>> {
        self.enter(&name.object)?;
        let inner = Self { depth: self.depth + 1, rights: None, ..self.clone() };
        // Boxed, since functions may read tables that are planned in the same way.
        async move { inner.core.guarded(name, &state, &inner).await }.boxed().await
    }

    async fn view(&self, name: &str, view: &View) -> Outcome<Arc<dyn TableProvider>> {
        self.enter(name)?;
        let rights = if view.temporary { self.rights.clone() } else { None };
        let inner = Self { depth: self.depth + 1, rights, ..self.clone() };
        // Boxed, since views are planned by planning views.
        async move { inner.core.view(view, &inner).await }.boxed().await
    }
}

impl CatalogProviderList for Overlay {
    fn register_catalog(&self, _: String, _: Arc<dyn CatalogProvider>) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        self.core.store.read(|all| all.keys().cloned().collect())
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        let there = name == LOCAL || name == "system" || self.core.store.read(|all| all.contains_key(name));
        there.then(|| Arc::new(CatalogOf { overlay: self.clone(), name: name.to_owned() }) as _)
    }
}

#[derive(Debug)]
struct CatalogOf {
    overlay: Overlay,
    name: String,
}

impl CatalogProvider for CatalogOf {
    fn schema_names(&self) -> Vec<String> {
        self.overlay
            .core
            .store
            .read(|all| all.get(&self.name).map(|c| c.schemas.keys().cloned().collect()))
            .unwrap_or_default()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let there = self.name == LOCAL
            || name == INFORMATION
            || self.overlay.core.store.read(|all| all.get(&self.name).is_some_and(|c| c.schemas.contains_key(name)));
        there.then(|| {
            Arc::new(SchemaOf { overlay: self.overlay.clone(), catalog: self.name.clone(), schema: name.to_owned() })
                as _
        })
    }
}

#[derive(Debug)]
struct SchemaOf {
    overlay: Overlay,
    catalog: String,
    schema: String,
}

#[cfg(feature = "delta")]
impl SchemaOf {
    /// A table that has versions and that the user may read.
    fn versioned(&self, table: &str) -> Result<(Name, Arc<Table>), Failure> {
        let full = Name { catalog: self.catalog.clone(), schema: self.schema.clone(), object: table.to_owned() };
        let store = &self.overlay.core.store;
        let Some(relation) = store.relation(&full) else {
            return Err(super::missing::table(&[&full.catalog, &full.schema, &full.object]));
        };
        if let Some(rights) = &self.overlay.rights {
            rights.may_read(store, &full)?;
        }
        match relation {
            Relation::Table(table) => Ok((full, table)),
            Relation::View(_) => Err(super::missing::not_a_table(&full)),
        }
    }

    /// The rows of an older version of a table.
    fn version(&self, table: &str, at: super::super::delta::at::At) -> Result<Rows, Failure> {
        let (name, table) = self.versioned(table)?;
        guard::refuse_time_travel(&name, &table.state())?;
        Ok(Rows::of(&*super::super::delta::state_at(&table, at)?))
    }

    /// The changes of a table.
    fn changes(&self, table: &str, range: super::super::delta::feed::Range) -> Result<Rows, Failure> {
        let (_, table) = self.versioned(table)?;
        if guard::applies(&table.state()) {
            return Err(super::missing::feature("table_changes of a table with a row filter or column masks"));
        }
        super::super::delta::feed::read(&table, range)
    }
}

#[async_trait]
impl SchemaProvider for SchemaOf {
    fn table_names(&self) -> Vec<String> {
        self.overlay
            .core
            .store
            .schema(&self.catalog, &self.schema, |s| s.relations.keys().cloned().collect())
            .unwrap_or_default()
    }

    async fn table(&self, name: &str) -> Outcome<Option<Arc<dyn TableProvider>>> {
        if self.catalog == LOCAL {
            let extra = &self.overlay.extra;
            return Ok(match self.schema.as_str() {
                ROWS => extra.rows.get(name).map(|rows| Arc::clone(rows) as _),
                _ => match extra.views.get(name) {
                    Some(view) => Some(self.overlay.view(name, view).await?),
                    None => None,
                },
            });
        }
        if self.schema == INFORMATION {
            return information::view(&self.overlay.core.store, &self.catalog, name)
                .map(|rows| rows.map(|rows| Arc::new(rows) as _));
        }
        #[cfg(feature = "delta")]
        if let Some((table, at)) = super::super::delta::at::At::of(name) {
            return self.version(table, at).map(|rows| Some(Arc::new(rows) as _)).map_err(carried);
        }
        #[cfg(feature = "delta")]
        if let Some((table, range)) = super::super::delta::feed::Range::of(name) {
            return self.changes(table, range).map(|rows| Some(Arc::new(rows) as _)).map_err(carried);
        }
        let full = Name { catalog: self.catalog.clone(), schema: self.schema.clone(), object: name.to_owned() };
        if let Some(rights) = &self.overlay.rights
            && self.overlay.core.store.relation(&full).is_some()
        {
            rights.may_read(&self.overlay.core.store, &full).map_err(carried)?;
        }
        match self.overlay.core.store.relation(&full) {
            None => Ok(None),
            Some(Relation::Table(table)) => {
                let state = table.state();
                if guard::applies(&state) {
                    return self.overlay.guarded(&full, state).await.map(Some);
                }
                Ok(Some(Arc::new(Rows::of(&state))))
            }
            Some(Relation::View(view)) => self.overlay.view(name, &view).await.map(Some),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        #[cfg(feature = "delta")]
        let name = super::super::delta::feed::Range::of(name).map_or(name, |(table, _)| table);
        #[cfg(feature = "delta")]
        let name = super::super::delta::at::At::of(name).map_or(name, |(table, _)| table);
        self.overlay.core.store.schema(&self.catalog, &self.schema, |s| s.relations.contains_key(name)).unwrap_or(false)
    }
}
