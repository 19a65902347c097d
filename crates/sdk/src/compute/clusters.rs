//! Clusters that run when they are needed.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::{Duration, Instant};

use databricks_core::{Error, ErrorKind, Result};
use databricks_models::compute::{ClusterDetails, clusters as operations};

use super::{NodeQuery, SparkVersionQuery};
use crate::Call;
use crate::services::compute::Clusters;
use crate::waiter::pause;

/// How long a cluster may take to run unless the caller says otherwise.
const TIMEOUT: Duration = Duration::from_secs(20 * 60);

impl Clusters {
    /// Makes a cluster run, whatever state it is in: await it for the cluster.
    ///
    /// A terminated cluster is started, one that is terminating is started when it has terminated, one that is on its way is waited for.
    /// If somebody else starts it meanwhile, or a start fails, its state is looked at anew.
    ///
    /// * `cluster_id`: the cluster.
    pub fn ensure_running(&self, cluster_id: impl Into<String>) -> EnsureRunning {
        EnsureRunning { clusters: self.clone(), id: cluster_id.into(), timeout: TIMEOUT, interval: None }
    }

    /// The cluster with this name, running: await it for the cluster. If there is none it is made.
    ///
    /// A new cluster has one worker of the smallest node type with a local disk, the newest runtime with long-term support, and terminates
    /// after an hour without work; [`GetOrCreate::configure`] changes that.
    pub fn get_or_create_running(&self, name: impl Into<String>) -> GetOrCreate {
        GetOrCreate { clusters: self.clone(), name: name.into(), timeout: TIMEOUT, interval: None, configure: None }
    }

    /// The cluster with this name.
    ///
    /// # Errors
    /// When no cluster or more than one has the name, or they cannot be listed.
    pub async fn by_name(&self, name: &str) -> Result<ClusterDetails> {
        crate::lookup::by_name(self.list(), "cluster", name, |cluster| cluster.cluster_name.as_deref()).await
    }
}

/// A cluster that is to run; see [`Clusters::ensure_running`].
#[derive(Clone, Debug)]
#[must_use = "nothing is started before this is awaited"]
pub struct EnsureRunning {
    clusters: Clusters,
    id: String,
    timeout: Duration,
    interval: Option<Duration>,
}

impl EnsureRunning {
    /// Bounds the whole of it. Default: 20 minutes.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Looks at the state at this interval, instead of pauses that grow to ten seconds.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    async fn run(self) -> Result<ClusterDetails> {
        let deadline = Deadline::new(&self);
        let mut attempt = 0;
        loop {
            attempt += 1;
            let cluster = self.clusters.get(&self.id).await?;
            let came = match state(&cluster) {
                "RUNNING" => return Ok(cluster),
                "TERMINATED" => self.start(&deadline).await,
                "TERMINATING" => match self.wait_for("TERMINATED", &deadline).await {
                    Ok(_) => self.start(&deadline).await,
                    Err(error) => Err(error),
                },
                "PENDING" | "RESIZING" | "RESTARTING" => self.wait_for("RUNNING", &deadline).await,
                "ERROR" | "UNKNOWN" => return Err(broken(&self.id, &cluster)),
                // A state that a newer service has: it may lead anywhere.
                _ => Err(Error::new(ErrorKind::OperationFailed, format!("cluster {} is {}", self.id, state(&cluster)))),
            };
            let error = match came {
                Ok(cluster) => return Ok(cluster),
                Err(error) => error,
            };
            let raced = error.api().and_then(|api| api.code()) == Some("INVALID_STATE");
            if !raced && error.kind() != ErrorKind::OperationFailed {
                return Err(error);
            }
            tracing::debug!(cluster_id = self.id, %error, "the cluster does not run yet; its state is looked at anew");
            deadline.pause(attempt, state(&cluster)).await?;
        }
    }

    async fn start(&self, deadline: &Deadline<'_>) -> Result<ClusterDetails> {
        self.clusters.start(&self.id).await?;
        self.wait_for("RUNNING", deadline).await
    }

    async fn wait_for(&self, wanted: &str, deadline: &Deadline<'_>) -> Result<ClusterDetails> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let cluster = self.clusters.get(&self.id).await?;
            let found = state(&cluster);
            if found == wanted {
                return Ok(cluster);
            }
            if found == "ERROR" || (found == "TERMINATED" && wanted == "RUNNING") {
                let said = said(&cluster);
                return Err(Error::new(ErrorKind::OperationFailed, format!("failed to reach {wanted}, got {found}{said}")));
            }
            deadline.pause(attempt, found).await?;
        }
    }
}

impl IntoFuture for EnsureRunning {
    type Output = Result<ClusterDetails>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// When the whole of it must be over.
struct Deadline<'a> {
    of: &'a EnsureRunning,
    start: Instant,
}

impl<'a> Deadline<'a> {
    fn new(of: &'a EnsureRunning) -> Self {
        Self { of, start: of.clusters.client.clock().now() }
    }

    /// Waits before the next look.
    async fn pause(&self, attempt: u64, last: &str) -> Result<()> {
        let clock = self.of.clusters.client.clock();
        let elapsed = clock.now().saturating_duration_since(self.start);
        let pause = self.of.interval.unwrap_or_else(|| pause(attempt));
        if elapsed + pause > self.of.timeout {
            let message = format!("timed out after {elapsed:.0?} waiting for cluster {} to run; last state {last}", self.of.id);
            return Err(Error::new(ErrorKind::WaitTimeout, message).with_hint("it may still come up; wait again or raise the timeout"));
        }
        clock.sleep(pause).await;
        Ok(())
    }
}

fn state(cluster: &ClusterDetails) -> &str {
    cluster.state.as_ref().map(|state| state.as_str()).unwrap_or_default()
}

/// What the service says about the state, ready to be put behind it.
fn said(cluster: &ClusterDetails) -> String {
    let message = cluster.state_message.as_deref().filter(|message| !message.is_empty());
    message.map(|message| format!(": {message}")).unwrap_or_default()
}

fn broken(id: &str, cluster: &ClusterDetails) -> Error {
    let name = cluster.cluster_name.as_deref().unwrap_or_default();
    let message = format!("cluster {name} ({id}) is {}{}", state(cluster), said(cluster));
    Error::new(ErrorKind::OperationFailed, message).with_hint("its event log tells more; it cannot be started in this state")
}

type Configure = Box<dyn FnOnce(Call<operations::Create>) -> Call<operations::Create> + Send>;

/// A cluster that is to be there and to run; see [`Clusters::get_or_create_running`].
#[must_use = "nothing is started before this is awaited"]
pub struct GetOrCreate {
    clusters: Clusters,
    name: String,
    timeout: Duration,
    interval: Option<Duration>,
    configure: Option<Configure>,
}

impl GetOrCreate {
    /// Bounds the wait until the cluster runs. Default: 20 minutes.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Looks at the state at this interval, instead of pauses that grow to ten seconds.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// Changes how the cluster is made if there is none: gets the call with the defaults and returns the call to make.
    pub fn configure(mut self, change: impl FnOnce(Call<operations::Create>) -> Call<operations::Create> + Send + 'static) -> Self {
        self.configure = Some(Box::new(change));
        self
    }

    async fn run(self) -> Result<ClusterDetails> {
        let Self { clusters, name, timeout, interval, configure } = self;
        let ensure = |id| EnsureRunning { clusters: clusters.clone(), id, timeout, interval };
        let mut existing = clusters.list().items();
        while let Some(cluster) = existing.next().await? {
            if cluster.cluster_name.as_deref() == Some(&name)
                && let Some(id) = cluster.cluster_id
            {
                return ensure(id).await;
            }
        }
        let node = clusters.select_node_type(&NodeQuery::new().local_disk(true)).await?;
        let version = clusters.select_spark_version(&SparkVersionQuery::new().long_term_support(true)).await?;
        let create = clusters.create(version).cluster_name(name).node_type_id(node.node_type_id).num_workers(1).autotermination_minutes(60);
        let create = if let Some(configure) = configure { configure(create) } else { create };
        let id = create.await?.cluster_id;
        ensure(id.ok_or_else(|| Error::new(ErrorKind::Decode, "the answer has no cluster_id"))?).await
    }
}

impl IntoFuture for GetOrCreate {
    type Output = Result<ClusterDetails>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for GetOrCreate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GetOrCreate").field("name", &self.name).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
