//! Choosing a kind of machine.

use std::cmp::Ordering;
use std::fmt::Write as _;

use databricks_core::{Error, ErrorKind, Result};
use databricks_models::compute::NodeType;

use crate::services::compute::Clusters;

impl Clusters {
    /// The smallest node type that fits: fewest cores, then least memory, disks and GPUs; deprecated and hidden ones
    /// come last.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when none fits; the message states for each candidate what it lacks.
    pub async fn select_node_type(&self, query: &NodeQuery) -> Result<NodeType> {
        query.select(self.list_node_types().await?.node_types.unwrap_or_default())
    }
}

/// Which kind of machine is wanted. Without any setting: the smallest.
///
/// Machines of a special kind are chosen only when they are asked for: those with ARM processors
/// ([`graviton`](Self::graviton)), with GPUs ([`min_gpus`](Self::min_gpus) or a category of GPUs), and fleets
/// ([`fleet`](Self::fleet)).
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
        /// At least so many GPUs. Default: none.
        min_gpus: i64;
        /// With a disk of its own.
        local_disk: bool;
        /// With disks of its own of at least so many GB in all.
        local_disk_min_size: i64;
        /// Able to run Photon as a worker.
        photon_worker_capable: bool;
        /// Able to run Photon as a driver.
        photon_driver_capable: bool;
        /// With an ARM processor (such as AWS Graviton). Default: without; ARM machines need a runtime of their own.
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

    /// Sets the fleet: its name is part of the id, as `m-fleet` of `m-fleet.xlarge`.
    #[must_use]
    pub fn fleet(mut self, name: impl Into<String>) -> Self {
        self.fleet = Some(name.into());
        self
    }

    pub(super) fn select(&self, mut all: Vec<NodeType>) -> Result<NodeType> {
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
        // The largest are the likeliest to fit, so what they lack states most.
        for (id, why) in refused.iter().rev().take(MOST) {
            // Writing to a string cannot fail.
            let _ = write!(message, "; {id}: {why}");
        }
        if refused.len() > MOST {
            let _ = write!(message, "; and {} more", refused.len() - MOST);
        }
        Err(Error::new(ErrorKind::InvalidInput, message)
            .with_hint("ask for less; list_node_types() shows what the workspace offers"))
    }

    /// Why a node type does not fit, or `None` if it does.
    fn lacks(&self, node: &NodeType) -> Option<String> {
        let status = node.node_info.as_ref().and_then(|info| info.status.as_deref()).unwrap_or_default();
        if let Some(status) =
            status.iter().find(|s| matches!(s.as_str(), "NotAvailableInRegion" | "NotEnabledOnSubscription"))
        {
            return Some(format!("it is {status}"));
        }
        match &self.fleet {
            Some(fleet) if !node.node_type_id.contains(fleet.as_str()) => {
                return Some(format!("it is not of the fleet {fleet}"));
            }
            None if node.node_type_id.contains("-fleet.") => {
                return Some("it is a fleet, which was not asked for".to_owned());
            }
            _ => {}
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
        let category_of_gpus = self.category.as_ref().is_some_and(|wanted| is_of_gpus(wanted));
        if has_gpus(node) && self.min_gpus.is_none_or(|wanted| wanted < 1) && !category_of_gpus {
            return Some("it has GPUs, which were not asked for".to_owned());
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
            (self.graviton, Some(is_arm(node)), "it has no ARM processor"),
            (!self.graviton, Some(!is_arm(node)), "it has an ARM processor, which was not asked for"),
        ];
        abilities.iter().find(|(wanted, has, _)| *wanted && *has != Some(true)).map(|(_, _, why)| (*why).to_owned())
    }
}

/// Whether a machine has GPUs.
pub(super) fn has_gpus(node: &NodeType) -> bool {
    node.num_gpus.is_some_and(|gpus| gpus > 0) || is_of_gpus(&node.category)
}

fn is_of_gpus(category: &str) -> bool {
    category.to_ascii_lowercase().starts_with("gpu")
}

/// Whether a machine has ARM processors: as the service states, or by the way in which the clouds name them, since
/// `is_graviton` is about AWS alone.
pub(super) fn is_arm(node: &NodeType) -> bool {
    if let Some(graviton) = node.is_graviton.filter(|graviton| *graviton) {
        return graviton;
    }
    let id = node.node_type_id.as_str();
    if let Some(rest) = id.strip_prefix("Standard_") {
        // Azure: a `p` among the letters behind the number of processors, as in `Standard_D4pds_v6`.
        let rest =
            rest.trim_start_matches(|c: char| c.is_ascii_uppercase()).trim_start_matches(|c: char| c.is_ascii_digit());
        return rest.starts_with('p');
    }
    if ["t2a-", "c4a-", "n4a-", "a4x-"].iter().any(|family| id.starts_with(family)) {
        // Google Cloud.
        return true;
    }
    // AWS: a `g` behind the generation, as in `m6gd.large` or `im4gn.xlarge`.
    let Some((family, _)) = id.split_once('.') else { return false };
    let generation = family.trim_start_matches(|c: char| c.is_ascii_lowercase());
    let letters = generation.trim_start_matches(|c: char| c.is_ascii_digit());
    generation.len() < family.len() && letters.len() < generation.len() && letters.starts_with('g')
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

/// The order of the official SDKs: what is deprecated last, or hidden, then by size.
fn by_size(a: &NodeType, b: &NodeType) -> Ordering {
    let deprecated = |node: &NodeType| node.is_deprecated.unwrap_or(false) || node.is_hidden.unwrap_or(false);
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
        assert!(
            error.contains("a: it has 2 cores, wanted 4") && error.contains("b: it has 1 GPUs, wanted 0"),
            "{error}"
        );
        let error = NodeQuery::new().fleet("m-fleet").select(all).unwrap_err().to_string();
        assert!(error.contains("not of the fleet m-fleet"), "{error}");
    }

    #[test]
    fn deprecated_types_are_the_last_choice() {
        let all = vec![node("old", 1.0, 1).is_deprecated(true), node("new", 4.0, 16)];
        assert_eq!(NodeQuery::new().select(all.clone()).unwrap().node_type_id, "new");
        assert_eq!(NodeQuery::new().select(all[..1].to_vec()).unwrap().node_type_id, "old");
    }

    #[test]
    fn special_machines_are_for_those_who_ask() {
        let mut gpus_by_category = node("Standard_NC4as_T4_v3", 1.0, 1);
        gpus_by_category.category = "GPU Accelerated".to_owned();
        let all = vec![
            node("c6gd.large", 1.0, 1).is_graviton(true),
            node("c7gd.large", 1.0, 2),
            node("g4dn.xlarge", 1.0, 1).num_gpus(1),
            gpus_by_category,
            node("m-fleet.xlarge", 1.0, 1),
            node("hidden", 1.0, 1).is_hidden(true),
            node("m5d.large", 2.0, 8),
        ];
        let chosen = |query: NodeQuery| query.select(all.clone()).unwrap().node_type_id;
        assert_eq!(chosen(NodeQuery::new()), "m5d.large");
        assert_eq!(chosen(NodeQuery::new().graviton(true)), "c6gd.large");
        assert_eq!(chosen(NodeQuery::new().graviton(true).min_memory_gb(2)), "c7gd.large");
        assert_eq!(chosen(NodeQuery::new().min_gpus(1)), "g4dn.xlarge");
        assert_eq!(chosen(NodeQuery::new().category("gpu accelerated")), "Standard_NC4as_T4_v3");
        assert_eq!(chosen(NodeQuery::new().fleet("m-fleet")), "m-fleet.xlarge");
        let error = NodeQuery::new().select(all[..1].to_vec()).unwrap_err().to_string();
        assert!(error.contains("c6gd.large: it has an ARM processor, which was not asked for"), "{error}");
    }

    #[test]
    fn arm_is_known_by_name_too() {
        for id in ["m6gd.large", "c7g.xlarge", "im4gn.2xlarge", "x2gd.medium", "g5g.xlarge", "r8gb.large"] {
            assert!(is_arm(&node(id, 1.0, 1)), "{id}");
        }
        for id in ["Standard_D4pds_v6", "Standard_E8ps_v5", "Standard_D2plds_v5", "t2a-standard-4", "c4a-highmem-8"] {
            assert!(is_arm(&node(id, 1.0, 1)), "{id}");
        }
        for id in [
            "m5d.large",
            "g4dn.xlarge",
            "g5.xlarge",
            "i3.xlarge",
            "c6id.large",
            "p4d.24xlarge",
            "d.xlarge",
            "rd-fleet.xlarge",
            "m",
        ] {
            assert!(!is_arm(&node(id, 1.0, 1)), "{id}");
        }
        for id in [
            "Standard_DS3_v2",
            "Standard_D4ds_v5",
            "Standard_NP10s",
            "Standard_M8-2ms",
            "n2-standard-4",
            "e2-highmem-2",
        ] {
            assert!(!is_arm(&node(id, 1.0, 1)), "{id}");
        }
    }
}
