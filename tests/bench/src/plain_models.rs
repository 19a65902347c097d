//! The structs that the contenders without an SDK decode into: derived, with the same members as the generated models.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct User {
    pub(crate) active: Option<bool>,
    #[serde(rename = "displayName")]
    pub(crate) display_name: Option<String>,
    pub(crate) emails: Option<Vec<ComplexValue>>,
    pub(crate) entitlements: Option<Vec<ComplexValue>>,
    #[serde(rename = "externalId")]
    pub(crate) external_id: Option<String>,
    pub(crate) groups: Option<Vec<ComplexValue>>,
    pub(crate) id: Option<String>,
    pub(crate) name: Option<Name>,
    pub(crate) roles: Option<Vec<ComplexValue>>,
    pub(crate) schemas: Option<Vec<String>>,
    #[serde(rename = "userName")]
    pub(crate) user_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ComplexValue {
    #[serde(rename = "$ref")]
    pub(crate) ref_: Option<String>,
    pub(crate) display: Option<String>,
    pub(crate) primary: Option<bool>,
    #[serde(rename = "type")]
    pub(crate) type_: Option<String>,
    pub(crate) value: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Name {
    #[serde(rename = "familyName")]
    pub(crate) family_name: Option<String>,
    #[serde(rename = "givenName")]
    pub(crate) given_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ListClustersResponse {
    pub(crate) clusters: Option<Vec<ClusterDetails>>,
    pub(crate) next_page_token: Option<String>,
    pub(crate) prev_page_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ClusterDetails {
    pub(crate) autoscale: Option<AutoScale>,
    pub(crate) autotermination_minutes: Option<i64>,
    pub(crate) aws_attributes: Option<AwsAttributes>,
    pub(crate) azure_attributes: Option<AzureAttributes>,
    pub(crate) cluster_cores: Option<f64>,
    pub(crate) cluster_id: Option<String>,
    pub(crate) cluster_log_conf: Option<ClusterLogConf>,
    pub(crate) cluster_log_status: Option<LogSyncStatus>,
    pub(crate) cluster_memory_mb: Option<i64>,
    pub(crate) cluster_name: Option<String>,
    pub(crate) cluster_source: Option<String>,
    pub(crate) creator_user_name: Option<String>,
    pub(crate) custom_tags: Option<BTreeMap<String, String>>,
    pub(crate) data_security_mode: Option<String>,
    pub(crate) default_tags: Option<BTreeMap<String, String>>,
    pub(crate) dependency_mode: Option<String>,
    pub(crate) docker_image: Option<DockerImage>,
    pub(crate) driver: Option<SparkNode>,
    pub(crate) driver_instance_pool_id: Option<String>,
    pub(crate) driver_node_type_flexibility: Option<NodeTypeFlexibility>,
    pub(crate) driver_node_type_id: Option<String>,
    pub(crate) enable_elastic_disk: Option<bool>,
    pub(crate) enable_local_disk_encryption: Option<bool>,
    pub(crate) executors: Option<Vec<SparkNode>>,
    pub(crate) gcp_attributes: Option<GcpAttributes>,
    pub(crate) init_scripts: Option<Vec<InitScriptInfo>>,
    pub(crate) instance_pool_id: Option<String>,
    pub(crate) is_single_node: Option<bool>,
    pub(crate) jdbc_port: Option<i64>,
    pub(crate) kind: Option<String>,
    pub(crate) last_restarted_time: Option<i64>,
    pub(crate) last_state_loss_time: Option<i64>,
    pub(crate) node_type_id: Option<String>,
    pub(crate) num_workers: Option<i64>,
    pub(crate) policy_id: Option<String>,
    pub(crate) remote_disk_throughput: Option<i64>,
    pub(crate) runtime_engine: Option<String>,
    pub(crate) single_user_name: Option<String>,
    pub(crate) spark_conf: Option<BTreeMap<String, String>>,
    pub(crate) spark_context_id: Option<i64>,
    pub(crate) spark_env_vars: Option<BTreeMap<String, String>>,
    pub(crate) spark_version: Option<String>,
    pub(crate) spec: Option<ClusterSpec>,
    pub(crate) ssh_public_keys: Option<Vec<String>>,
    pub(crate) start_time: Option<i64>,
    pub(crate) state: Option<String>,
    pub(crate) state_message: Option<String>,
    pub(crate) terminated_time: Option<i64>,
    pub(crate) termination_reason: Option<TerminationReason>,
    pub(crate) total_initial_remote_disk_size: Option<i64>,
    pub(crate) use_ml_runtime: Option<bool>,
    pub(crate) worker_node_type_flexibility: Option<NodeTypeFlexibility>,
    pub(crate) workload_type: Option<WorkloadType>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AutoScale {
    pub(crate) max_workers: Option<i64>,
    pub(crate) min_workers: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AwsAttributes {
    pub(crate) availability: Option<String>,
    pub(crate) ebs_volume_count: Option<i64>,
    pub(crate) ebs_volume_iops: Option<i64>,
    pub(crate) ebs_volume_size: Option<i64>,
    pub(crate) ebs_volume_throughput: Option<i64>,
    pub(crate) ebs_volume_type: Option<String>,
    pub(crate) first_on_demand: Option<i64>,
    pub(crate) instance_profile_arn: Option<String>,
    pub(crate) spot_bid_price_percent: Option<i64>,
    pub(crate) zone_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AzureAttributes {
    pub(crate) availability: Option<String>,
    pub(crate) capacity_reservation_group: Option<String>,
    pub(crate) first_on_demand: Option<i64>,
    pub(crate) log_analytics_info: Option<LogAnalyticsInfo>,
    pub(crate) spot_bid_max_price: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ClusterLogConf {
    pub(crate) dbfs: Option<DbfsStorageInfo>,
    pub(crate) s3: Option<S3StorageInfo>,
    pub(crate) volumes: Option<VolumesStorageInfo>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LogSyncStatus {
    pub(crate) last_attempted: Option<i64>,
    pub(crate) last_exception: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DockerImage {
    pub(crate) basic_auth: Option<DockerBasicAuth>,
    pub(crate) url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SparkNode {
    pub(crate) host_private_ip: Option<String>,
    pub(crate) instance_id: Option<String>,
    pub(crate) node_aws_attributes: Option<SparkNodeAwsAttributes>,
    pub(crate) node_id: Option<String>,
    pub(crate) private_ip: Option<String>,
    pub(crate) public_dns: Option<String>,
    pub(crate) start_timestamp: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NodeTypeFlexibility {
    pub(crate) alternate_node_type_ids: Option<Vec<String>>,
    pub(crate) aws_context_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct GcpAttributes {
    pub(crate) availability: Option<String>,
    pub(crate) boot_disk_size: Option<i64>,
    pub(crate) confidential_compute_type: Option<String>,
    pub(crate) first_on_demand: Option<i64>,
    pub(crate) google_service_account: Option<String>,
    pub(crate) local_ssd_count: Option<i64>,
    pub(crate) use_preemptible_executors: Option<bool>,
    pub(crate) zone_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct InitScriptInfo {
    pub(crate) abfss: Option<Adlsgen2Info>,
    pub(crate) dbfs: Option<DbfsStorageInfo>,
    pub(crate) file: Option<LocalFileInfo>,
    pub(crate) gcs: Option<GcsStorageInfo>,
    pub(crate) s3: Option<S3StorageInfo>,
    pub(crate) volumes: Option<VolumesStorageInfo>,
    pub(crate) workspace: Option<WorkspaceStorageInfo>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ClusterSpec {
    pub(crate) apply_policy_default_values: Option<bool>,
    pub(crate) autoscale: Option<AutoScale>,
    pub(crate) autotermination_minutes: Option<i64>,
    pub(crate) aws_attributes: Option<AwsAttributes>,
    pub(crate) azure_attributes: Option<AzureAttributes>,
    pub(crate) cluster_log_conf: Option<ClusterLogConf>,
    pub(crate) cluster_name: Option<String>,
    pub(crate) custom_tags: Option<BTreeMap<String, String>>,
    pub(crate) data_security_mode: Option<String>,
    pub(crate) dependency_mode: Option<String>,
    pub(crate) docker_image: Option<DockerImage>,
    pub(crate) driver_instance_pool_id: Option<String>,
    pub(crate) driver_node_type_flexibility: Option<NodeTypeFlexibility>,
    pub(crate) driver_node_type_id: Option<String>,
    pub(crate) enable_elastic_disk: Option<bool>,
    pub(crate) enable_local_disk_encryption: Option<bool>,
    pub(crate) gcp_attributes: Option<GcpAttributes>,
    pub(crate) init_scripts: Option<Vec<InitScriptInfo>>,
    pub(crate) instance_pool_id: Option<String>,
    pub(crate) is_single_node: Option<bool>,
    pub(crate) kind: Option<String>,
    pub(crate) node_type_id: Option<String>,
    pub(crate) num_workers: Option<i64>,
    pub(crate) policy_id: Option<String>,
    pub(crate) remote_disk_throughput: Option<i64>,
    pub(crate) runtime_engine: Option<String>,
    pub(crate) single_user_name: Option<String>,
    pub(crate) spark_conf: Option<BTreeMap<String, String>>,
    pub(crate) spark_env_vars: Option<BTreeMap<String, String>>,
    pub(crate) spark_version: Option<String>,
    pub(crate) ssh_public_keys: Option<Vec<String>>,
    pub(crate) total_initial_remote_disk_size: Option<i64>,
    pub(crate) use_ml_runtime: Option<bool>,
    pub(crate) worker_node_type_flexibility: Option<NodeTypeFlexibility>,
    pub(crate) workload_type: Option<WorkloadType>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TerminationReason {
    pub(crate) code: Option<String>,
    pub(crate) parameters: Option<BTreeMap<String, String>>,
    #[serde(rename = "type")]
    pub(crate) type_: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WorkloadType {
    pub(crate) clients: Option<ClientsTypes>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LogAnalyticsInfo {
    pub(crate) log_analytics_primary_key: Option<String>,
    pub(crate) log_analytics_workspace_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DbfsStorageInfo {
    pub(crate) destination: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct S3StorageInfo {
    pub(crate) destination: Option<String>,
    pub(crate) canned_acl: Option<String>,
    pub(crate) enable_encryption: Option<bool>,
    pub(crate) encryption_type: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) kms_key: Option<String>,
    pub(crate) region: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct VolumesStorageInfo {
    pub(crate) destination: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DockerBasicAuth {
    pub(crate) password: Option<String>,
    pub(crate) username: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SparkNodeAwsAttributes {
    pub(crate) is_spot: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Adlsgen2Info {
    pub(crate) destination: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LocalFileInfo {
    pub(crate) destination: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct GcsStorageInfo {
    pub(crate) destination: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WorkspaceStorageInfo {
    pub(crate) destination: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ClientsTypes {
    pub(crate) jobs: Option<bool>,
    pub(crate) notebooks: Option<bool>,
}
