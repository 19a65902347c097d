//! A cluster as a user describes it, checked.

use serde_json::{Map, Value, json};

use super::catalog::{self, NodeType};
use crate::extract::{Fields, missing};
use crate::reply::ApiError;

const SECURITY_MODES: [&str; 10] = [
    "DATA_SECURITY_MODE_AUTO",
    "DATA_SECURITY_MODE_DEDICATED",
    "DATA_SECURITY_MODE_STANDARD",
    "LEGACY_PASSTHROUGH",
    "LEGACY_SINGLE_USER",
    "LEGACY_SINGLE_USER_STANDARD",
    "LEGACY_TABLE_ACL",
    "NONE",
    "SINGLE_USER",
    "USER_ISOLATION",
];
const ENGINES: [&str; 3] = ["NULL", "PHOTON", "STANDARD"];
const OBJECTS: [&str; 10] = [
    "aws_attributes",
    "azure_attributes",
    "gcp_attributes",
    "cluster_log_conf",
    "custom_tags",
    "docker_image",
    "driver_node_type_flexibility",
    "worker_node_type_flexibility",
    "workload_type",
    "spark_env_vars",
];
const TEXTS: [&str; 7] = [
    "cluster_name",
    "driver_instance_pool_id",
    "driver_node_type_id",
    "instance_pool_id",
    "policy_id",
    "single_user_name",
    "node_type_id",
];
const FLAGS: [&str; 4] = ["enable_elastic_disk", "enable_local_disk_encryption", "is_single_node", "use_ml_runtime"];

#[derive(Clone, Debug)]
pub(super) struct Spec {
    /// What was sent, less what the platform does not know.
    members: Map<String, Value>,
    pub(super) name: String,
    pub(super) num_workers: i64,
    pub(super) autotermination_minutes: i64,
}

impl Spec {
    pub(super) fn new(fields: &Fields, id: &str) -> Result<Self, ApiError> {
        let version = fields.str("spark_version")?;
        if !catalog::has_spark_version(version) {
            return Err(ApiError::invalid_parameter(format!("Invalid spark version {version}.")));
        }
        let mut members = Map::new();
        for name in TEXTS {
            if let Some(text) = fields.opt_str(name)? {
                members.insert(name.to_owned(), json!(text));
            }
        }
        for name in FLAGS {
            if let Some(flag) = fields.opt_bool(name)? {
                members.insert(name.to_owned(), json!(flag));
            }
        }
        for name in OBJECTS {
            if let Some(object) = fields.opt_object(name)? {
                members.insert(name.to_owned(), Value::Object(object.0));
            }
        }
        if let Some(conf) = fields.opt_object("spark_conf")? {
            members.insert("spark_conf".to_owned(), Value::Object(conf.0));
        }
        for name in ["init_scripts", "ssh_public_keys"] {
            if let Some(list) = fields.opt_list(name)? {
                members.insert(name.to_owned(), Value::Array(list.to_vec()));
            }
        }
        for (name, allowed) in [
            ("data_security_mode", SECURITY_MODES.as_slice()),
            ("runtime_engine", ENGINES.as_slice()),
            ("kind", &["CLASSIC_PREVIEW"]),
        ] {
            if let Some(value) = fields.opt_enum(name, allowed)? {
                members.insert(name.to_owned(), json!(value));
            }
        }
        members.insert("spark_version".to_owned(), json!(version));

        let pooled = fields.opt_str("instance_pool_id")?.is_some();
        match fields.opt_str("node_type_id")? {
            None if !pooled => return Err(missing("node_type_id")),
            Some(node) if catalog::node_type(node).is_none() => {
                return Err(ApiError::invalid_parameter(format!("Node type {node} is not supported.")));
            }
            _ => {}
        }
        let autotermination_minutes = fields.opt_i64("autotermination_minutes")?.unwrap_or(0);
        if autotermination_minutes != 0 && !(10..=10_000).contains(&autotermination_minutes) {
            return Err(ApiError::invalid_parameter(format!(
                "autotermination_minutes must be 0 or between 10 and 10000, got {autotermination_minutes}"
            )));
        }
        let mut spec = Self {
            name: fields.opt_str("cluster_name")?.unwrap_or_default().to_owned(),
            num_workers: 0,
            autotermination_minutes,
            members,
        };
        if autotermination_minutes != 0 {
            spec.members.insert("autotermination_minutes".to_owned(), json!(autotermination_minutes));
        }
        let single = fields.opt_bool("is_single_node")?.unwrap_or(false);
        let sized = fields.opt_i64("num_workers")?.is_some() || fields.opt_object("autoscale")?.is_some();
        if sized || !single {
            spec.resize(fields)?;
        }
        if spec.name.is_empty() {
            // The platform names clusters that come without a name after their identifier.
            spec.name = format!("cluster {id}");
        }
        Ok(spec)
    }

    /// Takes `num_workers` or `autoscale` from `fields`, exactly one of which has to be there.
    pub(super) fn resize(&mut self, fields: &Fields) -> Result<(), ApiError> {
        match (fields.opt_i64("num_workers")?, fields.opt_object("autoscale")?) {
            (Some(n), None) if (0..=100_000).contains(&n) => {
                self.num_workers = n;
                self.members.remove("autoscale");
                self.members.insert("num_workers".to_owned(), json!(n));
            }
            (None, Some(scale)) => {
                let min = scale.opt_i64("min_workers")?.unwrap_or(0);
                let max = scale.opt_i64("max_workers")?.unwrap_or(0);
                if min < 0 || max <= min {
                    return Err(ApiError::invalid_parameter("autoscale needs max_workers greater than min_workers"));
                }
                self.num_workers = min;
                self.members.remove("num_workers");
                self.members.insert("autoscale".to_owned(), json!({"min_workers": min, "max_workers": max}));
            }
            (Some(n), None) => {
                return Err(ApiError::invalid_parameter(format!("num_workers must be between 0 and 100000, got {n}")));
            }
            (Some(_), Some(_)) => {
                return Err(ApiError::invalid_parameter("Only one of num_workers and autoscale can be given"));
            }
            (None, None) => return Err(missing("num_workers or autoscale")),
        }
        Ok(())
    }

    pub(super) fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    pub(super) fn node_type(&self) -> Option<&'static NodeType> {
        catalog::node_type(self.members.get("node_type_id")?.as_str()?)
    }

    /// The size as events show it.
    pub(super) fn size_details(&self) -> Value {
        json!({
            "current_num_workers": self.num_workers,
            "target_num_workers": self.num_workers,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<Spec, ApiError> {
        Spec::new(&Fields::parse(body.as_bytes()).unwrap(), "x")
    }

    #[test]
    fn mistakes_are_named() {
        for (body, text) in [
            (r#"{}"#, "spark_version"),
            (r#"{"spark_version": "1.0"}"#, "Invalid spark version 1.0"),
            (r#"{"spark_version": "15.4.x-scala2.12"}"#, "node_type_id"),
            (r#"{"spark_version": "15.4.x-scala2.12", "node_type_id": "x"}"#, "Node type x"),
            (r#"{"spark_version": "15.4.x-scala2.12", "node_type_id": "m5d.large"}"#, "num_workers or autoscale"),
            (r#"{"spark_version": "15.4.x-scala2.12", "node_type_id": "m5d.large", "num_workers": "many"}"#, "integer"),
            (
                r#"{"spark_version": "15.4.x-scala2.12", "node_type_id": "m5d.large", "num_workers": 1, "autotermination_minutes": 5}"#,
                "between 10",
            ),
        ] {
            let e = parse(body).unwrap_err();
            assert!(e.message().contains(text), "{body}: {}", e.message());
        }
    }

    #[test]
    fn a_single_node_needs_no_size() {
        let spec =
            parse(r#"{"spark_version": "15.4.x-scala2.12", "node_type_id": "m5d.large", "is_single_node": true}"#)
                .unwrap();
        assert_eq!(spec.num_workers, 0);
        assert_eq!(spec.name, "cluster x");
    }
}
