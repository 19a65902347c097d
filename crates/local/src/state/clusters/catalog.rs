//! What clusters can be made of: node types and runtime versions.

use serde_json::{Value, json};

/// A kind of machine.
#[derive(Debug)]
pub(crate) struct NodeType {
    pub(crate) id: &'static str,
    pub(crate) category: &'static str,
    pub(crate) cores: f64,
    pub(crate) memory_mb: i64,
    gpus: i64,
    /// Number and size in GB of local NVMe disks.
    nvme: (i64, i64),
    graviton: bool,
    deprecated: bool,
}

const fn node(id: &'static str, category: &'static str, cores: f64, memory_gb: i64) -> NodeType {
    NodeType {
        id,
        category,
        cores,
        memory_mb: memory_gb * 1024,
        gpus: 0,
        nvme: (0, 0),
        graviton: false,
        deprecated: false,
    }
}

const fn disks(count: i64, size_gb: i64, node: NodeType) -> NodeType {
    NodeType { nvme: (count, size_gb), ..node }
}

const GENERAL: &str = "General Purpose";
const MEMORY: &str = "Memory Optimized";
const COMPUTE: &str = "Compute Optimized";
const STORAGE: &str = "Storage Optimized";
const GPU: &str = "GPU Accelerated";

/// A selection of the machines of one cloud: each category, with and without disks, GPU, ARM, and one that is
/// deprecated.
static NODE_TYPES: [NodeType; 14] = [
    disks(1, 75, node("m5d.large", GENERAL, 2.0, 8)),
    disks(1, 150, node("m5d.xlarge", GENERAL, 4.0, 16)),
    disks(2, 150, node("m5d.2xlarge", GENERAL, 8.0, 32)),
    node("m5.large", GENERAL, 2.0, 8),
    node("m5.xlarge", GENERAL, 4.0, 16),
    NodeType { graviton: true, ..disks(1, 118, node("m6gd.large", GENERAL, 2.0, 8)) },
    disks(1, 75, node("r5d.large", MEMORY, 2.0, 16)),
    disks(1, 150, node("r5d.xlarge", MEMORY, 4.0, 32)),
    node("c5.xlarge", COMPUTE, 4.0, 8),
    disks(1, 100, node("c5d.xlarge", COMPUTE, 4.0, 8)),
    disks(1, 475, node("i3.large", STORAGE, 2.0, 15)),
    disks(1, 950, node("i3.xlarge", STORAGE, 4.0, 31)),
    NodeType { gpus: 1, ..disks(1, 125, node("g4dn.xlarge", GPU, 4.0, 16)) },
    NodeType { deprecated: true, ..node("r3.xlarge", MEMORY, 4.0, 31) },
];

/// Key and name of each runtime.
static SPARK_VERSIONS: [(&str, &str); 16] = [
    ("17.3.x-scala2.13", "17.3 LTS (includes Apache Spark 4.0.0, Scala 2.13)"),
    ("17.3.x-cpu-ml-scala2.13", "17.3 LTS ML (includes Apache Spark 4.0.0, Scala 2.13)"),
    ("17.3.x-gpu-ml-scala2.13", "17.3 LTS ML (includes Apache Spark 4.0.0, GPU, Scala 2.13)"),
    ("16.4.x-scala2.13", "16.4 LTS (includes Apache Spark 3.5.2, Scala 2.13)"),
    ("16.4.x-scala2.12", "16.4 LTS (includes Apache Spark 3.5.2, Scala 2.12)"),
    ("16.4.x-cpu-ml-scala2.12", "16.4 LTS ML (includes Apache Spark 3.5.2, Scala 2.12)"),
    ("16.4.x-aarch64-scala2.12", "16.4 LTS aarch64 (includes Apache Spark 3.5.2, Scala 2.12)"),
    ("15.4.x-scala2.12", "15.4 LTS (includes Apache Spark 3.5.0, Scala 2.12)"),
    ("15.4.x-photon-scala2.12", "15.4 LTS Photon (includes Apache Spark 3.5.0, Scala 2.12)"),
    ("15.4.x-cpu-ml-scala2.12", "15.4 LTS ML (includes Apache Spark 3.5.0, Scala 2.12)"),
    ("15.4.x-gpu-ml-scala2.12", "15.4 LTS ML (includes Apache Spark 3.5.0, GPU, Scala 2.12)"),
    ("14.3.x-scala2.12", "14.3 LTS (includes Apache Spark 3.5.0, Scala 2.12)"),
    ("14.3.x-photon-scala2.12", "14.3 LTS Photon (includes Apache Spark 3.5.0, Scala 2.12)"),
    ("13.3.x-scala2.12", "13.3 LTS (includes Apache Spark 3.4.1, Scala 2.12)"),
    ("12.2.x-scala2.12", "12.2 LTS (includes Apache Spark 3.3.2, Scala 2.12)"),
    ("apache-spark-3.5.x-scala2.12", "Light 3.5 (includes Apache Spark 3.5.0, Scala 2.12)"),
];

pub(crate) fn node_type(id: &str) -> Option<&'static NodeType> {
    NODE_TYPES.iter().find(|n| n.id == id)
}

pub(crate) fn has_spark_version(key: &str) -> bool {
    SPARK_VERSIONS.iter().any(|(k, _)| *k == key)
}

/// The response of `clusters/spark-versions`.
pub(crate) fn spark_versions() -> Value {
    let versions: Vec<_> = SPARK_VERSIONS.iter().map(|(key, name)| json!({"key": key, "name": name})).collect();
    json!({"versions": versions})
}

/// The response of `clusters/list-node-types`.
pub(crate) fn node_types() -> Value {
    let types: Vec<_> = NODE_TYPES
        .iter()
        .map(|n| {
            let (disks, disk_gb) = n.nvme;
            json!({
                "node_type_id": n.id,
                "instance_type_id": n.id,
                "category": n.category,
                "description": n.id,
                "display_order": 0,
                "num_cores": n.cores,
                "memory_mb": n.memory_mb,
                "num_gpus": n.gpus,
                "is_deprecated": n.deprecated,
                "is_hidden": false,
                "is_graviton": n.graviton,
                "is_io_cache_enabled": disks > 0,
                "is_encrypted_in_transit": false,
                "photon_driver_capable": n.gpus == 0,
                "photon_worker_capable": n.gpus == 0,
                "support_cluster_tags": true,
                "support_ebs_volumes": disks == 0,
                "support_port_forwarding": true,
                "node_info": {"status": []},
                "node_instance_type": {
                    "instance_type_id": n.id,
                    "local_disks": 0,
                    "local_disk_size_gb": 0,
                    "local_nvme_disks": disks,
                    "local_nvme_disk_size_gb": disk_gb,
                },
            })
        })
        .collect();
    json!({"node_types": types})
}
