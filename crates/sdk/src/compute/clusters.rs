//! Clusters that run when they are needed.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use databricks_core::{Error, ErrorKind, Operation as _, Result, WaitStatus};
use databricks_models::compute::{
    ClusterDetails, ClusterSource, NodeType, State, TerminationReasonType, clusters as operations,
};

use super::{NodeQuery, SparkVersionQuery};
use crate::client::Client;
use crate::poll::{Assessment, PollOptions, Pollable, Poller, Verdict, poll_setters};
use crate::services::compute::Clusters;
use crate::{Call, failure_reason, lookup};

/// How long a cluster may take to run unless the caller sets another.
const TIMEOUT: Duration = Duration::from_secs(20 * 60);

impl Clusters {
    /// Gets a cluster to run, in whichever state it is: await it for the cluster.
    ///
    /// A terminated cluster is started, one that is terminating is started when it has terminated, one that is on its
    /// way is waited for. If it is started from elsewhere meanwhile, that start is waited for. A start that fails for
    /// want of the cloud or the service is made again until the timeout has passed; one that fails by its own settings
    /// is an error with the reason.
    ///
    /// * `cluster_id`: the cluster.
    pub fn ensure_running(&self, cluster_id: impl Into<String>) -> EnsureRunning {
        EnsureRunning {
            target: Target { clusters: self.clone(), id: cluster_id.into() },
            poll: PollOptions::default().timeout(TIMEOUT),
        }
    }

    /// The cluster with this name, running: await it for the cluster. If there is none it is made.
    ///
    /// Only clusters count that were made in the UI or by a call of the API, since others (of jobs, of pipelines)
    /// cannot be started. Names are case-sensitive; several clusters with the name are an error, as with
    /// [`by_name`](Self::by_name).
    ///
    /// A new cluster has one worker of the smallest node type with a local disk, the newest runtime with long-term
    /// support, and terminates after an hour without work; [`GetOrCreate::configure`] changes that.
    pub fn get_or_create_running(&self, name: impl Into<String>) -> GetOrCreate {
        GetOrCreate {
            clusters: self.clone(),
            name: name.into(),
            poll: PollOptions::default().timeout(TIMEOUT),
            configure: None,
        }
    }

    /// Finds the cluster with this name, among those that were made in the UI or by a call of the API: clusters of
    /// jobs, pipelines and the like do not count.
    ///
    /// * `name`: case-sensitive.
    ///
    /// # Errors
    /// When no cluster or more than one has the name, or they cannot be listed.
    pub async fn by_name(&self, name: &str) -> Result<ClusterDetails> {
        self.find(name).await?.one()
    }

    async fn find(&self, name: &str) -> Result<lookup::Found<ClusterDetails>> {
        let name_of =
            |cluster: &ClusterDetails| can_be_started(cluster).then(|| cluster.cluster_name.clone()).flatten();
        lookup::find(self.list(), "cluster", name, name_of, |cluster| cluster.cluster_id.clone()).await
    }
}

/// Whether the cluster is one of those that people and programs make for themselves.
fn can_be_started(cluster: &ClusterDetails) -> bool {
    matches!(cluster.cluster_source, None | Some(ClusterSource::Ui | ClusterSource::Api))
}

/// A cluster that is to run; see [`Clusters::ensure_running`].
///
/// However the wait ends, and also if the future is dropped, a start that was asked for goes on at the service.
#[must_use = "nothing is started before this is awaited"]
pub struct EnsureRunning {
    target: Target,
    poll: PollOptions<ClusterDetails, State>,
}

impl EnsureRunning {
    poll_setters! {
        /// Sets the timeout of the whole of it. Default: 20 minutes.
        ClusterDetails, State
    }

    async fn run(self) -> Result<ClusterDetails> {
        let Self { target, poll } = self;
        let mut poller = Poller::new(&target.clusters.client, poll);
        // Whether a start was asked for and is under way.
        let mut starting = false;
        loop {
            let cluster = poller.next(&target).await?;
            match cluster.state.as_ref() {
                Some(State::Running) => return Ok(cluster),
                Some(_) if is_broken(&cluster) => return Err(target.failed(&cluster)),
                Some(State::Terminated) if starting && poller.may_be_stale() => {}
                Some(State::Terminated) if starting && !worth_another_start(&cluster) => {
                    return Err(target.failed(&cluster));
                }
                Some(State::Terminated) if starting => starting = false,
                Some(State::Terminated) => match target.clusters.start(&target.id).await {
                    Ok(()) => {
                        starting = true;
                        poller.soon();
                    }
                    Err(error) if error.api().and_then(|api| api.code()) == Some("INVALID_STATE") => {
                        tracing::debug!(cluster_id = target.id, %error, "the cluster is not terminated any more; its state is polled anew");
                    }
                    Err(error) => return Err(error),
                },
                _ => {}
            }
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

impl fmt::Debug for EnsureRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnsureRunning")
            .field("cluster_id", &self.target.id)
            .field("timeout", &self.poll.timeout)
            .finish_non_exhaustive()
    }
}

/// Whether a cluster is in a state that no start leads out of. States that a newer service has may lead anywhere.
fn is_broken(cluster: &ClusterDetails) -> bool {
    matches!(cluster.state.as_ref().map(State::as_str), Some("ERROR" | "UNKNOWN"))
}

/// Whether a start that failed may succeed next time: it was the cloud or the service, not the cluster's settings.
fn worth_another_start(cluster: &ClusterDetails) -> bool {
    let kind = cluster.termination_reason.as_ref().and_then(|reason| reason.type_.as_ref());
    !matches!(kind, Some(TerminationReasonType::ClientError))
}

/// A cluster by its id.
#[derive(Debug)]
struct Target {
    clusters: Clusters,
    id: String,
}

impl Target {
    fn failed(&self, cluster: &ClusterDetails) -> Error {
        let name = cluster.cluster_name.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
        let status = status(cluster);
        let message = status.message.map(|message| format!(": {message}")).unwrap_or_default();
        let message = format!("cluster {}{name} failed to reach RUNNING, got {}{message}", self.id, status.state);
        Error::new(ErrorKind::OperationFailed, message)
            .with_operation(operations::Start::INFO.id)
            .with_hint("see its event log; clusters().events(id) lists it")
    }
}

/// The state with the service's message about it, the reason of a termination included.
fn status(cluster: &ClusterDetails) -> WaitStatus {
    let state = cluster.state.as_ref().map(State::as_str).unwrap_or_default();
    let message = cluster.state_message.clone().filter(|message| !message.is_empty());
    let parts: Vec<String> = [message, failure_reason::of_cluster(cluster)].into_iter().flatten().collect();
    WaitStatus::new(state, (!parts.is_empty()).then(|| parts.join(": ")))
}

impl Pollable for Target {
    type Resource = ClusterDetails;
    type State = State;

    fn client(&self) -> &Client {
        &self.clusters.client
    }

    fn operation(&self) -> &'static str {
        operations::Start::INFO.id
    }

    fn name(&self) -> String {
        format!("cluster {}", self.id)
    }

    fn goal(&self) -> String {
        "reach RUNNING".to_owned()
    }

    async fn poll(&self, timeout: Option<Duration>) -> Result<ClusterDetails> {
        let mut call = self.clusters.get(&self.id);
        call.options = call.options.for_poll(timeout);
        call.await
    }

    fn assess(&self, cluster: &ClusterDetails) -> Assessment {
        let verdict = if cluster.state == Some(State::Running) { Verdict::Done } else { Verdict::Pending };
        Assessment::new(status(cluster), verdict)
    }

    fn state<'a>(&self, cluster: &'a ClusterDetails, _status: &'a WaitStatus) -> Option<&'a State> {
        cluster.state.as_ref()
    }
}

type Configure = Box<dyn FnOnce(Call<operations::Create>) -> Call<operations::Create> + Send>;

/// A cluster that is to be there and to run; see [`Clusters::get_or_create_running`].
///
/// However the wait ends, and also if the future is dropped, what was asked for goes on at the service.
#[must_use = "nothing is started before this is awaited"]
pub struct GetOrCreate {
    clusters: Clusters,
    name: String,
    poll: PollOptions<ClusterDetails, State>,
    configure: Option<Configure>,
}

impl GetOrCreate {
    poll_setters! {
        /// Sets the timeout of the wait until the cluster runs. Default: 20 minutes.
        ClusterDetails, State
    }

    /// Changes how the cluster is made if there is none: gets the call with the defaults and returns the call to make.
    ///
    /// With another node type, and the runtime left as it is, a runtime is chosen that fits the machine (ARM, GPU).
    /// With an instance pool, the default node type is left out.
    pub fn configure(
        mut self,
        change: impl FnOnce(Call<operations::Create>) -> Call<operations::Create> + Send + 'static,
    ) -> Self {
        self.configure = Some(Box::new(change));
        self
    }

    async fn run(self) -> Result<ClusterDetails> {
        let Self { clusters, name, poll, configure } = self;
        let id = match clusters.find(&name).await?.at_most_one()? {
            Some(cluster) => cluster.cluster_id,
            None => create(&clusters, name, configure).await?.await?.cluster_id,
        };
        let id = id.ok_or_else(|| Error::new(ErrorKind::Decode, "the response has no cluster_id"))?;
        EnsureRunning { target: Target { clusters, id }, poll }.await
    }
}

/// The call that makes the cluster.
async fn create(clusters: &Clusters, name: String, configure: Option<Configure>) -> Result<Call<operations::Create>> {
    let nodes = clusters.list_node_types().await?.node_types.unwrap_or_default();
    let runtimes = clusters.spark_versions().await?.versions.unwrap_or_default();
    let node = NodeQuery::new().local_disk(true).select(nodes.clone())?;
    let query = SparkVersionQuery::new().long_term_support(true);
    let runtime = query.select(&runtimes)?;
    let create = clusters
        .create(runtime.clone())
        .cluster_name(name)
        .node_type_id(node.node_type_id.clone())
        .num_workers(1)
        .autotermination_minutes(60);
    let Some(configure) = configure else { return Ok(create) };
    let mut create = configure(create);
    let wanted = &mut create.operation;
    if wanted.instance_pool_id.is_some() && wanted.node_type_id.as_ref() == Some(&node.node_type_id) {
        wanted.node_type_id = None;
    }
    let other = |node: &&NodeType| wanted.node_type_id.as_ref() == Some(&node.node_type_id);
    if wanted.spark_version == runtime
        && let Some(machine) = nodes.iter().find(other)
    {
        wanted.spark_version = query.for_node(machine).select(&runtimes)?;
    }
    Ok(create)
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
        f.debug_struct("GetOrCreate")
            .field("name", &self.name)
            .field("timeout", &self.poll.timeout)
            .finish_non_exhaustive()
    }
}
