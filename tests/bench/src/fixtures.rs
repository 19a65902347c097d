//! What the server sends.

use serde::Deserialize;
use serde_json::{Value, json};

/// The number of clusters on a page, and of pages.
pub(crate) const PAGE: usize = 100;
/// The number of clusters in all.
pub(crate) const CLUSTERS: usize = PAGE * 100;
/// The number of rows of the large result.
pub(crate) const ROWS: usize = 10_000;

/// A row of a result.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) amount: f64,
    pub(crate) active: bool,
    pub(crate) day: String,
    pub(crate) comment: Option<String>,
}

impl Row {
    /// Something of every member.
    pub(crate) fn weight(&self) -> usize {
        let numbers = self.id.unsigned_abs() as usize + self.amount as usize + usize::from(self.active);
        numbers + self.name.len() + self.day.len() + self.comment.as_ref().map_or(0, String::len)
    }
}

/// The current user.
pub(crate) fn user() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:workspace:2.0:User"],
        "id": "7535194597985784",
        "userName": "ada@example.com",
        "displayName": "Ada Lovelace",
        "active": true,
        "name": {"givenName": "Ada", "familyName": "Lovelace"},
        "emails": [{"type": "work", "value": "ada@example.com", "primary": true}],
        "groups": [
            {"display": "admins", "type": "direct", "value": "1118389", "$ref": "Groups/1118389"},
            {"display": "users", "type": "direct", "value": "1118390", "$ref": "Groups/1118390"},
        ],
        "entitlements": [{"value": "workspace-access"}, {"value": "databricks-sql-access"}],
    })
}

/// One page of clusters.
pub(crate) fn page(number: usize) -> Value {
    let clusters: Vec<Value> = (0..PAGE).map(|i| cluster(number * PAGE + i)).collect();
    let next = if number + 1 < CLUSTERS / PAGE { format!("page-{}", number + 1) } else { String::new() };
    json!({"clusters": clusters, "next_page_token": next, "prev_page_token": ""})
}

fn cluster(i: usize) -> Value {
    let id = format!("0923-{:06}-meows{i:05}", i * 7 % 1_000_000);
    let node = |n: usize| {
        json!({
            "private_ip": format!("10.0.{}.{}", i % 250, n), "public_dns": format!("ec2-{i}-{n}.compute.example.com"),
            "node_id": format!("{i:016x}{n:016x}"), "instance_id": format!("i-{:017x}", i * 31 + n),
            "start_timestamp": 1_714_557_600_000_u64 + i as u64, "host_private_ip": format!("10.1.{}.{n}", i % 250),
            "node_aws_attributes": {"is_spot": n % 2 == 0},
        })
    };
    let settings = json!({
        "spark.databricks.delta.preview.enabled": "true", "spark.sql.shuffle.partitions": "200",
        "spark.serializer": "org.apache.spark.serializer.KryoSerializer", "spark.executor.extraJavaOptions": "-XX:+UseG1GC",
        "spark.hadoop.fs.s3a.endpoint": "s3.eu-west-1.amazonaws.com", "spark.databricks.cluster.profile": "serverless",
    });
    let aws = json!({
        "first_on_demand": 1, "availability": "SPOT_WITH_FALLBACK", "zone_id": "eu-west-1a",
        "instance_profile_arn": "arn:aws:iam::123456789012:instance-profile/workers", "spot_bid_price_percent": 100,
        "ebs_volume_type": "GENERAL_PURPOSE_SSD", "ebs_volume_count": 3, "ebs_volume_size": 100,
    });
    let tags = json!({"team": "data platform", "cost-center": format!("{}", 4000 + i % 100), "stage": "production"});
    let spec = json!({
        "cluster_name": format!("nightly \"etl\" {i}"), "spark_version": "15.4.x-scala2.12", "spark_conf": settings, "aws_attributes": aws,
        "node_type_id": "i3.xlarge", "driver_node_type_id": "i3.2xlarge", "custom_tags": tags, "autotermination_minutes": 120,
        "enable_elastic_disk": true, "autoscale": {"min_workers": 2, "max_workers": 8}, "data_security_mode": "USER_ISOLATION",
        "policy_id": "E0631F5C0D0006D6", "runtime_engine": "PHOTON", "spark_env_vars": {"PYSPARK_PYTHON": "/databricks/python3/bin/python3"},
    });
    json!({
        "cluster_id": id, "creator_user_name": "ada@example.com", "spark_context_id": 4_020_997_813_441_462_i64 + i as i64,
        "driver": node(0), "executors": [node(1), node(2), node(3)], "cluster_name": format!("nightly \"etl\" {i}"),
        "spark_version": "15.4.x-scala2.12", "spark_conf": settings, "aws_attributes": aws, "node_type_id": "i3.xlarge",
        "driver_node_type_id": "i3.2xlarge", "custom_tags": tags, "autotermination_minutes": 120, "enable_elastic_disk": true,
        "cluster_source": "UI", "enable_local_disk_encryption": false, "instance_source": {"node_type_id": "i3.xlarge"},
        "driver_instance_source": {"node_type_id": "i3.2xlarge"}, "effective_spark_version": "15.4.x-scala2.12", "state": "RUNNING",
        "state_message": "", "start_time": 1_714_557_600_000_u64, "last_state_loss_time": 0, "last_activity_time": 1_714_557_900_000_u64,
        "num_workers": 3, "cluster_memory_mb": 124_928, "cluster_cores": 16.0, "runtime_engine": "PHOTON", "jdbc_port": 10000,
        "data_security_mode": "USER_ISOLATION", "policy_id": "E0631F5C0D0006D6", "autoscale": {"min_workers": 2, "max_workers": 8, "target_workers": 3},
        "init_scripts": [{"workspace": {"destination": "/Shared/init/certificates.sh"}}, {"volumes": {"destination": "/Volumes/main/default/init/agent.sh"}}],
        "default_tags": {"Vendor": "Databricks", "Creator": "ada@example.com", "ClusterName": format!("nightly \"etl\" {i}"), "ClusterId": id},
        "spark_env_vars": {"PYSPARK_PYTHON": "/databricks/python3/bin/python3"}, "spec": spec,
        "disk_spec": {"disk_type": {"ebs_volume_type": "GENERAL_PURPOSE_SSD"}, "disk_count": 3, "disk_size": 100},
        "init_scripts_safe_mode": false, "pinned_by_user_name": "3401478490056118",
    })
}

/// The response to a statement with so many rows.
pub(crate) fn statement(rows: usize) -> Value {
    let kinds = [
        ("id", "LONG", "BIGINT"),
        ("name", "STRING", "STRING"),
        ("amount", "DOUBLE", "DOUBLE"),
        ("active", "BOOLEAN", "BOOLEAN"),
    ];
    let kinds = kinds.into_iter().chain([("day", "DATE", "DATE"), ("comment", "STRING", "STRING")]).enumerate();
    let columns: Vec<Value> = kinds
        .map(|(position, (name, short, long))| json!({"name": name, "position": position, "type_name": short, "type_text": long}))
        .collect();
    let data: Vec<Value> = (0..rows)
        .map(|i| {
            let comment = if i % 3 == 0 { Value::Null } else { json!(format!("said \"{i}\" and went on")) };
            json!([
                i.to_string(),
                format!("customer {i:06}"),
                format!("{}.25", i * 3),
                (i % 2 == 0).to_string(),
                format!("2024-05-{:02}", i % 28 + 1),
                comment
            ])
        })
        .collect();
    json!({
        "statement_id": "01ef1234-5678-1abc-9def-0123456789ab",
        "status": {"state": "SUCCEEDED"},
        "manifest": {
            "format": "JSON_ARRAY", "schema": {"column_count": 6, "columns": columns}, "total_chunk_count": 1,
            "chunks": [{"chunk_index": 0, "row_offset": 0, "row_count": rows}], "total_row_count": rows, "truncated": false,
        },
        "result": {"chunk_index": 0, "row_offset": 0, "row_count": rows, "data_array": data},
    })
}
