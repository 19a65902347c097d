//! The settings of a workspace, and its start.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::api::{clusters, storage_volumes};
use crate::exec::jobs::schedules;
use crate::router;
use crate::seed::Seed;
use crate::server::{Doorway, Server};
use crate::spark::attached::{Attached, Engine};
#[cfg(feature = "spark")]
use crate::spark::sql::SparkSql;
use crate::sql::script::ScriptedResult;
use crate::state::handles::{ClustersHandle, StorageHandle};
use crate::state::volumes::Links;
use crate::state::{Parts, Settings};
use crate::workspace::LocalWorkspace;

impl LocalWorkspace {
    /// Starts with the default settings; see [`LocalWorkspaceBuilder`] for what they are.
    ///
    /// # Errors
    ///
    /// See [`LocalWorkspaceBuilder::start`].
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// Settings for a workspace that is not started yet.
    pub fn builder() -> LocalWorkspaceBuilder {
        LocalWorkspaceBuilder::default()
    }
}

/// Settings of a [`LocalWorkspace`].
#[derive(Debug, Default)]
#[must_use = "nothing listens until `start` is called"]
pub struct LocalWorkspaceBuilder {
    port: u16,
    storage_port: u16,
    bind: Option<IpAddr>,
    seed: Seed,
    starter_cluster: bool,
    settings: Settings,
}

impl LocalWorkspaceBuilder {
    /// How many times faster than the real platform clusters and warehouses change state. Default 20: a cluster that
    /// would take a minute to start takes three seconds.
    pub fn speed(mut self, factor: f64) -> Self {
        self.settings.speed = factor;
        self
    }

    /// The TCP port on 127.0.0.1. Default 0: a free one is chosen.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The TCP port of what plays cloud storage, which links to files lead to. Default 0: a free one is chosen.
    pub fn storage_port(mut self, port: u16) -> Self {
        self.storage_port = port;
        self
    }

    /// Whether a small cluster is there from the start, which runs until it is terminated. Default `false`.
    pub fn starter_cluster(mut self, wanted: bool) -> Self {
        self.starter_cluster = wanted;
        self
    }

    /// How long an OAuth access token is valid. Default one hour.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.token_lifetime = lifetime;
        self
    }

    /// How long a link to a result file works. Default 15 minutes.
    pub fn link_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.link_lifetime = lifetime;
        self
    }

    /// Makes links to result files want a header that their `http_headers` name. Default `false`.
    pub fn link_headers(mut self, wanted: bool) -> Self {
        self.settings.link_headers = wanted;
        self
    }

    /// How uploads to volumes in parts are offered. Default: a link for each part.
    pub fn volume_links(mut self, links: Links) -> Self {
        self.settings.volume_links = links;
        self
    }

    /// Rows after which a result's next chunk begins. Default: bytes alone decide.
    pub fn chunk_rows(mut self, rows: u64) -> Self {
        self.settings.chunks.rows = Some(rows);
        self
    }

    /// Bytes after which a result's next chunk begins. Default 4 MiB for inline results, 20 MiB behind links.
    pub fn chunk_bytes(mut self, bytes: u64) -> Self {
        self.settings.chunks.bytes = Some(bytes);
        self
    }

    /// Responds to statements that fit `pattern` with `result` instead of running them.
    ///
    /// Case, runs of white space and a semicolon at the end do not matter, and `*` in the pattern stands for any run of
    /// characters. The first pattern that fits wins. Works with and without the feature `engine`.
    pub fn statement(mut self, pattern: &str, result: ScriptedResult) -> Self {
        self.settings.scripts.add(pattern, result);
        self
    }

    /// The Python 3 interpreter that runs the commands of Python contexts: a path, or a name that is looked up in
    /// `PATH`. Default `python3`.
    pub fn python(mut self, program: impl Into<PathBuf>) -> Self {
        self.settings.python = program.into();
        self
    }

    /// Keeps the workspace's state in a directory, which is made if it is not there, so that it survives a restart. The
    /// token and the other credentials are kept there too; only its user can enter it. Tables, and catalogs and schemas
    /// with them, are kept with the feature `delta`; without it they are in memory all the same: see [`seed`](Self::seed).
    /// Default: the state is gone when the workspace is.
    pub fn data(mut self, directory: impl Into<PathBuf>) -> Self {
        self.settings.data = Some(directory.into());
        self
    }

    /// Sets the personal access token. Default: a random one.
    pub fn access_token(mut self, token: impl Into<String>) -> Self {
        self.settings.token = Some(token.into());
        self
    }

    /// Sets the address to listen on. Default 127.0.0.1. On any other than loopback, everyone on the network who learns
    /// the token can run SQL and Python here; without TLS it can be read on the way.
    pub fn bind(mut self, address: IpAddr) -> Self {
        self.bind = Some(address);
        self
    }

    /// Encrypts connections, with a certificate for this machine and the [names](Self::host_name) of the workspace. It is made
    /// at each start, by an authority made for it: see [`LocalWorkspace::authority`]. Default `false`.
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn tls_self_signed(mut self, wanted: bool) -> Self {
        self.settings.tls = wanted;
        self
    }

    /// Runs SQL statements, apart by semicolons, before the first request is served. Default: none.
    pub fn seed(mut self, statements: impl Into<String>) -> Self {
        self.seed = Seed::Sql(statements.into());
        self
    }

    /// Makes the objects that a description in YAML states before the first request is served: catalogs, schemas, tables
    /// with rows, volumes with files, users, groups, secrets, notebooks, clusters, warehouses, jobs. What is there
    /// already stays as it is. The README shows all members. Default: none.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), databricks_local::StartError> {
    /// let description = "
    /// secrets:
    ///   app: {key: value}
    /// warehouses:
    ///   - {name: reports, cluster_size: Small}
    /// ";
    /// let workspace = databricks_local::LocalWorkspace::builder().seed_yaml(description).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "seed")]
    #[cfg_attr(docsrs, doc(cfg(feature = "seed")))]
    pub fn seed_yaml(mut self, description: impl Into<String>) -> Self {
        self.seed = Seed::Yaml(description.into());
        self
    }

    /// Applies a file before the first request is served: a description as [`seed_yaml`](Self::seed_yaml) takes it, which
    /// ends in `.yaml` or `.yml` and whose paths begin at its directory, or statements in a file that ends in `.sql`.
    /// Errors name the file and the line.
    #[cfg(feature = "seed")]
    #[cfg_attr(docsrs, doc(cfg(feature = "seed")))]
    pub fn seed_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.seed = Seed::File(file.into());
        self
    }

    /// Attaches a Spark engine: a server of Spark Connect at `sc://HOST:PORT`, such as Sail or Spark 4. Calls of PySpark's
    /// client and of Databricks Connect to the workspace's own port are authenticated, start the cluster that they name and
    /// are passed on to it; [`LocalWorkspace::spark_remote`] is the URL for clients. It is what `spark` of Python
    /// commands is where PySpark is installed. SQL statements run on the embedded engine all the same, and tables of one are
    /// not those of the other; with the feature `spark` they run on the attached one, which knows no grants, volumes and
    /// tables of the workspace.
    ///
    /// The connection to the engine is not encrypted. `;token=…` in the URL is what the engine itself wants, on this machine
    /// alone. Default: such calls are refused as not implemented.
    pub fn spark_connect(mut self, url: impl Into<String>) -> Self {
        self.settings.spark = Some(Engine::Url(url.into()));
        self
    }

    /// Starts [Sail](https://pypi.org/project/pysail/) with the [interpreter](Self::python) and attaches it as
    /// [`spark_connect`](Self::spark_connect) does. It listens on a free port of loopback, where other programs of this
    /// machine reach it without a token, and ends with the workspace.
    pub fn spark_sail(mut self) -> Self {
        self.settings.spark = Some(Engine::Sail);
        self
    }

    /// Adds a name by which clients may reach the workspace besides `localhost` and `127.0.0.1`, such as that of a
    /// container. Links and endpoints in responses to requests that come by this name have it, too.
    pub fn host_name(mut self, name: impl Into<String>) -> Self {
        self.settings.host_names.push(name.into());
        self
    }

    /// Sets how long the rest of a request that has begun may stay out before its connection is closed. Default 60
    /// seconds.
    pub fn idle_limit(mut self, limit: Duration) -> Self {
        self.settings.idle_limit = limit;
        self
    }

    /// Binds the port and starts to serve on the current Tokio runtime.
    ///
    /// # Errors
    ///
    /// [`StartError`] if [`speed`](Self::speed) is not a positive number, the port is taken, the temporary directory
    /// or that of [`data`](Self::data) cannot be used, the [`seed`](Self::seed) has a mistake, the URL of
    /// [`spark_connect`](Self::spark_connect) is not one, [Sail](Self::spark_sail) is not installed or does not start, or
    /// the operating system gives no random bytes.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime with IO and time enabled.
    pub async fn start(self) -> Result<LocalWorkspace, StartError> {
        let Self { port, storage_port, bind, seed, starter_cluster, mut settings } = self;
        if !(settings.speed.is_finite() && settings.speed > 0.0) {
            return Err(StartError::new(format!("speed must be a positive number, got {}", settings.speed), None));
        }
        let bind = bind.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        if !bind.is_unspecified() && bind != IpAddr::V4(Ipv4Addr::LOCALHOST) {
            settings.host_names.push(crate::origin::own_name(bind));
        }
        let address = SocketAddr::from((bind, port));
        let listener = TcpListener::bind(address).await.map_err(|e| {
            StartError::new(format!("cannot listen on {address}; choose another port, or 0 for a free one"), Some(e))
        })?;
        let address = listener.local_addr().map_err(|e| StartError::new("the listener has no address", Some(e)))?;
        let limit = settings.idle_limit;
        #[cfg(feature = "tls")]
        let tls = settings.tls.then(|| crate::tls::SelfSigned::new(certified(&settings.host_names))).transpose();
        #[cfg(feature = "tls")]
        let tls = tls.map_err(|e| StartError::new("cannot make a certificate", Some(e)))?;
        let spark = settings.spark.clone();
        let mut parts = Parts::new(settings, address)
            .map_err(|e| StartError::new("cannot prepare the workspace's state", Some(e)))?;
        if let Some(engine) = spark {
            let attached = Attached::new(engine, &parts.starter.python.program, parts.sql.directory.path()).await;
            let attached = Arc::new(attached.map_err(|e| StartError::new(e, None))?);
            // It is set once, here.
            #[cfg(feature = "spark")]
            let _ = parts.sql.spark.set(SparkSql::new(Arc::clone(&attached), Arc::clone(&parts.sql.ids)));
            parts.attached = Some(attached);
        }
        let parts = Arc::new(parts);
        let cluster_id = starter_cluster.then(|| clusters::create_starter(&ClustersHandle::from(&*parts))).transpose();
        let cluster_id = cluster_id
            .map_err(|e| StartError::new(format!("cannot make the starter cluster: {}", e.message()), None))?;
        seed.apply(&parts).await.map_err(|error| StartError::new(error.to_string(), None))?;
        let storage_address = SocketAddr::from((bind, storage_port));
        let storage_failed =
            |e| StartError::new(format!("cannot listen on {storage_address} for requests to storage"), Some(e));
        let storage = TcpListener::bind(storage_address).await.map_err(storage_failed)?;
        let storage_port = storage.local_addr().map_err(storage_failed)?.port();
        // It is set once, here.
        let name = crate::origin::own_name(bind);
        let _ = parts.sql.volumes.storage.set(format!("{}://{name}:{storage_port}", parts.place.scheme));
        #[cfg(feature = "tls")]
        if let (Some(tls), Some(file)) = (&tls, parts.authority_file()) {
            std::fs::write(file, tls.authority())
                .map_err(|e| StartError::new("cannot write the authority's certificate", Some(e)))?;
        }
        let door = |listener| Doorway {
            listener,
            #[cfg(feature = "tls")]
            tls: tls.clone(),
        };
        let (listener, storage) = (door(listener), door(storage));
        #[cfg(feature = "tls")]
        let storage = Doorway { tls: storage.tls.map(|tls| tls.without_http2()), ..storage };
        let server = Server::spawn(listener, router::build(&parts), limit);
        let storage = Server::spawn(storage, storage_volumes::build(StorageHandle::from(&*parts)), limit);
        let schedules = tokio::spawn(schedules::follow(Arc::downgrade(&parts))).abort_handle();
        Ok(LocalWorkspace {
            parts,
            server,
            storage,
            cluster_id,
            schedules,
            #[cfg(feature = "tls")]
            tls,
        })
    }
}

/// What the certificate is for: this machine, and the names given.
#[cfg(feature = "tls")]
fn certified(host_names: &[String]) -> Vec<String> {
    let own = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    // A name may come with a port, which certificates do not have.
    let names = host_names.iter().map(|name| match name.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') && port.parse::<u16>().is_ok() => name.to_owned(),
        _ => name.trim_matches(['[', ']']).to_owned(),
    });
    own.into_iter().chain(names).collect()
}

/// Why a workspace could not be started.
#[derive(Debug)]
pub struct StartError {
    message: String,
    source: Option<std::io::Error>,
}

impl StartError {
    fn new(message: impl Into<String>, source: Option<std::io::Error>) -> Self {
        Self { message: message.into(), source }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|e| e as _)
    }
}
