//! What each service takes of the workspace: handles that name what it works with, and no more.

use std::sync::Arc;

use super::Shared;
use super::app::App;
use super::clusters::Clusters;
use super::content::Shelf;
use super::contexts::Contexts;
use super::dbfs::Dbfs;
use super::endpoints::Endpoints;
use super::identity::Identity;
use super::integrations::Integrations;
use super::jobs::{Jobs, TaskValues};
use super::objects::Objects;
use super::parts::Parts;
use super::place::Place;
use super::secrets::SecretScopes;
use super::sessions::Sessions;
use super::signed_links::SignedLinks;
use super::starter::ContextStarter;
use super::volumes::{Links, Volumes};
use super::warehouses::Warehouses;
use crate::caller::Caller;
use crate::clock::Clock;
use crate::faults::Faults;
use crate::random::Ids;
use crate::record::Record;
use crate::records::call::Desk;
use crate::records::store::Records;
use crate::spark::attached::Attached;
use crate::sql::store::Statements;

/// Writes handles: each member with its type, and where it is among the parts of the workspace.
macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident { $($(#[$gate:meta])* $field:ident: $type:ty = $($path:ident).+,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub(crate) struct $name {
            $($(#[$gate])* pub(crate) $field: $type,)*
        }

        impl From<&Parts> for $name {
            fn from(parts: &Parts) -> Self {
                Self { $($(#[$gate])* $field: Clone::clone(&parts.$($path).+),)* }
            }
        }
    )*};
}

handles! {
    /// What every request to the workspace passes.
    GateHandle {
        ids: Arc<Ids> = sql.ids,
        place: Arc<Place> = place,
        identity: Arc<Identity> = identity,
        record: Arc<Record> = record,
        faults: Faults = faults,
    }

    /// Authentication with OAuth.
    OidcHandle {
        place: Arc<Place> = place,
        identity: Arc<Identity> = identity,
    }

    /// Operations on records.
    RecordsHandle {
        clock: Clock = sql.clock,
        ids: Arc<Ids> = sql.ids,
        place: Arc<Place> = place,
        records: Arc<Records> = records,
        volumes: Arc<Volumes> = sql.volumes,
    }

    /// Personal access tokens.
    TokensHandle {
        clock: Clock = sql.clock,
        ids: Arc<Ids> = sql.ids,
        records: Arc<Records> = records,
    }

    /// OAuth app integrations of the account.
    IntegrationsHandle {
        clock: Clock = sql.clock,
        ids: Arc<Ids> = sql.ids,
        place: Arc<Place> = place,
        published: Shared<Integrations> = published,
        custom: Shared<Integrations> = identity.custom,
    }

    /// Secret scopes, and who works with them.
    SecretsHandle {
        clock: Clock = sql.clock,
        identity: Arc<Identity> = identity,
        secret_scopes: Shared<SecretScopes> = sql.secret_scopes,
    }

    /// Unity Catalog's objects that the SQL engine holds.
    CatalogHandle {
        sql: Arc<App> = sql,
        clock: Clock = sql.clock,
        ids: Arc<Ids> = sql.ids,
        place: Arc<Place> = place,
        records: Arc<Records> = records,
    }

    /// The registry of models in Unity Catalog, and the files of models.
    RegistryHandle {
        clock: Clock = sql.clock,
        ids: Arc<Ids> = sql.ids,
        place: Arc<Place> = place,
        records: Arc<Records> = records,
        volumes: Arc<Volumes> = sql.volumes,
    }

    /// Clusters.
    ClustersHandle {
        clock: Clock = sql.clock,
        ids: Arc<Ids> = sql.ids,
        clusters: Shared<Clusters> = sql.clusters,
        contexts: Arc<Contexts> = starter.contexts,
        records: Arc<Records> = records,
    }

    /// How clusters and jobs stand to their policies.
    PoliciesHandle {
        clock: Clock = sql.clock,
        ids: Arc<Ids> = sql.ids,
        clusters: Shared<Clusters> = sql.clusters,
        contexts: Arc<Contexts> = starter.contexts,
        records: Arc<Records> = records,
        jobs: Shared<Jobs> = jobs,
    }

    /// Libraries of clusters.
    LibrariesHandle {
        clock: Clock = sql.clock,
        clusters: Shared<Clusters> = sql.clusters,
        records: Arc<Records> = records,
    }

    /// Execution contexts and the clusters that they are on.
    CommandsHandle {
        clock: Clock = sql.clock,
        ids: Arc<Ids> = sql.ids,
        clusters: Shared<Clusters> = sql.clusters,
        contexts: Arc<Contexts> = starter.contexts,
        starter: ContextStarter = starter,
    }

    /// SQL warehouses.
    WarehousesHandle {
        clock: Clock = sql.clock,
        ids: Arc<Ids> = sql.ids,
        place: Arc<Place> = place,
        warehouses: Shared<Warehouses> = sql.warehouses,
    }

    /// SQL statements and links to their results.
    StatementsHandle {
        sql: Arc<App> = sql,
        clock: Clock = sql.clock,
        place: Arc<Place> = place,
        statements: Arc<Statements> = sql.statements,
        sessions: Arc<Sessions> = sql.sessions,
        links: Arc<SignedLinks> = links,
    }

    /// SQL sessions.
    SessionsHandle {
        clock: Clock = sql.clock,
        ids: Arc<Ids> = sql.ids,
        warehouses: Shared<Warehouses> = sql.warehouses,
        sessions: Arc<Sessions> = sql.sessions,
        sql: Arc<App> = sql,
    }

    /// Results of statements behind links.
    ResultsHandle {
        clock: Clock = sql.clock,
        statements: Arc<Statements> = sql.statements,
        links: Arc<SignedLinks> = links,
    }

    /// The Thrift door to statements.
    ThriftHandle {
        sql: Arc<App> = sql,
        place: Arc<Place> = place,
    }

    /// The attached Spark engine, and the clusters that calls to it name.
    SparkHandle {
        sql: Arc<App> = sql,
        attached: Option<Arc<Attached>> = attached,
    }

    /// Files of volumes and the links to them.
    FilesHandle {
        clock: Clock = sql.clock,
        ids: Arc<Ids> = sql.ids,
        volumes: Arc<Volumes> = sql.volumes,
        shelf: Arc<Shelf> = shelf,
        links: Arc<SignedLinks> = links,
        offered: Links = volume_links,
    }

    /// Cloud storage behind the links of volumes.
    StorageHandle {
        clock: Clock = sql.clock,
        ids: Arc<Ids> = sql.ids,
        volumes: Arc<Volumes> = sql.volumes,
        shelf: Arc<Shelf> = shelf,
        links: Arc<SignedLinks> = links,
        record: Arc<Record> = record,
        faults: Faults = faults,
    }

    /// Files of DBFS.
    DbfsHandle {
        clock: Clock = sql.clock,
        ids: Arc<Ids> = sql.ids,
        dbfs: Shared<Dbfs> = dbfs,
        shelf: Arc<Shelf> = shelf,
    }

    /// Notebooks and files of the workspace's tree.
    ObjectsHandle {
        clock: Clock = sql.clock,
        records: Arc<Records> = records,
        objects: Shared<Objects> = objects,
    }

    /// Serving endpoints.
    ServingHandle {
        clock: Clock = sql.clock,
        ids: Arc<Ids> = sql.ids,
        endpoints: Shared<Endpoints> = endpoints,
    }

    /// The pages for people.
    PagesHandle {
        sql: Arc<App> = sql,
        place: Arc<Place> = place,
        record: Arc<Record> = record,
        attached: Option<Arc<Attached>> = attached,
        contexts: Arc<Contexts> = starter.contexts,
        jobs: Shared<Jobs> = jobs,
    }

    /// What the runs of jobs are carried out with.
    JobsHandle {
        sql: Arc<App> = sql,
        clock: Clock = sql.clock,
        ids: Arc<Ids> = sql.ids,
        place: Arc<Place> = place,
        user: Caller = identity.user,
        records: Arc<Records> = records,
        jobs: Shared<Jobs> = jobs,
        task_values: Arc<TaskValues> = task_values,
        objects: Shared<Objects> = objects,
        volumes: Arc<Volumes> = sql.volumes,
        dbfs: Shared<Dbfs> = dbfs,
        starter: ContextStarter = starter,
    }
}

impl RecordsHandle {
    /// What operations on records need.
    pub(crate) fn desk(&self) -> Desk<'_> {
        Desk {
            records: &self.records,
            volumes: &self.volumes,
            ids: &self.ids,
            clock: &self.clock,
            account_id: &self.place.account_id,
            workspace_id: self.place.workspace_id,
            warehouse_id: &self.place.starter_warehouse,
            url: &self.place.url,
        }
    }
}
