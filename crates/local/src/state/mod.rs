//! What the workspace knows, in memory.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::faults::Faults;
use crate::oidc::Oidc;
use crate::random::{self, Ids};
use crate::record::Record;
use crate::scratch::Scratch;
use crate::sql::links::Signer;
use crate::sql::script::Scripts;
use crate::sql::spill::ChunkSizes;
use crate::sql::store::Statements;
use clusters::Clusters;
use contexts::Contexts;
use integrations::Integrations;
use jobs::Jobs;
use objects::Objects;
use tokens::Tokens;
use warehouses::Warehouses;

pub(crate) mod clusters;
pub(crate) mod content;
pub(crate) mod contexts;
pub(crate) mod dbfs;
pub(crate) mod integrations;
pub(crate) mod jobs;
pub(crate) mod objects;
pub(crate) mod secrets;
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
        }
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

impl Secrets {
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
    pub(crate) port: u16,
    pub(crate) own_hosts: Vec<String>,
    pub(crate) secrets: Secrets,
    pub(crate) ids: Ids,
    pub(crate) clock: Clock,
    pub(crate) record: Record,
    pub(crate) faults: Faults,
    pub(crate) oidc: Oidc,
    pub(crate) tokens: Tokens,
    pub(crate) clusters: Mutex<Clusters>,
    pub(crate) warehouses: Mutex<Warehouses>,
    pub(crate) starter_warehouse: String,
    pub(crate) published: Mutex<Integrations>,
    pub(crate) custom: Mutex<Integrations>,
    pub(crate) contexts: Contexts,
    pub(crate) objects: Mutex<Objects>,
    pub(crate) volumes: volumes::Volumes,
    pub(crate) dbfs: Mutex<dbfs::Dbfs>,
    pub(crate) secret_scopes: Mutex<secrets::SecretScopes>,
    pub(crate) endpoints: crate::api::serving::Endpoints,
    pub(crate) jobs: Mutex<Jobs>,
    pub(crate) statements: Statements,
    pub(crate) signer: Signer,
    pub(crate) link_key: Option<String>,
    #[cfg(feature = "engine")]
    pub(crate) engine: crate::sql::engine::Engine,
    /// Removed with all it holds when the last request is done.
    pub(crate) directory: Scratch,
}

impl App {
    pub(crate) fn new(settings: Settings, address: SocketAddr) -> io::Result<Arc<Self>> {
        let ids = Ids::new()?;
        let secrets = Secrets::new(&ids)?;
        let clock = Clock::new(settings.speed);
        let port = address.port();
        let tokens = Tokens::default();
        tokens.add_first(&secrets.token, ids.hex32(), clock.now_ms());
        let mut warehouses = Warehouses::new(&clock);
        let starter_warehouse = ids.hex16();
        warehouses.add_starter(&starter_warehouse, clock.now_ms());
        let directory = Scratch::new()?;
        let link_key = if settings.link_headers { Some(random::to_hex(&random::bytes::<16>()?)) } else { None };
        Ok(Arc::new(Self {
            url: format!("http://127.0.0.1:{port}"),
            port,
            own_hosts: own_hosts(port),
            clusters: Mutex::new(Clusters::new(&clock)),
            warehouses: Mutex::new(warehouses),
            starter_warehouse,
            record: Record::default(),
            faults: Faults::default(),
            oidc: Oidc::default(),
            tokens,
            published: Mutex::default(),
            custom: Mutex::default(),
            contexts: Contexts::default(),
            objects: Mutex::default(),
            volumes: volumes::Volumes::default(),
            dbfs: Mutex::default(),
            secret_scopes: Mutex::default(),
            endpoints: Mutex::default(),
            jobs: Mutex::default(),
            statements: Statements::default(),
            signer: Signer::new()?,
            link_key,
            #[cfg(feature = "engine")]
            engine: crate::sql::engine::Engine::new(directory.path())?,
            directory,
            settings,
            secrets,
            ids,
            clock,
        }))
    }

    /// Ends what runs outside of requests.
    pub(crate) fn stop(&self) {
        lock(&self.jobs).cancel_all();
        self.contexts.remove_all();
        self.statements.cancel_all(self.clock.now_ms());
        // Tasks that are still ending hold this state for a moment; the files need not wait for them. What cannot be
        // removed now goes with the last of them.
        let _ = std::fs::remove_dir_all(self.directory.path());
    }
}

/// How clients may name the workspace. They leave the port out where it is the scheme's own.
fn own_hosts(port: u16) -> Vec<String> {
    let names = ["127.0.0.1", "localhost"];
    let bare = names.iter().filter(|_| port == 80).map(|&name| name.to_owned());
    names.iter().map(|name| format!("{name}:{port}")).chain(bare).collect()
}

/// Locks; a panic of another request leaves the state usable, since no handler panics between two changes.
pub(crate) fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
