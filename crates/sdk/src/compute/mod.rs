//! Choosing, starting and configuring clusters: what the plain operations of [`Clusters`] and [`Libraries`] leave to
//! the caller.
//!
//! ```no_run
//! # async fn example(w: &databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
//! use databricks_sdk::compute::{NodeQuery, SparkVersionQuery};
//!
//! // A cluster with this name, made if there is none, and running when the call returns.
//! let cluster = w.clusters().get_or_create_running("nightly").await?;
//!
//! // Or one that is known by its id, whatever state it is in.
//! let cluster = w.clusters().ensure_running("0923-164208-meows279").await?;
//!
//! // The smallest machine with 16 GB, and the newest runtime with long-term support.
//! let node = w.clusters().select_node_type(&NodeQuery::new().min_memory_gb(16)).await?;
//! let runtime = w.clusters().select_spark_version(&SparkVersionQuery::new().long_term_support(true)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! | to do | use |
//! |---|---|
//! | have a cluster run, whatever its state | [`Clusters::ensure_running`] |
//! | have a cluster of this name | [`Clusters::get_or_create_running`] |
//! | choose machines, choose a runtime | [`Clusters::select_node_type`], [`Clusters::select_spark_version`] |
//! | find by name | [`Clusters::by_name`], [`ClusterPolicies::by_name`], [`InstancePools::by_name`] |
//! | install libraries and wait for them | [`Libraries::update`] |

mod clusters;
mod libraries;
mod node_type;
mod spark_version;

pub use clusters::{EnsureRunning, GetOrCreate};
pub use libraries::UpdateLibraries;
pub use node_type::NodeQuery;
pub use spark_version::SparkVersionQuery;

use databricks_core::Result;
use databricks_models::compute::{InstancePoolAndStats, Policy};

#[doc(no_inline)]
pub use crate::services::compute::{ClusterPolicies, Clusters, InstancePools, Libraries};

impl ClusterPolicies {
    /// The policy with this name.
    ///
    /// # Errors
    /// When no policy or more than one has the name, or they cannot be listed.
    pub async fn by_name(&self, name: &str) -> Result<Policy> {
        crate::lookup::by_name(
            self.list(),
            "cluster policy",
            name,
            |policy| policy.name.clone(),
            |policy| policy.policy_id.clone(),
        )
        .await
    }
}

impl InstancePools {
    /// The instance pool with this name.
    ///
    /// # Errors
    /// When no pool or more than one has the name, or they cannot be listed.
    pub async fn by_name(&self, name: &str) -> Result<InstancePoolAndStats> {
        crate::lookup::by_name(
            self.list(),
            "instance pool",
            name,
            |pool| pool.instance_pool_name.clone(),
            |pool| pool.instance_pool_id.clone(),
        )
        .await
    }
}
