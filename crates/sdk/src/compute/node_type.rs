//! Choosing a kind of machine.

use std::cmp::Ordering;
use std::fmt::Write as _;

use databricks_core::{Error, ErrorKind, Result};
use databricks_models::compute::NodeType;

use crate::services::compute::Clusters;

impl Clusters {
    /// The smallest node type that fits: fewest cores, then least memory, disks and GPUs; deprecated ones come last.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when none fits; the message says for each candidate what it lacks.
    pub async fn select_node_type(&self, query: &NodeQuery) -> Result<NodeType> {
        query.select(self.list_node_types().await?.node_types.unwrap_or_default())
    }
}

/// Which kind of machine is wanted. Without any setting: the smallest.
#[derive(Clone, Debug, Default)]
pub struct NodeQuery {
    min_memory_gb: Option<i64>,
    gb_per_core: Option<i64>,
    min_cores: Option<f64>,
    min_gpus: Option<i64>,
    local_disk: bool,
    local_disk_min_size: Option<i64>,
    category: Option<String>,
    photon_worker_capable: bool,
    photon_driver_capable: bool,
    graviton: bool,
    io_cache_enabled: bool,
    port_forwarding: bool,
    fleet: Option<String>,
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(mut self, value: $type) -> Self {
            self.$name = value.into();
            self
        }
    )*};
}

impl NodeQuery {
    /// The smallest machine.
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// At least so much memory, in GiB.
        min_memory_gb: i64;
        /// At least so much memory for each core, in whole GiB.
        gb_per_core: i64;
        /// At least so many cores.
        min_cores: f64;
        /// At least so many GPUs; 0 asks for a machine without any.
        min_gpus: i64;
        /// With a disk of its own.
        local_disk: bool;
        /// With disks of its own of at least so many GB in all.
        local_disk_min_size: i64;
        /// Able to run Photon as a worker.
        photon_worker_capable: bool;
        /// Able to run Photon as a driver.
        photon_driver_capable: bool;
        /// With an ARM processor (AWS Graviton).
        graviton: bool;
        /// With the disk cache turned on by default.
        io_cache_enabled: bool;
        /// Able to forward ports.
        port_forwarding: bool;
    }

    /// Of a category such as `General Purpose` or `Memory Optimized`, in any case of letters.
    #[must_use]
    pub fn category(mut self, name: impl Into<String>) -> Self {
        self.category = Some(name.into());
        self
    }

    /// Of a fleet: its name is part of the id, as `m-fleet` of `m-fleet.xlarge`.
    #[must_use]
    pub fn fleet(mut self, name: impl Into<String>) -> Self {
        self.fleet = Some(name.into());
        self
    }

    fn select(&self, mut all: Vec<NodeType>) -> Result<NodeType> {
        all.sort_by(by_size);
        let mut refused = Vec::new();
        for node in all {
            match self.lacks(&node) {
                None => return Ok(node),
                Some(why) => refused.push((node.node_type_id, why)),
            }
        }
        let mut message = "cannot determine smallest node type: none fits".to_owned();
        const MOST: usize = 10;
        // The largest are the likeliest to fit, so what they lack tells most.
        for (id, why) in refused.iter().rev().take(MOST) {
            // Writing to a string cannot fail.
            let _ = write!(message, "; {id}: {why}");
        }
        if refused.len() > MOST {
            let _ = write!(message, "; and {} more", refused.len() - MOST);
        }
        Err(Error::new(ErrorKind::InvalidInput, message).with_hint("ask for less; list_node_types() shows what the workspace offers"))
    }

    /// Why a node type does not fit, or `None` if it does.
    fn lacks(&self, node: &NodeType) -> Option<String> {
        let status = node.node_info.as_ref().and_then(|info| info.status.as_deref()).unwrap_or_default();
        if let Some(status) = status.iter().find(|s| matches!(s.as_str(), "NotAvailableInRegion" | "NotEnabledOnSubscription")) {
            return Some(format!("it is {status}"));
        }
        if let Some(fleet) = &self.fleet
            && !node.node_type_id.contains(fleet.as_str())
        {
            return Some(format!("it is not of the fleet {fleet}"));
        }
        let memory = node.memory_mb / 1024;
        if let Some(wanted) = self.min_memory_gb.filter(|wanted| memory < *wanted) {
            return Some(format!("it has {memory} GiB of memory, wanted {wanted}"));
        }
        let per_core = (memory as f64 / node.num_cores).floor();
        if let Some(wanted) = self.gb_per_core.filter(|wanted| per_core < *wanted as f64) {
            return Some(format!("it has {per_core} GiB of memory for each core, wanted {wanted}"));
        }
        if let Some(wanted) = self.min_cores.filter(|wanted| node.num_cores < *wanted) {
            return Some(format!("it has {} cores, wanted {wanted}", node.num_cores));
        }
        let gpus = node.num_gpus.unwrap_or(0);
        if let Some(wanted) = self.min_gpus.filter(|wanted| gpus < *wanted || (*wanted == 0 && gpus > 0)) {
            return Some(format!("it has {gpus} GPUs, wanted {wanted}"));
        }
        let disks = Disks::of(node);
        if (self.local_disk || self.local_disk_min_size.is_some()) && disks.count() == 0 {
            return Some("it has no local disk".to_owned());
        }
        if let Some(wanted) = self.local_disk_min_size.filter(|wanted| disks.size() < *wanted) {
            return Some(format!("it has {} GB of local disks, wanted {wanted}", disks.size()));
        }
        if let Some(wanted) = self.category.as_ref().filter(|wanted| !node.category.eq_ignore_ascii_case(wanted)) {
            return Some(format!("it is of the category {}, wanted {wanted}", node.category));
        }
        let abilities = [
            (self.io_cache_enabled, node.is_io_cache_enabled, "it has no disk cache"),
            (self.port_forwarding, node.support_port_forwarding, "it cannot forward ports"),
            (self.photon_driver_capable, node.photon_driver_capable, "it cannot run Photon as a driver"),
            (self.photon_worker_capable, node.photon_worker_capable, "it cannot run Photon as a worker"),
            (self.graviton, node.is_graviton, "it has no ARM processor"),
        ];
        abilities.iter().find(|(wanted, has, _)| *wanted && *has != Some(true)).map(|(_, _, why)| (*why).to_owned())
    }
}

/// What a machine has in disks of its own.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Disks {
    disks: i64,
    gb: i64,
    nvme: i64,
    nvme_gb: i64,
}

impl Disks {
    fn of(node: &NodeType) -> Self {
        node.node_instance_type.as_ref().map_or_else(Self::default, |it| Self {
            disks: it.local_disks.unwrap_or(0),
            gb: it.local_disk_size_gb.unwrap_or(0),
            nvme: it.local_nvme_disks.unwrap_or(0),
            nvme_gb: it.local_nvme_disk_size_gb.unwrap_or(0),
        })
    }

    fn count(&self) -> i64 {
        self.disks + self.nvme
    }

    fn size(&self) -> i64 {
        self.gb + self.nvme_gb
    }
}

/// The order of the official SDKs: what is deprecated last, then by size.
fn by_size(a: &NodeType, b: &NodeType) -> Ordering {
    let deprecated = |node: &NodeType| node.is_deprecated.unwrap_or(false);
    let cores = || a.num_cores.total_cmp(&b.num_cores);
    let rest = |node: &NodeType| (Disks::of(node), node.num_gpus.unwrap_or(0));
    deprecated(a)
        .cmp(&deprecated(b))
        .then_with(cores)
        .then_with(|| a.memory_mb.cmp(&b.memory_mb))
        .then_with(|| rest(a).cmp(&rest(b)))
        .then_with(|| a.instance_type_id.cmp(&b.instance_type_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str, cores: f64, gb: i64) -> NodeType {
        NodeType::new(id, gb * 1024, cores, id, id, "General Purpose")
    }

    #[test]
    fn each_candidate_says_what_it_lacks() {
        let all = vec![node("a", 2.0, 8), node("b", 8.0, 32).num_gpus(1)];
        let error = NodeQuery::new().min_cores(4.0).min_gpus(0).select(all.clone()).unwrap_err().to_string();
        assert!(error.contains("a: it has 2 cores, wanted 4") && error.contains("b: it has 1 GPUs, wanted 0"), "{error}");
        let error = NodeQuery::new().fleet("m-fleet").select(all).unwrap_err().to_string();
        assert!(error.contains("not of the fleet m-fleet"), "{error}");
    }

    #[test]
    fn deprecated_types_are_the_last_choice() {
        let all = vec![node("old", 1.0, 1).is_deprecated(true), node("new", 4.0, 16)];
        assert_eq!(NodeQuery::new().select(all.clone()).unwrap().node_type_id, "new");
        assert_eq!(NodeQuery::new().select(all[..1].to_vec()).unwrap().node_type_id, "old");
    }
}
