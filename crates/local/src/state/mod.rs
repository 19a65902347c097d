//! What the workspace knows, in memory.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use crate::caller::Caller;
use crate::clock::Clock;
use crate::durable::Durable;
use crate::faults::Faults;
use crate::random::{self, Ids};
use crate::record::Record;
use crate::records::call::{Desk, set, text};
use crate::records::special::own_principals;
use crate::records::store::Records;
use crate::reply::ApiError;
use crate::scratch::Scratch;
use crate::sql::links::Signer;
use crate::sql::script::Scripts;
use crate::sql::spill::ChunkSizes;
use crate::sql::store::Statements;
use clusters::Clusters;
use content::Shelf;
use contexts::Contexts;
use dbfs::Dbfs;
use endpoints::Endpoints;
use grants::Grants;
use history::History;
use integrations::Integrations;
use jobs::Jobs;
use kept::Kept;
use objects::Objects;
use secrets::SecretScopes;
use sessions::Sessions;
use tokens::{NewToken, Tokens};
use tree::Tree;
use warehouses::Warehouses;

pub(crate) mod clusters;
pub(crate) mod content;
pub(crate) mod contexts;
pub(crate) mod dbfs;
pub(crate) mod endpoints;
pub(crate) mod grants;
pub(crate) mod history;
pub(crate) mod integrations;
pub(crate) mod jobs;
pub(crate) mod kept;
pub(crate) mod notebooks;
pub(crate) mod objects;
pub(crate) mod secrets;
pub(crate) mod sessions;
pub(crate) mod tokens;
pub(crate) mod tree;
pub(crate) mod volumes;
pub(crate) mod warehouses;

/// The user whom personal access tokens and the password belong to.
pub(crate) const USER_NAME: &str = "local.user@example.com";

/// What the builder sets.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) speed: f64,
    pub(crate) token_lifetime: Duration,
    pub(crate) link_lifetime: Duration,
    /// Whether links want a header besides their signature.
    pub(crate) link_headers: bool,
    /// How uploads to volumes in parts are offered.
    pub(crate) volume_links: volumes::Links,
    pub(crate) chunks: ChunkSizes,
    pub(crate) scripts: Scripts,
    /// The interpreter of Python contexts.
    pub(crate) python: PathBuf,
    /// How long the rest of a request may stay out.
    pub(crate) idle_limit: Duration,
    /// Where the workspace's state is kept; `None` for as long as it runs.
    pub(crate) data: Option<PathBuf>,
    /// The personal access token; a random one otherwise.
    pub(crate) token: Option<String>,
    /// Names besides those of loopback by which clients reach the workspace.
    pub(crate) host_names: Vec<String>,
    /// Whether connections are encrypted.
    #[cfg(feature = "tls")]
    pub(crate) tls: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            speed: 20.0,
            token_lifetime: Duration::from_secs(3600),
            link_lifetime: Duration::from_secs(15 * 60),
            link_headers: false,
            volume_links: volumes::Links::default(),
            chunks: ChunkSizes::default(),
            scripts: Scripts::default(),
            python: PathBuf::from("python3"),
            idle_limit: Duration::from_secs(60),
            data: None,
            token: None,
            host_names: Vec::new(),
            #[cfg(feature = "tls")]
            tls: false,
        }
    }
}

impl Settings {
    /// How URLs of the workspace begin.
    pub(crate) fn scheme(&self) -> &'static str {
        #[cfg(feature = "tls")]
        if self.tls {
            return "https";
        }
        "http"
    }
}

/// What a client has to know to get in; made anew at each start.
pub(crate) struct Secrets {
    pub(crate) token: String,
    pub(crate) password: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) account_id: String,
    pub(crate) workspace_id: u64,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

/// Where secrets are kept among the records.
const LOCAL: &str = "local/workspace";

impl Secrets {
    /// Those of the records, or new ones.
    fn of(records: &Records, ids: &Ids, token: Option<&str>) -> io::Result<Self> {
        let mut secrets = Self::new(ids)?;
        if let Some(kept) = records.get(LOCAL, "secrets") {
            for (own, name) in [
                (&mut secrets.token, "token"),
                (&mut secrets.password, "password"),
                (&mut secrets.client_id, "client_id"),
                (&mut secrets.client_secret, "client_secret"),
                (&mut secrets.account_id, "account_id"),
            ] {
                *own = text(&kept, name).to_owned();
            }
            let id = kept.get("workspace_id").and_then(Value::as_u64);
            secrets.workspace_id = id.ok_or(io::ErrorKind::InvalidData)?;
        }
        if let Some(token) = token {
            token.clone_into(&mut secrets.token);
        }
        let mut record = crate::records::store::Record::new();
        set(&mut record, "token", secrets.token.as_str());
        set(&mut record, "password", secrets.password.as_str());
        set(&mut record, "client_id", secrets.client_id.as_str());
        set(&mut record, "client_secret", secrets.client_secret.as_str());
        set(&mut record, "account_id", secrets.account_id.as_str());
        set(&mut record, "workspace_id", secrets.workspace_id);
        let mut change = records.change();
        change.put(LOCAL, "secrets", record);
        change.commit()?;
        Ok(secrets)
    }

    fn new(ids: &Ids) -> io::Result<Self> {
        let secret = || Ok::<_, io::Error>(random::to_hex(&random::bytes::<16>()?));
        Ok(Self {
            token: format!("dapi{}", secret()?),
            password: secret()?,
            client_id: ids.uuid(),
            client_secret: format!("dose{}", secret()?),
            account_id: ids.uuid(),
            workspace_id: 1_000_000_000_000_000 + ids.number() % 1_000_000_000_000_000,
        })
    }
}

/// Everything that requests share.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) settings: Settings,
    pub(crate) url: String,
    /// The name or address in that URL.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) own_hosts: Vec<String>,
    pub(crate) secrets: Secrets,
    pub(crate) ids: Ids,
    pub(crate) clock: Clock,
    pub(crate) record: Record,
    pub(crate) faults: Faults,
    pub(crate) grants: Grants,
    /// What code in contexts authenticates with. It ends with the workspace.
    pub(crate) internal_token: String,
    /// Values that tasks of jobs leave for each other.
    pub(crate) task_values: jobs::TaskValues,
    /// Whom the workspace's token and password belong to.
    pub(crate) user: Caller,
    /// Whom the workspace's client belongs to.
    pub(crate) principal: Caller,
    pub(crate) records: Arc<Records>,
    pub(crate) clusters: Mutex<Clusters>,
    pub(crate) warehouses: Mutex<Warehouses>,
    pub(crate) starter_warehouse: String,
    pub(crate) published: Mutex<Integrations>,
    pub(crate) custom: Mutex<Integrations>,
    pub(crate) contexts: Contexts,
    pub(crate) objects: Mutex<Objects>,
    pub(crate) volumes: volumes::Volumes,
    pub(crate) dbfs: Mutex<Dbfs>,
    pub(crate) secret_scopes: Mutex<SecretScopes>,
    /// Serving endpoints by name.
    pub(crate) endpoints: Mutex<Endpoints>,
    pub(crate) jobs: Mutex<Jobs>,
    pub(crate) statements: Statements,
    pub(crate) sessions: Sessions,
    pub(crate) history: History,
    pub(crate) signer: Signer,
    pub(crate) link_key: Option<String>,
    #[cfg(feature = "engine")]
    pub(crate) engine: crate::sql::engine::Engine,
    /// Where the content of files is.
    pub(crate) shelf: Arc<Shelf>,
    /// Removed with all it holds when the last request is done.
    pub(crate) directory: Scratch,
}

impl App {
    pub(crate) fn new(settings: Settings, address: SocketAddr) -> io::Result<Arc<Self>> {
        let ids = Ids::new()?;
        let records = Arc::new(match &settings.data {
            None => Records::default(),
            Some(directory) => Records::open(Durable::open(&crate::scratch::kept(directory)?)?)?,
        });
        let secrets = Secrets::of(&records, &ids, settings.token.as_deref())?;
        let clock = Clock::new(settings.speed);
        let port = address.port();
        let host = crate::origin::own_name(address.ip());
        let number = secrets.workspace_id % 1_000_000_007 + 10_000;
        let user = Caller::user(number.to_string(), USER_NAME);
        let principal = Caller::service_principal((number + 1).to_string(), &secrets.client_id);
        begin(&records, &secrets, &user, &principal, clock.now_ms())?;
        let refused = |e: ApiError| io::Error::other(e.message().to_owned());
        let kept = |collection| Kept::new(&records, collection);
        let objects = Objects::new(kept("local/objects"), USER_NAME, ids.number() >> 12).map_err(refused)?;
        let mut warehouses = Warehouses::new(&clock, kept("local/warehouses")).map_err(refused)?;
        let starter_warehouse = match records.get(LOCAL, "warehouse") {
            Some(known) => text(&known, "id").to_owned(),
            None => {
                let id = ids.hex16();
                warehouses.add_starter(&id, clock.now_ms()).map_err(refused)?;
                let mut change = records.change();
                change.put(
                    LOCAL,
                    "warehouse",
                    crate::records::store::Record::from_iter([("id".to_owned(), id.as_str().into())]),
                );
                change.commit()?;
                id
            }
        };
        let directory = Scratch::new()?;
        let shelf = match &settings.data {
            None => Shelf::new(directory.path().to_owned(), false),
            Some(data) => Shelf::new(crate::scratch::kept(&data.join("files"))?, true),
        };
        let (volumes, dbfs) = (Tree::new(kept("local/volumes"), &shelf), Tree::new(kept("local/dbfs"), &shelf));
        shelf.sweep(&volumes.content_names().chain(dbfs.content_names()).collect())?;
        let link_key = if settings.link_headers { Some(random::to_hex(&random::bytes::<16>()?)) } else { None };
        Ok(Arc::new(Self {
            url: format!("{}://{host}:{port}", settings.scheme()),
            host,
            port,
            own_hosts: own_hosts(port, &settings.host_names),
            clusters: Mutex::new(Clusters::new(&clock, kept("local/clusters")).map_err(refused)?),
            warehouses: Mutex::new(warehouses),
            starter_warehouse,
            record: Record::default(),
            faults: Faults::default(),
            grants: Grants::default(),
            internal_token: format!("dctx{}", random::to_hex(&random::bytes::<16>()?)),
            task_values: jobs::TaskValues::default(),
            user,
            principal,
            published: Mutex::new(
                Integrations::published(kept("local/published-integrations"), &Clock::rfc3339(clock.now_ms()))
                    .map_err(refused)?,
            ),
            custom: Mutex::new(Integrations::new(kept("local/custom-integrations"))),
            contexts: Contexts::default(),
            objects: Mutex::new(objects),
            volumes: volumes::Volumes::new(volumes),
            dbfs: Mutex::new(Dbfs::new(dbfs).map_err(refused)?),
            secret_scopes: Mutex::new(SecretScopes::new(kept("local/secret-scopes"))),
            endpoints: Mutex::new(Endpoints::new(kept("local/serving-endpoints"))),
            jobs: Mutex::new(Jobs::new(kept("local/jobs"), clock.now_ms())),
            statements: Statements::default(),
            sessions: Sessions::default(),
            history: History::default(),
            signer: Signer::new()?,
            link_key,
            #[cfg(feature = "engine")]
            engine: crate::sql::engine::Engine::new(directory.path())?,
            shelf,
            directory,
            records,
            settings,
            secrets,
            ids,
            clock,
        }))
    }

    /// The file with the certificate of the authority that clients are to trust, if connections are encrypted.
    pub(crate) fn authority_file(&self) -> Option<PathBuf> {
        (self.settings.scheme() == "https").then(|| self.directory.path().join("authority.pem"))
    }

    /// The personal access tokens.
    pub(crate) fn tokens(&self) -> Tokens<'_> {
        Tokens(&self.records)
    }

    /// What operations on records need.
    pub(crate) fn desk(&self) -> Desk<'_> {
        Desk {
            records: &self.records,
            ids: &self.ids,
            clock: &self.clock,
            account_id: &self.secrets.account_id,
            workspace_id: self.secrets.workspace_id,
            warehouse_id: &self.starter_warehouse,
            url: &self.url,
        }
    }

    /// Ends what runs outside of requests.
    pub(crate) fn stop(&self) {
        self.shelf.close();
        lock(&self.jobs).cancel_all();
        self.contexts.remove_all();
        self.statements.cancel_all(self.clock.now_ms());
        // Tasks that are still ending hold this state for a moment; the files need not wait for them. What cannot be
        // removed now goes with the last of them.
        let _ = std::fs::remove_dir_all(self.directory.path());
    }
}

/// Makes the records that are there from the start.
fn begin(records: &Records, secrets: &Secrets, user: &Caller, principal: &Caller, now: i64) -> io::Result<()> {
    let mut change = records.change();
    own_principals(&mut change, user, principal);
    let id = secrets.workspace_id.to_string();
    if change.get("workspaces/", &id).is_none() {
        let mut own = crate::records::store::Record::new();
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

/// How clients may name the workspace. They leave the port out where it is the scheme's own.
fn own_hosts(port: u16, others: &[String]) -> Vec<String> {
    let names: Vec<&str> = ["127.0.0.1", "localhost"].into_iter().chain(others.iter().map(String::as_str)).collect();
    let bare = names.iter().filter(|_| port == 80).map(|&name| name.to_owned());
    names.iter().map(|name| format!("{name}:{port}")).chain(bare).collect()
}

/// Locks; a panic of another request leaves the state usable, since no handler panics between two changes.
pub(crate) fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
