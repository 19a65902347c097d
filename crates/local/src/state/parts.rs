//! The parts of a workspace, made at its start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::app::{App, StatementSettings};
use super::clusters::Clusters;
use super::content::Shelf;
use super::credentials::{LOCAL, Secrets};
use super::dbfs::Dbfs;
use super::endpoints::Endpoints;
use super::grants::Grants;
use super::identity::Identity;
use super::integrations::Integrations;
use super::jobs::{Jobs, TaskValues};
use super::kept::Kept;
use super::objects::Objects;
use super::place::Place;
use super::secrets::SecretScopes;
use super::settings::Settings;
use super::signed_links::SignedLinks;
use super::starter::ContextStarter;
use super::tokens::{NewToken, Tokens};
use super::tree::Tree;
use super::volumes::{Links, Volumes};
use super::warehouses::Warehouses;
use super::{Shared, USER_NAME, lock};
use crate::caller::Caller;
use crate::clock::Clock;
use crate::durable::Durable;
use crate::faults::Faults;
use crate::python::PythonSetup;
use crate::random::{self, Ids};
use crate::record::Record;
use crate::records::call::{set, text};
use crate::records::special::own_principals;
use crate::records::store::{Record as Stored, Records};
use crate::reply::ApiError;
use crate::scratch::Scratch;
use crate::spark::attached::Attached;

/// The parts of a workspace. Services take handles of some of them, never this.
#[derive(Debug)]
pub(crate) struct Parts {
    /// What statements run with.
    pub(crate) sql: Arc<App>,
    pub(crate) place: Arc<Place>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) record: Arc<Record>,
    pub(crate) faults: Faults,
    pub(crate) records: Arc<Records>,
    pub(crate) starter: ContextStarter,
    pub(crate) jobs: Shared<Jobs>,
    /// Values that tasks of jobs leave for each other.
    pub(crate) task_values: Arc<TaskValues>,
    pub(crate) objects: Shared<Objects>,
    pub(crate) dbfs: Shared<Dbfs>,
    /// Where the content of files is.
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) links: Arc<SignedLinks>,
    /// How uploads to volumes in parts are offered.
    pub(crate) volume_links: Links,
    /// Serving endpoints by name.
    pub(crate) endpoints: Shared<Endpoints>,
    pub(crate) published: Shared<Integrations>,
    /// The Spark engine that calls of Spark Connect are passed on to.
    pub(crate) attached: Option<Arc<Attached>>,
}

fn shared<T>(state: T) -> Shared<T> {
    Arc::new(Mutex::new(state))
}

impl Parts {
    /// Makes them anew, or as they were kept.
    pub(crate) fn new(settings: Settings, address: SocketAddr) -> io::Result<Self> {
        let ids = Arc::new(Ids::new()?);
        let records = Arc::new(match &settings.data {
            None => Records::default(),
            Some(directory) => Records::open(Durable::open(&crate::scratch::kept(directory)?)?)?,
        });
        let secrets = Secrets::of(&records, &ids, settings.token.as_deref())?;
        let clock = Clock::new(settings.speed);
        let number = secrets.workspace_id % 1_000_000_007 + 10_000;
        let user = Caller::user(number.to_string(), USER_NAME);
        let principal = Caller::service_principal((number + 1).to_string(), &secrets.client_id);
        begin(&records, &secrets, &user, &principal, clock.now_ms())?;
        let refused = |e: ApiError| io::Error::other(e.message().to_owned());
        let kept = |collection| Kept::new(&records, collection);
        let objects = Objects::new(kept("local/objects"), USER_NAME, ids.number() >> 12).map_err(refused)?;
        let mut warehouses = Warehouses::new(&clock, kept("local/warehouses")).map_err(refused)?;
        let starter = starter_warehouse(&records, &ids, &mut warehouses, clock.now_ms())?;
        let place = Arc::new(Place::new(address, &settings, &secrets, starter));
        let directory = Scratch::new()?;
        let shelf = match &settings.data {
            None => Shelf::new(directory.path().to_owned(), false),
            Some(data) => Shelf::new(crate::scratch::kept(&data.join("files"))?, true),
        };
        let (volumes, dbfs) = (Tree::new(kept("local/volumes"), &shelf), Tree::new(kept("local/dbfs"), &shelf));
        shelf.sweep(&volumes.content_names().chain(dbfs.content_names()).collect())?;
        let internal_token = format!("dctx{}", random::to_hex(&random::bytes::<16>()?));
        let links = Arc::new(SignedLinks::new(&settings)?);
        let python = PythonSetup {
            program: settings.python,
            host: place.host.trim_matches(['[', ']']).to_owned(),
            port: place.port,
            authority: authority_file(&place, &directory),
            spark: settings.spark.is_some().then(|| place.spark_remote(&internal_token)),
            token: internal_token.clone(),
            user: user.name.clone(),
        };
        #[cfg(feature = "delta")]
        let keeping = crate::sql::engine::delta::kept::Keeping::new(
            kept("local/sql"),
            settings.data.as_deref(),
            directory.path(),
            &ids,
        )?;
        let sql = Arc::new(App {
            settings: StatementSettings { chunks: settings.chunks, scripts: settings.scripts },
            clock,
            ids,
            workspace_id: place.workspace_id,
            records: Arc::clone(&records),
            clusters: shared(Clusters::new(&clock, kept("local/clusters")).map_err(refused)?),
            warehouses: shared(warehouses),
            volumes: Arc::new(Volumes::new(volumes)),
            secret_scopes: shared(SecretScopes::new(kept("local/secret-scopes"))),
            statements: Arc::default(),
            sessions: Arc::default(),
            history: Arc::default(),
            #[cfg(feature = "engine")]
            engine: Arc::new(crate::sql::engine::Engine::new(
                directory.path(),
                #[cfg(feature = "delta")]
                keeping,
            )?),
            #[cfg(feature = "spark")]
            spark: std::sync::OnceLock::new(),
            directory,
        });
        let starter = ContextStarter {
            sql: Arc::clone(&sql),
            ids: Arc::clone(&sql.ids),
            contexts: Arc::default(),
            python: Arc::new(python),
        };
        let task_values = Arc::default();
        let created = Clock::rfc3339(clock.now_ms());
        let published = Integrations::published(kept("local/published-integrations"), &created).map_err(refused)?;
        let identity = Identity {
            clock,
            secrets,
            user,
            principal,
            internal_token,
            token_lifetime: settings.token_lifetime,
            grants: Grants::default(),
            custom: shared(Integrations::new(kept("local/custom-integrations"))),
            records: Arc::clone(&records),
        };
        Ok(Self {
            sql,
            place,
            identity: Arc::new(identity),
            record: Arc::default(),
            faults: Faults::default(),
            starter,
            jobs: shared(Jobs::new(kept("local/jobs"), &task_values, clock.now_ms())),
            task_values,
            objects: shared(objects),
            dbfs: shared(Dbfs::new(dbfs).map_err(refused)?),
            shelf,
            links,
            volume_links: settings.volume_links,
            endpoints: shared(Endpoints::new(kept("local/serving-endpoints"))),
            published: shared(published),
            attached: None,
            records,
        })
    }

    /// The file with the certificate of the authority that clients are to trust, if connections are encrypted.
    #[cfg(feature = "tls")]
    pub(crate) fn authority_file(&self) -> Option<PathBuf> {
        authority_file(&self.place, &self.sql.directory)
    }

    /// Ends what runs outside of requests.
    pub(crate) fn stop(&self) {
        self.shelf.close();
        lock(&self.jobs).cancel_all();
        self.starter.contexts.remove_all();
        self.sql.statements.cancel_all(self.sql.clock.now_ms());
        if let Some(attached) = &self.attached {
            attached.stop();
        }
        // Tasks that are still ending hold this state for a moment; the files need not wait for them. What cannot be
        // removed now goes with the last of them.
        let _ = std::fs::remove_dir_all(self.sql.directory.path());
    }
}

fn authority_file(place: &Place, directory: &Scratch) -> Option<PathBuf> {
    (place.scheme == "https").then(|| directory.path().join("authority.pem"))
}

/// The identifier of the warehouse that is there from the start, which is made if it was not kept.
fn starter_warehouse(records: &Records, ids: &Ids, warehouses: &mut Warehouses, now: i64) -> io::Result<String> {
    if let Some(known) = records.get(LOCAL, "warehouse") {
        return Ok(text(&known, "id").to_owned());
    }
    let id = ids.hex16();
    warehouses.add_starter(&id, now).map_err(|e| io::Error::other(e.message().to_owned()))?;
    let mut change = records.change();
    change.put(LOCAL, "warehouse", Stored::from_iter([("id".to_owned(), id.as_str().into())]));
    change.commit()?;
    Ok(id)
}

/// Makes the records that are there from the start.
fn begin(records: &Records, secrets: &Secrets, user: &Caller, principal: &Caller, now: i64) -> io::Result<()> {
    let mut change = records.change();
    own_principals(&mut change, user, principal);
    let id = secrets.workspace_id.to_string();
    if change.get("workspaces/", &id).is_none() {
        let mut own = Stored::new();
        set(&mut own, "workspace_id", secrets.workspace_id);
        set(&mut own, "workspace_name", "local");
        set(&mut own, "deployment_name", "local");
        set(&mut own, "account_id", secrets.account_id.as_str());
        set(&mut own, "workspace_status", "RUNNING");
        set(&mut own, "workspace_status_message", "Workspace is running.");
        set(&mut own, "pricing_tier", "PREMIUM");
        set(&mut own, "cloud", "aws");
        set(&mut own, "creation_time", now);
        change.put("workspaces/", &id, own);
    }
    change.commit()?;
    let new = NewToken { comment: "made at the start of the local workspace".to_owned(), ..NewToken::default() };
    let added = Tokens(records).add(&secrets.token, "0", new, user, user, now);
    added.map(drop).map_err(|e| io::Error::other(e.message().to_owned()))
}
